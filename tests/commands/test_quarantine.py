"""`rollout quarantine add`: a person says that nothing may choose a release."""

from __future__ import annotations

import pytest

from rollout.commands import quarantine as quarantines
from rollout.commands.quarantine import ProductLookup
from rollout.commands.rollback import Dispatch, roll_back
from rollout.commands.start import StartOptions, start
from rollout.commands.targets import HeldBack
from rollout.commands.verify import verify
from rollout.core.channel.guards import quarantined, standing
from rollout.core.files import QUARANTINE
from rollout.core.state import Addition, Event, Quarantine, QuarantinedRelease, TrainState
from rollout.errors import InputError, OutsideError, RefusedError, RolloutError
from rollout.rendering.advice import what_next
from tests.fakes.store import PERSON
from tests.world import COMMIT, OTHER_COMMIT, TAU, UNKNOWN_COMMIT, VERSION, World

TAGS = {"v0.1.6": OTHER_COMMIT, "0.1.6": OTHER_COMMIT, "v0.1.4": "4" * 40, "0.1.4": "4" * 40}
HELD = "3" * 40
"""A commit that the release of COMMIT holds."""
TAGGED = "4" * 40
"""A commit of two versions."""
PRODUCT = ProductLookup(
    TAGS.get,
    lambda commit: ("v0.1.4-rc.2", "v0.1.4") if commit == TAGGED else (),
    lambda commit: commit in (COMMIT, OTHER_COMMIT, HELD, TAGGED),
    lambda commit, release: commit == release.commit or (commit, release.commit) == (COMMIT, HELD),
)


@pytest.fixture
def world() -> World:
    return World()


def add(world: World, named: str, reason: str = "it loses data", by: str = "ada") -> str | None:
    return quarantines.add(world.store, world.clock, TAU, named, reason, by, PRODUCT).commit


def entries(world: World) -> list[tuple[str | None, str, str | None]]:
    return [(bad.version, bad.commit, bad.base) for bad in standing(world.state.quarantine)]


def is_sound(world: World) -> bool:
    return verify(world.store, TAU, None).findings == ()


def test_a_version_is_added_by_what_its_tag_leads_to(world: World) -> None:
    assert add(world, "v0.1.6")
    (bad,) = standing(world.state.quarantine)
    assert (bad.version, bad.commit, bad.incident) == ("v0.1.6", OTHER_COMMIT, None)
    assert (bad.added, bad.at) == (Addition(by="ada", reason="it loses data"), world.now)
    assert is_sound(world)


def test_nothing_starts_it_under_any_name_until_it_is_lifted(world: World) -> None:
    add(world, "v0.1.6")
    for version, commit in (("v0.1.6", COMMIT), ("0.1.6", COMMIT), ("v0.1.9", OTHER_COMMIT)):
        head = world.store.head()
        with pytest.raises(RefusedError, match="put in quarantine by ada: it loses data"):
            world.start(version, commit)
        assert world.store.head() == head
    quarantines.lift(world.store, world.clock, TAU, OTHER_COMMIT[:7], "it was the disk", "ada")
    world.start("v0.1.6", OTHER_COMMIT)
    assert is_sound(world)


def test_a_version_is_lifted_by_its_name(world: World) -> None:
    add(world, "v0.1.6")
    for unknown in ("v0.1.7", "0.1"):
        with pytest.raises(InputError, match=f"^{unknown}: no such"):
            quarantines.lift(world.store, world.clock, TAU, unknown, "it was the disk", "ada")
    assert quarantines.lift(world.store, world.clock, TAU, "0.1.6", "it was the disk", "ada").commit
    assert quarantines.lift(world.store, world.clock, TAU, "v0.1.6", "it was the disk", "ada").commit is None
    assert not standing(world.state.quarantine)
    assert is_sound(world)


def test_a_version_of_two_commits_has_to_be_told_by_its_commit() -> None:
    world, added = World(), Addition(by="ada", reason="bad")
    entries = [
        QuarantinedRelease(commit=commit, version="v0.1.6", at=world.now, added=added)
        for commit in (COMMIT, OTHER_COMMIT)
    ]
    world.store.edit(TAU, {QUARANTINE: Quarantine(train=TAU, releases=tuple(entries))}, at=world.now)
    with pytest.raises(InputError, match=r"^v0\.1\.6 names 2 commits in quarantine$") as refused:
        quarantines.lift(world.store, world.clock, TAU, "v0.1.6", "x", "ada")
    assert refused.value.hint == f"name one of them: {COMMIT[:10]}, {OTHER_COMMIT[:10]}"
    quarantines.lift(world.store, world.clock, TAU, COMMIT[:10], "x", "ada")
    quarantines.lift(world.store, world.clock, TAU, "v0.1.6", "x", "ada")
    assert not standing(world.state.quarantine)


