"""What must hold of any history and of any world at rest, told without the code that makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from rollout.core.contract import RollbackStep, matching
from rollout.core.forge import PullRequestState, StatusState
from rollout.core.issue import IssueState
from rollout.core.observation import Observation
from rollout.core.state import Outcome, Result, Rollout, StepState, TrainState, Verdict
from rollout.core.values import seconds_between
from rollout.ports import LoggedCommit
from tests.fakes.store import PERSON, TOOL
from tests.world import PHASES, TAU, World

PASSING = (Result.SATISFIED, Result.NOT_APPLICABLE)
FAILING = ("degraded", "failing", "failure streak", "failure counter")
NEVER_HEALTHY = (*FAILING, "unreadable", "stale")
"""Moods of a round; whether others pass depends on the phase."""
CI_FAILURES = ("failure", "timed_out")
STOPPED = (Outcome.ROLLING_BACK, Outcome.ROLLED_BACK)
LEAVING = ("reopen", "rollback-cancel")
OF_THE_QUARANTINE = ("quarantine-add", "quarantine-lift")
OF_A_ROLLBACK = ("observe", "results", "rollback-step", "rollback-join", "rolled-back")


@dataclass(frozen=True)
class Link:
    """One commit of the history with the train before and after it."""

    entry: LoggedCommit
    before: TrainState
    after: TrainState

    @property
    def event(self) -> str:
        return self.entry.trailers.get("Rollout-Event", "")


class Oracle:
    """Follows one world's history; `moods` tells what each round of evidence really was."""

    def __init__(self, world: World, moods: dict[str, str]) -> None:
        self._world = world
        self._moods = moods
        self._seen: str | None = None
        self._folded: list[Observation] = []
        """The observations that were folded since the phase was entered."""
        self._edited_at = world.now
        """When a person, by a merge or by hand, last changed desired state."""
        self._entered: set[tuple[str, str]] = set()

    def look(self) -> None:
        """Judge every commit since the last look."""
        store = self._world.store
        entries = list(store.log(TAU, since=self._seen))[::-1]
        if self._seen is None:
            entries = entries[1:]
        for entry in entries:
            assert entry.parent is not None
            if _loads(self._world, entry.parent) and _loads(self._world, entry.commit):
                self._judge(Link(entry, store.load(TAU, entry.parent), store.load(TAU, entry.commit)))
        self._seen = store.head()

    def _judge(self, link: Link) -> None:
        if link.entry.author == PERSON and "rollout.yaml" in link.entry.paths:
            self._edited_at = link.entry.at
        if link.event == "start":
            self._folded = []
        if link.event in ("observe", "rollback", "undo-step", "illegal-step"):
            self._fold(link.after)
        self._phases(link)
        if link.event == "enter":
            if link.before.status is not None and link.before.status.merged_step is not None:
                self._waited_for_it(link)
            else:
                _promotion_was_due(link, self._edited_at)
            self._soak_was_full(link)
            self._folded = []
            if _reading(link) is not None:
                self._fold(link.after)
        if link.entry.author == TOOL:
            _a_withdrawal_is_of_what_nobody_had(link)
            _a_rollback_is_the_end(link)
            _only_completion_completes(link)
            _asks_for_what_is_legal(link)

    def _waited_for_it(self, link: Link) -> None:
        """It was decided when it was merged; a reading that it is entered by is healthy, and made in time."""
        status, reading = link.before.status, _reading(link)
        assert status is not None
        step = status.merged_step
        assert step is not None
        assert step.phase == link.before.rollout.phase
        frozen = link.before.rollout.frozen
        assert frozen is None or seconds_between(step.merged_at, frozen.at) >= 0
        assert not [finding for finding in status.triggers if finding.fired]
        failing = {finding.gate for finding in status.gates if finding.result is Result.UNSATISFIED}
        # A contract that changed meanwhile takes the credit, and the reading may earn it again.
        earned_again = {"soak"} if reading is not None else set()
        assert not failing - {gate for gate in failing if gate.startswith("ci_checks")} - earned_again
        limit = link.before.contract.max_gap(link.before.contract.phase(status.phase))
        if reading is None:
            last = self._folded[-1]
            by_then = seconds_between(last.started_at, step.until) >= 0
            assert seconds_between(step.decided_at, step.merged_at) <= limit or by_then
        else:
            assert seconds_between(reading.started_at, step.until) >= 0
            # in preflight only the harness, CI and the target are asked about
            assert status.phase == PHASES[0] or self._moods[reading.round] not in NEVER_HEALTHY

    def _fold(self, state: TrainState) -> None:
        observation = state.status.observation if state.status else None
        if observation is not None and observation not in self._folded[-1:]:
            self._folded.append(observation)

    def _phases(self, link: Link) -> None:
        """Never skipped, never back, each entered once."""
        before, after = _legal(link.before), _legal(link.after)
        if link.event == "start":
            assert after == 0
        elif link.event == "enter":
            assert after == before + 1
            assert link.after.rollout.release is not None
            key = (link.after.rollout.release.model_dump_json(), PHASES[after])
            assert key not in self._entered
            self._entered.add(key)
        elif link.event != "rollback" or link.before.rollout.release == link.after.rollout.release:
            assert after == before  # what completed before a withdrawn release can be rolled back too

    def _soak_was_full(self, link: Link) -> None:
        """As far as the rounds themselves tell: long enough, nothing bad within, healthy at the end."""
        phase = link.before.contract.phases[_legal(link.before)]
        mine = [each for each in self._folded if each.phase == phase.name]
        if not isinstance(phase.soak, int):
            return
        last = mine[-1]
        gaps = [seconds_between(one.started_at, two.started_at) for one, two in pairwise(mine)]
        assert sum(gap for gap in gaps if gap <= link.before.contract.max_gap(phase)) >= phase.soak
        # a reading that a merged step waited for comes after the phase's last one
        assert self._moods[(_reading(link) or last).round] not in NEVER_HEALTHY
        within = [o for o in mine if seconds_between(o.started_at, last.started_at) <= phase.soak]
        assert not {self._moods[each.round] for each in within[1:]} & set(FAILING)


