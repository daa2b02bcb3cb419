"""The percent in a flag file: written, read back, and told and tried again where that fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.commands.freeze import freeze
from rollout.commands.rollback import Dispatch, cancel, roll_back
from rollout.commands.unfreeze import unfreeze
from rollout.commands.verify import verify
from rollout.commands.withdraw import withdraw
from rollout.core.contract import Action, Apply, FlagFile, ThresholdTrigger
from rollout.core.decide import applying
from rollout.core.observation import HealthState, Results, WorkResult
from rollout.core.state import CommitMessage, Event, FlagText, GateFinding, Outcome, Result, StateChange, Work
from rollout.errors import OutsideError, RefusedError, RolloutError
from rollout.rendering.advice import to_do
from rollout.rendering.commits import message
from tests.fakes.writes import KilledError
from tests.world import COMMIT, TAU, VERSION, World

PATH, POINTER = "flags/app.json", "/flags/answers/variants/percent"
FLAG = FlagFile(path=PATH, format="flagd", pointer=POINTER)
SICK: dict[str, Any] = {"voice": {"health_state": HealthState.FAILING}}


def flags(percent: object, **others: object) -> bytes:
    variants = {"percent": percent, **others}
    return json.dumps({"flags": {"answers": {"variants": variants}}}, indent=3).encode()


def number(content: bytes) -> object:
    return json.loads(content)["flags"]["answers"]["variants"]["percent"]


def adopt(world: World, flag: FlagFile = FLAG) -> World:
    world.edit_contract(apply=Apply(flag_file=flag))
    return world


def there(world: World) -> object:
    """The number where the file is."""
    on_state = world.store.file(PATH, world.store.head())
    return number(world.product_branch.files[PATH] if on_state is None else on_state)


@pytest.fixture(params=["state branch", "product's branch"])
def world(request: pytest.FixtureRequest) -> World:
    """A train whose percent is a number in a file of one of the branches."""
    world = adopt(World())
    if request.param == "state branch":
        world.store.edit_other(PATH, flags(0, seed=7), at=world.now)
    else:
        world.product_branch.edit(PATH, flags(0, seed=7))
    return world


@pytest.fixture
def product() -> World:
    """One whose file is on the product's branch."""
    world = adopt(World())
    world.product_branch.edit(PATH, flags(0))
    return world


def written(branch: str = "") -> dict[str, object]:
    """What a run says of 5 % that it has written."""
    row = {"kind": "write_percent", "path": PATH, "pointer": POINTER}
    return {**row, "canary_percent": 5, "branch": branch}


def gate(world: World) -> GateFinding:
    return next(each for each in world.status.gates if each.gate == "applied")


def problems(world: World) -> list[tuple[str, str]]:
    return verify(world.store, TAU, None).problems


def enter_canary(world: World) -> World:
    """Into canary-1, before reconcile has run."""
    world.start()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    world.merge()
    world.clock.forward(minutes=1)
    return world


# --- written and read back -------------------------------------------------------------------------------


def test_each_phase_soaks_once_its_percent_was_read_back(world: World) -> None:
    enter_canary(world)
    assert there(world) == 0
    report = world.reconcile()
    assert there(world) == 5
    events = [taken.step.event for taken in report.steps]
    assert events == [Event.ENTER, Event.APPLY, Event.RESULTS]
    assert written() in report.rows()
    assert gate(world).result is Result.SATISFIED
    world.soak()
    world.play_on("general-availability")
    assert there(world) == 100
    assert problems(world) == []


def test_nothing_else_in_the_file_changes_and_the_message_says_what_was_set(product: World) -> None:
    enter_canary(product)
    product.product_branch.edit(PATH, b'{"flags":{"answers":{"variants":{"percent":0 ,"b": [ 1.0 ]}}}}')
    product.reconcile()
    expected = b'{"flags":{"answers":{"variants":{"percent":5 ,"b": [ 1.0 ]}}}}'
    assert product.product_branch.files[PATH] == expected
    told = product.product_branch.messages[-1]
    assert told.subject == "rollout(tau): apply 5 %"
    assert dict(told.trailers) == {
        "Rollout-Train": TAU,
        "Rollout-Release": VERSION,
        "Rollout-Phase": "canary-1",
        "Rollout-Event": "apply",
    }
    assert not told.quiet
    assert f"{PATH}: {POINTER} on main" in told.body


