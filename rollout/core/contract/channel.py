"""The release channel's rules: how far a version may jump, how long a lookup holds, who has a say."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from typing import Literal

from pydantic import Field

from rollout.core.contract.product import RunCommand
from rollout.core.values import Duration, Model


class ApplyVersion(RunCommand):
    """Brings a version to where it runs; `{version}`, `{previous}` and `{channel}` are filled in."""


class ChannelPolicy(Model):
    """Rules of `rollout channel`, and of the version that a rollout may start with."""

    max_major_jump: int = Field(default=1, ge=0, le=1000)
    """A version more majors ahead of the current one is blocked."""
    cache_ttl: Duration = 900
    """A lookup that is no older is used instead of asking again."""
    review: Literal["commit", "pull_request"] = "commit"
    """`pull_request`: a switch or an upgrade is proposed, and takes effect when people merge it."""
    record_dry_runs: bool = False
    """Whether `--dry-run` is written down; the version stays anyway."""
    apply: ApplyVersion | None = None
    """Asked of the product side once an upgrade is recorded; left out, an operator replaces the binary."""
