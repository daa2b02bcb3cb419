"""REST: dispatches, workflows, runs, jobs and artifacts."""

from __future__ import annotations

from typing import Any

from fakehub import shapes
from fakehub.entities import Artifact, Run
from fakehub.errors import ApiError
from fakehub.repo import Repo
from fakehub.routing import Answer, Request, route
from fakehub.workflow_file import WorkflowFile, workflow_files

R = "/repos/{owner}/{repo}"
READ = "actions:read"
WRITE = "actions:write"


def _workflow(request: Request) -> WorkflowFile:
    """Finds it by number, file name or path. Raises ApiError 404."""
    repo, wanted = request.repo, request.params["workflow"]
    for file in workflow_files(repo, repo.default_branch):
        if wanted in (file.path, file.path.rsplit("/", 1)[-1], str(request.hub.workflow_id(file.path))):
            return file
    raise ApiError(404, "Not Found")


def _run(request: Request) -> Run:
    for run in request.repo.runs:
        if str(run.id) == request.params["run"]:
            return run
    raise ApiError(404, "Not Found")


@route(f"POST {R}/dispatches", needs="contents:write", body="ReposOwnerRepoDispatchesPostBody", status=204)
def repository_dispatch(request: Request) -> Any:
    repo, body = request.repo, request.body
    request.hub.engine.emit_repository_dispatch(
        repo, request.token, body["event_type"], body.get("client_payload") or {}
    )


@route(
    f"POST {R}/actions/workflows/{{workflow}}/dispatches",
    needs=WRITE,
    body="ReposOwnerRepoActionsWorkflowsWorkflowIdDispatchesPostBody",
    status=204,
)
def workflow_dispatch(request: Request) -> Any:
    body = request.body
    request.hub.engine.emit_workflow_dispatch(
        request.repo, request.token, _workflow(request).path, body["ref"], body.get("inputs") or {}
    )


@route(
    f"GET {R}/actions/workflows",
    needs=READ,
    answers="ReposOwnerRepoActionsWorkflowsGetResponse200",
    wrap="workflows",
)
def list_workflows(request: Request) -> Any:
    """Lists each file of every branch once, as if its branch were the default one (cli/cli#3296)."""
    repo = request.repo
    branches = [
        *(ref.removeprefix("refs/heads/") for ref in repo.bare.refs("refs/heads/")),
        repo.default_branch,
    ]
    files = {file.path: file for branch in branches for file in workflow_files(repo, branch)}
    return [shapes.workflow(repo, file.path, file.name) for file in files.values()]


@route(f"GET {R}/actions/workflows/{{workflow}}", needs=READ, answers="Workflow")
def get_workflow(request: Request) -> Any:
    file = _workflow(request)
    return shapes.workflow(request.repo, file.path, file.name)


@route(f"PUT {R}/actions/workflows/{{workflow}}/enable", needs=WRITE, status=204)
def enable_workflow(request: Request) -> Any:
    request.repo.disabled_workflows.discard(_workflow(request).path)


def _listed(repo: Repo, runs: list[Run], query: dict[str, str]) -> Any:
    for key, value in (("event", "event"), ("branch", "branch"), ("head_sha", "sha")):
        if key in query:
            runs = [run for run in runs if getattr(run, value) == query[key]]
    if "status" in query:
        runs = [run for run in runs if query["status"] in (run.status, run.conclusion)]
    return [shapes.run(repo, run) for run in reversed(runs)]


@route(
    f"GET {R}/actions/workflows/{{workflow}}/runs",
    needs=READ,
    answers="ReposOwnerRepoActionsRunsGetResponse200",
    wrap="workflow_runs",
)
def list_workflow_runs(request: Request) -> Any:
    path = _workflow(request).path
    return _listed(request.repo, [run for run in request.repo.runs if run.workflow == path], request.query)


@route(
    f"GET {R}/actions/runs",
    needs=READ,
    answers="ReposOwnerRepoActionsRunsGetResponse200",
    wrap="workflow_runs",
)
def list_runs(request: Request) -> Any:
    return _listed(request.repo, request.repo.runs, request.query)


@route(f"GET {R}/actions/runs/{{run}}", needs=READ, answers="WorkflowRun")
def get_run(request: Request) -> Any:
    return shapes.run(request.repo, _run(request))


@route(
    f"GET {R}/actions/runs/{{run}}/jobs",
    needs=READ,
    answers="ReposOwnerRepoActionsRunsRunIdJobsGetResponse200",
    wrap="jobs",
)
def list_jobs(request: Request) -> Any:
    run = _run(request)
    return [shapes.job(request.repo, run, job) for job in run.jobs]


@route(f"GET {R}/actions/jobs/{{job}}", needs=READ, answers="Job")
def get_job(request: Request) -> Any:
    for run in request.repo.runs:
        for job in run.jobs:
            if str(job.id) == request.params["job"]:
                return shapes.job(request.repo, run, job)
    raise ApiError(404, "Not Found")


@route(
    f"GET {R}/actions/runs/{{run}}/artifacts",
    needs=READ,
    answers="ReposOwnerRepoActionsRunsRunIdArtifactsGetResponse200",
    wrap="artifacts",
)
def list_run_artifacts(request: Request) -> Any:
    run, repo = _run(request), request.repo
    return [shapes.artifact(repo, one) for one in repo.artifacts if one.run_id == run.id]


@route(
    f"GET {R}/actions/artifacts",
    needs=READ,
    answers="ReposOwnerRepoActionsArtifactsGetResponse200",
    wrap="artifacts",
)
def list_artifacts(request: Request) -> Any:
    repo, name = request.repo, request.query.get("name")
    return [shapes.artifact(repo, one) for one in reversed(repo.artifacts) if name in (None, one.name)]


def _artifact(request: Request) -> Artifact:
    for one in request.repo.artifacts:
        if str(one.id) == request.params["artifact"]:
            return one
    raise ApiError(404, "Not Found")


@route(f"GET {R}/actions/artifacts/{{artifact}}", needs=READ, answers="Artifact")
def get_artifact(request: Request) -> Any:
    return shapes.artifact(request.repo, _artifact(request))


@route(f"GET {R}/actions/artifacts/{{artifact}}/zip", needs=READ)
def download_artifact(request: Request) -> Any:
    """Returns the bytes at once, where GitHub redirects to a signed address."""
    return Answer(200, raw=_artifact(request).content, headers={"Content-Type": "application/zip"})
