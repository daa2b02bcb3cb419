"""What was only recorded is told so: no text says that a percent or a version reached the product."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.adapters.resources import templates_dir
from rollout.core.effects import CloseIssue
from rollout.core.rollback.effects import plan_issue
from rollout.core.state import Event, StepState, TrainState
from rollout.rendering.commits import message
from rollout.rendering.incident import incident_body, revert_body
from rollout.rendering.rollback import next_steps
from rollout.rendering.terminal import status_view
from tests.core.world import World, contract_of, run, tau
from tests.fakes.issues import shown_issue

APPLY = {"command": ["./set-percent", "{percent}"]}
FLAGS = {"flag_file": {"path": "flags.json", "format": "flagd", "pointer": "/percent"}}
APPLY_TARGET = {"command": ["./apply", "{version}"]}
WITHOUT_GATES: dict[str, Any] = {
    "phases": [
        {
            "name": "preflight",
            "canary_percent": 0,
            "soak": {"runs": 1},
            "gates": [{"kind": "health_state", "is": "healthy"}],
        },
        {
            "name": "canary-2",
            "canary_percent": 100,
            "soak": "60m",
            "gates": [{"kind": "health_state", "is": "healthy"}],
        },
    ],
    "signoff": {"items": []},
    "triggers": [each for each in tau()["triggers"] if each["name"] == "failure-streak-breach"],
}


def frozen(**sections: Any) -> World:
    """A rollback that a trigger has begun, of a release in canary-2."""
    rollback = {"evidence": [], **sections.pop("rollback", {})}
    world = World(contract_of(rollback=rollback, **sections)).reach("canary-2").soak(600).wait(minutes=10)
    return world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})


def over(world: World) -> World:
    """The same once the branch lacks the release and everything is green."""
    from tests.core.world import CHECKOUTS, REVERTS

    world.revert, world.checkout = REVERTS["landed"], CHECKOUTS["reverted"]
    world.wait(minutes=1).perform().offer()
    world.run = run(world.now)
    world.wait(minutes=1).observe()
    assert world.rollout.outcome == "rolled_back"
    return world


def train(world: World) -> TrainState:
    return replace(world.state, incident=world.incident)


def status(world: World) -> str:
    return status_view(train(world), now=world.now, pull_request=None, columns=200)


def issue(world: World) -> str:
    template = (templates_dir() / "incident.md.j2").read_text(encoding="utf-8")
    return incident_body(template, train(world))


def step_four(text: str) -> str:
    return next(line for line in text.splitlines() if "4 apply target" in line)


NOBODY = "0 % is recorded, and rollout has not applied it: the contract has no apply command"


@pytest.mark.parametrize(
    ("apply", "performed", "told", "to_do"),
    [
        (None, None, NOBODY, "bring the product to 0 % by hand: the contract has no apply command"),
        (APPLY, None, "0 % is not applied yet", "(0 % is not applied yet)"),
        (APPLY, True, "0 % was applied at ", ""),
        (
            APPLY,
            False,
            "0 % is not applied: the apply command failed",
            "bring the product to 0 % by hand: the apply command failed: exit 1",
        ),
        (FLAGS, None, "0 % is not applied yet", ""),
        (FLAGS, True, "0 % was applied at ", ""),
        (
            FLAGS,
            False,
            "0 % is not applied yet: exit 1",
            "set flags.json: /percent to 0 by hand, or fix what stopped reconcile: exit 1",
        ),
    ],
)
def test_the_percent_of_a_rollback_is_what_was_applied(
    apply: dict[str, Any] | None, performed: bool | None, told: str, to_do: str
) -> None:
    world = frozen(apply=apply)
    for _ in range(0 if performed is None else 4):
        world.perform(ok=performed is True)
    assert told in status(world)
    assert to_do or told in issue(world), "the to-do says it too"
    for text in (status(world), issue(world)):
        assert to_do[1:] in text
        assert "at 0 %" not in text
        assert "canary-2 0 %" not in text


def test_a_freeze_that_holds_the_percent_has_nothing_to_apply() -> None:
    world = frozen(rollback={"canary_percent": "hold"})
    assert "%" not in issue(world)
    assert not any("%" in line for line in next_steps(train(world), ""))


@pytest.mark.parametrize(("apply", "is_applied"), [(None, False), (APPLY_TARGET, True)])
def test_the_target_is_ticked_once_the_product_s_own_command_has_run(
    apply: dict[str, Any] | None, is_applied: bool
) -> None:
    world = over(frozen(rollback={"apply": apply}))
    for text in (status(world), issue(world)):
        assert ("✓" in step_four(text)) is is_applied
        by_hand = "ring v0.1.4 to where the product runs by hand: the contract has no rollback.apply command"
        assert (by_hand in text) is not is_applied
    assert ("was rolled back to v0.1.4 on stable" in issue(world)) is is_applied
    commit = message(
        Event.ROLLED_BACK,
        contract=world.contract,
        rollout=world.rollout,
        status=world.status,
        incident=world.incident,
    )
    assert commit.subject.endswith("rolled back v0.1.5 to v0.1.4" if is_applied else "rolled back v0.1.5")


@pytest.mark.parametrize(
    ("sections", "was_validated"), [({}, True), (WITHOUT_GATES, False)], ids=["gates", "none"]
)
def test_validated_is_only_what_harness_or_ci_judged(sections: dict[str, Any], was_validated: bool) -> None:
    world = frozen(**sections)
    promise = "waits until the branch is validated anew" in revert_body(train(world))
    assert promise is was_validated
    over(world)
    assert ("✓ 6 validate again" in status(world)) is was_validated
    assert ("What is there now was validated" in issue(world)) is was_validated
    assert ("Nothing was validated" in issue(world)) is not was_validated
    last = [one for one in plan_issue(train(world), shown_issue(), "", "") if isinstance(one, CloseIssue)]
    assert ("validated anew" in last[0].reason) is was_validated


def test_an_incident_of_the_first_rules_was_not_validated_either() -> None:
    world = over(frozen(**WITHOUT_GATES))
    assert world.incident is not None
    steps = (*world.incident.steps[:5], world.incident.steps[5].model_copy(update={"state": StepState.DONE}))
    world.incident = world.incident.model_copy(update={"steps": steps})
    assert "Nothing was validated" in issue(world)


def test_without_a_target_a_person_is_told_what_to_name() -> None:
    world = World(contract_of(rollback={"evidence": []})).reach("canary-2")
    world.dispatch(target="0.1.5").offer()
    assert "back to" not in issue(world).split("### To do")[0]
    to_do = next_steps(train(world), "")
    assert any("rollout rollback --target VERSION --reason WHY" in line for line in to_do)
    over(world)
    to_do = next_steps(train(world), "")
    assert any("no version was recorded to go back to" in line for line in to_do)
