"""`rollout init`: a contract, the first state and the workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, local_options
from rollout.cli.output import progress
from rollout.core.files import STATE_BRANCH
from rollout.errors import InputError, RefusedError

if TYPE_CHECKING:
    from rollout.commands.init import InitOptions
    from rollout.commands.init.workflows import Workflows
    from rollout.core.workflow_pin import RepositoryPlace
    from rollout.ports import Worktree

_PROFILE = "generic"
"""It suits any product."""


@click.command(cls=Command)
@click.option(
    "--profile",
    type=click.Choice(["generic", "tau", "service"]),
    help=f"Which contract to begin with; else {_PROFILE}.",
)
@click.option(
    "--channel", default="stable", type=click.Choice(["stable", "beta", "dev"]), help="The release channel."
)
@click.option(
    "--current-version",
    metavar="V",
    help="What users run now; else, for a first train, the newest version tag.",
)
@click.option(
    "--action",
    metavar="OWNER/REPO@SHA",
    help="The rollout that workflows call; else the commit that this program was installed from.",
)
@click.option(
    "--workflows", "workflows_only", is_flag=True, help="Write the workflows that are missing, alone."
)
@click.option(
    "--update",
    is_flag=True,
    help="With --workflows: write those of another version anew, but for what somebody changed.",
)
@local_options
def init(
    call: Call,
    profile: str | None,
    channel: str,
    current_version: str | None,
    action: str | None,
    workflows_only: bool,
    update: bool,
) -> int | None:
    """Write a contract, the first state and the workflows, for you to look at.

    They are written into the worktree, and not committed. Where origin is on GitHub, contract and state are
    committed to the branch rollout-state instead, which is made without checking it out; --state-branch
    names another, and --state-branch main keeps them in the worktree.

    On a train that exists and does not know its version, --current-version records the version alone.

    Workflows are written when --action or --workflows asks for them, or when the repository has a remote on
    GitHub and the commit that this program was installed from is there too.
    """
    from rollout.adapters.resources import profile_text
    from rollout.commands.init import InitOptions, train_of

    if update and not workflows_only:
        raise InputError(
            "--update is about workflows alone", hint="update them: rollout init --workflows --update"
        )
    if workflows_only:
        return _install_workflows(call, action, update=update)
    space = call.workspace
    branch = space.branch_of_new_train()
    wishes = InitOptions(
        call.named_train,
        channel,
        current_version,
        branch or space.named_state_branch,
        space.product_branch_here(),
        space.default_on_github,
        _enterprise_server(space.place) is not None,
    )
    if current_version is not None:
        name = train_of(profile_text(profile), wishes) if profile else call.named_train
        train = space.existing_train(name)
        if train is not None:
            _record_version(call, train, current_version)
            return None
    if profile is None and (trains := space.trains()):
        raise InputError(
            f"{space.branch} carries {', '.join(trains)} already: another train needs --profile",
            hint=f"add it: rollout init --profile {_PROFILE} --train NAME",
        )
    _make_train(call, profile_text(profile or _PROFILE), wishes, branch, action)
    return None


def _make_train(
    call: Call, profile: str, wishes: InitOptions, branch: str | None, action: str | None
) -> None:
    """Writes it into the worktree, or onto the state branch `branch` if it is a separate one."""
    from rollout.commands.init import OwnBranch, init, train_of
    from rollout.files.yaml_text import dump_yaml

    space = call.workspace
    _refuse_beside_state(call, branch or STATE_BRANCH)
    _refuse_lost(call, train_of(profile, wishes), branch)
    here, there = _workflows(call, action, branch, asked=False, profile=profile)
    subject = f"rollout({train_of(profile, wishes)}): init"
    own = OwnBranch(branch, space.branch_files(branch, subject), there) if branch else None
    written = init(space.worktree, profile, dump_yaml, wishes, here, own)
    call.answer(
        lambda: {
            "train": written.train,
            "current_version": written.current_version,
            "files": list(written.files),
            **({"workflows": written.installed.document} if written.installed else {}),
            **({"state_branch": written.branch_document} if own else {}),
        },
        lambda: written.text,
    )


def _refuse_lost(call: Call, train: str, branch: str | None) -> None:
    """Raises where history still holds the train's state: a fresh train would overwrite its release."""
    lost = call.workspace.lost(train, branch)
    if lost is not None:
        where = branch or call.workspace.branch
        raise RefusedError(f"history of {where} holds state of train {train}", hint=lost.hint(train))


