"""A percent in a flag file over GitHub's API: on the state branch, and on the branch of a product apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.github_calls import environment_of
from fakehub import faults
from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.commits import commit_files
from rollout.cli import main
from rollout.commands.rollback import Dispatch, roll_back
from rollout.commands.verify import verify
from rollout.core.contract import Apply, Contract, FlagFile, Product
from rollout.core.state import Outcome, Result
from tests.adapters.github.world import GitHubWorld, WaitingClock, started
from tests.world import CHECKS, TAU, contract

__all__ = ["hub"]

PATH, POINTER = "flags.json", "/flags/new/percent"
FLAG = FlagFile(path=PATH, format="json_pointer", pointer=POINTER)
PRODUCT = "acme/shop"
FLAGS = '{"flags": {"new": {"percent": 0, "other": [1.0]}}}\n'


WRITE = 3
"""The commit of a run that writes the number: the first enters the phase, the second records the intent."""


@dataclass
class Nth:
    """Matches one of the commits that are made from now on."""

    left: int

    def __call__(self, call: str) -> bool:
        self.left -= call == "POST /graphql createCommitOnBranch"
        return self.left == 0 and call == "POST /graphql createCommitOnBranch"


def policy(product: str | None = None, flag: FlagFile = FLAG) -> Contract:
    changes = {"apply": Apply(flag_file=flag), "product": Product(repository=product)}
    return contract().model_copy(update=changes)


@pytest.fixture
def together(hub: Hub, tmp_path: Path) -> GitHubWorld:
    """The file is on the branch of state, and the release about to leave preflight."""
    repository, release = started(tmp_path / "repository", policy())
    repository.commit({PATH: FLAGS})
    return ready(GitHubWorld(hub, repository.path, release))


@pytest.fixture
def apart(hub: Hub, tmp_path: Path) -> GitHubWorld:
    """The product, with the file, is in a repository of its own, to which the App has access."""
    return ready(in_two_repositories(hub, tmp_path, FLAG))


@pytest.fixture(params=["together", "apart"])
def reviewed(hub: Hub, tmp_path: Path, request: pytest.FixtureRequest) -> GitHubWorld:
    """Each percent comes by a pull request."""
    flag = FLAG.model_copy(update={"via": "pull_request"})
    if request.param == "apart":
        return ready(in_two_repositories(hub, tmp_path, flag))
    repository, release = started(tmp_path / "repository", policy(flag=flag))
    repository.commit({PATH: FLAGS})
    return ready(GitHubWorld(hub, repository.path, release))


def in_two_repositories(hub: Hub, folder: Path, flag: FlagFile) -> GitHubWorld:
    repository, release = started(folder / "state", policy(PRODUCT, flag))
    world = GitHubWorld(hub, repository.path, release)
    product = hub.repo(PRODUCT, seed=world.repo.bare.path)
    tip = product.bare.branch("main") or ""
    product.commit_on_branch(world.alice, "main", tip, "Add flags", [(PATH, FLAGS.encode())], [])
    world.product = Product(repository=PRODUCT)
    world.token = hub.app_token(world.repo, product, slug="both")
    for name in CHECKS:
        product.add_check(release, name, "success")
    return world


def ready(world: GitHubWorld) -> GitHubWorld:
    world.reconcile()
    world.clock.forward(minutes=10)
    world.run_harness()
    world.reconcile(world.observe())
    world.merge()
    world.clock.forward(minutes=1)
    return world


def applied(world: GitHubWorld) -> tuple[Result, str]:
    return next((each.result, each.seen) for each in world.status.gates if each.gate == "applied")


def percent(text: str) -> object:
    assert text == FLAGS.replace('"percent": 0', f'"percent": {json.loads(text)["flags"]["new"]["percent"]}')
    return json.loads(text)["flags"]["new"]["percent"]


def test_it_is_written_on_the_state_branch_and_read_back(together: GitHubWorld) -> None:
    together.reconcile()
    assert percent(together.text(PATH) + "\n") == 5
    assert "rollout(tau): apply 5 %" in together.subjects()
    assert applied(together) == (Result.SATISFIED, "5 % applied")
    assert verify(together.run().store, TAU, None).problems == []


def test_it_is_written_on_the_branch_of_a_product_apart(apart: GitHubWorld, hub: Hub) -> None:
    apart.reconcile()
    bare = hub.repos[PRODUCT].bare
    assert percent(bare.git("show", f"main:{PATH}") + "\n") == 5
    assert bare.subjects("main")[0] == "rollout(tau): apply 5 %"
    assert applied(apart) == (Result.SATISFIED, "5 % applied")
    assert verify(apart.run().store, TAU, None).problems == []


def test_a_lost_answer_doubles_nothing(apart: GitHubWorld, hub: Hub) -> None:
    lost = hub.fail(Nth(WRITE), faults.DROPPED_AFTER)
    apart.reconcile()
    assert lost.left == 0
    assert hub.repos[PRODUCT].bare.subjects("main").count("rollout(tau): apply 5 %") == 1
    assert applied(apart)[0] is Result.SATISFIED


def test_somebody_who_is_faster_loses_nothing(apart: GitHubWorld, hub: Hub) -> None:
    bare, later = hub.repos[PRODUCT].bare, FLAGS.replace("[1.0]", "[2.0]").encode()

    def edit() -> None:
        tip = bare.branch("main") or ""
        hub.repos[PRODUCT].commit_on_branch(apart.alice, "main", tip, "edit", [(PATH, later)], [])

    hub.before(Nth(WRITE), edit)
    apart.reconcile()
    assert bare.git("show", f"main:{PATH}") + "\n" == later.decode().replace('"percent": 0', '"percent": 5')


def test_what_the_app_may_not_write_is_told_by_name(apart: GitHubWorld, hub: Hub) -> None:
    refusal = faults.graphql("Resource not accessible by integration", "FORBIDDEN")
    hub.fail(Nth(WRITE), refusal)
    report = apart.reconcile()
    told = f"writing {PATH} on main of {PRODUCT} failed: GitHub: Resource not accessible by integration"
    assert applied(apart) == (Result.UNSATISFIED, f"{PATH}: {POINTER}: 5 % not written: {told}")
    assert any(told in note for note in report.notes)
    apart.reconcile()
    assert applied(apart)[0] is Result.SATISFIED


def test_what_is_no_text_is_told_by_name(apart: GitHubWorld, hub: Hub) -> None:
    product = hub.repos[PRODUCT]
    tip = product.bare.branch("main") or ""
    product.commit_on_branch(apart.alice, "main", tip, "edit", [(PATH, b"\xff")], [])
    apart.reconcile()
    why = f"{PATH}: GitHub does not give it whole: too long, or no UTF-8 text"
    assert applied(apart) == (Result.UNSATISFIED, f"{PATH}: {POINTER}: 5 % not written: {why}")


def test_a_pull_request_brings_it_and_a_rollback_closes_what_is_not_merged(
    reviewed: GitHubWorld, hub: Hub
) -> None:
    repo = hub.repos[PRODUCT if PRODUCT in hub.repos else "acme/tau"]
    reviewed.reconcile()
    assert applied(reviewed)[0] is Result.UNSATISFIED
    reviewed.reconcile()
    opened = [thread for thread in repo.pulls() if thread.title == "rollout(tau): apply 5 %"]
    (thread,) = opened
    assert (thread.state, thread.pull and thread.pull.base) == ("open", "main")
    assert thread.pull is not None
    assert repo.bare.git("diff", "--name-only", f"main...{thread.pull.head}") == PATH
    assert repo.bare.git("show", f"{thread.pull.head}:{PATH}") + "\n" == FLAGS.replace(": 0", ": 5")
    dispatch = Dispatch("customers call", "ada")
    roll_back(reviewed.run().store, reviewed.clock, TAU, dispatch, reviewed.known)
    reviewed.reconcile()
    assert (thread.state, thread.pull.merged_at) == ("closed", None)
    assert (thread.body or "").endswith("Closed: 0 % is to be applied now.")
    assert repo.bare.branch(thread.pull.head) is None
    assert verify(reviewed.run().store, TAU, None).problems == []


def test_each_repository_is_written_with_its_own_token(apart: GitHubWorld, hub: Hub) -> None:
    home = hub.app_token(apart.repo, slug="home").value
    product = hub.app_token(hub.repos[PRODUCT], slug="product").value
    address = Address(apart.repo.full_name, hub.url, f"{hub.url}/graphql", hub.url)
    api = Api(address, home, WaitingClock(hub.clock), elsewhere=product, committer=home)
    for repo in (apart.repo, hub.repos[PRODUCT]):
        tip = repo.bare.branch("main") or ""
        made = commit_files(api, "main", {"x": b"1"}, "Say x", parent=tip, repository=repo.full_name)
        assert repo.bare.branch("main") == made


@pytest.mark.parametrize("may_write", [True, False])
def test_the_command_rollback_writes_it_before_any_job_runs(
    together: GitHubWorld,
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    may_write: bool,
) -> None:
    together.reconcile()
    for name, value in environment_of(together).items():
        monkeypatch.setenv(name, value)
    if not may_write:
        # The first commit is the freeze.
        hub.fail(Nth(2), faults.graphql("Resource not accessible by integration", "FORBIDDEN"))
    command = ["rollback", "--reason", "customers call", "--by", "ada", "--forge", "github"]
    assert main([*command, "--repo", str(tmp_path)]) == 0
    assert together.rollout.outcome is Outcome.ROLLING_BACK
    assert percent(together.text(PATH) + "\n") == (0 if may_write else 5)
    assert ("the percent was not written" in capsys.readouterr().err) is not may_write
    together.reconcile()
    assert percent(together.text(PATH) + "\n") == 0
    assert verify(together.run().store, TAU, None).problems == []
