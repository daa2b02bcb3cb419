"""Evidence that somebody hands in: put in order, and refused when it cannot be of this rollout."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rollout.core.advance import why_ignored
from rollout.core.observation import MAX_FUTURE, Evidence, Observation, Results, merge_round
from rollout.core.state import UNDER_WAY, TrainState
from rollout.core.values import format_duration, format_instant
from rollout.errors import InputError

_HINT_COLLECT = "collect again with: rollout collect --output FILE"
_HINT_ROUND = "hand over only what this run's jobs collected, with --round RUN-ATTEMPT"


def check_run(evidence: Sequence[Evidence], run: str) -> None:
    """Raises InputError for an observation that another run of the workflow made.

    Results need no such check: they answer a request that names its attempt.
    """
    for item in evidence:
        if isinstance(item, Observation) and item.round.partition("-")[0] != run:
            what = f"{item.kind} of {format_instant(item.finished_at)}"
            raise InputError(f"{what} is of round {item.round}, not of run {run}", hint=_HINT_ROUND)


def in_order(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Results first, then one observation a round, oldest first. Raises InputError for a torn round."""
    rounds: dict[str, list[Observation]] = {}
    results: list[Results] = []
    for item in evidence:
        if isinstance(item, Observation):
            rounds.setdefault(item.round, []).append(item)
        else:
            results.append(item)
    try:
        merged = [merge_round(parts) for parts in rounds.values()]
    except ValueError as error:
        raise InputError(str(error), hint="give the files of one collection only") from error
    results.sort(key=lambda result: result.finished_at)
    merged.sort(key=lambda observation: observation.started_at)
    return [*results, *merged]


def check_evidence(item: Evidence, state: TrainState, now: datetime) -> None:
    """Raises InputError for evidence of another train, release or contract, or from the future."""
    what = f"{item.kind} of {format_instant(item.finished_at)}"
    if item.train != state.train:
        raise InputError(f"{what} is of train {item.train}, not {state.train}", hint=_HINT_COLLECT)
    status = state.status
    if status is None or state.rollout.outcome not in UNDER_WAY:
        return
    if (item.release, item.commit) != (status.release, status.commit):
        of = f"{item.release} at {item.commit[:12]}" if item.commit else "no release"
        raise InputError(
            f"{what} is of {of}, the rollout is of {status.release} at {status.commit[:12]}",
            hint=_HINT_COLLECT,
        )
    ahead = item.finished_at - now
    if ahead > MAX_FUTURE:
        hint = "set the clock of the machine that collected it"
        raise InputError(f"{what} is {format_duration(ahead.total_seconds())} in the future", hint=hint)
    if isinstance(item, Results) or item.contract_digest == state.contract_digest:
        return
    if not why_ignored(status, state.contract, item):
        raise InputError(f"{what} was made under another contract", hint=_HINT_COLLECT)
