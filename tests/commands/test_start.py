"""`rollout start`."""

from __future__ import annotations

import pytest

from rollout.core.contract import NewCounterTrigger
from rollout.core.files import CHANNEL, QUARANTINE
from rollout.core.state import (
    Channel,
    ChannelName,
    Outcome,
    Quarantine,
    QuarantinedRelease,
    RollbackReason,
    Verdict,
)
from rollout.errors import ContractError, HeadMovedError, InputError, RefusedError, RolloutError
from rollout.rendering.rollback import target_by_hand
from tests.world import COMMIT, OLD_COMMIT, OLD_VERSION, OTHER_COMMIT, TAU, UNKNOWN_COMMIT, VERSION, World


def test_a_rollout_begins_at_the_first_phase() -> None:
    world = World()
    world.start(base=OLD_COMMIT)
    rollout, status = world.rollout, world.status
    assert rollout.release is not None
    assert (rollout.release.version, rollout.release.commit) == (VERSION, COMMIT)
    assert (rollout.release.base, rollout.release.started_at) == (OLD_COMMIT, world.now)
    assert (rollout.phase, rollout.canary_percent, rollout.outcome) == ("preflight", 0, Outcome.IN_PROGRESS)
    assert (status.legal, status.decision.verdict) == (rollout, Verdict.HOLD)
    assert world.state.signoff is not None
    assert world.state.signoff.items == {}
    assert world.events() == ["", "start"]
    assert [request.id for request in status.requests] == ["harness-preflight-0-1"]


@pytest.mark.parametrize(("named", "target"), [(None, OLD_VERSION), ("v0.1.2", "v0.1.2")])
def test_the_rollback_target_is_fixed(named: str | None, target: str) -> None:
    world = World()
    world.edit_channel(channel=ChannelName.BETA)
    world.history.tags["v0.1.2"] = OLD_COMMIT
    world.start(rollback_to=named)
    channel, fixed = world.state.channel, world.rollout.rollback_target
    assert fixed is not None
    assert channel is not None
    assert channel.rollback is not None
    assert (fixed.version, fixed.channel) == (target, ChannelName.BETA)
    assert (channel.rollback.version, channel.rollback.reason) == (target, RollbackReason.ROLLOUT_START)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"version": "1.2"}, "version 1.2: not a semantic version"),
        ({"version": "latest"}, "version latest"),
        ({"version": "v1.2.3; rm -rf"}, "version v1.2.3; rm -rf"),
        ({"rollback_to": "v1"}, "--rollback-to v1"),
        ({"commit": UNKNOWN_COMMIT}, f"--commit {UNKNOWN_COMMIT}: no such commit"),
        ({"base": UNKNOWN_COMMIT}, f"--base {UNKNOWN_COMMIT}: no such commit"),
    ],
)
def test_bad_options(options: dict[str, str], says: str) -> None:
    world = World()
    with pytest.raises(InputError, match=says) as caught:
        world.start(**options)
    assert caught.value.hint
    assert world.writes.done == []


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome.IN_PROGRESS, "v0.1.5 is in progress"),
        (Outcome.ROLLING_BACK, "v0.1.5 is rolling back"),
        (Outcome.ROLLED_BACK, "v0.1.5 is rolled back"),
    ],
)
def test_one_release_at_a_time(outcome: Outcome, says: str) -> None:
    world = World()
    world.start()
    world.edit(outcome=outcome)
    with pytest.raises(RefusedError, match=says):
        world.start("v0.1.6", OTHER_COMMIT)
    assert world.writes.done == ["commit start"]


