"""Contracts: what they leave to people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollout.core.doctor.facts import TrainFacts, World
from rollout.core.doctor.finding import Finding, warning


def contracts(world: World) -> Iterator[Finding]:
    """Yields what somebody has to do by hand because a contract has no command for it."""
    yield from left_to_people(world.trains)


def evidence(world: World) -> Iterator[Finding]:
    """Yields whether anybody can read what an incident leaves."""
    public = [train.name for train in world.trains if train.copies_evidence and not world.settings.private]
    if public:
        says = "the repository is public: anybody can download the evidence of an incident of"
        yield warning("evidence", f"{says} {', '.join(public)}", _NO_COPIES)


def left_to_people(trains: Sequence[TrainFacts]) -> Iterator[Finding]:
    for train in trains:
        for note in train.notes:
            yield warning(
                "contract", f"{train.name}: {note}", _fix(note, f"state/{train.name}/contract.yaml")
            )


def _fix(note: str, file: str) -> str:
    field = note.split(":", 1)[0]
    if field == "phases":
        return _ADD_GATE
    if field.endswith("apply"):
        return f"add {field} to {file}, or do it by hand"
    return f"change it in {file}, unless it is meant so"


_NO_COPIES = (
    "if it must not be public: name less in rollback.evidence, or set rollback.evidence_copies: never,"
    " which keeps the digests alone"
)
_ADD_GATE = "add a harness or ci_checks gate to a phase"
