"""`rollout reconcile`: evidence, decisions, and what the forge shows of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollout.commands.freeze import freeze
from rollout.commands.reconcile.report import Report
from rollout.commands.rollback import Dispatch, cancel, roll_back
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import verify
from rollout.core.contract import Contract
from rollout.core.effects import ClosePullRequest, OpenIssue, OpenPullRequest, SetStatus, UpdatePullRequest
from rollout.core.evidence_index import CaptureState, EvidenceEntry
from rollout.core.files import CONTRACT, ROLLOUT
from rollout.core.forge import PullRequestState, StatusState
from rollout.core.observation import CONTRADICTORY, HealthState, Results
from rollout.core.state import ChannelName, Freeze, Outcome, RollbackHints, RollbackReason, Rollout, Verdict
from rollout.core.values import unix_ms
from rollout.errors import HeadMovedError, InputError
from rollout.wiring import texts
from tests.fakes.writes import KilledError, When
from tests.world import (
    COMMIT,
    OLD_VERSION,
    OTHER_COMMIT,
    PHASES,
    TAU,
    VERSION,
    World,
    bad_timeline,
)

CONTEXT = "rollout/tau"
DEGRADED = {"memory": {"health_state": "degraded"}}
QUEUED = {"voice": {"fields": {"failure_streak": 0, "last_cycle_failed": 0, "queue_depth": 2}}}
BREACH = {"voice": {"fields": {"failure_streak": 3, "last_cycle_failed": 1, "queue_depth": 0}}}
UNREADABLE = {"voice": {"unknown": "exit 1"}}
YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
"""Go's zero time."""


@pytest.fixture
def world() -> World:
    """In canary-1, not yet observed there, ten minutes later."""
    world = World().play_to("canary-1")
    world.clock.forward(minutes=10)
    return world


@pytest.fixture
def promoting(world: World) -> World:
    """The same with a pull request that leads on to canary-2."""
    world.soak()
    assert world.verdict is Verdict.PROMOTE
    return world


def shown(world: World, commit: str) -> tuple[StatusState, str]:
    return world.forge.shown[commit][CONTEXT]


def kinds(effects: list[Any]) -> list[type]:
    return [type(effect) for effect in effects]


# --- without anything to do -------------------------------------------------------------------------------


def test_an_idle_train() -> None:
    world = World()
    report = world.reconcile()
    assert (report.steps, report.effects, report.notes, report.illegal) == ([], [], [], "")
    assert world.writes.done == []


def test_evidence_for_an_idle_train_is_noted(world: World) -> None:
    observation = world.observe()
    idle = World()
    idle.clock.time = world.now
    (note,) = idle.reconcile(observation).notes
    assert note == "observation of 2026-11-23T10:23:00Z ignored: the rollout is idle"
    assert idle.writes.done == []


def test_a_train_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no train nobody"):
        World().reconciler().run("nobody", ())


# --- bad evidence -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"train": "sigma"}, "is of train sigma, not tau"),
        (
            {"release": "v0.1.4"},
            f"is of v0.1.4 at {COMMIT[:12]}, the rollout is of {VERSION} at {COMMIT[:12]}",
        ),
        ({"commit": OTHER_COMMIT}, f"is of {VERSION} at {OTHER_COMMIT[:12]}"),
        ({"contract_digest": "0" * 64}, "was made under another contract"),
    ],
)
@pytest.mark.parametrize("with_good", [True, False])
def test_evidence_of_something_else(
    world: World, changes: dict[str, object], says: str, with_good: bool
) -> None:
    done, good = len(world.writes.done), world.observe()
    world.clock.forward(minutes=1)
    bad = world.observe().model_copy(update=changes)
    with pytest.raises(InputError, match=says) as caught:
        world.reconcile(*([good] if with_good else []), bad)
    assert "rollout collect" in caught.value.hint
    assert len(world.writes.done) == done


def test_evidence_from_the_future(world: World) -> None:
    done = len(world.writes.done)
    ahead = world.observe(at=world.now + timedelta(minutes=2, seconds=1))
    with pytest.raises(InputError, match=r"is 2m1s in the future") as caught:
        world.reconcile(ahead)
    assert "clock" in caught.value.hint
    assert len(world.writes.done) == done
    assert world.reconcile(world.observe(at=world.now + timedelta(minutes=2))).notes == []


def test_a_clock_ahead_does_not_hide_what_others_read(world: World) -> None:
    bad, worse = world.observe(DEGRADED), world.observe(DEGRADED, at=world.clock.forward(minutes=6))
    ahead = world.observe(at=world.now + timedelta(hours=48))
    report = world.reconcile(ahead, bad, worse)
    assert world.rollout.outcome is Outcome.ROLLING_BACK
    (why,) = report.refused
    assert "is 48h in the future" in why.message
    assert "the machine that wrote it (it reads browser-automation, custom-command, dashboard)" in why.hint


def test_an_observation_that_ends_before_it_begins(world: World) -> None:
    done, whole = len(world.writes.done), world.observe()
    back = whole.model_copy(update={"started_at": whole.finished_at + timedelta(seconds=1)})
    with pytest.raises(InputError, match=r"ended at 2026-.*, before it began at 2026-"):
        world.reconcile(back)
    assert len(world.writes.done) == done


def test_the_last_observation_lies_in_the_future_and_is_replaced_by_name(world: World) -> None:
    right = world.now
    world.clock.forward(days=2)
    world.reconcile(world.observe())
    world.clock.time = right + timedelta(minutes=10)
    world.reconcile()
    assert world.status.decision.reasons[0].endswith(
        "by a clock that ran ahead: set that clock, collect again"
    )
    (taken,) = [step.step for step in world.reconcile(world.observe()).steps if step.step.detail]
    assert "made by a clock that ran ahead; soak starts again" in taken.detail
    assert verify(world.store, TAU, None).problems == []


def test_two_contradictory_observations_of_one_instant_in_any_order(world: World) -> None:
    world.clock.forward(minutes=10)
    good, bad = world.observe(), world.observe({"voice": {"health_state": HealthState.FAILING}})
    for given in ((good, bad), (bad, good)):
        batch, single = world.copy(), world.copy()
        batch.reconcile(*given)
        for each in given:
            single.reconcile(each)
        for found in (batch, single):
            last = found.status.observation
            assert last is not None
            assert last.samples["voice"].unknown == CONTRADICTORY
            assert last.samples["memory"].unknown is None
            assert found.verdict is Verdict.HOLD
            assert verify(found.store, TAU, None).problems == []


