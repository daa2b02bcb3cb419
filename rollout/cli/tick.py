"""`rollout tick`: collect, perform and reconcile on one machine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from rollout.cli import reconcile
from rollout.cli.boundary import tell_error
from rollout.cli.collect import evidence_dir_of, read
from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, command_options
from rollout.cli.output import progress
from rollout.cli.perform import PRODUCT_DIR, carry_out
from rollout.errors import InputError


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
        _watch(call, product_dir, evidence_dir)
    else:
        once(call, product_dir, evidence_dir)


def once(call: Call, product_dir: Path | None, evidence_dir: Path | None) -> float:
    """Does one tick; returns the seconds between two, as the contract has them."""
    from rollout.commands.tick import tick

    state = call.workspace.load_for_brake(call.named_train)
    copies_to = evidence_dir_of(state.contract, evidence_dir, None)
    product = call.workspace.product(product_dir, copies_to)
    reports = tick(
        state,
        lambda state: carry_out(call, state, product, copies=copies_to is not None),
        lambda state: read(call, state, product),
        lambda evidence: reconcile.decide(call, evidence, dry_run=False),
    )
    interval = reports[-1].state.contract.sampling.interval
    reconcile.answer(call, reports, dry_run=False)
    return interval


def _watch(call: Call, product_dir: Path | None, evidence_dir: Path | None) -> None:
    from rollout.adapters.clock import SystemClock
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands.tick import watch
    from rollout.rendering.gates import clock_time

    clock = call.workspace.clock
    if not isinstance(clock, SystemClock):
        raise InputError("--watch goes by the clock, which --now stops", hint="leave one of them out")

    def again() -> float:
        with call.again() as fresh:
            return once(fresh, product_dir, evidence_dir)

    def waits(until: datetime) -> None:
        progress(f"next tick at {clock_time(until, clock.now())}; Ctrl-C ends it")

    with stopping_in_order():
        watch(clock, again, failed=tell_error, waits=waits)
    progress("stopped; what was committed stays")
