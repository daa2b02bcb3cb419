"""GitHub Actions around act: which workflows an event starts, with which token, and what became of them."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from fakehub import warm
from fakehub.act import STUBS, ActError, ActRun
from fakehub.bare import GITHUB
from fakehub.entities import Access, Artifact, Check, Event, JobResult, Run, Token, TokenKind
from fakehub.errors import ApiError
from fakehub.expressions import evaluate
from fakehub.patterns import skips_ci
from fakehub.played import play
from fakehub.schemas import stamp
from fakehub.workflow_file import WorkflowFile, workflow_files
from fakehub.workflow_rules import (
    ACTION,
    DISPATCHES,
    act_document,
    all_uses,
    check_name,
    checked_inputs,
    group_of,
    is_first,
    is_started,
    job_permissions,
    run_context,
    runs_on,
    token_inputs,
    uses_of_actions,
    waits_for_approval,
)

if TYPE_CHECKING:
    from fakehub.hub import Hub
    from fakehub.repo import Repo


@dataclass
class Queued:
    """A run that waits for its turn."""

    repo: Repo
    file: WorkflowFile
    event: Event
    run: Run
    group: str
    cancels: bool


class Engine:
    """Tests may set what an installation has: `labels`, `env`, `secrets`, `variables`, `actions`, `app`."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.labels = ["ubuntu-latest", "ubuntu-24.04", "ubuntu-22.04"]
        """Labels that some runner has; a job that asks for another fails the test."""
        self.groups: list[str] = []
        """Groups of runners that the organization has."""
        self.env: dict[str, str] = {}
        """Of each step, beside what GitHub sets. `ROLLOUT_NOW` is always the hub's clock."""
        self.secrets: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.actions: dict[str, Path] = {}
        """`owner/name@pin` -> a folder that stands for that repository, beside the stubs in `actions/`."""
        self.app: Token | None = None
        """What create-github-app-token hands out."""
        self.offline: set[str] = set()
        """Labels whose runners are all away. A run with a job for one stays queued, and holds its concurrency
        group: one more run waits for it, whose place the next one takes (docs.github.com, "Control the
        concurrency of workflows and jobs"; queueing is no part of `timeout-minutes`)."""
        self._lines: dict[str, list[Queued]] = {}
        """Concurrency group -> the run that waits for a runner, and the one that waits for it."""
        self.run_jobs: Callable[[ActRun], list[JobResult]] = play
        """How the jobs of a run go: `run_act` is as near to GitHub as can be, and slow."""

    # --- events ------------------------------------------------------------------------------------------

    def emit_workflow_dispatch(
        self, repo: Repo, actor: Token, workflow: str, ref: str, inputs: Mapping[str, Any]
    ) -> Event:
        """Raises ApiError 422 for inputs that the workflow does not take, as GitHub does."""
        branch = ref.removeprefix("refs/heads/")
        sha = repo.bare.branch(branch)
        if sha is None:
            raise ApiError(422, f"No ref found for: {ref}")
        file = next((one for one in workflow_files(repo, sha) if one.path == workflow), None)
        if file is None or "workflow_dispatch" not in file.triggers:
            raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
        if workflow in repo.disabled_workflows:
            raise ApiError(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
        given = checked_inputs(file.triggers["workflow_dispatch"].get("inputs") or {}, inputs)
        payload = repo.payload(actor, {"ref": f"refs/heads/{branch}", "inputs": given, "workflow": workflow})
        event = Event(
            "workflow_dispatch", repo.full_name, actor, payload, branch=branch, sha=sha, workflow=workflow
        )
        self.hub.emit(event)
        return event

    def emit_repository_dispatch(
        self, repo: Repo, actor: Token, kind: str, client_payload: Mapping[str, Any]
    ) -> Event:
        more = {"action": kind, "branch": repo.default_branch, "client_payload": dict(client_payload)}
        event = self._on_default(repo, "repository_dispatch", actor, more, action=kind)
        self.hub.emit(event)
        return event

    def _on_default(
        self,
        repo: Repo,
        name: str,
        actor: Token,
        more: dict[str, Any],
        *,
        action: str = "",
        workflow: str = "",
    ) -> Event:
        sha = repo.bare.branch(repo.default_branch)
        assert sha is not None
        return Event(
            name,
            repo.full_name,
            actor,
            repo.payload(actor, more),
            action=action,
            branch=repo.default_branch,
            sha=sha,
            workflow=workflow,
        )

    def tick_schedule(self, repo: Repo, workflow: str) -> Run:
        """Fails the test when the workflow has no schedule, or is disabled."""
        path = f".github/workflows/{Path(workflow).name}"
        file = self._file(repo, path)
        assert "schedule" in file.triggers, f"{path} has no schedule"
        assert path not in repo.disabled_workflows, f"{path} is disabled"
        cron = file.triggers["schedule"][0]["cron"]
        actor = self.hub.person(repo.owner, repo, Access.ADMIN)
        event = self._on_default(repo, "schedule", actor, {"schedule": cron}, workflow=path)
        return self._one(self.deliver(event))

    def dispatch(self, repo: Repo, workflow: str, inputs: Mapping[str, str], login: str, ref: str) -> Run:
        """Raises ApiError 422 for inputs that the workflow does not take."""
        actor = self.hub.person(login, repo, max(repo.access_of(login), Access.WRITE))
        path = f".github/workflows/{Path(workflow).name}"
        event = self.emit_workflow_dispatch(repo, actor, path, ref, inputs)
        self.hub.outbox.remove(event)
        return self._one(self.deliver(event))

    def _one(self, runs: list[Run]) -> Run:
        assert len(runs) == 1, f"{len(runs)} runs instead of one"
        return runs[0]

    def _file(self, repo: Repo, path: str) -> WorkflowFile:
        for file in workflow_files(repo, repo.default_branch):
            if file.path == path:
                return file
        raise AssertionError(f"{repo.full_name} has no {path}")

    # --- delivery ----------------------------------------------------------------------------------------

    def settle(self, rounds: int) -> list[Run]:
        """Returns runs that came of the outbox. Fails the test when events come without end."""
        runs: list[Run] = []
        for _ in range(rounds):
            with self.hub.lock:
                events, self.hub.outbox[:] = list(self.hub.outbox), []
            if not events:
                return runs
            runs += self._run_all([queued for event in events for queued in self._started_by(event)])
        raise AssertionError(f"events still lead to events after {rounds} rounds")

    def deliver(self, event: Event) -> list[Run]:
        return self._run_all(self._started_by(event))

    def approve(self, repo: Repo, run: Run) -> Run:
        """Approves a waiting run, as a person does."""
        assert run.conclusion == "action_required"
        return self._again(repo, run)

    def rerun(self, repo: Repo, run: Run) -> Run:
        """Runs it once more: same commit, same event, the artifacts of the first attempt still there."""
        run.attempt += 1
        return self._again(repo, run)

    def _again(self, repo: Repo, run: Run) -> Run:
        assert run.caused_by is not None
        revision = run.commit or run.sha
        file = next(one for one in workflow_files(repo, revision) if one.path == run.workflow)
        self._execute(Queued(repo, file, run.caused_by, run, "", False))
        return run

    def _started_by(self, event: Event) -> list[Queued]:
        repo = self.hub.repos[event.repo]
        by_run = event.actor.kind is TokenKind.RUN
        if by_run and event.name not in DISPATCHES and not waits_for_approval(event):
            return []
        commit = self._commit_for(repo, event)
        if commit is None or (
            event.name in ("push", "pull_request") and skips_ci(repo.bare.commit(event.sha).message)
        ):
            return []
        queued = []
        for file in workflow_files(repo, commit):
            if not is_started(file, event) or file.path in repo.disabled_workflows:
                continue
            run = self._new_run(repo, file, event, commit)
            if by_run and waits_for_approval(event):
                run.status, run.conclusion = "completed", "action_required"
                continue
            group, cancels = group_of(file, run, self._variables(event))
            queued.append(Queued(repo, file, event, run, group, cancels))
        return queued

    def _commit_for(self, repo: Repo, event: Event) -> str | None:
        """Returns the commit whose workflow files count; None when nothing starts."""
        if event.name == "pull_request":
            return self._merge_commit(repo, event)
        if event.name == "push":
            return event.sha or None
        return event.sha or repo.bare.branch(repo.default_branch)

    def _merge_commit(self, repo: Repo, event: Event) -> str | None:
        """Returns `refs/pull/N/merge`; None for a conflict, for which GitHub starts nothing."""
        number = event.payload["number"]
        base = repo.bare.branch(event.branch)
        assert base is not None
        commit = base
        if not repo.bare.contains(base, event.sha):
            tree = repo.bare.merged_tree(base, event.sha)
            if tree is None:
                return None
            message = f"Merge {event.sha} into {base}"
            commit = repo.bare.write_commit(tree, [base, event.sha], message, GITHUB, self.hub.clock.now())
        repo.bare.update_ref(f"refs/pull/{number}/merge", commit)
        repo.bare.update_ref(f"refs/pull/{number}/head", event.sha)
        return commit

    def _new_run(self, repo: Repo, file: WorkflowFile, event: Event, commit: str) -> Run:
        number = 1 + sum(run.workflow == file.path for run in repo.runs)
        branch = event.head_branch or event.branch.removeprefix("refs/heads/") or repo.default_branch
        run = Run(
            self.hub.next_id(),
            number,
            file.path,
            file.name,
            event.name,
            branch,
            event.sha or commit,
            event.actor.account,
            self.hub.clock.now(),
            event.payload,
            commit=commit,
            caused_by=event,
            title=evaluate(str(file.document.get("run-name", "")), run_context(file, event)),
        )
        repo.runs.append(run)
        return run

    def _run_all(self, queued: list[Queued]) -> list[Run]:
        """Runs events that came together: of each concurrency group the first, and the last that waits."""
        for index, one in enumerate(queued):
            rivals = [other for other in queued[index + 1 :] if one.group and other.group == one.group]
            is_running = not any(other.group == one.group for other in queued[:index])
            if rivals and (one.cancels or not is_running):
                one.run.status, one.run.conclusion = "completed", "cancelled"
        for one in queued:
            if one.run.conclusion is None and not self._is_held_up(one):
                self._execute(one)
        return [one.run for one in queued]

    def _is_held_up(self, queued: Queued) -> bool:
        """Returns whether it has to wait: for a runner, or for a run of its group that does."""
        line = self._lines.get(queued.group, []) if queued.group else []
        if line:
            for replaced in line[1:]:
                replaced.run.status, replaced.run.conclusion = "completed", "cancelled"
            line[1:] = [queued]
            queued.run.status = "pending"
            return True
        context = {"inputs": queued.run.payload.get("inputs") or {}, "vars": self.variables, "matrix": {}}
        jobs = queued.file.document["jobs"].values()
        labels = {one for job in jobs if is_first(job) for one in runs_on(job["runs-on"], context)[1]}
        if self.offline.isdisjoint(labels):
            return False
        self._lines[queued.group or str(queued.run.id)] = [queued]
        return True

    def comes_back(self, label: str) -> list[Run]:
        """Brings a runner with the label back, which takes what has waited for it."""
        self.offline.remove(label)
        lines, self._lines = self._lines, {}
        return [run for line in lines.values() for one in line for run in self._run_all([one])]

    # --- one run -----------------------------------------------------------------------------------------

    def _execute(self, queued: Queued) -> None:
        repo, run, file = queued.repo, queued.run, queued.file
        run.status, run.conclusion = "in_progress", None
        scratch = self.hub.folder / "runs" / f"{run.id}-{run.attempt}"
        scratch.mkdir(parents=True)
        clone = self._clone(repo, run, scratch)
        tokens = self._tokens(repo, file, run)
        rewritten = scratch / Path(file.path).name
        actions = self._actions(file, clone)
        document = act_document(file, tokens, token_inputs(file, clone, actions), self._refusing(repo, run))
        rewritten.write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")
        try:
            jobs = self.run_jobs(
                ActRun(
                    run.event,
                    clone,
                    rewritten,
                    scratch,
                    run.payload,
                    run.actor.login,
                    tokens[""].value,
                    self.labels,
                    actions,
                    self._run_env(repo, run),
                    {} if _is_of_fork(run) else self.secrets,
                    self._variables(run.caused_by),
                )
            )
        finally:
            for token in tokens.values():
                self.hub.tokens.pop(token.value, None)
            shutil.rmtree(scratch / "cache", ignore_errors=True)
        self._check_labels(file, run, jobs)
        self._finish(repo, run, file, jobs)

    def _variables(self, event: Event | None) -> dict[str, str]:
        """Returns those of the repository; a fork's pull request gets none."""
        return {} if event is not None and event.from_fork else self.variables

    def _refusing(self, repo: Repo, run: Run) -> set[str]:
        """Returns environments that do not let the run in.

        Rules name branches and tags, and a pull request's merge is neither
        (docs.github.com: "Managing environments for deployment", branch names).
        """
        restricted = {name: one for name, one in repo.environments.items() if one.restricted}
        if run.event == "pull_request" and not run.ref.startswith("refs/heads/"):
            return set(restricted)
        branch = run.ref.removeprefix("refs/heads/")
        return {name for name, one in restricted.items() if one.branches and branch not in one.branches}

    def _clone(self, repo: Repo, run: Run, scratch: Path) -> Path:
        """Clones the repository at the run's commit; only its actions where the jobs are played."""
        clone = scratch / "clone"
        if self.run_jobs is play:
            repo.bare.write_files(run.commit, ".github/actions", clone)
            return clone
        quiet = ["-c", "advice.detachedHead=false"]
        subprocess.run(
            ["git", "clone", "--quiet", "--shared", "--no-checkout", str(repo.bare.path), str(clone)],
            check=True,
        )
        subprocess.run(
            ["git", *quiet, "-C", str(clone), "checkout", "--quiet", "--detach", run.commit], check=True
        )
        return clone

    def _tokens(self, repo: Repo, file: WorkflowFile, run: Run) -> dict[str, Token]:
        """Maps job to its token; under "" what all jobs share, for `github.token` inside an action."""
        given = {key: job_permissions(repo, file.document, job) for key, job in file.document["jobs"].items()}
        if _is_of_fork(run):
            given = {key: dict.fromkeys(one, "read") for key, one in given.items()}
        common = {
            scope: min(
                (one.get(scope, "none") for one in given.values()), key=("none", "read", "write").index
            )
            for one in given.values()
            for scope in one
        }
        return {
            key: self.hub.run_token(repo, permissions, f"{run.id}-{run.attempt}/{key}")
            for key, permissions in {**given, "": common}.items()
        }

    def _run_env(self, repo: Repo, run: Run) -> dict[str, str]:
        env = {
            **repo.address(),
            "GITHUB_REPOSITORY_OWNER": repo.owner,
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_RUN_NUMBER": str(run.number),
            "GITHUB_RUN_ATTEMPT": str(run.attempt),
            "ROLLOUT_NOW": stamp(self.hub.clock.now()) or "",
            "FAKEHUB_ARTIFACTS": str(self.artifact_folder(run).parent),
            "FAKEHUB_APP_TOKEN": self.app.value if self.app else "",
            "FAKEHUB_CACHE": str(self.hub.folder / "cache"),
            "FAKEHUB_WARM": "" if self.run_jobs is play else warm.serve(),
        }
        env |= {"GITHUB_REF": run.ref, "GITHUB_SHA": run.commit}
        return {**env, **self.env}

    def artifact_folder(self, run: Run) -> Path:
        """Returns where the artifacts of a run are, each as `NAME.zip`; a test may add its own."""
        folder = self.hub.folder / "artifacts" / str(run.id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _actions(self, file: WorkflowFile, clone: Path) -> dict[str, Path]:
        """Returns every action that the workflow, and the repository's own actions, use.
        Raises ActError for one without a stub, or that is not pinned to a commit.
        """
        found: dict[str, Path] = {}
        wanted = all_uses(file.document, clone)
        while wanted:
            used = wanted.pop(0)
            match = ACTION.fullmatch(used)
            if match is None:
                raise ActError(f"{file.path}: cannot read `uses: {used}`")
            pin = f"{match['owner']}/{match['name']}@{match['pin']}"
            folder = self.actions.get(pin, STUBS / f"{match['owner']}__{match['name']}")
            if not folder.is_dir():
                raise ActError(f"{file.path}: no stub for `uses: {used}` in {STUBS.name}/")
            if not re.fullmatch(r"[0-9a-f]{40}", match["pin"]):
                raise ActError(f"{file.path}: `uses: {used}` is not pinned by a full SHA")
            if pin not in found:
                found[pin] = folder
                wanted += uses_of_actions(folder)
        return found

    def _check_labels(self, file: WorkflowFile, run: Run, jobs: list[JobResult]) -> None:
        """Fails for labels that act mistakes: it mixes up `runs-on: ${{ matrix.x }}`, and knows no groups."""
        inputs = run.payload.get("inputs") or {}
        for job in jobs:
            raw = file.document["jobs"][job.key]["runs-on"]
            context = {"matrix": job.matrix, "vars": self.variables, "inputs": inputs}
            group = ""
            with contextlib.suppress(ValueError):
                group, job.labels = runs_on(raw, context)
            if group and group not in self.groups:
                raise ActError(f"{file.path}: job {job.name}: there is no group {group}")
            if unknown := set(job.labels) - set(self.labels):
                raise ActError(f"{file.path}: job {job.name}: no runner has that label: {', '.join(unknown)}")

    def _finish(self, repo: Repo, run: Run, file: WorkflowFile, jobs: list[JobResult]) -> None:
        started = {job.key for job in jobs}
        jobs += [JobResult(0, key, key, "skipped") for key in file.document["jobs"] if key not in started]
        conclusions = {job.conclusion for job in jobs}
        run.jobs = jobs
        run.status, run.updated_at = "completed", self.hub.clock.now()
        run.conclusion = next((word for word in ("failure", "cancelled") if word in conclusions), "success")
        if conclusions == {"skipped"}:
            run.conclusion = "skipped"
        now = self.hub.clock.now()
        for job in jobs:
            job.id = self.hub.next_id()
            repo.checks.append(
                Check(
                    job.id,
                    run.sha,
                    check_name(file, job),
                    "completed",
                    job.conclusion,
                    run.created_at,
                    now,
                    run.id,
                    "github-actions",
                    run.workflow.rpartition("/")[2],
                )
            )
        self._collect_artifacts(repo, run)

    def _collect_artifacts(self, repo: Repo, run: Run) -> None:
        known = {one.name for one in repo.artifacts if one.run_id == run.id}
        for file in sorted(self.artifact_folder(run).glob("*.zip")):
            if file.stem not in known:
                repo.artifacts.append(
                    Artifact(
                        self.hub.next_id(),
                        run.id,
                        file.stem,
                        file.read_bytes(),
                        self.hub.clock.now(),
                        run.sha,
                        run.branch,
                    )
                )


def artifact_files(artifact: Artifact) -> dict[str, bytes]:
    """Maps name to content of what is in an artifact."""
    with zipfile.ZipFile(io.BytesIO(artifact.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _is_of_fork(run: Run) -> bool:
    return run.caused_by is not None and run.caused_by.from_fork
