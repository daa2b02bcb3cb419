"""`rollout freeze`: stop promotion until somebody unfreezes it."""

from __future__ import annotations

import click

from rollout.cli.options import REASON, Call, brake_options


def answer(call: Call, commit: str | None, done: str, nothing: str) -> None:
    call.answer(
        lambda: {"train": call.train, "commit": commit, "changed": commit is not None},
        lambda: f"{done} ({commit[:10]})" if commit else nothing,
    )


@click.command()
@REASON
@brake_options
def freeze(call: Call, reason: str) -> None:
    """Stop promotion until somebody unfreezes it."""
    from rollout.commands import freeze

    changed = freeze.freeze(call.workspace.store, call.workspace.clock, call.train, reason)
    answer(
        call,
        changed.commit,
        "frozen; `rollout reconcile` closes the promotion pull request",
        "was frozen already",
    )
