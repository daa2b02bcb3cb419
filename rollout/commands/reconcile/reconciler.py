"""`rollout reconcile`: fold evidence, decide, and make the forge look as decided. Safe to run at any time.

Each step is committed before anything else happens because of it, and each act on the forge is
planned from what the forge shows, so a run that was killed is finished by the next one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from rollout.commands.commit_state import ATTEMPTS, step_message, writable
from rollout.commands.reconcile.channel_pull_requests import statuses
from rollout.commands.reconcile.channel_results import answer, left_over
from rollout.commands.reconcile.facts import FactFinder
from rollout.commands.reconcile.incident import Responder
from rollout.commands.reconcile.percent import PercentWriter
from rollout.commands.reconcile.promotions import PromotionPullRequests
from rollout.commands.reconcile.report import Report, StepCommit
from rollout.commands.reconcile.revert_facts import RevertFinder
from rollout.commands.reconcile.signoff_comments import SignoffDesk
from rollout.commands.targets import TargetLookup
from rollout.core.decide import applying
from rollout.core.decide.advance import advance
from rollout.core.decide.intake import take_in
from rollout.core.decide.requests import ignored, prefix_of
from rollout.core.decide.step import Step
from rollout.core.decide.streaks import running
from rollout.core.decide.succession import why_ignored
from rollout.core.decorations import Decorations
from rollout.core.files import CHANNEL, SIGNOFF
from rollout.core.forge import PullRequest
from rollout.core.observation import Evidence, Results
from rollout.core.rollback.effects import plan_revert
from rollout.core.state import UNDER_WAY, Event, Outcome, StateChange, TrainState
from rollout.core.state.changes import applied
from rollout.core.values import format_instant
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError, RolloutError
from rollout.ports import Clock, Forge, StateStore

_MOST_STEPS = 25
"""Steps between two pieces of evidence, far more than are ever needed: a bug must not commit indefinitely."""


class Reconciler:
    """One run of reconcile on one train."""

    def __init__(
        self,
        store: StateStore,
        forge: Forge,
        clock: Clock,
        promotion_body: Callable[[TrainState, str], str],
        *,
        responder: Responder | None = None,
        desk: SignoffDesk | None = None,
        targets: TargetLookup | None = None,
        percent: PercentWriter | None = None,
        decorations: Decorations | None = None,
        dry_run: bool = False,
    ) -> None:
        """`promotion_body` takes the train and the state commit that the pull request's branch is made on.

        Without a `responder` a rollback goes no further than its state: nothing is reverted, nobody is told.
        Without a `desk` nobody is heard on the checklist's issue. `targets` finds a rollback's target that
        could not be looked up when a person named it. Without `percent` no flag file is written.
        `decorations` is told of what could not be shown.
        """
        self._desk = desk
        self._targets = targets
        self._percent = percent
        self._store = store
        self._forge = forge
        self._now = clock.now()
        self._dry_run = dry_run
        self._responder = responder
        self._is_brake = False
        self._reverts = _revert_finder(responder) if responder is not None else None
        self._decorations = decorations or Decorations()
        self._pulls = PromotionPullRequests(
            store, forge, promotion_body, self._decorations, at=self._now, dry_run=dry_run
        )

    def run(self, train: str, evidence: Sequence[Evidence], *, workflow: str = "") -> Report:
        """Raises InputError for evidence that cannot be of this rollout, or none of which can be believed,
        before anything is written. Where some can it is folded in, and the report says why the rest is not.
        `workflow` as in `take_in`.

        Once everything is recorded each vital act is made though another one failed, then each decoration;
        raises OutsideError at the end for a vital act that failed.
        """
        report = Report(self._latest(train))
        report.broken = report.state.stood_in_for
        was_ready = report.is_ready
        believed, of_rollout, report.refused = take_in(evidence, report.state, self._now, workflow=workflow)
        queue = deque(self._from_outside(report, of_rollout))
        finder = FactFinder(self._forge, self._reverts, self._desk)
        self._close_percents_left_over(report.state)  # the next step can forget the request that opened one
        if report.state.rollout.outcome is Outcome.ROLLING_BACK:
            queue.extendleft(self._bring_percent(report))  # before anything slow
        try:
            self._take_what_people_said(report, believed, finder)
        except (RefusedError, InputError, OutsideError):
            if not self._brakes(report.state, queue, finder):
                raise
        self._advance(report, queue, finder)
        self._advance(report, deque(self._bring_percent(report)), finder)
        pulls = self._pulls.keep(report, was_ready=was_ready)
        if (
            self._responder is not None
            and self._reverts is not None
            and self._revert(report, self._responder, self._reverts)
        ):
            pulls = self._pulls.keep(report, was_ready=was_ready) or pulls
        self._decorate(report, pulls)
        if self._pulls.failed:
            raise self._pulls.failed[0]
        return report

    def _take_what_people_said(
        self, report: Report, evidence: Sequence[Evidence], finder: FactFinder
    ) -> None:
        self._answer_channel(report, evidence)
        if self._desk is not None:
            # Facts first: they say which commit's statuses come with the listing that issues are read from.
            finder.facts(report.state)
            self._hear(report, self._desk)
        if self._targets is not None:
            self._look_up_target(report, self._targets)

    def _answer_channel(self, report: Report, evidence: Sequence[Evidence]) -> None:
        """Records the results that the channel waits for."""
        for item in evidence:
            if report.state.is_broken(CHANNEL):
                break  # the request stays open, and is answered again
            self._take_while_it_moves(report, partial(answer, item))
            report.notes.extend(left_over(report.state, item))

    # --- state --------------------------------------------------------------------------------------------

    def _latest(self, train: str) -> TrainState:
        return self._store.load_for_brake(train, self._store.head())

    def _hear(self, report: Report, desk: SignoffDesk) -> None:
        """Records what people have said about the checklist, before anything is decided."""

        def heard(state: TrainState) -> Step | None:
            said = desk.hear(state)
            if said is None or not said.detail:
                return None
            return Step(Event.SIGNOFF, StateChange(signoff=said.signoff), said.detail)

        if not report.state.is_broken(SIGNOFF):
            self._take_while_it_moves(report, heard)

    def _look_up_target(self, report: Report, targets: TargetLookup) -> None:
        """Records that the target is found which was left to a later run, before its step is taken."""

        def found(state: TrainState) -> Step | None:
            try:
                return targets.step(state, self._now)
            except RolloutError as error:
                report.notes.append(f"{error.message}; {error.hint}")
                return None

        self._take_while_it_moves(report, found)

    def _take_while_it_moves(self, report: Report, step_of: Callable[[TrainState], Step | None]) -> None:
        """Takes one step, worked out anew when the branch has moved. Raises HeadMovedError in the end."""
        for attempt in range(1, ATTEMPTS + 1):
            step = step_of(report.state)
            if step is None:
                return
            try:
                self._take(report, step)
            except HeadMovedError:
                if attempt == ATTEMPTS:
                    raise
                report.state = self._latest(report.state.train)
            else:
                return

    def _advance(self, report: Report, queue: deque[Evidence], finder: FactFinder) -> None:
        moved = in_a_row = 0
        while True:
            item = queue[0] if queue else None
            try:
                if self._desk is not None and self._desk.must_look(report.state):
                    self._hear(report, self._desk)
                step = advance(report.state, item, finder.facts(report.state), self._now)
                if step is None:
                    if item is None:
                        return
                    report.notes.append(_note(item, report.state, self._now))
                    queue.popleft()
                    continue
                self._take(report, step)
            except HeadMovedError:
                moved += 1
                if moved >= ATTEMPTS:
                    raise
                report.state = self._latest(report.state.train)
                continue
            except (RefusedError, InputError, OutsideError):
                if not self._brakes(report.state, queue, finder):
                    raise
                continue
            if step.consumed:
                queue.popleft()
                report.notes.extend(_left_over(item, step))
            if step.event is Event.ROLLBACK:
                queue.extendleft(self._bring_percent(report))
            in_a_row = 0 if step.consumed else in_a_row + 1
            if in_a_row > _MOST_STEPS:
                raise AssertionError(f"reconcile does not come to rest: {step.event} again and again")

    def _from_outside(self, report: Report, evidence: Sequence[Evidence]) -> Iterator[Evidence]:
        """Yields evidence without results that only reconcile gives."""
        for item in evidence:
            left, told = applying.from_outside(report.state, item)
            report.notes.extend(told)
            if left is not None:
                yield left

    def _bring_percent(self, report: Report) -> Iterator[Results]:
        """Writes the percent in the contract's flag file; yields what was read back, or why that failed."""
        if self._percent is None or applying.due(report.state) is None:
            return

        def take(state: TrainState, step: Step) -> TrainState:
            report.state = state
            self._take(report, step)
            return report.state

        settled = self._percent.settle(report.state, take, self._now)
        report.state = settled.state
        if settled.effect is not None:
            report.effects.append(settled.effect)
        if settled.failure:
            told = f"the percent was not written, and is tried again by the next run: {settled.failure}"
            report.notes += [told] if told not in report.notes else []
        if settled.results is not None:
            yield settled.results

    def _close_percents_left_over(self, state: TrainState) -> None:
        if self._percent is None or not applying.may_leave_open(state):
            return
        try:
            self._percent.close_left_over(state, self._now)
        except RolloutError as error:
            told = f"closing pull requests that bring an old percent failed: {error.message}"
            hint = f"close those from branches {prefix_of(state.train)}* by hand: none may be merged"
            self._pulls.failed.append(OutsideError(told, hint=hint))

    def _brakes(self, state: TrainState, queue: Collection[Evidence], finder: FactFinder) -> bool:
        """Returns whether the run goes on after a refusal, as a brake.

        In the middle of what a person or another git has begun, or over their edits, nothing is committed but
        what stops a release.
        """
        if self._is_brake or not self._counts_for_a_trigger(state, queue, finder):
            return False
        self._is_brake = True
        return True

    def _counts_for_a_trigger(
        self, state: TrainState, queue: Collection[Evidence], finder: FactFinder
    ) -> bool:
        """Returns whether a trigger fires once all is folded in, or counts its checks otherwise: the next
        reading may fire it.
        """
        left, before = deque(queue), running(state.status)
        for _ in range(_MOST_STEPS * (len(queue) + 1)):
            step = advance(state, left[0] if left else None, finder.facts(state), self._now)
            if step is None and not left:
                return running(state.status) != before
            if step is not None and step.is_by_trigger:
                return True
            if step is None or step.consumed:
                left.popleft()
            if step is not None:
                state = applied(state, step.change, state.head)
        return False

    def _take(self, report: Report, step: Step) -> None:
        state, commit = report.state, None
        step = replace(step, change=writable(state, step.change))
        if not self._dry_run:
            text = step_message(state, step)
            is_frozen = (step.change.rollout or state.rollout).frozen is not None
            is_stop = step.change.rollout is not None or step.event is Event.APPLY
            is_brake = self._is_brake or (is_stop and is_frozen)
            commit = self._store.commit(
                state.train, step.change, text, parent=state.head, at=self._now, is_brake=is_brake
            )
        report.state = applied(state, step.change, commit or state.head)
        frozen = report.state.rollout.frozen
        if commit and frozen is not None and frozen.incident is not None and report.state.incident is None:
            # Somebody had hidden the incident, and the step has put back what names it.
            report.state = self._store.load_for_brake(state.train, commit)
        report.steps.append(StepCommit(step, commit))

    # --- a rollback ---------------------------------------------------------------------------------------

    def _revert(self, report: Report, responder: Responder, reverts: RevertFinder) -> bool:
        """Proposes or pushes the revert when its time has come, and records what came of it.

        Returns whether that recorded a step, which may change what open promotions are to be.
        """
        effect = plan_revert(report.state, reverts.fact(report.state))
        if effect is None:
            return False
        report.effects.append(effect)
        if self._dry_run:
            return False
        try:
            responder.revert(effect, report.state, self._now)
        except (RefusedError, OutsideError) as error:
            reverts.refused = error.message
            report.notes.append(f"the revert failed, and is tried again by the next run: {error.message}")
        steps = len(report.steps)
        self._advance(report, deque(), FactFinder(self._forge, self._reverts, self._desk))
        return len(report.steps) > steps

    # --- decorations --------------------------------------------------------------------------------------

    def _decorate(self, report: Report, pulls: Sequence[PullRequest]) -> None:
        self._decorations.attempt(partial(self._show_channel, report))
        if report.state.status is not None:
            self._pulls.show(report, report.state.status, pulls)
        if self._responder is not None:
            self._decorations.attempt(partial(self._tell, report, self._responder))
        if self._desk is not None:
            report.signoff_effects += self._desk.answer(report.state)
            report.notes += self._desk.notes

    def _show_channel(self, report: Report) -> None:
        for effect in statuses(self._store, self._forge, report.state):
            self._pulls.carry_out(report, effect)

    def _tell(self, report: Report, responder: Responder) -> None:
        for effect in responder.plan_issue(report.state):
            if self._dry_run or self._decorations.attempt(partial(responder.tell, effect, self._now)):
                report.effects.append(effect)


def _revert_finder(responder: Responder) -> RevertFinder:
    return RevertFinder(responder.reverter, pushes_workflows=responder.pushes_workflows)


def _left_over(item: Evidence | None, step: Step) -> Iterator[str]:
    """Yields what the step that took some of the results did not take."""
    if isinstance(item, Results) and step.change.status is not None:
        yield from ignored(step.change.status.requests, item.results)


def _note(item: Evidence, state: TrainState, now: datetime) -> str:
    what = f"{item.kind} of {format_instant(item.finished_at)} ignored: "
    if state.status is None or state.rollout.outcome not in UNDER_WAY:
        return what + f"the rollout is {state.rollout.outcome}"
    if isinstance(item, Results):
        return what + "it answers no pending request"
    return what + why_ignored(state.status, state.contract, item, now)
