from typing import Any

import pytest

from rollout.core.contract_check.notes import find_notes
from tests.core.world import contract_of

APPLY: dict[str, Any] = {"command": ["./set-percent", "{percent}"]}
TARGET: dict[str, Any] = {"apply": {"command": ["./apply", "{version}"]}}
HEALTHY = {"kind": "health_state", "is": "healthy"}
UNVALIDATED: list[dict[str, Any]] = [
    {"name": "few", "canary_percent": 5, "soak": "1h", "gates": [HEALTHY]},
    {"name": "all", "canary_percent": 100, "soak": "1h", "gates": [HEALTHY]},
]
CHECKS = {"kind": "ci_checks", "checks": "*"}
SLOW_START: list[dict[str, Any]] = [
    {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [HEALTHY]},
    {"name": "all", "canary_percent": 100, "soak": "1h", "warm_up": "2h", "gates": [HEALTHY, CHECKS]},
]
DOUBTFUL: dict[str, Any] = {
    "surfaces": {
        "web": {
            "adapter": "json",
            "file": "web.json",
            "map": {
                "health_state": "status && 'ok'",
                "health_states": {"ok": "healthy", "unknown": "healthy", "stopped": "healthy"},
                "fields": {"errors": "errors && `0`"},
            },
        }
    },
    "phases": [
        {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [HEALTHY]},
        {"name": "all", "canary_percent": 100, "soak": "1h", "gates": [HEALTHY, CHECKS]},
    ],
}
SHOP: dict[str, Any] = {
    "surfaces": {
        "web": {
            "adapter": "json",
            "file": "web.json",
            "map": {
                "health_state": "status || 'ok'",
                "health_states": {"ok": "healthy", "down": "healthy"},
                "fields": {"celsius": "c"},
            },
        },
        "run": {"adapter": "tau-status", "file": "run.json", "fresh": "phase"},
    },
    "phases": [
        {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [HEALTHY]},
        {"name": "few", "canary_percent": 5, "soak": "1h", "gates": [{**HEALTHY, "surfaces": ["run"]}]},
        {
            "name": "all",
            "canary_percent": 100,
            "soak": "1h",
            "gates": [
                HEALTHY,
                {"kind": "signoff", "before": "complete"},
                {"kind": "ci_checks", "checks": "Smoke [voice]"},
                {"kind": "ratio", "field": "celsius", "over": "headroom", "max": 2},
            ],
        },
    ],
    "triggers": [
        {
            "name": "cold",
            "kind": "threshold",
            "field": "celsius",
            "at_least": -3,
            "actions": ["freeze", "rollback"],
        },
        {
            "name": "worse",
            "kind": "ratio",
            "field": "celsius",
            "over": "headroom",
            "max": 2,
            "phases": ["dark"],
            "actions": ["freeze", "rollback"],
        },
        {"name": "new", "kind": "new_counter", "counters": ["lost"], "actions": ["freeze"]},
    ],
    "signoff": {"items": [{"id": "ok", "section": "S", "title": "T", "before": "complete"}]},
}

VAGUE: list[dict[str, Any]] = [
    {"kind": "equals", "field": "mood", "value": "ok"},
    {"kind": "threshold", "field": "headroom", "min": 0},
    {"kind": "threshold", "name": "far", "field": "headroom", "max": 1e15},
]
CLEAR: list[dict[str, Any]] = [
    {"kind": "threshold", "field": "headroom", "max": 5},
    {"kind": "threshold", "field": "headroom", "min": 1},
    {"kind": "no_new", "counter": "errors"},
    {"kind": "timeline_clean"},
]


def two_phases(*reading: dict[str, Any]) -> dict[str, Any]:
    return {
        "apply": APPLY,
        "rollback": TARGET,
        "phases": [
            {"name": "dark", "canary_percent": 0, "soak": "0s", "gates": [VAGUE[0]]},
            {"name": "few", "canary_percent": 5, "soak": "1h", "gates": [*reading, CHECKS]},
        ],
    }


