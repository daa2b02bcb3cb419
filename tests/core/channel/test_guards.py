"""The table of plans, row by row, and what is not in it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.channel.guards import judge, judge_rollback, quarantined
from rollout.core.state import Act, ChannelAction, ChannelName, GuardCode, Quarantine, QuarantinedRelease
from rollout.files.yaml_text import load_yaml
from tests.core.world import COMMIT, START

TABLE = Path(__file__).parents[1] / "cases" / "channel" / "plans.yaml"
KEYS = {"channel", "current", "target", "action", "code", "reason"}


def rows() -> list[dict[str, Any]]:
    found = load_yaml(TABLE.read_bytes(), file=TABLE.name)
    assert isinstance(found, list)
    return found


def name(row: dict[str, Any]) -> str:
    more = [f"{key}-{row[key]}" for key in ("quarantined", "most") if key in row]
    return "-".join([row["channel"], str(row["current"]), str(row["target"]), *more])


def quarantine(*versions: str) -> Quarantine:
    releases = (
        QuarantinedRelease(commit=COMMIT, version=version, incident="bad", at=START) for version in versions
    )
    return Quarantine(train="tau", releases=tuple(releases))


@pytest.mark.parametrize("row", rows(), ids=name)
def test_the_table(row: dict[str, Any]) -> None:
    assert set(row) >= KEYS
    found = judge(
        ChannelName(row["channel"]),
        row["current"],
        row["target"],
        standing=quarantined(quarantine(*row.get("quarantined", ()))),
        max_major_jump=row.get("most", 1),
    )
    assert (found.action, found.code, found.reason) == (row["action"], row["code"], row["reason"])
    assert found.blocked == (row["action"] == "blocked")


def test_the_table_shows_each_guard_on_its_own() -> None:
    assert {row["code"] for row in rows()} == set(GuardCode)
    assert {row["action"] for row in rows()} == set(ChannelAction) - {ChannelAction.ROLLBACK}


def test_what_a_person_lifted_may_be_chosen_again_until_it_fails_again() -> None:
    lift = Act(by="alice", at=START, reason="a flaky probe")
    first = quarantine("v0.1.5").releases[0].model_copy(update={"lifted": lift})
    assert quarantined(Quarantine(train="tau", releases=(first,))) == {}
    again = first.model_copy(update={"lifted": None, "incident": "worse", "at": START + timedelta(days=1)})
    assert quarantined(Quarantine(train="tau", releases=(first, again))) == {
        "0.1.5": "is in quarantine since incident worse"
    }
    assert quarantined(None) == {}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("v0.1.4", GuardCode.OK),
        ("v9.0.0-rc.1", GuardCode.OK),
        ("banana", GuardCode.INVALID_TARGET_VERSION),
        ("v0.1.5", GuardCode.QUARANTINED_RELEASE),
    ],
)
def test_a_rollback_may_go_back_any_way_but_not_to_what_is_in_quarantine(
    target: str, code: GuardCode
) -> None:
    found = judge_rollback(target, {"0.1.5": "is in quarantine since incident bad"})
    assert found.code is code
    assert found.action is (ChannelAction.ROLLBACK if code is GuardCode.OK else ChannelAction.BLOCKED)


@given(
    st.sampled_from(ChannelName),
    st.one_of(st.none(), st.text(max_size=30), st.sampled_from(["v0.1.4", "1.0.0-rc.1"])),
    st.one_of(st.none(), st.text(max_size=30), st.from_regex(r"v?\d{1,3}\.\d\.\d(-\w+)?", fullmatch=True)),
)
def test_whatever_is_there_it_is_judged(
    channel: ChannelName, current: str | None, target: str | None
) -> None:
    found = judge(channel, current, target, standing={}, max_major_jump=1)
    assert found.blocked == (found.code is not GuardCode.OK)
    assert found.reason
