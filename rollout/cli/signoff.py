"""`rollout signoff`: the checklist."""

from __future__ import annotations

import click

from rollout.cli.help import Group
from rollout.cli.options import Call, command_options, looking_options
from rollout.cli.output import columns, progress, style


@click.group(cls=Group, no_args_is_help=False)
def signoff() -> None:
    """The sign-off checklist."""


@signoff.command("check")
@looking_options
def signoff_check(call: Call) -> None:
    """What is signed and what is missing."""
    from rollout.rendering.signoff import signoff_document
    from rollout.rendering.signoff_terminal import signoff_view

    state = call.workspace.load(call.named_train)
    call.answer(
        lambda: signoff_document(state.contract, state.rollout, state.signoff),
        lambda: signoff_view(state.contract, state.rollout, state.signoff, columns=columns(), style=style),
    )


@signoff.command("record")
@click.argument("item")
@click.argument("evidence")
@click.option(
    "--by", metavar="WHO", help="Who signs; else who git says you are. On GitHub: the token's owner."
)
@command_options
def signoff_record(call: Call, item: str, evidence: str, by: str | None) -> None:
    """Sign ITEM with EVIDENCE: a link, or a path in the release."""
    from rollout.commands.signoff import record

    space = call.workspace
    who = by or (space.person() if space.forge_kind == "local" else "")
    changed = record(space.store, space.issues, space.evidence, space.clock, call.train, item, evidence, who)
    call.answer_commit(changed.commit, f"signed {item}", "already signed")


@signoff.command("open")
@command_options
def signoff_open(call: Call) -> None:
    """Open the checklist's issue, or put it right: its text, its labels, and one that was closed."""
    from rollout.commands.reconcile.signoff_issue import open_issue

    space = call.workspace
    state = space.load(call.named_train)
    issue, effects = open_issue(space.signoff_issue(), state)
    for effect in effects:
        progress(f"{effect.kind.replace('_', ' ')} {effect.detail}".strip())
    call.answer(
        lambda: {"number": issue.number, "key": issue.key, "title": issue.title, "url": issue.url},
        lambda: f"#{issue.number} {issue.title} ({issue.url})",
    )
