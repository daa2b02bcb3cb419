"""Somebody else's product: from `init --profile generic` to the first promotion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rollout.core.values import unix_ms
from tests.adapters.scratch import Repository
from tests.e2e.shell import BEGIN, Shell

API = {"status": "ok", "errors": 0, "requests": {"failed": 12, "served": 3400}}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "shop")
    repository.git("tag", "v1.2.0")
    repository.git("tag", "v1.3.0")
    return repository


@pytest.fixture
def shell(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository.path, capsys)


def report(repository: Repository, shell: Shell, **api: Any) -> None:
    worker = {"health_state": "healthy", "queue_depth": 0, "updated_unix_ms": unix_ms(shell.now)}
    repository.write("health.json", json.dumps(API | api))
    repository.write("worker-health.json", json.dumps(worker))


def observe(shell: Shell) -> Any:
    shell.ok("collect", "--output", shell.repo / ".git" / "observation.json")
    return shell.json("reconcile", "--observation", shell.repo / ".git" / "observation.json")


def test_init_says_what_it_wrote_and_what_comes_next(shell: Shell, repository: Repository) -> None:
    said = shell.ok("init", "--profile", "generic", "--train", "shop")
    assert said.out.splitlines() == [
        "wrote state/shop/contract.yaml",
        "wrote state/shop/rollout.yaml",
        "wrote state/shop/channel.yaml",
        "wrote state/contract.schema.json",
        "current version: v1.3.0",
        "workflows: none yet; once this is on GitHub: rollout init --workflows --action OWNER/REPO@SHA"
        " (rollout's repository and a commit of it)",
        "next:",
        "  rollout contract check --train shop",
        "  git add state/shop state/contract.schema.json && git commit -m 'rollout(shop): init'",
    ]
    assert repository.status() == ["?? state/"]
    checked = shell.json("contract", "check")
    assert checked["good"] == ["state/shop/contract.yaml"]
    assert [note.split(": ")[1] for note in checked["notes"]] == ["apply", "rollback.apply", "phases"]


def test_to_the_first_promotion(shell: Shell, repository: Repository) -> None:
    files = shell.json("init", "--profile", "generic", "--train", "shop")["files"]
    assert files[:3] == [f"state/shop/{name}.yaml" for name in ("contract", "rollout", "channel")]
    repository.commit({}, "rollout(shop): init")
    report(repository, shell)
    # What the product writes there is not tracked: a changed tracked file is not what was released.
    commit = repository.commit({".gitignore": "health.json\nworker-health.json\n"}, "Release v1.4.0")

    started = shell.json("start", "--version", "v1.4.0", "--commit", "HEAD")
    assert started["release"] == {"version": "v1.4.0", "commit": commit}
    assert (started["phase"], started["rollback_target"]["version"]) == ("preflight", "v1.3.0")
    said = observe(shell)
    assert (said["decision"], said["to"]) == ("promote", "canary")
    shell.ok("local", "merge", "1")
    said = shell.json("reconcile")
    assert (said["phase"], said["decision"]) == ("canary", "hold")

    shell.wait(minutes=10)
    report(repository, shell)
    assert observe(shell)["reasons"] == ["soak: 0s of 15m"]
    shell.wait(minutes=10)
    report(repository, shell, errors=1)
    assert observe(shell)["reasons"][0] == "error_count (api): 1, wanted <= 0"
    assert shell.json("verify")["findings"] == []


def test_a_second_train_has_to_be_named(shell: Shell, repository: Repository) -> None:
    for train in ("shop", "api"):
        shell.ok("init", "--profile", "generic", "--train", train)
    repository.commit({}, "two trains")
    said = shell.rollout("status")
    assert (said.code, said.err) == (
        2,
        "error: there is more than one train\nhint: say which with --train: api, shop\n",
    )
    assert shell.json("status", "--train", "shop")["train"] == "shop"


def test_in_a_job_the_variable_names_the_train(
    shell: Shell, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for train in ("shop", "api"):
        shell.ok("init", "--profile", "generic", "--train", train)
    repository.commit({}, "two trains")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    hint = (
        "hint: gh variable set ROLLOUT_TRAIN --body TRAIN, one of api, shop; a dispatch takes another as its"
    )
    said = shell.rollout("status", "--forge", "local")
    assert (said.code, hint in said.err) == (2, True), said.err
    monkeypatch.setenv("ROLLOUT_TRAIN", "shp")
    said = shell.rollout("status", "--forge", "local")
    assert (
        said.code,
        "hint: did you mean shop? trains there: api, shop; a dispatch takes another" in said.err,
    ) == (2, True), said.err


def test_state_on_a_branch_of_its_own(
    shell: Shell, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("init", "--profile", "generic", "--train", "shop", "--state-branch", "ops")
    repository.git("switch", "--quiet", "--create", "ops")
    repository.commit({}, "state")
    repository.git("switch", "--quiet", "main")
    assert shell.json("status", "--state-branch", "ops")["outcome"] == "idle"
    before = repository.head("main")
    shell.ok("channel", "set", "beta", "--state-branch", "ops")
    assert (repository.head("main"), shell.json("channel", "show", "--state-branch", "ops")["channel"]) == (
        before,
        "beta",
    )
    assert repository.status() == []
    monkeypatch.setenv("ROLLOUT_STATE_BRANCH", " ops\n")
    assert shell.json("channel", "show")["channel"] == "beta"


def test_init_needs_no_commit_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = Repository(tmp_path / "new")
    repository.git("update-ref", "-d", "HEAD")
    said = Shell(repository.path, capsys, BEGIN).ok("init", "--profile", "generic")
    assert "current version: unknown; record what users run with" in said.out


def test_workflows_are_written_when_it_is_said_which_rollout_they_call(
    shell: Shell, repository: Repository
) -> None:
    pin = f"acme/rollout@{'5' * 40}"
    said = shell.json("init", "--profile", "generic", "--train", "shop", "--action", pin)
    assert said["workflows"]["action"] == pin
    assert set(said["workflows"]["written"]) < set(said["files"])
    again = shell.json("init", "--workflows", "--action", pin)
    assert (again["written"], again["kept"]) == ([], said["workflows"]["written"])


def test_both_branches_of_a_repository_on_github_are_kept_up_to_date(
    shell: Shell, repository: Repository
) -> None:
    repository.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    old, new = (f"acme/rollout@{digit * 40}" for digit in "56")
    said = shell.json("init", "--profile", "generic", "--train", "shop", "--action", old)
    files = [f"state/shop/{name}.yaml" for name in ("contract", "rollout", "channel")]
    assert said["state_branch"]["branch"] == "rollout-state"
    assert said["state_branch"]["files"][:3] == files
    assert repository.status() == ["?? .github/"]
    # What was committed there is found without being told where.
    assert shell.json("contract", "check")["good"] == files[:1]
    assert shell.json("status")["outcome"] == "idle"

    before = repository.head("rollout-state")
    said = shell.json("init", "--workflows", "--update", "--action", new)
    assert said["written"] == [path for path in said["written"] if not path.endswith("rollout-check.yml")]
    assert said["state_branch"]["written"] == [".github/workflows/rollout-check.yml"]
    assert repository.head("rollout-state^") == before
    assert "6" * 40 in repository.text(".github/workflows/rollout-check.yml", "rollout-state")

    path = ".github/workflows/rollout-start.yml"
    repository.write(path, (repository.path / path).read_text() + "# mine\n")
    kept = shell.rollout("init", "--workflows", "--update", "--action", old)
    assert (kept.code, f"kept {path}, which somebody changed" in kept.out) == (3, True)
    assert shell.rollout("init", "--update").code == 2


def test_a_second_train_goes_to_the_same_branch_and_not_into_its_worktree(
    shell: Shell, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.git("remote", "add", "origin", "https://github.com/acme/shop")
    for train in ("shop", "api"):
        shell.ok("init", "--profile", "generic", "--train", train)
    assert repository.git("ls-tree", "--name-only", "-d", "rollout-state:state").split() == ["api", "shop"]
    beside = repository.path.parent / "beside"
    repository.git("worktree", "add", "--quiet", str(beside), "rollout-state")
    for more in (("--profile", "generic", "--train", "web"), ("--workflows",)):
        said = Shell(beside, capsys).rollout("init", *more)
        assert said.code == 2
        assert "rollout-state, which carries state alone, is checked out here" in said.err


@pytest.mark.parametrize(
    ("remotes", "branch"),
    [
        ({"upstream": "https://github.com/acme/shop"}, "rollout-state"),
        ({"origin": "https://git.acme.example/shop", "upstream": "https://github.com/acme/shop"}, None),
        ({"origin": "https://www.github.com/acme/shop", "fork": "/tmp/fork"}, "rollout-state"),
    ],
)
def test_the_only_remote_tells_where_state_goes(
    shell: Shell, repository: Repository, remotes: dict[str, str], branch: str | None
) -> None:
    for name, url in remotes.items():
        repository.git("remote", "add", name, url)
    said = shell.json("init", "--profile", "generic", "--train", "shop")
    assert said.get("state_branch", {}).get("branch") == branch


def test_an_enterprise_server_gets_state_and_no_workflows(
    shell: Shell, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_HOST", "git.acme.example")
    repository.git("remote", "add", "origin", "git@git.acme.example:acme/shop.git")
    pin = f"acme/rollout@{'5' * 40}"
    for options in (("--profile", "generic", "--train", "shop", "--action", pin), ("--workflows",)):
        refused = shell.rollout("init", *options)
        assert (refused.code, repository.status()) == (3, [])
        assert "do not run on GitHub Enterprise Server, where origin is (git.acme.example)" in refused.err
        assert "docs/github.md" in refused.err
    said = shell.rollout("init", "--profile", "generic", "--train", "shop", "--json")
    assert said.json["state_branch"]["branch"] == "rollout-state"
    assert "workflows" not in said.json
    assert "note: no workflows" in said.err
    repository.git("branch", "-D", "rollout-state")
    told = shell.ok("init", "--profile", "generic", "--train", "shop").out
    assert "a scheduler of your own gives the three commands" in told
    for what_nobody_can_do_there in ("--workflows", "rollout-check", "the App"):
        assert what_nobody_can_do_there not in told


def test_workflows_without_a_pin_are_refused(shell: Shell, repository: Repository) -> None:
    said = shell.rollout("init", "--workflows", "--action", "acme/rollout@main")
    assert (said.code, repository.status()) == (2, [])
    assert "--action acme/rollout@main: not a repository" in said.err


def test_init_takes_the_generic_profile_for_the_first_train_alone(
    shell: Shell, repository: Repository
) -> None:
    assert shell.json("init", "--train", "shop")["files"][0] == "state/shop/contract.yaml"
    repository.commit({}, "rollout(shop): init")
    said = shell.rollout("init", "--train", "api")
    assert (said.code, repository.status()) == (2, [])
    assert "error: main carries shop already: another train needs --profile" in said.err
    assert "hint: add it: rollout init --profile generic --train NAME" in said.err


def test_doctor_says_what_is_missing_and_then_that_all_is_well(shell: Shell, repository: Repository) -> None:
    said = shell.rollout("doctor", "--json")
    assert (said.code, said.json["problems"]) == (3, 1)
    assert said.json["findings"][0] == {
        "topic": "state branch",
        "severity": "problem",
        "says": "no train on main",
        "fix": "rollout init, then commit what it wrote",
    }
    shell.ok("init", "--profile", "generic", "--train", "shop")
    repository.commit({}, "rollout(shop): init")
    out = shell.ok("doctor").out
    assert out.startswith(
        "the local forge, state on main\n\n! contract      shop: apply: there is no command"
    )
    assert out.endswith(
        "✓ state branch  main carries shop\n"
        "✓ contract      shop: good\n"
        "✓ git identity  commits are by Rollout Tests\n"
        "✓ schedule      none on the local forge: collect and reconcile run by hand\n"
        "\n"
        "no problem, 3 warnings, 4 fine\n"
    )
    repository.commit({"state/shop/contract.yaml": "schema: 1\ntrain: shop\n"}, "broken")
    said = shell.rollout("doctor")
    assert said.code == 3
    assert "fix: rollout contract check --train shop" in said.out
