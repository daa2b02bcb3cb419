"""`rollout local issues`: the issues of the local forge, and people's part on them."""

from __future__ import annotations

import click

from rollout.cli.help import Group
from rollout.cli.options import Call, local_options


@click.group(cls=Group, invoke_without_command=True, no_args_is_help=False)
@local_options
def issues(call: Call) -> None:
    """List the issues that the tool opened; read one, comment on it, close it."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from rollout.rendering.issues import issues_document, issues_view

    found = call.workspace.local_issues.all()
    call.answer(lambda: issues_document(found), lambda: issues_view(found))


@issues.command("show")
@click.argument("number", type=int)
@local_options
def show(call: Call, number: int) -> None:
    """Show issue NUMBER as its page shows it, with its comments."""
    from rollout.rendering.issues import issue_document, issue_view

    local = call.workspace.local_issues
    said = local.said(number)
    (issue,) = (each for each in local.all() if each.number == number)
    call.answer(lambda: issue_document(issue, said), lambda: issue_view(issue, said))


@issues.command("comment")
@click.argument("number", type=int)
@click.argument("text")
@click.option("--by", metavar="WHO", help="Who writes; else who git says you are.")
@local_options
def comment(call: Call, number: int, text: str, by: str | None) -> None:
    """Write TEXT on issue NUMBER, such as `/signoff ITEM EVIDENCE`."""
    from rollout.core.signoff.comments import commands

    space = call.workspace
    said = space.local_issues.comment(number, by or space.person(), text, at=space.clock.now())
    call.answer(
        lambda: {"number": number, "id": said.id, "author": said.author, "url": said.url},
        lambda: f"{said.author} commented on #{number}; {_count(len(commands(said)))}",
    )


def _count(commands: int) -> str:
    if not commands:
        return "it holds no command: begin a line with `/signoff ITEM EVIDENCE` or `/withdraw ITEM REASON`"
    return f"`rollout reconcile` reads its {'command' if commands == 1 else f'{commands} commands'}"


@issues.command("close")
@click.argument("number", type=int)
@local_options
def close(call: Call, number: int) -> None:
    """Close issue NUMBER by hand, as anybody who may write can."""
    call.workspace.local_issues.close_by_hand(number)
    call.answer(lambda: {"number": number, "state": "closed"}, lambda: f"closed #{number}")