@pytest.mark.parametrize("round_id", ["r1", "r2"])
def test_two_observations_of_one_instant_give_in_a_batch_what_they_give_one_by_one(
    world: World, round_id: str
) -> None:
    world.clock.forward(minutes=10)
    good = world.observe().model_copy(update={"round": "r1"})
    bad = world.observe({"voice": {"health_state": HealthState.FAILING}}).model_copy(
        update={"round": round_id}
    )
    statuses = []
    for given in ([good, bad], [bad, good], [good, bad, good], [bad, bad, good, good]):
        for batch in ([given], [[each] for each in given]):
            found = world.copy()
            for each in batch:
                found.reconcile(*each)
            last = found.status.observation
            assert last is not None
            statuses.append((last.samples, last.harness, found.status.soak, found.status.counters))
    assert statuses[0][0]["voice"].unknown == CONTRADICTORY
    assert [status for status in statuses if status != statuses[0]] == []


def test_the_same_file_twice_is_one_observation(world: World) -> None:
    world.clock.forward(minutes=10)
    whole, once, twice = world.observe(), world.copy(), world.copy()
    once.reconcile(whole)
    twice.reconcile(whole, whole)
    assert twice.status == once.status


def test_a_sample_that_was_not_read_while_the_observation_was_made(world: World) -> None:
    done, whole = len(world.writes.done), world.observe()
    for moment, why in (
        (whole.finished_at + timedelta(days=900), "after it ended at 2026-"),
        (whole.started_at - timedelta(minutes=3), "before it began at 2026-"),
    ):
        read = whole.samples["voice"].model_copy(update={"read_at": moment})
        strange = whole.model_copy(update={"samples": {**whole.samples, "voice": read}})
        with pytest.raises(InputError, match=f"says voice was read at .*, {why}") as caught:
            world.reconcile(strange)
        assert "unchanged" in caught.value.hint
    assert len(world.writes.done) == done


def test_a_sample_of_a_surface_that_the_contract_does_not_have(world: World) -> None:
    done, whole = len(world.writes.done), world.observe()
    strange = whole.model_copy(update={"samples": {**whole.samples, "phone": whole.samples["voice"]}})
    with pytest.raises(InputError, match="holds a sample of phone, which the contract of tau does not have"):
        world.reconcile(strange)
    assert len(world.writes.done) == done


def test_a_count_below_zero_is_refused(world: World) -> None:
    fields = {"failure_streak": -1, "last_cycle_failed": 0, "queue_depth": 0}
    with pytest.raises(InputError, match="says failure_streak of voice is below zero") as caught:
        world.reconcile(world.observe({"voice": {"fields": fields}}))
    assert "unchanged" in caught.value.hint


def test_an_observation_before_any_clock_was_set_is_refused(world: World) -> None:
    done, whole = len(world.writes.done), world.observe()
    with pytest.raises(InputError, match="names 0001-01-01T00:00:00Z, a time before 2000") as caught:
        world.reconcile(whole.model_copy(update={"started_at": YEAR_1}))
    assert "clock" in caught.value.hint
    assert len(world.writes.done) == done


def test_a_surface_that_states_an_impossible_time_is_unknown_and_the_status_stays_readable(
    world: World,
) -> None:
    world.reconcile(world.observe({"voice": {"updated_at": YEAR_1}}))
    observation = world.status.observation
    assert observation is not None
    unknown = {name: sample.unknown for name, sample in observation.samples.items() if sample.unknown}
    assert unknown == {"voice": "says 0001-01-01T00:00:00Z: no clock that was set says a time before 2000"}


def second_answer(results: Results) -> dict[str, object]:
    (result, *_) = results.results
    return {"results": (*results.results, result.model_copy(update={"ok": False}))}


def dated(**times: timedelta) -> Callable[[Results], dict[str, object]]:
    """The first result with its times moved."""

    def change(results: Results) -> dict[str, object]:
        (result, *others) = results.results
        moved = {name: getattr(result, name) + by for name, by in times.items()}
        return {"results": (result.model_copy(update=moved), *others)}

    return change


def captured(at: datetime) -> Callable[[Results], dict[str, object]]:
    def change(results: Results) -> dict[str, object]:
        (result, *others) = results.results
        one = EvidenceEntry(path="a", state=CaptureState.MISSING, at=at)
        return {"results": (result.model_copy(update={"captured": (one,)}), *others)}

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (second_answer, "answers apply-canary-1-5-1 2 times"),
        (dated(finished_at=timedelta(seconds=-1)), "apply-canary-1-5-1 ended at .*, before it began at"),
        (dated(finished_at=timedelta(days=1000)), "apply-canary-1-5-1 is 24000h in the future"),
        (dated(finished_at=timedelta(minutes=2, seconds=1)), "apply-canary-1-5-1 is 2m1s in the future"),
        (captured(datetime(2999, 1, 1, tzinfo=UTC)), "apply-canary-1-5-1 is .* in the future"),
        (captured(YEAR_1), "apply-canary-1-5-1 names 0001-01-01T00:00:00Z, a time before 2000"),
        (dated(started_at=timedelta(days=-365_000)), "apply-canary-1-5-1 names 1027-.*Z, a time before 2000"),
        (lambda _: {"finished_at": YEAR_1}, "names 0001-01-01T00:00:00Z, a time before 2000"),
        (lambda results: {"finished_at": results.finished_at - timedelta(hours=1)}, "after its results were"),
        (lambda results: {"finished_at": results.finished_at + timedelta(hours=1)}, "is 1h in the future"),
    ],
)
def test_results_that_contradict_themselves_are_refused(
    change: Callable[[Results], dict[str, object]], says: str
) -> None:
    world = World(apply=True).play_to("canary-1")
    results = world.perform()
    done = len(world.writes.done)
    with pytest.raises(InputError, match=says) as caught:
        world.reconcile(results.model_copy(update=change(results)))
    assert ("unchanged" if change is second_answer else "clock") in caught.value.hint
    assert len(world.writes.done) == done


