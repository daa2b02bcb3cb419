"""Metrics servers that answer what a test lays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rollout.core.contract.metrics import Metrics
from rollout.core.surfaces.metrics.answers import Answer
from rollout.core.surfaces.metrics.questions import Question


class FakeMetricsServers:
    """Answers by the text of the question."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.timeouts: list[int] = []
        self.is_stopped = False

    def ask(
        self, metrics: Metrics, questions: Sequence[Question], *, timeout: int
    ) -> Mapping[Question, Answer]:
        self.timeouts.append(timeout)
        return {each: self.answers[each.text] for each in questions}

    def stop(self) -> None:
        self.is_stopped = True
