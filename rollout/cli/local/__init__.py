"""`rollout local`: reviewer, signer and CI of the local forge."""

from __future__ import annotations

import click

from rollout.cli.help import Group
from rollout.cli.local.issues import issues
from rollout.cli.options import Call, local_options

CONCLUSIONS = (
    *("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale"),
    *("startup_failure", "pending"),
)
"""GitHub's words for how a check ended, and `pending` for one that has not."""
_AFTER_MERGE = {
    "promotion": "to enter the phase: rollout tick",
    "revert": "to go on with the rollback: rollout tick",
    "channel": "see: rollout channel show",
    "apply": "to read the percent back: rollout tick",
}
"""What comes next, by the kind of the pull request."""


@click.group(cls=Group, no_args_is_help=False)
def local() -> None:
    """The local forge keeps its records in the git directory: here you are reviewer, signer and CI."""


local.add_command(issues)


@local.command("prs")
@local_options
def local_prs(call: Call) -> None:
    """List every pull request, oldest first."""
    from rollout.rendering.documents import local_prs_document
    from rollout.rendering.terminal import pull_requests_view

    pulls = call.workspace.local_forge.pull_requests("")
    call.answer(lambda: local_prs_document(pulls), lambda: pull_requests_view(pulls))


@local.command("show")
@click.argument("number", type=int)
@local_options
def local_show(call: Call, number: int) -> None:
    """Show pull request NUMBER as its reviewer reads it."""
    from rollout.commands.local import pull_request
    from rollout.rendering.documents import local_prs_document
    from rollout.rendering.markdown import for_terminal
    from rollout.rendering.terminal import pull_requests_view

    pull = pull_request(call.workspace.local_forge, number)
    call.answer(
        lambda: local_prs_document([pull])[0] | {"body": pull.body},
        lambda: f"{pull_requests_view([pull])}\n\n{for_terminal(pull.body)}",
    )


@local.command("merge")
@click.argument("number", type=int)
@click.option("--by", metavar="WHO", help="Who merges; else who git says you are.")
@click.option(
    "--admin", is_flag=True, help="Merge although its status is not green, as an administrator could."
)
@local_options
def local_merge(call: Call, number: int, by: str | None, admin: bool) -> None:
    """Merge pull request NUMBER, as a reviewer would."""
    from rollout.commands.local import pull_request

    space = call.workspace
    forge, reviewer = space.local_forge, by or space.person()
    pull = pull_request(forge, number)
    commit = forge.merge(number, at=space.clock.now(), merged_by=reviewer, admin=admin)
    call.answer(
        lambda: {"number": number, "commit": commit},
        lambda: f"merged #{number} ({commit[:10]}); {_AFTER_MERGE[pull.kind]}",
    )


@local.command("check")
@click.argument("name")
@click.argument("conclusion", type=click.Choice(CONCLUSIONS), metavar="CONCLUSION")
@click.option(
    "--commit",
    metavar="SHA",
    help="Of this commit; else of the release, or, once its revert is there, of the newest one.",
)
@local_options
def local_check(call: Call, name: str, conclusion: str, commit: str | None) -> None:
    """Record that CI check NAME ended with CONCLUSION (success, failure, skipped, ...)."""
    from rollout.commands.local import checked_commit

    space = call.workspace
    of = commit or checked_commit(space.store, space.history, call.train)
    space.local_forge.record_check(of, name, conclusion, at=space.clock.now())
    call.answer(
        lambda: {"name": name, "conclusion": conclusion, "commit": of},
        lambda: f"recorded {name}: {conclusion} on {of[:10]}",
    )
