"""`rollout collect`: the surfaces' health as an observation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import FILE, Call, command_options
from rollout.cli.output import out, progress, show, style, warn
from rollout.cli.waiting import waiting
from rollout.errors import InputError, RolloutError

if TYPE_CHECKING:
    from rollout.commands.measuring import Measuring
    from rollout.commands.preparing import Progress
    from rollout.core.contract import Contract
    from rollout.core.observation import Observation
    from rollout.core.state import Channel, TrainState
    from rollout.ports import Product

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
    "--harness", is_flag=True, help="Read the harness report, and no surface but those of --surface."
)
@click.option(
    "--evidence-dir",
    type=FILE,
    metavar="DIR",
    help="Where the output of a command that fails is kept; else `evidence` beside --output, else nowhere.",
)
@click.option("--try", "is_try", is_flag=True, help="Only show what came: needs no rollout, records nothing.")
@command_options
def collect(
    call: Call,
    surfaces: tuple[str, ...],
    output: Path | None,
    product_dir: Path | None,
    round_id: str | None,
    runner: str | None,
    harness: bool,
    evidence_dir: Path | None,
    is_try: bool,
) -> None:
    """Read the surfaces and the harness report into an observation.

    --output writes it to a file for `reconcile`, --json prints it; else a summary is shown.
    """
    if is_try:
        if output is not None:
            raise InputError("--try records nothing, so it has no --output", hint="leave one of them out")
        _try_out(call, product_dir, surfaces)
        return
    from rollout.files.evidence import check_output, dump_evidence, write_evidence

    check_output(output)
    state = call.workspace.load_for_brake(call.named_train)
    copies_to = evidence_dir_of(state.contract, evidence_dir, output)
    product = call.workspace.product(product_dir, copies_to, withheld=state.contract.variables)
    is_summary = output is None and not call.json
    observation = read(
        call,
        state,
        product,
        surfaces=surfaces if surfaces or harness else None,
        round_id=round_id,
        runner=runner,
        tell=_hush if is_summary else progress,
    )
    if output is not None:
        write_evidence(output, observation)
    if call.json:
        out(dump_evidence(observation), nl=False)
    elif is_summary:
        from rollout.rendering.readings import NOT_KEPT, observation_view

        show(observation_view(observation, state.contract.surfaces, now=call.now, style=style))
        progress(NOT_KEPT)


def _hush(_line: str) -> None:
    """Reports no progress, for a command that shows all of it at the end."""


def _try_out(call: Call, product_dir: Path | None, surfaces: tuple[str, ...]) -> None:
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands.collect import try_out
    from rollout.rendering.readings import NOT_RECORDED, try_document, try_view

    space = call.workspace
    file, contract = _contract_at_hand(call)
    reading = f"reading {', '.join(surfaces or contract.surfaces)}"
    with stopping_in_order(), waiting(reading, quiet=call.json):
        tried = try_out(
            contract,
            space.product(product_dir, withheld=contract.variables),
            space.clock,
            surfaces=surfaces or None,
            workers=WORKERS,
            progress=progress if call.json else _hush,
            measuring=_measuring_before(call, contract),
        )
    call.answer(
        lambda: try_document(contract, tried.samples, tried.queries),
        lambda: try_view(file, tried.samples, tried.harness, tried.queries, now=call.now, style=style),
    )
    progress(NOT_RECORDED)


def _measuring_before(call: Call, contract: Contract) -> Measuring | None:
    """Returns what measures the contract's metrics, with the placeholders of whatever is rolled out now."""
    if not contract.measures:
        return None
    try:
        state = call.workspace.load_for_brake(contract.train)
    except RolloutError:  # `init` may have written it, and nobody committed it yet
        return call.workspace.measuring(contract, None, _channel_at_hand(call, contract.train))
    return call.workspace.measuring(contract, state.rollout, state.channel)


def _channel_at_hand(call: Call, train: str) -> Channel | None:
    from rollout.core.files import CHANNEL, state_path
    from rollout.core.state import Channel
    from rollout.files.state_files import read_model

    worktree, file = call.workspace.worktree, state_path(train, CHANNEL)
    return read_model(Channel, worktree.read(file), file) if worktree.exists(file) else None


def _contract_at_hand(call: Call) -> tuple[str, Contract]:
    """Returns the worktree's contract and its file, committed or not;
    where it has none, the state branch's.
    """
    from rollout.core.files import CONTRACT, state_path
    from rollout.files.state_files import read_contract

    worktree, named = call.workspace.worktree, call.named_train
    files = [file for file in worktree.contracts() if named in (None, file.split("/")[1])]
    if len(files) == 1:
        return files[0], read_contract(worktree.read(files[0]), files[0])[0]
    state = call.workspace.load_for_brake(named)
    return state_path(state.train, CONTRACT), state.contract


def read(
    call: Call,
    state: TrainState,
    product: Product,
    *,
    surfaces: Sequence[str] | None = None,
    round_id: str | None = None,
    runner: str | None = None,
    tell: Progress = progress,
) -> Observation:
    """Reads surfaces of the train, None for all of them, and tells of those that are unknown."""
    from rollout.cli.stopping import stopping_in_order
    from rollout.commands import collect

    names = state.contract.surfaces if surfaces is None else surfaces
    with stopping_in_order(), waiting(f"reading {', '.join(names) or 'the harness'}", quiet=call.json):
        observation = collect.collect(
            state.contract,
            state.contract_digest,
            state.rollout,
            state.status,
            product,
            call.workspace.clock,
            surfaces=surfaces,
            round_id=round_id,
            workers=WORKERS,
            progress=tell,
            runner=runner,
            measuring=call.workspace.measuring(state.contract, state.rollout, state.channel),
        )
    for name, sample in observation.samples.items():
        if sample.unknown:
            warn(sample.unknown, title=f"{name} is unknown")
        for query, measurement in sample.measurements.items():
            if measurement.unknown and not sample.unknown:
                warn(measurement.unknown, title=f"{name}.{query} is unknown")
    return observation


def evidence_dir_of(contract: Contract, named: Path | None, output: Path | None) -> Path | None:
    """Returns where copies go; None where there are to be none."""
    if contract.rollback.evidence_copies == "never":
        return None
    return named or (output.parent / "evidence" if output is not None else None)
