from typing import Any

import pytest

from rollout.core.contract.notes import find_notes
from tests.core.world import contract_of

APPLY: dict[str, Any] = {"command": ["./set-percent", "{percent}"]}
TARGET: dict[str, Any] = {"apply": {"command": ["./apply", "{version}"]}}
HEALTHY = {"kind": "health_state", "is": "healthy"}
UNVALIDATED: list[dict[str, Any]] = [
    {"name": "few", "canary_percent": 5, "soak": "1h", "gates": [HEALTHY]},
    {"name": "all", "canary_percent": 100, "soak": "1h", "gates": [HEALTHY]},
]


@pytest.mark.parametrize(
    ("sections", "notes"),
    [
        ({"apply": APPLY, "rollback": TARGET}, []),
        (
            {"rollback": TARGET},
            ["apply: there is no command, so a person has to bring each percent to the product"],
        ),
        ({"apply": APPLY}, ["rollback.apply: there is no command, so a rollback only records the version"]),
        (
            {"apply": APPLY, "rollback": TARGET, "phases": UNVALIDATED, "signoff": {"items": []}},
            ["phases: no gate is harness or ci_checks, so nothing validates the product after a rollback"],
        ),
    ],
)
def test_what_a_contract_leaves_to_people(sections: dict[str, Any], notes: list[str]) -> None:
    found = find_notes(contract_of(**sections))
    assert len(found) == len(notes)
    assert all(note.startswith(told) for note, told in zip(found, notes, strict=True))
