"""Metrics servers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rollout.core.contract.metrics import Metrics
from rollout.core.surfaces.metrics.answers import Answer
from rollout.core.surfaces.metrics.questions import Question


class MetricsServers(Protocol):
    """Whoever the contract's queries are asked."""

    def ask(
        self, metrics: Metrics, questions: Sequence[Question], *, timeout: int
    ) -> Mapping[Question, Answer]:
        """Returns the answer to each question; one that could not be had says why. Never raises for a server.

        `timeout`: seconds until all must have been answered.
        """

    def stop(self) -> None:
        """Ends every request and begins no other: a person interrupted."""
