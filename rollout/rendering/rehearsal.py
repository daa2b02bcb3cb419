"""How a rehearsal of a rollback is told."""

from __future__ import annotations

from rollout.core.rollback.rehearsal import RehearsalOutcome
from rollout.core.state import StepState
from rollout.rendering.gates import Style, no_style
from rollout.rendering.inert import line, text

_MARKS = {StepState.DONE: "\u2713", StepState.SKIPPED: "-"}


def rehearsal_view(rehearsed: RehearsalOutcome, commit: str | None, *, style: Style) -> str:
    """Returns what became of each step, and whether it was recorded."""
    rows = [
        f"  {_MARKS.get(step.state, '!')} {step.step.label:<17} {line(step.result)}".rstrip()
        for step in rehearsed.steps
    ]
    target = f"back to {line(rehearsed.target)}" if rehearsed.target else "by its revert alone"
    head = f"rehearsed on a scratch copy: {line(rehearsed.release)} {target}"
    end = "nothing outside was touched"
    if rehearsed.passed:
        end += f"; recorded ({commit[:10]})" if commit else "; not recorded"
    return "\n".join([style(head, bold=True), *rows, "", end])


def why_stuck(rehearsed: RehearsalOutcome) -> str:
    """Returns where a rehearsal that did not pass would need a person, or what it lacks, on one line."""
    stuck = rehearsed.stuck
    if rehearsed.tip is not None and stuck is None:
        return f"a rollback of {rehearsed.release} would end unvalidated: {rehearsed.unvalidated}"
    where = f"{stuck.step.label}: {stuck.result}" if stuck else "the product has no branch"
    return f"a rollback of {rehearsed.release} would need a person: {where}"


def rehearsal_summary(rehearsed: RehearsalOutcome, commit: str | None) -> str:
    """Returns markdown for GITHUB_STEP_SUMMARY; its first line says whether a person would be needed."""
    went_through = f"a rollback of {rehearsed.release} would go through"
    first = went_through if rehearsed.passed else why_stuck(rehearsed)
    # Indented lines are code: nothing in them is markup, and nothing can end them.
    told = rehearsal_view(rehearsed, commit, style=no_style).splitlines()
    return "\n".join([f"**{text(first)}**", "", *(f"    {each}".rstrip() for each in told)])


def rehearsal_document(train: str, rehearsed: RehearsalOutcome, commit: str | None) -> dict[str, object]:
    """Returns the document of `rollout rehearse --json`."""
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
