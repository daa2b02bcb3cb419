"""`rollout collect`: the surfaces' health as an observation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, command_options
from rollout.cli.output import out, progress, warn

if TYPE_CHECKING:
    from rollout.core.contract import Contract

WORKERS = 8


@click.command(cls=Command)
@click.option("--surface", "surfaces", multiple=True, metavar="S", help="Only this one; may be given again.")
@click.option("--output", "-o", type=FILE, metavar="FILE", help="Where the observation goes.")
@click.option("--product-dir", type=FILE, metavar="DIR", help="The product's checkout; else the repository.")
@click.option("--round", "round_id", metavar="ID", help="Files of one round are merged by reconcile.")
@click.option(
    "--runner", metavar="LABEL", help="This machine's, where others read the rest: that stays as it was read."
)
@click.option(
    "--evidence-dir",
    type=FILE,
    metavar="DIR",
    help="Where the output of a command that fails is kept; else `evidence` beside --output, else nowhere.",
)
@command_options
def collect(
    call: Call,
    surfaces: tuple[str, ...],
    output: Path | None,
    product_dir: Path | None,
    round_id: str | None,
    runner: str | None,
    evidence_dir: Path | None,
) -> None:
    """Read the surfaces and the harness report into an observation."""
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands import collect
    from rollout.files.evidence import check_output, dump_evidence, write_evidence

    check_output(output)
    state = call.workspace.load_for_brake(call.named_train)
    with stopping_in_order():
        observation = collect.collect(
            state.contract,
            state.contract_digest,
            state.rollout,
            state.status,
            call.workspace.product(product_dir, evidence_dir_of(state.contract, evidence_dir, output)),
            call.workspace.clock,
            surfaces=surfaces or None,
            round_id=round_id,
            workers=WORKERS,
            progress=progress,
            runner=runner,
        )
    for name, sample in observation.samples.items():
        if sample.unknown:
            warn(sample.unknown, title=f"{name} is unknown")
    if output is not None:
        write_evidence(output, observation)
    if output is None or call.json:
        out(dump_evidence(observation), nl=False)


def evidence_dir_of(contract: Contract, named: Path | None, output: Path | None) -> Path | None:
    """Where copies go; None where there are to be none."""
    if contract.rollback.evidence_copies == "never":
        return None
    return named or (output.parent / "evidence" if output is not None else None)
