"""Ask the forge for what a decision uses of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from rollout.core.checks import Attempt, globs, newest
from rollout.core.contract import Contract
from rollout.core.state import CheckFact, Facts, Release, Revert, TrainState
from rollout.errors import OutsideError

if TYPE_CHECKING:
    from rollout.commands.reverts import RevertFinder
    from rollout.ports import CheckRun, Forge


def facts_of(runs: Iterable[CheckRun], contract: Contract) -> tuple[CheckFact, ...]:
    """The newest attempt of each check that the contract asks for."""
    attempts = (
        Attempt(
            run.name,
            run.conclusion if run.status == "completed" else None,
            run.started_at,
            run.id,
            run.source,
        )
        for run in runs
    )
    return newest(attempts, globs(contract))


class FactFinder:
    """The facts for one run; each question is put to the forge once."""

    def __init__(self, forge: Forge, reverts: RevertFinder | None = None) -> None:
        """Without `reverts` nobody asks about a revert anew: what is known of it stands."""
        self._forge = forge
        self._reverts = reverts
        self._checks: dict[str, tuple[CheckFact, ...] | None] = {}
        self._of_branch: dict[str, tuple[str | None, tuple[CheckFact, ...] | None]] = {}

    def facts(self, state: TrainState) -> Facts:
        """The facts for the state; what could not be asked for is unknown, never good."""
        if state.rollout.release is None:
            return Facts()
        known = state.status.facts if state.status else Facts()
        checked, checks = self._checks_of(state)
        return Facts(
            checks=checks,
            checked=checked,
            merged_at=self._merged_at(state),
            revert=self._reverts.fact(state) if self._reverts else known.revert,
            checkout=self._reverts.checkout(state) if self._reverts else known.checkout,
        )

    def _checks_of(self, state: TrainState) -> tuple[str | None, tuple[CheckFact, ...] | None]:
        """The checks that matter now, and of which commit they are where that is not the release's."""
        release = state.rollout.release
        assert release is not None
        revert = state.incident.revert if state.incident else None
        if not globs(state.contract):
            return None, ()
        if revert is None or revert.landed is None:
            return None, self._of_commit(release.commit, state)
        if revert.landed not in self._of_branch:
            self._of_branch[revert.landed] = self._of_the_branch(state, release, revert, revert.landed)
        return self._of_branch[revert.landed]

    def _of_commit(self, commit: str, state: TrainState) -> tuple[CheckFact, ...] | None:
        """Checks that were there before are asked for by name: what came later may have hidden them."""
        if commit not in self._checks:
            known = state.status.facts.checks if state.status else None
            wanted = [*globs(state.contract), *(check.name for check in known or ())]
            try:
                runs = self._forge.check_runs(commit, wanted, _read_at(state, commit))
                self._checks[commit] = facts_of(runs, state.contract)
            except OutsideError:
                self._checks[commit] = None
        return self._checks[commit]

    def _of_the_branch(
        self, state: TrainState, release: Release, revert: Revert, landed: str
    ) -> tuple[str | None, tuple[CheckFact, ...] | None]:
        """Those of the newest commit that has the revert and was checked; of the last known when none is."""
        from rollout.commands.checked import newest_checked  # of no use to a release that is well

        known = state.status.facts.checked if state.status else None
        try:
            found = newest_checked(self._forge, state.contract, until=release.commit, around=known or landed)
        except OutsideError:
            return known, None
        if found is None:
            # What a person declared to be the revert need not be on the branch.
            last = known or revert.declared
            return last, self._of_commit(last, state) if last else ()
        # What a commit holds never changes: what was found once is not worked out again.
        is_free = found[0] in (known, landed) or self._lacks(found[0], release, landed)
        return found if is_free else (None, ())

    def _lacks(self, commit: str, release: Release, landed: str) -> bool:
        return self._reverts is not None and self._reverts.is_free(commit, release, landed)

    def _merged_at(self, state: TrainState) -> datetime | None:
        rollout, status = state.rollout, state.status
        if status is None or rollout == status.legal or rollout.phase is None:
            return None
        if status.merged_step is not None and status.merged_step.phase == rollout.phase:
            return status.facts.merged_at
        from rollout.core.effects import promotion_branch  # a merge is seldom to be noticed

        pull = self._forge.pull_request(promotion_branch(state.train, status.release, rollout.phase))
        return pull.merged_at if pull else None


def _read_at(state: TrainState, commit: str) -> datetime | None:
    """When the commit's checks were read under this contract, at the latest; None: they were not."""
    status = state.status
    if status is None or status.facts.checks is None or status.observation is None:
        return None
    is_same = status.observation.contract_digest == state.contract_digest
    return (
        status.observation.started_at
        if is_same and commit == (status.facts.checked or status.commit)
        else None
    )
