"""`rollout contract`: check a contract, or print its JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollout.cli.help import Group
from rollout.cli.options import Call, local_options
from rollout.cli.output import out, progress, warn

if TYPE_CHECKING:
    from rollout.ports import Worktree


@click.group(cls=Group, no_args_is_help=False)
def contract() -> None:
    """The contract: the policy that people write."""


@contract.command("check")
@local_options
def contract_check(call: Call) -> None:
    """List every mistake of the worktree's contracts as `file: field: message`.

    What a good contract leaves to people is a note, and no mistake.
    """
    from rollout.commands.contract import check_contracts, contract_notes, schema_notes
    from rollout.files.state_files import read_contract

    space = call.workspace
    worktree: Worktree = space.worktree
    if not worktree.contracts() and space.git.tip(space.branch):
        worktree = space.branch_files(space.branch)
    files = check_contracts(
        worktree, read_contract, call.named_train, space.flags_on_branches, space.git.why_uncommittable
    )
    notes = (
        *contract_notes(worktree, read_contract, files, call.workspace.has_branch),
        *schema_notes(worktree),
    )
    for note in notes:
        progress(f"note: {note}")
        warn(note)
    call.answer(
        lambda: {"good": list(files), "notes": list(notes)},
        lambda: "\n".join(f"{file}: good" for file in files),
    )


@contract.command("schema")
@local_options
def contract_schema(_call: Call) -> None:
    """Print the contract's JSON Schema, for editors."""
    from rollout.commands.contract_schema import schema_text

    out(schema_text(), nl=False)
