"""`rollout channel`: the release channel of the product, one file a verb."""

from __future__ import annotations

import click

from rollout.cli.channel import apply, cache, check, import_, plan, set_, show
from rollout.cli.help import Group


@click.group(cls=Group, no_args_is_help=False)
def channel() -> None:
    """The release channel, its version and its rollback hints."""


for command in (show.show, set_.set_, check.check, plan.plan, apply.apply, import_.import_, cache.cache):
    channel.add_command(command)