def _reading(link: Link) -> Observation | None:
    """The observation that the commit folds."""
    before, after = link.before.status, link.after.status
    assert before is not None
    assert after is not None
    return after.observation if after.observation != before.observation else None


def _loads(world: World, commit: str) -> bool:
    (state,) = world.store.load_many(TAU, [commit])
    return not isinstance(state, Exception)


def _legal(state: TrainState) -> int:
    return PHASES.index(state.status.phase) if state.status else -1


def _promotion_was_due(link: Link, made_at: datetime) -> None:
    """Decided before, on gates that all held, without trigger or freeze, no longer ago than allowed."""
    status, contract = link.before.status, link.before.contract
    assert status is not None
    assert link.after.status is not None
    facts = link.after.status.facts
    phase = contract.phase(status.phase)
    assert status.decision.verdict is Verdict.PROMOTE
    assert status.decision.to == link.before.rollout.phase
    assert {finding.result for finding in status.gates} <= set(PASSING)
    assert not [finding for finding in status.triggers if finding.fired]
    _who_froze_came_later(link)
    assert status.legal.frozen is None
    failed = [check.name for check in facts.checks or () if check.conclusion in CI_FAILURES]
    if phase.name != PHASES[0]:
        assert not matching("Live smoke *", failed)
    assert 0 <= seconds_between(status.decision.at, made_at) <= contract.max_gap(phase)


def _who_froze_came_later(link: Link) -> None:
    """A person may have frozen after the merge; that stays."""
    frozen, after = link.before.rollout.frozen, link.after.status
    assert after is not None
    assert link.after.rollout.frozen == frozen
    if frozen is not None:
        merged_at = after.facts.merged_at
        before = link.before.status and link.before.status.merged_step
        assert frozen.incident is None
        assert before or (merged_at is not None and merged_at <= frozen.at)


def _a_rollback_is_the_end(link: Link) -> None:
    """Nothing is promoted any more; reconcile goes on with the rollback, and puts back what people change."""
    if link.before.status is None or link.before.status.legal.outcome not in STOPPED:
        return
    if link.event == "illegal-step":
        assert link.after.rollout == link.before.status.legal
    elif link.event in OF_A_ROLLBACK:
        _follows_the_runbook(link)
    elif link.event in OF_THE_QUARANTINE:
        assert (link.after.rollout, link.after.status) == (link.before.rollout, link.before.status)
    else:
        assert link.event in ("start", "channel", "freeze", "unfreeze", "signoff", *LEAVING, "rollback")
        assert link.event in LEAVING or link.before.rollout.outcome not in STOPPED


def _a_withdrawal_is_of_what_nobody_had(link: Link) -> None:
    """Nobody was exposed before, nothing is decided after, and the release leaves no mark on the next one."""
    if link.event == "withdraw":
        assert link.before.rollout.canary_percent == 0
        assert link.after.rollout.canary_percent == 0
        assert (link.after.quarantine, link.after.channel) == (link.before.quarantine, link.before.channel)
    if link.before.status is not None and link.before.status.legal.outcome is Outcome.WITHDRAWN:
        # Who edits rollout.yaml back may sign until the next reconcile.
        is_edited = link.before.rollout.outcome is not Outcome.WITHDRAWN
        others = ["signoff"] if is_edited else []
        if link.after.rollout.release != link.before.status.legal.release:
            others.append("rollback")  # of what everybody runs, which completed before
        assert link.event in ("start", "channel", "illegal-step", *OF_THE_QUARANTINE, *others, "")


