"""`rollout evaluate`: the decision as it would be, touching nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, also_argument, looking_options
from rollout.cli.output import columns, style

if TYPE_CHECKING:
    from rollout.core.observation import Evidence

_VERDICT_CODES = {"hold": 10, "promote": 11, "rollback": 12, "complete": 13}


@click.command(cls=Command)
@click.argument("file", type=FILE, required=False)
@click.option("--observation", type=FILE, metavar="FILE", help="The same as FILE.")
@click.option("--exit-code", is_flag=True, help="Exit 10 hold, 11 promote, 12 rollback, 13 complete.")
@looking_options
def evaluate(call: Call, file: Path | None, observation: Path | None, exit_code: bool) -> int:
    """Explain gates, triggers and decision as they would be now; touches nothing.

    Judges the observation in FILE, else the last one that was recorded.
    """
    from rollout.commands import evaluate

    space = call.workspace
    observation = also_argument("observation", file, observation)
    evidence = _evidence(observation) if observation is not None else None
    state = evaluate.evaluate(space.store, space.forge, space.clock, call.train, evidence)
    status = state.status
    assert status is not None

    def document() -> object:
        from rollout.rendering.documents import evaluate_document

        return evaluate_document(state.rollout, status)

    def text() -> str:
        from rollout.rendering.terminal import decision_view

        return decision_view(
            state.rollout, status, contract=state.contract, now=call.now, columns=columns(), style=style
        )

    call.answer(document, text)
    return _VERDICT_CODES[status.decision.verdict] if exit_code else 0


def _evidence(path: Path) -> Evidence:
    from rollout.files.evidence import read_evidence

    return read_evidence(path)
