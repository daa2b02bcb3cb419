"""`rollout quarantine add` in a real repository: by version, by tag, by commit."""

from __future__ import annotations

import pytest

from tests.e2e.shell import Town


def refused(town: Town, *arguments: str) -> tuple[int, str]:
    said = town.shell.rollout(*arguments)
    return said.code, said.err.splitlines()[0]


def test_an_annotated_tag_is_peeled_and_what_it_names_starts_only_once_it_is_lifted(town: Town) -> None:
    shell, repository = town.shell, town.repository
    bad = repository.commit({"product.txt": "bad\n"}, "Lose data")
    repository.git("tag", "--annotate", "v0.1.5", "--message", "v0.1.5")
    assert shell.json("quarantine", "add", "0.1.5", "--reason", "it loses data", "--by", "Ada")["changed"]
    assert not shell.json("quarantine", "add", "v0.1.5", "--reason", "again", "--by", "Ada")["changed"]
    (entry,) = shell.json("quarantine", "list")
    assert (entry["version"], entry["commit"], entry["incident"]) == ("0.1.5", bad, None)
    assert entry["added"] == {"by": "Ada", "reason": "it loses data"}
    later = repository.commit({"other.txt": "1\n"}, "Something else")
    head = repository.head()
    code, line = refused(town, "start", "--version", "v0.1.5", "--commit", bad)
    assert (code, line) == (
        3,
        "error: tau: v0.1.5 is blocked, quarantined_release:"
        " v0.1.5 was put in quarantine by Ada: it loses data",
    )
    code, line = refused(town, "start", "--version", "v0.1.6", "--commit", later)
    assert (code, line) == (
        3,
        f"error: tau: {later[:12]} holds v0.1.5, put in quarantine by Ada: it loses data, without its revert",
    )
    assert repository.head() == head
    assert shell.json("quarantine", "lift", bad[:10], "--reason", "it was the disk", "--by", "Ada")["changed"]
    shell.ok("start", "--version", "v0.1.6", "--commit", later)
    assert shell.json("verify")["findings"] == []


def test_a_commit_is_added_by_what_git_calls_it(town: Town) -> None:
    shell, repository = town.shell, town.repository
    bad = repository.commit({"product.txt": "bad\n"}, "Lose data")
    assert shell.json("quarantine", "add", bad[:9], "--reason", "it loses data", "--by", "Ada")["changed"]
    (entry,) = shell.json("quarantine", "list")
    assert (entry["version"], entry["commit"]) == (None, bad)
    repository.git("revert", "--no-edit", bad)
    shell.ok("start", "--version", "v0.1.5", "--commit", repository.head())
    assert shell.json("history", "--event", "quarantine-add")[0]["subject"] == (
        f"rollout(tau): quarantine: {bad[:10]} by Ada: it loses data"
    )
    assert shell.json("verify")["findings"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("v9.9.9", "--reason", "x"), 2, "error: v9.9.9: no such tag, and the train knows no such release"),
        (("1" * 40, "--reason", "x"), 2, f"error: {'1' * 40}: no such commit"),
        (("no-such-branch", "--reason", "x"), 2, "error: no-such-branch: neither a version nor a commit"),
        (("v0.1.5", "--reason", ""), 2, "error: --reason is empty"),
        (("v0.1.5", "--reason", "x"), 3, "error: tau: v0.1.5 is in progress"),
    ],
)
def test_what_is_refused_changes_nothing(
    town: Town, arguments: tuple[str, ...], code: int, line: str
) -> None:
    town.start()
    head = town.repository.head()
    said = town.shell.rollout("quarantine", "add", *arguments)
    assert (said.code, said.err.splitlines()[0]) == (code, line)
    assert len(said.err.splitlines()) == 2
    assert town.repository.head() == head
