"""Commands for the beginning: init, contract check and schema, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import click

from rollout.cli.common import Call, command_options
from rollout.cli.output import columns, out, progress, warn
from rollout.errors import InputError

if TYPE_CHECKING:
    from rollout.commands.workflows import Workflows


@click.command()
@click.option("--profile", type=click.Choice(["tau", "generic"]), help="Which contract to begin with.")
@click.option(
    "--channel", default="stable", type=click.Choice(["stable", "beta", "dev"]), help="The release channel."
)
@click.option("--current-version", metavar="V", help="What users run now; else the newest version tag.")
@click.option(
    "--action",
    metavar="OWNER/REPO@SHA",
    help="The rollout that workflows call; else the commit that this program was installed from.",
)
@click.option(
    "--workflows", "workflows_only", is_flag=True, help="Write the workflows that are missing, alone."
)
@command_options
def init(
    call: Call,
    profile: str | None,
    channel: str,
    current_version: str | None,
    action: str | None,
    workflows_only: bool,
) -> None:
    """Write a contract, the first state and the workflows into the worktree, for you to look at and commit.

    On a train that exists and does not know its version, --current-version records the version alone.

    Workflows are written when --action or --workflows asks for them, or when the repository has a remote on
    GitHub and the commit that this program was installed from is there too.
    """
    from rollout.adapters.resources import profile_text
    from rollout.adapters.yaml_text import dump_yaml
    from rollout.commands.init import Wishes, train_of
    from rollout.commands.init import init as write
    from rollout.commands.workflows import install_workflows

    worktree = call.workspace.worktree
    if workflows_only:
        installed = install_workflows(worktree, _workflows(call, action, asked=True))
        call.answer(lambda: installed.document, lambda: installed.text)
        return
    space = call.workspace
    wishes = Wishes(
        call.named_train, channel, current_version, space.named_state_branch, space.product_branch_here()
    )
    if current_version is not None:
        name = train_of(profile_text(profile), wishes) if profile else call.named_train
        train = call.workspace.existing_train(name)
        if train is not None:
            _record_version(call, train, current_version)
            return
    if profile is None:
        raise InputError("--profile is required", hint="--profile generic, or --profile tau")
    workflows = _workflows(call, action, asked=False)
    written = write(worktree, profile_text(profile), dump_yaml, wishes, workflows)
    call.answer(
        lambda: {
            "train": written.train,
            "current_version": written.current_version,
            "files": list(written.files),
            **({"workflows": written.installed.document} if written.installed else {}),
        },
        lambda: written.text,
    )


def _record_version(call: Call, train: str, version: str) -> None:
    """Of a train that exists."""
    from rollout.commands.init import record_current_version

    changed = record_current_version(call.workspace.store, call.workspace.clock, train, version)
    call.answer(
        lambda: {
            "train": train,
            "current_version": version,
            "files": [],
            "commit": changed.commit,
            "changed": changed.commit is not None,
        },
        lambda: (
            f"{train}: current version {version} recorded ({changed.commit[:10]})"
            if changed.commit
            else f"{train}: {version} is the current version; nothing to do"
        ),
    )


@overload
def _workflows(call: Call, action: str | None, *, asked: Literal[True]) -> Workflows: ...
@overload
def _workflows(call: Call, action: str | None, *, asked: bool) -> Workflows | None: ...
def _workflows(call: Call, action: str | None, *, asked: bool) -> Workflows | None:
    """What the repository is to have; None when it is not on GitHub or the pin is unknown.

    Raises InputError when they were asked for and the pin is not known.
    """
    from rollout.adapters.resources import workflow_texts
    from rollout.commands.workflows import is_own_repository, plan_workflows
    from rollout.core.action import name_on_github, parse_pin, unknown_pin

    space = call.workspace
    if is_own_repository(space.worktree):
        return plan_workflows(workflow_texts(), None)
    if action is not None:
        return plan_workflows(workflow_texts(), parse_pin(action))
    if not asked and name_on_github(space.git.origin() or "") is None:
        return None
    pin = space.installed_from()
    if pin is None and asked:
        raise unknown_pin()
    return plan_workflows(workflow_texts(), pin) if pin else None


@click.group(no_args_is_help=False)
def contract() -> None:
    """The contract: the policy that people write."""


@contract.command("check")
@command_options
def contract_check(call: Call) -> None:
    """List every mistake of the worktree's contracts as `file: field: message`.

    What a good contract leaves to people is a note, and no mistake.
    """
    from rollout.adapters.yaml_store import read_contract
    from rollout.commands.contract import check_contracts, contract_notes

    worktree = call.workspace.worktree
    files = check_contracts(worktree, read_contract, call.named_train)
    notes = contract_notes(worktree, read_contract, files, call.workspace.has_branch)
    for note in notes:
        progress(f"note: {note}")
        warn(note)
    call.answer(
        lambda: {"good": list(files), "notes": list(notes)},
        lambda: "\n".join(f"{file}: good" for file in files),
    )


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
@click.option(
    "--json", "as_json", is_flag=True, help="Print a document for scripts; the story goes to standard error."
)
def demo(output: Path | None, as_json: bool) -> None:
    """Watch a good release finish and a bad one rolled back, on a simulated clock."""
    import json

    from rollout.demo import tell

    repository = tell(output, progress if as_json else out, columns())
    if as_json:
        out(json.dumps({"repository": str(repository)}, indent=2))
