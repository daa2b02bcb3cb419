"""`rollout perform`: the work that reconcile asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.collect import evidence_dir_of
from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, command_options
from rollout.cli.output import out, progress
from rollout.cli.waiting import waiting

if TYPE_CHECKING:
    from rollout.core.observation import Results
    from rollout.core.state import TrainState
    from rollout.ports import Product

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
"""Of a folder that is not there evidence would be captured for good, and be nothing. Collect says unknown."""
PRODUCT_DIR = click.option(
    "--product-dir", type=FOLDER, metavar="DIR", help="The product's checkout; else the repository."
)


@click.command(cls=Command)
@click.option("--output", "-o", type=FILE, metavar="FILE", help="Where the results go; else standard output.")
@PRODUCT_DIR
@click.option(
    "--evidence-dir",
    type=FILE,
    metavar="DIR",
    help="Where an incident's evidence is copied to; else `evidence` beside --output, else nowhere.",
)
@command_options
def perform(call: Call, output: Path | None, product_dir: Path | None, evidence_dir: Path | None) -> None:
    """Carry out what reconcile asked for: percent, harness, a rollback's steps. Nothing pending is fine."""
    from rollout.files.evidence import check_output, dump_evidence, write_evidence

    check_output(output)
    state = call.workspace.load_for_brake(call.named_train)
    copies_to = evidence_dir_of(state.contract, evidence_dir, output)
    product = call.workspace.product(product_dir, copies_to, withheld=state.contract.variables)
    results = carry_out(call, state, product, copies=copies_to is not None)
    if results is None:
        progress("nothing pending")
        if call.json:
            out("null")
        return
    if output is not None:
        write_evidence(output, results)
    if output is None or call.json:
        out(dump_evidence(results), nl=False)


def carry_out(call: Call, state: TrainState, product: Product, *, copies: bool) -> Results | None:
    """Does what is pending; None when nothing is. `copies`: whether the product's evidence is copied."""
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands import perform

    with stopping_in_order(), waiting("performing", quiet=call.json):
        results = perform.perform(
            state.contract,
            state.rollout,
            state.status,
            product,
            call.workspace.clock,
            progress,
            state.channel,
            copies=copies,
        )
    if results is not None and not copies and any(result.captured for result in results.results):
        wanted = state.contract.rollback.evidence_copies == "always"
        why = "for copies give --evidence-dir DIR" if wanted else "rollback.evidence_copies is never"
        progress(f"note: evidence was read and not copied; {why}")
    return results
