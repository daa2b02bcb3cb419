"""Which commits of the product's branch CI says something of."""

from __future__ import annotations

import pytest

from rollout.commands.checked import MOST_COMMITS, newest_checked, why_unchecked
from rollout.core.contract import CiChecksGate
from tests.world import CHECKS, COMMIT, World

OLD, NEW, STATE = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def world() -> World:
    """The release's commit has no checks; an older commit of the branch is green, its tip is one of state."""
    world = World()
    world.forge.checks.clear()
    world.forge.history = [OLD, COMMIT, STATE]
    world.ci(commit=OLD)
    return world


def told(world: World) -> str:
    return why_unchecked(world.forge, world.state.contract, COMMIT)


def test_a_commit_without_checks_is_told_with_the_newest_that_has_them(world: World) -> None:
    assert told(world) == (
        f"{COMMIT[:10]} has no check that a CI gate asks for (Live smoke *);"
        f" the newest commit of main that has one is {OLD}"
    )
    world.ci("skipped", commit=COMMIT)
    assert told(world).startswith(f"{COMMIT[:10]} has only skipped checks that a CI gate asks for")


@pytest.mark.parametrize("conclusion", ["success", "failure", None])
def test_checks_that_say_something_or_will_are_no_matter(world: World, conclusion: str | None) -> None:
    world.ci(conclusion, commit=COMMIT, names=CHECKS[:1])
    assert told(world) == ""


def test_a_branch_that_ci_never_ran_on_is_told(world: World) -> None:
    world.forge.checks.clear()
    world.ci(commit=OLD, names=("docs",))
    assert told(world).endswith("no commit of main has one")


def test_nothing_is_told_where_ci_is_out_of_reach_or_no_gate_asks_for_it(world: World) -> None:
    world.forge.is_down = True
    assert told(world) == ""
    world.forge.is_down = False
    phases = tuple(
        phase.model_copy(update={"gates": tuple(g for g in phase.gates if not isinstance(g, CiChecksGate))})
        for phase in world.state.contract.phases
    )
    world.edit_contract(phases=phases)
    assert told(world) == ""


def test_the_search_ends(world: World) -> None:
    contract = world.state.contract
    world.forge.history = [OLD, *(f"{number:040x}" for number in range(MOST_COMMITS - 1))]
    found = newest_checked(world.forge, contract)
    assert found is not None
    assert found[0] == OLD
    assert newest_checked(world.forge, contract, until=OLD) is None
    world.forge.history.append(NEW)
    assert newest_checked(world.forge, contract) is None
    assert newest_checked(world.forge, contract, around=NEW) is None
    world.ci(commit=NEW)
    found = newest_checked(world.forge, contract)
    assert found is not None
    assert found[0] == NEW
