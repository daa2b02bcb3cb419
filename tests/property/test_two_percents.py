"""Two trains and people who write into one flag file at the same time: nobody loses a number."""

from __future__ import annotations

import json
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from rollout.core.contract import FlagFile
from rollout.core.state import Result
from tests.commands.reconcile.test_percent import adopt, enter_canary, gate
from tests.fakes.flag_branch import FakeFlagBranch
from tests.world import World

PATH = "flags.json"


@cache
def _waiting(pointer: str) -> World:
    """A train that has to write 5 at that pointer."""
    world = adopt(World(), FlagFile(path=PATH, format="json_pointer", pointer=pointer))
    world.product_branch.edit(PATH, b'{"a": 0, "b": 0}')
    return enter_canary(world)


@given(st.lists(st.sampled_from(["other train", "person"]), max_size=5))
def test_whoever_comes_between_reading_and_writing(acts: list[str]) -> None:
    one, two = _waiting("/a").copy(), _waiting("/b").copy()
    branch = FakeFlagBranch({PATH: b'{"a": 0, "b": 0, "edits": []}'})
    one.product_branch = two.product_branch = branch

    def edit() -> None:
        found = json.loads(branch.files[PATH])
        branch.edit(PATH, json.dumps({**found, "edits": [*found["edits"], "x"]}).encode())

    for act in acts:
        branch.interfere(edit if act == "person" else two.reconcile)
    one.reconcile()
    two.reconcile()
    made = {"a": 5, "b": 5, "edits": ["x"] * acts.count("person")}
    assert json.loads(branch.files[PATH]) == made
    assert {gate(one).result, gate(two).result} == {Result.SATISFIED}