def test_a_second_run_changes_nothing(world: World) -> None:
    enter_canary(world).reconcile()
    head, done = world.store.head(), list(world.writes.done)
    world.reconcile()
    assert (world.store.head(), world.writes.done) == (head, done)


def test_a_number_that_is_right_already_is_only_read(world: World) -> None:
    world.start()
    report = world.reconcile()
    assert Event.APPLY not in [taken.step.event for taken in report.steps]
    assert (gate(world).result, gate(world).seen) == (Result.SATISFIED, "0 % applied")


def test_a_fraction_is_written_as_the_shortest_decimal(world: World) -> None:
    first, second, *rest = world.state.contract.phases
    tenth = second.model_copy(update={"canary_percent": 0.1})
    world.edit_contract(phases=(first, tenth, *rest))
    enter_canary(world).reconcile()
    content = world.store.file(PATH, world.store.head()) or world.product_branch.files[PATH]
    assert b'"percent": 0.1,' in content
    assert problems(world) == []


def test_what_is_not_shown_yet_is_read_back_by_the_next_run(product: World) -> None:
    enter_canary(product)
    product.product_branch.lag = 1
    product.reconcile()
    assert (gate(product).result, gate(product).wanted) == (Result.UNSATISFIED, "5 % applied")
    assert gate(product).seen == f"{PATH}: {POINTER}: 5 % not read back yet"
    assert product.writes.done.count("write on main") == 1
    product.reconcile()
    assert gate(product).result is Result.SATISFIED
    assert product.writes.done.count("write on main") == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 5))
def test_a_killed_run_is_finished_by_the_next(world: World, nth: int, when: Any) -> None:
    enter_canary(world)
    world.writes.crash(nth, when)
    with suppress(KilledError):  # a run that writes less often is not killed
        world.reconcile()
    world.writes.forget()
    world.reconcile()
    assert there(world) == 5
    assert world.writes.done.count("write on main") in (0, 1)
    assert gate(world).result is Result.SATISFIED
    assert problems(world) == []


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(world: World) -> None:
    enter_canary(world)
    head = world.store.head()
    report = world.reconcile(dry_run=True)
    assert written() in report.rows()
    assert (there(world), world.store.head()) == (0, head)


# --- two at once -----------------------------------------------------------------------------------------


def test_whoever_changes_the_file_meanwhile_loses_nothing(product: World) -> None:
    enter_canary(product)
    product.product_branch.interfere(lambda: product.product_branch.edit(PATH, flags(0, other=50)))
    product.reconcile()
    content = json.loads(product.product_branch.files[PATH])
    assert content["flags"]["answers"]["variants"] == {"percent": 5, "other": 50}


def test_whoever_changes_the_file_on_the_state_branch_meanwhile_loses_nothing() -> None:
    world = adopt(World())
    world.store.edit_other(PATH, flags(0), at=world.now)
    enter_canary(world)
    # The first write is the phase's entry, the second the number.
    world.writes.step_in(2, "before", lambda: world.store.edit_other(PATH, flags(0, other=50), at=world.now))
    world.reconcile()
    content = json.loads(world.store.file(PATH, world.store.head()) or b"")
    assert content["flags"]["answers"]["variants"] == {"percent": 5, "other": 50}
    assert problems(world) == []


# --- a rollback, a freeze --------------------------------------------------------------------------------


def test_a_trigger_writes_the_rollbacks_percent_before_anything_else_is_done(world: World) -> None:
    enter_canary(world).reconcile()
    world.soak()
    before = len(world.writes.done)
    for _ in range(3):
        world.tick(SICK)
    assert world.rollout.outcome is Outcome.ROLLING_BACK
    assert there(world) == 0
    done = [each for each in world.writes.done[before:] if "observe" not in each]
    after = done[done.index("commit rollback") + 1 :]
    assert after[0] == "commit apply"
    assert next(each for each in after[1:] if each != "write on main") == "commit results"
    assert problems(world) == []


