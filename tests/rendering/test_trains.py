"""`list`: every train in a line."""

from __future__ import annotations

from datetime import datetime

from rollout.core.state import Freeze, Outcome, TrainState
from rollout.rendering.trains import Row, advice, list_document, list_view
from tests import builders as build
from tests.rendering.goldens import check_golden

NOW: datetime = build.NOW


def row(name: str, state: TrainState, pull_request: int | None = None) -> Row:
    told = advice(
        state, now=NOW, pull_request=pull_request, how_to_merge=lambda number: f"rollout local merge {number}"
    )
    return name, state, told


FROZEN = build.rollout("canary-2").model_copy(update={"frozen": Freeze(reason="flu", at=NOW)})
ROWS = [
    row("api", build.train(build.rollout("canary-2"), build.status(decision=build.promote())), 7),
    row("docs", build.train(build.idle(), None)),
    row("shop", build.train(FROZEN, build.status())),
    row("web", build.train(build.rollout(outcome=Outcome.ROLLED_BACK), build.status())),
    ("worker", None, ["fix state/worker/rollout.yaml: not YAML; take it back: git checkout abc -- state"]),
]


def test_each_train_has_a_line_that_ends_with_what_is_to_do() -> None:
    check_golden("list.txt", list_view(ROWS, now=NOW))
    assert list_view([], now=NOW) == "no train needs anybody"


def test_the_document_names_only_what_needs_a_person() -> None:
    api, docs, shop, _, worker = list_document(ROWS, now=NOW)
    assert api == {
        "train": "api",
        "release": "v0.1.5",
        "phase": "canary-2",
        "canary_percent": 25,
        "outcome": "in_progress",
        "frozen": None,
        "todo": ["merge pull request #7 to go to canary-3: rollout local merge 7"],
    }
    assert (docs["release"], docs["outcome"], docs["todo"]) == (None, "idle", [])
    assert shop["frozen"] == {"reason": "flu", "at": "2026-11-23T14:00:00Z"}
    assert (worker["outcome"], worker["todo"]) == (None, ROWS[4][2])