def test_what_holds_a_commit_without_its_revert_is_not_started(world: World) -> None:
    add(world, OTHER_COMMIT)
    assert entries(world) == [(None, OTHER_COMMIT, None)]
    assert quarantined(world.state.quarantine) == {}, "a commit without a version blocks no version"
    with pytest.raises(RefusedError) as refused:
        world.start(VERSION, COMMIT)
    assert refused.value.message.startswith(
        "tau: 111111111111 holds 2222222222, put in quarantine by ada: it loses data, without its revert"
    )
    world.reverter.frees(COMMIT)
    world.start(VERSION, COMMIT)
    assert is_sound(world)


@pytest.mark.parametrize("named", [TAGGED, "v0.1.4", "0.1.4"])
def test_no_version_of_the_commit_is_returned_to(world: World, named: str) -> None:
    assert add(world, named)
    assert {version.removeprefix("v") for version, _, _ in entries(world) if version} == {
        "0.1.4",
        "0.1.4-rc.2",
    }
    assert {commit for _, commit, _ in entries(world)} == {TAGGED}
    head = world.store.head()
    for target in (None, "v0.1.4-rc.2"):
        with pytest.raises(RefusedError, match=r"put in quarantine by ada: it loses data"):
            world.start(VERSION, COMMIT, rollback_to=target)
    assert world.store.head() == head
    assert add(world, TAGGED) is None
    assert is_sound(world)
    quarantines.lift(world.store, world.clock, TAU, TAGGED[:7], "it was the disk", "ada")
    world.start(VERSION, COMMIT)
    assert is_sound(world)


def test_no_version_that_holds_the_commit_is_returned_to(world: World) -> None:
    """v0.1.3 is tagged on a commit that holds the bad one, and v0.1.4 on one that lacks it."""
    assert add(world, HELD)
    world.history.tags = {"v0.1.3": "7" * 40, "v0.1.4": "8" * 40}
    for commit in (COMMIT, "8" * 40):
        world.reverter.frees(commit)
    head = world.store.head()
    with pytest.raises(RefusedError, match=r"lead to v0\.1\.3, quarantined_release: it holds 3333333333"):
        start(
            world.store,
            world.history,
            world.clock,
            TAU,
            StartOptions(VERSION, COMMIT, rollback_to="v0.1.3"),
            reverter=world.reverter,
            known=lambda _: ("v0.1.3",),
        )
    assert world.store.head() == head
    world.start(VERSION, COMMIT)
    assert is_sound(world)


def test_a_person_rolls_back_to_no_version_that_holds_the_commit(world: World) -> None:
    world.start()
    assert add(world, OTHER_COMMIT)
    world.history.tags = {"v0.1.3": "7" * 40, "v0.1.2": "8" * 40}
    world.reverter.frees("8" * 40)
    head = world.store.head()

    def ask(target: str) -> str | None:
        asked, known = Dispatch("customers call", "ada", target), ("v0.1.3", "v0.1.2")
        held_back = held_back_in(world)
        return roll_back(world.store, world.clock, TAU, asked, lambda _: known, held_back=held_back).commit

    with pytest.raises(RefusedError, match=r"--target v0\.1\.3: it holds 2222222222") as refused:
        ask("v0.1.3")
    assert (refused.value.hint, world.store.head()) == ("name another version", head)
    assert ask("v0.1.2")
    assert is_sound(world)


@pytest.mark.parametrize("error", [OutsideError, InputError])
def test_a_rollback_does_not_wait_for_a_product_that_cannot_be_read(
    world: World, error: type[RolloutError]
) -> None:
    world.start()

    def nobody_answers(state: TrainState, version: str) -> str:
        raise error("the product cannot be read", hint="later")

    asked = Dispatch("customers call", "ada", "v0.1.3")
    known = ("v0.1.3",)
    assert roll_back(world.store, world.clock, TAU, asked, lambda _: known, held_back=nobody_answers).commit
    assert world.rollout.outcome == "rolling_back"


def held_back_in(world: World) -> HeldBack:
    return lambda state, version: quarantines.held_back(state, world.history, world.reverter, version)