def _follows_the_runbook(link: Link) -> None:
    """The freeze stays, and a step begins only when all before it are over."""
    before, after = link.before.incident, link.after.incident
    assert before is not None
    assert after is not None
    assert (after.id, after.steps[0]) == (before.id, before.steps[0])
    # What people edit meanwhile is put back by the next reconcile: what counts is what was last legal.
    assert link.before.status is not None
    assert link.after.status is not None
    assert link.after.status.legal.frozen == link.before.status.legal.frozen
    assert link.after.status.legal.canary_percent == 0
    over = [step.state.is_over for step in after.steps]
    begun = [step.attempts > 0 for step in after.steps]
    for number in range(1, len(over)):
        assert not begun[number] or all(over[:number])
    if link.event == "rolled-back":
        assert all(over)
        assert link.after.quarantine is not None
        assert [each.incident for each in link.after.quarantine.releases].count(after.id) == 1


def _only_completion_completes(link: Link) -> None:
    if link.event == "complete":
        assert link.before.status is not None
        assert link.before.status.decision.verdict is Verdict.COMPLETE
        assert link.before.rollout.phase == PHASES[-1]
    elif link.after.rollout.outcome is Outcome.COMPLETE and link.event != "rollback-cancel":
        assert link.before.status is not None
        assert Outcome.COMPLETE in (link.before.rollout.outcome, link.before.status.legal.outcome)


def _asks_for_what_is_legal(link: Link) -> None:
    status = link.after.status
    if status is not None:
        asked = {(request.phase, request.canary_percent) for request in status.requests}
        assert asked <= {(status.legal.phase, status.legal.canary_percent)}


# --- a world at rest --------------------------------------------------------------------------------------


def at_rest(world: World) -> None:
    """What holds once a reconcile has run to its end and nobody has done anything since."""
    state = world.state
    if state.status is None or state.rollout.release is None:
        return
    step = state.status.merged_step
    if step is None:
        assert state.rollout == state.status.legal
    else:
        frozen = {"frozen": state.rollout.frozen}
        assert state.status.entered(state.rollout) == state.status.legal.model_copy(update=frozen)
        assert (state.rollout.phase, state.status.decision.verdict) == (step.phase, Verdict.HOLD)
        assert world.now <= step.until
    _pulls_are_as_decided(world, state)
    _statuses_are_as_decided(world, state)
    _a_rollback_acted_once(world, state)


def _pulls_are_as_decided(world: World, state: TrainState) -> None:
    assert state.status is not None
    pulls = world.forge.open_pulls()
    assert len(pulls) <= 1
    if state.rollout.outcome is not Outcome.IN_PROGRESS or state.rollout.frozen is not None:
        assert not pulls
    elif state.status.decision.verdict is Verdict.PROMOTE:
        assert pulls
    for pull in pulls:
        after = PHASES[PHASES.index(state.status.phase) + 1]
        assert pull.head == f"rollout/tau/{state.status.release}/{after}"
        _only_moves_on(world.store.load(TAU, pull.base_sha).rollout, world, pull.head_sha, after)


def _only_moves_on(base: Rollout, world: World, head: str, phase: str) -> None:
    promoted = world.store.load(TAU, head).rollout
    changed = {key for key in Rollout.model_fields if getattr(base, key) != getattr(promoted, key)}
    assert changed == {"phase", "canary_percent"}
    assert promoted.phase == phase


def _a_rollback_acted_once(world: World, state: TrainState) -> None:
    """One issue an incident, one pull request a branch, and each there exactly when it is due."""
    heads = [pull.head for pull in world.reverter.pulls]
    keys = [issue.key for issue in world.issues.issues]
    assert len(heads) == len(set(heads))
    assert len(keys) == len(set(keys))
    incident = state.incident
    if incident is None:
        return
    told = [issue.state is IssueState.OPEN for issue in world.issues.issues if issue.key == incident.id]
    # What was called off before anybody looked is nobody's news.
    assert told == [incident.ended is None] or (incident.ended is not None and not told)
    mine = [pull for pull in world.reverter.pulls if pull.head.split("/")[-1].startswith(incident.id)]
    step = incident.step(RollbackStep.REVERT)
    assert bool(mine) <= (step.attempts > 0)
    if step.state is StepState.RUNNING and incident.ended is None:
        assert mine[-1].state is PullRequestState.OPEN
    if state.rollout.outcome is Outcome.ROLLED_BACK:
        assert incident.current is None
        assert world.forge.open_pulls() == []


def _statuses_are_as_decided(world: World, state: TrainState) -> None:
    assert state.status is not None
    for pull in world.forge.open_pulls():
        shown, _ = world.forge.shown[pull.head_sha]["rollout/tau"]
        is_green = state.status.decision.verdict is Verdict.PROMOTE
        assert (shown is StatusState.SUCCESS) == is_green
    release, _ = world.forge.shown[state.status.commit]["rollout/tau"]
    assert (release is StatusState.SUCCESS) == (state.rollout.outcome is Outcome.COMPLETE)
    if state.rollout.outcome in STOPPED:
        assert release is StatusState.FAILURE
