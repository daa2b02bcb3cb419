from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from pydantic import TypeAdapter

from rollout.core.channel import guards
from rollout.core.contract import RollbackStep
from rollout.core.effects import CloseIssue, OpenIssue, OpenPullRequest, PushRevert, UpdateIssue
from rollout.core.issue import IssueState
from rollout.core.rollback import leaving, quarantine, watching
from rollout.core.rollback.effects import LABEL, plan_issue, plan_revert
from rollout.core.rollback.opening import block_signoff, incident_id
from rollout.core.rollback.readiness import why_person_needed
from rollout.core.rollback.revert_step import has_to_act, standing, waits_for_merge
from rollout.core.rollback.target import why_unusable
from rollout.core.state import (
    Act,
    ChannelName,
    Ending,
    Incident,
    IncidentStep,
    Outcome,
    Proposal,
    Release,
    Revert,
    RevertFact,
    RevertOutcome,
    RollbackTarget,
    Signature,
    Signoff,
    StepState,
    Work,
)
from rollout.core.values import Name
from tests.core.world import CHECKOUTS, REVERTS, START, World, checks, contract_of, run
from tests.fakes.issues import shown_issue


def rolled_back() -> World:
    world = World().reach("canary-2").soak(600).wait(minutes=10)
    return world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})


def test_the_incident_says_what_stood_where() -> None:
    world = rolled_back()
    incident = world.incident
    assert incident is not None
    assert (incident.release, incident.phase, incident.canary_percent) == ("v0.1.5", "canary-2", 25)
    assert (incident.started_at, incident.started_by) == (world.now, "reconcile")
    assert [finding.trigger for finding in incident.triggers] == ["failure-streak-breach"]
    assert incident.gates == world.status.gates
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.incident == incident.id


def test_only_the_freeze_is_done() -> None:
    incident = rolled_back().incident
    assert incident is not None
    at = incident.started_at
    assert incident.steps[0] == IncidentStep(
        step=RollbackStep.FREEZE,
        state=StepState.DONE,
        attempts=1,
        started_at=at,
        finished_at=at,
        result="promotion stopped",
    )
    assert [step.step for step in incident.steps] == list(RollbackStep)
    assert [step.state for step in incident.steps[1:]] == [StepState.RUNNING, *[StepState.PENDING] * 4]


def test_one_commit_holds_freeze_incident_and_what_was_seen() -> None:
    world = rolled_back()
    last = world.steps[-1]
    assert (last.event, last.consumed) == ("rollback", True)
    assert isinstance(last.change.incident, Incident)
    assert last.change.rollout == world.rollout == world.status.legal
    assert last.change.status is not None
    assert last.change.status.observation is not None
    assert last.change.signoff is not None
    assert last.change.signoff.blocked == last.change.incident.id


def test_the_id_is_made_of_time_and_version() -> None:
    assert incident_id("v0.1.5", START) == "20261123t100000z-v0.1.5"


def test_the_id_is_in_utc() -> None:
    assert incident_id("v1", START.astimezone(timezone(timedelta(hours=5)))) == "20261123t100000z-v1"


@pytest.mark.parametrize("version", ["V1.0.0-RC.1+Build/5", "v" + "1" * 127, "ä", "../../x", "a b\n"])
def test_the_id_is_a_name_whatever_the_version(version: str) -> None:
    made = incident_id(version, START)
    assert TypeAdapter(Name).validate_python(made) == made
    assert "/" not in made


@pytest.mark.parametrize(
    ("version", "ends"),
    [
        ("v1.0.0-x.lock", "-v1.0.0-x-lock"),
        ("v1.0.0-X.LOCK", "-v1.0.0-x-lock"),
        (f"1.0.0-{'a' * 35}.locker", "a-lock"),
        (f"1.0.0-{'a' * 39}.b", "a-"),
        ("v1.0.0-lock", "-v1.0.0-lock"),
    ],
)
def test_a_branch_may_end_in_the_id(version: str, ends: str) -> None:
    assert incident_id(version, START).endswith(ends)


def test_work_is_asked_for_anew_where_an_older_incident_stands_in() -> None:
    """The status has gone on, so no request of it is left: this was an assertion that stopped every run."""
    world, kind = rolled_back(), Work.CAPTURE_EVIDENCE
    older = world.state.incident
    assert kind in {request.work for request in world.status.requests}
    world.wait(minutes=1).perform()
    assert kind not in {request.work for request in world.status.requests}
    world.state = replace(world.state, incident=older)
    world.wait(minutes=1).offer()
    (asked,) = [request for request in world.status.requests if request.work is kind]
    assert (asked.requested_at, asked.result) == (world.now, None)
    world.wait(minutes=1).perform()
    assert kind not in {request.work for request in world.status.requests}
    assert world.not_recomputed == []


def test_what_was_signed_is_withdrawn() -> None:
    checklist = rolled_back().state.signoff
    assert checklist is not None
    ended = {signed.ended.how if signed.ended else None for signed in live_or_not(checklist)}
    assert ended == {Ending.WITHDRAWN}