def test_a_persons_rollback_writes_it_too(world: World) -> None:
    enter_canary(world).reconcile()
    roll_back(world.store, world.clock, TAU, Dispatch("customers call", "ada"), world.known)
    world.reconcile()
    assert there(world) == 0
    assert applying.due(world.state) is None
    assert problems(world) == []


def test_a_rollback_that_holds_the_percent_leaves_the_number(world: World) -> None:
    rollback = world.state.contract.rollback.model_copy(update={"canary_percent": "hold"})
    world.edit_contract(rollback=rollback)
    enter_canary(world).reconcile()
    roll_back(world.store, world.clock, TAU, Dispatch("customers call", "ada"), world.known)
    world.reconcile()
    assert there(world) == 5


def test_a_rollback_that_holds_the_percent_raises_no_number(product: World) -> None:
    rollback = product.state.contract.rollback.model_copy(update={"canary_percent": "hold"})
    product.edit_contract(rollback=rollback)
    enter_canary(product)
    product.product_branch.refusal = OutsideError("GitHub is away")
    product.reconcile()
    roll_back(product.store, product.clock, TAU, Dispatch("customers call", "ada"), product.known)
    product.product_branch.refusal = None
    product.reconcile()
    assert there(product) == 0
    assert problems(product) == []


def test_a_rollback_goes_on_though_the_number_cannot_be_written(product: World) -> None:
    enter_canary(product).reconcile()
    product.product_branch.refusal = OutsideError("writing flags/app.json on main failed: GitHub: 403")
    roll_back(product.store, product.clock, TAU, Dispatch("customers call", "ada"), product.known)
    report = product.reconcile()
    told = "the percent was not written, and is tried again by the next run: writing flags/app.json on main"
    assert any(note.startswith(told) for note in report.notes)
    product.do_what_is_asked_for()
    assert product.state.incident is not None
    assert product.state.incident.revert is not None
    assert there(product) == 5
    product.product_branch.refusal = None
    product.reconcile()
    assert there(product) == 0
    assert problems(product) == []


def test_a_freeze_keeps_the_number_until_it_ends(product: World) -> None:
    enter_canary(product)
    product.product_branch.refusal = OutsideError("GitHub is away")
    product.reconcile()
    freeze(product.store, product.clock, TAU, "release notes are wrong")
    product.product_branch.refusal = None
    product.reconcile()
    assert there(product) == 0
    unfreeze(product.store, product.clock, TAU, "fixed")
    product.reconcile()
    assert there(product) == 5
    assert problems(product) == []


FAST, SLOW = ({"voice": {"fields": {"cycle_duration_ms": ms}}} for ms in (1, 3))


def watch_for_slow(world: World) -> None:
    """A trigger that only freezes is added to the contract."""
    slow = ThresholdTrigger(
        name="slow",
        kind="threshold",
        field="cycle_duration_ms",
        at_least=2,
        surfaces=("voice",),
        actions=(Action.FREEZE,),
    )
    world.edit_contract(triggers=(*world.state.contract.triggers, slow))


def freeze_before_the_percent(world: World) -> World:
    """Into canary-2, and a trigger that only freezes fires before the percent is written; then unfrozen."""
    watch_for_slow(world)
    enter_canary(world).reconcile()
    world.soak()
    world.clock.forward(minutes=1)
    reading = world.observe(SLOW)
    world.merge()
    world.reconcile(reading)
    assert world.rollout.frozen is not None
    unfreeze(world.store, world.clock, TAU, "go on")
    world.reconcile()
    return world


def test_unfrozen_while_its_trigger_fires_the_number_does_not_rise(world: World) -> None:
    freeze_before_the_percent(world)
    assert there(world) == 5
    world.tick(SLOW)
    assert (world.rollout.phase, world.rollout.frozen, there(world)) == ("canary-2", None, 5)
    world.tick(FAST)
    assert there(world) == 25
    assert problems(world) == []


