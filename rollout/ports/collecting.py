"""Runs of rollout-collect and rollout-metrics, each of which reads surfaces on one runner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """How far a run is."""

    QUEUED = "queued"
    """It waits for a runner, or for another run of its concurrency group."""
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class CollectingRun:
    """A run of a workflow that may have collected."""

    label: str
    """The runner's, as the run's name has it; empty where that has none."""
    asked_at: datetime
    stage: Stage
    changed_at: datetime
    """When its stage changed last."""
    workflow: str
    """Path of its file."""
    event: str
    branch: str
    """Its head's."""
    repository: str
    """`owner/name` of its head's repository: another one for a fork; empty where that is gone."""


@dataclass(frozen=True)
class ArtifactNames:
    """What is left of a run's artifacts."""

    names: tuple[str, ...]
    expired: tuple[str, ...]


class Collector(Protocol):
    """Raises OutsideError where GitHub cannot be asked."""

    home: str
    """`owner/name` of the repository whose state is kept."""
    branch: str
    """The default branch, whose workflows collect."""

    def runs(self, workflow: str) -> Sequence[CollectingRun]:
        """Returns the latest runs of a workflow that reads, by the name of its file."""

    def run(self, number: str) -> CollectingRun | None:
        """Returns one run of any workflow; None when there is no such run."""

    def kept(self, number: str) -> ArtifactNames:
        """Returns the artifacts of a run."""

    def ask(self, workflow: str, label: str, runs_on: str) -> None:
        """Starts a run of the workflow on the runner of that name.

        `runs_on` is what its job says, as JSON; empty where the name is the label.
        """
