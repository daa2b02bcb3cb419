"""`rollout plan`: what a contract says of runners and of the checkout, as a job takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollout.commands.plan import Plan, plan
from rollout.core.contract import Contract
from rollout.core.state import Outcome, Rollout, TrainState
from tests.world import contract


def planned(**changes: Any) -> Plan:
    """Of a release that is under way."""
    document = {**contract().model_dump(mode="json", by_alias=True), **changes}
    surfaces = {name: {**one, **changes.get(name, {})} for name, one in document["surfaces"].items()}
    policy = Contract.model_validate({**document, "surfaces": surfaces})
    rollout = Rollout(train="tau").model_copy(update={"outcome": Outcome.IN_PROGRESS})
    return plan(TrainState("tau", "0" * 40, policy, "", rollout), "acme/tau", "ubuntu-24.04")


def surfaces_on(runner: str) -> dict[str, Any]:
    document = contract().model_dump(mode="json", by_alias=True)["surfaces"]
    return {name: {**one, "runner": runner} for name, one in document.items()}


@pytest.mark.parametrize(
    ("explained", "runs_on"),
    [
        (None, "lab"),
        (["self-hosted", "linux", "lab"], ["self-hosted", "linux", "lab"]),
        ({"group": "big machines"}, {"group": "big machines"}),
        ({"labels": ["lab"]}, ["lab"]),
        ({"group": "org/big", "labels": ["linux"]}, {"group": "org/big", "labels": ["linux"]}),
    ],
)
def test_a_runner_is_a_label_a_set_of_labels_or_a_group(explained: object, runs_on: object) -> None:
    runners = {"runners": {"lab": explained}} if explained else {}
    found = planned(surfaces=surfaces_on("lab"), product={"runner": "lab"}, **runners)
    (runner,) = found.runners
    assert (runner.label, runner.performs) == ("lab", True)
    assert json.loads(json.dumps(runner.runs_on)) == runs_on


def test_work_is_done_where_the_contract_says() -> None:
    found = planned(product={"runner": "bench"}, runners={"bench": ["self-hosted", "bench"]})
    assert [(one.label, one.performs) for one in found.runners] == [("bench", True)]
    (usual,) = planned().runners
    assert (usual.label, usual.runs_on, usual.performs) == ("ubuntu-24.04", "ubuntu-24.04", True)


@pytest.mark.parametrize(
    ("written", "submodules", "lfs"),
    [
        ({}, "false", False),
        ({"submodules": True}, "true", False),
        ({"submodules": "recursive", "lfs": True}, "recursive", True),
    ],
)
def test_the_checkout_takes_along_what_the_contract_says(
    written: dict[str, Any], submodules: str, *, lfs: bool
) -> None:
    found = planned(product=written)
    assert (found.submodules, found.lfs) == (submodules, lfs)
