"""Commands for the beginning: init, contract check and schema, demo."""

from __future__ import annotations

from pathlib import Path

import click

from rollout.cli.common import Call, command_options
from rollout.cli.output import columns, out


@click.command()
@click.option(
    "--profile", required=True, type=click.Choice(["tau", "generic"]), help="Which contract to begin with."
)
@click.option(
    "--channel", default="stable", type=click.Choice(["stable", "beta", "dev"]), help="The release channel."
)
@click.option("--current-version", metavar="V", help="What users run now; else the newest version tag.")
@command_options
def init(call: Call, profile: str, channel: str, current_version: str | None) -> None:
    """Write a contract and the first state into the worktree, for you to look at and commit."""
    from rollout.adapters.resources import profile_text
    from rollout.adapters.yaml_text import dump_yaml
    from rollout.commands.init import Wishes
    from rollout.commands.init import init as write

    wishes = Wishes(call.named_train, channel, current_version, call.workspace.named_state_branch)
    written = write(call.workspace.worktree, profile_text(profile), dump_yaml, wishes)
    call.answer(
        lambda: {
            "train": written.train,
            "current_version": written.current_version,
            "files": list(written.files),
        },
        lambda: written.text,
    )


@click.group(no_args_is_help=False)
def contract() -> None:
    """The contract: the policy that people write."""


@contract.command("check")
@command_options
def contract_check(call: Call) -> None:
    """List every mistake of the worktree's contracts as `file: field: message`."""
    from rollout.adapters.yaml_store import read_contract
    from rollout.commands.contract import check_contracts

    files = check_contracts(call.workspace.worktree, read_contract, call.named_train)
    call.answer(lambda: {"good": list(files)}, lambda: "\n".join(f"{file}: good" for file in files))


@contract.command("schema")
@command_options
def contract_schema(_call: Call) -> None:
    """Print the contract's JSON Schema, for editors."""
    import json

    from rollout.commands.contract_schema import contract_schema as schema

    out(json.dumps(schema(), indent=2))


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where the repository goes; else a new folder.",
)
def demo(output: Path | None) -> None:
    """Watch a good release reach everybody and a bad one stop, on a simulated clock."""
    from rollout.demo import tell

    tell(output, out, columns())
