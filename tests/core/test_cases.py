"""Every case of tests/core/cases, and that a mistake in a case file does not pass unnoticed."""

import re
from pathlib import Path
from typing import Any

import pytest

from rollout.errors import InputError
from tests.core.case_file import Case, RefusedCaseError, cases_in, read_cases
from tests.core.playing import SAMPLES, differences, in_words, play

CASES = Path(__file__).parent / "cases"


def all_cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        for case in read_cases(path):
            slug = re.sub(r"[^a-z0-9]+", "-", case.case.lower()).strip("-")
            found.append(pytest.param(case, id=f"{path.stem}-{slug}"))
    return found


@pytest.mark.parametrize("case", all_cases())
def test_case(case: Case) -> None:
    world = play(case)
    wrong = differences(world, case.expect)
    if wrong:
        pytest.fail("\n".join([case.case, *wrong, "", in_words(world)]), pytrace=False)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.case for path in CASES.glob("*.yaml") for case in read_cases(path)]
    assert sorted(names) == sorted(set(names))


def test_every_sample_of_the_first_product_is_decided_on() -> None:
    used = set()
    for path in CASES.glob("*.yaml"):
        for case in read_cases(path):
            for words in case.rounds:
                used |= {
                    (name, each.printed) for name, each in words.surfaces.items() if not isinstance(each, str)
                }
                used.add(("harness", getattr(words.harness, "printed", None)))
    moods = {mood: mood for mood in ("healthy", "degraded", "failing")}
    surfaces = ("voice", "dashboard", "custom-command", "memory", "browser-automation")
    runs = {("harness", folder.name) for folder in (SAMPLES / "harness").iterdir()}
    assert {(name, mood) for mood in moods for name in surfaces} | runs <= used


GOOD: dict[str, Any] = {
    "case": "Healthy holds",
    "phase": "canary-1",
    "rounds": [{"after": "10m"}],
    "expect": {"decision": "hold"},
}


def one(**changes: Any) -> list[Any]:
    return [{**GOOD, **changes}]


def test_the_good_case_is_good() -> None:
    (case,) = cases_in(one(), "x.yaml")
    assert differences(play(case), case.expect) == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "must be a list"),
        ([], "must be a list"),
        (["words"], "x.yaml: case 1"),
        (one(frase="canary-1"), "unknown key"),
        (one(phase=None), "phase"),
        (one(rounds=[]), "rounds"),
        (one(rounds=[{"after": "10"}]), "not a duration"),
        (one(rounds=[{"voice": {"health_state": "sick"}}]), "health_state"),
        (one(rounds=[{"voice": {"streak": 1}}]), "unknown key"),
        (one(before={"soak": "1h"}), "unknown key"),
        (one(expect={}), "expects nothing"),
        (one(expect={"desision": "hold"}), "unknown key"),
        (one(expect={"decision": "wait"}), "decision"),
    ],
)
def test_a_mistake_in_a_case_is_refused_with_its_place(data: object, why: str) -> None:
    with pytest.raises(RefusedCaseError, match=re.escape(why)):
        cases_in(data, "x.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "canary-9"},
        {"gates": {"canary-9": [{"kind": "no_trigger"}]}},
        {"gates": {"canary-1": [{"kind": "no_such_gate"}]}},
        {"contract": {"surfaces": {}}},
        {"before": {"signed": ["no-such-item"]}},
        {"rounds": [{"sign": ["no-such-item"]}]},
        {"rounds": [{"vioce": {"health_state": "healthy"}}]},
        {"rounds": [{"edit": {"percent": 5}}]},
        {"rounds": [{"contract": {"phases": []}}]},
    ],
)
def test_a_name_that_the_contract_does_not_have_is_refused(changes: dict[str, Any]) -> None:
    (case,) = cases_in(one(**changes), "x.yaml")
    with pytest.raises(RefusedCaseError):
        play(case)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("- case: a\n  case: b\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"twice.yaml:2"):
        read_cases(path)


@pytest.mark.parametrize(
    "expect",
    [
        {"decision": "promote"},
        {"to": "canary-2"},
        {"reasons": ["frozen"]},
        {"not_reasons": ["soak"]},
        {"gates": {"queue_depth": "satisfied"}},
        {"gates": {"queue_depth": {"voice": "unknown"}}},
        {"gates": {"nothing": "satisfied"}},
        {"seen": {"queue_depth": {"voice": "7"}}},
        {"triggers": {"health-regression": "fired"}},
        {"fired": ["health-regression"]},
        {"soaked": "11m"},
        {"runs": 1},
        {"events": ["decide"]},
        {"last_events": []},
        {"ignored": 1},
        {"phase": "preflight"},
        {"percent": 25},
        {"frozen": "by bob"},
        {"outcome": "complete"},
        {"known_good_lanes": ["voice"]},
        {"asked": ["apply-canary-1-5-1"]},
        {"actions": ["freeze"]},
        {"signed": ["final-approval"]},
        {"not_signed": ["unified-harness"]},
        {"signoff_blocked": True},
        {"current_version": "v9.9.9"},
        {"earliest": "1s"},
    ],
)
def test_every_expectation_can_fail(expect: dict[str, Any]) -> None:
    (case,) = cases_in(one(expect=expect), "x.yaml")
    assert len(differences(play(case), case.expect)) == 1


def test_frozen_can_be_expected_not_to_be() -> None:
    (case,) = cases_in(one(before={"frozen": "stop"}, expect={"frozen": False}), "x.yaml")
    assert len(differences(play(case), case.expect)) == 1
