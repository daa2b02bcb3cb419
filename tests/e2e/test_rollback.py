"""A rollback by its commands, in a real repository, and what is refused."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Towns
from tests.e2e.shell import Town

AFTER_A_ROLLBACK = (
    "start v0.1.6",
    "collect",
    "freeze -m WHY",
    "unfreeze -m WHY",
    "withdraw -m WHY",
    "rollback --cancel -m WHY",
    "rehearse",
    "signoff record rollback-rehearsed docs/review.md",
    "signoff open",
)
"""What the train refuses then, until it is reopened."""


@pytest.fixture
def rolling(towns: Towns) -> Town:
    """A release in preflight that a person has rolled back, its evidence captured and its revert proposed."""
    return towns.after("rolling-back", roll_back)


def roll_back(town: Town) -> None:
    town.start()
    town.shell.wait(minutes=1)
    said = town.shell.json("rollback", "--reason", "customers call", "--by", "Ada")
    assert (said["outcome"], said["changed"]) == ("rolling_back", True)
    results = town.path / ".tau" / "results.json"
    town.shell.ok("perform", "--output", results)
    town.reconcile(results)


def test_from_the_dispatch_to_the_reopened_train(rolling: Town) -> None:
    shell = rolling.shell
    status = shell.json("status")
    number = status["pull_request"]
    how = f"rollout local merge {number}"
    assert status["to_do"][0] == f"merge pull request #{number}, which reverts v0.1.5: {how}"
    assert [step["state"] for step in status["incident"]["steps"]][-2:] == ["running", "pending"]
    assert not shell.json("rollback", "--reason", "customers call", "--by", "Ada")["changed"]
    merged = shell.ok("local", "merge", str(status["pull_request"]), "--by", "Ada Reviewer").out
    assert merged.endswith("to go on with the rollback: rollout tick\n")
    rolling.reconcile()
    landed = shell.json("status")["incident"]["steps"][4]["links"][-1]
    for number in range(6):
        shell.ok("local", "check", f"Live smoke ({number})", "success", "--commit", landed)
    shell.wait(minutes=5)
    rolling.product.cycle(shell.now)
    results = rolling.path / ".tau" / "results.json"
    shell.ok("perform", "--output", results)
    rolling.reconcile(results, rolling.observe())
    assert shell.json("status")["outcome"] == "rolled_back"
    (bad,) = shell.json("quarantine", "list")
    reopen = "hint: once the cause is fixed: rollout reopen --reason WHY\n"
    for command in AFTER_A_ROLLBACK:
        said = shell.rollout(*command.split())
        assert (said.code, said.err.endswith(reopen)) == (3, True), (command, said.err)
    assert shell.json("reopen", "--reason", "fixed")["outcome"] == "idle"
    again = shell.rollout("start", "v0.1.5")
    assert again.err.endswith(f"rollout quarantine lift {bad['commit'][:10]} --reason WHY\n")
    refused = shell.rollout("start", "--version", "v0.1.6", "--commit", bad["commit"])
    assert (refused.code, "was rolled back by incident" in refused.err) == (3, True)
    assert shell.json("quarantine", "lift", bad["commit"][:10], "--reason", "the probe", "--by", "Ada")[
        "changed"
    ]
    assert shell.json("verify")["findings"] == []


def test_a_mended_release_follows_a_revert_that_a_person_declares(rolling: Town) -> None:
    """The revert was changed before its merge, on lines that are worked on since."""
    shell, repo = rolling.shell, rolling.repository
    status = shell.json("status")
    release, pull = status["release"]["commit"], shell.json("local", "show", str(status["pull_request"]))
    changed = repo.git("diff", "--name-only", f"{release}^", release).splitlines()[0]
    repo.git("checkout", "-q", pull["head"])
    repo.commit({changed: "a part of it stays\n"}, "Keep a part")
    repo.git("checkout", "-q", "main")
    shell.ok("local", "merge", str(status["pull_request"]), "--by", "Ada Reviewer")
    rolling.reconcile()
    (told, *_) = shell.json("status")["to_do"]
    assert "and the branch still holds a part of the release" in told
    assert "rollout rollback --reverted COMMIT --reason WHY" in told
    said = shell.json("rollback", "--reverted", repo.head(), "--reason", "the rest is wanted", "--by", "Ada")
    assert said["changed"]
    rolling.reconcile()
    assert shell.json("status")["incident"]["steps"][4]["state"] == "done"
    assert shell.json("verify")["findings"] == []


def test_ci_of_the_merge_counts_below_state_commits_and_a_later_commit_mends_it(rolling: Town) -> None:
    """A state commit is on top when the revert is noticed, and CI runs on no such commit."""
    shell, repo = rolling.shell, rolling.repository

    def ci(conclusion: str, commit: str) -> None:
        for number in range(6):
            shell.ok("local", "check", f"Live smoke ({number})", conclusion, "--commit", commit)

    def revalidate() -> str:
        shell.wait(minutes=6)
        rolling.product.cycle(shell.now)
        results = rolling.path / ".tau" / "results.json"
        shell.rollout("perform", "--output", results)
        rolling.reconcile(*([results] if results.exists() else []), rolling.observe())
        result: str = shell.json("status")["incident"]["steps"][5]["result"]
        return result

    shell.ok("local", "merge", str(shell.json("status")["pull_request"]), "--by", "Ada Reviewer")
    merge = repo.head("main")
    shell.ok("rollback", "--reason", "still bad", "--by", "Bob")
    rolling.reconcile()
    landed = shell.json("status")["incident"]["steps"][4]["links"][-1]
    assert landed != merge
    ci("failure", merge)
    assert f"ci_checks of {merge[:10]}: Live smoke (0) failure" in revalidate()
    fixed = repo.commit({"docs/fixed.md": "fixed\n"}, "Fix the smoke tests")
    assert f"ci_checks of {merge[:10]}: Live smoke (0) failure" in revalidate()
    ci("success", fixed)
    assert f"ci_checks of {fixed[:10]}: 6 green" in revalidate()
    assert shell.json("status")["outcome"] == "rolled_back"
    assert shell.json("verify")["findings"] == []


def test_asking_again_says_what_it_did_and_not_what_the_first_did(rolling: Town) -> None:
    again = ("rollback", "--reason", "more customers call", "--by", "Bob")
    joined = rolling.shell.ok(*again).out
    assert joined.startswith("joined incident ")
    assert "the reason is recorded (" in joined
    assert "frozen" not in joined
    assert rolling.shell.ok(*again).out.startswith("nothing to do: ")


def test_evidence_is_captured_where_it_is_copied(town: Town) -> None:
    town.start()
    town.shell.wait(minutes=1)
    town.shell.ok("rollback", "--reason", "customers call", "--by", "Ada")
    said = town.shell.ok("perform")
    assert "read and not copied" in said.err
    assert "for copies give --evidence-dir DIR" in said.err
    said = town.shell.ok("perform", "--output", town.path / ".tau" / "results.json")
    assert " captured" in said.err
    assert list((town.path / ".tau" / "evidence").rglob("*.json"))


def test_no_copies_are_made_where_the_contract_wants_none(town: Town) -> None:
    policy = town.path / "state" / "tau" / "contract.yaml"
    policy.write_text(policy.read_text().replace("  evidence:\n", "  evidence_copies: never\n  evidence:\n"))
    town.repository.git("commit", "-qam", "Keep no copies")
    town.start()
    town.shell.wait(minutes=1)
    town.shell.ok("rollback", "--reason", "customers call", "--by", "Ada")
    results = town.path / ".tau" / "results.json"
    said = town.shell.ok("perform", "--output", results, "--evidence-dir", town.path / ".tau" / "kept")
    assert "evidence was read and not copied; rollback.evidence_copies is never" in said.err
    assert '"sha256"' in results.read_text()
    assert not (town.path / ".tau" / "kept").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("rollback", "--reason", " "), 2, "error: --reason is empty"),
        (("rollback", "--reason", "x", "--target", "v9.9.9"), 2, "error: --target v9.9.9: no such release"),
        (("rollback", "--reason", "x", "--target", "latest"), 2, "error: --target latest: not a semantic"),
        (("rollback", "--cancel", "--target", "v0.1.4", "--reason", "x"), 2, "error: --cancel and --target"),
        (("rollback", "--reverted", "1" * 40, "--cancel", "--reason", "x"), 2, "error: --cancel and --rev"),
        (("rollback", "--reverted", "1" * 40, "--reason", "x"), 2, f"error: --reverted {'1' * 40}: no such"),
        (("rollback", "--cancel", "--reason", "x"), 3, "error: incident "),
        (("unfreeze", "--reason", "x"), 3, "error: tau is frozen by incident"),
        (("reopen", "--reason", "x"), 3, "error: tau is rolling back"),
        (
            ("quarantine", "lift", "1234567", "--reason", "x"),
            2,
            "error: 1234567: no such commit in quarantine",
        ),
    ],
)
def test_what_is_refused_changes_nothing(
    rolling: Town, arguments: tuple[str, ...], code: int, line: str
) -> None:
    head = rolling.repository.head()
    said = rolling.shell.rollout(*arguments)
    assert said.code == code
    assert said.err.startswith(line)
    assert len(said.err.splitlines()) == 2
    assert rolling.repository.head() == head


def test_an_idle_train_has_nothing_to_roll_back(town: Town) -> None:
    said = town.shell.rollout("rollback", "--reason", "x")
    assert (said.code, said.err.splitlines()[0]) == (3, "error: tau is idle: there is nothing to roll back")
