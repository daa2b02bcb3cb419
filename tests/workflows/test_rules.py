"""What every workflow and action here has to hold, so that the trust boundaries of SECURITY.md are real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakehub.workflow_file import read
from rollout.core.doctor.facts import JobPermission
from rollout.core.workflow_pin import NESTED
from tests.workflows.town import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
APP_SECRET, PRODUCT_SECRET, METRICS_SECRET = (
    "ROLLOUT_APP_PRIVATE_KEY",
    "ROLLOUT_PRODUCT_TOKEN",
    "PROM_TOKEN",
)
RUNS_PRODUCT_CODE = {"collect", "perform", "tick"}
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_GRANT = re.compile(r"^ +[a-z-]+: (?:read|write)(.*)$")

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
every_file = pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.stem)


def parsed(path: Path) -> Any:
    return read(path.read_bytes())


def jobs(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = parsed(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    document = parsed(path)
    lists = [document["runs"]] if "runs" in document else document["jobs"].values()
    for one in lists:
        yield from one["steps"]


@every_workflow
def test_nothing_is_granted_but_job_by_job_and_with_a_reason(path: Path) -> None:
    assert parsed(path)["permissions"] == {}
    assert all("permissions" in job for job in jobs(path).values())
    # Comments are no part of the document, so the text is looked at below each `permissions:`.
    for block in re.findall(r"^ +permissions:\n((?:^ {6}\S.*\n)+)", path.read_text(), re.MULTILINE):
        for line in block.splitlines():
            grant = _GRANT.match(line)
            assert grant is None or grant[1].startswith(" # "), line


@every_workflow
def test_events_that_give_strangers_a_token_are_not_used(path: Path) -> None:
    events = parsed(path)["on"]
    assert not {"pull_request_target", "workflow_run"} & set(events)


@every_file
def test_no_expression_is_read_as_shell(path: Path) -> None:
    for step in steps(path):
        assert "${{" not in step.get("run", "")


@every_file
def test_every_action_is_pinned_and_one_pin_is_used_everywhere(path: Path) -> None:
    pins = {used.split("@")[0]: used for file in [*WORKFLOWS, *ACTIONS] for used in uses(file)}
    for used in uses(path):
        assert _PINNED.fullmatch(used), used
        assert pins[used.split("@")[0]] == used


def uses(path: Path) -> list[str]:
    found = [step["uses"] for step in steps(path) if "uses" in step]
    return [used for used in found if used != "./.github/actions/rollout"]


@every_file
def test_a_checkout_leaves_no_credentials_behind(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@every_workflow
def test_the_tool_is_never_what_a_pull_request_brings(path: Path) -> None:
    for step in steps(path):
        if step.get("name") == "Check out the tool":
            assert step["with"]["ref"] == "${{ github.event.repository.default_branch }}"


@every_workflow
def test_the_side_that_runs_product_code_cannot_write(path: Path) -> None:
    for name, job in jobs(path).items():
        commands = {step.get("with", {}).get("command") for step in job["steps"]}
        if commands & RUNS_PRODUCT_CODE:
            assert set(job["permissions"].values()) == {"read"}, name
            assert APP_SECRET not in str(job), name
            assert "create-github-app-token" not in str(job), name


@every_workflow
def test_what_is_uploaded_is_of_this_job_alone(path: Path) -> None:
    """A runner of one's own keeps its workspace from run to run; GitHub empties its temporary folder."""
    for step in steps(path):
        if step.get("uses", "").startswith("actions/upload-artifact@"):
            for line in step["with"]["path"].split("\n"):
                assert not line or line.startswith("${{ runner.temp }}/"), line


@every_workflow
def test_a_checkout_around_the_products_leaves_it_alone(path: Path) -> None:
    for name, job in jobs(path).items():
        checkouts = [step["with"] for step in job["steps"] if "actions/checkout@" in step.get("uses", "")]
        if any(one.get("path") == "product" for one in checkouts):
            assert all(one.get("clean") is False for one in checkouts), name


@every_workflow
def test_the_side_that_can_write_runs_no_product_code(path: Path) -> None:
    for name, job in jobs(path).items():
        if "write" in job["permissions"].values():
            assert not {step.get("with", {}).get("command") for step in job["steps"]} & RUNS_PRODUCT_CODE
            assert PRODUCT_SECRET not in str(job), name


@every_workflow
def test_secrets_are_those_of_an_environment(path: Path) -> None:
    """Which can be held to the default branch, so that a pushed branch cannot read them."""
    homes = {APP_SECRET: "rollout", PRODUCT_SECRET: "rollout-product", METRICS_SECRET: "rollout-metrics"}
    for name, job in jobs(path).items():
        for secret in re.findall(r"secrets\.(\w+)", str(job)):
            assert job["environment"] == {"name": homes[secret], "deployment": False}, (name, secret)


