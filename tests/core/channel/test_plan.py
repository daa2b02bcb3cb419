"""What a plan and an apply record."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.channel.explain import follows
from rollout.core.channel.hints import completed, rolled_back, switch, target_for
from rollout.core.channel.plan import Target, apply, named, plan, plan_rollback, planned_target
from rollout.core.channel.requests import answered
from rollout.core.contract import ApplyVersion, ChannelPolicy
from rollout.core.observation import WorkResult
from rollout.core.state import (
    ApplyStatus,
    Channel,
    ChannelAction,
    ChannelName,
    GuardCode,
    LookupSource,
    Quarantine,
    RollbackHints,
    RollbackReason,
    Rollout,
    TrainState,
)
from rollout.core.values import unix_ms
from tests.core.channel.test_guards import quarantine
from tests.core.test_versions import version_texts
from tests.core.world import START
from tests.world import contract

STABLE = Channel(train="tau", current_version="v0.1.4")
POLICY = ChannelPolicy()
ASKING = ChannelPolicy(apply=ApplyVersion(command=("deploy", "{version}")))
LATER = START + timedelta(hours=1)
NEXT = Target("v0.1.5", LookupSource.LIVE)


def applied(channel: Channel = STABLE, target: Target = NEXT, **more: Any) -> Channel:
    options = {"quarantine": None, "policy": POLICY, "at": START, **more}
    return apply(channel, target, **options)


def train(
    channel: Channel | None, policy: ChannelPolicy = POLICY, bad: Quarantine | None = None
) -> TrainState:
    rules = contract().model_copy(update={"channel": policy})
    return TrainState("tau", "1" * 40, rules, "0" * 64, Rollout(train="tau"), channel=channel, quarantine=bad)


def test_a_plan_records_all_that_it_was_decided_of() -> None:
    made = plan(STABLE, NEXT, quarantine=None, policy=POLICY, at=START, dry_run=True)
    assert made.model_dump(mode="json") == {
        "channel": "stable",
        "current_version": "v0.1.4",
        "target_version": "v0.1.5",
        "action": "upgrade",
        "guard_code": "ok",
        "guard_reason": "v0.1.5 is newer than v0.1.4",
        "dry_run": True,
        "lookup_source": "live",
        "planned_at": "2026-11-23T10:00:00Z",
    }


@pytest.mark.parametrize(
    ("typed", "kept", "code"),
    [
        (" v0.1.5\n", "v0.1.5", GuardCode.OK),
        ("v0.1.5\x1b[31m", "v0.1.5", GuardCode.OK),
        ("9" * 100_000, "9" * 127 + "…", GuardCode.INVALID_TARGET_VERSION),
        ("1.0.0\nRollout-Event: complete", "1.0.0 Rollout-Event: complete", GuardCode.INVALID_TARGET_VERSION),
        ("\u202e5.1.0", "5.1.0", GuardCode.MAJOR_VERSION_JUMP_BLOCKED),
    ],
)
def test_what_a_person_types_is_made_harmless_before_it_is_judged(
    typed: str, kept: str, code: GuardCode
) -> None:
    made = plan(STABLE, named(typed), quarantine=None, policy=POLICY, at=START)
    assert (made.target_version, made.guard_code, made.lookup_source) == (kept, code, LookupSource.OVERRIDE)


def test_an_upgrade_moves_the_version_and_leaves_hints_that_lead_back() -> None:
    channel = applied()
    assert channel.current_version == "v0.1.5"
    assert channel.rollback == RollbackHints(
        channel=ChannelName.STABLE,
        version="v0.1.4",
        reason=RollbackReason.APPLY_UPGRADE,
        reference_unix_ms=unix_ms(START),
    )
    assert channel.apply is not None
    assert (channel.apply.status, channel.apply.attempts) == (ApplyStatus.APPLIED_METADATA, 1)
    assert channel.request is None


def test_a_first_version_leads_back_to_none() -> None:
    channel = applied(Channel(train="tau"))
    assert channel.current_version == "v0.1.5"
    assert channel.rollback is not None
    assert channel.rollback.version is None


@pytest.mark.parametrize(
    ("target", "more", "status"),
    [
        ("v0.1.4", {}, ApplyStatus.NOOP),
        ("v0.1.3", {}, ApplyStatus.NOOP),
        ("v9.0.0", {}, ApplyStatus.BLOCKED),
        ("v0.1.5", {"quarantine": quarantine("v0.1.5")}, ApplyStatus.BLOCKED),
        ("v0.1.5", {"dry_run": True}, ApplyStatus.DRY_RUN),
        ("v0.1.4", {"dry_run": True}, ApplyStatus.NOOP),
        (None, {}, ApplyStatus.BLOCKED),
    ],
)
def test_anything_else_is_recorded_and_moves_nothing(
    target: str | None, more: dict[str, Any], status: ApplyStatus
) -> None:
    channel = applied(target=Target(target, LookupSource.LIVE), **more)
    assert channel.apply is not None
    assert channel.apply.status is status
    assert channel.model_copy(update={"apply": None}) == STABLE


def test_attempts_in_a_row_at_one_target_are_counted() -> None:
    bad = quarantine("v0.1.5")
    once = applied(quarantine=bad)
    twice = applied(once, quarantine=bad, at=LATER)
    done = applied(twice, at=LATER)
    other = applied(done, Target("v0.1.6", LookupSource.LIVE), at=LATER)
    attempts = [channel.apply.attempts for channel in (once, twice, done, other) if channel.apply]
    assert attempts == [1, 2, 3, 1]


@given(
    st.builds(
        Channel,
        train=st.just("tau"),
        channel=st.sampled_from(ChannelName),
        current_version=st.one_of(st.none(), version_texts.filter(lambda text: len(text) <= 128)),
    ),
    st.one_of(st.none(), version_texts.map(lambda text: text[:128]), st.text(max_size=20)),
    st.sampled_from([POLICY, ASKING]),
    st.booleans(),
)
def test_plan_is_pure_apply_after_apply_does_nothing_and_all_of_it_can_be_recomputed(
    channel: Channel, version: str | None, policy: ChannelPolicy, dry_run: bool
) -> None:
    target = named(version) if version is not None else Target(None, LookupSource.LIVE)
    rules: dict[str, Any] = {"quarantine": quarantine("v1.0.0"), "policy": policy, "dry_run": dry_run}
    first = plan(channel, target, at=START, **rules)
    assert plan(channel, target, at=START, **rules) == first
    once = apply(channel, target, at=START, **rules)
    again = apply(once, target, at=LATER, **rules)
    ours = {"apply": None}
    assert again.model_copy(update=ours) == once.model_copy(update=ours)
    assert again.apply is not None
    assert again.apply.status is not ApplyStatus.APPLIED_METADATA
    bad = quarantine("v1.0.0")
    planned = channel.model_copy(update={"plan": first})
    assert follows(train(channel, policy, bad), planned)
    assert follows(train(channel, policy, bad), once)
    assert follows(train(once, policy, bad), again)


# --- the product side -------------------------------------------------------------------------------------


def result(channel: Channel, *, ok: bool = True, minutes: int = 1) -> WorkResult:
    assert channel.request is not None
    began = channel.request.requested_at + timedelta(minutes=minutes)
    return WorkResult(request=channel.request.id, ok=ok, started_at=began, finished_at=began)


def test_an_upgrade_asks_the_product_side_where_the_contract_has_a_command() -> None:
    request = applied(policy=ASKING).request
    assert request is not None
    assert (request.version, request.previous, request.channel) == ("v0.1.5", "v0.1.4", ChannelName.STABLE)
    assert (request.id, request.attempt, request.result) == ("channel-20261123T100000Z", 1, None)


def test_what_failed_is_asked_for_again_by_applying_again() -> None:
    failed = answered(asked := applied(policy=ASKING), (result(asked, ok=False),))
    assert failed is not None
    again = applied(failed, policy=ASKING, at=LATER).request
    assert again is not None
    assert (again.version, again.attempt, again.result) == ("v0.1.5", 2, None)
    assert again.id != asked.request.id if asked.request else False
    dry = applied(failed, policy=ASKING, at=LATER, dry_run=True).request
    assert dry == failed.request


def test_what_is_pending_or_done_is_not_asked_for_again() -> None:
    asked = applied(policy=ASKING)
    assert applied(asked, policy=ASKING, at=LATER).request == asked.request
    done = answered(asked, (result(asked),))
    assert done is not None
    assert applied(done, policy=ASKING, at=LATER).request == done.request


def test_only_the_result_of_that_request_answers_it() -> None:
    asked = applied(policy=ASKING)
    other = result(asked).model_copy(update={"request": "apply-canary-1-5-1"})
    assert answered(asked, (other,)) is None
    assert answered(asked, (result(asked, minutes=-3),)) is None
    done = answered(asked, (other, result(asked)))
    assert done is not None
    assert answered(done, (result(asked),)) is None
    assert answered(STABLE, (other,)) is None
    assert answered(None, (other,)) is None


def test_a_version_that_moves_otherwise_withdraws_the_request() -> None:
    asked = applied(policy=ASKING)
    target = target_for(asked, "v0.1.4", LATER)
    assert target is not None
    assert completed(asked, "v0.1.6", LATER).request is None
    assert rolled_back(asked, target, LATER).request is None


# --- which target -----------------------------------------------------------------------------------------


def test_an_apply_goes_by_the_last_plan() -> None:
    made = plan(STABLE, NEXT, quarantine=None, policy=POLICY, at=START)
    assert planned_target(STABLE.model_copy(update={"plan": made})) == NEXT
    assert planned_target(STABLE) is None
    dry = made.model_copy(update={"dry_run": True})
    assert planned_target(STABLE.model_copy(update={"plan": dry})) is None
    back = plan_rollback(applied(), "v0.1.4", quarantine=None, at=START)
    assert planned_target(STABLE.model_copy(update={"plan": back})) is None
    none = plan(STABLE, Target(None, LookupSource.LIVE), quarantine=None, policy=POLICY, at=START)
    assert planned_target(STABLE.model_copy(update={"plan": none})) is None


# --- rollback ---------------------------------------------------------------------------------------------


def test_a_rollback_is_planned_when_the_rollback_flow_asks() -> None:
    made = plan_rollback(applied(), "v0.1.4", quarantine=quarantine("v0.1.5"), at=LATER)
    assert (made.action, made.guard_code) == (ChannelAction.ROLLBACK, GuardCode.OK)
    blocked = plan_rollback(applied(), "v0.1.5", quarantine=quarantine("v0.1.5"), at=LATER)
    assert (blocked.action, blocked.guard_code) == (ChannelAction.BLOCKED, GuardCode.QUARANTINED_RELEASE)


def test_a_rollback_keeps_the_channel_and_its_hints_lead_to_where_it_went() -> None:
    upgraded = switch(applied(), ChannelName.BETA, START)
    target = target_for(STABLE, None, START)
    assert target is not None
    back = rolled_back(upgraded, target, LATER)
    assert (back.channel, back.current_version) == (ChannelName.BETA, "v0.1.4")
    assert back.rollback == RollbackHints(
        channel=ChannelName.BETA,
        version="v0.1.4",
        reason=RollbackReason.ROLLBACK,
        reference_unix_ms=unix_ms(LATER),
    )


# --- recomputing ------------------------------------------------------------------------------------------


def test_a_switch_and_an_answer_follow() -> None:
    assert follows(train(STABLE), switch(STABLE, ChannelName.BETA, START))
    asked = applied(policy=ASKING)
    assert follows(train(asked, ASKING), answered(asked, (result(asked),)))
    assert follows(train(None), None)
    assert follows(train(STABLE), STABLE)


@pytest.mark.parametrize(
    "made_up",
    [
        STABLE.model_copy(update={"current_version": "v0.1.5"}),
        STABLE.model_copy(update={"channel": ChannelName.DEV}),
        applied().model_copy(update={"current_version": "v0.1.6"}),
        applied().model_copy(update={"rollback": None}),
        applied(policy=ASKING),
        switch(STABLE, ChannelName.BETA, START).model_copy(update={"current_version": "v0.1.3"}),
        answered(applied(policy=ASKING), (result(applied(policy=ASKING)),)),
        None,
    ],
)
def test_what_no_command_writes_does_not_follow(made_up: Channel | None) -> None:
    assert not follows(train(STABLE), made_up)


def test_an_upgrade_to_what_is_in_quarantine_does_not_follow() -> None:
    assert not follows(train(STABLE, bad=quarantine("v0.1.5")), applied())
