"""`rollout history`: state commits, newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from rollout.core.channel.guards import bare
from rollout.core.edits import event_of
from rollout.core.files import ROLLOUT
from rollout.core.state import Event
from rollout.ports import LoggedCommit, StateStore


def history(store: StateStore, train: str, release: str | None, event: str | None) -> Iterator[LoggedCommit]:
    """Yields state commits, newest first, of one release or event where one is named.

    A commit whose message names no event, such as a squash that kept the title alone, has the event of what
    it did to rollout.yaml. A commit that only records in status.yaml that somebody froze or unfroze is left
    out: the freeze itself is an entry.
    """
    for entry in map(partial(_with_event, store, train), store.log(train)):
        if _only_records(entry):
            continue
        if release is not None and bare(entry.trailers.get("Rollout-Release", "")) != bare(release):
            continue
        if event is not None and entry.trailers.get("Rollout-Event") != event:
            continue
        yield entry


def _only_records(entry: LoggedCommit) -> bool:
    is_freeze = entry.trailers.get("Rollout-Event") in (Event.FREEZE, Event.UNFREEZE)
    return is_freeze and ROLLOUT not in entry.paths and not entry.is_cut


def _with_event(store: StateStore, train: str, entry: LoggedCommit) -> LoggedCommit:
    if "Rollout-Event" in entry.trailers or ROLLOUT not in entry.paths or not entry.parents or entry.is_cut:
        return entry
    *before, after = store.load_many(train, [*entry.parents, entry.commit])
    known = [state for state in before if not isinstance(state, Exception)]
    if isinstance(after, Exception) or not known or after.rollout in [state.rollout for state in known[1:]]:
        return entry  # what a merge brought along is told by the commit that it came from
    event, release = event_of(known[0], after.rollout), after.rollout.release
    if event is None or release is None:
        return entry
    trailers = {
        "Rollout-Event": event.value,
        "Rollout-Release": release.version,
        "Rollout-Phase": after.rollout.phase or "",
    }
    return replace(entry, trailers={**entry.trailers, **trailers}, is_worked_out=True)
