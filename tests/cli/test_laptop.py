"""In a clone of a repository on GitHub a command is about the train there (docs/design/laptop.md)."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from fakehub import faults
from fakehub.entities import Access
from fakehub.hub import Hub
from rollout.adapters.github.gh import gh_token
from rollout.cli import main
from rollout.core.contract import RollbackStep
from rollout.core.state import StepState
from rollout.wiring import Workspace
from tests.adapters.github.fixtures import hub
from tests.adapters.github.world import GitHubWorld, started
from tests.adapters.scratch import Existing, Repository

__all__ = ["hub"]

PLACE = "127.0.0.1/acme/tau"
NOW = "2026-11-23T12:00:00Z"
WORKFLOW = {".github/workflows/rollout-reconcile.yml": "on: workflow_dispatch\n"}
STATE_AND_COMMIT = ["POST /graphql repository", "POST /graphql createCommitOnBranch"]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository whose main carries the workflows and a train in preflight, and the release commit."""
    repository, release = started(tmp_path_factory.mktemp("source") / "repository")
    repository.commit(WORKFLOW, "Add the workflows")
    return repository.path, release


@pytest.fixture
def world(hub: Hub, source: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> GitHubWorld:
    """It is on a GitHub whose server the environment names; nobody is logged in."""
    world = GitHubWorld(hub, *source)
    monkeypatch.setenv("GITHUB_SERVER_URL", hub.url)
    monkeypatch.setenv("GITHUB_API_URL", hub.url)
    monkeypatch.setenv("ROLLOUT_NOW", NOW)
    return world


@pytest.fixture
def clone(world: GitHubWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Alice's clone, which git may fetch and push, and where she is."""
    Existing(tmp_path).git("clone", "--quiet", address(world), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    return Existing(tmp_path / "clone")


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a stand-in for `gh` first in PATH, and returns the file that it writes its arguments to."""

    def install(script: str) -> Path:
        program = tmp_path / "bin" / "gh"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n{script}\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent), prepend=":")
        return tmp_path / "asked"

    return install


def address(world: GitHubWorld, name: str = "acme/tau") -> str:
    return f"{world.hub.url.replace('//', f'//alice:{world.alice.value}@')}/{name}.git"


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[Any, list[str]]:
    """The command's document, None for none, and its lines on stderr."""
    capsys.readouterr()
    ended = main([*arguments, "--json"])
    printed = capsys.readouterr()
    assert ended == code, printed.err
    return json.loads(printed.out) if printed.out else None, printed.err.splitlines()


@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "GH_TOKEN", "ROLLOUT_TOKEN"])
def test_a_freeze_from_a_clone_is_on_github_at_once(
    world: GitHubWorld,
    clone: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
) -> None:
    monkeypatch.setenv(variable, world.alice.value)
    before = clone.head("main")
    world.hub.forget_calls()
    said, told = run(capsys, "freeze", "--reason", "a wish")
    assert world.calls() == STATE_AND_COMMIT
    assert said["commit"] == world.repo.bare.id_of("main")
    assert (world.state.rollout.frozen is not None, clone.head("main")) == (True, before)
    assert told == [f"note: on GitHub: {PLACE}"]


def test_a_rollback_from_a_clone_is_on_github_at_once(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    said, _ = run(capsys, "rollback", "--reason", "it crashes")
    assert said["outcome"] == "rolling_back"
    incident = world.state.incident
    assert incident is not None
    assert "Rollout Tests" in str(incident)


def test_a_tick_reads_in_the_clone_and_records_on_github(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    before = clone.head("main")
    said, told = run(capsys, "tick")
    assert told[0] == f"note: on GitHub: {PLACE}"
    assert "observe" in [row.get("event") for row in said["effects"]]
    assert (world.state.status is not None, clone.head("main")) == (True, before)
    assert world.state.status is not None
    assert world.state.status.observation is not None


def test_a_tick_without_a_token_is_refused(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    world.hub.forget_calls()
    said, told = run(capsys, "tick", code=2)
    assert (said, world.calls()) == (None, [])
    assert "gh auth login" in told[-1]


def test_looking_asks_github_and_history_is_fetched_for_it(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clone is older than the freeze; it stays where it was checked out."""
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    before = clone.head("main")
    run(capsys, "freeze", "--reason", "a wish")
    assert run(capsys, "status")[0]["frozen"]["reason"] == "a wish"
    (listed,) = run(capsys, "list", "--needs-me")[0]
    assert (listed["frozen"]["reason"], listed["todo"][0].split(";")[0]) == ("a wish", "frozen")
    assert [each["event"] for each in run(capsys, "history")[0]][:2] == ["freeze", "start"]
    assert run(capsys, "verify")[0]["commits"] >= 2
    assert clone.head("main") == before


def test_a_pull_request_is_merged_on_its_page(clone: Repository) -> None:
    space = Workspace(clone.path)
    assert space.how_to_merge(7) == "rollout local merge 7"
    space.go_to_github(None)
    assert (space.how_to_merge(7), space.how_to_merge(None)) == (f"https://{PLACE}/pull/7", "")


def test_history_that_cannot_be_fetched_is_an_outside_failure(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    clone.git("remote", "set-url", "origin", address(world).replace(world.alice.value, "ghp_secret"))
    _, told = run(capsys, "history", code=4)
    assert "error: fetching main from origin failed: " in told[1]
    assert "ghp_secret" not in " ".join(told)


def test_the_token_of_gh_is_asked_for_by_host(
    world: GitHubWorld,
    clone: Repository,
    gh: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = gh(f"echo {world.alice.value}")
    assert run(capsys, "status")[0]["train"] == "tau"
    assert asked.read_text() == "auth token --hostname 127.0.0.1\n"


@pytest.mark.parametrize("script", ["exit 1", "echo not a token", "", "printf 'a\\nb\\n'"])
def test_without_a_token_a_command_says_how_to_get_one(
    world: GitHubWorld,
    clone: Repository,
    gh: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    script: str,
) -> None:
    gh(script)
    world.hub.forget_calls()
    _, told = run(capsys, "unfreeze", "--reason", "a wish", code=2)
    assert told[1:] == [
        f"error: there is no token for the train on GitHub, {PLACE}",
        "hint: gh auth login --hostname 127.0.0.1, or set GITHUB_TOKEN,"
        " or play on this clone alone with --forge local",
    ]
    assert world.calls() == []


def test_a_gh_that_hangs_or_is_missing_gives_no_token(gh: Callable[[str], Path], tmp_path: Path) -> None:
    assert gh_token("github.com", {"PATH": str(tmp_path)}) == ""
    gh("read nothing < /dev/zero")
    assert gh_token("github.com", {"PATH": f"{tmp_path}/bin"}, seconds=0.01) == ""


@pytest.mark.parametrize("command", [("status",), ("history",), ("signoff", "check")])
def test_the_clone_alone_has_to_be_asked_for_and_is_named_first(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    world.hub.forget_calls()
    _, told = run(capsys, *command, "--forge", "local")
    assert told[0] == (f"note: on this clone alone; the train itself is on GitHub: origin ({PLACE})")
    assert world.calls() == []


@pytest.mark.parametrize(
    "command",
    [("contract", "check"), ("plan",), ("local", "prs"), ("local", "issues"), ("doctor",)],
)
def test_what_is_about_the_clone_stays_there(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    world.hub.forget_calls()
    _, told = run(capsys, *command)
    assert [line for line in told if "GitHub" in line] == []
    assert world.calls() == []


def test_a_clone_whose_github_has_no_workflows_is_played_in(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("rm", "-r", "--quiet", ".github")
    clone.git("commit", "--quiet", "-m", "Do without")
    clone.git("push", "--quiet")
    _, told = run(capsys, "freeze", "--reason", "a wish")
    assert told == [
        f"note: on this clone alone: nothing fetched of {PLACE} shows rollout's workflows;"
        " if they run there, git fetch first"
    ]
    assert world.state.rollout.frozen is None


def test_a_shallow_clone_of_the_default_branch_finds_state_on_its_own_branch(
    world: GitHubWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own_branch(world, tmp_path)
    Existing(tmp_path).git("clone", "--quiet", "--depth=1", address(world), "clone")
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    run(capsys, "freeze", "--reason", "a wish", "--repo", str(tmp_path / "clone"))
    assert "freeze" in world.repo.bare.git("log", "-1", "--format=%s", "rollout-state")


def custom_branch(world: GitHubWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """State is on a branch that its name does not show, and alice is in a clone of all."""
    own_branch(world, tmp_path)
    mover = Existing(tmp_path / "mover")
    mover.git("push", "--quiet", "origin", "rollout-state:refs/heads/state-of-tau", ":rollout-state")
    Existing(tmp_path).git("clone", "--quiet", address(world), "clone")
    monkeypatch.chdir(tmp_path / "clone")


@pytest.mark.parametrize("is_stale", [False, True])
def test_the_state_branch_of_the_settings_is_found(
    world: GitHubWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    is_stale: bool,
) -> None:
    """`is_stale`: the clone still shows state where it was before."""
    custom_branch(world, tmp_path, monkeypatch)
    clone = Existing(tmp_path / "clone")
    if is_stale:
        clone.git("update-ref", "refs/remotes/origin/main", "origin/main~1")
        clone.git("reset", "--quiet", "--hard", "origin/main")
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    world.hub.engine.variables["ROLLOUT_STATE_BRANCH"] = " state-of-tau\n"
    before = world.repo.bare.branch("main")
    world.hub.forget_calls()
    run(capsys, "rollback", "--reason", "it crashes")
    asked = "GET /repos/acme/tau/actions/variables/ROLLOUT_STATE_BRANCH"
    first = STATE_AND_COMMIT[:1] if is_stale else []
    assert world.calls() == [*first, asked, *STATE_AND_COMMIT]
    assert "roll back" in world.repo.bare.git("log", "-1", "--format=%s", "state-of-tau")
    assert world.repo.bare.branch("main") == before


@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize(
    "command", [("freeze", "--reason", "a wish"), ("status",), ("status", "--train", "tau")]
)
def test_no_train_is_brought_back_to_life_beside_the_one_that_runs(
    world: GitHubWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    token: bool,
) -> None:
    """Nothing that this person may read names the branch."""
    custom_branch(world, tmp_path, monkeypatch)
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    before = world.repo.bare.refs()
    _, told = run(capsys, *command, code=2)
    named = " tau" if "--train" in command else ""
    assert told[-2:] == [
        f"error: no train{named} on branch main, but on state-of-tau",
        "hint: name the branch that the workflows go by: --state-branch state-of-tau",
    ]
    assert world.repo.bare.refs() == before
    run(capsys, *command, "--state-branch", "state-of-tau")
    assert (world.repo.bare.refs() != before) == ("freeze" in command)


def test_a_clone_alone_brings_no_train_back_beside_the_one_that_runs(
    world: GitHubWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    custom_branch(world, tmp_path, monkeypatch)
    _, told = run(capsys, "freeze", "--reason", "a wish", "--forge", "local", code=2)
    assert "error: no train on branch main, but on state-of-tau" in told


@pytest.mark.parametrize("token", [True, False])
def test_a_train_that_somebody_deleted_is_braked_from_a_laptop(
    world: GitHubWorld,
    clone: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: bool,
) -> None:
    """Branches of the tool's own pull requests hold it still, and are no state branches."""
    clone.git("push", "--quiet", "origin", "main:refs/heads/rollout/tau")
    clone.git("rm", "-r", "--quiet", "state")
    clone.git("commit", "--quiet", "-m", "Tidy")
    clone.git("push", "--quiet")
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    run(capsys, "freeze", "--reason", "a wish")
    assert world.state.rollout.frozen is not None


def own_branch(world: GitHubWorld, tmp_path: Path) -> None:
    """Moves state from main to rollout-state."""
    Existing(tmp_path).git("clone", "--quiet", address(world), "mover")
    mover = Existing(tmp_path / "mover")
    mover.git("checkout", "--quiet", "-b", "rollout-state")
    mover.git("rm", "-r", "--quiet", ".github", "src")
    mover.git("commit", "--quiet", "-m", "State alone")
    mover.git("checkout", "--quiet", "main")
    mover.git("rm", "-r", "--quiet", "state")
    mover.git("commit", "--quiet", "-m", "Everything else")
    mover.git("push", "--quiet", "origin", "main", "rollout-state")


@pytest.fixture
def fork(world: GitHubWorld, source: tuple[Path, str], clone: Repository) -> str:
    """A second remote of the clone, with the same branches."""
    world.hub.repo("bob/tau", seed=source[0]).access["alice"] = world.repo.access["alice"]
    clone.git("remote", "add", "fork", address(world, "bob/tau"))
    clone.git("fetch", "--quiet", "fork")
    return "bob/tau"


def test_several_remotes_with_a_train_are_named(
    world: GitHubWorld,
    clone: Repository,
    fork: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    _, told = run(capsys, "status", code=2)
    assert told == [
        "error: several remotes hold the state of a train:"
        " origin (127.0.0.1/acme/tau), fork (127.0.0.1/bob/tau)",
        "hint: name the one that is meant: --repo acme/tau",
    ]
    run(capsys, "freeze", "--reason", "a wish", "--repo", fork)
    forked = world.hub.repos[fork].bare.git("log", "-1", "--format=%s", "main")
    assert ("freeze" in forked, world.state.rollout.frozen) == (True, None)
    _, told = run(capsys, "status", "--repo", fork, "--forge", "local", code=2)
    assert "bob/tau is not a git repository" in told[0]
    _, told = run(capsys, "status", "--repo", "carol/tau", code=2)
    assert told[1] == "hint: remotes with a train: acme/tau, bob/tau"


def test_the_remote_that_holds_the_state_is_meant(
    world: GitHubWorld,
    clone: Repository,
    fork: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A fork of the product that carries the workflow files and no state is no second train."""
    clone.git("rm", "-r", "--quiet", "state")
    clone.git("commit", "--quiet", "-m", "Without state")
    clone.git("push", "--quiet", "fork", "main")
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    assert run(capsys, "status")[1] == [f"note: on GitHub: {PLACE}"]


def test_a_token_is_sent_to_no_other_host_than_the_remotes(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("remote", "set-url", "origin", "git@github.com:acme/tau.git")
    monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    monkeypatch.setenv("GITHUB_REPOSITORY", "evil/tau")
    world.hub.forget_calls()
    _, told = run(capsys, "status", code=2)
    assert "name different hosts" in told[1]
    assert world.calls() == []


def test_the_time_is_githubs(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_API_URL")
    _, told = run(capsys, "status", "--now", NOW, code=2)
    assert told[1:] == [
        "error: --now is not for --forge github",
        "hint: leave it out, or try it with --forge local",
    ]


# --- without a token --------------------------------------------------------------------------------------

LOOKING = [
    ("status",),
    ("list",),
    ("history",),
    ("verify",),
    ("evaluate",),
    ("quarantine", "list"),
    ("signoff", "check"),
    ("channel", "show"),
    ("channel", "cache", "show"),
]


@pytest.mark.parametrize("command", LOOKING)
def test_looking_reads_what_was_fetched_and_tells_its_age_first(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    fetch_at(clone, hours_ago=3)
    world.hub.forget_calls()
    said, told = run(capsys, *command)
    assert said is not None
    assert told[:2] == [
        f"note: on GitHub: {PLACE}",
        "note: no token: main of origin as it was last fetched, 3h ago; `gh auth login` asks GitHub",
    ]
    assert world.hub.calls(git=True) == []


def test_looking_reads_the_remotes_branch_and_not_the_clones(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen_on_github(world, clone, monkeypatch, capsys)
    clone.git("fetch", "--quiet")
    assert run(capsys, "status")[0]["frozen"]["reason"] == "a wish"
    (listed,) = run(capsys, "list", "--needs-me")[0]
    assert (listed["frozen"]["reason"], listed["todo"][0].split(";")[0]) == ("a wish", "frozen")
    assert run(capsys, "history")[0][0]["event"] == "freeze"
    assert run(capsys, "status", "--forge", "local")[0]["frozen"] is None


def test_what_was_never_fetched_is_told_with_the_command_for_it(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_branch(world, tmp_path)
    Existing(tmp_path).git("clone", "--quiet", "--depth=1", address(world), "clone")
    _, told = run(capsys, "status", "--repo", str(tmp_path / "clone"), code=2)
    assert told[-2:] == [
        "error: branch rollout-state of origin was never fetched",
        "hint: git fetch origin +refs/heads/rollout-state:refs/remotes/origin/rollout-state;"
        " where there is no such branch, name the one that carries state/ with --state-branch",
    ]


@pytest.mark.parametrize(
    ("command", "event"),
    [(("freeze", "--reason", "a wish"), "freeze"), (("rollback", "--reason", "a wish"), "roll back")],
)
def test_the_brake_pushes_one_commit(
    world: GitHubWorld,
    clone: Repository,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    event: str,
) -> None:
    before, here = len(world.subjects()), clone.head("main")
    world.hub.forget_calls()
    said, told = run(capsys, *command)
    tip = world.repo.bare.id_of("main")
    assert (said["commit"], clone.head("origin/main")) == (tip, tip)
    assert (len(world.subjects()), clone.head("main")) == (before + 1, here)
    assert world.calls() == []
    assert world.state.rollout.frozen is not None
    assert told == [
        f"note: on GitHub: {PLACE}",
        "note: no token: git pushes to main of origin, and the rest is left to GitHub",
        f"note: pushed {tip[:10]} to main of origin ({PLACE});"
        " the next rollout-reconcile there closes the promotion and goes on",
    ]
    assert event in world.subjects()[0]


def test_the_brake_finds_a_branch_that_was_never_fetched(
    world: GitHubWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_branch(world, tmp_path)
    Existing(tmp_path).git("clone", "--quiet", "--depth=1", address(world), "clone")
    run(capsys, "freeze", "--reason", "a wish", "--repo", str(tmp_path / "clone"))
    assert "freeze" in world.repo.bare.git("log", "-1", "--format=%s", "rollout-state")


@pytest.mark.parametrize("way", ["pushurl", "two", "pushInsteadOf"])
def test_a_clone_that_pushes_to_a_fork_brakes_where_the_train_is(
    world: GitHubWorld, clone: Repository, fork: str, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    clone.git("remote", "remove", "fork")
    if way == "pushInsteadOf":
        clone.git("config", f"url.{address(world, fork)}.pushInsteadOf", address(world))
    else:
        clone.git("remote", "set-url", "--push", "origin", address(world, fork))
    if way == "two":
        clone.git("remote", "set-url", "--add", "--push", "origin", address(world))
    before = world.hub.repos[fork].bare.branch("main")
    run(capsys, "freeze", "--reason", "a wish")
    assert world.state.rollout.frozen is not None
    assert world.hub.repos[fork].bare.branch("main") == before


def test_a_clone_that_git_leads_to_another_repository_is_refused(
    world: GitHubWorld, clone: Repository, fork: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git("remote", "remove", "fork")
    clone.git("config", f"url.{address(world, fork)}.insteadOf", address(world))
    before = world.hub.repos[fork].bare.branch("main")
    _, told = run(capsys, "freeze", "--reason", "a wish", code=4)
    assert "bob/tau.git, which is another repository" in told[-2]
    assert "ghp_alice" not in " ".join(told)
    assert world.hub.repos[fork].bare.branch("main") == before


@pytest.mark.parametrize("token", [True, False])
def test_a_clone_of_the_state_branch_alone_acts_on_github(
    world: GitHubWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: bool,
) -> None:
    """As `init` lays it out: `rollout-check` and `rollout-closed` are there, the others elsewhere."""
    own_branch(world, tmp_path)
    mover = Existing(tmp_path / "mover")
    mover.git("checkout", "--quiet", "rollout-state")
    mover.commit(
        {f".github/workflows/rollout-{name}.yml": "on: push\n" for name in ("check", "closed")}, "Add"
    )
    mover.git("push", "--quiet", "origin", "rollout-state")
    only = ("--single-branch", "--branch=rollout-state")
    Existing(tmp_path).git("clone", "--quiet", *only, address(world), "clone")
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    run(capsys, "freeze", "--reason", "a wish", "--repo", str(tmp_path / "clone"))
    assert "freeze" in world.repo.bare.git("log", "-1", "--format=%s", "rollout-state")


@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize("current", ["trunk", "topic"])
def test_a_default_branch_that_the_clone_does_not_know_is_found(
    world: GitHubWorld,
    clone: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    current: str,
    token: bool,
) -> None:
    clone.git("push", "--quiet", "origin", "main:refs/heads/trunk")
    world.repo.default_branch = "trunk"
    clone.git("fetch", "--quiet")
    clone.git("checkout", "--quiet", "-b", current, "origin/trunk")
    clone.git("remote", "set-head", "origin", "--delete")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    clone.git("branch", "--quiet", "--delete", "--force", "main")
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    run(capsys, "freeze", "--reason", "a wish")
    assert "freeze" in world.repo.bare.git("log", "-1", "--format=%s", "trunk")


def test_a_commit_that_only_github_can_judge_needs_a_token(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "rollback", "--reason", "it crashes")
    _, told = run(capsys, "rollback", "--reverted", world.release, "--reason", "by hand", code=4)
    assert told[-2:] == ["error: acme/tau is not asked without a token", "hint: log in: gh auth login"]


@pytest.mark.parametrize("whose", ["reader", "stranger", "nobody"])
def test_a_token_that_will_not_do_is_explained_to_a_person(
    world: GitHubWorld,
    clone: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    whose: str,
) -> None:
    reader, stranger = world.hub.person("carl", world.repo, Access.READ), world.hub.person("mallory")
    token = {"reader": reader.value, "stranger": stranger.value, "nobody": "ghp_expired"}[whose]
    monkeypatch.setenv("GITHUB_TOKEN", token)
    _, told = run(capsys, "freeze", "--reason", "a wish", code=4)
    assert told[-1].endswith("without any token git pushes a freeze or a rollback")


def test_a_branch_that_is_gone_is_no_state_branch(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clone shows it still."""
    clone.git("update-ref", "refs/remotes/origin/rollout-state", "origin/main")
    run(capsys, "freeze", "--reason", "a wish")
    assert world.state.rollout.frozen is not None


@pytest.mark.parametrize("token", [True, False])
def test_a_state_branch_that_is_not_there_is_named(
    world: GitHubWorld,
    clone: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: bool,
) -> None:
    if token:
        monkeypatch.setenv("GITHUB_TOKEN", world.alice.value)
    _, told = run(capsys, "freeze", "--reason", "a wish", "--state-branch", "nope", code=2)
    assert told[1:] == [
        "error: there is no nope in acme/tau",
        "hint: push the branch that carries state/, or name another with --state-branch",
    ]
    _, told = run(capsys, "status", "--state-branch", "nope", code=2)
    assert ("as it was last fetched" in " ".join(told), "--state-branch" in told[-1]) == (False, True)


def test_a_push_that_somebody_was_faster_than_is_decided_anew(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Repository(clone.path.parent / "other")
    other.git("remote", "add", "origin", address(world))
    other.git("fetch", "--quiet", "origin")
    other.git("checkout", "--quiet", "-B", "work", "origin/main")
    other.commit({"README": "meanwhile\n"}, "Meanwhile")
    world.hub.before("POST *git-receive-pack", lambda: put(world, other))
    run(capsys, "freeze", "--reason", "a wish")
    assert "freeze" in world.subjects()[0]
    assert world.subjects()[1] == "Meanwhile"


def test_a_push_whose_answer_is_lost_is_made(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(world.subjects())
    world.hub.fail("POST *git-receive-pack", faults.DROPPED_AFTER)
    run(capsys, "freeze", "--reason", "a wish")
    assert (len(world.subjects()), "freeze" in world.subjects()[0]) == (before + 1, True)


@pytest.mark.parametrize("command", [("freeze",), ("rollback",)])
def test_a_push_that_is_refused_is_told_with_the_way_out(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    world.hub.person("alice", world.repo, Access.READ)
    before = world.subjects()
    said, told = run(capsys, *command, "--reason", "a wish", code=4)
    assert said["exit_code"] == 4
    assert "error: pushing main to origin failed: " in told[-2]
    assert "in the browser" in told[-1]
    assert "ghp_alice" not in " ".join(told)
    assert world.subjects() == before


def test_a_target_that_no_tag_of_the_clone_names_is_left_to_a_run_on_github(
    world: GitHubWorld, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("rollback", "--reason", "a wish", "--target", "v0.0.7")
    run(capsys, *asked)
    incident = world.state.incident
    assert incident is not None
    inspected = incident.step(RollbackStep.INSPECT_TARGET)
    assert (inspected.state, incident.target and incident.target.version) == (StepState.FAILED, "v0.0.7")
    assert "acme/tau is not asked without a token" in inspected.result


def fetch_at(clone: Repository, *, hours_ago: int) -> None:
    """Fetches, and dates it."""
    clone.git("fetch", "--quiet")
    moment = datetime.fromisoformat(NOW).timestamp() - 3600 * hours_ago
    for file in (
        clone.path / ".git" / "FETCH_HEAD",
        *(clone.path / ".git/logs/refs/remotes/origin").iterdir(),
    ):
        os.utime(file, (moment, moment))


def frozen_on_github(
    world: GitHubWorld, clone: Repository, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as logged_in:
        logged_in.setenv("GITHUB_TOKEN", world.alice.value)
        run(capsys, "freeze", "--reason", "a wish", "--repo", str(clone.path))


def put(world: GitHubWorld, other: Repository) -> None:
    """Somebody's commit is on main, by a way that no test waits for."""
    world.repo.bare.git("fetch", "--quiet", str(other.path), "work:main")
