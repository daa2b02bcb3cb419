"""`rollout plan`: what a contract says of runners and of the checkout, as a job takes it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rollout.commands.plan import Plan, plan
from rollout.core.contract import Contract
from rollout.core.state import Outcome, Rollout, TrainState
from rollout.core.workflow_pin import COLLECT_WORKFLOW, METRICS_WORKFLOW
from tests.world import contract


def planned(**changes: Any) -> Plan:
    """Of a release that is under way."""
    document = {**contract().model_dump(mode="json", by_alias=True), **changes}
    surfaces = {name: {**one, **changes.get(name, {})} for name, one in document["surfaces"].items()}
    policy = Contract.model_validate({**document, "surfaces": surfaces})
    return plan(replace(under_way(), contract=policy), "acme/tau", "ubuntu-24.04")


def under_way() -> TrainState:
    rollout = Rollout(train="tau").model_copy(update={"outcome": Outcome.IN_PROGRESS})
    return TrainState("tau", "0" * 40, contract(), "", rollout)


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


METRICS = {
    "provider": "prometheus",
    "url": "https://prometheus.example",
    "auth": {"bearer_env": "PROM_TOKEN"},
    "queries": {"latency": {"query": "up"}},
}


def with_metrics(**metrics: Any) -> dict[str, Any]:
    """The contract's surfaces, and two that are metrics."""
    more = {"checkout": {"metrics": METRICS}, "inside": {"metrics": METRICS, "runner": "bench"}}
    return {**surfaces_on("bench"), **more, **metrics}


@pytest.mark.parametrize("product", [{}, {"runner": "bench"}])
def test_metrics_are_read_by_a_job_of_their_own_also_on_the_runner_of_the_product(
    product: dict[str, str],
) -> None:
    found = planned(surfaces=with_metrics(), product=product, harness=None)
    parts = [(one.label, one.workflow, "voice" in one.surfaces, one.performs) for one in found.runners]
    assert parts == [
        ("bench", COLLECT_WORKFLOW, True, False),
        ("ubuntu-24.04", METRICS_WORKFLOW, False, False),
        ("bench", METRICS_WORKFLOW, False, False),
    ]
    assert [one.surfaces for one in found.runners if one.measures] == [("checkout",), ("inside",)]


@pytest.mark.parametrize(
    ("more", "jobs"),
    [
        ({"harness": None}, [METRICS_WORKFLOW]),
        ({}, [COLLECT_WORKFLOW, METRICS_WORKFLOW]),
        (
            {"harness": None, "apply": {"command": ["flag", "{percent}"]}},
            [COLLECT_WORKFLOW, METRICS_WORKFLOW],
        ),
    ],
)
def test_without_work_nothing_runs_for_a_product_that_has_metrics_alone(
    more: dict[str, Any], jobs: list[str]
) -> None:
    document = {**contract().model_dump(mode="json", by_alias=True), **more}
    gates = {"kind": "threshold", "surfaces": ["checkout"], "field": "latency", "max": 1}
    phases = [{**phase, "gates": [gates], "inherit": None} for phase in document["phases"]]
    policy = {**document, "surfaces": {"checkout": {"metrics": METRICS}}, "phases": phases, "triggers": []}
    state = replace(under_way(), contract=Contract.model_validate(policy))
    found = plan(state, "acme/tau", "ubuntu-24.04").runners
    assert [(one.label, one.workflow) for one in found] == [("ubuntu-24.04", job) for job in jobs]
    assert all(one.surfaces == () and one.performs for one in found if not one.measures)
    assert [one.harness for one in found] == [one.workflow == COLLECT_WORKFLOW and not more for one in found]
