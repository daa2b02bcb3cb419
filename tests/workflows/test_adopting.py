"""What `rollout init` writes for another repository: linted, and run from nothing to a merged promotion."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fakehub.hub import Hub
from fakehub.workflow_file import read
from rollout.core.doctor.branch import CHECK
from rollout.core.doctor.limits import requests_a_run
from tests.workflows.adopter import PIN, TOOL, adopt, initialised, rollout
from tests.workflows.newcomer import APP, OWN, Newcomer, section
from tests.workflows.town import ROOT, STATUS, STEADY, keys

COMMIT = re.compile(r"\b[0-9a-f]{10}\b")
PROGRAMS = Path(sys.executable).parent
OURS = sorted(
    path.name
    for path in (ROOT / ".github/workflows").glob("rollout-*.yml")
    if path.name != "rollout-metrics.yml"  # only where a contract has metrics
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of workflows in a repository right after `rollout init --state-branch main`."""
    seed = initialised(tmp_path_factory.mktemp("adopter") / "seed", "--state-branch", "main")
    return seed.path / ".github" / "workflows"


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The top folder of the branch that `rollout init` makes for state."""
    folder = tmp_path_factory.mktemp("beside")
    seed = initialised(folder / "seed")
    seed.git("worktree", "add", "--quiet", str(folder / "state"), "rollout-state")
    return folder / "state"


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


def test_they_pass_what_ours_have_to_pass(written: Path, beside: Path) -> None:
    for folder in (written, beside / ".github" / "workflows"):
        files = sorted(folder.iterdir())
        passes("actionlint", "-shellcheck=", "-pyflakes=", *files)
        passes("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "auditor", folder.parent)
        passes("check-jsonschema", "-q", "--builtin-schema", "vendor.github-workflows", *files)


def test_the_state_branch_holds_state_and_what_its_events_start(beside: Path) -> None:
    files = sorted(path.relative_to(beside).as_posix() for path in beside.rglob("*") if path.is_file())
    workflows = {name: f".github/workflows/{name}" for name in ("rollout-check.yml", "rollout-closed.yml")}
    names = ("contract.schema.json", *(f"tau/{name}.yaml" for name in ("channel", "contract", "rollout")))
    states = [f"state/{name}" for name in names]
    assert [path for path in files if path != ".git"] == [*workflows.values(), *states]
    texts = {name: (beside / path).read_text(encoding="utf-8") for name, path in workflows.items()}
    assert all(len(text.splitlines()) < 30 for text in texts.values())
    assert f"uses: {TOOL}/.github/actions/rollout@{PIN} # v" in texts["rollout-check.yml"]
    on = read(texts["rollout-closed.yml"].encode())["on"]
    assert on["push"] == {
        "branches": ["rollout-state"],
        "paths": ["state/*/rollout.yaml", "state/*/contract.yaml"],
    }
    assert on["pull_request"] == {"types": ["closed"]}


def test_the_default_branch_then_has_neither_state_nor_the_check(beside: Path) -> None:
    seed = beside.parent / "seed"
    assert not (seed / "state").exists()
    there = sorted(path.name for path in (seed / ".github/workflows").iterdir())
    assert there == [name for name in OURS if name != "rollout-check.yml"]


@pytest.mark.parametrize("token", [APP, OWN])
def test_the_page_leads_from_an_empty_repository_to_a_merged_promotion(
    hub: Hub, tmp_path: Path, token: str
) -> None:
    newcomer = Newcomer(hub, tmp_path)
    newcomer.follow(token)
    town, runs = newcomer.town, newcomer.runs
    assert [run.workflow for run in runs if run.conclusion not in ("success", "skipped")] == []
    assert (town.phase, town.state("status")["legal"]["phase"]) == ("canary", "canary")
    # A run of what an App opened is not held back; one of a run's own token waits for a person.
    (pull,) = town.repo.pulls()
    assert (CHECK in town.repo.green(town.repo.head_of(pull))) is (token == APP)
    assert town.head("main") == town.state()["release"]["commit"]
    findings = re.findall(r"^([✗!?]) (.+?)  ", newcomer.doctor, re.MULTILINE)
    told = section().partition("### 6")[2].partition("### 7")[0]
    assert {topic for _, topic in findings if f"| `{topic}` |" not in told} == set(), newcomer.doctor
    assert "✗" not in {kind for kind, _ in findings}, newcomer.doctor
    (run,) = [run for run in runs if run.workflow.endswith("rollout-doctor.yml")]
    assert run.job("doctor").summary.startswith("**No problem,")
    if token == OWN:  # the ruleset of the other way lets nobody past but the App
        said, printed = newcomer.prints("From a laptop")
        assert COMMIT.sub("COMMIT", printed) == COMMIT.sub("COMMIT", said)
        assert town.state()["frozen"]["reason"] == "checkout fails"


def test_what_the_readme_types_on_github_starts_a_release(hub: Hub, tmp_path: Path) -> None:
    newcomer = Newcomer(hub, tmp_path)
    newcomer.follow_readme()
    town = newcomer.town
    (run,) = [run for run in newcomer.runs if run.workflow.endswith("rollout-start.yml")]
    assert run.conclusion == "success"
    assert town.state()["release"]["version"] == "v1.4.0"


@pytest.mark.parametrize(
    ("app", "branch"),
    [(True, "rollout-state"), (False, "main")],
    ids=["own branch, app", "main, plain token"],
)
def test_from_init_to_a_merged_promotion(hub: Hub, tmp_path: Path, app: bool, branch: str) -> None:
    town = adopt(hub, tmp_path, app=app, branch=branch)
    main = town.head("main")
    assert keys(town.start()) == ["start"]
    town.settle()
    if not app:
        assert keys(town.tick()) == STEADY
    pull = town.open_pull()
    assert pull.pull is not None
    assert pull.pull.base == branch
    # A run of what an App opened is not held back; one of a run's own token waits for a person.
    assert (CHECK in town.repo.green(town.repo.head_of(pull))) is app
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
    assert len(town.hub.calls()) <= requests_a_run(is_product_apart=False)

    before = town.world()
    run = town.hub.dispatch(town.repo, "rollout-doctor.yml", by="alice")
    summary = run.job("doctor").summary
    assert (run.conclusion, summary.splitlines()[0][:13]) == ("success", "**No problem,")
    assert f"asked as {'rollout-app' if app else 'github-actions'}[bot]" in summary
    assert "the token has contents: write, pull-requests: write" in summary
    assert town.world() == before
    assert (town.head("main") == main) is (branch != "main")


def test_a_contract_with_metrics_gets_their_workflow_and_a_broken_one_leaves_it_alone(tmp_path: Path) -> None:
    """Contracts are those of the worktree, or of the state branch; both are looked at."""
    seed, workflow = (
        initialised(tmp_path / "seed", "--state-branch", "main"),
        ".github/workflows/rollout-metrics.yml",
    )
    update = ("init", "--workflows", "--update", "--action", f"{TOOL}@{PIN}")
    contract = (seed.path / "state/tau/contract.yaml").read_text(encoding="utf-8")
    metrics = (
        "metrics: {provider: prometheus, url: https://p.example, auth: {AUTH}, queries: {up: {query: up}}}"
    )
    surface = f"surfaces:\n  shop:\n    {metrics}\n"

    def names(auth: str) -> str:
        seed.write(
            "state/tau/contract.yaml", contract.replace("surfaces:\n", surface.replace("AUTH", auth), 1)
        )
        return rollout(seed.path, *update)

    assert "rollout-metrics.yml reads secrets of the environment rollout-metrics: SHOP_KEY" in names(
        "bearer_env: SHOP_KEY"
    )
    passes("actionlint", "-shellcheck=", "-pyflakes=", seed.path / workflow)
    folder = seed.path / ".github"
    passes("zizmor", "--offline", "--no-progress", "--quiet", "--persona", "auditor", folder)
    passes("check-jsonschema", "-q", "--builtin-schema", "vendor.github-workflows", seed.path / workflow)
    assert f"wrote {workflow}" in names("header_env: {X-B: B_KEY, X-A: A_KEY}")
    written = (seed.path / workflow).read_text(encoding="utf-8")
    assert re.findall(r"secrets\.(\w+)", written) == ["A_KEY", "B_KEY"]
    broken = names("bearer_env: a-value")
    assert "rollout-metrics.yml stays as it is until every contract is good" in broken
    assert "git rm" not in broken
    assert (seed.path / workflow).read_text(encoding="utf-8") == written
    seed.write("state/tau/contract.yaml", contract)
    assert f"no contract has metrics, so nothing needs it: git rm {workflow}" in rollout(seed.path, *update)
    assert (seed.path / workflow).read_text(encoding="utf-8") == written