def _refuse_beside_state(call: Call, branch: str | None) -> None:
    """Raises where a separate state branch is checked out: workflows belong on the default branch."""
    space = call.workspace
    if space.default_on_github is not None and space.git.current_branch() == branch is not None:
        raise InputError(
            f"{branch}, which carries state alone, is checked out here",
            hint=f"run it where {space.default_on_github} is checked out: it commits to {branch} by itself",
        )


def _install_workflows(call: Call, action: str | None, *, update: bool) -> int | None:
    """Writes the workflows; returns exit code 3 where an update had to keep a file."""
    from rollout.commands.init.workflows import install_workflows, update_workflows

    space = call.workspace
    branch = space.branch if space.branch != space.git.default_branch() else None
    _refuse_beside_state(call, branch)
    here, there = _workflows(call, action, branch if space.default_on_github else None, asked=True)
    install = update_workflows if update else install_workflows
    installed = [install(space.worktree, here)] if here else []
    if there and there.branch:
        subject = f"{'Update' if update else 'Add'} the workflows of rollout"
        installed.append(install(space.branch_files(there.branch, subject), there))
    call.answer(
        lambda: {
            **installed[0].document,
            **({"state_branch": installed[1].document} if installed[1:] else {}),
        },
        lambda: "\n".join(each.text for each in installed),
    )
    return RefusedError.exit_code if any(each.changed for each in installed) else None


def _record_version(call: Call, train: str, version: str) -> None:
    """Records the current version of a train that exists."""
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


def _workflows(
    call: Call, action: str | None, branch: str | None, *, asked: bool, profile: str = ""
) -> tuple[Workflows | None, Workflows | None]:
    """Returns what the default branch is to have, and the state branch `branch` where it is one of its own.

    None when the repository is not on GitHub or the pin is unknown; raises InputError for that when they were
    asked for. `profile`: the contract that is about to be written, empty for none.
    """
    from rollout.adapters.resources import workflow_texts
    from rollout.commands.init.workflows import is_own_repository, plan_for_state_branch, plan_workflows
    from rollout.core.workflow_pin import METRICS_WORKFLOW, parse_pin, unknown_pin

    space = call.workspace
    if is_own_repository(space.worktree):
        return plan_workflows(workflow_texts(), None), None
    if action is None and not asked and space.default_on_github is None:
        return None, None
    if (refused := _enterprise_server(space.place)) is not None:
        if asked or action is not None:
            raise refused
        progress(f"note: no workflows: {refused}")
        return None, None
    pin = parse_pin(action) if action is not None else space.installed_from()
    if pin is None:
        if asked:
            raise unknown_pin()
        return None, None
    texts = workflow_texts()
    there = plan_for_state_branch(texts, pin, branch) if branch else None
    contracts = _contracts(call, branch, profile)
    secrets = _secrets_of_metrics(contracts) if contracts else None
    if not contracts or isinstance(secrets, InputError):
        # Whether any contract has metrics is not known, and the other workflows do not need to.
        left = {name: text for name, text in texts.items() if name != METRICS_WORKFLOW}
        return plan_workflows(left, pin, branch), there
    return plan_workflows(texts, pin, branch, secrets), there


def _contracts(call: Call, branch: str | None, profile: str) -> dict[str, bytes]:
    """Returns file -> contract, of the worktree, the state branch and the profile."""
    space = call.workspace
    places: list[Worktree] = [space.worktree, *([space.branch_files(branch)] if branch else [])]
    texts = {file: place.read(file) for place in places for file in place.contracts()}
    if profile:
        texts["the profile"] = profile.encode()
    return texts


def _secrets_of_metrics(contracts: Mapping[str, bytes]) -> tuple[str, ...] | InputError | None:
    """Returns what the workflow that measures has to hand on, None where no contract has metrics, or why a
    contract cannot be read, which it tells.
    """
    from rollout.commands.init.workflows import secrets_of_metrics
    from rollout.core.workflow_pin import METRICS_WORKFLOW
    from rollout.files.state_files import read_contract

    try:
        return secrets_of_metrics(read_contract(text, file)[0] for file, text in contracts.items())
    except InputError as error:
        why = error.message.splitlines()[0]
        progress(f"note: {METRICS_WORKFLOW} stays as it is until every contract is good: {why}")
        return error


def _enterprise_server(place: RepositoryPlace | None) -> RefusedError | None:
    """Returns why a repository can have no workflows where it is; None when it can."""
    if place is None or not place.is_enterprise_server:
        return None
    return RefusedError(
        f"the workflows do not run on GitHub Enterprise Server, where origin is ({place.host}):"
        " it lacks `environment.deployment` and actions/upload-artifact v4 and later",
        hint="run collect, perform and reconcile --forge github from a scheduler of your own:"
        " docs/github.md of rollout, Enterprise Server",
    )
