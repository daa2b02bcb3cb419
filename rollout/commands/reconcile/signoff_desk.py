"""The checklist's part of a reconcile: hear people first, and answer once all is recorded."""

from __future__ import annotations

from rollout.commands.reconcile.signoff_comments import Listener
from rollout.commands.reconcile.signoff_issue import SignoffIssue
from rollout.core.decorations import Decorations
from rollout.core.signoff.folding import Answers, SignoffUpdate
from rollout.core.signoff.window import SignoffEffect
from rollout.core.state import TrainState
from rollout.errors import OutsideError


class SignoffDesk:
    """An issue that cannot be reached stops nothing: signatures stay as they are recorded."""

    def __init__(
        self, listener: Listener, issue: SignoffIssue, decorations: Decorations | None = None
    ) -> None:
        """`decorations` is told when the issue cannot be found out about."""
        self._decorations = decorations or Decorations()
        self._listener = listener
        self._issue = issue
        self._answers: Answers = {}
        self.notes: list[str] = []

    def hear(self, state: TrainState) -> SignoffUpdate | None:
        """What people's comments make of the checklist; None when there is nothing to read."""
        try:
            update = self._listener.hear(state)
        except OutsideError as error:
            self.notes.append(f"sign-off comments were not read: {error.message}")
            return None
        self._answers = update.answers if update else {}
        return update

    def answer(self, state: TrainState) -> list[SignoffEffect]:
        """Bring the issue up to date and answer; returns what was done."""
        done: list[SignoffEffect] = []
        self._decorations.attempt(lambda: done.extend(self._issue.act(state, self._answers)))
        self.notes += self._listener.notes
        return done
