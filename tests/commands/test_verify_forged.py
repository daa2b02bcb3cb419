"""`rollout verify` names what people wrote in the tool's name, and what nobody allowed or judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rollout.commands.freeze import freeze
from rollout.commands.verify import Verification, verify
from rollout.core.contract import RollbackStep
from rollout.core.files import CHANNEL, CONTRACT, REHEARSAL, RELEASE_CACHE, ROLLOUT
from rollout.core.state import CommitMessage, Event, Freeze, Rehearsal, RehearsedStep
from rollout.rendering import claims
from rollout.rendering.commits import message
from tests.fakes.store import Changes, Files
from tests.world import COMMIT, OLD_VERSION, OTHER_COMMIT, TAU, VERSION, World


@pytest.fixture
def world() -> World:
    world = World().play_to("canary-1")
    world.tick()
    return world


def check(world: World) -> Verification:
    return verify(world.store, TAU, None)


def named(world: World) -> str:
    """The one commit that is named, and why: `COMMIT WHY`."""
    ((commit, problem),) = check(world).problems
    return f"{commit} {problem}"


def as_the_tool(world: World, event: Event) -> CommitMessage:
    state = world.state
    return message(event, contract=state.contract, rollout=state.rollout, status=state.status)


def written(world: World, files: Changes, event: Event | None) -> str:
    """A person's commit of these files, in the tool's name where there is an event."""
    told = as_the_tool(world, event) if event else None
    return world.store.edit(TAU, files, at=world.now, message=told)


# --- desired state ------------------------------------------------------------------------------------------


def test_an_edit_that_was_taken_back_before_anybody_judged_it(world: World) -> None:
    percent = world.rollout.canary_percent
    commit = written(world, {ROLLOUT: world.rollout.model_copy(update={"canary_percent": 100})}, None)
    world.edit(canary_percent=percent)
    world.tick()
    why = "rollout.yaml: canary percent changed to 100 without a phase; no reconcile judged it"
    assert named(world) == f"{commit} {why}"


def test_an_edit_is_named_until_reconcile_has_judged_it(world: World) -> None:
    world.edit(canary_percent=100)
    assert "no reconcile has judged it yet" in named(world)
    freeze(world.store, world.clock, TAU, "what is this?")
    assert "no reconcile has judged it yet" in named(world)
    world.tick()
    assert check(world).problems == []


def test_an_edit_of_what_has_ended(world: World) -> None:
    world.play_on("general-availability")
    world.sign("final-approval")
    world.soak()
    assert not world.is_under_way
    world.edit(canary_percent=5)
    assert "canary_percent changed while the outcome is complete" in named(world)


def test_an_edit_before_a_release() -> None:
    world = World()
    world.edit(canary_percent=5)
    assert "canary_percent changed before a release was started" in named(world)


def frozen(world: World) -> None:
    world.edit(frozen=Freeze(reason="lunch", at=world.now))


def frozen_and_thawed(world: World) -> None:
    frozen(world)
    world.edit(frozen=None)


def promoted(world: World) -> None:
    world.soak()
    world.edit(phase="canary-2", canary_percent=25)


@pytest.mark.parametrize("edit", [frozen, frozen_and_thawed, promoted])
def test_what_people_may_do_by_hand(world: World, edit: Callable[[World], None]) -> None:
    edit(world)
    assert check(world).problems == []
    world.tick()
    assert check(world).problems == []


@pytest.mark.parametrize("event", list(Event))
def test_a_forged_event_moves_no_percent(world: World, event: Event) -> None:
    percent = world.rollout.canary_percent
    commit = written(world, {ROLLOUT: world.rollout.model_copy(update={"canary_percent": 100})}, event)
    world.edit(canary_percent=percent)
    world.tick()
    assert named(world).startswith(commit)


# --- the channel --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [None, *Event])
def test_a_version_that_nobody_runs_during_a_rollout(world: World, event: Event | None) -> None:
    channel = world.state.channel
    assert channel is not None
    commit = written(world, {CHANNEL: channel.model_copy(update={"current_version": "v0.9.9"})}, event)
    world.tick()
    assert named(world).startswith(commit)


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.CHANNEL_IMPORT])
def test_a_forged_event_changes_no_idle_channel(event: Event) -> None:
    """But an import, which takes over what the product's own files say: these are not kept."""
    world = World()
    channel = world.state.channel
    assert channel is not None
    commit = written(world, {CHANNEL: channel.model_copy(update={"current_version": "v0.9.9"})}, event)
    assert named(world).startswith(commit)


def test_a_correction_by_hand_is_remarked() -> None:
    world = World()
    world.edit_channel(current_version="v0.1.3")
    verified = check(world)
    (remark,) = verified.remarks
    assert (remark.commit, verified.problems) == (world.store.head(), [])
    assert remark.problem == "channel.yaml: changed by hand, current_version is v0.1.3, was v0.1.4"


