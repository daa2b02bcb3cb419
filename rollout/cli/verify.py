"""`rollout verify`: recompute each state commit from the one before."""

from __future__ import annotations

import click

from rollout.cli.help import Command
from rollout.cli.options import Call, looking_options
from rollout.cli.output import columns, style
from rollout.cli.waiting import waiting


@click.command(cls=Command)
@click.option("--since", metavar="COMMIT", help="Only what came after this commit.")
@looking_options
def verify(call: Call, since: str | None) -> None:
    """Recompute each state commit from the one before; exit 3 when one does not follow."""
    from rollout.commands import verify
    from rollout.errors import RefusedError
    from rollout.rendering.documents import verify_document
    from rollout.rendering.terminal import verify_view

    space = call.workspace
    with waiting("recomputing", quiet=call.json):
        verified = verify.verify(space.store, call.train, space.commit(since), files=space.state_files)
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
