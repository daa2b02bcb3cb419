"""What people read of an incident: its issue, the revert's pull request, the steps in a terminal."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.adapters.resources import templates_dir
from rollout.core.contract import RollbackStep
from rollout.core.evidence_index import CaptureState, EvidenceEntry
from rollout.core.rollback.validation import NOT_CHECKED
from rollout.core.state import (
    Act,
    Addition,
    Incident,
    IncidentEnd,
    Outcome,
    Quarantine,
    QuarantinedRelease,
    ReleaseCommit,
    ReleaseRange,
    Revert,
    RollbackJoin,
    StepState,
    TrainState,
)
from rollout.rendering.incident import incident_body, incident_title, revert_body, revert_message
from rollout.rendering.quarantine import quarantine_document, quarantine_view
from rollout.rendering.rollback import next_steps, step_lines
from tests import builders as build
from tests.rendering.github import as_html
from tests.rendering.goldens import check_golden

HOSTILE = "@everyone closes #1 | `x` <!-- --> [skip ci]\n::error::"


def with_steps(**states: tuple[StepState, str]) -> Incident:
    """The incident with these steps as they are said to be, the others as before."""
    incident = build.incident()
    steps = []
    for step in incident.steps:
        state, result = states.get(step.step.value, (step.state, step.result))
        begun: dict[str, Any] = {"state": state, "result": result}
        if state is not StepState.PENDING:
            begun |= {"attempts": 1, "started_at": build.NOW}
        if state.is_over:
            begun["finished_at"] = build.NOW + timedelta(minutes=5)
        elif state is StepState.RUNNING:
            begun["started_at"] = build.NOW + timedelta(minutes=6)
        steps.append(step.model_copy(update=begun))
    return incident.model_copy(update={"steps": tuple(steps)})


def state(incident: Incident, outcome: Outcome = Outcome.ROLLING_BACK) -> TrainState:
    rollout = build.frozen_rollout().model_copy(update={"outcome": outcome})
    return replace(build.train(rollout, build.status()), incident=incident)


DONE = (StepState.DONE, "done")
UP_TO_THE_REVERT = {
    "capture_evidence": (StepState.DONE, "7 captured"),
    "inspect_target": DONE,
    "apply_metadata": DONE,
}
REVERTING = with_steps(
    **UP_TO_THE_REVERT, revert=(StepState.RUNNING, "the pull request is open, to be merged")
)


def body(incident: Incident, pull_request: str = "", outcome: Outcome = Outcome.ROLLING_BACK) -> str:
    template = (templates_dir() / "incident.md.j2").read_text(encoding="utf-8")
    return incident_body(template, state(incident, outcome), pull_request)


def test_the_issue_of_a_rollback_that_waits_for_a_merge() -> None:
    incident = REVERTING.model_copy(
        update={
            "evidence": (
                EvidenceEntry(
                    path="report.json", state=CaptureState.TAKEN, at=build.NOW, bytes=581, sha256="a" * 64
                ),
                EvidenceEntry(path="logs/**", state=CaptureState.MISSING, at=build.NOW),
                EvidenceEntry(
                    path="id_rsa", state=CaptureState.REFUSED, at=build.NOW, why="looks like a secret"
                ),
            ),
            "joined": (RollbackJoin(at=build.NOW, by="ada", reason="customers call"),),
            "gates": build.status().gates,
        }
    )
    branch = f"rollout-revert/{incident.train}/{incident.id}"
    steps = tuple(
        step.model_copy(update={"links": (branch,)}) if step.step is RollbackStep.REVERT else step
        for step in incident.steps
    )
    check_golden("incident.md", body(incident.model_copy(update={"steps": steps}), "#7"))


def test_times_of_another_day_have_their_date_and_what_failed_stands_out() -> None:
    landed = REVERTING.step(RollbackStep.REVERT).model_copy(
        update={
            "state": StepState.DONE,
            "finished_at": build.NOW + timedelta(days=1),
            "links": ("rollout-revert/tau/x", "c" * 40),
        }
    )
    failed = REVERTING.steps[1].model_copy(update={"state": StepState.FAILED, "attempts": 3})
    incident = REVERTING.model_copy(
        update={"steps": (REVERTING.steps[0], failed, *REVERTING.steps[2:4], landed, REVERTING.steps[5])}
    )
    rows = body(incident).splitlines()
    assert "| 14:05 | !&nbsp;2 capture evidence | **failed**: 7 captured (attempt 3) |" in rows
    assert "| 11-24 14:00 | ✓&nbsp;5 revert | the pull request is open, to be merged (cccccccccc) |" in rows


@pytest.mark.parametrize(
    ("incident", "first"),
    [
        (with_steps(), "take the next step: rollout reconcile"),
        (with_steps(capture_evidence=(StepState.RUNNING, "")), "on the product's machine: rollout tick"),
        (
            with_steps(capture_evidence=DONE, inspect_target=(StepState.BLOCKED, "no target")),
            "decide where to go back to: no target",
        ),
        (REVERTING, "merge pull request #7, which reverts v0.1.5"),
        (
            with_steps(**UP_TO_THE_REVERT, revert=(StepState.BLOCKED, "the revert conflicts in x")),
            "the revert conflicts in x",
        ),
        (
            with_steps(**UP_TO_THE_REVERT, revert=DONE, revalidate=(StepState.BLOCKED, "red")),
            "fix main; the next harness run and its newest commit with checks are judged again",
        ),
        (
            with_steps(**UP_TO_THE_REVERT, revert=DONE, revalidate=(StepState.RUNNING, "waits")),
            "wait for the validation (waits)",
        ),
        (
            with_steps(**UP_TO_THE_REVERT, revert=DONE, revalidate=(StepState.RUNNING, NOT_CHECKED)),
            "have CI run on a commit of main that has the revert",
        ),
    ],
)
def test_what_has_to_be_done_comes_first(incident: Incident, first: str) -> None:
    assert next_steps(state(incident), "pull request #7")[0].startswith(first)
    shown = body(incident, "#7").split("### To do\n\n- ")[1].splitlines()[0]
    assert shown.replace("`", "")[1:].startswith(first[1:])


def test_what_the_rollback_went_on_without_is_left_to_people() -> None:
    incident = with_steps(capture_evidence=(StepState.FAILED, "nothing was captured"))
    told = next_steps(state(incident), "")
    assert told[1] == ("do by hand what the rollback went on without: capture evidence: nothing was captured")
    assert told[-1].startswith("if it is a false alarm: ")


def test_where_nobody_copied_the_files_the_incident_says_so() -> None:
    template = (templates_dir() / "incident.md.j2").read_text(encoding="utf-8")
    taken = EvidenceEntry(path="a.json", state=CaptureState.TAKEN, at=build.NOW, bytes=1, sha256="a" * 64)
    incident = with_steps(capture_evidence=(StepState.DONE, "1 read and not copied"))
    shown = incident_body(template, state(incident.model_copy(update={"evidence": (taken,)})))
    assert "The files were read and not copied: only these digests are kept." in shown
    assert "rollout-incident-RUNNER" not in shown


def test_where_no_copies_are_kept_the_incident_says_so() -> None:
    template = (templates_dir() / "incident.md.j2").read_text(encoding="utf-8")
    taken = EvidenceEntry(path="a.json", state=CaptureState.TAKEN, at=build.NOW, bytes=1, sha256="a" * 64)
    there = state(REVERTING.model_copy(update={"evidence": (taken,)}))
    policy = there.contract.rollback.model_copy(update={"evidence_copies": "never"})
    shown = incident_body(
        template, replace(there, contract=there.contract.model_copy(update={"rollback": policy}))
    )
    assert "The contract has no copies made: `rollback.evidence_copies` is `never`." in shown
    assert "rollout-incident-RUNNER" not in shown


def test_an_incident_that_nobody_recorded_is_said_so() -> None:
    assert next_steps(replace(state(build.incident()), incident=None), "")[0].endswith("rollout verify")


def test_a_revert_whose_number_is_not_known_is_named_by_its_branch() -> None:
    branch = f"rollout-revert/{REVERTING.train}/{REVERTING.id}"
    assert next_steps(state(REVERTING), "")[0] == f"merge the pull request of {branch}, which reverts v0.1.5"
    gone = with_steps(**UP_TO_THE_REVERT, revert=(StepState.RUNNING, "the pull request is merged; wait"))
    assert next_steps(state(gone), "")[0] == (
        "go on with the revert: rollout reconcile (the pull request is merged; wait)"
    )


@pytest.mark.parametrize(("how", "title"), [("rolled_back", "rolled back"), ("cancelled", "cancelled")])
def test_an_incident_that_ended_says_how(how: Any, title: str) -> None:
    ended = IncidentEnd(how=how, at=build.NOW, by="ada", reason="it was the probe")
    incident = REVERTING.model_copy(update={"ended": ended})
    assert title in incident_title(incident)
    told = body(incident, outcome=Outcome.ROLLED_BACK)
    assert "it was the probe" in told
    assert not any("merge" in step for step in next_steps(state(incident), ""))


def test_a_title_fits_a_list_on_a_phone() -> None:
    long = REVERTING.model_copy(update={"release": "v10.20.30-rc.4+build.20261123", "phase": "x" * 60})
    assert len(incident_title(long)) == 60
    assert incident_title(REVERTING) == "tau: rolling back v0.1.5 from canary-2"


def test_what_people_and_products_write_stays_text() -> None:
    incident = REVERTING.model_copy(
        update={
            "reason": HOSTILE[:40],
            "started_by": HOSTILE,
            "triggers": (),
            "joined": (RollbackJoin(at=build.NOW, by=HOSTILE, reason=HOSTILE),),
            "evidence": (EvidenceEntry(path=HOSTILE, state=CaptureState.REFUSED, at=build.NOW, why=HOSTILE),),
        }
    )
    hostile = state(incident)
    assert hostile.status is not None
    told = ReleaseRange(commits=(ReleaseCommit(commit="1" * 40, subject=HOSTILE),), total=1)
    hostile = replace(hostile, status=hostile.status.model_copy(update={"release_range": told}))
    for shown in (body(incident), revert_body(hostile)):
        html = as_html(shown, commits={})
        assert "<img" not in html
        assert re.findall(r'<a class="(\w+)', html) == []
    message = revert_message(state(incident))
    assert "@everyone" not in message.body
    assert "[skip ci]" not in message.subject + message.body


def test_the_revert_names_its_commits_and_its_incident() -> None:
    revert = Revert(branch="rollout-revert/tau/x", commits=("c" * 40,))
    incident = REVERTING.model_copy(update={"revert": revert})
    before = state(incident)
    assert before.status is not None
    before = replace(before, status=before.status.model_copy(update={"release_range": None}))
    assert f"- {'c' * 10}" in revert_body(before).splitlines(), "started before ranges were recorded"
    assert revert_message(state(incident)).subject == "Revert v0.1.5 of tau"
    assert incident.id in revert_message(state(incident)).body


def test_the_revert_lists_the_releases_commits() -> None:
    check_golden("revert.md", revert_body(state(REVERTING), "https://github.com/acme/tau"))
    told = revert_body(state(REVERTING))
    assert "`git log -p 2222222222..1111111111`" in told, "no page on the local forge"
    assert "- 1111111111 Retry a failed upload once" in revert_message(state(REVERTING)).body


def test_steps_in_a_terminal() -> None:
    lines = step_lines(REVERTING, build.NOW)
    assert lines[0].startswith("  ✓ 1 freeze")
    assert lines[4].endswith("14:06 UTC  the pull request is open, to be merged")
    assert lines[5].endswith("pending")
    again = REVERTING.model_copy(
        update={"steps": (*REVERTING.steps[:4], REVERTING.steps[4].model_copy(update={"attempts": 2}))}
    )
    assert "attempt 2: " in step_lines(again, build.NOW)[4]
    assert again.step(RollbackStep.REVERT).attempts == 2


def test_the_quarantine() -> None:
    bad = QuarantinedRelease(commit="1" * 40, version="0.1.5", incident="x", at=build.NOW)
    lift = Act(by="ada", at=build.NOW, reason="it was the probe")
    both = Quarantine(train="tau", releases=(bad, bad.model_copy(update={"lifted": lift})))
    first, second = quarantine_view(both, columns=100).splitlines()
    assert first == "v0.1.5 1111111111 since 2026-11-23 14:00 UTC, incident x"
    assert second.endswith("lifted by ada: it was the probe")
    added = Addition(by="ada", reason="it loses data")
    by_hand = QuarantinedRelease(commit="2" * 40, added=added, at=build.NOW)
    assert quarantine_view(Quarantine(train="tau", releases=(by_hand,)), columns=100) == (
        "no version 2222222222 since 2026-11-23 14:00 UTC, by ada: it loses data"
    )
    assert [entry["lifted"] is None for entry in quarantine_document(both)] == [True, False]
    assert quarantine_view(None, columns=100) == "nothing is in quarantine"
