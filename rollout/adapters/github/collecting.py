"""Runs that read, on GitHub: asked for, listed, and looked up when one hands evidence over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from rollout.adapters.github.answers import Document, RefusedByGitHubError, parsed, within
from rollout.adapters.github.api import Api
from rollout.core.workflow_pin import READING_WORKFLOWS
from rollout.ports import ArtifactNames, CollectingRun, Stage

_RUNS = 50
"""As many are looked at: more than the runners that a train has."""
_NAMES = tuple(f"{workflow.removesuffix('.yml')} on " for workflow in READING_WORKFLOWS)
"""How the name of a run begins, before the label (`run-name` of the workflow)."""
_STAGES = {"completed": Stage.ENDED, "in_progress": Stage.RUNNING}
"""Every other status (queued, pending, waiting, requested) is that of a run that waits."""


class _Run(Document):
    display_title: str = ""
    path: str = ""
    event: str = ""
    status: str | None = None
    head_branch: str | None = None
    created_at: datetime
    updated_at: datetime
    head_repository: Annotated[str, within("full_name")] | None = None


class _Artifact(Document):
    name: str
    expired: bool = False


class GitHubCollector:
    """Asks in the run's own name: dispatching needs `actions: write`, which no App is asked to have."""

    def __init__(self, api: Api, token: str, branch: str) -> None:
        self.home = api.repository
        self.branch = branch
        self._api = api
        self._token = token

    def runs(self, workflow: str) -> Sequence[CollectingRun]:
        path = f"/repos/{self.home}/actions/workflows/{workflow}/runs"

        def listed() -> tuple[_Run, ...]:
            with self._hint_where_missing(workflow):
                answer = self._api.rest("GET", path, query={"per_page": _RUNS}, token=self._token)
            return parsed(tuple[_Run, ...], answer, "workflow_runs")

        return [_told(run) for run in self._api.decorate(f"listing the runs of {workflow}", listed)]

    def run(self, number: str) -> CollectingRun | None:
        path = f"/repos/{self.home}/actions/runs/{number}"

        def found() -> CollectingRun | None:
            try:
                return _told(parsed(_Run, self._api.rest("GET", path, token=self._token)))
            except RefusedByGitHubError as refusal:
                if refusal.status == 404:
                    return None
                raise

        return self._api.attempt(f"looking run {number} up", found)

    def kept(self, number: str) -> ArtifactNames:
        path = f"/repos/{self.home}/actions/runs/{number}/artifacts"

        def listed() -> tuple[_Artifact, ...]:
            return parsed(tuple[_Artifact, ...], self._api.rest("GET", path, token=self._token), "artifacts")

        found = self._api.decorate(f"listing the artifacts of run {number}", listed)
        return ArtifactNames(
            tuple(each.name for each in found if not each.expired),
            tuple(each.name for each in found if each.expired),
        )

    def ask(self, workflow: str, label: str, runs_on: str) -> None:
        path = f"/repos/{self.home}/actions/workflows/{workflow}/dispatches"
        body = {"ref": self.branch, "inputs": {"runner": label, **({"runs-on": runs_on} if runs_on else {})}}

        def dispatch() -> object:
            with self._hint_where_missing(workflow):
                return self._api.rest("POST", path, body=body, token=self._token)

        self._api.decorate(f"asking {workflow} for a reading on {label}", dispatch)

    @contextmanager
    def _hint_where_missing(self, workflow: str) -> Iterator[None]:
        try:
            yield
        except RefusedByGitHubError as refusal:
            if refusal.status == 404:
                refusal.hint = f"write {workflow} and merge it to {self.branch}: rollout init --workflows"
            raise


def _told(run: _Run) -> CollectingRun:
    title = run.display_title
    named = (title.removeprefix(name) for name in _NAMES if title.startswith(name))
    return CollectingRun(
        next(named, ""),
        run.created_at,
        _STAGES.get(run.status or "", Stage.QUEUED),
        run.updated_at,
        # GitHub may name the ref behind the path.
        run.path.partition("@")[0],
        run.event,
        run.head_branch or "",
        run.head_repository or "",
    )