def test_two_files_with_two_results_for_one_request_are_refused() -> None:
    world = World(apply=True).play_to("canary-1")
    good, bad = world.perform(), world.perform(ok=False)
    with pytest.raises(InputError, match="two results for apply-canary-1-5-1, which differ"):
        world.reconcile(good, bad)
    assert world.reconcile(good, good).notes == [
        f"results of {good.finished_at:%Y-%m-%dT%H:%M:%SZ} ignored: it answers no pending request"
    ]


def test_a_torn_round(world: World) -> None:
    observation = world.observe()
    later = observation.finished_at + timedelta(seconds=1)
    for changes in (
        {"started_at": later, "finished_at": later},
        {"phase": "preflight", "samples": {}},
        {"phase": "preflight"},
    ):
        other = observation.model_copy(update=changes)
        with pytest.raises(InputError, match=f"round {observation.round}: "):
            world.reconcile(observation, other)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "not newer than the last observation"),
        ({"phase": "canary-3"}, "of canary-3, which has not been entered"),
        ({"phase": "canary-9"}, "of canary-9, which has not been entered"),
        ({"phase": "preflight"}, "of preflight, and canary-1 has been observed since"),
    ],
)
def test_evidence_that_adds_nothing_is_noted(world: World, changes: dict[str, str], why: str) -> None:
    old = world.observe()
    world.reconcile(world.observe())
    late = old if not changes else world.observe(at=world.clock.forward(minutes=1))
    commit = world.store.head()
    (note,) = world.reconcile(late.model_copy(update=changes)).notes
    assert note.endswith(f" ignored: {why}")
    assert world.store.head() == commit


def test_results_that_nobody_waits_for_are_noted() -> None:
    world = World(apply=True).play_to("canary-1")
    results = world.perform()
    world.reconcile(results)
    (note,) = world.reconcile(results).notes
    assert note.endswith("ignored: it answers no pending request")


def test_results_beside_one_that_is_taken_are_noted_one_by_one() -> None:
    world = World(apply=True).play_to("canary-1")
    results = world.perform()
    (taken, *others) = results.results
    strange = taken.model_copy(update={"request": "apply-canary-1-5-9"})
    (note,) = world.reconcile(results.model_copy(update={"results": (strange, taken, *others)})).notes
    assert note == "result of apply-canary-1-5-9 ignored: it answers no pending request"


def test_evidence_after_the_end_is_noted(world: World) -> None:
    world.reconcile(observed := world.observe(BREACH))
    world.clock.forward(minutes=10)
    (note,) = world.reconcile(observed).notes
    assert note.endswith("ignored: not newer than the last observation")


# --- good evidence ----------------------------------------------------------------------------------------


def test_files_of_one_round_are_merged(world: World) -> None:
    whole = world.observe()
    parts = [whole.model_copy(update={"samples": {name: sample}}) for name, sample in whole.samples.items()]
    report = world.reconcile(*parts)
    assert [taken.step.event for taken in report.steps] == ["observe"]
    assert world.status.observation is not None
    head = {"product_head": whole.product_head}
    merged = {name: sample.model_copy(update=head) for name, sample in whole.samples.items()}
    assert world.status.observation.samples == merged


def test_results_are_folded_before_observations() -> None:
    world = World(apply=True).play_to("canary-1")
    results = world.perform()
    world.clock.forward(minutes=10)
    report = world.reconcile(world.observe(), results)
    assert [taken.step.event for taken in report.steps] == ["results", "observe"]
    assert world.status.entered_at is not None


def test_soak_waits_for_the_apply_command() -> None:
    world = World(apply=True).play_to("canary-1")
    world.tick()
    assert world.status.entered_at is None
    assert world.status.requests[0].id == "apply-canary-1-5-1"
    world.reconcile(world.perform(ok=False))
    assert world.status.requests[0].id == "apply-canary-1-5-2"
    world.reconcile(world.perform())
    world.tick()
    assert world.status.entered_at is not None


def test_an_answer_is_not_taken_back() -> None:
    world = World(apply=True).play_to("canary-1")
    done, failed = world.perform(), world.perform(ok=False)
    world.reconcile(done)
    assert len(world.reconcile(failed).notes) == 1
    assert world.status.requests[0].result == done.results[0]


def test_a_failing_gate_takes_the_soak_back(world: World) -> None:
    world.tick()
    world.tick()
    assert world.status.soak.earned_seconds == 600
    world.tick(QUEUED)
    assert world.status.soak.earned_seconds == 0
    world.tick()
    assert world.status.soak.earned_seconds == 0


def test_a_long_gap_earns_nothing_and_keeps_what_was_earned(world: World) -> None:
    world.tick()
    world.tick()
    world.reconcile(world.observe(at=world.clock.forward(minutes=31)))
    assert world.status.soak.earned_seconds == 600
    world.reconcile(world.observe(at=world.clock.forward(minutes=30)))
    assert world.status.soak.earned_seconds == 1200


def test_two_looks_at_one_moment_are_one_check(world: World) -> None:
    world.reconcile(world.observe(DEGRADED))
    world.reconcile(world.observe(DEGRADED, at=world.clock.forward(minutes=4)))
    assert world.rollout.outcome is Outcome.IN_PROGRESS
    world.reconcile(world.observe(DEGRADED, at=world.clock.forward(minutes=1)))
    assert world.state.incident is not None


def test_what_was_counted_before_the_phase_is_its_baseline() -> None:
    world = World().play_to("preflight")
    world.tick()
    world.totals["voice"]["case_processing_failed"] = 3
    world.tick()
    world.merge()
    world.tick()
    assert world.rollout.outcome is Outcome.IN_PROGRESS
    world.totals["voice"]["case_processing_failed"] = 4
    world.tick()
    assert world.state.incident is not None
    assert world.state.incident.triggers[0].seen == "case_processing_failed rose by 1 (total 4)"


def test_an_unreadable_surface_holds_and_rolls_nothing_back(world: World) -> None:
    for _ in range(5):
        world.tick(UNREADABLE)
    assert world.verdict is Verdict.HOLD
    assert world.status.decision.reasons[0] == "voice: exit 1 (6 gates)"
    assert world.status.soak.earned_seconds == 0