def live_or_not(checklist: Signoff) -> list[Signature]:
    return [signature for signed in checklist.items.values() for signature in signed.signatures]


def test_a_train_without_a_checklist_has_none_to_block() -> None:
    world = World().reach("canary-1")
    world.checks = checks(gate="failure")
    world.offer()
    assert world.incident is not None
    assert block_signoff(None, world.incident) is None
    assert world.state.signoff is not None
    assert world.state.signoff.blocked == world.incident.id


def test_a_trigger_of_no_surface_is_named_alone() -> None:
    world = World().reach("canary-1")
    world.run = run(START + timedelta(minutes=2), status="failed", passed=4, failed=1)
    world.wait(minutes=10).observe()
    assert world.rollout.frozen is not None
    assert world.rollout.frozen.reason == "validation-gate-failure: harness total=5 passed=4 failed=1"


# --- the quarantine ---------------------------------------------------------------------------------------

BAD = Release(version="v0.1.5", commit="1" * 40, base="2" * 40, started_at=START)


def test_a_release_is_quarantined_by_version_or_commit_until_it_is_lifted() -> None:
    held = quarantine.put(None, "tau", BAD, "incident", START)
    assert quarantine.find(held, "0.1.5") == quarantine.find(held, "v9.9.9", BAD.commit) == held.releases[0]
    assert quarantine.find(held, "v0.1.6", "3" * 40) is None
    free = quarantine.lifted(held, BAD.commit, Act(by="ada", at=START, reason="fixed"))
    assert (guards.standing(free), quarantine.find(free, "v0.1.5")) == ((), None)
    assert quarantine.lifted(free, BAD.commit, Act(by="bob", at=START, reason="again")) == free


def test_the_file_keeps_every_release_that_was_ever_bad() -> None:
    held = quarantine.put(None, "tau", BAD, "one", START)
    held = quarantine.put(held, "tau", BAD, "two", START)
    assert [release.incident for release in held.releases] == ["one", "two"]
    assert quarantine.as_release(held.releases[0]) == BAD


def test_nobody_goes_back_to_what_is_quarantined() -> None:
    target = RollbackTarget(version="0.1.4", channel=ChannelName.STABLE, reference_unix_ms=0)
    held = quarantine.put(None, "tau", BAD, "other", START)
    held = quarantine.put(held, "tau", BAD.model_copy(update={"version": "v0.1.4"}), "one", START)
    assert why_unusable(target, "v0.1.5", None) == ""
    assert why_unusable(target, "v0.1.5", held).endswith("0.1.4 is in quarantine since incident one")


# --- before it is needed ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        ("clean", ""),
        ("gone", ""),
        ("conflict", "the revert conflicts in src/main.rs"),
        ("missing", "the revert cannot be worked out: not on main"),
        (
            "workflows",
            "the revert changes .github/workflows/ci.yml, which only a token with workflows: write may push",
        ),
        ("unreachable", ""),
    ],
)
def test_a_rollback_that_would_need_a_person_is_known_before(shown: str, why: str) -> None:
    world = World().reach("canary-1")
    world.revert = REVERTS[shown]
    assert why_person_needed(world.wait(minutes=10).observe().state) == why


@pytest.mark.parametrize(
    ("step", "shown", "acts"),
    [
        (StepState.RUNNING, "clean", True),
        (StepState.BLOCKED, "refused", True),
        (StepState.PENDING, "clean", False),
        (StepState.RUNNING, "unreachable", False),
        (StepState.RUNNING, "conflict", False),
        (StepState.RUNNING, "workflows", True),
        (StepState.RUNNING, "proposed", False),
        (StepState.BLOCKED, "closed", False),
        (StepState.RUNNING, "gone", False),
    ],
)
def test_it_acts_once_begun_and_only_where_nobody_has(step: StepState, shown: str, acts: bool) -> None:
    assert has_to_act(step, REVERTS[shown], Revert(branch="rollout-revert/tau/x")) is acts


def test_a_large_release_is_counted_whole() -> None:
    fact = RevertFact(outcome=RevertOutcome.CLEAN, commits=("1" * 40,) * 20, total=37)
    _, result = standing(fact, Revert(branch="rollout-revert/tau/x"), contract_of().rollback)
    assert result == "37 commits, being proposed"


@pytest.mark.parametrize("known", ["declared", "taken_back"])
def test_it_does_not_act_where_a_person_has_or_has_to(known: str) -> None:
    revert = Revert(branch="rollout-revert/tau/x").model_copy(update={known: "c" * 40})
    assert not has_to_act(StepState.BLOCKED, REVERTS["clean"], revert)


def test_nothing_is_foretold_of_a_rollback_that_runs_or_a_train_at_rest() -> None:
    world = rolled_back()
    world.revert = REVERTS["conflict"]
    assert why_person_needed(world.offer().state) == ""
    assert why_person_needed(replace(world.state, status=None)) == ""


def test_a_branch_that_only_moved_on_changes_nothing() -> None:
    world = World().reach("canary-1")
    world.revert = REVERTS["clean"]
    world.wait(minutes=10).observe().forget()
    assert world.revert is not None
    world.revert = world.revert.model_copy(update={"tip": "f" * 40})
    assert world.offer().events == []
    world.revert = REVERTS["conflict"]
    assert world.offer().events == ["decide"]


