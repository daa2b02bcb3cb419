"""What must hold of the history of state, told without the code that makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.core.rollback.quarantine import find
from rollout.core.state import Outcome, Result, TrainState, Verdict
from rollout.core.values import seconds_between
from rollout.ports import LoggedCommit
from tests.stories.town import TRAIN, Town

PASSING = (Result.SATISFIED, Result.NOT_APPLICABLE)
STOPPED = (Outcome.ROLLING_BACK, Outcome.ROLLED_BACK, Outcome.WITHDRAWN)


@dataclass(frozen=True)
class Link:
    """One commit of the history with the train before and after it."""

    entry: LoggedCommit
    before: TrainState
    after: TrainState

    @property
    def event(self) -> str:
        return self.entry.trailers.get("Rollout-Event", "")


class History:
    """Judges each commit of state once."""

    def __init__(self, town: Town) -> None:
        self._store = YamlStore(Git(town.path))
        self._seen: str | None = None
        self._entry_at: datetime | None = None
        """When desired state last changed its phase."""
        self._sources: dict[str, datetime] = {}
        """Each surface's newest word of the phase, in its own time."""
        self._legal_phase: tuple[str | None, str | None] = (None, None)

    def look(self) -> None:
        """Judge what was committed since the last look."""
        head = self._store.head()
        entries = list(self._store.log(TRAIN, since=self._seen))[::-1]
        states = list(
            self._store.load_many(TRAIN, [e for entry in entries for e in (entry.parent or "", entry.commit)])
        )
        for number, entry in enumerate(entries):
            before, after = states[2 * number : 2 * number + 2]
            if not isinstance(before, Exception) and not isinstance(after, Exception):
                self._judge(Link(entry, before, after))
        self._seen = head

    def _judge(self, link: Link) -> None:
        if link.event == "start":
            _nothing_quarantined_starts(link)
        if link.event == "enter":
            _a_promotion_was_due(link)
        _phases_go_on_one_by_one(link)
        self._soak_is_no_longer_than_the_news(link)

    def _soak_is_no_longer_than_the_news(self, link: Link) -> None:
        """A phase has earned at most what the slowest surface's own clock has advanced in it."""
        status, rollout = link.after.status, link.after.rollout
        if status is None or rollout.release is None:
            return
        if link.event in ("start", "enter"):
            self._entry_at, self._sources = status.decided_at, {}
        seen = status.observation
        if self._entry_at is None or seen is None or seen.phase != status.phase:
            return
        for name, sample in seen.samples.items():
            if sample.updated_at is not None:
                self._sources[name] = max(sample.updated_at, self._sources.get(name, sample.updated_at))
        slowest = min(self._sources.get(name, self._entry_at) for name in link.after.contract.surfaces)
        assert status.soak.earned_seconds <= max(0, seconds_between(self._entry_at, slowest)), link.entry


def _nothing_quarantined_starts(link: Link) -> None:
    release = link.after.rollout.release
    assert release is not None
    assert find(link.before.quarantine, release.version, release.commit) is None, link.entry


def _a_promotion_was_due(link: Link) -> None:
    """Decided before, on gates that all held, without trigger, and frozen by nobody before the merge."""
    status = link.before.status
    assert status is not None
    assert status.decision.verdict is Verdict.PROMOTE, link.entry
    assert status.decision.to == link.before.rollout.phase, link.entry
    assert {finding.result for finding in status.gates} <= set(PASSING), link.entry
    assert not [finding for finding in status.triggers if finding.fired], link.entry
    frozen = link.before.rollout.frozen
    if frozen is not None:  # a person froze, and the step was merged before
        assert frozen.incident is None, link.entry
        assert link.after.status is not None, link.entry
        assert link.after.status.entry is not None, link.entry
        assert frozen.at >= link.after.status.entry, link.entry
    assert status.legal.frozen is None, link.entry
    soak = link.before.contract.phase(status.phase).soak
    assert not isinstance(soak, int) or status.soak.earned_seconds >= soak, link.entry


def _phases_go_on_one_by_one(link: Link) -> None:
    """Never skipped, never back, and none after the end."""
    if link.before.contract.phases != link.after.contract.phases:
        return
    names = [phase.name for phase in link.after.contract.phases]
    before, after = (state.status.phase if state.status else "" for state in (link.before, link.after))
    if link.event == "start":
        assert after == names[0], link.entry
    elif link.event == "enter":
        assert names.index(after) == names.index(before) + 1, link.entry
        assert link.before.status is not None
        assert link.before.status.legal.outcome not in STOPPED, link.entry
    elif link.event and link.before.status is not None and link.after.status is not None:
        assert after == before, link.entry
