"""`rollout tick`: collect, perform and reconcile on one machine."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli import reconcile, watching
from rollout.cli.collect import evidence_dir_of, read
from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, command_options
from rollout.cli.perform import PRODUCT_DIR, carry_out


@click.command(cls=Command)
@PRODUCT_DIR
@click.option(
    "--evidence-dir",
    type=FILE,
    metavar="DIR",
    help="Where an incident's evidence is copied to; else nowhere.",
)
@click.option("--watch", is_flag=True, help="Go on at the contract's interval, until Ctrl-C.")
@command_options
def tick(call: Call, product_dir: Path | None, evidence_dir: Path | None, watch: bool) -> None:
    """Collect, perform and reconcile on this machine, once: all that a scheduler has to run.

    Carries out what is pending, reads the surfaces, decides and records it, and carries out what the decision
    asks for. Where no release is under way nothing is read.
    """
    if watch:
        watching.watch(
            call,
            lambda fresh: once(fresh, product_dir, evidence_dir),
            what="tick",
            end="stopped; what was committed stays",
        )
    else:
        once(call, product_dir, evidence_dir)


def once(call: Call, product_dir: Path | None, evidence_dir: Path | None) -> float:
    """Does one tick; returns the seconds between two, as the contract has them."""
    from rollout.commands.tick import tick

    state = call.workspace.load_for_brake(call.named_train)
    copies_to = evidence_dir_of(state.contract, evidence_dir, None)
    product = call.workspace.product(product_dir, copies_to, withheld=state.contract.variables)
    reports = tick(
        state,
        lambda state: carry_out(call, state, product, copies=copies_to is not None),
        lambda state: read(call, state, product),
        lambda evidence: reconcile.decide(call, evidence, dry_run=False),
    )
    interval = reports[-1].state.contract.sampling.interval
    reconcile.answer(call, reports, dry_run=False)
    return interval
