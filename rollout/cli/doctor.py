"""The command that looks at how a repository is set up: doctor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, local_options
from rollout.cli.output import columns, style, under_actions
from rollout.cli.waiting import waiting
from rollout.errors import RefusedError

if TYPE_CHECKING:
    from rollout.commands.doctor import Examination


@click.command(cls=Command)
@local_options
def doctor(call: Call) -> int:
    """Find out what stands in a rollout's way, and the exact fix; exit 3 when something does.

    With --forge github it asks with the token that it has (ROLLOUT_TOKEN, GITHUB_TOKEN, GH_TOKEN, or that
    of `gh auth login`), and changes nothing; what the token may not see is said to be so.
    """
    from rollout.adapters.actions import write_summary
    from rollout.rendering.examination import examination_document, examination_summary, examination_text

    with waiting("examining", quiet=call.json):
        found = _on_github(call) if call.workspace.forge_kind == "github" else _here(call)
    write_summary(examination_summary(found.about, found.findings), os.environ)
    call.answer(
        lambda: examination_document(found.about, found.findings),
        lambda: examination_text(found.about, found.findings, columns=columns(), style=style),
    )
    return RefusedError.exit_code if found.problems else 0


def _on_github(call: Call) -> Examination:
    from rollout.commands.doctor import examine_github

    space = call.workspace
    return examine_github(
        space.inspector,
        space.store,
        lambda: space.branch,
        space.asked_state_branch,
        space.clock,
        space.refuse_lost,
        (call.named_train or "") if under_actions() else None,
    )


def _here(call: Call) -> Examination:
    from rollout.commands.contract import check_contracts
    from rollout.commands.doctor import examine_local
    from rollout.files.state_files import read_contract

    space = call.workspace
    return examine_local(
        space.store,
        space.branch,
        space.person,
        lambda: check_contracts(space.worktree, read_contract, call.named_train),
        space.has_branch,
        space.refuse_lost,
        space.is_set,
    )
