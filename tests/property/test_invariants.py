"""What must always hold, searched for counter-examples over whole worlds."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollout.commands import quarantine
from rollout.commands.freeze import freeze
from rollout.commands.quarantine import ProductLookup
from rollout.commands.reconcile.report import Report
from rollout.commands.reopen import reopen
from rollout.commands.rollback import Dispatch, cancel, roll_back
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import verify
from rollout.commands.withdraw import withdraw
from rollout.core import completed, versions
from rollout.core.channel.guards import standing
from rollout.core.contract import RollbackStep
from rollout.core.files import ROLLOUT
from rollout.core.forge import PullRequestState
from rollout.core.observation import Evidence, Observation
from rollout.core.rollback.quarantine import find
from rollout.core.start import STARTABLE
from rollout.core.state import Freeze, Outcome, Rollout, TrainState, Verdict
from rollout.errors import InputError, RefusedError
from tests.examples import examples
from tests.fakes.store import PERSON
from tests.fakes.writes import KilledError, When
from tests.property.moods import MOOD, SURFACE, a_world_in, observe
from tests.property.oracle import Oracle, at_rest
from tests.world import CHECKS, COMMIT, OTHER_COMMIT, PEOPLE, PHASES, REVERTED, TAU, UNKNOWN_COMMIT, World

FAST = settings(max_examples=examples(60), stateful_step_count=40, suppress_health_check=list(HealthCheck))

WHEN = st.sampled_from(["before", "after"])
EDITS = (
    "next phase",
    "skip",
    "back",
    "next phase, frozen",
    "percent",
    "freeze",
    "unfreeze",
    "complete",
    "in progress",
    "target",
    "commit",
    "contract",
    "next phase and contract",
)
"""What a person may do to rollout.yaml and contract.yaml."""
Disturbance = tuple[str, str]
_UNDISTURBED: Disturbance = ("", "")
DISTURBANCES = st.one_of(
    st.just(_UNDISTURBED),
    st.tuples(
        st.sampled_from(["before", "after"]),
        st.sampled_from(["ci", "ci unknown", "late look", "edit", "degraded", "degraded, withheld"]),
    ),
)
"""Whether before or after the merge, and what."""
DELAYS = st.sampled_from([0, 1, 29, 31])
"""Minutes from decision to merge."""
SPANS = st.sampled_from([1, 4, 7, 10, 20, 29, 31, 45, 121, 60 * 24, 60 * 24 * 9])
"""Minutes."""
CONCLUSIONS = st.sampled_from(["success", "success", "failure", "timed_out", "skipped", None])


PRODUCT = ProductLookup(
    {"v0.1.5": COMMIT, "v0.1.6": OTHER_COMMIT}.get,
    lambda commit: ("v0.1.6-rc.1",) if commit == OTHER_COMMIT else (),
    lambda _: True,
    lambda commit, bad: commit == bad.commit,
)
"""What the product's repository says to whoever puts something in quarantine."""


