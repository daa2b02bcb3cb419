"""`rollout withdraw` in a real repository."""

from __future__ import annotations

import pytest

from tests.e2e.shell import Town


def test_a_release_is_withdrawn_and_starts_again(town: Town) -> None:
    commit = town.start()
    shell = town.shell
    shell.wait(minutes=1)
    said = shell.json("withdraw", "--reason", "a wrong tag", "--by", "Ada")
    assert (said["outcome"], said["changed"]) == ("withdrawn", True)
    assert not shell.json("withdraw", "--reason", "a wrong tag", "--by", "Ada")["changed"]
    town.reconcile()
    status = shell.json("status")
    assert (status["outcome"], status["canary_percent"], status["incident"]) == ("withdrawn", 0, None)
    assert status["frozen"]["reason"] == "withdrawn by Ada: a wrong tag"
    assert shell.json("evaluate")["outcome"] == "withdrawn"
    assert shell.json("quarantine", "list") == []
    assert shell.json("history", "--event", "withdraw")[0]["subject"] == (
        "rollout(tau): withdraw v0.1.5 preflight: Ada: a wrong tag"
    )
    shell.wait(minutes=1)
    shell.ok("start", "--version", "v0.1.5", "--commit", commit)
    assert shell.json("status")["outcome"] == "in_progress"
    assert shell.json("verify")["findings"] == []


@pytest.mark.parametrize(
    ("started", "arguments", "code", "line"),
    [
        (True, ("withdraw", "--reason", " "), 2, "error: --reason is empty"),
        (True, ("withdraw", "--reason", "x", "--by", ""), 2, "error: --by is empty"),
        (False, ("withdraw", "--reason", "x"), 3, "error: tau is idle: there is no release in progress"),
    ],
)
def test_what_is_refused_changes_nothing(
    town: Town, started: bool, arguments: tuple[str, ...], code: int, line: str
) -> None:
    if started:
        town.start()
    head = town.repository.head()
    said = town.shell.rollout(*arguments)
    assert (said.code, said.err.startswith(line), len(said.err.splitlines())) == (code, True, 2)
    assert town.repository.head() == head
