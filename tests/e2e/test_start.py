"""`rollout start` as a person types it: the range, the first release, and what init records afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.core.values import unix_ms
from tests.adapters.scratch import Repository
from tests.e2e.shell import BEGIN, Shell


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop", {".gitignore": "health.json\nworker-health.json\n"})


@pytest.fixture
def shell(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository.path, capsys, BEGIN)


def speak(shell: Shell, repository: Repository) -> None:
    """The product says that it is well, now."""
    worker = {"health_state": "healthy", "queue_depth": 0, "updated_unix_ms": unix_ms(shell.now)}
    repository.write("health.json", '{"status": "ok", "errors": 0, "requests": {"failed": 0}}')
    repository.write("worker-health.json", json.dumps(worker))


def adopt(shell: Shell, repository: Repository, *options: str) -> None:
    shell.ok("init", "--profile", "generic", "--train", "shop", *options)
    repository.commit({}, "rollout(shop): init")


def test_a_release_is_every_commit_since_the_current_versions_tag(
    shell: Shell, repository: Repository
) -> None:
    repository.git("tag", "v1.0.0")
    adopt(shell, repository)
    commits = [repository.commit({"app.txt": f"{n}\n"}, f"Change {n}") for n in (1, 2, 3)]
    shell.ok("channel", "set", "beta")  # a decision at the tip
    said = shell.ok("start", "--version", "v1.1.0")
    assert said.out.splitlines()[:4] == [
        "v1.1.0 is 3 commits since v1.0.0, by its tag:",
        *(f"  {commits[n - 1][:10]}  Change {n}" for n in (3, 2, 1)),
    ]
    assert said.err == ""
    assert shell.json("status")["release"] == {"version": "v1.1.0", "commit": commits[-1]}
    assert repository.head("v1.0.0") in repository.text("state/shop/rollout.yaml")
    assert "- " + commits[0][:10] + " Change 1" in repository.git("log", "-1", "--format=%b")
    shell.ok("verify")


def test_a_release_without_a_base_is_one_commit_and_says_so_loudly(
    shell: Shell, repository: Repository
) -> None:
    adopt(shell, repository, "--current-version", "v1.0.0")
    repository.commit({"app.txt": "1\n"}, "Change 1")
    commit = repository.commit({"app.txt": "2\n"}, "Change 2")
    said = shell.rollout("start", "--version", "v1.1.0", "--json")
    assert said.json["range"] == {
        "base": None,
        "total": 1,
        "commits": [{"commit": commit, "subject": "Change 2"}],
    }
    assert said.err == (
        f"warning: v1.1.0 is commit {commit[:10]} alone: there is no tag v1.0.0; a rollback takes back"
        " nothing else. For a range: --base SHA\n"
    )


def test_a_version_that_users_run_is_recorded_afterwards(shell: Shell, repository: Repository) -> None:
    adopt(shell, repository)
    repository.commit({"app.txt": "1\n"}, "Change 1")
    refused = shell.rollout("start", "--version", "v1.1.0")
    assert refused.code == 3
    assert "no version is known to return to" in refused.err
    assert "rollout init --train shop --current-version V" in refused.err
    head = repository.head()
    said = shell.ok("init", "--train", "shop", "--current-version", "v1.0.0")
    assert said.out.startswith("shop: current version v1.0.0 recorded (")
    assert repository.git("diff", "--name-only", head, "HEAD") == "state/shop/channel.yaml"
    assert repository.status() == []
    again = shell.ok("init", "--profile", "generic", "--train", "shop", "--current-version", "1.0.0")
    assert again.out == "shop: 1.0.0 is the current version; nothing to do\n"
    shell.ok("start", "--version", "v1.1.0")
    assert shell.json("status")["rollback_target"]["version"] == "v1.0.0"
    shell.ok("verify")


@pytest.mark.parametrize(
    ("version", "code", "says"),
    [
        ("latest", 2, "--current-version: not a version"),
        ("v2.0.0", 3, "shop: v1.0.0 is the current version already"),
    ],
)
def test_another_version_is_not_recorded_over_one_that_is_known(
    shell: Shell, repository: Repository, version: str, code: int, says: str
) -> None:
    adopt(shell, repository, "--current-version", "v1.0.0")
    head = repository.head()
    said = shell.rollout("init", "--train", "shop", "--current-version", version)
    assert (said.code, repository.head(), repository.status()) == (code, head, [])
    assert says in said.err
    assert "hint: " in said.err


def test_a_version_is_not_recorded_during_a_rollout(shell: Shell, repository: Repository) -> None:
    adopt(shell, repository)
    repository.commit({"app.txt": "1\n"}, "Change 1")
    shell.ok("start", "--version", "v1.0.0", "--first", "--reason", "our first release")
    said = shell.rollout("init", "--train", "shop", "--current-version", "v0.9.0")
    assert said.code == 3
    assert "shop is in progress: its version stays as it is" in said.err


def test_a_products_very_first_release_leaves_preflight(shell: Shell, repository: Repository) -> None:
    adopt(shell, repository)
    repository.commit({"app.txt": "1\n"}, "Change 1")
    said = shell.ok("start", "--version", "v1.0.0", "--first", "--reason", "our first release")
    assert "no version to return to; a rollback reverts only" in said.out
    shell.wait(minutes=1)
    speak(shell, repository)
    observation = repository.path.parent / "observation.json"
    shell.ok("collect", "--output", observation)
    decided = shell.json("reconcile", "--observation", observation)
    (gate,) = [gate for gate in decided["gates"] if gate["gate"] == "rollback_target"]
    assert (decided["decision"], gate["result"]) == ("promote", "not_applicable")
    assert gate["seen"] == "no version to return to; a rollback reverts only"
    shell.ok("rollback", "--reason", "it is broken")
    for _ in range(3):
        shell.wait(minutes=31)  # nobody captures evidence
        shell.json("reconcile")
    steps = {step["step"]: step["state"] for step in shell.json("status")["incident"]["steps"]}
    assert (steps["inspect_target"], steps["apply_metadata"]) == ("skipped", "skipped")
    assert steps["revert"] == "running"
    shell.ok("verify")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--first",), "--first needs --reason"),
        (("--reason", "why"), "--reason goes with --first"),
    ],
)
def test_first_and_its_reason_go_together(
    shell: Shell, repository: Repository, options: tuple[str, ...], says: str
) -> None:
    adopt(shell, repository)
    head = repository.head()
    said = shell.rollout("start", "--version", "v1.0.0", *options)
    assert (said.code, repository.head()) == (2, head)
    assert says in said.err
