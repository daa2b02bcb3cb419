"""`verify` accepts every history that the tool wrote, and names what anybody else put into it."""

from __future__ import annotations

import re
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rollout.commands.freeze import freeze
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import verify
from rollout.core.files import STATUS
from rollout.core.observation import HealthState
from rollout.core.state import Status
from rollout.core.values import JsonValue
from rollout.errors import InputError
from tests.examples import examples
from tests.fakes.writes import Writes
from tests.world import OTHER_COMMIT, TAU, World


@cache
def a_whole_history() -> World:
    """A release with every interruption that goes all the way, and the next one, rolled back."""
    world = World(apply=True).play_to("canary-1")
    freeze(world.store, world.clock, TAU, "lunch")
    world.tick()
    world.edit(frozen=None)
    world.tick()
    world.edit(phase="canary-3", canary_percent=50)
    world.tick()
    unfreeze(world.store, world.clock, TAU, "a slip of the hand")
    world.edit_contract(triggers=world.state.contract.triggers[::-1])
    world.tick()
    world.reconcile(world.perform(ok=False))
    world.play_on("general-availability")
    world.sign("final-approval")
    world.soak()
    world.clock.forward(minutes=1)
    world.start("v0.1.6", OTHER_COMMIT)
    world.clock.forward(minutes=1)
    world.run_harness()
    world.play_on("canary-2")
    for _ in range(2):
        world.tick({"memory": {"health_state": HealthState.DEGRADED}})
    return world


Leaf = tuple[str | int, ...]
INPUTS = ("observation", "facts", "release_range")
"""What a decision rests on: nothing to compute it from, so a commit's own word is taken for it."""


def leaves(data: JsonValue, where: Leaf = ()) -> list[Leaf]:
    """Paths of every value of a JSON document that is not a container or null."""
    if isinstance(data, dict):
        return [leaf for key, value in data.items() for leaf in leaves(value, (*where, key))]
    if isinstance(data, list):
        return [leaf for at, value in enumerate(data) for leaf in leaves(value, (*where, at))]
    return [] if data is None else [where]


def flipped(status: Status, leaf: Leaf) -> Status | InputError:
    """The status with another value there; as the store would read it, which may be not at all."""
    data: JsonValue = status.model_dump(mode="json", by_alias=True)
    parent = data
    for key in leaf[:-1]:
        parent = parent[key]
    parent[leaf[-1]] = another(parent[leaf[-1]])
    try:
        return Status.model_validate(data)
    except ValidationError:
        return InputError("does not parse")


def another(value: JsonValue) -> JsonValue:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if re.fullmatch(r"[0-9a-f]{40,64}", value):
        return ("0" if value[0] != "0" else "1") + value[1:]
    if re.fullmatch(r"\d{4}-.*Z", value):
        return value.replace("2026", "2027")
    return value + "x"


def test_verify_accepts_what_the_tool_wrote() -> None:
    world = a_whole_history()
    assert verify(world.store, TAU, None).findings == ()
    assert set(world.events()) >= {
        "start",
        "observe",
        "results",
        "decide",
        "enter",
        "illegal-step",
        "contract-change",
        "freeze",
        "unfreeze",
        "rollback",
        "complete",
        "signoff",
    }


@given(data=st.data())
@settings(max_examples=examples(100))
def test_verify_names_a_status_that_was_edited_by_hand(data: st.DataObject) -> None:
    """A person changes one value of status.yaml in a commit of their own, at any time."""
    world = a_whole_history()
    store = world.store
    commits = [entry.commit for entry in store.log(TAU) if store.load(TAU, entry.commit).status]
    at = data.draw(st.integers(0, len(commits) - 1), label="commits from the end")
    status = store.load(TAU, commits[at]).status
    assert status is not None
    leaf = data.draw(st.sampled_from(leaves(status.model_dump(mode="json", by_alias=True))), label="leaf")
    edited = store.copy(Writes())
    commit = edited.edit_at(commits[at], TAU, {STATUS: flipped(status, leaf)}, at=world.now)
    assert [finding.commit for finding in verify(edited, TAU, commits[at]).findings] == [commit]


@given(data=st.data())
@settings(max_examples=examples(100))
def test_verify_names_a_commit_that_was_tampered_with(data: st.DataObject) -> None:
    """One value of what the tool concluded is not what it concluded."""
    world = a_whole_history()
    store = world.store
    entries = [entry for entry in store.log(TAU) if STATUS in entry.paths]
    entry = data.draw(st.sampled_from(range(len(entries))), label="commit")
    commit, parent = entries[entry].commit, entries[entry].parent
    status = store.load(TAU, commit).status
    assert status is not None
    concluded = [
        leaf
        for leaf in leaves(status.model_dump(mode="json", by_alias=True))
        if leaf[0] not in INPUTS and "result" not in leaf
    ]
    leaf = data.draw(st.sampled_from(concluded), label="leaf")
    tampered = store.rewrite(commit, TAU, {STATUS: flipped(status, leaf)})
    assert commit in [finding.commit for finding in verify(tampered, TAU, parent).findings]
