"""Pull requests of kind channel: reconcile, check and verify."""

from __future__ import annotations

import pytest

from rollout.commands.channel.apply import make_apply
from rollout.commands.channel.set_ import set_channel
from rollout.commands.check import check
from rollout.commands.verify import verify
from rollout.core.files import CHANNEL
from rollout.core.forge import PullRequest, StatusState
from rollout.core.state import ChannelName, Event
from rollout.errors import InputError, RefusedError
from rollout.rendering.commits import message
from tests.commands.channel.world import ChannelWorld
from tests.world import TAU


@pytest.fixture
def world() -> ChannelWorld:
    world = ChannelWorld("v0.1.5", review="pull_request")
    make_apply(world.desk, TAU, None)
    return world


def pull_of(world: ChannelWorld) -> PullRequest:
    (pull,) = world.forge.open_pulls()
    return pull


def shown(world: ChannelWorld) -> tuple[StatusState, str]:
    return world.forge.statuses(pull_of(world).head_sha)["rollout/tau"]


def test_a_file_that_is_not_as_the_tool_writes_it_is_red(world: ChannelWorld) -> None:
    pull, altered = pull_of(world), "its channel.yaml has mode 100755"
    world.store.alterations[pull.head_sha] = altered
    world.reconcile()
    assert shown(world) == (StatusState.FAILURE, f"not as proposed: {altered}")
    world.store.alterations[world.store.head()] = altered
    world.reconcile()
    assert shown(world)[0] is StatusState.SUCCESS


def judge(world: ChannelWorld) -> None:
    """What the required check says of the open pull request."""
    changed = ["state/tau/channel.yaml"]
    check(world.store, lambda _: world.forge, world.clock, pull_of(world).head_sha, changed)


def test_while_nothing_stands_against_it_nothing_changes(world: ChannelWorld) -> None:
    written = list(world.writes.done)
    report = world.reconcile()
    assert (report.effects, world.writes.done) == ([], written)
    judge(world)


def test_a_status_that_was_lost_is_set_again(world: ChannelWorld) -> None:
    world.forge.shown.clear()
    world.reconcile()
    assert shown(world) == (StatusState.SUCCESS, "the guards let it pass")


def test_a_version_that_is_rolled_back_meanwhile_turns_it_red(world: ChannelWorld) -> None:
    world.quarantine("v0.1.5")
    world.reconcile()
    said = "quarantined_release: v0.1.5 is in quarantine since incident…"
    assert shown(world) == (StatusState.FAILURE, said)
    assert world.reconcile().effects == []
    with pytest.raises(RefusedError, match=said.removesuffix("…")):
        judge(world)


def test_a_rollout_that_starts_meanwhile_turns_it_red(world: ChannelWorld) -> None:
    world.start("v0.1.6")
    world.reconcile()
    assert shown(world) == (StatusState.FAILURE, "tau is in progress: its channel must not change")
    with pytest.raises(RefusedError, match=r"channel\.yaml: tau is in progress"):
        judge(world)


def test_one_that_does_not_parse_is_red(world: ChannelWorld) -> None:
    broken = world.store.make_commit(
        TAU,
        {CHANNEL: InputError("channel.yaml: not YAML")},
        message(Event.CHANNEL, contract=world.state.contract, rollout=world.rollout),
        parents=(world.store.head(),),
        at=world.now,
    )
    world.forge.pulls[0] = PullRequest(**{**vars(pull_of(world)), "head_sha": broken})
    world.reconcile()
    assert shown(world) == (StatusState.FAILURE, "channel.yaml: not YAML")


def test_a_closed_one_is_left_alone(world: ChannelWorld) -> None:
    world.forge.close_pull_request(1, "no", at=world.now)
    world.quarantine("v0.1.5")
    assert world.reconcile().effects == []


def test_what_is_merged_is_sound(world: ChannelWorld) -> None:
    world.forge.merge(1, at=world.now)
    world.reconcile()
    assert world.channel.current_version == "v0.1.5"
    assert verify(world.store, TAU, None).problems == []
    set_channel(world.desk, TAU, ChannelName.BETA)
    world.forge.merge(2, at=world.now)
    assert verify(world.store, TAU, None).problems == []


def test_one_that_the_channel_has_left_behind_is_proposed_anew(world: ChannelWorld) -> None:
    world.edit_channel(current_version="v0.1.3")
    assert make_apply(world.desk, TAU, None).pull_request == 2
    assert world.open_channel_pulls() == ["rollout-channel/tau/apply-v0.1.5"]
    assert [number for number, _ in world.forge.comments] == [1]
    world.forge.merge(2, at=world.now)
    rollback = world.channel.rollback
    assert rollback is not None
    assert rollback.version == "v0.1.3"


def test_one_that_does_not_parse_is_proposed_anew(world: ChannelWorld) -> None:
    head = world.forge.pulls[0].head_sha
    broken = world.store.rewrite(head, TAU, {CHANNEL: InputError("not YAML")})
    world.store, world.forge = broken, world.forge.copy(broken)
    assert make_apply(world.desk, TAU, None).pull_request == 2


# --- verify -----------------------------------------------------------------------------------------------


def test_a_channel_that_no_command_made_is_found() -> None:
    world = ChannelWorld("v0.1.5")
    make_apply(world.desk, TAU, None)
    forged = message(Event.CHANNEL, contract=world.state.contract, rollout=world.rollout, detail="trust me")
    made_up = world.channel.model_copy(update={"current_version": "v6.6.6"})
    commit = world.store.edit(TAU, {CHANNEL: made_up}, at=world.now, message=forged)
    ((named, problem),) = verify(world.store, TAU, None).problems
    assert (named, "channel command" in problem) == (commit, True)


def test_people_may_correct_a_channel_by_hand() -> None:
    world = ChannelWorld()
    world.edit_channel(current_version="v0.1.3")
    assert verify(world.store, TAU, None).problems == []
