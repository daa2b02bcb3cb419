"""The product's own release metadata, in both its schemas, and everything that may be wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.channel.product_metadata import CHANNEL_FILE, UPDATE_FILE, read
from rollout.core.state import (
    ApplyStatus,
    Channel,
    ChannelAction,
    ChannelName,
    GuardCode,
    LookupSource,
    RollbackHints,
    RollbackReason,
)
from rollout.core.values import unix_ms
from tests.core.channel.test_plan import STABLE, applied
from tests.core.world import START

MS = unix_ms(START)
ROLLBACK = {
    "previous_channel": "stable",
    "previous_version": "v0.1.3",
    "reference_unix_ms": MS,
    "reason": "channel_switch",
}
VERSION_1 = {"schema_version": 1, "release_channel": "beta"}
VERSION_2 = {"schema_version": 2, "release_channel": "beta", "rollback": ROLLBACK, "more": [1]}
UPDATE = {
    "schema_version": 1,
    "channel": "beta",
    "current_version": "v0.1.4",
    "target_version": "v0.1.5",
    "action": "upgrade",
    "dry_run": False,
    "lookup_source": "live",
    "guard_code": "ok",
    "guard_reason": "newer",
    "planned_at_unix_ms": MS,
    "apply_attempts": 2,
    "last_apply_unix_ms": MS + 60_000,
    "last_apply_status": "applied_metadata",
    "last_apply_target": "v0.1.4",
    "rollback_channel": "stable",
    "rollback_version": "v0.1.3",
}
EMPTY = Channel(train="tau")


def taken(before: Channel = EMPTY, **documents: Any) -> tuple[Channel, list[str]]:
    names = {"channel": CHANNEL_FILE, "update": UPDATE_FILE}
    return read({names[key]: value for key, value in documents.items()}, before, START)


def test_all_of_it() -> None:
    channel, notes = taken(channel=VERSION_2, update=UPDATE)
    assert (channel.channel, channel.current_version, notes) == (ChannelName.BETA, "v0.1.4", [])
    assert channel.rollback == RollbackHints(
        channel=ChannelName.STABLE,
        version="v0.1.3",
        reason=RollbackReason.CHANNEL_SWITCH,
        reference_unix_ms=MS,
    )
    plan, last = channel.plan, channel.apply
    assert plan is not None
    assert last is not None
    assert (plan.target_version, plan.action, plan.guard_code) == (
        "v0.1.5",
        ChannelAction.UPGRADE,
        GuardCode.OK,
    )
    assert (plan.lookup_source, plan.planned_at) == (LookupSource.LIVE, START)
    assert (last.target_version, last.status, last.attempts) == (
        "v0.1.4",
        ApplyStatus.APPLIED_METADATA,
        2,
    )


def test_schema_1_has_no_rollback_and_takes_none_away() -> None:
    before = applied()
    channel, _ = taken(before, channel=VERSION_1)
    assert (channel.channel, channel.rollback) == (ChannelName.BETA, before.rollback)
    assert channel.current_version == before.current_version


def test_one_file_alone() -> None:
    channel, _ = taken(update={"channel": "dev", "current_version": None})
    assert (channel.channel, channel.current_version, channel.plan) == (ChannelName.DEV, None, None)
    assert taken(STABLE) == (STABLE, [])


def test_the_channels_own_file_wins() -> None:
    channel, _ = taken(channel={**VERSION_1, "release_channel": "dev"}, update=UPDATE)
    assert channel.channel is ChannelName.DEV


@pytest.mark.parametrize(
    ("rollback", "hints"),
    [
        ({}, None),
        ({"previous_channel": "nightly"}, None),
        (
            {"previous_channel": "stable", "reason": "a whim"},
            RollbackHints(
                channel=ChannelName.STABLE,
                version=None,
                reason=RollbackReason.IMPORT,
                reference_unix_ms=MS,
            ),
        ),
    ],
)
def test_hints_that_are_not_whole(rollback: dict[str, Any], hints: RollbackHints | None) -> None:
    channel, _ = taken(channel={**VERSION_2, "rollback": rollback})
    assert channel.rollback == hints


@pytest.mark.parametrize(
    "changes", [{"action": "explode"}, {"guard_code": "x\n\x1b[2J"}, {"lookup_source": ""}]
)
def test_a_plan_in_words_that_are_not_ours_is_left_out_and_told(changes: dict[str, Any]) -> None:
    channel, notes = taken(update={**UPDATE, **changes})
    assert (channel.current_version, channel.plan, channel.apply) == ("v0.1.4", None, None)
    (note,) = notes
    assert note.startswith("the last plan is not taken over: unknown words among ")
    assert "\n" not in note
    assert "\x1b" not in note


@pytest.mark.parametrize(
    "changes",
    [{"last_apply_status": "wild"}, {"last_apply_unix_ms": None}, {"apply_attempts": 0}],
)
def test_a_plan_without_an_apply(changes: dict[str, Any]) -> None:
    channel, _ = taken(update={**UPDATE, **changes})
    assert channel.plan is not None
    assert channel.apply is None


def test_texts_that_are_empty_or_too_long() -> None:
    changes = {"target_version": None, "last_apply_target": None, "guard_reason": "x" * 9000}
    channel, _ = taken(update={**UPDATE, **changes, "current_version": "9" * 9000})
    assert channel.plan is not None
    assert channel.apply is not None
    assert (channel.plan.target_version, channel.apply.target_version) == (None, None)
    assert (len(channel.plan.guard_reason), len(channel.current_version or "")) == (500, 128)


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({"channel": []}, "release-channel.json: the file: "),
        ({"channel": {"schema_version": 1}}, "release-channel.json: release_channel: Field required"),
        ({"channel": {**VERSION_2, "schema_version": 3}}, "release-channel.json: schema_version 3 is newer"),
        (
            {"channel": {**VERSION_1, "release_channel": "canary"}},
            "release-channel.json: channel: canary is none",
        ),
        ({"channel": {**VERSION_2, "rollback": {"reference_unix_ms": -1}}}, "rollback.reference_unix_ms: "),
        (
            {"update": {**UPDATE, "planned_at_unix_ms": 10**20}},
            "release-update-state.json: planned_at_unix_ms: ",
        ),
        ({"update": {**UPDATE, "channel": 7}}, "release-update-state.json: channel: "),
        ({"update": {**UPDATE, "schema_version": 9}}, "release-update-state.json: schema_version 9 is newer"),
        ({"update": {**UPDATE, "apply_attempts": "many"}}, "release-update-state.json: apply_attempts: "),
    ],
)
def test_what_makes_no_sense_is_named(documents: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        taken(**documents)
    assert "\n" not in str(refused.value)
