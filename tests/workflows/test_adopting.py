"""What `rollout init` writes for another repository: linted, and run from init to a merged promotion."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rollout.core.doctor.limits import REQUESTS_A_RUN
from tests.fakehub.hub import Hub
from tests.workflows.adopter import PIN, TOOL, adopt, initialised
from tests.workflows.town import ROOT, STATUS, STEADY, keys

PROGRAMS = Path(sys.executable).parent
OURS = sorted(path.name for path in (ROOT / ".github/workflows").glob("rollout-*.yml"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of workflows in a repository right after `rollout init`."""
    return initialised(tmp_path_factory.mktemp("adopter") / "seed").path / ".github" / "workflows"


def passes(*command: str | Path) -> None:
    done = subprocess.run([PROGRAMS / command[0], *command[1:]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_of_our_workflows_is_written_and_calls_the_action_by_its_pin(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == OURS
    for path in written.iterdir():
        text = path.read_text(encoding="utf-8")
        steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
        used = [step["uses"] for step in steps if "uses" in step]
        # One dispatches another, and needs no tool.
        assert f"{TOOL}/.github/actions/rollout@{PIN}" in used or path.name == "rollout-closed.yml"
        assert not [one for one in used if one.startswith(".")]
        assert "Check out the tool" not in [step.get("name", "") for step in steps]
        # Nothing of the adopting repository is checked out but the product, and what a pull request changes.
        checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
        assert {step["with"].get("path") for step in checkouts} <= {"product", "merge"}, path.name


def test_they_pass_what_ours_have_to_pass(written: Path) -> None:
    files = sorted(written.iterdir())
    passes("actionlint", "-shellcheck=", "-pyflakes=", *files)
    passes("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "auditor", written.parent)
    passes("check-jsonschema", "-q", "--builtin-schema", "vendor.github-workflows", *files)


@pytest.mark.parametrize("app", [True, False], ids=["app", "plain token"])
def test_from_init_to_a_merged_promotion(hub: Hub, tmp_path: Path, app: bool) -> None:
    town = adopt(hub, tmp_path, app=app)
    assert keys(town.start()) == ["start"]
    town.settle()
    if not app:
        assert keys(town.tick()) == STEADY
    pull = town.open_pull()
    assert town.status(town.repo.head_of(pull)) == "success"
    town.merge()
    runs = town.settle()
    assert STEADY in [keys(run) for run in runs["rollout-reconcile"]]
    assert (town.phase, town.state("status")["legal"]["phase"]) == ("canary-1", "canary-1")
    assert STATUS in {status.context for status in town.repo.statuses}

    town.tick()
    town.hub.forget_calls()
    assert keys(town.tick()) == STEADY
    # What doctor expects of a run that finds nothing but a new sample.
    assert len(town.hub.calls()) <= REQUESTS_A_RUN

    before = town.world()
    run = town.hub.dispatch(town.repo, "rollout-doctor.yml", by="alice")
    summary = run.job("doctor").summary
    assert (run.conclusion, summary.splitlines()[0][:13]) == ("success", "**No problem,")
    assert f"asked as {'rollout-app' if app else 'github-actions'}[bot]" in summary
    assert "the token has contents: write, pull-requests: write" in summary
    assert town.world() == before