class Release(RuleBasedStateMachine):
    """A train on which everything happens that may: health, time, CI, people, crashes and races."""

    @initialize(phase=st.sampled_from(["", *PHASES]), apply=st.booleans())
    def begin(self, phase: str, apply: bool) -> None:
        self.world = a_world_in(phase, apply).copy()
        self.moods = dict.fromkeys((f"r{number}" for number in range(200)), "healthy")
        self.given: list[Evidence] = []
        self.withheld: list[Evidence] = []
        self.oracle = Oracle(self.world, self.moods)
        self.oracle.look()

    # --- the tool ----------------------------------------------------------------------------------------

    def observation(self, mood: str, surface: str = "voice", **options: Any) -> Observation:
        made = observe(self.world, mood, surface, **options)
        self.moods[made.round] = mood
        return made

    def reconcile(self, *evidence: Evidence) -> Report | None:
        """Reconcile, and again: the second time nothing changes."""
        # What nobody takes once a release is complete is news to a rollback of it.
        is_taken = not self.is_sound() or self.world.rollout.outcome is not Outcome.COMPLETE
        try:
            report = self.world.reconcile(*evidence)
        except InputError:
            self.expect_refusal(evidence)
            return None
        self.given += evidence if is_taken else ()
        folded = sum(taken.step.consumed for taken in report.steps)
        assert folded + len(report.notes) == len(evidence)
        self.at_rest(evidence)
        return report

    def at_rest(self, evidence: tuple[Evidence, ...]) -> None:
        at_rest(self.world)
        done = len(self.world.writes.done)
        again = self.world.reconcile(*evidence)
        assert self.world.writes.done[done:] == []
        assert len(again.notes) == len(evidence)
        self.oracle.look()

    def expect_refusal(self, evidence: tuple[Evidence, ...]) -> None:
        """Only what a person broke, or evidence that is not of this rollout, is refused."""
        try:
            state = self.world.state
        except InputError:
            return
        release = state.rollout.release
        assert release is not None
        assert [
            item
            for item in evidence
            if (item.release, item.commit) != (release.version, release.commit)
            or (isinstance(item, Observation) and item.contract_digest != state.contract_digest)
        ]

    def is_sound(self) -> bool:
        try:
            return self.world.state is not None
        except InputError:
            return False

    def has_release(self) -> bool:
        return self.is_sound() and self.world.rollout.release is not None

    def is_under_way(self) -> bool:
        return self.has_release() and self.world.is_under_way

    # --- health ------------------------------------------------------------------------------------------

    @precondition(has_release)
    @rule(mood=MOOD, surface=SURFACE, minutes=st.sampled_from([4, 6, 10, 25, 40]))
    def observed(self, mood: str, surface: str, minutes: int) -> None:
        self.world.clock.forward(minutes=minutes)
        self.reconcile(self.observation(mood, surface))

    @precondition(has_release)
    @rule(mood=MOOD, surface=SURFACE)
    def observed_but_not_delivered(self, mood: str, surface: str) -> None:
        self.world.clock.forward(minutes=6)
        self.withheld.append(self.observation(mood, surface))

    @precondition(has_release)
    @rule(mood=MOOD, phase=st.sampled_from(PHASES))
    def observed_in_another_phase(self, mood: str, phase: str) -> None:
        self.world.clock.forward(minutes=5)
        self.reconcile(self.observation(mood, phase=phase))

    @precondition(lambda self: self.withheld)
    @rule(places=st.lists(st.integers(0, 9), min_size=1, max_size=4))
    def delivered_late(self, places: list[int]) -> None:
        chosen = [self.withheld.pop(place % len(self.withheld)) for place in places if self.withheld]
        self.reconcile(*chosen)

    @precondition(lambda self: self.given)
    @rule(place=st.integers(0, 99))
    def delivered_again(self, place: int) -> None:
        if self.reconcile() is None:
            return
        item = self.given[place % len(self.given)]
        commit = self.world.store.head()
        report = self.reconcile(item)
        assert report is None or len(report.notes) == 1
        assert self.world.store.head() == commit

    @precondition(is_under_way)
    @rule(ok=st.booleans())
    def performed(self, ok: bool) -> None:
        self.world.clock.forward(minutes=1)
        if self.world.status.requests:
            self.reconcile(self.world.perform(ok=ok))

    @rule(minutes=SPANS, look=st.booleans())
    def time_passed(self, minutes: int, look: bool) -> None:
        self.world.clock.forward(minutes=minutes)
        if look:
            self.reconcile()

    @rule()
    def stayed_idle(self) -> None:
        """Once a day without news was recorded, and a rollback no longer waits, the next one is not."""
        for _ in range(2):
            self.world.clock.forward(days=1)
            self.reconcile()
        self.world.clock.forward(days=1)
        commit = self.world.store.head()
        self.reconcile()
        assert self.world.store.head() == commit

    # --- CI ----------------------------------------------------------------------------------------------

    @rule(conclusion=CONCLUSIONS, is_down=st.booleans())
    def ci_ended(self, conclusion: str | None, is_down: bool) -> None:
        self.world.forge.is_down = is_down
        self.one_check_ended(conclusion)

    def one_check_ended(self, conclusion: str | None) -> None:
        self.world.clock.forward(seconds=1)
        for commit in (COMMIT, OTHER_COMMIT):
            self.world.ci(conclusion, names=CHECKS[:1], commit=commit)

    # --- people ------------------------------------------------------------------------------------------

    @precondition(is_under_way)
    @rule(edit=st.sampled_from(EDITS), dip=MOOD, disturbed=DISTURBANCES, delay=DELAYS, squash=st.booleans())
    def led_to_a_promotion(
        self, edit: str, dip: str, disturbed: Disturbance, delay: int, squash: bool
    ) -> None:
        """A release under way, and what may come in between decision, merge and reconcile."""
        self.put_right()
        for mood in ("healthy", dip, *["healthy"] * 6):
            self.tick(mood)
            if not self.is_under_way() or self.world.verdict is Verdict.PROMOTE:
                break
        when, what = disturbed
        self.disturb(what if when == "before" else "", edit)
        self.world.clock.forward(minutes=delay)
        for pull in self.world.forge.open_pulls():
            with suppress(RefusedError):
                self.world.forge.merge(pull.number, at=self.world.now, squash=squash)
        self.disturb(what if when == "after" else "", edit)
        self.reconcile()

    def put_right(self) -> None:
        """Everybody does their part: CI is green, nothing is frozen, the checklist is signed."""
        world = self.world
        world.forge.is_down = False
        self.one_check_ended("success")
        with suppress(RefusedError):
            unfreeze(world.store, world.clock, TAU, "put right")
        with suppress(RefusedError):
            world.sign()
        if world.harness.failed:
            world.run_harness()
        self.reconcile()
        if self.is_under_way() and world.status.requests:
            self.reconcile(world.perform())

    def tick(self, mood: str) -> None:
        self.world.clock.forward(minutes=10)
        if self.has_release():
            self.reconcile(self.observation(mood))

    def disturb(self, what: str, edit: str) -> None:
        match what:
            case "":
                pass
            case "ci":
                self.one_check_ended("failure")
            case "ci unknown":
                self.world.forge.is_down = True
            case "late look":
                self.world.clock.forward(minutes=45)
            case "edit":
                self.edit(edit)
            case "degraded":
                self.reconcile(self.observation("degraded"))
            case "degraded, withheld":
                self.withheld.append(self.observation("degraded"))
            case _:
                raise AssertionError(what)

    @precondition(lambda self: self.world.forge.open_pulls())
    @rule(close=st.booleans(), squash=st.booleans())
    def merged_or_closed(self, close: bool, squash: bool) -> None:
        (pull,) = self.world.forge.open_pulls()
        if close:
            self.world.forge.close_pull_request(pull.number, "no", at=self.world.now)
        else:
            with suppress(RefusedError):
                self.world.merge(squash=squash)

    @precondition(has_release)
    @rule(edit=st.sampled_from(EDITS))
    def edited(self, edit: str) -> None:
        self.edit(edit)

    def edit(self, what: str) -> None:
        """A person edits state without the tool."""
        if not self.has_release():
            return
        rollout, contract = self.world.rollout, self.world.state.contract
        at = PHASES.index(rollout.phase or "")
        match what:
            case "next phase" | "skip" | "back":
                to = {"next phase": at + 1, "skip": at + 2, "back": at - 1}[what]
                phase = contract.phases[min(max(to, 0), len(PHASES) - 1)]
                self.world.edit(phase=phase.name, canary_percent=phase.canary_percent)
            case "next phase, frozen":
                phase = contract.phases[min(at + 1, len(PHASES) - 1)]
                frozen = Freeze(reason="by hand", at=self.world.now)
                self.world.edit(phase=phase.name, canary_percent=phase.canary_percent, frozen=frozen)
            case "percent":
                self.world.edit(canary_percent=42)
            case "freeze":
                self.world.edit(frozen=Freeze(reason="by hand", at=self.world.now))
            case "unfreeze":
                self.world.edit(frozen=None)
            case "complete":
                self.world.edit(outcome=Outcome.COMPLETE)
            case "in progress":
                self.world.edit(outcome=Outcome.IN_PROGRESS, frozen=None)
            case "target":
                self.world.edit(rollback_target=None)
            case "commit":
                self.edit_commit_and_mend(rollout)
            case "contract":
                self.edit_contract()
            case "next phase and contract":
                self.edit("next phase")
                self.edit_contract()
            case _:
                raise AssertionError(what)

    def edit_commit_and_mend(self, rollout: Rollout) -> None:
        """Another release commit contradicts status.yaml: refused until a person fixes it."""
        assert rollout.release is not None
        self.world.edit(release=rollout.release.model_copy(update={"commit": UNKNOWN_COMMIT}))
        done = len(self.world.writes.done)
        assert self.reconcile() is None
        assert self.world.writes.done[done:] == []
        self.world.store.edit(TAU, {ROLLOUT: rollout}, at=self.world.now)

    def edit_contract(self) -> None:
        phases = self.world.state.contract.phases
        seconds = 25 * 60 if phases[1].soak == 20 * 60 else 20 * 60
        changed = phases[1].model_copy(update={"soak": seconds})
        self.world.edit_contract(phases=(phases[0], changed, *phases[2:]))

    @precondition(is_sound)
    @rule(go=st.sampled_from([freeze, unfreeze]))
    def froze_or_thawed(self, go: Any) -> None:
        try:
            go(self.world.store, self.world.clock, TAU, "because")
        except RefusedError:
            frozen, status = self.world.rollout.frozen, self.world.state.status
            # An edit alone does not put a release that is over under way again.
            is_over = status is not None and status.legal.outcome is not Outcome.IN_PROGRESS
            is_kept = go is unfreeze and (frozen is None or frozen.incident)
            assert is_over or is_kept or not self.world.is_under_way

    @precondition(is_under_way)
    @rule(items=st.sampled_from([PEOPLE, PEOPLE[:1]]))
    def signed(self, items: tuple[str, ...]) -> None:
        try:
            self.world.sign(*items)
        except RefusedError:
            assert self.world.state.signoff is None or self.world.state.signoff.blocked

    @precondition(is_sound)
    @rule(
        version=st.sampled_from(["v0.1.5", "v0.1.6"]),
        commit=st.sampled_from([COMMIT, OTHER_COMMIT]),
        give_up=st.booleans(),
        fixed=st.booleans(),
    )
    def release_started(self, version: str, commit: str, give_up: bool, fixed: bool) -> None:
        world = self.world
        world.clock.forward(minutes=1)
        if give_up and world.rollout.outcome is Outcome.ROLLING_BACK:
            # What the rest of a rollback will do, done by hand: the train is free again.
            world.store.edit(TAU, {ROLLOUT: Rollout(train=TAU)}, at=world.now)
        was_running = world.rollout.outcome not in STARTABLE
        is_new = self.is_new(version, commit)
        if fixed:
            world.reverter.frees(commit)
        try:
            world.start(version, commit)
        except RefusedError:
            assert was_running or not is_new or standing(world.state.quarantine)
        else:
            assert is_new
            assert not was_running
            assert find(world.state.quarantine, version, commit) is None
            world.reverter.release(commit[:20] + "b" * 20)
            world.clock.forward(minutes=1)
            world.run_harness()

    def is_new(self, version: str, commit: str) -> bool:
        """Whether everybody runs an older version, and less of the branch."""
        state = self.world.state
        current = state.channel.current_version if state.channel else None
        last = completed.last(state)
        held = self.world.history.fork(last.release.commit, commit) == commit if last else False
        return not held and (current is None or versions.parse(version) > versions.parse(current))

    @rule()
    def others_pushed(self) -> None:
        self.world.store.edit("other", {}, at=self.world.now)

    # --- a rollback --------------------------------------------------------------------------------------

    def is_rolling_back(self) -> bool:
        return self.is_sound() and self.world.rollout.outcome is Outcome.ROLLING_BACK

    def is_unjudged(self) -> bool:
        """Whether somebody's edit hides how the rollout stands."""
        state = self.world.state
        hidden = state.rollout.outcome is Outcome.ROLLING_BACK and state.incident is None
        return hidden or (state.status is not None and state.status.legal.outcome != state.rollout.outcome)

    @precondition(is_sound)
    @rule(reason=st.sampled_from(["customers call", "again"]), to=st.sampled_from([None, None, "v0.1.3"]))
    def dispatched(self, reason: str, to: str | None) -> None:
        world = self.world
        was = world.rollout.outcome
        asked = Dispatch(reason, "ada", to)
        try:
            roll_back(world.store, world.clock, TAU, asked, lambda _: ["v0.1.3"])
        except RefusedError:
            ended = (Outcome.IDLE, Outcome.ROLLED_BACK, Outcome.WITHDRAWN)
            assert to is not None or was in ended or self.is_unjudged()
        else:
            assert world.rollout.outcome is Outcome.ROLLING_BACK

    @precondition(is_sound)
    @rule()
    def called_off(self) -> None:
        world, incident = self.world, self.world.state.incident
        try:
            cancel(world.store, world.clock, TAU, "a false alarm", "ada")
        except RefusedError:
            begun = incident is not None and incident.step(RollbackStep.REVERT).attempts
            assert incident is None or incident.ended or begun or self.is_unjudged()
        else:
            assert incident is not None
            assert (world.rollout.outcome, world.rollout.canary_percent) == (
                incident.outcome,
                incident.canary_percent,
            )

    @precondition(is_sound)
    @rule()
    def train_reopened(self) -> None:
        with suppress(RefusedError):
            reopen(self.world.store, self.world.clock, TAU, "fixed")
            assert self.world.rollout.outcome is Outcome.IDLE

    def was_out(self) -> bool:
        """Whether any commit had the release of today at a percent."""
        store, release = self.world.store, self.world.status.legal.release
        thens = store.load_many(TAU, [entry.commit for entry in store.log(TAU)])
        found = [then.rollout for then in thens if isinstance(then, TrainState)]
        return any(each.canary_percent > 0 and each.release == release for each in found)

    @precondition(is_sound)
    @rule()
    def withdrew(self) -> None:
        """Refused from the first exposure on, and by nothing else of a release in progress."""
        world = self.world
        before = world.state
        legal = before.status.legal if before.status else before.rollout
        try:
            withdraw(world.store, world.clock, TAU, "a wrong tag", "ada")
        except RefusedError:
            percents = {before.rollout.canary_percent, legal.canary_percent}
            assert legal.outcome is not Outcome.IN_PROGRESS or percents != {0} or self.was_out()
        else:
            assert legal.outcome in (Outcome.IN_PROGRESS, Outcome.WITHDRAWN)
            assert legal.outcome is Outcome.WITHDRAWN or not self.was_out()
            assert world.status.legal.outcome is Outcome.WITHDRAWN
            self.reconcile()
            assert world.rollout.outcome is Outcome.WITHDRAWN
            assert world.forge.open_pulls() == []

    @precondition(is_sound)
    @rule(named=st.sampled_from(["v0.1.5", "v0.1.6", COMMIT, OTHER_COMMIT]))
    def put_in_quarantine(self, named: str) -> None:
        """Refused for the release that is under way, and for nothing else that exists."""
        world = self.world
        before = world.state
        legal = before.status.legal if before.status else before.rollout
        try:
            quarantine.add(world.store, world.clock, TAU, named, "it loses data", "ada", PRODUCT)
        except RefusedError:
            assert Outcome.IN_PROGRESS in (legal.outcome, before.rollout.outcome) or (
                legal.outcome is Outcome.ROLLING_BACK
            )
        else:
            bad = find(world.state.quarantine, named, named)
            assert bad is not None
            if not find(before.quarantine, "", bad.commit):
                # Free again, so that the other rules go on with it.
                quarantine.lift(world.store, world.clock, TAU, bad.commit, "it was the disk", "ada")

    @precondition(is_rolling_back)
    @rule(performs=st.booleans(), closes=st.booleans(), green=st.booleans(), nth=st.integers(0, 6), when=WHEN)
    def went_on(self, performs: bool, closes: bool, green: bool, nth: int, when: When) -> None:
        """Everybody does a part of theirs, and the process may die in the middle of it."""
        world = self.world
        world.clock.forward(minutes=10)
        for pull in world.reverter.pulls:
            if pull.state is PullRequestState.OPEN:
                world.reverter.close(pull.head) if closes else world.reverter.merge(pull.head, at=world.now)
        world.ci("success" if green else "failure", commit=REVERTED)
        world.run_harness(5 if green else 4)
        evidence: list[Evidence] = [world.perform()] if performs and world.status.requests else []
        if nth:
            world.writes.crash(nth, when)
            with suppress(KilledError, InputError):
                world.reconcile(*evidence)
            world.writes.forget()
        self.reconcile(*evidence, self.observation("healthy"))

    @precondition(is_rolling_back)
    @rule()
    def came_to_its_end(self) -> None:
        """With everybody doing their part a rollback ends, whatever happened before."""
        world = self.world
        world.forge.is_down = False
        self.reconcile()  # an edit that nobody has judged yet is put back
        for _ in range(8):
            if world.rollout.outcome is not Outcome.ROLLING_BACK:
                break
            asked = Dispatch(f"go on {world.now}", "ada", None)
            roll_back(world.store, world.clock, TAU, asked, list)
            self.reconcile()
            self.went_on(True, False, True, 0, "before")
        incident = world.state.incident
        assert incident is not None
        assert world.rollout.outcome is Outcome.ROLLED_BACK, incident.current

    # --- crashes and races -------------------------------------------------------------------------------

    @precondition(is_under_way)
    @rule(nth=st.integers(1, 5), when=WHEN, mood=MOOD, twice=st.booleans())
    def killed(self, nth: int, when: When, mood: str, twice: bool) -> None:
        """The next run ends where the run that was killed would have ended."""
        self.world.clock.forward(minutes=10)
        evidence = [self.observation(mood)] if twice else []
        twin = self.world.copy()
        try:
            twin.reconcile(*evidence)
        except InputError:
            return
        self.world.writes.crash(nth, when)
        with suppress(KilledError):
            self.world.reconcile(*evidence)
        self.world.writes.forget()
        self.reconcile(*evidence)
        assert outside_view(self.world) == outside_view(twin)

    @precondition(is_under_way)
    @rule(nth=st.integers(1, 4), when=WHEN, mood=MOOD)
    def killed_for_good(self, nth: int, when: When, mood: str) -> None:
        self.world.clock.forward(minutes=10)
        self.world.writes.crash(nth, when)
        with suppress(KilledError, InputError):
            self.world.reconcile(self.observation(mood))
        self.world.writes.forget()

    @precondition(is_under_way)
    @rule(nth=st.integers(1, 4), when=WHEN, moods=st.tuples(MOOD, MOOD), newer_first=st.booleans())
    def raced(self, nth: int, when: When, moods: tuple[str, str], newer_first: bool) -> None:
        """A second reconciler runs to its end in the middle of the first: no evidence is lost."""
        world = self.world
        world.clock.forward(minutes=10)
        one, two = self.observation(moods[0]), self.observation(moods[1], at=world.clock.forward(minutes=6))
        first, second = (two, one) if newer_first else (one, two)
        reports: list[Report] = []
        world.writes.step_in(nth, when, lambda: reports.append(world.reconcile(second)))
        try:
            reports.append(world.reconcile(first))
        except InputError:
            return
        finally:
            world.writes.forget()
        folded = sum(taken.step.consumed for report in reports for taken in report.steps)
        assert folded + sum(len(report.notes) for report in reports) == len(reports)
        self.reconcile()

    @precondition(is_under_way)
    @rule(nth=st.integers(1, 4), mood=MOOD)
    def frozen_meanwhile(self, nth: int, mood: str) -> None:
        world = self.world
        world.clock.forward(minutes=10)
        world.writes.step_in(nth, "before", lambda: freeze_if_possible(world))
        try:
            world.reconcile(self.observation(mood))
        except InputError:
            return
        finally:
            world.writes.forget()
        self.reconcile()

    # --- always ------------------------------------------------------------------------------------------

    @invariant()
    def history_is_legal(self) -> None:
        if hasattr(self, "world"):
            self.oracle.look()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            findings = verify(self.world.store, TAU, None).findings
            problems = [each for each in findings if "and rollout.yaml has" not in each.problem]
            # What people wrote and nobody has judged, because the story ends or they wrote over it.
            unjudged = [each for each in problems if each.problem.endswith(("judged it", "judged it yet"))]
            assert {each.author for each in unjudged} <= {PERSON}
            assert problems == unjudged, problems


def freeze_if_possible(world: World) -> None:
    with suppress(RefusedError):
        freeze(world.store, world.clock, TAU, "meanwhile")


def outside_view(world: World) -> tuple[object, ...]:
    """All that anybody can see of a world."""
    pulls = [(p.number, p.head, p.state, p.body, p.title) for p in world.forge.pulls]
    forge = (pulls, world.forge.comments, world.forge.shown, world.forge.branches)
    return (world.state, world.events(), *forge, world.reverter.pulls, world.issues.issues)


TestRelease = Release.TestCase
TestRelease.settings = FAST
