"""Ask the forge for what a decision uses of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rollout.core.checks import Attempt, globs, newest
from rollout.core.state import CheckFact, Facts, TrainState
from rollout.errors import OutsideError

if TYPE_CHECKING:
    from rollout.commands.reverts import RevertFinder
    from rollout.ports import Forge


class FactFinder:
    """The facts for one run; each question is put to the forge once."""

    def __init__(self, forge: Forge, reverts: RevertFinder | None = None) -> None:
        """Without `reverts` nobody asks about a revert anew: what is known of it stands."""
        self._forge = forge
        self._reverts = reverts
        self._checks: dict[str, tuple[CheckFact, ...] | None] = {}

    def facts(self, state: TrainState) -> Facts:
        """The facts for the state; what could not be asked for is unknown, never good."""
        if state.rollout.release is None:
            return Facts()
        known = state.status.facts if state.status else Facts()
        return Facts(
            checks=self._checks_of(state),
            merged_at=self._merged_at(state),
            revert=self._reverts.fact(state) if self._reverts else known.revert,
            checkout=self._reverts.checkout(state) if self._reverts else known.checkout,
        )

    def _checks_of(self, state: TrainState) -> tuple[CheckFact, ...] | None:
        assert state.rollout.release is not None
        patterns = globs(state.contract)
        revert = state.incident.revert if state.incident else None
        commit = (revert.landed if revert else None) or state.rollout.release.commit
        if not patterns:
            return ()
        if commit not in self._checks:
            self._checks[commit] = self._ask(commit, patterns)
        return self._checks[commit]

    def _ask(self, commit: str, patterns: tuple[str, ...]) -> tuple[CheckFact, ...] | None:
        try:
            runs = self._forge.check_runs(commit)
        except OutsideError:
            return None
        attempts = (
            Attempt(run.name, run.conclusion if run.status == "completed" else None, run.started_at, run.id)
            for run in runs
        )
        return newest(attempts, patterns)

    def _merged_at(self, state: TrainState) -> datetime | None:
        rollout, status = state.rollout, state.status
        if status is None or rollout == status.legal or rollout.phase is None:
            return None
        if status.merged_step is not None and status.merged_step.phase == rollout.phase:
            return status.facts.merged_at
        from rollout.core.effects import promotion_branch  # a merge is seldom to be noticed

        pull = self._forge.pull_request(promotion_branch(state.train, status.release, rollout.phase))
        return pull.merged_at if pull else None
