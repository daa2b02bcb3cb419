"""Commands that look (status, history, verify), and the local forge's own."""

from __future__ import annotations

import click

from rollout.cli.common import Call, local_options, looking_options
from rollout.cli.issues import issues
from rollout.cli.output import columns, style

CONCLUSIONS = (
    *("success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required", "stale"),
    *("startup_failure", "pending"),
)
"""GitHub's words for how a check ended, and `pending` for one that has not."""
_AFTER_MERGE = {
    "promotion": "`rollout reconcile` judges it and enters the phase",
    "revert": "`rollout reconcile` takes the rollback on from here",
    "channel": "see: rollout channel show",
}
"""What comes next, by the kind of the pull request."""


@click.command()
@looking_options
def status(call: Call) -> None:
    """Where the rollout stands, what comes next, and what you have to do."""
    from rollout.commands.looking import status as look
    from rollout.rendering.documents import status_document
    from rollout.rendering.terminal import status_view

    state, pull = look(call.workspace.store, call.workspace.forge, call.train)
    call.answer(
        lambda: status_document(state, now=call.now, pull_request=pull),
        lambda: status_view(state, now=call.now, pull_request=pull, columns=columns(), style=style),
    )


@click.command()
@click.option("--release", metavar="V", help="Only this release.")
@click.option("--event", metavar="E", help="Only this event, such as rollback.")
@looking_options
def history(call: Call, release: str | None, event: str | None) -> None:
    """What happened, newest first, from git."""
    from rollout.commands.looking import history as read
    from rollout.core.state import Event
    from rollout.errors import InputError
    from rollout.rendering.documents import history_document
    from rollout.rendering.terminal import history_view

    if event is not None and event not in set(Event):
        raise InputError(f"--event {event}: there is no such event", hint=f"one of {', '.join(Event)}")
    commits = list(read(call.workspace.store, call.train, release, event))
    call.answer(
        lambda: history_document(commits), lambda: history_view(commits, columns=columns(), style=style)
    )


@click.command()
@click.option("--since", metavar="COMMIT", help="Only what came after this commit.")
@looking_options
def verify(call: Call, since: str | None) -> None:
    """Recompute each state commit from the one before; exit 3 when one does not follow."""
    from rollout.commands.verify import verify as recompute
    from rollout.errors import RefusedError
    from rollout.rendering.documents import verify_document
    from rollout.rendering.terminal import verify_view

    space = call.workspace
    verified = recompute(space.store, call.train, space.commit(since), files=space.state_files)
    remarks = [(remark.commit, remark.problem) for remark in verified.remarks]
    told = (verified.commits, verified.problems, remarks, verified.cut)
    call.answer(
        lambda: verify_document(*told),
        lambda: verify_view(*told, columns=columns(), style=style),
    )
    error = None
    if verified.findings:
        first = verified.findings[0]
        error = RefusedError(
            f"{len(verified.findings)} of {verified.commits} state commits do not follow,"
            f" first {first.commit[:10]} by {first.author}: {first.problem}",
            hint=f"look at it: git show {first.commit[:10]}",
        )
    elif verified.cut:
        error = RefusedError(
            f"this clone is shallow: what came before {verified.cut[:10]} is missing, and was not recomputed",
            hint="get the rest: git fetch --unshallow (in a workflow: actions/checkout with fetch-depth: 0),"
            " or name a later commit with --since",
        )
    if error is not None:
        error.documented = True
        raise error


@click.group(no_args_is_help=False)
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
    from rollout.commands.looking import pull_request
    from rollout.rendering.documents import local_prs_document
    from rollout.rendering.terminal import pull_requests_view

    pull = pull_request(call.workspace.local_forge, number)
    call.answer(
        lambda: local_prs_document([pull])[0] | {"body": pull.body},
        lambda: f"{pull_requests_view([pull])}\n\n{pull.body}",
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
    from rollout.commands.looking import pull_request

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
    from rollout.commands.looking import checked_commit

    space = call.workspace
    of = commit or checked_commit(space.store, space.history, call.train)
    space.local_forge.record_check(of, name, conclusion, at=space.clock.now())
    call.answer(
        lambda: {"name": name, "conclusion": conclusion, "commit": of},
        lambda: f"recorded {name}: {conclusion} on {of[:10]}",
    )
