"""Requests that only show or tell what is recorded: a label, a status, a comment, an issue."""

from __future__ import annotations

from collections.abc import Callable

from rollout.errors import OutsideError


class Decorations:
    """Makes one command's decorative requests. One that fails is noted, and stops nothing else.

    docs/design/decorations.md says which requests are decorative.
    """

    def __init__(self) -> None:
        self.lost: list[OutsideError] = []
        """What failed, each failure once."""

    def attempt(self, request: Callable[[], object]) -> bool:
        """Returns whether it was made. A refusal, an outage and a time-out count alike here."""
        try:
            request()
        except OutsideError as error:
            if error.message not in (each.message for each in self.lost):
                self.lost.append(error)
            return False
        return True

    def told(self) -> list[str]:
        """Returns one line each: what failed, why, and what to do."""
        return [f"{each.message}; {each.hint}" if each.hint else each.message for each in self.lost]