# --- people -----------------------------------------------------------------------------------------------


def test_a_complete_release_is_rolled_back_and_a_false_alarm_leaves_it_complete() -> None:
    world = (
        World().reach("general-availability").soak(24 * 3600).sign_before("general-availability").rounds(1)
    )
    assert world.rollout.outcome is Outcome.COMPLETE
    world.dispatch(reason="hour 25")
    assert (world.rollout.outcome, world.rollout.canary_percent) == (Outcome.ROLLING_BACK, 0)
    world.perform()
    assert world.state.channel is not None
    assert world.state.channel.current_version == "v0.1.4"
    world.cancel()
    assert (world.rollout.outcome, world.rollout.canary_percent) == (Outcome.COMPLETE, 100)
    assert world.state.channel.current_version == "v0.1.5"


def test_nothing_is_cancelled_once_the_revert_began() -> None:
    world = rolled_back()
    assert leaving.may_cancel(world.state)
    world.revert = REVERTS["clean"]
    world.perform()
    assert not leaving.may_cancel(world.state)


def test_a_target_is_changed_until_the_version_has_moved() -> None:
    world = rolled_back()
    assert world.incident is not None
    assert watching.may_redirect(world.incident)
    world.perform()
    assert not watching.may_redirect(world.incident)


def test_the_last_who_joined_are_kept() -> None:
    world = rolled_back()
    for number in range(30):
        world.dispatch(reason=f"call {number}")
    assert world.incident is not None
    assert [world.incident.joined[0].reason, world.incident.joined[-1].reason] == ["call 10", "call 29"]


# --- what it does outside ---------------------------------------------------------------------------------


def reverting(**policy: object) -> World:
    world = World(contract_of(rollback={"evidence": [], **policy})).reach("canary-2").wait(minutes=10)
    world.revert = REVERTS["clean"]
    return world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})


def test_the_revert_is_proposed_or_pushed_once_it_is_begun() -> None:
    proposing, pushing = reverting(), reverting(revert="push")
    assert proposing.incident is not None
    branch = f"rollout-revert/tau/{proposing.incident.id}"
    assert plan_revert(proposing.state, REVERTS["clean"]) == OpenPullRequest(branch)
    assert plan_revert(pushing.state, REVERTS["clean"]) == PushRevert("1" * 40)
    assert plan_revert(proposing.state, REVERTS["proposed"]) is None
    assert plan_revert(World().state, REVERTS["clean"]) is None


def test_an_incident_has_one_issue_that_is_closed_at_its_end() -> None:
    running = reverting()
    assert running.incident is not None
    assert plan_issue(running.state, None, "title", "body") == [
        OpenIssue(running.incident.id, "title", "body", (LABEL,))
    ]
    shown = shown_issue("title", "body\n")
    assert plan_issue(running.state, shown, "title", "body") == []
    assert plan_issue(running.state, shown, "title", "other") == [UpdateIssue(7, "title", "other", (LABEL,))]
    called_off = rolled_back().cancel()
    assert plan_issue(called_off.state, None, "title", "body") == []
    (close,) = plan_issue(called_off.state, shown, "title", "body")
    assert close == CloseIssue(7, "Cancelled: a false alarm.")
    closed = shown_issue("title", "body", IssueState.CLOSED)
    assert plan_issue(called_off.state, closed, "title", "body") == []
    running.revert = REVERTS["landed"]
    running.checkout = CHECKOUTS["reverted"]
    running.wait(minutes=10)
    running.run = run(running.now)
    running.perform().observe().rounds(1)
    assert running.rollout.outcome is Outcome.ROLLED_BACK
    (close,) = plan_issue(running.state, shown, "title", "body")
    assert close == CloseIssue(7, "Rolled back, and validated anew.")


def test_a_false_alarm_unblocks_the_checklist_that_it_blocked() -> None:
    world = World().reach("canary-1")
    world.checks = checks(gate="failure")
    world.offer()
    assert world.state.signoff is not None
    assert world.state.signoff.blocked is not None
    world.checks = checks()
    world.cancel()
    assert world.state.signoff.blocked is None


def test_a_false_alarm_without_a_checklist_has_none_to_unblock() -> None:
    state = replace(rolled_back().state, signoff=None)
    assert leaving.cancelled(state, "ada", "a false alarm", START).signoff is None


@pytest.mark.parametrize(("proposal", "waits"), [(Proposal.OPEN, True), (Proposal.MERGED, False)])
def test_a_person_is_waited_for_while_the_revert_is_open(proposal: Proposal, waits: bool) -> None:
    policy = contract_of().rollback
    fact = RevertFact(tip="a" * 40, outcome=None, proposal=proposal)
    state, result = standing(fact, Revert(branch="rollout-revert/tau/x"), policy)
    assert waits_for_merge(IncidentStep(step=RollbackStep.REVERT, state=state, result=result)) is waits
    assert not waits_for_merge(IncidentStep(step=RollbackStep.REVERT, state=StepState.BLOCKED, result=result))
