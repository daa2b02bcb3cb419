"""Write the percent in a flag file, and read it back: the decision side alone does that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rollout.commands.commit_state import ATTEMPTS
from rollout.core.contract import FlagFile
from rollout.core.decide import applying
from rollout.core.decide.requests import branch_of, prefix_of
from rollout.core.decide.step import Step
from rollout.core.effects import WritePercent
from rollout.core.forge import PullRequestState
from rollout.core.observation import Results
from rollout.core.state import CommitMessage, Event, FlagText, Request, StateChange, TrainState
from rollout.core.text import inert
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError, RolloutError
from rollout.files.flag_text import number_in, with_number
from rollout.ports import FlagBranch, FlagProposal, StateStore
from rollout.rendering.commits import message
from rollout.rendering.percent import proposal_body

Take = Callable[[TrainState, Step], TrainState]
"""Commits a step, and returns the train after it."""


@dataclass(frozen=True)
class _Job:
    """What is to be written."""

    request: Request
    flag: FlagFile
    at: datetime

    @property
    def percent(self) -> float:
        return self.request.canary_percent


@dataclass(frozen=True)
class _Place:
    """The flag file as a branch has it."""

    on: FlagBranch
    is_of_state: bool
    tip: str
    content: bytes

    @property
    def name(self) -> str:
        return "the state branch" if self.is_of_state else self.on.name


@dataclass
class Settled:
    """What became of the percent."""

    state: TrainState
    results: Results | None = None
    """The read-back, or a failure that is new."""
    effect: WritePercent | None = None
    """What was written, or would be."""
    failure: str = ""


class PercentWriter:
    """Brings the desired percent to the flag file that the contract names."""

    def __init__(
        self, store: StateStore, state: FlagBranch, product: FlagBranch, *, dry_run: bool = False
    ) -> None:
        """`state` and `product` are the branches that may hold the file."""
        self._store = store
        self._state = state
        self._product = product
        self._dry_run = dry_run

    def settle(self, state: TrainState, take: Take, at: datetime) -> Settled:
        """Reads the number at the head of its branch, writes it where it is another one, and reads it back.

        Whoever moves the branch meanwhile makes it read again: two trains in one file lose no number. A
        number that is not shown yet after it was written is left to the next run. Never raises for what
        GitHub, git or the file refuses: that is a failure, which is told and tried again.
        """
        settled = Settled(state)
        for _ in range(ATTEMPTS):
            due = applying.due(settled.state)
            if due is None:
                return settled
            job = _Job(*due, at)
            try:
                if self._is_done(settled, job, take):
                    return settled
            except HeadMovedError as error:
                settled.failure = error.message
                settled.state = self._store.load_for_brake(state.train, self._store.head())
            except (InputError, RefusedError, OutsideError) as error:
                return _failed(settled, job, error)
        return settled

    def close_left_over(self, state: TrainState, at: datetime) -> None:
        """Closes pull requests that no request stands for any more: merged, one would raise the percent.

        Raises OutsideError and RefusedError where that fails.
        """
        for branch in {each.name: each for each in (self._state, self._product)}.values():
            self._close(branch, state, "no percent is asked for by a pull request now", at)

    def _is_done(self, settled: Settled, job: _Job, take: Take) -> bool:
        """Returns whether nothing is left to do in this run."""
        place = self._place(settled.state, job.flag)
        by_pull_request = job.flag.via == "pull_request"
        if by_pull_request:
            now = f"{job.percent} % is to be applied now"
            self._close(place.on, settled.state, now, job.at, keep=applying.branch_to_merge(settled.state))
        if applying.is_rollback_holding(settled.state):
            return True  # the number may be one that only a merge in the rollback has brought
        number = number_in(place.content, job.flag).value
        if number == job.percent:
            if by_pull_request and job.request.begun_at is not None:
                self._close(place.on, settled.state, f"{job.flag.where} is {job.percent} already", job.at)
            told = f"{job.flag.where} is {job.percent}, read back at {place.tip[:10]} of {place.name}"
            detail = inert(told, 300)
            settled.results = applying.result_of(
                settled.state, job.request, ok=True, detail=detail, at=job.at
            )
            settled.failure = ""
            return True
        may_write = number > job.percent or applying.may_rise(settled.state)
        if settled.effect is not None or applying.is_held(settled.state) or not may_write:
            return True
        if by_pull_request:
            self._propose(settled, job, place, take)
            return True
        self._write(settled, job, place, take)
        settled.effect = WritePercent(job.flag.path, job.flag.pointer, job.percent)
        return self._dry_run

    def _place(self, state: TrainState, flag: FlagFile) -> _Place:
        """Finds the file on the state branch, else on the product's.
        Raises InputError when neither has it.
        """
        content = self._store.file(flag.path, state.head)
        if content is not None:
            return _Place(self._state, True, state.head, content)
        found = self._product.file(flag.path)
        if found is None or found.content is None:
            raise InputError(
                f"{flag.where}: there is no such file on the state branch, nor on {self._product.name}",
                hint=f"commit {flag.path} there, or name another file: apply.flag_file.path in the contract",
                file=flag.path,
            )
        return _Place(self._product, False, found.tip, found.content)

    # --- on the branch itself ----------------------------------------------------------------------------

    def _write(self, settled: Settled, job: _Job, place: _Place, take: Take) -> None:
        content = with_number(place.content, job.flag, job.percent)
        if place.is_of_state:
            self._begin(settled, job, place, take, FlagText(job.flag.path, content))
            return
        if job.request.begun_at is None:
            self._begin(settled, job, place, take)
        if not self._dry_run:
            told = _message(settled.state, job, place)
            place.on.write(job.flag.path, content, told, parent=place.tip, at=job.at)

    def _begin(
        self, settled: Settled, job: _Job, place: _Place, take: Take, text: FlagText | None = None
    ) -> None:
        status = settled.state.status
        assert status is not None
        change = StateChange(status=applying.begun(status, job.request, job.at), flag=text)
        settled.state = take(settled.state, Step(Event.APPLY, change, _detail(job, place)))

    # --- by a pull request -------------------------------------------------------------------------------

    def _close(self, on: FlagBranch, state: TrainState, why: str, at: datetime, *, keep: str = "") -> None:
        """Closes pull requests of the train but that from branch `keep`: a rollback must not be undone."""
        if self._dry_run:
            return
        for pull in on.open_proposals(prefix_of(state.train)):
            if pull.head != keep:
                on.close(pull, f"Closed: {why}.", at=at)

    def _propose(self, settled: Settled, job: _Job, place: _Place, take: Take) -> None:
        content = with_number(place.content, job.flag, job.percent)
        branch = branch_of(settled.state.train, job.request)
        effect = WritePercent(job.flag.path, job.flag.pointer, job.percent, branch)
        if self._dry_run:
            settled.effect = effect
            return
        if job.request.begun_at is None:
            self._begin(settled, job, place, take)
        elif self._is_proposed(place, branch, job, content):
            return
        text = _message(settled.state, job, place)
        body = proposal_body(settled.state, job.request, job.flag)
        new = FlagProposal(branch, job.flag.path, content, text, body, place.tip)
        place.on.propose(new, at=job.at)
        settled.effect = effect

    def _is_proposed(self, place: _Place, branch: str, job: _Job, content: bytes) -> bool:
        """Returns whether an open pull request brings just that. Raises RefusedError for one that is over."""
        pull = place.on.proposed(branch)
        if pull is None:
            return False  # an earlier run was killed
        if pull.state is PullRequestState.OPEN:
            there = place.on.file(job.flag.path, on=branch)
            return there is not None and there.content == content
        how = (
            "was closed" if pull.state is PullRequestState.CLOSED else "is merged, and the number is another"
        )
        raise RefusedError(f"pull request {pull.number} from {branch} {how}: set the number by hand")


def _detail(job: _Job, place: _Place) -> str:
    return job.flag.where if place.is_of_state else f"{job.flag.where} on {place.name}"


def _message(state: TrainState, job: _Job, place: _Place) -> CommitMessage:
    return message(
        Event.APPLY,
        contract=state.contract,
        rollout=state.rollout,
        status=state.status,
        detail=_detail(job, place),
        incident=state.incident,
    )


def _failed(settled: Settled, job: _Job, error: RolloutError) -> Settled:
    # Without the hint: it lists what else this run has done, and a failure is recorded once.
    settled.failure = inert(error.message.splitlines()[0].removeprefix(f"{job.flag.where}: "), 300)
    if settled.failure != job.request.failed:
        due = applying.due(settled.state)
        asked = due[0] if due else job.request
        settled.results = applying.result_of(
            settled.state, asked, ok=False, detail=settled.failure, at=job.at
        )
    return settled