def test_a_forge_that_cannot_be_asked_holds_preflight() -> None:
    world = World()
    world.start()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.forge.is_down = True
    world.tick()
    assert (world.verdict, world.status.facts.checks) == (Verdict.HOLD, None)
    world.forge.is_down = False
    world.reconcile()
    assert world.verdict is Verdict.PROMOTE


def test_a_train_without_news_commits_nothing(world: World) -> None:
    world.tick()
    world.clock.forward(minutes=31)
    world.reconcile()
    assert world.events()[-1] == "decide"
    assert world.status.decision.reasons[0] == "the last observation is older than 30m: collect again"
    done = len(world.writes.done)
    world.clock.forward(days=30)
    world.reconcile()
    assert len(world.writes.done) == done


# --- promotion --------------------------------------------------------------------------------------------


def test_a_promotion_is_a_pull_request_of_two_lines(promoting: World) -> None:
    (pull,) = promoting.forge.open_pulls()
    assert pull.head == "rollout/tau/v0.1.5/canary-2"
    assert pull.title == "rollout(tau): promote v0.1.5 canary-1 -> canary-2"
    assert pull.body == f"canary-1: promote, on {pull.base_sha}"
    before = promoting.store.load(TAU, pull.base_sha).rollout
    after = promoting.store.load(TAU, pull.head_sha).rollout
    assert after == before.model_copy(update={"phase": "canary-2", "canary_percent": 25})
    assert shown(promoting, pull.head_sha) == (
        StatusState.SUCCESS,
        "v0.1.5 canary-1 -> canary-2: every gate holds",
    )
    assert shown(promoting, COMMIT) == (StatusState.PENDING, "v0.1.5 canary-1: in progress")
    assert promoting.rollout.phase == "canary-1"


def test_more_of_the_same_leaves_it_alone(promoting: World) -> None:
    report = promoting.tick()
    assert ([taken.step.event for taken in report.steps], report.effects) == (["observe"], [])


def test_a_pull_request_that_somebody_closes_twice_waits_before_it_is_opened_again(promoting: World) -> None:
    world = promoting

    def closed() -> Report:
        (pull,) = world.forge.open_pulls()
        world.forge.close(pull.number, at=world.now)
        return world.reconcile()

    assert kinds(closed().effects)[0] is OpenPullRequest
    report = closed()
    assert (report.effects, world.forge.open_pulls()) == ([], [])
    (note,) = report.notes
    assert note.startswith("the pull request to canary-2 is not opened before ")
    assert "somebody else closed it 2 times" in note
    done = list(world.writes.done)
    assert world.reconcile().notes == [note]
    assert world.writes.done == done
    for _ in range(6):
        assert world.forge.open_pulls() == []
        world.tick()
    assert [pull.head for pull in world.forge.open_pulls()] == ["rollout/tau/v0.1.5/canary-2"]


def test_a_pull_request_that_turns_red_says_so_and_stays(promoting: World) -> None:
    (pull,) = promoting.forge.open_pulls()
    report = promoting.tick(QUEUED)
    assert kinds(report.effects) == [UpdatePullRequest, SetStatus]
    (red,) = promoting.forge.open_pulls()
    assert red.body == f"canary-1: hold, on {pull.base_sha}"
    assert shown(promoting, red.head_sha) == (
        StatusState.FAILURE,
        "v0.1.5 canary-1: queue_depth and 1 more do not hold",
    )
    promoting.soak()
    assert shown(promoting, red.head_sha)[0] is StatusState.SUCCESS
    assert promoting.forge.open_pulls() == [pull]


def test_observations_that_change_only_figures_write_no_body(world: World) -> None:
    world.promotion_body = texts.promotion_body()
    world.soak()
    (pull,) = world.forge.open_pulls()
    assert "Verdict: promote" in pull.body
    busy = {"voice": {"fields": {"failure_streak": 0, "last_cycle_failed": 0, "queue_depth": 1}}}
    for changes in (None, busy, None):
        assert world.tick(changes).effects == []
    assert kinds(world.tick(QUEUED).effects) == [UpdatePullRequest, SetStatus]
    assert kinds(world.tick(QUEUED).effects) == []
    (red,) = world.forge.open_pulls()
    assert red.body.startswith("**DO NOT MERGE.")


def test_a_body_that_somebody_edits_is_written_anew(world: World) -> None:
    world.promotion_body = texts.promotion_body()
    world.soak()
    (pull,) = world.forge.open_pulls()
    world.forge.update_pull_request(pull.number, pull.body.replace("gates", "gods"), at=world.now)
    world.tick()
    (after,) = world.forge.open_pulls()
    assert "gods" not in after.body


@pytest.mark.parametrize("squash", [True, False])
def test_a_merge_enters_the_phase(promoting: World, squash: bool) -> None:
    promoting.merge(squash=squash)
    promoting.clock.forward(hours=5)
    report = promoting.reconcile()
    assert [taken.step.event for taken in report.steps] == ["enter"]
    assert report.illegal == ""
    assert promoting.status.phase == "canary-2"
    assert (promoting.status.soak.earned_seconds, promoting.status.entered_at) == (0, None)
    assert [pull.state for pull in promoting.forge.pulls] == [PullRequestState.MERGED] * 2


@pytest.fixture
def good_faith(promoting: World) -> World:
    """Nothing ran all night, and in the morning somebody merged what was green."""
    promoting.clock.forward(hours=10)
    promoting.merge()
    return promoting


def events_of(report: Report) -> list[str]:
    return [taken.step.event for taken in report.steps]


def test_a_green_merge_of_the_morning_after_waits_for_a_reading(good_faith: World) -> None:
    report = good_faith.reconcile()
    assert (events_of(report), report.illegal, report.effects) == (["wait"], "", [])
    assert (good_faith.rollout.phase, good_faith.status.phase) == ("canary-2", "canary-1")
    assert good_faith.rollout.frozen is None
    # nothing is committed while it waits, and nothing is proposed
    good_faith.clock.forward(minutes=20)
    assert (good_faith.reconcile().steps, good_faith.forge.open_pulls()) == ([], [])
    entered = good_faith.reconcile(good_faith.observe())
    assert events_of(entered) == ["enter"]
    assert (good_faith.status.phase, good_faith.status.merged_step) == ("canary-2", None)
    assert verify(good_faith.store, TAU, None).problems == []


