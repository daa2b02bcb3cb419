"""A step: what one state commit records, and the files that it writes."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.core.state import Event, StateChange


@dataclass(frozen=True)
class Step:
    """One state commit to be made: what it records, and the files that it writes."""

    event: Event
    change: StateChange
    detail: str = ""
    consumed: bool = False
    """Whether the evidence is part of it; else the same evidence is to be offered again."""

    @property
    def is_by_trigger(self) -> bool:
        """Whether a trigger stops the release by it. A freeze that a person made changes status alone."""
        return self.event in (Event.ROLLBACK, Event.FREEZE) and self.change.rollout is not None
