"""`rollout tick`: collect, perform and reconcile on one machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from rollout.commands.reconcile.report import Report
from rollout.core.decide.applying import due
from rollout.core.observation import Evidence, Observation, Results
from rollout.core.state import UNDER_WAY, TrainState
from rollout.errors import RolloutError
from rollout.ports import PatientClock

MOST_ROUNDS = 5
"""How often one tick performs and reconciles: a rollback asks for one thing after the other."""


def tick(
    state: TrainState,
    perform: Callable[[TrainState], Results | None],
    collect: Callable[[TrainState], Observation],
    reconcile: Callable[[Sequence[Evidence]], Report],
) -> list[Report]:
    """Carries out what is pending, reads the surfaces, decides, and carries out what that asks for.

    The work and a percent's flag file come before the reading, because a reading from before a percent was
    applied counts for nothing.
    Nothing is read where no release is under way. Work that failed is left to the next tick. Returns what
    each reconcile found and did, at least one.
    """
    reports = [reconcile([])] if _has_number_to_write(state) else []
    if reports:
        state = reports[0].state
    results = perform(state)
    evidence: list[Evidence] = [results] if results is not None else []
    if state.rollout.outcome in UNDER_WAY:
        evidence.append(collect(state))
    reports.append(reconcile(evidence))
    while len(reports) < MOST_ROUNDS and not _has_failed(results):
        results = perform(reports[-1].state)
        if results is None:
            break
        reports.append(reconcile([results]))
    return reports


def _has_number_to_write(state: TrainState) -> bool:
    """Returns whether reconcile has to bring a percent to a flag file, or may after entering a phase."""
    apply, rollout, status = state.contract.apply, state.rollout, state.status
    if apply is None or apply.flag_file is None or rollout.outcome not in UNDER_WAY:
        return False
    return status is None or status.phase != rollout.phase or due(state) is not None


def watch(
    clock: PatientClock,
    tick: Callable[[], float],
    *,
    failed: Callable[[RolloutError], None],
    waits: Callable[[datetime], None],
) -> None:
    """Ticks again and again until somebody interrupts the wait between two ticks.

    `tick` returns the seconds from its beginning to that of the next one. The first has to succeed. `failed`
    is told when a later one fails, and the next is as far away as before.
    """
    began = clock.now()
    interval = tick()
    while _wait(clock, began + timedelta(seconds=interval), waits):
        began = clock.now()
        try:
            interval = tick()
        except RolloutError as error:
            failed(error)


def _wait(clock: PatientClock, until: datetime, waits: Callable[[datetime], None]) -> bool:
    """Returns whether nobody interrupted it."""
    try:
        waits(until)
        clock.wait(max(0, (until - clock.now()).total_seconds()))
    except KeyboardInterrupt:
        return False
    return True


def _has_failed(results: Results | None) -> bool:
    return results is not None and not all(result.ok for result in results.results)