def test_a_reading_that_was_made_in_time_counts_however_late_it_comes(good_faith: World) -> None:
    good_faith.clock.forward(minutes=5)
    reading = good_faith.observe()
    good_faith.clock.forward(hours=3)
    assert events_of(good_faith.reconcile(reading)) == ["wait", "enter"]
    assert verify(good_faith.store, TAU, None).problems == []


@pytest.mark.parametrize("together", [True, False])
def test_readings_in_one_batch_or_one_by_one_enter_alike(good_faith: World, together: bool) -> None:
    unreadable = {"voice": {"unknown": "exit 1", "health_state": None, "counters": None}}
    good_faith.clock.forward(minutes=5)
    first = good_faith.observe(unreadable)
    second = good_faith.observe(at=good_faith.clock.forward(minutes=6))
    third = good_faith.observe(at=good_faith.clock.forward(minutes=6))
    if together:
        good_faith.reconcile(third, first, second)
    else:
        for reading in (first, second, third):
            good_faith.reconcile(reading)
    assert good_faith.events()[-4:] == ["wait", "observe", "enter", "observe"]
    assert good_faith.status.soak.earned_seconds == 360
    assert verify(good_faith.store, TAU, None).problems == []
    again = good_faith.reconcile(second)
    assert (again.steps, len(again.notes)) == ([], 1)


def test_a_failing_reading_takes_the_merge_back_and_it_is_proposed_anew(good_faith: World) -> None:
    good_faith.reconcile()
    report = good_faith.tick(QUEUED)
    assert (events_of(report)[0], report.illegal) == ("undo-step", "")
    assert (good_faith.rollout.phase, good_faith.rollout.frozen) == ("canary-1", None)
    assert good_faith.forge.open_pulls() == []
    good_faith.soak()
    (pull,) = good_faith.forge.open_pulls()
    assert pull.head == "rollout/tau/v0.1.5/canary-2"
    assert shown(good_faith, pull.head_sha)[0] is StatusState.SUCCESS
    good_faith.merge()
    assert events_of(good_faith.reconcile()) == ["enter"]
    assert verify(good_faith.store, TAU, None).problems == []


def test_without_a_reading_the_merge_is_taken_back_and_proposed_by_the_next_one(good_faith: World) -> None:
    good_faith.reconcile()
    good_faith.clock.forward(minutes=31)
    assert events_of(good_faith.reconcile()) == ["undo-step"]
    assert good_faith.rollout.frozen is None
    report = good_faith.tick()
    assert kinds(report.effects)[0] is OpenPullRequest
    assert verify(good_faith.store, TAU, None).problems == []


def test_a_forge_that_is_down_at_the_merge_is_waited_for() -> None:
    world = World()
    world.start()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    world.merge()
    world.forge.is_down = True
    assert events_of(world.reconcile()) == ["wait"]
    world.clock.forward(minutes=10)
    assert events_of(world.reconcile()) == []
    world.forge.is_down = False
    assert events_of(world.reconcile()) == ["enter"]
    assert verify(world.store, TAU, None).problems == []


@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_while_a_merge_waits_is_finished_by_the_next(
    good_faith: World, nth: int, when: When
) -> None:
    good_faith.clock.forward(minutes=5)
    reading = good_faith.observe()
    good_faith.writes.crash(nth, when)
    with suppress(KilledError):
        good_faith.reconcile(reading)
    good_faith.writes.forget()
    good_faith.reconcile(reading)
    assert good_faith.events().count("enter") == 2
    assert (good_faith.status.phase, good_faith.reconcile().steps) == ("canary-2", [])
    assert verify(good_faith.store, TAU, None).problems == []


def test_a_merge_of_red_is_undone(promoting: World) -> None:
    promoting.tick(QUEUED)
    promoting.merge()
    assert promoting.reconcile().illegal.startswith("canary-1 -> canary-2 while the decision was hold (queue")


def test_a_merge_after_ci_failed_is_undone_and_rolled_back(promoting: World) -> None:
    promoting.ci("failure")
    promoting.merge()
    report = promoting.reconcile()
    assert [taken.step.event for taken in report.steps] == ["illegal-step", "rollback"]
    assert report.illegal.startswith("canary-1 -> canary-2 while validation-gate-failure fires")
    assert promoting.state.incident is not None
    assert promoting.state.incident.phase == "canary-1"


def test_the_merge_of_an_earlier_try_dates_nothing(good_faith: World) -> None:
    good_faith.reconcile()
    good_faith.tick(QUEUED)
    good_faith.soak()
    (pull,) = good_faith.forge.open_pulls()
    good_faith.forge.close_pull_request(pull.number, "by hand instead", at=good_faith.now)
    good_faith.forge.pulls.remove(good_faith.forge.pulls[-1])
    good_faith.clock.forward(days=3)
    good_faith.edit(phase="canary-2", canary_percent=25)
    good_faith.reconcile()
    step = good_faith.status.merged_step
    assert step is not None
    assert step.merged_at == good_faith.now


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({"phase": "canary-3", "canary_percent": 50}, "canary-1 -> canary-3 skips or goes back"),
        ({"phase": "preflight", "canary_percent": 0}, "canary-1 -> preflight skips or goes back"),
        ({"canary_percent": 30}, "canary percent changed to 30 without a phase"),
        ({"phase": "canary-2", "canary_percent": 100}, "at 100 %, the contract says 25 %"),
        ({"phase": "canary-2", "canary_percent": 25, "rollback_target": None}, "rollback_target changed"),
        ({"outcome": Outcome.COMPLETE}, "outcome changed outside of the tool"),
        ({"lanes": {"voice": "known_good"}}, "lanes changed outside of the tool"),
    ],
)
def test_an_illegal_step_is_undone(promoting: World, edit: dict[str, object], says: str) -> None:
    legal = promoting.rollout
    promoting.edit(**edit)
    report = promoting.reconcile()
    assert says in report.illegal
    assert promoting.rollout == legal.model_copy(update={"frozen": promoting.rollout.frozen})
    assert promoting.rollout.frozen is not None
    assert promoting.rollout.frozen.reason == f"illegal step: {report.illegal}"
    assert promoting.forge.open_pulls() == []
    assert promoting.reconcile().illegal == ""


