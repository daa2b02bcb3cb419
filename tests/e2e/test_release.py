"""A whole release by the command line alone, on real git: to complete, and once more into a freeze."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.shell import Town, build

DECISION = {"train", "release", "phase", "decision", "reasons", "gates", "triggers", "effects"}
GATE = {"gate", "result", "surface", "seen", "wanted"}
TRIGGER = {"trigger", "fired", "surface"}
STATUS = {"train", "release", "phase", "canary_percent", "outcome", "frozen", "soak", "surfaces"}
RESULTS = {"satisfied", "unsatisfied", "unknown", "not_applicable"}


def check_decision(said: Any) -> None:
    """Has the keys that scripts rely on."""
    assert set(said) >= DECISION
    assert said["gates"]
    assert all(set(gate) >= GATE and gate["result"] in RESULTS for gate in said["gates"])
    assert said["triggers"]
    assert all(set(trigger) >= TRIGGER and isinstance(trigger["fired"], bool) for trigger in said["triggers"])
    assert all("kind" in effect for effect in said["effects"])


def check_status(said: Any) -> None:
    """Has the keys that scripts rely on."""
    assert set(said) >= STATUS
    assert set(said["release"]) == {"version", "commit"}
    assert said["frozen"] is None or set(said["frozen"]) >= {"reason", "at"}
    assert set(said["soak"]) >= {"required_seconds", "earned_seconds"}
    assert len(said["surfaces"]) == 5


def test_a_release_from_start_to_complete(town: Town) -> None:
    shell = town.shell
    commit = town.start("v0.1.5")

    # preflight: the harness has run, CI is green, and that is all it asks for
    said = town.tick(minutes=5)
    check_decision(said)
    check_decision(shell.json("evaluate"))
    assert (said["train"], said["release"], said["phase"]) == ("tau", "v0.1.5", "preflight")
    assert (said["decision"], said["to"]) == ("promote", "canary-1")
    assert {"open_pull_request", "commit", "set_status", "update_issue"} == {
        effect["kind"] for effect in said["effects"]
    }
    (pull,) = shell.json("local", "prs")
    assert pull == {
        "number": 1,
        "kind": "promotion",
        "title": "rollout(tau): promote v0.1.5 preflight -> canary-1",
        "head": "rollout/tau/v0.1.5/canary-1",
        "base": "main",
        "state": "open",
    }
    assert " gates of preflight hold" in shell.json("local", "show", "1")["body"]
    changed = town.repository.git("diff", "--unified=0", "main...rollout/tau/v0.1.5/canary-1")
    lines = [line for line in changed.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")]
    assert lines == ["-phase: preflight", "-canary_percent: 0", "+phase: canary-1", "+canary_percent: 5"]

    # nothing moves until a person merges
    assert town.reconcile()["effects"] == []
    status = shell.json("status")
    check_status(status)
    assert (status["phase"], status["outcome"], status["pull_request"]) == ("preflight", "in_progress", 1)
    entered = town.merge()
    assert (entered["phase"], entered["decision"]) == ("canary-1", "hold")

    # a canary soaks
    said = town.tick()
    assert said["reasons"] == ["soak: 0s of 30m"]
    assert shell.rollout("evaluate", "--exit-code").code == 10
    said = town.tick()
    assert (said["decision"], said["to"]) == ("promote", "canary-2")
    assert shell.rollout("evaluate", "--exit-code").code == 11
    town.merge()

    # the checklist is what 100 % waits for
    town.advance_to("canary-3")
    checklist = shell.json("signoff", "check")
    assert checklist["complete"] is False
    assert all(set(item) >= {"id", "section", "before", "state"} for item in checklist["items"])
    states = {item["id"]: item["state"] for item in checklist["items"]}
    assert (states["canary-1-soaked"], states["rollback-rehearsed"]) == ("signed", "missing")
    town.advance_to("general-availability")

    # a day at 100 %, and the last signature
    while (said := town.tick(minutes=120))["reasons"][0].startswith("soak"):
        assert said["decision"] == "hold"
    assert "final-approval" in said["reasons"][0]
    shell.ok("signoff", "record", "final-approval", "docs/review.md", "--by", "Grace Approver")
    said = town.reconcile()
    assert said["decision"] == "complete"

    status = shell.json("status")
    check_status(status)
    assert (status["outcome"], status["release"]) == ("complete", {"version": "v0.1.5", "commit": commit})
    channel = shell.json("channel", "show")
    assert (channel["current_version"], channel["rollback_version"]) == ("v0.1.5", "v0.1.4")
    history = shell.json("history")
    assert all(set(entry) >= {"commit", "at", "event", "release", "phase", "subject"} for entry in history)
    assert [entry["event"] for entry in history].count("promote") == 4
    assert shell.json("verify") == {"commits": len(history), "findings": []}
    assert town.reconcile()["effects"] == []
    assert town.repository.status() == []

    # an edit afterwards is undone, and nothing is frozen by it
    rollout = (town.path / "state/tau/rollout.yaml").read_text()
    town.repository.commit(
        {"state/tau/rollout.yaml": rollout.replace("general-availability", "canary-1")}, "Go back"
    )
    undone = shell.rollout("reconcile")
    assert (undone.code, undone.err.splitlines()[-2:]) == (
        3,
        [
            "error: tau: change of rollout.yaml undone: rollout.yaml changed while the rollout is complete",
            "hint: nothing; the next release: rollout start VERSION",
        ],
    )
    assert (town.path / "state/tau/rollout.yaml").read_text() == rollout


def test_a_release_that_degrades_is_frozen_and_its_pull_request_closed(town: Town) -> None:
    shell = town.shell
    town.start("v0.1.5")
    town.advance_to("canary-1")
    town.tick()
    assert town.tick()["decision"] == "promote"
    said = town.tick(minutes=10, failing=frozenset({"memory"}))
    assert (said["decision"], said["reasons"][0]) == (
        "hold",
        "health_state (memory): degraded, wanted healthy",
    )
    refused = shell.rollout("local", "merge", "2")
    assert (refused.code, "must not be merged" in refused.err) == (3, True)

    said = town.tick(minutes=10, failing=frozenset({"memory"}))
    check_decision(said)
    assert said["decision"] == "rollback"
    assert [t["trigger"] for t in said["triggers"] if t["fired"]] == ["health-regression"]
    assert "close_pull_request" in {effect["kind"] for effect in said["effects"]}
    assert [pull["state"] for pull in shell.json("local", "prs")] == ["merged", "closed"]

    status = shell.json("status")
    check_status(status)
    assert (status["outcome"], status["phase"], status["canary_percent"]) == ("rolling_back", "canary-1", 0)
    assert shell.rollout("unfreeze", "--reason", "it will be fine").code == 3
    assert shell.rollout("start", "--version", "v0.1.6", "--commit", town.repository.head()).code == 3
    assert shell.rollout("channel", "set", "beta").code == 3
    assert shell.ok("verify").err == ""


def test_a_merge_that_was_not_legal_is_undone_and_exits_3(town: Town) -> None:
    town.start("v0.1.5")
    said = town.tick(minutes=5)
    assert said["decision"] == "promote"
    town.shell.ok("local", "check", "Live smoke gate", "failure")
    town.shell.ok("local", "merge", "1", "--admin", "--by", "Ada Reviewer")
    said = town.shell.rollout("reconcile", "--json")
    assert (said.code, said.json["phase"]) == (3, "preflight")
    assert said.err.startswith("error: illegal step undone, tau is frozen in preflight: ")
    assert "preflight -> canary-1 while ci_checks: Live smoke gate failure" in said.err
    assert "hint: " in said.err
    status = town.shell.json("status")
    assert (status["phase"], status["canary_percent"]) == ("preflight", 0)
    assert status["frozen"]["reason"].startswith("illegal step: ")


def test_a_green_merge_of_the_morning_after_waits_for_a_reading(town: Town) -> None:
    shell = town.shell
    town.start("v0.1.5")
    assert town.tick(minutes=5)["decision"] == "promote"
    body = shell.json("local", "show", "1")["body"]
    assert "The verdict holds while observations arrive, at most 30m apart" in body
    shell.wait(hours=10)
    shell.ok("local", "merge", "1", "--by", "Ada Reviewer")

    # not even seen yet, then seen: what was entered stays what is shown
    status = shell.json("status")
    assert (status["phase"], status["merged_step"]["phase"]) == ("preflight", "canary-1")
    said = town.reconcile()
    assert [effect["event"] for effect in said["effects"]] == ["wait"]
    assert (said["phase"], said["decision"]) == ("preflight", "hold")
    assert said["reasons"][0] == "canary-1 is merged and waits for a reading until 2026-11-23T19:40:00Z"
    status = shell.json("status")
    check_status(status)
    assert (status["phase"], status["canary_percent"], status["frozen"]) == ("preflight", 0, None)
    assert status["merged_step"] == {
        "phase": "canary-1",
        "canary_percent": 5,
        "merged_at": "2026-11-23T19:10:00Z",
        "waits_for": "a reading",
        "until": "2026-11-23T19:40:00Z",
    }
    assert shell.rollout("evaluate", "--exit-code").code == 10
    assert "merged: canary-1 at 5 %, not entered yet" in shell.ok("status").out
    assert town.reconcile()["effects"] == []

    said = town.tick(minutes=10)
    assert (said["phase"], said["effects"][0]["event"]) == ("canary-1", "enter")
    assert shell.json("status")["merged_step"] is None
    shell.ok("verify")


def test_without_a_reading_such_a_merge_goes_back_and_is_proposed_again(town: Town) -> None:
    shell = town.shell
    town.start("v0.1.5")
    town.tick(minutes=5)
    shell.wait(hours=10)
    shell.ok("local", "merge", "1", "--by", "Ada Reviewer")
    town.reconcile()
    shell.wait(minutes=31)
    said = town.reconcile()
    assert [effect["event"] for effect in said["effects"] if "event" in effect] == ["undo-step"]
    status = shell.json("status")
    assert (status["phase"], status["frozen"], status["merged_step"]) == ("preflight", None, None)
    assert town.tick(minutes=10)["decision"] == "promote"
    assert [pull["state"] for pull in shell.json("local", "prs")] == ["merged", "open"]
    town.merge()
    assert shell.json("status")["phase"] == "canary-1"
    shell.ok("verify")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"README.md": "By the way\n"}, "it also changes README.md"),
        ({"state/tau/note.yaml": "schema: 1\n"}, "it also changes state/tau/note.yaml"),
        ({"phase": "canary-2", "percent": "25"}, "its rollout.yaml says canary-2 at 25 %"),
    ],
)
def test_a_promotion_that_somebody_has_added_to_is_not_merged(
    town: Town, files: dict[str, str], says: str
) -> None:
    town.start("v0.1.5")
    assert town.tick(minutes=5)["decision"] == "promote"
    shell, git, branch = town.shell, town.repository.git, "rollout/tau/v0.1.5/canary-1"
    if "phase" in files:
        text = git("show", f"{branch}:state/tau/rollout.yaml") + "\n"
        text = text.replace("phase: canary-1", f"phase: {files['phase']}")
        files = {"state/tau/rollout.yaml": text.replace("_percent: 5", f"_percent: {files['percent']}")}
    git("checkout", "--quiet", branch)
    added = town.repository.commit(files, "Add to it")
    git("checkout", "--quiet", "main")

    # before reconcile has looked nobody vouches for it, and after it, it is red
    assert shell.rollout("local", "merge", "1").code == 3
    (report,) = town.reconcile()["effects"]
    assert (report["commit"], report["state"], report["description"]) == (
        added,
        "failure",
        f"not as proposed: {says}",
    )
    assert town.reconcile()["effects"] == []
    refused = shell.rollout("local", "merge", "1")
    assert (refused.code, says in refused.err) == (3, True)

    # so is the required check, for the commit that the merge would make
    git("checkout", "--quiet", "--detach", "main")
    git("merge", "--quiet", "--no-ff", "-m", "Merge", branch)
    merge = git("rev-parse", "HEAD")
    git("checkout", "--quiet", "main")
    said = shell.rollout("check", "--merge", merge)
    assert (said.code, said.err.startswith("error: tau: ")) == (3, True)

    # taken out again, it is what was proposed
    git("checkout", "--quiet", branch)
    git("revert", "--no-edit", added)
    git("checkout", "--quiet", "main")
    (report,) = town.reconcile()["effects"]
    assert report["state"] == "success"
    shell.ok("local", "merge", "1")


def test_dry_run_says_what_it_would_do_and_does_nothing(town: Town) -> None:
    town.start("v0.1.5")
    town.shell.wait(minutes=5)
    town.product.cycle(town.shell.now)
    observation = town.observe()
    refs = town.repository.git("show-ref")
    records = (town.path / ".git" / "rollout" / "forge.json").read_bytes()
    said = town.shell.json("reconcile", "--observation", str(observation), "--dry-run")
    assert said["dry_run"] is True
    assert {effect["kind"] for effect in said["effects"]} >= {"commit", "open_pull_request"}
    assert town.repository.git("show-ref") == refs
    assert (town.path / ".git" / "rollout" / "forge.json").read_bytes() == records
    assert town.repository.status() == []


def test_the_same_evidence_again_changes_nothing(town: Town) -> None:
    town.start("v0.1.5")
    town.shell.wait(minutes=5)
    town.product.cycle(town.shell.now)
    observation = town.observe()
    town.reconcile(observation)
    head = town.repository.head()
    said = town.shell.ok("reconcile", "--observation", observation, "--json")
    assert said.json["effects"] == []
    assert said.err == (
        "note: observation of 2026-11-23T09:10:00Z ignored: not newer than the last observation\n"
    )
    assert town.repository.head() == head


def test_what_is_collected_in_parts_is_one_observation(town: Town) -> None:
    town.start("v0.1.5")
    town.shell.wait(minutes=5)
    town.product.cycle(town.shell.now)
    parts = []
    for surface in ("voice", "browser-automation", "dashboard", "custom-command", "memory"):
        file = town.path / ".tau" / f"{surface}.json"
        town.shell.ok("collect", "--surface", surface, "--round", "r1", "--output", file)
        parts.append(file)
    assert town.reconcile(*parts)["decision"] == "promote"


def test_equal_inputs_give_equal_commits(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = build(tmp_path / "elsewhere" / "product", capsys)
    for each in (town, other):
        each.start("v0.1.5")
        each.advance_to("canary-1")
        each.tick()
    assert town.repository.git("log", "--all", "--format=%H %s") == other.repository.git(
        "log", "--all", "--format=%H %s"
    )
    records = [(each.path / ".git" / "rollout" / "forge.json").read_bytes() for each in (town, other)]
    assert records[0] == records[1]


def test_status_for_a_person_fits_the_terminal_and_names_what_to_do(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    town.start("v0.1.5")
    town.tick(minutes=5)
    text = town.shell.ok("status").out
    assert max(map(len, text.splitlines())) <= 80
    assert "merge pull request #1 to go to canary-1" in text
    assert "\x1b" not in text
    history = town.shell.ok("history").out.splitlines()
    assert "by Rollout Tests: Add the product" in history[-1]
    assert history[0].endswith("sign-off of v0.1.5: unified-harness")


def test_other_work_on_the_branch_is_no_decision(town: Town) -> None:
    town.start("v0.1.5")
    town.repository.commit({"README": "news\n"})
    said = town.tick(minutes=5)
    assert said["decision"] == "promote"
    town.merge()
    assert town.shell.json("verify")["findings"] == []
    subprocess.run(["git", "fsck", "--strict"], cwd=town.path, check=True, capture_output=True)
