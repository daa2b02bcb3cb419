"""Every block of the runbook's channel part, as a person types it, on the local forge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.scratch import Repository
from tests.e2e.shell import Shell

PLAN_KEYS = {
    "channel",
    "current_version",
    "target_version",
    "action",
    "guard_code",
    "guard_reason",
    "lookup_source",
    "dry_run",
}
CACHE = "state/shop/release-cache.yaml"
RULES = "state/shop/contract.yaml"


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Repository:
    repository = Repository(tmp_path / "shop", {"README.md": "A shop.\n"})
    Shell(repository.path, capsys).ok(
        "init", "--profile", "generic", "--train", "shop", "--current-version", "v0.1.4"
    )
    repository.commit({}, "Add the rollout contract")
    for tag in ("v0.1.4", "v0.1.5", "v0.2.0-rc.1", "nightly"):
        repository.git("tag", tag)
    return repository


@pytest.fixture
def shell(repository: Repository, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(repository.path, capsys)


def everything(repository: Repository) -> object:
    """All that a command could change: refs, and each file's bytes."""
    files = (path for path in repository.path.rglob("*") if path.is_file() and ".git" not in path.parts)
    return repository.git("for-each-ref"), {path: path.read_bytes() for path in files}


def test_inspect_channel_and_rollback_metadata(shell: Shell) -> None:
    shown = shell.json("channel", "show")
    assert (shown["channel"], shown["source"], shown["current_version"]) == ("stable", "store", "v0.1.4")
    assert shown["rollback_channel"] is shown["rollback_reference_unix_ms"] is None


def test_switch_channel_policy(shell: Shell, repository: Repository) -> None:
    for channel in ("stable", "beta", "dev"):
        shell.ok("channel", "set", channel)
    shown = shell.json("channel", "show")
    assert (shown["channel"], shown["rollback_channel"]) == ("dev", "beta")
    assert (shown["rollback_version"], shown["rollback_reason"]) == ("v0.1.4", "channel_switch")
    head = repository.head("main")
    assert shell.json("channel", "set", "dev")["changed"] is False
    assert repository.head("main") == head


def test_plan_an_update(shell: Shell, repository: Repository) -> None:
    assert shell.json("channel", "check")["latest_version"] == "v0.1.5"
    planned = shell.json("channel", "plan")
    assert planned.keys() >= PLAN_KEYS
    assert (planned["target_version"], planned["action"], planned["guard_code"]) == (
        "v0.1.5",
        "upgrade",
        "ok",
    )
    assert planned["lookup_source"] == "live"
    before = everything(repository)
    dry = shell.json("channel", "plan", "--target", "v0.1.5", "--dry-run")
    assert (dry["dry_run"], dry["lookup_source"], dry["commit"]) == (True, "override", None)
    assert everything(repository) == before
    blocked = shell.json("channel", "plan", "--target", "latest")
    assert (blocked["action"], blocked["guard_code"]) == ("blocked", "invalid_target_version")


def test_apply_an_update_plan(shell: Shell, repository: Repository) -> None:
    before = everything(repository)
    dry = shell.json("channel", "apply", "--target", "v0.1.5", "--dry-run")
    assert (dry["status"], dry["dry_run"]) == ("dry_run", True)
    assert "+current_version: v0.1.5" in dry["diff"]
    assert everything(repository) == before
    shell.ok("channel", "plan")
    done = shell.json("channel", "apply")
    assert done.keys() >= PLAN_KEYS
    assert (done["status"], done["attempts"]) == ("applied_metadata", 1)
    shown = shell.json("channel", "show")
    assert (shown["current_version"], shown["rollback_version"]) == ("v0.1.5", "v0.1.4")
    assert shown["rollback_reason"] == "apply_upgrade"
    again = shell.json("channel", "apply")
    assert (again["action"], again["status"], again["attempts"]) == ("noop", "noop", 2)
    assert shell.json("channel", "show")["rollback_version"] == "v0.1.4"
    assert shell.json("verify")["findings"] == []


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("v0.2.0-rc.1", "stable_prerelease_disallowed"),
        ("v7.0.0", "major_version_jump_blocked"),
        ("v0.1.5; reboot", "invalid_target_version"),
        ("", "invalid_target_version"),
    ],
)
def test_a_blocked_apply_is_refused_and_told(shell: Shell, target: str, code: str) -> None:
    said = shell.rollout("channel", "apply", "--target", target, "--json")
    assert (said.code, said.json["guard_code"], said.json["status"]) == (3, code, "blocked")
    first, hint = said.err.splitlines()
    assert first.startswith(f"error: shop: {code}: ")
    assert hint.startswith("hint: ")
    assert shell.json("channel", "show")["current_version"] == "v0.1.4"
    dry = shell.rollout("channel", "apply", "--target", target, "--dry-run")
    assert dry.code == 3


