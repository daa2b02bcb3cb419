"""The contract's `channel.apply`: asked for, carried out, and answered."""

from __future__ import annotations

import pytest

from rollout.commands.channel.apply import make_apply
from rollout.commands.perform import perform
from rollout.commands.plan import Runner, plan
from rollout.commands.verify import verify
from rollout.core.contract import ApplyVersion
from rollout.core.observation import Results
from tests.commands.channel.world import ChannelWorld
from tests.fakes.clock import SteppingClock
from tests.fakes.product import FakeProduct
from tests.world import OLD_VERSION, TAU

COMMAND = ("deploy", "{version}", "{previous}", "{channel}")


@pytest.fixture
def world() -> ChannelWorld:
    world = ChannelWorld("v0.1.5", apply=ApplyVersion(command=COMMAND, workdir="ops"))
    make_apply(world.desk, TAU, None)
    return world


def performed(world: ChannelWorld, product: FakeProduct) -> Results | None:
    state, clock = world.state, SteppingClock(world.now)
    return perform(
        state.contract,
        state.rollout,
        state.status,
        product,
        clock,
        lambda _: None,
        state.channel,
        copies=False,
    )


def test_the_command_is_asked_for_in_the_commit_that_records_the_version(world: ChannelWorld) -> None:
    request = world.channel.request
    assert request is not None
    assert (request.version, request.previous, request.result) == ("v0.1.5", OLD_VERSION, None)
    assert world.events()[-1] == "channel"


def test_it_is_carried_out_without_a_rollout_and_once(world: ChannelWorld) -> None:
    product = FakeProduct()
    results = performed(world, product)
    assert product.ran == [(("deploy", "v0.1.5", OLD_VERSION, "stable"), "ops", 600)]
    assert results is not None
    assert (results.release, results.commit) == (None, None)
    world.clock.forward(minutes=1)
    report = world.reconcile(results)
    assert (len(report.steps), report.notes) == (1, [])
    request = world.channel.request
    assert request is not None
    assert request.result is not None
    assert request.result.ok
    (entry, *_) = world.store.log(TAU)
    assert entry.subject == "rollout(tau): channel: v0.1.5 done, exit 0"
    assert performed(world, FakeProduct()) is None
    assert world.reconcile(results).steps == []
    assert verify(world.store, TAU, None).problems == []


def test_one_that_fails_is_asked_for_again_by_applying_again(world: ChannelWorld) -> None:
    product = FakeProduct()
    results = performed(world, product)
    assert results is not None
    failed = results.results[0].model_copy(update={"ok": False, "detail": "exit 1"})
    world.clock.forward(minutes=1)
    world.reconcile(results.model_copy(update={"results": (failed,)}))
    make_apply(world.desk, TAU, None)
    request = world.channel.request
    assert request is not None
    assert (request.attempt, request.result) == (2, None)
    assert world.reconcile(results).steps == []
    assert verify(world.store, TAU, None).problems == []


def test_an_answer_is_taken_during_a_rollout_that_began_meanwhile(world: ChannelWorld) -> None:
    results = performed(world, FakeProduct())
    assert results is not None
    world.clock.forward(minutes=1)
    world.start("v0.1.6")
    mine, both = performed(world, FakeProduct()), world.perform()
    assert mine is not None
    assert len(mine.results) == 2
    world.reconcile(results, both)
    assert world.channel.request is not None
    assert world.channel.request.result is not None
    assert world.events()[-3:] == ["channel", "results", "signoff"]


def test_a_branch_that_moved_is_read_again(world: ChannelWorld) -> None:
    results = performed(world, FakeProduct())
    assert results is not None
    world.clock.forward(minutes=1)
    world.writes.step_in(
        len(world.writes.done) + 1, "before", lambda: world.store.edit(TAU, {}, at=world.now)
    )
    world.reconcile(results)
    assert world.channel.request is not None
    assert world.channel.request.result is not None


def test_a_dry_run_answers_nothing(world: ChannelWorld) -> None:
    results = performed(world, FakeProduct())
    assert results is not None
    assert len(world.reconcile(results, dry_run=True).steps) == 1
    assert world.channel.request is not None
    assert world.channel.request.result is None


def test_evidence_of_another_train_answers_nothing(world: ChannelWorld) -> None:
    results = performed(world, FakeProduct())
    assert results is not None
    world.reconcile(results.model_copy(update={"train": "other"}))
    assert world.channel.request is not None
    assert world.channel.request.result is None


def test_somebody_has_to_be_there_for_it(world: ChannelWorld) -> None:
    assert plan(world.state, "acme/tau", "ubuntu").runners == (Runner("ubuntu", "ubuntu", (), performs=True),)
    results = performed(world, FakeProduct())
    assert results is not None
    world.reconcile(results)
    assert plan(world.state, "acme/tau", "ubuntu").runners == ()
    world.start("v0.1.6")
    (runner,) = plan(world.state, "acme/tau", "ubuntu").runners
    assert runner.performs
