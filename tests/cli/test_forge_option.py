"""`--forge github` from argv to exit code, and what must not go together with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakehub.hub import Hub
from rollout.cli import main
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.world import GitHubWorld
from tests.adapters.scratch import Repository

__all__ = ["hub", "origin"]

GITHUB = ("--forge", "github")
NOW = "2026-11-23T12:00:00Z"


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> GitHubWorld:
    """A release in preflight, and the environment that a job of GitHub Actions has."""
    world = GitHubWorld(hub, *origin)
    world.clock.forward(minutes=10)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for name, value in world.repo.address().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_TOKEN", world.token.value)
    monkeypatch.setenv("ROLLOUT_NOW", NOW)
    return world


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a repository, as in a job that checks nothing out."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The document of a command that has to end well."""
    capsys.readouterr()
    code = main([*arguments, "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """What a command prints that has to end with that code."""
    capsys.readouterr()
    assert main(list(arguments)) == code
    return capsys.readouterr().err


def test_under_actions_state_lives_on_github(
    world: GitHubWorld, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "status")["release"] == {"version": "v0.1.5", "commit": world.release}
    said(capsys, "freeze", "--reason", "a wish")
    assert said(capsys, "reconcile")["decision"] == "hold"
    assert "rollout(tau): freeze v0.1.5 preflight: a wish" in world.subjects()
    frozen = said(capsys, "status")["frozen"]
    assert (frozen["reason"], frozen["at"]) == ("a wish", NOW)


@pytest.mark.parametrize("named", [(), ("--train", "tau")])
def test_a_train_whose_folder_was_taken_away_is_frozen_over_github(
    world: GitHubWorld, nowhere: Path, capsys: pytest.CaptureFixture[str], named: tuple[str, ...]
) -> None:
    bare = world.repo.bare
    held = bare.git("ls-tree", "-r", "--name-only", "main", "state").split()
    before = bare.branch("main") or ""
    gone = world.repo.commit_on_branch(world.alice, "main", before, "tidy", [], held)
    way = f"commit {gone[:10]} by alice took it away; take that back: git checkout {before[:10]} -- state/tau"
    assert way in refused(capsys, "unfreeze", "--reason", "seen", *named)
    assert main(["doctor"]) == 3
    assert " ".join(capsys.readouterr().out.split()).count(way) == 1
    said(capsys, "freeze", "--reason", "a wish", *named)
    assert said(capsys, "status")["frozen"]["reason"] == "a wish"
    assert bare.git("ls-tree", "-r", "--name-only", "main", "state").split() == held


def test_a_start_asks_github_about_the_commit(
    world: GitHubWorld, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = ("start", "--version", "v0.1.6", "--commit")
    assert "v0.1.5 is in progress" in refused(capsys, *begin, world.release, code=3)
    assert "no such commit" in refused(capsys, *begin, "HEAD")
    assert "no such commit" in refused(capsys, *begin, "9" * 40)


def test_a_re_run_of_a_start_takes_no_newer_commit(
    world: GitHubWorld, nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", "2")
    begin = ("start", "--version", "v0.1.6")
    assert "the newest commit may be another" in refused(capsys, *begin, code=3)
    assert "v0.1.5 is in progress" in refused(capsys, *begin, "--commit", world.release, code=3)


def test_the_local_forge_can_be_asked_for(
    world: GitHubWorld, origin: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    world.hub.forget_calls()
    here = ("--forge", "local", "--repo", str(origin[0]))
    assert said(capsys, "status", *here)["train"] == "tau"
    assert said(capsys, "local", "prs", *here) == []
    assert world.calls() == []
    assert "the local forge" in refused(capsys, "local", "prs", "--repo", str(origin[0]))


def test_history_is_read_in_the_clone(
    world: GitHubWorld, origin: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "history", "--repo", str(origin[0]))[0]["event"] == "start"
    assert world.calls() == ["POST /graphql repository"]


@pytest.mark.parametrize("target", ["v0.0.200", "0.0.200"])
def test_a_rollback_leads_to_a_version_that_is_only_tagged(
    world: GitHubWorld, nowhere: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    """Beside more Releases than a page, by one request for the version that is named."""
    for patch in range(150):
        world.repo.add_release(f"v0.0.{patch}")
    world.repo.bare.git("tag", "-a", "-m", "old", "v0.0.200", "main")
    world.hub.forget_calls()
    said(capsys, "rollback", "--reason", "it crashes", "--by", "ada", "--target", target)
    state = world.state
    assert state.incident is not None
    assert state.incident.target is not None
    assert (state.incident.target.version, state.rollout.frozen is not None) == (target, True)
    until_frozen = world.calls()[: world.calls().index("POST /graphql createCommitOnBranch") + 1]
    assert until_frozen == [
        "POST /graphql repository",
        "POST /graphql version",
        "POST /graphql createCommitOnBranch",
    ]
    assert "no such release" in refused(
        capsys, "rollback", "--reason", "no", "--by", "ada", "--target", "v0.0.201"
    )


def test_the_real_github_keeps_real_time(
    world: GitHubWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ROLLOUT_NOW and --now count only where the API is on this machine."""
    assert said(capsys, "status", *GITHUB, "--now", NOW)["train"] == "tau"
    monkeypatch.setenv("GITHUB_API_URL", "https://api.github.com")
    assert "--now is not for --forge github" in refused(capsys, "status", *GITHUB, "--now", NOW)
    monkeypatch.setenv("ROLLOUT_NOW", "not a time")
    assert "different hosts" in refused(capsys, "status", *GITHUB)
    monkeypatch.setenv("GITHUB_API_URL", world.hub.url)
    assert "not a time" in refused(capsys, "status", *GITHUB)


@pytest.mark.parametrize(
    ("variable", "message"),
    [("GITHUB_TOKEN", "there is no token for GitHub"), ("GITHUB_REPOSITORY", "GITHUB_REPOSITORY is not set")],
)
def test_what_the_environment_lacks_is_said(
    world: GitHubWorld,
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    message: str,
) -> None:
    monkeypatch.delenv(variable)
    assert message in refused(capsys, "status")


def test_the_token_of_an_app_goes_first(
    world: GitHubWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROLLOUT_TOKEN", world.token.value)
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_nobody")
    assert said(capsys, "status")["train"] == "tau"


def test_doctor_asks_github_with_the_token_that_it_has(
    world: GitHubWorld, nowhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = nowhere / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    token = world.hub.run_token(world.repo, {"contents": "write", "statuses": "write", "checks": "read"})
    monkeypatch.setenv("ROLLOUT_TOKEN", token.value)
    capsys.readouterr()
    before = world.subjects()
    assert main(["doctor", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert said["about"] == "acme/tau, state on main, asked as github-actions[bot]"
    assert [one["says"] for one in said["findings"] if one["severity"] == "problem"] == [
        "the token lacks pull-requests: write, issues: write, actions: read",
        "rollout-check.yml, rollout-collect.yml, rollout-reconcile.yml, rollout-rollback.yml,"
        " rollout-schedule.yml, rollout-start.yml: not on main, the only branch whose schedules run",
    ]
    assert world.subjects() == before
    assert summary.read_text().startswith("**2 problems, ")
    assert token.value not in summary.read_text()
    assert main(["doctor"]) == 3
    assert capsys.readouterr().out.splitlines()[2].startswith("✗ permissions ")


def test_doctor_tells_of_a_state_branch_that_is_not_there(
    world: GitHubWorld, nowhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--state-branch", "ops", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)["findings"][0]
    assert (said["topic"], said["says"]) == ("state branch", "there is no ops in acme/tau")


def test_in_a_clone_github_is_where_it_was_cloned_from(
    world: GitHubWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clone = Repository(tmp_path / "clone")
    clone.git("remote", "add", "origin", "git@github.com:acme/tau.git")
    monkeypatch.delenv("GITHUB_REPOSITORY")
    assert said(capsys, "status", *GITHUB, "--repo", str(clone.path))["train"] == "tau"
