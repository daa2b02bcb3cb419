"""What people may make of a channel, by pull request or by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollout.core.channel.hints import switch
from rollout.core.channel.plan import named, plan
from rollout.core.channel.proposals import why_refused
from rollout.core.state import Channel, ChannelName, Outcome, Rollout
from tests.core.channel.test_guards import quarantine
from tests.core.channel.test_plan import POLICY, STABLE, applied, train
from tests.core.world import START

PLANNED = STABLE.model_copy(
    update={"plan": plan(STABLE, named("v9.0.0"), quarantine=None, policy=POLICY, at=START)}
)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"current_version": "v0.1.5"}, ""),
        ({"current_version": "v0.1.3"}, ""),
        ({"current_version": None}, ""),
        ({"channel": ChannelName.BETA, "current_version": "v0.2.0-rc.1"}, ""),
        ({"current_version": "v3.0.0"}, "major_version_jump_blocked: v3.0.0 is 3 major versions ahead"),
        ({"current_version": "banana"}, "invalid_target_version: the target, banana, is no version"),
        ({"current_version": "v0.2.0-rc.1"}, "stable_prerelease_disallowed: v0.2.0-rc.1 is a prerelease"),
        ({"current_version": "v0.6.6"}, "quarantined_release: v0.6.6 is in quarantine"),
    ],
)
def test_no_version_that_a_guard_blocks(changes: dict[str, Any], why: str) -> None:
    state = train(STABLE, bad=quarantine("v0.6.6"))
    found = why_refused(state, STABLE.model_copy(update=changes))
    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_a_switch_that_leaves_the_version_is_judged_by_it_too() -> None:
    early = STABLE.model_copy(update={"channel": ChannelName.BETA, "current_version": "v0.2.0-rc.1"})
    assert why_refused(train(early), switch(early, ChannelName.STABLE, START)).startswith("stable_prerelease")
    assert why_refused(train(early), switch(early, ChannelName.DEV, START)) == ""


@pytest.mark.parametrize("outcome", [Outcome.IN_PROGRESS, Outcome.ROLLING_BACK])
def test_nothing_during_a_rollout_but_mere_records(outcome: Outcome) -> None:
    state = replace(train(STABLE), rollout=Rollout(train="tau", outcome=outcome))
    busy = f"tau is {outcome.replace('_', ' ')}: its channel must not change"
    assert why_refused(state, applied()) == busy
    assert why_refused(state, switch(STABLE, ChannelName.BETA, START)) == busy
    assert why_refused(state, None) == busy
    assert why_refused(state, PLANNED) == ""


def test_a_train_may_get_its_first_channel() -> None:
    assert why_refused(train(None), Channel(train="tau", current_version="v7.0.0")) == ""
    assert why_refused(train(None), None) == ""
