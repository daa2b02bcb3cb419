"""What a workflow file says of its runs: what starts one, its group, runners, inputs, permissions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakehub.entities import Event, JobResult, Run, Token
from fakehub.errors import ApiError
from fakehub.expressions import evaluate, value_of, with_token
from fakehub.patterns import matches
from fakehub.workflow_file import WorkflowFile, read

if TYPE_CHECKING:
    from fakehub.repo import Repo


ACTION = re.compile(r"(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?P<path>/[^@]*)?@(?P<pin>\S+)")


def waits_for_approval(event: Event) -> bool:
    """Returns whether a person must approve it: so for pull requests made with a run's own token."""
    return event.name == "pull_request" and event.action in ("opened", "synchronize", "reopened")


def is_first(job: Mapping[str, Any]) -> bool:
    return not job.get("needs")


def run_context(file: WorkflowFile, event: Event) -> dict[str, Any]:
    github = {"workflow": file.name, "event_name": event.name, "actor": event.actor.account.login}
    return {"github": github, "inputs": event.payload.get("inputs") or {}}


def is_started(file: WorkflowFile, event: Event) -> bool:
    if event.workflow and file.path != event.workflow:
        return False
    if event.name not in file.triggers:
        return False
    filters = file.triggers[event.name]
    return event.name in ("schedule", "workflow_dispatch") or matches(event, filters)


def runs_on(raw: Any, context: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Returns the group and the labels of a job's `runs-on`, in each of its forms."""
    value = value_of(raw, context) if isinstance(raw, str) and raw.startswith("${{") else raw
    if isinstance(value, dict):
        return str(value.get("group", "")), runs_on(value.get("labels") or [], context)[1]
    listed = value if isinstance(value, list) else [value]
    return "", [label for one in listed if (label := evaluate(str(one), context))]


def check_name(file: WorkflowFile, job: JobResult) -> str:
    """Returns the job's `name`, which a rule requires; with an expression or a matrix, the run's name for it.

    GitHub's documentation, "Troubleshooting required status checks".
    """
    name = str(file.document["jobs"].get(job.key, {}).get("name", ""))
    return job.name if not name or job.matrix or "${{" in name else name


def group_of(file: WorkflowFile, run: Run, variables: Mapping[str, str]) -> tuple[str, bool]:
    """Returns the group (with the workflow's name expanded) and whether a newer run cancels."""
    raw = file.document.get("concurrency")
    if raw is None:
        return "", False
    settings = raw if isinstance(raw, dict) else {"group": raw}
    github = {
        "workflow": file.name,
        "sha": run.sha,
        "ref": run.ref,
        "ref_name": run.ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
        "repository": run.payload.get("repository", {}).get("full_name"),
        "head_ref": run.branch if run.event == "pull_request" else "",
        "run_id": run.id,
        "event_name": run.event,
        "event": run.payload,
        "actor": run.actor.login,
    }
    context = {"github": github, "inputs": run.payload.get("inputs") or {}, "vars": variables}
    return evaluate(str(settings["group"]), context), settings.get("cancel-in-progress") is True


def checked_inputs(declared: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, str]:
    """Returns what a dispatched workflow gets, as strings. Raises ApiError 422."""
    if unknown := given.keys() - declared.keys():
        raise ApiError(422, f"Unexpected inputs provided: {sorted(unknown)}")
    result = {}
    for name, raw in declared.items():
        rule = raw or {}
        value = given.get(name, rule.get("default"))
        if rule.get("required") and value in (None, ""):
            raise ApiError(422, f"Required input '{name}' not provided")
        if rule.get("type") == "choice" and name in given and value not in rule["options"]:
            raise ApiError(
                422, f"Provided value '{value}' for input '{name}' not in the list of allowed values"
            )
        result[name] = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return result


def job_permissions(repo: Repo, document: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, str]:
    """Maps scope to level, of the token that a job gets."""
    raw = job.get("permissions", document.get("permissions"))
    scopes = ("actions", "checks", "contents", "issues", "pull_requests", "statuses")
    if raw is None:
        raw = "write-all" if repo.default_workflow_permissions == "write" else {"contents": "read"}
    if isinstance(raw, str):
        return {**dict.fromkeys(scopes, raw.removesuffix("-all")), "metadata": "read"}
    return {**{name.replace("-", "_"): level for name, level in (raw or {}).items()}, "metadata": "read"}


def act_document(
    file: WorkflowFile,
    tokens: Mapping[str, Token],
    token_inputs: Mapping[str, list[str]],
    refusing: Collection[str] = (),
) -> dict[str, Any]:
    """Writes the file for act: each job with its own token, and no environment, which act barely supports.

    A job in an environment that refuses the run fails before its first step.
    """
    jobs = {}
    for key, job in file.document["jobs"].items():
        whole = with_token(job, tokens[key].value, token_inputs)
        environment = whole.pop("environment", None)
        name = environment.get("name") if isinstance(environment, dict) else environment
        if name in refusing:
            why = f"the environment protection rules of {name} do not allow this ref"
            whole["steps"] = [{"run": f"echo '::error::{why}' && exit 1"}]
        jobs[key] = whole
    return {**file.document, "jobs": jobs}


def token_inputs(file: WorkflowFile, clone: Path, actions: Mapping[str, Path]) -> dict[str, list[str]]:
    """Maps `uses:` to the inputs of that action whose default is the token."""
    found = {}
    for used in {str(step["uses"]) for step in _steps(file.document) if "uses" in step}:
        match = ACTION.fullmatch(used)
        if match is not None:
            folder = actions[f"{match['owner']}/{match['name']}@{match['pin']}"] / (
                match["path"] or ""
            ).strip("/")
        else:
            folder = clone / used
        for path in sorted(folder.glob("action.y*ml")):
            inputs = read(path.read_bytes()).get("inputs") or {}
            found[used] = [
                name for name, rule in inputs.items() if "github.token" in str((rule or {}).get("default"))
            ]
    return found


def all_uses(document: Mapping[str, Any], clone: Path) -> list[str]:
    found = [str(step["uses"]) for step in _steps(document) if "uses" in step]
    found += uses_of_actions(clone)
    return [used for used in dict.fromkeys(found) if not used.startswith("./")]


def uses_of_actions(folder: Path) -> list[str]:
    """Returns what the actions that a repository holds call in their turn."""
    found = []
    for action in sorted(folder.glob(".github/actions/*/action.y*ml")):
        steps = read(action.read_bytes())["runs"].get("steps") or []
        found += [str(step["uses"]) for step in steps if "uses" in step]
    return found


def _steps(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [step for job in document["jobs"].values() for step in job.get("steps") or []]


DISPATCHES = ("workflow_dispatch", "repository_dispatch")