def test_a_step_and_a_freeze_at_once(promoting: World) -> None:
    frozen = Freeze(reason="wait", at=promoting.now)
    promoting.edit(phase="canary-2", canary_percent=25, frozen=frozen)
    assert promoting.reconcile().illegal == "canary-1 -> canary-2 while frozen: wait"
    assert (promoting.rollout.phase, promoting.rollout.frozen) == ("canary-1", frozen)
    assert verify(promoting.store, TAU, None).problems == []


# --- what people do between a merge and the reconcile that notices it ---------------------------------------


def test_a_freeze_after_a_merge_stays_and_undoes_nothing(promoting: World) -> None:
    promoting.merge()
    promoting.clock.forward(minutes=1)
    freeze(promoting.store, promoting.clock, TAU, "numbers look odd")
    frozen = promoting.rollout.frozen
    assert verify(promoting.store, TAU, None).problems == []
    promoting.clock.forward(minutes=1)
    report = promoting.reconcile()
    assert (events_of(report), report.illegal) == (["enter"], "")
    assert (promoting.rollout.frozen, promoting.status.phase) == (frozen, "canary-2")
    assert promoting.status.decision.reasons[0] == "frozen: numbers look odd"
    assert (promoting.reconcile().steps, promoting.forge.open_pulls()) == ([], [])
    unfreeze(promoting.store, promoting.clock, TAU, "seen")
    promoting.soak()
    assert (promoting.verdict, promoting.status.decision.to) == (Verdict.PROMOTE, "canary-3")
    assert verify(promoting.store, TAU, None).problems == []


def test_a_freeze_before_a_merge_undoes_it_and_stays(promoting: World) -> None:
    frozen = Freeze(reason="numbers look odd", at=promoting.now)
    promoting.merge()
    merged = promoting.forge.pulls[-1]
    promoting.forge.pulls[-1] = replace(merged, merged_at=promoting.now + timedelta(seconds=1))
    promoting.edit(frozen=frozen)
    promoting.clock.forward(minutes=1)
    assert promoting.reconcile().illegal == "canary-1 -> canary-2 while frozen: numbers look odd"
    assert (promoting.rollout.frozen, promoting.status.phase) == (frozen, "canary-1")
    assert verify(promoting.store, TAU, None).problems == []


def other_soak(contract: Contract) -> dict[str, object]:
    phases = [phase.model_copy(update={"soak": 3600}) for phase in contract.phases[1:]]
    return {"phases": (contract.phases[0], *phases)}


def without_the_next(contract: Contract) -> dict[str, object]:
    of_it = [item for item in contract.signoff.items if item.proof and item.proof.of == "canary-2"]
    items = tuple(item for item in contract.signoff.items if item not in of_it)
    phases = (*contract.phases[:2], *contract.phases[3:])
    return {"phases": phases, "signoff": contract.signoff.model_copy(update={"items": items})}


def reordered(contract: Contract) -> dict[str, object]:
    first, second, third, fourth, last = contract.phases
    swapped = (
        fourth.model_copy(update={"canary_percent": 25}),
        third.model_copy(update={"canary_percent": 50}),
    )
    return {"phases": (first, second, *swapped, last)}


def other_percent(contract: Contract) -> dict[str, object]:
    third = contract.phases[2].model_copy(update={"canary_percent": 20})
    return {"phases": (*contract.phases[:2], third, *contract.phases[3:])}


def other_triggers(contract: Contract) -> dict[str, object]:
    return {"triggers": contract.triggers[::-1]}


def other_checklist(contract: Contract) -> dict[str, object]:
    return {"signoff": contract.signoff.model_copy(update={"items": contract.signoff.items[1:]})}


EDITS: dict[Callable[[Contract], dict[str, object]], str] = {
    other_soak: "was merged, and now soak: 0s of 1h",
    without_the_next: "canary-1 -> canary-2 at 25 % was merged, and contract.yaml no longer leads there",
    reordered: "canary-1 -> canary-2 at 25 % was merged, and contract.yaml no longer leads there",
    other_percent: "canary-1 -> canary-2 at 25 % was merged, and contract.yaml no longer leads there",
    other_triggers: "was merged, and now soak: 0s of 20m",
    other_checklist: "",
}
"""How people change the contract -> why the step that they merged is put back; empty when it is entered."""


