"""Promotion pull requests, and the commit statuses of a train, as its state decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import assert_never

from rollout.commands.reconcile.report import Report
from rollout.core.decide.effects import (
    difference,
    opens_again_at,
    plan_pulls,
    plan_statuses,
    promotion_of,
    promotion_prefix,
    proposed,
)
from rollout.core.decorations import Decorations
from rollout.core.effects import (
    ClosePullRequest,
    OpenPullRequest,
    PullRequestEffect,
    SetStatus,
    UpdatePullRequest,
)
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.core.state import Event, StateChange, Status, TrainState
from rollout.core.values import format_instant
from rollout.errors import OutsideError
from rollout.ports import Forge, NewPullRequest, StateStore
from rollout.rendering.commits import message, promotion_title


class PromotionPullRequests:
    """One train's promotions in one run: planned from what the forge shows, then carried out."""

    def __init__(
        self,
        store: StateStore,
        forge: Forge,
        body: Callable[[TrainState, str], str],
        decorations: Decorations,
        *,
        at: datetime,
        dry_run: bool,
    ) -> None:
        """`body` takes the train and the state commit that the pull request's branch is made on."""
        self._store = store
        self._forge = forge
        self._promotion_body = body
        self._decorations = decorations
        self._at = at
        self._dry_run = dry_run
        self.failed: list[OutsideError] = []
        """Vital acts that failed: the others are made first."""

    def keep(self, report: Report, *, was_ready: bool) -> list[PullRequest]:
        """Opens, updates and closes promotions; returns those that are open then, as far as is known.

        `was_ready`: whether the promotion had been decided before this run.
        """
        state = report.state
        if state.status is None:
            return []
        pulls = self._open_pulls(state)
        if pulls is None:
            return []
        body_for = partial(self._promotion_body, state)
        changed = any(taken.step.event is Event.CONTRACT for taken in report.steps)
        effects = plan_pulls(
            state.rollout, state.status, state.contract, pulls, body_for, contract_changed=changed
        )
        for effect in effects:
            if not (isinstance(effect, OpenPullRequest) and self._is_put_off(report, effect, was_ready)):
                self.carry_out(report, effect)
        # A dry run has closed nothing, and has to leave out what it would have closed.
        closed = {effect.number for effect in report.effects if isinstance(effect, ClosePullRequest)}
        return [pull for pull in self._open_pulls(state) or () if pull.number not in closed]

    def carry_out(self, report: Report, effect: PullRequestEffect) -> None:
        """Changes the forge. A body or status that fails is only reported; people act on pull requests."""
        if isinstance(effect, UpdatePullRequest | SetStatus):
            is_done = self._decorations.attempt(partial(self._make, effect, report.state))
        else:
            is_done = self._is_made(effect, report.state)
        if is_done:
            report.effects.append(effect)

    def _is_put_off(self, report: Report, effect: OpenPullRequest, was_ready: bool) -> bool:
        if not was_ready:
            # Decided in this run: nobody can have closed it, and it saves a request.
            return False
        try:
            why = self._why_later(effect)
        except OutsideError as error:
            self.failed.append(error)
            return True
        if why:
            report.notes.append(why)
        return bool(why)

    def _why_later(self, effect: OpenPullRequest) -> str:
        """Returns why the pull request is not opened yet; empty when it is.

        Otherwise a bot that closes each one at once would have it opened without end.
        """
        closings = self._forge.closings(effect.branch)
        again = opens_again_at(closings)
        if again is None or again <= self._at:
            return ""
        often = f"{len(closings)} times, last at {format_instant(closings[-1])}"
        return (
            f"the pull request to {effect.to_phase} is not opened before {format_instant(again)}:"
            f" somebody else closed it {often}. If that is a bot, exempt the branches rollout/** from it;"
            " to stop promoting: rollout freeze --reason WHY"
        )

    def _is_made(self, effect: PullRequestEffect, state: TrainState) -> bool:
        try:
            self._make(effect, state)
        except OutsideError as error:
            self.failed.append(error)
            return False
        return True

    def show(self, report: Report, status: Status, pulls: Sequence[PullRequest]) -> None:
        """Sets the statuses of the release commit and of open promotions."""
        state = report.state
        shown: dict[str, Mapping[str, tuple[StatusState, str]]] = {}

        def look(commit: str) -> None:
            shown[commit] = self._forge.statuses(commit)

        for commit in sorted({status.commit, *(pull.head_sha for pull in pulls)}):
            self._decorations.attempt(partial(look, commit))
        differs = {pull.number: self._difference(state, pull) for pull in pulls}
        for effect in plan_statuses(state.rollout, status, state.contract, pulls, differs, shown):
            if effect.commit in shown:
                self.carry_out(report, effect)

    def _open_pulls(self, state: TrainState) -> list[PullRequest] | None:
        """Lists open pull requests; None when that failed: then none may be opened or closed."""
        try:
            listed = self._forge.pull_requests(promotion_prefix(state.train))
        except OutsideError as error:
            self.failed.append(error)
            return None
        return [
            pull
            for pull in listed
            if pull.state is PullRequestState.OPEN and pull.kind is PullRequestKind.PROMOTION
        ]

    def _difference(self, state: TrainState, pull: PullRequest) -> str:
        """Returns how the pull request's branch differs from the promotion that its train proposes now."""
        wanted = promotion_of(state)
        if wanted is None:
            return ""
        try:
            changes = self._forge.changes(state.train, pull)
        except OutsideError as error:
            return error.message
        altered = changes.altered
        if altered and self._store.altered(state.train, StateChange(rollout=state.rollout), state.head):
            altered = ""  # somebody wrote the file so on the state branch: it may have come with that
        return difference(wanted, changes.paths, changes.rollout, unlisted=changes.unlisted, altered=altered)

    def _make(self, effect: PullRequestEffect, state: TrainState) -> None:
        if self._dry_run:
            return
        match effect:
            case OpenPullRequest():
                rollout = proposed(state.rollout, effect.to_phase, effect.canary_percent)
                text = message(Event.PROMOTE, contract=state.contract, rollout=rollout, status=state.status)
                new = NewPullRequest(
                    kind=PullRequestKind.PROMOTION,
                    train=state.train,
                    branch=effect.branch,
                    change=StateChange(rollout=rollout),
                    message=text,
                    body=self._promotion_body(state, state.head),
                    parent=state.head,
                    title=promotion_title(state.contract, rollout, state.status),
                )
                self._forge.open_pull_request(new, at=self._at)
            case UpdatePullRequest():
                self._forge.update_pull_request(effect.number, effect.body, at=self._at)
            case ClosePullRequest():
                self._forge.close_pull_request(effect.number, effect.reason, at=self._at)
            case SetStatus():
                self._forge.set_status(
                    effect.commit, effect.context, effect.state, effect.description, at=self._at
                )
            case _:
                assert_never(effect)
