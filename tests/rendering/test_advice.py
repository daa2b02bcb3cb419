"""What a person is told to do, where golden files do not show it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rollout.core.contract import (
    Action,
    AdvancingGate,
    NewCounterTrigger,
    SignoffPolicy,
    ThresholdTrigger,
    Trigger,
)
from rollout.core.observation import WorkResult
from rollout.core.state import (
    Channel,
    ChannelName,
    ChannelRequest,
    Freeze,
    GateFinding,
    Outcome,
    Request,
    Result,
    Status,
    TriggerState,
    UnusableFile,
    Verdict,
    Work,
)
from rollout.rendering.advice import after_undoing, needs_person, to_do, what_next
from tests import builders as build


def advise(status: Status, pull_request: int | None = None) -> list[str]:
    state = build.train(build.rollout(status.phase), status)
    return to_do(state, now=build.NOW, pull_request=pull_request)


def test_an_earliest_end_that_has_passed_is_not_waited_for() -> None:
    late = build.status(decision=build.hold(earliest=build.NOW - timedelta(minutes=1)))
    assert advise(late) == ["wait for the next observation, due 14:10 UTC"]


MEND = "fix the contract: c.yaml: phases: is missing; take that back: git checkout abc1234 -- c.yaml"


@pytest.mark.parametrize(
    ("outcome", "advice"),
    [
        (Outcome.IDLE, [MEND]),
        (Outcome.COMPLETE, [MEND]),
        (Outcome.WITHDRAWN, [MEND]),
        (Outcome.IN_PROGRESS, [MEND, "wait: the soak ends 14:40 UTC at the earliest"]),
        (Outcome.ROLLED_BACK, ["once the cause is fixed: rollout reopen --reason WHY", MEND]),
    ],
)
def test_a_contract_that_cannot_be_used_is_mended_before_anything_starts(
    outcome: Outcome, advice: list[str]
) -> None:
    rollout = build.rollout("canary-2").model_copy(update={"outcome": outcome})
    unusable = UnusableFile("c.yaml: phases: is missing", "take that back: git checkout abc1234 -- c.yaml")
    state = replace(build.train(rollout, build.status()), unusable=unusable)
    assert to_do(state, now=build.NOW, pull_request=None) == advice


def test_before_the_first_observation() -> None:
    status = build.status(decision=build.hold("nothing observed yet"))
    unseen = status.model_copy(update={"observation": None, "entered_at": None})
    assert [text.split(";")[0] for text in advise(unseen)] == [
        "waiting for the first observation of canary-2"
    ]


def test_a_promotion_without_its_pull_request() -> None:
    promoting = build.status(decision=build.promote())
    assert advise(promoting) == ["open the pull request to canary-3: rollout reconcile"]


def test_a_promotion_is_merged_by_the_command_that_is_given() -> None:
    state = build.train(build.rollout("canary-2"), build.status(decision=build.promote()))
    told = to_do(state, now=build.NOW, pull_request=7, merge="rollout local merge 7")
    assert told == ["merge pull request #7 to go to canary-3: rollout local merge 7"]


def test_a_frozen_train_shows_what_else_is_to_do_but_no_promotion() -> None:
    changed: build.Edits = {("queue_depth", "memory"): (Result.UNSATISFIED, "12")}
    frozen = {"frozen": Freeze(reason="flu", at=build.NOW)}
    rollout = build.rollout("canary-2").model_copy(update=frozen)
    unfreeze = "frozen; when it is safe to go on: rollout unfreeze --reason WHY"
    failing = build.train(rollout, build.status(changed=changed))
    assert to_do(failing, now=build.NOW, pull_request=7) == [
        unfreeze,
        "fix memory: queue_depth is 12, wanted <= 1",
    ]
    promoting = build.train(rollout, build.status(decision=build.promote()))
    assert to_do(promoting, now=build.NOW, pull_request=7) == [unfreeze]


@pytest.mark.parametrize(
    ("advice", "needed"),
    [
        ("wait: the soak ends 14:40 UTC at the earliest", False),
        ("waiting for the first observation of canary-2; to make it now: rollout tick", False),
        ("nothing; the next release: rollout start VERSION", False),
        ("nothing: the next reconcile completes the rollout", False),
        ("nothing observed since 10:00 UTC, 2h ago: is the schedule running?", True),
        ("merge pull request #7 to go to canary-3", True),
    ],
)
def test_what_is_only_waited_for_needs_nobody(advice: str, needed: bool) -> None:
    assert needs_person(advice) is needed


@pytest.mark.parametrize(
    ("trigger", "seen", "advice"),
    [
        (
            ThresholdTrigger(
                name="slow", kind="threshold", field="latency", at_least=2, actions=(Action.FREEZE,)
            ),
            "latency=3",
            "slow (memory): latency=3, fix that, or take the release back: rollout rollback --reason WHY",
        ),
        (
            NewCounterTrigger(name="new", kind="new_counter", counters=("errors",), actions=(Action.FREEZE,)),
            "errors rose by 1",
            "new (memory): errors rose by 1, and stays so in this phase: rollout rollback --reason WHY",
        ),
    ],
)
def test_what_froze_without_a_rollback_is_left_to_a_person(trigger: Trigger, seen: str, advice: str) -> None:
    finding = build.fired().model_copy(update={"trigger": trigger.name, "seen": seen})
    changed: build.Edits = {("no_trigger", None): (Result.UNSATISFIED, f"fired: {trigger.name}")}
    status = build.status(changed=changed, triggers=(finding,))
    state = build.train(build.rollout(status.phase), status)
    state = replace(state, contract=state.contract.model_copy(update={"triggers": (trigger,)}))
    assert to_do(state, now=build.NOW, pull_request=None) == [advice]


def test_more_samples_are_waited_for() -> None:
    seen = "cannot tell yet: 0.4 % (0.1 to 1.4) of 680"
    changed: build.Edits = {("queue_depth", "memory"): (Result.UNKNOWN, seen)}
    status = build.status(changed=changed, decision=build.hold(earliest=None))
    gates = tuple(
        each.model_copy(update={"more_samples": True}) if each.seen == seen else each for each in status.gates
    )
    (told,) = advise(status.model_copy(update={"gates": gates}))
    assert told == f"wait for more samples: queue_depth (memory): {seen}"
    assert not needs_person(told)


def test_a_trigger_that_cannot_be_told_is_named_only_when_nothing_else_is() -> None:
    changed: build.Edits = {("no_trigger", None): (Result.UNKNOWN, "cannot tell: validation")}
    assert advise(build.status(changed=changed)) == [
        "check why no_trigger is unknown: cannot tell: validation"
    ]
    seen = "all over 5m is 0: nothing to divide by"
    burn = build.fired().model_copy(
        update={"trigger": "burn", "state": TriggerState.UNKNOWN, "seen": seen, "surface": "memory"}
    )
    told = advise(build.status(changed=changed, triggers=(burn,)))
    assert told == [f"check why burn is unknown: memory: {seen}"]
    changed["queue_depth", "memory"] = (Result.UNKNOWN, "not reported")
    assert advise(build.status(changed=changed, triggers=(burn,))) == [
        "check why memory is unknown: not reported"
    ]


@pytest.mark.parametrize(("percent", "command"), [(25, "rollback"), (0, "withdraw")])
def test_a_counter_that_rose_is_never_mended_in_its_phase(percent: int, command: str) -> None:
    gate = "no_new.case_processing_failed"
    rose: build.Edits = {(gate, "voice"): (Result.UNSATISFIED, "1 new")}
    state = build.train(build.rollout("canary-2"), build.status(changed=rose))
    phases = tuple(
        phase.model_copy(update={"canary_percent": percent}) if phase.name == "canary-2" else phase
        for phase in state.contract.phases
    )
    state = replace(state, contract=state.contract.model_copy(update={"phases": phases}))
    (advice,) = to_do(state, now=build.NOW, pull_request=None)
    assert advice.startswith(f"voice: {gate} is 1 new, wanted ")
    assert advice.endswith(f", and stays so in this phase: rollout {command} --reason WHY")


def test_a_count_that_only_takes_time_is_waited_for() -> None:
    gates = (AdvancingGate(kind="advancing", counter="served", by=1000),)
    finding = GateFinding(
        gate="advancing.served",
        surface="voice",
        result=Result.UNSATISFIED,
        seen="rose by 499 (total 499)",
        wanted="risen by at least 1000",
        since=build.NOW,
    )
    status = build.status().model_copy(update={"gates": (finding,)})
    state = build.train(build.rollout("canary-2"), status)
    phases = tuple(phase.model_copy(update={"gates": gates}) for phase in state.contract.phases)
    state = replace(state, contract=state.contract.model_copy(update={"phases": phases}))
    assert to_do(state, now=build.NOW, pull_request=None) == [
        "wait for voice: advancing.served rose by 499 (total 499), wanted risen by at least 1000"
    ]


def test_many_troubles_are_counted_and_one_cause_is_named_once() -> None:
    changed: build.Edits = {
        (gate, surface): (Result.UNSATISFIED, "7")
        for gate in ("failure_streak", "queue_depth")
        for surface in build.SURFACES
    }
    shown = advise(build.status(changed=changed))
    assert shown[0] == "fix voice: failure_streak is 7, wanted 0"
    assert shown[5:] == ["and 5 more, below"]
    unread: build.Edits = {
        (gate, "voice"): (Result.UNKNOWN, "timed out") for gate in ("failure_streak", "queue_depth")
    }
    assert advise(build.status(changed=unread)) == ["check why voice is unknown: timed out"]


def test_completion_needs_nobody() -> None:
    decision = build.hold().model_copy(update={"verdict": Verdict.COMPLETE, "earliest": None})
    status = build.status("general-availability", decision=decision)
    signed = build.train(build.rollout("general-availability"), status)
    assert "nothing: the next reconcile completes the rollout" not in to_do(
        signed, now=build.NOW, pull_request=None
    )
    assert what_next(signed, now=build.NOW).startswith("the rollout completes when")
    free = replace(signed, contract=signed.contract.model_copy(update={"signoff": SignoffPolicy()}))
    assert to_do(free, now=build.NOW, pull_request=None) == [
        "nothing: the next reconcile completes the rollout"
    ]


def test_work_that_failed_says_how() -> None:
    status = build.status(decision=build.hold())
    asked = Request(
        id="apply-canary-2-25-3",
        work=Work.APPLY,
        phase="canary-2",
        canary_percent=25,
        attempt=3,
        failed="exit 3: no route to `host`\x1b[31m",
        requested_at=build.NOW,
    )
    waiting = status.model_copy(update={"requests": (asked,)})
    assert advise(waiting)[0] == (
        "on the product's machine: rollout tick"
        " (apply for canary-2; attempt 2 failed: exit 3: no route to `host`)"
    )


def test_after_a_rollback() -> None:
    over = build.train(build.rollout(outcome=Outcome.ROLLED_BACK), build.status())
    assert to_do(over, now=build.NOW, pull_request=None) == [
        "once the cause is fixed: rollout reopen --reason WHY"
    ]
    assert what_next(over, now=build.NOW) == "nothing is promoted until the train is reopened"


def test_a_rollback_without_its_incident_is_said() -> None:
    lost = build.train(build.rollout(outcome=Outcome.ROLLING_BACK), build.status())
    assert to_do(lost, now=build.NOW, pull_request=None) == [
        "a rollback is under way, and its incident is not recorded: rollout verify"
    ]


@pytest.mark.parametrize(
    ("ok", "first"), [(False, "v0.1.5 was not brought to where it runs: exit 1"), (True, "")]
)
def test_a_version_that_did_not_get_to_where_it_runs_comes_first(ok: bool, first: str) -> None:
    request = ChannelRequest(
        id="channel-1",
        version="v0.1.5",
        previous="v0.1.4",
        channel=ChannelName.STABLE,
        attempt=1,
        requested_at=build.NOW,
        result=WorkResult(
            request="channel-1", ok=ok, detail="exit 1", started_at=build.NOW, finished_at=build.NOW
        ),
    )
    channel = Channel(train="tau", current_version="v0.1.5", request=request)
    told = to_do(replace(build.train(build.idle(), None), channel=channel), now=build.NOW, pull_request=None)
    assert told[0].startswith(first)
    assert (len(told) == 2) == (not ok)


@pytest.mark.parametrize(
    ("outcome", "said", "hint"),
    [
        (Outcome.IN_PROGRESS, "illegal step undone, tau is frozen in canary-2: why", "rollout unfreeze"),
        (Outcome.IDLE, "tau: change of rollout.yaml undone: why", "rollout start"),
        (Outcome.COMPLETE, "tau: change of rollout.yaml undone: why", "rollout start"),
        (Outcome.ROLLED_BACK, "tau: change of rollout.yaml undone: why", "rollout reopen"),
        (Outcome.WITHDRAWN, "tau: change of rollout.yaml undone: why", "rollout start"),
    ],
)
def test_only_what_is_frozen_is_to_be_unfrozen(outcome: Outcome, said: str, hint: str) -> None:
    frozen = build.frozen_rollout().frozen if outcome is Outcome.IN_PROGRESS else None
    rollout = build.rollout().model_copy(update={"outcome": outcome, "frozen": frozen})
    message, to_do_now = after_undoing(build.train(rollout, build.status()), "why", now=build.NOW)
    assert message == said
    assert hint in to_do_now
    assert ("unfreeze" in to_do_now) == (frozen is not None)