def test_records_of_the_channel_are_not_for_people(world: World) -> None:
    world.play_on("general-availability")
    world.sign("final-approval")
    world.soak()
    assert check(world).remarks == ()
    world.edit_channel(completed=())
    assert "channel.yaml: completed" in named(world)


# --- what only the tool writes ------------------------------------------------------------------------------


def rehearsal(world: World, **changes: object) -> Rehearsal:
    """What `rollout rehearse` records, but for the changes."""
    made = Rehearsal(
        train=TAU,
        release=VERSION,
        commit=COMMIT,
        at=world.now,
        by="ada",
        target=OLD_VERSION,
        tip="a" * 40,
        steps=tuple(RehearsedStep(step=step, result="done") for step in RollbackStep),
    )
    return made.model_copy(update=changes)


def test_a_rehearsal_as_it_is_recorded(world: World) -> None:
    written(world, {REHEARSAL: rehearsal(world)}, Event.REHEARSE)
    assert check(world).problems == []


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": OTHER_COMMIT},
        {"release": "v0.1.6"},
        {"target": "v0.1.2"},
        {"target": None},
        {"steps": ()},
        {"steps": (RehearsedStep(step=RollbackStep.FREEZE, result="done"),)},
    ],
    ids=["commit", "release", "another target", "no target", "no steps", "one step"],
)
def test_a_rehearsal_that_was_none(world: World, changes: dict[str, object]) -> None:
    commit = written(world, {REHEARSAL: rehearsal(world, **changes)}, Event.REHEARSE)
    assert named(world).startswith(f"{commit} rehearsal.yaml")


@pytest.mark.parametrize("event", [None, *(event for event in Event if event is not Event.REHEARSE)])
def test_a_rehearsal_in_any_other_commit(world: World, event: Event | None) -> None:
    commit = written(world, {REHEARSAL: rehearsal(world)}, event)
    assert named(world).startswith(commit)


@pytest.mark.parametrize(("name", "event"), [(RELEASE_CACHE, None), (RELEASE_CACHE, Event.FREEZE)])
def test_a_cache_that_somebody_wrote(world: World, name: str, event: Event | None) -> None:
    commit = written(world, {name: b"schema: 1\n"}, event)
    assert named(world).startswith(f"{commit} {name}: ")


def tampered(world: World, files: Files, **told: Any) -> World:
    """The last commit with other files beside its own, or another message."""
    other = world.copy()
    head = world.store.head()
    other.store = world.store.rewrite(head, TAU, files)
    commit = other.store._commits[head]
    other.store._commits[head] = replace(commit, message=replace(commit.message, **told))
    return other


@pytest.mark.parametrize("name", [CONTRACT, "notes.md", RELEASE_CACHE, "incidents/old.yaml"])
def test_a_tools_commit_with_a_file_of_somebody_else(world: World, name: str) -> None:
    other: Files = {name: b"x"}
    if name == CONTRACT:
        changed = {"triggers": world.state.contract.triggers[::-1]}
        other = {name: world.state.contract.model_copy(update=changed)}
    found = tampered(world, other)
    assert name in named(found)


def test_a_file_that_the_tool_does_not_know_is_remarked(world: World) -> None:
    commit = written(world, {"notes.md": b"hello"}, None)
    verified = check(world)
    assert [(remark.commit, remark.problem) for remark in verified.remarks] == [
        (commit, "notes.md: a file that the tool does not know")
    ]
    assert verified.problems == []


def test_so_is_one_among_incidents(world: World) -> None:
    commit = written(world, {"incidents/README.md": b"hello"}, None)
    verified = check(world)
    assert [(remark.commit, remark.problem) for remark in verified.remarks] == [
        (commit, "incidents/README.md: a file that the tool does not know")
    ]
    assert verified.problems == []


def test_an_incident_that_never_was(world: World) -> None:
    commit = written(world, {"incidents/none.yaml": b"schema: 1\n"}, None)
    assert named(world) == f"{commit} incidents/none.yaml: only the tool writes it"


# --- the message --------------------------------------------------------------------------------------------

SUBJECT = "rollout(tau): observe v0.1.5 canary-1: hold, soak 0s of 20m"
"""What the last commit says."""
LIES = {
    "another release": SUBJECT.replace("v0.1.5", "v0.1.6"),
    "another phase": SUBJECT.replace("canary-1", "canary-2"),
    "another event": SUBJECT.replace("observe", "enter"),
    "an event that there is not": SUBJECT.replace("observe", "thaw"),
    "another train": SUBJECT.replace("tau", "shop"),
    "another verdict": "rollout(tau): observe v0.1.5 canary-1: promote to canary-2",
    "no phase": "rollout(tau): observe v0.1.5",
    "something else": "Tidy up",
    "more": "rollout(tau): observe v0.1.5 canary-1, frozen: hold, soak 0s of 20m",
}
TRUE = {
    "as it is": SUBJECT,
    "other prose": "rollout(tau): observe v0.1.5 canary-1: hold (0s of 20m soaked)",
    "cut short": "rollout(tau): observe v0.1.5 canary-1: ho…",
}