def test_the_gate_fails_once_the_targets_commit_is_in_quarantine(world: World) -> None:
    world.start()
    assert add(world, TAGGED)
    world.tick()
    decision = world.status.decision
    assert decision.verdict == "hold"
    assert any("v0.1.4 was put in quarantine by ada" in each for each in map(str, decision.reasons))


def test_the_same_again_changes_nothing(world: World) -> None:
    add(world, "v0.1.6")
    assert add(world, "v0.1.6", "again", "bob") is None
    assert add(world, "0.1.6") is None
    assert add(world, OTHER_COMMIT) is None
    assert len(entries(world)) == 1


def test_a_release_that_the_train_knows_needs_no_tag(world: World) -> None:
    world.play_to("general-availability")
    world.sign()
    world.soak()
    world.reconcile()
    assert world.rollout.outcome == "complete"
    assert add(world, COMMIT)
    release = world.rollout.release
    assert release is not None
    assert entries(world) == [(VERSION, COMMIT, release.base)]
    assert is_sound(world)


def test_a_release_that_completed_is_known_while_the_next_one_is_under_way(world: World) -> None:
    world.play_to("general-availability")
    world.sign()
    world.soak()
    world.reconcile()
    completed = world.rollout.release
    assert completed is not None
    world.clock.forward(minutes=1)
    world.start("v0.2.0", OTHER_COMMIT)
    assert add(world, VERSION)
    assert entries(world) == [(VERSION, COMMIT, completed.base)]
    assert is_sound(world)


@pytest.mark.parametrize("named", [VERSION, "0.1.5", COMMIT])
def test_the_release_that_is_under_way_is_rolled_back_instead(world: World, named: str) -> None:
    world.start()
    head = world.store.head()
    with pytest.raises(RefusedError, match=r"v0\.1\.5 is in progress") as refused:
        add(world, named)
    assert "rollout rollback --reason WHY" in refused.value.hint
    assert world.store.head() == head


def test_what_the_release_under_way_holds_ends_with_it_first(world: World) -> None:
    world.start()
    with pytest.raises(RefusedError, match=r"v0\.1\.5, which is in progress, holds 3333333333"):
        add(world, HELD)
    assert add(world, OTHER_COMMIT), "another release is no concern of this one"
    assert is_sound(world)


@pytest.mark.parametrize(
    ("named", "reason", "by", "line"),
    [
        ("v9.9.9", "x", "ada", "v9.9.9: no such tag, and the train knows no such release"),
        (UNKNOWN_COMMIT, "x", "ada", f"{UNKNOWN_COMMIT}: no such commit"),
        ("main", "x", "ada", "main: neither a version nor a commit"),
        ("2222222", "x", "ada", "2222222: neither a version nor a commit"),
        ("", "x", "ada", "nothing: neither a version nor a commit"),
        ("v0.1.6", " ", "ada", "--reason is empty"),
        ("v0.1.6", "x", "", "--by is empty"),
    ],
)
def test_bad_input_changes_nothing(world: World, named: str, reason: str, by: str, line: str) -> None:
    head = world.store.head()
    with pytest.raises(InputError) as bad:
        add(world, named, reason, by)
    assert bad.value.message.startswith(line)
    assert bad.value.hint
    assert world.store.head() == head


def test_an_entry_that_no_command_made_is_named(world: World) -> None:
    bad = QuarantinedRelease(commit=OTHER_COMMIT, version="v0.1.6", incident="never-was", at=world.now)
    world.store.edit(TAU, {QUARANTINE: Quarantine(train=TAU, releases=(bad,))}, at=world.now)
    (finding,) = verify(world.store, TAU, None).findings
    assert finding.author == PERSON


def test_what_a_merge_leads_to_without_its_rollback_target_is_foretold_and_done(world: World) -> None:
    world.start()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    world.merge()
    assert (
        what_next(world.state, now=world.now)
        == "the next reconcile judges the merge and enters canary-1 at 5 %"
    )
    target = world.rollout.rollback_target
    assert target is not None
    assert add(world, target.version)
    told = what_next(world.state, now=world.now)
    assert told.startswith("the next reconcile undoes the merge and freezes: preflight -> canary-1 while ")
    assert "quarantine" in told
    report = world.reconcile()
    assert [taken.step.event for taken in report.steps][:1] == [Event.ILLEGAL_STEP]
    assert report.steps[0].step.detail in told
    assert (world.rollout.phase, world.rollout.frozen is None) == ("preflight", False)
