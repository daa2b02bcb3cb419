"""How a rehearsal of a rollback is told."""

from __future__ import annotations

from rollout.core.rehearsed import Rehearsed
from rollout.core.state import StepState
from rollout.rendering.gates import Style
from rollout.rendering.inert import line

_MARKS = {StepState.DONE: "\u2713", StepState.SKIPPED: "-"}


def rehearsal_view(rehearsed: Rehearsed, commit: str | None, *, style: Style) -> str:
    """What became of each step, and whether it was recorded."""
    rows = [
        f"  {_MARKS.get(step.state, '!')} {step.step.replace('_', ' '):<17} {line(step.result)}".rstrip()
        for step in rehearsed.steps
    ]
    release, target = line(rehearsed.release), line(rehearsed.target) or "nowhere"
    head = f"rehearsed on a scratch copy: {release} back to {target}"
    end = "nothing outside was touched"
    if rehearsed.passed:
        end += f"; recorded ({commit[:10]})" if commit else "; not recorded"
    return "\n".join([style(head, bold=True), *rows, "", end])


def rehearsal_document(train: str, rehearsed: Rehearsed, commit: str | None) -> dict[str, object]:
    """`rollout rehearse --json`."""
    return {
        "train": train,
        "release": rehearsed.release,
        "target": rehearsed.target or None,
        "passed": rehearsed.passed,
        "steps": [
            {"step": step.step, "state": step.state, "result": step.result} for step in rehearsed.steps
        ],
        "commit": commit,
    }
