"""CI of a commit, as a forge reports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CheckRun:
    """One attempt of one CI check."""

    name: str
    status: str
    """`completed`, or anything else while it is not."""
    conclusion: str | None
    started_at: datetime | None
    id: int
    source: str = ""
    """What reports it, such as a workflow: only an attempt of the same source takes its place."""

    @property
    def outcome(self) -> str | None:
        """Its conclusion; None until it has completed, whatever it says."""
        return self.conclusion if self.status == "completed" else None
