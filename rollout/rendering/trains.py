"""Every train of a branch, one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rollout.core.decide.pending import held_now
from rollout.core.state import Outcome, Rollout, Status, TrainState
from rollout.core.values import JsonValue, format_instant
from rollout.rendering.advice import needs_person, to_do
from rollout.rendering.gates import Style, no_style, progress, release_name
from rollout.rendering.inert import in_columns, line

Row = tuple[str, TrainState | None, list[str]]
"""A train, its state (None where it cannot be read), and what `advice` says about it."""


def advice(
    state: TrainState, *, now: datetime, pull_request: int | None, how_to_merge: Callable[[int | None], str]
) -> list[str]:
    """Returns what a person has to do about a train, as `status` says it."""
    merge = how_to_merge(pull_request)
    return to_do(held_now(state, now), now=now, pull_request=pull_request, merge=merge)


def list_view(rows: Sequence[Row], *, now: datetime, style: Style = no_style) -> str:
    """Renders a line a train, `shop  v1.4.0  canary 10 %, soak 5m of 15m  wait: ...`;
    at the end what is most urgent.
    """
    if not rows:
        return "no train needs anybody"
    table = [(train, *_standing(state, now), _most_urgent(told)) for train, state, told in rows]
    return "\n".join(_painted(text.strip(), style) for text in in_columns(table))


def list_document(rows: Sequence[Row], *, now: datetime) -> list[dict[str, JsonValue]]:
    """Returns one entry a train; `todo` is empty where nobody is needed, and all there is of an unreadable
    train.
    """
    return [_entry(train, state and held_now(state, now), told) for train, state, told in rows]


def _entry(train: str, state: TrainState | None, told: list[str]) -> dict[str, JsonValue]:
    rollout = _entered(state)[0] if state is not None else Rollout(train=train)
    frozen = rollout.frozen
    return {
        "train": train,
        "release": rollout.release.version if rollout.release else None,
        "phase": rollout.phase,
        "canary_percent": rollout.canary_percent,
        "outcome": rollout.outcome.value if state is not None else None,
        "frozen": {"reason": frozen.reason, "at": format_instant(frozen.at)} if frozen else None,
        "todo": [each for each in told if needs_person(each)],
    }


def _entered(state: TrainState) -> tuple[Rollout, Status | None]:
    """Returns the phase that was entered; a merged one stands beside it."""
    status = state.status
    return (status.entered(state.rollout) if status else state.rollout), status


def _standing(state: TrainState | None, now: datetime) -> tuple[str, str]:
    if state is None:
        return "?", "cannot be read"
    state = held_now(state, now)
    rollout, status = _entered(state)
    release = line(release_name(rollout.release.version)) if rollout.release else "no release"
    if rollout.outcome is not Outcome.IN_PROGRESS or rollout.phase is None:
        return release, rollout.outcome.replace("_", " ")
    soak = progress(state.contract.phase(rollout.phase), status)
    frozen = "FROZEN, " if rollout.frozen else ""
    return release, f"{frozen}{rollout.phase} {rollout.canary_percent} %, soak {soak.share}"


def _most_urgent(told: list[str]) -> str:
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return f"{told[0]}{more}" if told else ""


def _painted(text: str, style: Style) -> str:
    return text.replace("FROZEN", style("FROZEN", fg="red", bold=True), 1)
