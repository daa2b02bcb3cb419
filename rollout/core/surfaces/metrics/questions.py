"""What a metrics server is asked: each query of the contract with its placeholders filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import assert_never

from rollout.core.contract import Contract
from rollout.core.contract.metrics import Datadog, JsonApi, Metrics, Part, Pick, Prometheus, Query
from rollout.core.state import Channel, Rollout
from rollout.core.surfaces.metrics import datadog_query, promql, url_path
from rollout.core.surfaces.metrics.holes import Hole, UnfilledError, filled
from rollout.core.values import format_duration

_NEWEST_WITHIN = 300
"""Seconds in which Datadog's newest point is looked for, where the contract does not say."""


@dataclass(frozen=True)
class Question:
    """One request to a metrics server."""

    text: str
    """The query, or the path, as it is sent."""
    window: int
    """Seconds that it looks back."""
    pick: str = ""
    """The JMESPath expression that finds the number in an HTTP answer."""

    @property
    def sent(self) -> str:
        """The question as people read it."""
        return f"{self.text} | {self.pick}" if self.pick else self.text


@dataclass(frozen=True)
class Asked:
    """One query over one window, and the questions that measure it."""

    name: str
    query: Query
    window: int
    is_further: bool
    """Whether a gate asks for this window beside the query's own."""
    questions: Mapping[Part, Question]
    why_not: str = ""
    """Why it cannot be asked."""

    @property
    def sent(self) -> str:
        """What is sent, as people read it: one line a part where there are several."""
        if set(self.questions) == {Part.VALUE}:
            return self.questions[Part.VALUE].sent
        return "\n".join(f"{part}: {question.sent}" for part, question in self.questions.items())

    @property
    def digest(self) -> str | None:
        """sha256 of the query as sent; None where it cannot be asked."""
        measured = (Part.VALUE, Part.GOOD, Part.TOTAL)
        sent = [question.sent for part, question in self.questions.items() if part in measured]
        return sha256("\n".join(sent).encode()).hexdigest() if sent else None


def values_of(contract: Contract, rollout: Rollout | None, channel: Channel | None) -> dict[str, str]:
    """Returns what placeholders stand for. Before there is a release: the current version, in the first phase
    at 0 %.
    """
    if rollout is not None and rollout.release is not None and rollout.phase is not None:
        values = {
            "version": rollout.release.version,
            "commit": rollout.release.commit,
            "phase": rollout.phase,
            "percent": str(rollout.canary_percent),
        }
        target = rollout.rollback_target
        return values | ({"baseline": target.version} if target is not None else {})
    current = channel.current_version if channel is not None else None
    values = {"phase": contract.phases[0].name, "percent": "0"}
    return values | ({"version": current, "baseline": current} if current is not None else {})


def plan(
    metrics: Metrics, values: Mapping[str, str], *, interval: int, windows: Mapping[str, Sequence[int]]
) -> list[Asked]:
    """Returns everything to ask, in the contract's order.

    `interval`: seconds of a window that the contract leaves out. `windows`: query -> seconds of further ones.
    """
    return [
        _asked(metrics, name, query, window, values, is_further=is_further)
        for name, query in metrics.queries.items()
        for window, is_further in (
            (query.window or usual_window(metrics, query, interval), False),
            *((each, True) for each in windows.get(name, ())),
        )
    ]


def usual_window(metrics: Metrics, query: Query, interval: int) -> int:
    """Returns the seconds that a query looks back where the contract does not say."""
    return _NEWEST_WITHIN if isinstance(metrics, Datadog) and not query.is_proportion else interval


def _asked(
    metrics: Metrics, name: str, query: Query, window: int, values: Mapping[str, str], *, is_further: bool
) -> Asked:
    filling = {**values, "window": window_text(metrics, window)}
    parts = {part: each for part, each in query.parts.items() if not is_further or part is not Part.SAMPLES}
    try:
        questions = {part: _question(metrics, each, window, filling) for part, each in parts.items()}
    except UnfilledError as problem:
        return Asked(name, query, window, is_further, {}, why_not=str(problem))
    return Asked(name, query, window, is_further, questions)


def _question(metrics: Metrics, asked: str | Pick, window: int, values: Mapping[str, str]) -> Question:
    text = asked.path if isinstance(asked, Pick) else asked
    sent = filled(text, list(holes_in(metrics, text)), values)
    if isinstance(asked, Pick):
        return Question(url_path.refuse_steps(sent), window, asked.pick)
    return Question(sent, window)


def holes_in(metrics: Metrics, text: str) -> Iterator[Hole]:
    """Yields the placeholders in a query or path of that provider."""
    match metrics:
        case Prometheus():
            return promql.holes(text)
        case Datadog():
            return datadog_query.holes(text)
        case JsonApi():
            return url_path.holes(text)
        case _:
            assert_never(metrics)


def window_text(metrics: Metrics, seconds: int) -> str:
    """Returns how the provider writes a duration."""
    match metrics:
        case Prometheus():
            return promql.duration(seconds)
        case Datadog():
            return str(seconds)
        case JsonApi():
            return format_duration(seconds)
        case _:
            assert_never(metrics)