@pytest.mark.parametrize("order", ["edit after", "edit before", "both at once"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_a_changed_contract_makes_no_merge_illegal(
    promoting: World, edit: Callable[[Contract], dict[str, object]], order: str
) -> None:
    before, changes = promoting.store.head(), edit(promoting.state.contract)
    if order == "edit before":
        promoting.edit_contract(**changes)
    promoting.merge()
    if order == "edit after":
        promoting.edit_contract(**changes)
        assert verify(promoting.store, TAU, None).problems == []
    if order == "both at once":
        contract = promoting.state.contract.model_copy(update=changes)
        files = {ROLLOUT: promoting.rollout, CONTRACT: contract}
        promoting.store.edit_at(before, TAU, files, at=promoting.now)
    promoting.clock.forward(minutes=1)
    report = promoting.reconcile()
    assert (report.illegal, promoting.rollout.frozen) == ("", None)
    assert promoting.status.phase == promoting.rollout.phase == ("canary-1" if EDITS[edit] else "canary-2")
    assert EDITS[edit] in " ".join(taken.step.detail for taken in report.steps)
    assert promoting.reconcile().steps == []
    assert verify(promoting.store, TAU, None).problems == []


@pytest.mark.parametrize("fixed", [True, False])
def test_a_contract_that_is_broken_after_a_merge_makes_it_wait(promoting: World, fixed: bool) -> None:
    contract = promoting.state.contract
    promoting.merge()
    promoting.store.edit(TAU, {CONTRACT: BROKEN}, at=promoting.now)
    promoting.clock.forward(minutes=1)
    report = promoting.reconcile()
    assert (report.illegal, promoting.rollout.frozen) == ("", None)
    assert promoting.status.merged_step is not None
    assert promoting.status.merged_step.waits_for == "a contract that can be used"
    assert promoting.reconcile().steps == []
    if fixed:
        promoting.store.edit(TAU, {CONTRACT: contract}, at=promoting.now)
    else:
        promoting.clock.forward(minutes=31)
    promoting.reconcile()
    assert (promoting.status.phase, promoting.rollout.frozen) == ("canary-2" if fixed else "canary-1", None)
    assert verify(promoting.store, TAU, None).problems == []


def test_a_freeze_by_hand_is_taken_up(promoting: World) -> None:
    promoting.edit(frozen=Freeze(reason="lunch", at=promoting.now))
    report = promoting.reconcile()
    assert [taken.step.event for taken in report.steps] == ["freeze"]
    assert kinds(report.effects) == [ClosePullRequest, SetStatus]
    assert shown(promoting, COMMIT) == (StatusState.FAILURE, "v0.1.5 canary-1: lunch")


def test_a_changed_contract_starts_the_soak_anew(promoting: World) -> None:
    promoting.edit_contract(triggers=promoting.state.contract.triggers[::-1])
    report = promoting.reconcile()
    assert [(taken.step.event, taken.step.detail) for taken in report.steps] == [
        ("contract-change", "soak starts again"),
        ("signoff", "canary-1-soaked withdrawn"),
    ]
    assert (promoting.verdict, promoting.status.soak.earned_seconds) == (Verdict.HOLD, 0)
    assert promoting.status.contract_digest == promoting.state.contract_digest


def test_a_changed_contract_asks_for_no_step_that_is_yet_to_be_judged() -> None:
    world = World(apply=True).play_to("canary-1")
    world.edit(phase="canary-3", canary_percent=50)
    world.edit_contract(triggers=world.state.contract.triggers[::-1])
    steps = world.reconcile().steps
    assert [taken.step.event for taken in steps] == ["contract-change", "illegal-step"]
    for taken in steps:
        assert taken.step.change.status is not None
        assert {request.phase for request in taken.step.change.status.requests} == {"canary-1"}


def test_a_contract_without_the_phase_holds_and_the_one_before_decides(promoting: World) -> None:
    contract = promoting.state.contract
    promoting.edit_contract(phases=(contract.phases[0], *contract.phases[2:]))
    report = promoting.reconcile()
    assert report.state.contract == contract
    assert report.state.unusable is not None
    assert report.state.unusable.problem == (
        "state/tau/contract.yaml: phases: there is no canary-1, where v0.1.5 stands"
    )
    assert promoting.verdict is Verdict.HOLD
    assert "contract.yaml cannot be used" in promoting.status.decision.reasons[0]
    assert promoting.reconcile().steps == []
    assert verify(promoting.store, TAU, None).findings == ()


BROKEN = InputError("phases.1.soak: not a duration", hint="", file=f"state/{TAU}/{CONTRACT}")


def test_the_brake_works_though_the_contract_does_not_parse(promoting: World) -> None:
    promoting.store.edit(TAU, {CONTRACT: BROKEN}, at=promoting.now)
    promoting.reconcile()
    assert promoting.verdict is Verdict.HOLD
    assert promoting.forge.open_pulls() == []
    freeze(promoting.store, promoting.clock, TAU, "look first")
    unfreeze(promoting.store, promoting.clock, TAU, "seen")
    promoting.reconcile()
    promoting.tick(DEGRADED)
    promoting.tick(DEGRADED)
    assert promoting.rollout.outcome is Outcome.ROLLING_BACK
    cancel(promoting.store, promoting.clock, TAU, "false alarm", "ada")
    roll_back(promoting.store, promoting.clock, TAU, Dispatch("bad", "ada"), tuple)
    promoting.reconcile()
    assert promoting.rollout.outcome is Outcome.ROLLING_BACK
    assert verify(promoting.store, TAU, None).findings == ()


def test_a_contract_that_is_mended_goes_on_with_what_was_earned(promoting: World) -> None:
    contract, earned = promoting.state.contract, promoting.status.soak.earned_seconds
    promoting.store.edit(TAU, {CONTRACT: BROKEN}, at=promoting.now)
    promoting.reconcile()
    promoting.store.edit(TAU, {CONTRACT: contract}, at=promoting.now)
    report = promoting.reconcile()
    assert report.steps[0].step.detail == "can be used again"
    assert promoting.verdict is Verdict.PROMOTE
    assert promoting.status.soak.earned_seconds == earned > 0
    assert len(promoting.forge.open_pulls()) == 1


# --- rollback ---------------------------------------------------------------------------------------------


def test_a_trigger_freezes_and_records_an_incident(promoting: World) -> None:
    promoting.tick(DEGRADED)
    (pull,) = promoting.forge.open_pulls()
    report = promoting.tick(DEGRADED)
    (taken,) = report.steps
    rollout, incident = promoting.rollout, promoting.state.incident
    assert taken.step.event == "rollback"
    assert incident is not None
    assert incident.id == f"{promoting.now:%Y%m%dt%H%M%Sz}-v0.1.5"
    assert (incident.phase, incident.canary_percent) == ("canary-1", 5)
    assert [f"{finding.trigger} {finding.surface}" for finding in incident.triggers] == [
        "health-regression memory"
    ]
    assert (rollout.phase, rollout.canary_percent, rollout.outcome) == ("canary-1", 0, Outcome.ROLLING_BACK)
    assert rollout.frozen is not None
    assert rollout.frozen.incident == incident.id
    assert kinds(report.effects) == [ClosePullRequest, SetStatus, OpenIssue]
    assert promoting.forge.comments[-1] == (pull.number, f"The rollout is frozen: {rollout.frozen.reason}")
    assert shown(promoting, COMMIT)[0] is StatusState.FAILURE


@pytest.mark.parametrize("phase", PHASES)
def test_ci_alone_can_fire_but_not_in_preflight(phase: str) -> None:
    world = World().play_to(phase)
    world.ci("timed_out", names=("Live smoke (voice)",))
    world.reconcile()
    assert (world.state.incident is not None) == (phase != "preflight")


def test_skipped_checks_are_neither_green_nor_failures() -> None:
    world = World().play_to("preflight")
    world.ci("skipped")
    world.tick()
    assert world.verdict is Verdict.HOLD
    assert world.status.decision.reasons[0].startswith("ci_checks")


def test_a_browser_that_fails_goes_to_its_known_good_lane(world: World) -> None:
    world.reconcile(world.observe({"browser-automation": bad_timeline()}))
    assert world.rollout.lanes == {"browser-automation": "known_good"}


def test_a_rollback_stands_whatever_is_edited(world: World) -> None:
    world.reconcile(world.observe(BREACH))
    stopped = world.rollout
    world.edit(outcome=Outcome.IN_PROGRESS, frozen=None, canary_percent=5)
    report = world.reconcile(world.observe(at=world.clock.forward(minutes=10)))
    assert report.illegal == "rollout.yaml changed while the rollout is rolling back"
    assert world.rollout == stopped


def test_evidence_from_before_the_merge_still_fires(promoting: World) -> None:
    late = promoting.observe(BREACH, at=promoting.clock.forward(minutes=1))
    promoting.merge()
    report = promoting.reconcile(late)
    assert [taken.step.event for taken in report.steps] == ["enter", "rollback"]
    assert promoting.forge.open_pulls() == []


# --- the end ----------------------------------------------------------------------------------------------


def test_a_complete_rollout_is_the_channels_version() -> None:
    world = World().play_to("general-availability")
    world.sign("final-approval")
    world.soak()
    assert world.events()[-1] == "complete"
    assert (world.rollout.outcome, world.rollout.canary_percent) == (Outcome.COMPLETE, 100)
    assert world.state.channel is not None
    assert world.state.channel.current_version == VERSION
    assert world.state.channel.rollback == RollbackHints(
        channel=ChannelName.STABLE,
        version=OLD_VERSION,
        reason=RollbackReason.COMPLETE,
        reference_unix_ms=unix_ms(world.now),
    )
    assert shown(world, COMMIT) == (StatusState.SUCCESS, "v0.1.5 general-availability: rollout complete")


# --- dry runs, races, rows --------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, QUEUED, BREACH])
def test_a_dry_run_tells_and_changes_nothing(promoting: World, changes: dict[str, dict[str, object]]) -> None:
    observation = promoting.observe(changes, at=promoting.clock.forward(minutes=10))
    before = (promoting.store.head(), list(promoting.writes.done), list(promoting.forge.pulls))
    told = promoting.reconcile(observation, dry_run=True)
    assert (promoting.store.head(), promoting.writes.done, promoting.forge.pulls) == before
    done = promoting.reconcile(observation)
    assert [taken.step.event for taken in told.steps] == [taken.step.event for taken in done.steps]
    assert {taken.commit for taken in told.steps} == {None}
    assert kinds(told.effects) == kinds(done.effects)


def test_a_dry_run_of_a_promotion_names_the_pull_request(world: World) -> None:
    world.tick()
    world.tick()
    (effect,) = world.reconcile(world.observe(at=world.clock.forward(minutes=10)), dry_run=True).effects
    assert effect == OpenPullRequest("rollout/tau/v0.1.5/canary-2", "canary-2", 25)


def test_rows_are_for_documents(promoting: World) -> None:
    rows = promoting.tick(QUEUED).rows()
    assert [row["kind"] for row in rows] == ["commit", "commit", "update_pull_request", "set_status"]
    assert rows[0]["event"] == "observe"
    assert rows[1] == {
        "kind": "commit",
        "event": "signoff",
        "commit": promoting.store.head(),
        "detail": "canary-1-soaked withdrawn",
    }
    assert rows[2] == {"kind": "update_pull_request", "number": 2}


def test_two_at_once_lose_nothing(world: World) -> None:
    one = world.observe()
    two = world.observe(at=world.clock.forward(minutes=10))
    world.writes.step_in(1, "before", lambda: world.reconcile(one))
    world.reconcile(two)
    assert world.events()[-2:] == ["observe", "observe"]
    assert world.status.soak.earned_seconds == 600


def test_the_older_of_two_at_once_is_noted(world: World) -> None:
    one = world.observe()
    two = world.observe(at=world.clock.forward(minutes=10))
    world.writes.step_in(1, "before", lambda: world.reconcile(two))
    report = world.reconcile(one)
    assert len(report.notes) == 1
    assert world.status.observation == two


def test_evidence_of_a_release_that_ended_meanwhile(world: World) -> None:
    def end_and_start_anew() -> None:
        world.store.edit(TAU, {"rollout.yaml": Rollout(train=TAU)}, at=world.now)
        world.start("v0.1.6", OTHER_COMMIT)

    world.writes.step_in(1, "before", end_and_start_anew)
    (note,) = world.reconcile(world.observe()).notes
    assert note.endswith("ignored: of v0.1.5, not of v0.1.6")
    assert world.status.observation is None


def test_a_freeze_meanwhile_stays_beside_the_merge(promoting: World) -> None:
    frozen = Freeze(reason="stop", at=promoting.now)
    promoting.merge()
    promoting.writes.step_in(1, "before", lambda: promoting.edit(frozen=frozen))
    assert promoting.reconcile().illegal == ""
    assert (promoting.rollout.frozen, promoting.status.phase) == (frozen, "canary-2")


def test_a_branch_that_keeps_moving_can_be_tried_again(world: World) -> None:
    done = len(world.writes.done)
    for nth in range(1, 30):
        world.writes.step_in(nth, "before", lambda: world.store.edit("other", {}, at=world.now))
    with pytest.raises(HeadMovedError):
        world.reconcile(world.observe())
    assert len(world.writes.done) == done


def test_evidence_of_an_earlier_rollout_of_the_same_release(world: World) -> None:
    early = world.observe(phase="preflight")
    world.reconcile(world.observe(BREACH, at=world.clock.forward(minutes=10)))
    world.store.edit(TAU, {"rollout.yaml": Rollout(train=TAU)}, at=world.clock.forward(hours=1))
    world.start()
    (note,) = world.reconcile(early).notes
    assert note.endswith("ignored: from before the rollout started")


def test_the_newest_attempt_of_a_check_counts() -> None:
    world = World().play_to("canary-1")
    world.ci("failure")
    world.clock.forward(minutes=1)
    world.ci("success")
    world.reconcile()
    assert world.state.incident is None