def test_gates_of_which_nobody_can_tell_whether_they_read_health_are_told() -> None:
    assert find_notes(contract_of(**two_phases(*VAGUE))) == [
        "phases.1.gates: few at 5 % goes by mood, headroom, far alone; if that does not fail when the product"
        " does, add one, such as {kind: health_state}"
    ]
    for clear in CLEAR:
        assert find_notes(contract_of(**two_phases(*VAGUE, clear))) == []


@pytest.mark.parametrize(
    ("sections", "notes"),
    [
        ({"apply": APPLY, "rollback": TARGET}, []),
        *(
            (
                {
                    "apply": {"flag_file": {"path": "f.json", "format": kind, "pointer": at}},
                    "rollback": TARGET,
                },
                [f"apply.flag_file.pointer: {kind} divides such a number by the sum of those beside it"]
                * said,
            )
            for kind, at, said in (
                ("flagd", "/flags/new/targeting/fractional/0/1", 1),
                ("flagd", "/flags/new/variants/percent", 0),
                ("gofeatureflag", "/new/defaultRule/percentage/on", 1),
                ("gofeatureflag", "/new/variations/percentage", 0),
                ("json_pointer", "/new/percentage/on", 0),
            )
        ),
        (
            {"rollback": TARGET},
            ["apply: there is no command, so a person has to bring each percent to the product"],
        ),
        ({"apply": APPLY}, ["rollback.apply: there is no command, so a rollback only records the version"]),
        (
            {"apply": APPLY, "rollback": TARGET, "phases": UNVALIDATED, "signoff": {"items": []}},
            ["phases: no gate is harness or ci_checks, so nothing validates the product after a rollback"],
        ),
        (
            {"apply": {"command": ["deploy", "{percent}", "{zone}", "${HOME}"]}, "rollback": TARGET},
            ["apply.command.2: {zone} is not filled in and reaches the command as it is written"],
        ),
        (
            {"apply": APPLY, "rollback": TARGET, "prepare": {"command": ["make", "V={version}", "{x}"]}},
            ["prepare.command.1: {version} is not filled in here and reaches the command as it is written"],
        ),
        (
            {"apply": APPLY, "rollback": TARGET, "prepare": {"command": ["make", "{versio}", "{Commit}"]}},
            [
                "prepare.command.1: {versio} is not filled in here and reaches the command as it is written",
                "prepare.command.2: {Commit} is not filled in here and reaches the command as it is written",
            ],
        ),
        (
            {"apply": {"command": ["deploy", "--percent={{percent}}"]}, "rollback": TARGET},
            ["apply.command.1: {{percent}} keeps one pair of braces; write {percent}"],
        ),
        (
            {"apply": APPLY, "rollback": TARGET, "phases": SLOW_START},
            ["phases.1.warm_up: 2h is longer than the soak, 1h"],
        ),
        (
            {"apply": APPLY, "rollback": TARGET, **DOUBTFUL},
            [
                "surfaces.web.map.health_states.unknown: is called healthy",
                "surfaces.web.map.health_states.stopped: is called healthy",
                "surfaces.web.map.health_state: status && 'ok' gave \"ok\" for each of",
                "surfaces.web.map.fields.errors: errors && `0` gave 0 for each of",
            ],
        ),
        (
            {"apply": APPLY, "rollback": TARGET, **SHOP},
            [
                "surfaces.web.map.health_states.down: is called healthy",
                "surfaces.web.map.health_state: is healthy too where the product says nothing",
                "triggers.0.at_least: fires at -3 already",
                "triggers.2.actions: what is new stays so in the phase, so after the freeze only a rollback",
                "phases.2.gates: ratio.celsius does not apply in all: at 100 % there is nothing to compare",
                "triggers.1.phases: it watches none in which there is something to compare with",
                "phases.1.soak: only surfaces without a pulse are read, so it is earned as their files",
                "phases.2.gates.2.checks: [voice] is any one of these characters; for brackets write",
            ],
        ),
    ],
)
def test_what_a_contract_leaves_to_people(sections: dict[str, Any], notes: list[str]) -> None:
    found = find_notes(contract_of(**sections))
    assert len(found) == len(notes)
    assert all(note.startswith(told) for note, told in zip(found, notes, strict=True))
