"""Whether merging a pull request would be legal, as the check on it says."""

from __future__ import annotations

import pytest

from rollout.commands.check import TrainComparison, check
from rollout.core.contract import Product, ThresholdTrigger, Trigger
from rollout.core.files import CONTRACT, ROLLOUT, STATUS
from rollout.core.state import CommitMessage, Freeze
from rollout.errors import ContractError, RefusedError
from tests.world import T0, TAU, World

MERGE = CommitMessage(subject="Merge", body="")
PATHS = [f"state/{TAU}/{ROLLOUT}"]


@pytest.fixture
def world() -> World:
    """The promotion to canary-1 is open."""
    return opened(World())


def opened(world: World) -> World:
    world.start()
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    return world


def judge(
    world: World, paths: list[str] = PATHS, *, merge: str = "", base: str | None = None
) -> list[TrainComparison]:
    """By default the merge of the open promotion is judged, as the forge would make it."""
    if not merge:
        (pull,) = world.forge.open_pulls()
        parents = (world.store.head(), pull.head_sha)
        rollout = world.rollout.model_copy(update={"phase": "canary-1", "canary_percent": 5})
        merge = world.store.make_commit(TAU, {ROLLOUT: rollout}, MERGE, parents=parents, at=world.now)
    return check(world.store, lambda _: world.forge, world.clock, merge, paths, base=base)


def test_the_tools_own_promotion_is_legal(world: World) -> None:
    (checked,) = judge(world)
    assert checked.now is not None
    assert (checked.now.rollout.phase, checked.merged.rollout.phase) == ("preflight", "canary-1")


def test_a_promotion_changes_one_file_alone(world: World) -> None:
    with pytest.raises(RefusedError, match=r"not the promotion as proposed: it also changes README\.md"):
        judge(world, [*PATHS, "README.md"])


def test_a_promotion_changes_its_file_as_the_tool_writes_it(world: World) -> None:
    before = world.store.head()
    merge = merge_of(world, before, phase="canary-1", canary_percent=5)
    assert judge(world, merge=merge, base=before)
    world.store.alterations[merge] = "its rollout.yaml has mode 100755"
    refusal = r"not the promotion as proposed: its rollout\.yaml has mode 100755"
    with pytest.raises(RefusedError, match=refusal):
        judge(world, merge=merge, base=before)
    # A person had written it so on the state branch already: it came with the base.
    world.store.alterations[before] = "its rollout.yaml has mode 100755"
    assert judge(world, merge=merge, base=before)


def test_what_touches_no_state_is_not_looked_at(world: World) -> None:
    assert judge(world, ["src/main.rs", "state/README"]) == []


def test_gates_are_judged_as_of_now(world: World) -> None:
    world.ci("failure", names=("Live smoke gate",))
    with pytest.raises(RefusedError, match=r"the train frozen: .* while ci_checks: Live smoke gate"):
        judge(world)
    world.ci("success", names=("Live smoke gate",))
    assert judge(world)
    world.clock.forward(minutes=31)
    with pytest.raises(RefusedError, match="enters nothing: canary-1 is merged and waits for a reading"):
        judge(world)


def test_ci_that_cannot_be_asked_is_not_green(world: World) -> None:
    world.forge.is_down = True
    with pytest.raises(RefusedError, match="the forge could not be asked"):
        judge(world)


def test_ci_of_another_repository_is_as_reconcile_recorded_it() -> None:
    world = World()
    world.edit_contract(product=Product(repository="acme/product"))
    opened(world).forge.is_down = True
    assert judge(world)
    world.forge.is_down = False
    world.ci("failure", names=("Live smoke gate",))
    world.reconcile()
    world.forge.is_down = True
    with pytest.raises(RefusedError, match="while the decision was hold \\(ci_checks: "):
        judge(world)


def merge_of(world: World, base: str, **changes: object) -> str:
    """A merge of a change of rollout.yaml, made when the state branch was at `base`."""
    rollout = world.store.load(TAU, base).rollout.model_copy(update=changes)
    return world.store.make_commit(TAU, {ROLLOUT: rollout}, MERGE, parents=(base,), at=world.now)


def test_a_merge_that_was_made_before_the_last_observation_is_judged_as_of_now(world: World) -> None:
    base = world.store.head()
    merge = merge_of(world, base, phase="canary-1", canary_percent=5)
    world.tick({"voice": {"fields": {"failure_streak": 0, "last_cycle_failed": 0, "queue_depth": 1}}})
    assert world.store.head() != base
    (checked,) = judge(world, merge=merge, base=base)
    assert checked.merged.rollout.phase == "canary-1"
    world.ci("failure", names=("Live smoke gate",))
    world.tick()
    with pytest.raises(RefusedError, match="while the decision was hold"):
        judge(world, merge=merge, base=base)


def test_an_old_merge_takes_nothing_back(world: World) -> None:
    base = world.store.head()
    merge = merge_of(world, base, phase="canary-1", canary_percent=5)
    world.merge()
    world.reconcile()
    assert judge(world, merge=merge, base=base)[0].merged.rollout == world.rollout
    world.edit(frozen=Freeze(reason="look at it", at=world.now))
    world.reconcile()
    kept = judge(world, merge=merge_of(world, base, canary_percent=0), base=base)[0].merged.rollout
    assert kept == world.rollout
    assert kept.frozen is not None


def test_status_belongs_to_the_tool(world: World) -> None:
    files = {STATUS: world.status.model_copy(update={"decided_at": T0})}
    edited = world.store.make_commit(TAU, files, MERGE, parents=(world.store.head(),), at=world.now)
    with pytest.raises(RefusedError, match=r"status\.yaml is written by the tool alone"):
        judge(world, [f"state/{TAU}/{STATUS}"], merge=edited)


def misspelt(world: World) -> tuple[Trigger, ...]:
    first, *others = world.state.contract.triggers
    trigger = ThresholdTrigger(
        name="queue", kind="threshold", field="queue_dpth", at_least=9, actions=first.actions
    )
    return (trigger, *others)


def test_a_changed_contract_has_to_do_what_it_says(world: World) -> None:
    contract = world.state.contract.model_copy(update={"triggers": misspelt(world)})
    edited = world.store.make_commit(
        TAU, {CONTRACT: contract}, MERGE, parents=(world.store.head(),), at=world.now
    )
    says = r"triggers\.0\.field: no surface reports queue_dpth; did you mean queue_depth\?"
    with pytest.raises(ContractError, match=says):
        judge(world, [f"state/{TAU}/{CONTRACT}"], merge=edited)


def test_a_contract_in_use_is_not_judged_by_rules_that_are_newer(world: World) -> None:
    world.edit_contract(triggers=misspelt(world))
    assert judge(world)