def test_the_subject_of_these_tests(world: World) -> None:
    assert next(world.store.log(TAU)).subject == SUBJECT


@pytest.mark.parametrize("lie", LIES)
def test_a_subject_that_lies(world: World, lie: str) -> None:
    assert "subject" in named(tampered(world, {}, subject=LIES[lie]))


@pytest.mark.parametrize("truth", TRUE)
def test_prose_may_change(world: World, truth: str) -> None:
    assert check(tampered(world, {}, subject=TRUE[truth])).problems == []


def test_the_title_of_a_promotion_is_short_and_true_of_its_squash() -> None:
    world = World()
    world.start("v1.12.0+release-candidate.17")
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    (pull,) = world.forge.open_pulls()
    assert pull.title == "rollout(tau): promote v1.12.0+relea…candidate.17 -> canary-1"
    state = world.store.load(TAU, pull.head_sha)
    said = message(Event.PROMOTE, contract=state.contract, rollout=state.rollout, status=state.status)
    trailers = dict(said.trailers)
    assert claims.problem(f"{pull.title} (#1)", trailers, Event.PROMOTE, state) == ""
    lie = pull.title.replace("-> canary-1", "-> canary-3")
    assert "the subject says" in claims.problem(f"{lie} (#1)", trailers, Event.PROMOTE, state)


def test_a_subject_that_lies_about_a_fraction() -> None:
    world = World()
    world.play_to("canary-1")
    state = world.store.load(TAU, world.store.head())
    state = replace(state, rollout=state.rollout.model_copy(update={"canary_percent": 0.1}))
    said = message(Event.ENTER, contract=state.contract, rollout=state.rollout, status=state.status)
    assert said.subject == "rollout(tau): enter v0.1.5 canary-1 (0.1 %)"
    assert claims.problem(said.subject, dict(said.trailers), Event.ENTER, state) == ""
    lie = said.subject.replace("0.1 %", "0.5 %")
    assert "the subject says v0.1.5 canary-1 0.5 %" in claims.problem(
        lie, dict(said.trailers), Event.ENTER, state
    )


CLAIMS = (" and complete", ", frozen", " (agreed)")


@pytest.mark.parametrize(
    ("event", "claim"),
    [
        *((event, claim) for event in ("start", "enter", "freeze") for claim in CLAIMS),
        *((event, ": and complete") for event in ("start", "enter")),
    ],
)
def test_a_claim_after_the_fixed_part_of_a_subject(event: str, claim: str) -> None:
    world = World()
    if event == "start":
        world.start()
    else:
        world.play_to("canary-1")
    if event == "freeze":
        freeze(world.store, world.clock, TAU, "lunch")
    last = next(world.store.log(TAU))
    head, fixed, *prose = last.subject.split(": ", 2)
    subject = ": ".join([head, fixed + claim, *prose])
    assert check(world).problems == []
    assert "the subject adds" in named(tampered(world, {}, subject=subject))


@pytest.mark.parametrize(
    ("trailer", "value"),
    [
        ("Rollout-Release", "v9.9.9"),
        ("Rollout-Phase", "canary-3"),
        ("Rollout-Train", "shop"),
        ("Rollout-Event", "decide"),
        ("Rollout-Event", "complete"),
        ("Rollout-Event", "celebrate"),
        ("Rollout-Approved-By", "ada"),
    ],
)
def test_a_trailer_that_lies(world: World, trailer: str, value: str) -> None:
    told = dict(next(world.store.log(TAU)).trailers) | {trailer: value}
    assert named(tampered(world, {}, trailers=tuple(told.items())))


def test_a_persons_commit_that_poses_as_the_tools(world: World) -> None:
    contract = world.state.contract.model_copy(update={"triggers": world.state.contract.triggers[::-1]})
    told = CommitMessage(subject="rollout(tau): complete v0.1.5", body="")
    commit = world.store.edit(TAU, {CONTRACT: contract}, at=world.now, message=told)
    world.tick()
    assert named(world).startswith(f"{commit} the subject reads like the tool's (complete)")


def test_a_squashed_promotion_keeps_its_title_and_loses_its_trailers(world: World) -> None:
    world.soak()
    title = "rollout(tau): promote v0.1.5 canary-1 -> canary-{} (#3)"
    for phase in (2, 3):
        other = world.copy()
        rollout = other.rollout.model_copy(update={"phase": "canary-2", "canary_percent": 25})
        told = CommitMessage(subject=title.format(phase), body="")
        other.store.edit(TAU, {ROLLOUT: rollout}, at=other.now, message=told)
        assert bool(check(other).problems) is (phase == 3)