def test_a_number_that_is_too_high_falls_while_a_trigger_fires(product: World) -> None:
    freeze_before_the_percent(product)
    product.product_branch.edit(PATH, flags(50))
    product.reconcile()
    assert there(product) == 25
    assert problems(product) == []


def test_verify_names_a_rise_while_a_trigger_fires() -> None:
    world = adopt(World())
    world.store.edit_other(PATH, flags(0), at=world.now)
    state = freeze_before_the_percent(world).state
    due = applying.due(state)
    assert due is not None
    status = applying.begun(world.status, due[0], world.now)
    said = message(Event.APPLY, contract=state.contract, rollout=state.rollout, status=status)
    change = StateChange(status=status, flag=FlagText(PATH, flags(25)))
    commit = world.store.commit(TAU, change, said, parent=state.head, at=world.now)
    assert problems(world) == [(commit, f"{PATH}: {POINTER}: was raised to 25 while a trigger fired")]


def test_a_false_alarm_puts_the_number_back(world: World) -> None:
    enter_canary(world).reconcile()
    roll_back(world.store, world.clock, TAU, Dispatch("customers call", "ada"), world.known)
    world.reconcile()
    assert there(world) == 0
    cancel(world.store, world.clock, TAU, "a false alarm", "ada")
    world.reconcile()
    assert there(world) == 5
    assert problems(world) == []


# --- what cannot be written ------------------------------------------------------------------------------


def refuse(error: RolloutError) -> Callable[[World], None]:
    def act(world: World) -> None:
        world.product_branch.refusal = error

    return act


def edit(content: bytes) -> Callable[[World], None]:
    return lambda world: world.product_branch.edit(PATH, content)