@every_workflow
def test_what_a_pull_request_starts_uses_no_environment(path: Path) -> None:
    """refs/pull/N/merge is no branch: the rules of an environment refuse it, and the job fails."""
    if {"pull_request", "merge_group"} & set(parsed(path)["on"]):
        assert not [name for name, job in jobs(path).items() if "environment" in job]


@every_workflow
def test_an_apps_token_is_cut_down_to_what_the_job_needs(path: Path) -> None:
    for name, job in jobs(path).items():
        for step in job["steps"]:
            given = step.get("with", {})
            assert ("app-private-key" in given) == (APP_SECRET in str(step)) == ("app-permissions" in given)
            if "app-permissions" in given:
                asked = dict(one.split(":") for one in given["app-permissions"].split())
                # What only dispatches is done in the run's own name.
                own = {"actions": "read"} if job["permissions"].get("actions") == "write" else {}
                assert asked == {**job["permissions"], **own}, name


def test_the_action_hands_on_each_permission_that_a_workflow_asks_for() -> None:
    (action,) = ACTIONS
    wanted = {f"{scope}:{level}" for path in WORKFLOWS for scope, level in _asked(path)}
    (whole, *_) = (step["with"] for step in steps(action) if step.get("id") == "app")
    for scope, level in (one.split(":") for one in wanted):
        asked = f"${{{{ contains(inputs.app-permissions, '{scope}:{level}') && '{level}' || '' }}}}"
        assert whole[f"permission-{scope}"] == asked


def _asked(path: Path) -> Iterator[tuple[str, str]]:
    for step in steps(path):
        for one in step.get("with", {}).get("app-permissions", "").split():
            scope, level = one.split(":")
            yield scope, level


def test_doctor_asks_for_what_reconcile_needs() -> None:
    needs = set(_asked(ROOT / ".github/workflows/rollout-reconcile.yml"))
    assert {f"{scope}: {level}" for scope, level in needs} == set(JobPermission)
    asks = jobs(ROOT / ".github/workflows/rollout-doctor.yml")["doctor"]["permissions"]
    assert set(asks.items()) == needs


def test_doctor_knows_what_the_action_uses_itself() -> None:
    uses = {step["uses"].partition("@")[0] for step in steps(ACTIONS[0]) if "uses" in step}
    assert uses == set(NESTED)


def test_every_workflow_that_is_about_a_train_is_told_which() -> None:
    for path in sorted((ROOT / ".github/workflows").glob("rollout-*.yml")):
        if path.name not in ("rollout-check.yml", "rollout-closed.yml"):  # of every train, and of none
            assert "vars.ROLLOUT_TRAIN" in parsed(path)["env"]["ROLLOUT_TRAIN"], path.name


def test_the_schedule_decides_as_reconcile_does() -> None:
    ours, theirs = (
        jobs(ROOT / f".github/workflows/rollout-{name}.yml")["reconcile"]
        for name in ("schedule", "reconcile")
    )
    assert ours["permissions"] == theirs["permissions"]
    last, other = ours["steps"][-1]["with"], theirs["steps"][-1]["with"]
    assert {**last, "options": ""} == {**other, "options": ""}
    assert '"ask": "ubuntu-24.04"' in last["options"]
    assert '"ask": "ubuntu-24.04"' in other["options"]


@pytest.mark.parametrize(("workflow", "reads"), [("collect", "product"), ("metrics", "metrics")])
def test_evidence_is_handed_over_by_a_job_that_can_only_dispatch(workflow: str, reads: str) -> None:
    found = jobs(ROOT / f".github/workflows/rollout-{workflow}.yml")
    assert list(found) == [reads, "report"]
    report = found["report"]
    assert (report["permissions"], report["runs-on"]) == ({"actions": "write"}, "ubuntu-24.04")
    assert [list(step) for step in report["steps"]] == [["env", "run"]], "no product code"


def test_the_job_that_has_the_secrets_of_metrics_runs_nothing_else() -> None:
    job = jobs(ROOT / ".github/workflows/rollout-metrics.yml")["metrics"]
    assert job["permissions"] == {"contents": "read"}
    commands = [step["with"].get("command") for step in job["steps"]]
    assert commands == [None, "plan", "collect", None]
    # Not even the step that installs the tool sees a secret, and there is no product to see one.
    assert ["secrets." in str(step) for step in job["steps"]] == [False, False, True, False]
    (checkout,) = (step for step in job["steps"] if "actions/checkout@" in step["uses"])
    assert checkout["name"] == "Check out the tool"
    # A self-hosted runner has one folder for all workflows of a repository: the product's state lies in it.
    assert checkout["with"]["clean"] is False


def test_what_is_kept_of_the_index_is_unpacked_in_need_only() -> None:
    (action,) = ACTIONS
    restores = [step for step in steps(action) if "actions/cache/restore@" in step.get("uses", "")]
    assert [step["with"].get("lookup-only", False) for step in restores] == [True, False]
    assert restores[1]["if"] == "steps.install.outcome == 'failure'"