@pytest.mark.parametrize(
    ("current", "version", "code"),
    [
        ("banana", VERSION, "invalid_current_version"),
        (OLD_VERSION, "v0.1.5-rc.1", "stable_prerelease_disallowed"),
        (OLD_VERSION, "v2.0.0", "major_version_jump_blocked"),
        (OLD_VERSION, "0.6.6", "quarantined_release"),
    ],
)
def test_a_version_that_a_guard_blocks_is_refused(current: str, version: str, code: str) -> None:
    world = World()
    bad = QuarantinedRelease(commit=OTHER_COMMIT, version="v0.6.6", incident="bad", at=world.now)
    files = {
        CHANNEL: Channel(train=TAU, current_version=current),
        QUARANTINE: Quarantine(train=TAU, releases=(bad,)),
    }
    world.store.edit(TAU, files, at=world.now)
    with pytest.raises(RefusedError, match=f"{version} is blocked, {code}: ") as caught:
        world.start(version)
    assert caught.value.hint
    assert world.writes.done == []


def test_the_next_one_starts_afresh() -> None:
    world = World().play_to("general-availability")
    world.sign("final-approval")
    world.soak()
    assert world.rollout.outcome is Outcome.COMPLETE
    world.start("v0.1.6", OTHER_COMMIT)
    assert world.rollout.rollback_target is not None
    assert world.rollout.rollback_target.version == VERSION
    assert world.status.observation is None
    assert world.state.signoff is not None
    assert (world.state.signoff.release, world.state.signoff.items) == ("v0.1.6", {})


def test_a_branch_that_moved_is_read_again() -> None:
    world = World()
    channel = Channel(train=TAU, current_version="v0.1.3")
    world.writes.step_in(1, "before", lambda: world.store.edit(TAU, {CHANNEL: channel}, at=world.now))
    world.start()
    assert world.rollout.rollback_target is not None
    assert world.rollout.rollback_target.version == "v0.1.3"


def test_a_branch_that_keeps_moving_can_be_tried_again() -> None:
    world = World()
    for nth in range(1, 20):
        world.writes.step_in(nth, "before", lambda: world.store.edit("other", {}, at=world.now))
    with pytest.raises(HeadMovedError) as caught:
        world.start()
    assert caught.value.exit_code == 4
    assert world.writes.done == []


def test_exit_codes() -> None:
    assert (InputError.exit_code, RefusedError.exit_code, RolloutError.exit_code) == (2, 3, 2)


def test_a_release_does_not_start_under_a_contract_that_does_not_do_what_it_says() -> None:
    world = World()
    first, *_ = world.state.contract.triggers
    trigger = NewCounterTrigger(
        name="errors",
        kind="new_counter",
        counters=("case_processing_faild",),
        surfaces=("browser-automation",),
        actions=first.actions,
    )
    world.edit_contract(triggers=(trigger,))
    before = world.store.head()
    with pytest.raises(ContractError) as error:
        world.start()
    assert error.value.problems == (
        "state/tau/contract.yaml: triggers.0.counters: browser-automation does not report"
        " case_processing_faild; known here: artifact_records",
    )
    assert world.store.head() == before


# --- a current version that a person wrote ---------------------------------------------------------------


def test_a_version_that_was_written_into_the_channel_is_said_to_be() -> None:
    world = World()
    world.edit_channel(current_version="v0.1.3")
    edit = world.store.head()
    world.start()
    target = world.rollout.rollback_target
    assert target is not None
    assert (target.version, target.by_hand) == ("v0.1.3", edit)
    assert edit[:10] in target_by_hand(world.rollout)
    world.tick()
    seen = {finding.gate: finding.seen for finding in world.status.gates}
    assert seen["rollback_target"] == f"v0.1.3 on stable, written into channel.yaml by hand in {edit[:10]}"


def test_a_version_that_a_command_recorded_since_is_not() -> None:
    world = World()
    world.edit_channel(current_version="v0.1.3")
    world.start(rollback_to="v0.1.4")
    assert world.rollout.rollback_target is not None
    assert world.rollout.rollback_target.by_hand is None


def test_a_train_that_was_set_up_with_a_version() -> None:
    world = World()
    world.start()
    assert target_by_hand(world.rollout) == ""