FORBIDDEN = OutsideError("writing it failed: GitHub: 403 Resource not accessible")
REFUSALS: dict[str, tuple[Callable[[World], object], str]] = {
    "no such file": (
        lambda world: world.product_branch.files.pop(PATH),
        "there is no such file on the state branch, nor on main",
    ),
    "pointer that names nothing": (edit(b"{}"), "names nothing in the file"),
    "no number": (edit(flags("5 %")), "is no number but '\"5 %\"'"),
    "no JSON": (edit(b"percent = 5"), "cannot be looked for: the file is not JSON: Expecting value"),
    "no permission": (refuse(FORBIDDEN), "writing it failed: GitHub: 403 Resource not accessible"),
    "a merge": (refuse(RefusedError("main is in the middle of a merge")), "main is in the middle of a merge"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_written_soaks_nothing_and_is_told_once(product: World, case: str) -> None:
    break_it, reason = REFUSALS[case]
    why = f"{PATH}: {POINTER}: 5 % not written: {reason}"
    enter_canary(product)
    break_it(product)
    content = product.product_branch.files.get(PATH)
    product.reconcile()
    assert gate(product).result is Result.UNSATISFIED
    assert gate(product).seen.startswith(why)
    assert product.product_branch.files.get(PATH) == content
    product.tick()
    product.tick()
    assert product.status.soak.earned_seconds == 0
    assert any(why in reason for reason in product.status.decision.reasons)
    head = product.store.head()
    product.reconcile()
    assert product.store.head() == head
    product.product_branch.refusal = None
    product.product_branch.edit(PATH, flags(0))
    product.reconcile()
    assert (there(product), gate(product).result) == (5, Result.SATISFIED)
    assert problems(product) == []


def test_only_reconcile_says_that_a_percent_is_applied(product: World) -> None:
    enter_canary(product)
    product.product_branch.refusal = OutsideError("GitHub is away")
    product.reconcile()
    (request,) = [each for each in product.status.requests if each.work is Work.APPLY]
    at = product.now + timedelta(minutes=1)
    product.clock.forward(minutes=2)
    done = WorkResult(request=request.id, ok=True, detail="exit 0", started_at=at, finished_at=at)
    forged = Results(train=TAU, release=VERSION, commit=COMMIT, finished_at=at, results=(done,))
    report = product.reconcile(forged)
    assert f"result of {request.id} ignored: reconcile writes {PATH} itself" in report.notes
    assert gate(product).result is Result.UNSATISFIED


@pytest.mark.parametrize("is_rollback", [False, True], ids=["a phase", "a rollback"])
def test_a_failure_is_told_once(product: World, is_rollback: bool) -> None:
    enter_canary(product)
    if is_rollback:
        product.reconcile()
        roll_back(product.store, product.clock, TAU, Dispatch("customers call", "ada"), product.known)
    product.product_branch.refusal = OutsideError("GitHub is away")
    notes = product.reconcile().notes
    told = "the percent was not written, and is tried again by the next run: GitHub is away"
    assert [note for note in notes if note == told or "ignored" in note] == [told]


def test_a_changed_contract_writes_the_number_in_its_new_place(product: World) -> None:
    enter_canary(product).reconcile()
    other = FlagFile(path="other.yaml", format="gofeatureflag", pointer="/answers/percentage/on")
    product.product_branch.edit("other.yaml", b"answers: {percentage: {on: 0, off: 100}}\n")
    adopt(product, other)
    product.reconcile()
    assert product.product_branch.files["other.yaml"] == b"answers: {percentage: {on: 5, off: 100}}\n"
    assert gate(product).result is Result.SATISFIED
    assert problems(product) == []


def test_a_contract_that_goes_from_a_command_to_a_flag_file_writes_it() -> None:
    world = World(apply=True)
    world.product_branch.edit(PATH, flags(0))
    enter_canary(world)
    world.reconcile()
    world.do_what_is_asked_for()
    assert gate(world).result is Result.SATISFIED
    adopt(world)
    world.reconcile()
    assert there(world) == 5
    assert problems(world) == []


def test_a_rollback_writes_the_flag_file_that_the_contract_names_by_now() -> None:
    world = World(apply=True)
    world.product_branch.edit(PATH, flags(55))
    enter_canary(world).reconcile()
    roll_back(world.store, world.clock, TAU, Dispatch("customers call", "ada"), world.known)
    adopt(world)
    report = world.reconcile()
    assert there(world) == 0
    assert applying.due(world.state) is None
    assert "percent: asked for again" in [taken.step.detail for taken in report.steps]
    assert problems(world) == []


def test_a_rollback_asks_for_the_command_that_the_contract_names_by_now(product: World) -> None:
    enter_canary(product).reconcile()
    product.product_branch.refusal = OutsideError("GitHub is away")
    roll_back(product.store, product.clock, TAU, Dispatch("customers call", "ada"), product.known)
    product.reconcile()
    product.edit_contract(apply=Apply(command=("set-percent",)))
    product.reconcile()
    (request,) = [each for each in product.status.requests if each.work is Work.APPLY]
    assert (request.canary_percent, request.awaits_product, request.failed) == (0, True, "")
    assert problems(product) == []


def test_a_rollback_asks_for_no_percent_once_the_contract_has_no_place_for_it(product: World) -> None:
    enter_canary(product).reconcile()
    product.product_branch.refusal = OutsideError("GitHub is away")
    roll_back(product.store, product.clock, TAU, Dispatch("customers call", "ada"), product.known)
    product.reconcile()
    product.edit_contract(apply=None)
    report = product.reconcile()
    assert Work.APPLY not in [each.work for each in product.status.requests]
    told = "percent: no longer asked for, the contract has no apply"
    assert told in [taken.step.detail for taken in report.steps]
    assert problems(product) == []


# --- by a pull request -----------------------------------------------------------------------------------


def before_the_review() -> World:
    """A train each of whose percents is merged by a person."""
    world = adopt(World(), FLAG.model_copy(update={"via": "pull_request"}))
    world.product_branch.edit(PATH, flags(0))
    return world


@pytest.fixture
def reviewed() -> World:
    """One that is merged into canary-1."""
    return enter_canary(before_the_review())


def branches(world: World) -> list[str]:
    return [pull.head for pull in world.product_branch.open_pulls()]


def test_a_phase_soaks_once_its_pull_request_is_merged(reviewed: World) -> None:
    report = reviewed.reconcile()
    (branch,) = branches(reviewed)
    assert branch.startswith("rollout-apply/tau/canary-1-5-20261123T")
    (pull,) = reviewed.product_branch.open_pulls()
    assert pull.title == "rollout(tau): apply 5 %"
    assert pull.body.startswith(
        f"Sets `{POINTER}` in `{PATH}` to 5.\n\nThis brings v0.1.5 to 5 % in canary-1."
    )
    assert written(branch) in report.rows()
    reviewed.tick()
    assert (gate(reviewed).result, there(reviewed)) == (Result.UNSATISFIED, 0)
    assert gate(reviewed).seen == f"{PATH}: {POINTER}: 5 % waits for the merge of {branch}"
    reviewed.product_branch.merge()
    reviewed.reconcile()
    assert (gate(reviewed).result, there(reviewed)) == (Result.SATISFIED, 5)
    assert reviewed.status.soak.earned_seconds == 0
    reviewed.soak()
    assert problems(reviewed) == []


def test_a_pull_request_is_opened_once(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.reconcile()
    head, done = reviewed.store.head(), list(reviewed.writes.done)
    reviewed.reconcile()
    assert (reviewed.store.head(), reviewed.writes.done) == (head, done)
    assert len(reviewed.product_branch.pulls) == 1


def test_nobody_is_asked_to_merge_a_percent_that_rises_while_a_trigger_fires() -> None:
    reviewed = before_the_review()
    watch_for_slow(reviewed)
    enter_canary(reviewed).reconcile()
    (branch,) = branches(reviewed)

    def asks_for_merge() -> bool:
        return branch in " ".join(to_do(reviewed.state, now=reviewed.now, pull_request=None))

    assert asks_for_merge()
    reviewed.tick(SLOW)
    unfreeze(reviewed.store, reviewed.clock, TAU, "go on")
    reviewed.reconcile()
    assert not asks_for_merge()
    reviewed.tick(FAST)
    assert asks_for_merge()


def test_a_pull_request_moves_with_the_file(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.product_branch.edit(PATH, flags(0, other=1))
    reviewed.reconcile()
    (branch,) = branches(reviewed)
    assert reviewed.product_branch.contents[branch] == (PATH, flags(5, other=1))


@pytest.mark.parametrize("nth", range(1, 6))
def test_a_killed_run_opens_no_second_pull_request(reviewed: World, nth: int) -> None:
    reviewed.writes.crash(nth, "after")
    with suppress(KilledError):
        reviewed.reconcile()
    reviewed.writes.forget()
    reviewed.reconcile()
    assert len(reviewed.product_branch.pulls) == 1


def test_a_closed_pull_request_is_told_and_stays_closed(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.product_branch.reject()
    reviewed.reconcile()
    told = f"{PATH}: {POINTER}: 5 % not written: pull request 1 from rollout-apply/"
    assert gate(reviewed).seen.startswith(told)
    assert gate(reviewed).seen.endswith(" was closed: set the number by hand")
    assert branches(reviewed) == []
    reviewed.product_branch.edit(PATH, flags(5))
    reviewed.reconcile()
    assert gate(reviewed).result is Result.SATISFIED


def test_a_rollback_closes_what_would_raise_the_percent(reviewed: World) -> None:
    reviewed.reconcile()
    roll_back(reviewed.store, reviewed.clock, TAU, Dispatch("customers call", "ada"), reviewed.known)
    reviewed.reconcile()
    assert branches(reviewed) == []
    assert applying.due(reviewed.state) is None
    assert problems(reviewed) == []


def test_a_rollback_after_the_merge_asks_for_another(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.product_branch.merge()
    reviewed.reconcile()
    reviewed.clock.forward(minutes=1)
    roll_back(reviewed.store, reviewed.clock, TAU, Dispatch("customers call", "ada"), reviewed.known)
    reviewed.reconcile()
    (branch,) = branches(reviewed)
    assert branch.startswith("rollout-apply/tau/canary-1-0-")
    assert "is being rolled back" in reviewed.product_branch.open_pulls()[0].body
    reviewed.product_branch.merge()
    reviewed.reconcile()
    assert (applying.due(reviewed.state), there(reviewed)) == (None, 0)
    assert problems(reviewed) == []


CONTRACTS: dict[str, Callable[[World], object]] = {
    "via: commit": lambda world: adopt(world),
    "another number": lambda world: adopt(
        world, FlagFile(path=PATH, format="flagd", pointer="/flags/other", via="pull_request")
    ),
    "a command": lambda world: world.edit_contract(apply=Apply(command=("set-percent",))),
    "no apply": lambda world: world.edit_contract(apply=None),
}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_changed_contract_closes_what_the_old_one_has_opened(reviewed: World, contract: str) -> None:
    reviewed.reconcile()
    (old,) = branches(reviewed)
    reviewed.product_branch.edit(PATH, b'{"flags":{"answers":{"variants":{"percent":0}},"other":0}}')
    reviewed.clock.forward(minutes=1)
    CONTRACTS[contract](reviewed)
    reviewed.reconcile()
    assert old not in branches(reviewed)
    assert problems(reviewed) == []


def test_a_contract_without_apply_closes_it_in_a_rollback_too(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.product_branch.merge()
    reviewed.reconcile()
    reviewed.clock.forward(minutes=1)
    roll_back(reviewed.store, reviewed.clock, TAU, Dispatch("customers call", "ada"), reviewed.known)
    reviewed.reconcile()
    assert branches(reviewed)
    reviewed.edit_contract(apply=None)
    reviewed.reconcile()
    assert branches(reviewed) == []
    assert problems(reviewed) == []


def test_a_rollback_that_holds_the_percent_closes_what_would_raise_it(reviewed: World) -> None:
    rollback = reviewed.state.contract.rollback.model_copy(update={"canary_percent": "hold"})
    reviewed.edit_contract(rollback=rollback)
    reviewed.reconcile()
    roll_back(reviewed.store, reviewed.clock, TAU, Dispatch("customers call", "ada"), reviewed.known)
    reviewed.reconcile()
    assert branches(reviewed) == []
    assert applying.awaited_branch(reviewed.state) == ""
    reviewed.product_branch.edit(PATH, flags(5))
    reviewed.reconcile()
    assert applying.due(reviewed.state) is not None, "a percent that came in the rollback is not applied"
    assert problems(reviewed) == []


def test_a_number_that_was_set_by_hand_closes_the_pull_request_that_brings_it(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.product_branch.edit(PATH, flags(5))
    reviewed.reconcile()
    assert (gate(reviewed).result, branches(reviewed)) == (Result.SATISFIED, [])


def test_a_withdrawn_release_leaves_no_pull_request_open() -> None:
    world = adopt(World(), FLAG.model_copy(update={"via": "pull_request"}))
    world.product_branch.edit(PATH, flags(3))
    world.start()
    world.reconcile()
    assert len(branches(world)) == 1
    withdraw(world.store, world.clock, TAU, "wrong notes", "ada")
    world.reconcile()
    assert branches(world) == []


def test_an_old_pull_request_that_cannot_be_closed_fails_the_run_after_its_decisions(reviewed: World) -> None:
    reviewed.reconcile()
    reviewed.edit_contract(apply=None)
    reviewed.product_branch.refusal = OutsideError("GitHub is away")
    told = "closing pull requests that bring an old percent failed: GitHub is away"
    with pytest.raises(OutsideError, match=told):
        reviewed.reconcile()
    assert Work.APPLY not in [each.work for each in reviewed.status.requests]


# --- verify ----------------------------------------------------------------------------------------------


def forged(world: World, content: bytes, subject: str = "") -> None:
    """What reconcile would commit for canary-1, with another content of the file."""
    state = world.state
    due = applying.due(state)
    assert due is not None
    assert state.status is not None
    status = applying.begun(state.status, due[0], world.now)
    said = message(Event.APPLY, contract=state.contract, rollout=state.rollout, status=status)
    said = replace(said, subject=subject) if subject else said
    world.store.edit(TAU, {"status.yaml": status}, at=world.now, message=said, others={PATH: content})


@pytest.fixture
def waiting() -> World:
    """The file is on the state branch; canary-1 is entered, and its percent not written."""
    world = adopt(World())
    world.store.edit_other(PATH, flags(0, seed=7), at=world.now)
    enter_canary(world)
    world.store.edit_other(PATH, b"{}", at=world.now)
    world.reconcile()
    world.store.edit_other(PATH, flags(0, seed=7), at=world.now)
    return world


def test_verify_finds_nothing_in_what_reconcile_would_write(waiting: World) -> None:
    forged(waiting, flags(5, seed=7))
    assert problems(waiting) == []


@pytest.mark.parametrize("content", [flags(6, seed=7), flags(5, seed=8), b"", flags(5)])
def test_verify_names_a_commit_that_changes_more_than_its_number(waiting: World, content: bytes) -> None:
    forged(waiting, content)
    told = f"{PATH}: {POINTER}: more was changed than this number to 5"
    assert problems(waiting) == [(waiting.store.head(), told)]


def test_verify_names_a_commit_that_says_apply_and_writes_nothing(waiting: World) -> None:
    forged(waiting, flags(0, seed=7))
    told = f"{PATH}: {POINTER}: 5 was not written"
    assert problems(waiting) == [(waiting.store.head(), told)]


def test_verify_names_another_of_the_tools_commits_that_changes_the_file(waiting: World) -> None:
    forged(waiting, flags(5, seed=7))
    other = waiting.copy()
    other.reconcile()
    results = next(other.store.log(TAU))
    said = CommitMessage(subject=results.subject, body="", trailers=tuple(results.trailers.items()))
    change = {"status.yaml": other.status}
    waiting.store.edit(TAU, change, at=other.now, message=said, others={PATH: flags(88, seed=7)})
    assert problems(waiting) == [(waiting.store.head(), f"{PATH}: results does not write it")]


def test_verify_asks_for_no_number_in_the_state_branch_where_a_pull_request_brings_it() -> None:
    world = adopt(World(), FLAG.model_copy(update={"via": "pull_request"}))
    world.store.edit_other(PATH, flags(0), at=world.now)
    enter_canary(world).reconcile()
    world.store.edit_other(PATH, flags(5), at=world.now)
    world.reconcile()
    assert gate(world).result is Result.SATISFIED
    assert problems(world) == []


def as_applied(world: World) -> CommitMessage:
    return message(
        Event.APPLY, contract=world.state.contract, rollout=world.rollout, status=world.state.status
    )


def alone(world: World, content: bytes) -> str:
    """A person changes the flag file in the tool's name."""
    return world.store.edit("", {}, at=world.now, message=as_applied(world), others={PATH: content})


def test_verify_names_a_commit_in_the_tools_name_that_changes_the_flag_file_alone(waiting: World) -> None:
    waiting.reconcile()
    forgery = alone(waiting, flags(50, seed=7))
    told = f"{PATH}: apply changes nothing else, so it is not reconcile's"
    assert problems(waiting) == [(forgery, told)]


def test_verify_takes_the_merge_of_a_percents_pull_request() -> None:
    world = adopt(World(), FLAG.model_copy(update={"via": "pull_request"}))
    world.store.edit_other(PATH, flags(0), at=world.now)
    enter_canary(world).reconcile()
    alone(world, flags(5))
    adopt(world)
    world.reconcile()
    assert problems(world) == []


def test_verify_names_a_subject_that_lies(waiting: World) -> None:
    forged(waiting, flags(5, seed=7), "rollout(tau): apply 50 %")
    assert [why for _, why in problems(waiting)] == ["the subject says 50 %, recomputed 5 %"]


def test_verify_names_an_apply_that_nothing_asked_for(waiting: World) -> None:
    waiting.reconcile()
    said = CommitMessage(
        subject="rollout(tau): apply 5 %",
        body="",
        trailers=(
            ("Rollout-Train", TAU),
            ("Rollout-Release", VERSION),
            ("Rollout-Phase", "canary-1"),
            ("Rollout-Event", "apply"),
        ),
    )
    at = waiting.now + timedelta(minutes=1)
    status = waiting.status.model_copy(update={"decided_at": at})
    waiting.store.edit(TAU, {"status.yaml": status}, at=waiting.now, message=said)
    assert [why for _, why in problems(waiting)] == [
        "apply records a step that does not follow from the commit before"
    ]
