"""Ask the forge for what a decision uses of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rollout.core.decide.checks import facts_of, globs
from rollout.core.state import CheckFact, ChecksReading, Facts, Release, Revert, TrainState
from rollout.errors import InputError, OutsideError
from rollout.ports import ChecksBefore, ChecksUnreadError

if TYPE_CHECKING:
    from rollout.commands.reconcile.revert_facts import RevertFinder
    from rollout.commands.reconcile.signoff_comments import SignoffDesk
    from rollout.ports import Forge


class _Checks(NamedTuple):
    found: tuple[CheckFact, ...] | None
    """None: could not be asked."""
    checked: str | None = None
    """The commit that they are of, where that is not the release's."""
    reading: ChecksReading | None = None


class FactFinder:
    """The facts for one run; each question is put to the forge once."""

    def __init__(
        self, forge: Forge, reverts: RevertFinder | None = None, desk: SignoffDesk | None = None
    ) -> None:
        """Without `reverts` nobody asks about a revert anew, without a `desk` about signatures: what is known
        of them stands.
        """
        self._forge = forge
        self._desk = desk
        self._reverts = reverts
        self._checks: dict[str, _Checks] = {}
        self._of_branch: dict[str, _Checks] = {}

    def facts(self, state: TrainState) -> Facts:
        """Returns the facts for the state; what could not be asked for is unknown, never good."""
        if state.rollout.release is None:
            return Facts()
        known = state.status.facts if state.status else Facts()
        checks = self._checks_of(state)
        return Facts(
            checks=checks.found,
            checked=checks.checked,
            reading=checks.reading,
            merged_at=self._merged_at(state),
            revert=self._reverts.fact(state) if self._reverts else known.revert,
            checkout=self._reverts.checkout(state) if self._reverts else known.checkout,
            unseen=self._desk.unseen if self._desk else known.unseen,
        )

    def _checks_of(self, state: TrainState) -> _Checks:
        """Returns the checks that matter now."""
        release = state.rollout.release
        assert release is not None
        revert = state.incident.revert if state.incident else None
        if not globs(state.contract):
            return _Checks(())
        if revert is None or revert.landed is None:
            return self._of_commit(release.commit, state)
        if revert.landed not in self._of_branch:
            self._of_branch[revert.landed] = self._of_the_branch(state, release, revert, revert.landed)
        return self._of_branch[revert.landed]

    def _of_commit(self, commit: str, state: TrainState) -> _Checks:
        """Returns the commit's checks. Earlier ones are requested by name: later ones may hide them."""
        if commit not in self._checks:
            try:
                runs = self._forge.check_runs(commit, globs(state.contract), _before(state, commit))
                self._checks[commit] = _Checks(facts_of(runs, state.contract))
            except ChecksUnreadError as unread:
                found = facts_of(unread.runs, state.contract)
                self._checks[commit] = _Checks(found, reading=unread.reading)
            except (OutsideError, InputError):
                self._checks[commit] = _Checks(None)
        return self._checks[commit]

    def _of_the_branch(self, state: TrainState, release: Release, revert: Revert, landed: str) -> _Checks:
        """Returns those of the newest commit that has the revert and was checked;
        of the last known when none is.
        """
        from rollout.commands.checked import newest_checked  # of no use to a release that is well

        facts = state.status.facts if state.status else Facts()
        known, around = facts.checked, facts.checked or landed
        before = _before(state, facts.reading.commit if facts.reading else around)
        try:
            found = newest_checked(
                self._forge, state.contract, until=release.commit, around=around, before=before
            )
        except ChecksUnreadError as unread:
            return _Checks(None, known, unread.reading)
        except (OutsideError, InputError):
            return _Checks(None, known)
        if found is None:
            # What a person declared to be the revert need not be on the branch.
            last = known or revert.declared
            of_last = self._of_commit(last, state) if last else _Checks(())
            return of_last._replace(checked=last)
        # What a commit holds never changes: what was found once is not worked out again.
        is_free = found[0] in (known, landed) or self._lacks(found[0], release, landed)
        return _Checks(found[1], found[0]) if is_free else _Checks(())

    def _lacks(self, commit: str, release: Release, landed: str) -> bool:
        return self._reverts is not None and self._reverts.is_free(commit, release, landed)

    def _merged_at(self, state: TrainState) -> datetime | None:
        rollout, status = state.rollout, state.status
        if status is None or rollout == status.legal or rollout.phase is None:
            return None
        if status.merged_step is not None and status.merged_step.phase == rollout.phase:
            return status.facts.merged_at
        from rollout.core.decide.effects import promotion_branch  # a merge is seldom to be noticed

        pull = self._forge.pull_request(promotion_branch(state.train, status.release, rollout.phase))
        return pull.merged_at if pull else None


def _before(state: TrainState, commit: str) -> ChecksBefore | None:
    """Returns what status.yaml knows of the commit's checks under this contract; None: nothing."""
    status = state.status
    if status is None or status.observation is None:
        return None
    facts, observation = status.facts, status.observation
    is_same = observation.contract_digest == state.contract_digest
    reading = facts.reading if is_same and facts.reading and facts.reading.commit == commit else None
    is_of_it = is_same and facts.checks is not None and commit == (facts.checked or status.commit)
    # What came later may have hidden checks that were there before.
    names = (*(check.name for check in facts.checks or ()), *(reading.names if reading else ()))
    since = observation.started_at if is_of_it and facts.reading is None else None
    return ChecksBefore(commit, since, tuple(dict.fromkeys(names)), reading)