def test_cache_maintenance(shell: Shell, repository: Repository) -> None:
    assert shell.json("channel", "cache", "show")["state"] == "none"
    shell.ok("channel", "cache", "refresh")
    shown = shell.json("channel", "cache", "show")
    assert (shown["state"], shown["entries"], shown["ttl_seconds"]) == ("fresh", 3, 900)
    assert shown["latest"] == {"stable": "v0.1.5", "beta": "v0.2.0-rc.1", "dev": "v0.2.0-rc.1"}
    assert shell.json("channel", "check")["lookup_source"] == "cache_fresh"
    assert shell.json("channel", "cache", "prune")["removed"] is False
    shell.wait(hours=1)
    assert shell.json("channel", "cache", "show")["stale_by_seconds"] == 2700
    assert "stale by 45m" in shell.ok("channel", "cache", "show").out
    pruned = shell.json("channel", "cache", "prune")
    assert (pruned["removed"], pruned["reason"]) == (True, "it is stale by 45m")
    assert not (repository.path / CACHE).exists()
    assert repository.git("status", "--porcelain") == ""
    assert "there is no cache" in shell.ok("channel", "cache", "clear").out
    shell.ok("channel", "cache", "refresh")
    assert "you asked for it" in shell.ok("channel", "cache", "clear").out
    assert not (repository.path / CACHE).exists()


@pytest.mark.parametrize("text", ["schema: 9\n", "schema: 1\ntrain: sh", "x" * 50_000_000, "a: [1\n"])
def test_a_broken_cache_breaks_no_command(shell: Shell, repository: Repository, text: str) -> None:
    repository.commit({CACHE: text}, "Break the cache")
    assert shell.json("status")["outcome"] == "idle"
    shown = shell.json("channel", "cache", "show")
    assert shown["state"] == "unusable"
    assert shell.json("channel", "plan")["target_version"] == "v0.1.5"
    assert shell.json("channel", "cache", "show")["state"] == "fresh"


def test_a_state_of_a_newer_tool_is_not_touched(shell: Shell, repository: Repository) -> None:
    repository.commit({"state/shop/channel.yaml": "schema: 2\ntrain: shop\n"}, "From the future")
    before = everything(repository)
    for command in ("show", "plan", "apply"):
        said = shell.rollout("channel", command)
        assert said.code == 2
        assert "state/shop/channel.yaml: schema: 2 was written by a newer rollout" in said.err
    assert everything(repository) == before


def test_where_the_contract_asks_for_review(shell: Shell, repository: Repository) -> None:
    text = (repository.path / RULES).read_text(encoding="utf-8")
    repository.commit({RULES: text.replace("review: commit", "review: pull_request")}, "Ask for review")
    proposed = shell.json("channel", "apply")
    assert (proposed["commit"], proposed["pull_request"]) == (None, 1)
    (pull,) = shell.json("local", "prs")
    assert (pull["kind"], pull["head"]) == ("channel", "rollout-channel/shop/apply-v0.1.5")
    assert shell.json("channel", "show")["current_version"] == "v0.1.4"
    assert shell.ok("local", "merge", "1", "--by", "Ada Reviewer").out.endswith("see: rollout channel show\n")
    assert shell.json("channel", "show")["current_version"] == "v0.1.5"
    assert shell.json("verify")["findings"] == []


def test_text_for_a_person_says_what_to_do_next(shell: Shell) -> None:
    assert "next: rollout channel plan" in shell.ok("channel", "check").out
    assert "next: rollout channel apply" in shell.ok("channel", "plan").out
    assert "to do: " in shell.ok("channel", "plan", "--target", "v9.0.0").out
    assert "recorded as " in shell.ok("channel", "apply", "--target", "v0.1.5").out
    assert shell.ok("channel", "set", "beta").out.startswith("channel is beta: recorded as ")
    assert shell.ok("channel", "set", "beta").out == "channel is beta already\n"
    assert "+channel: dev" in shell.ok("channel", "set", "dev", "--dry-run").out
    assert "last apply" in shell.ok("channel", "show").out


# --- the product's own metadata ---------------------------------------------------------------------------


def test_the_products_own_metadata_is_taken_over(shell: Shell, repository: Repository) -> None:
    folder = repository.path / ".tau"
    folder.mkdir()
    (folder / "release-channel.json").write_text('{"schema_version": 1, "release_channel": "beta"}')
    assert shell.ok("channel", "import", folder, "--dry-run").out.startswith("dry run\n")
    said = shell.ok("channel", "import", folder)
    assert said.out.startswith("took over beta at v0.1.4: recorded as ")
    assert shell.json("channel", "show")["channel"] == "beta"
    assert shell.ok("channel", "import", folder).out == "nothing to take over\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"schema_version": 1, "rel', "release-channel.json: not JSON: "),
        ("[" * 100_000, "release-channel.json: JSON nested too deeply"),
        ("x" * 1_100_000, "release-channel.json: larger than 1048576 bytes"),
        ("{}", "release-channel.json: schema_version: Field required"),
    ],
)
def test_metadata_that_cannot_be_read(shell: Shell, repository: Repository, text: str, says: str) -> None:
    folder = repository.path / ".tau"
    folder.mkdir()
    (folder / "release-channel.json").write_text(text)
    said = shell.rollout("channel", "import", folder)
    assert said.code == 2
    assert said.err.startswith(f"error: {says}")


def test_a_folder_without_metadata(shell: Shell, repository: Repository) -> None:
    (repository.path / "release-channel.json").mkdir()
    said = shell.rollout("channel", "import", repository.path)
    assert (said.code, "release-channel.json cannot be read: Is a directory" in said.err) == (2, True)
