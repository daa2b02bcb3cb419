"""Write the percent in a flag file, and read it back: the decision side alone does that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rollout.commands.commit_state import ATTEMPTS
from rollout.core.contract import FlagFile
from rollout.core.decide import applying
from rollout.core.decide.step import Step
from rollout.core.effects import WritePercent
from rollout.core.observation import Results
from rollout.core.state import CommitMessage, Event, FlagText, Request, StateChange, TrainState
from rollout.core.text import inert
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError, RolloutError
from rollout.files.flag_text import number_in, with_number
from rollout.ports import ProductBranch, StateStore
from rollout.rendering.commits import message

Take = Callable[[TrainState, Step], TrainState]
"""Commits a step, and returns the train after it."""


@dataclass(frozen=True)
class _Place:
    """The flag file as a branch has it."""

    content: bytes
    branch: str
    """What people call the branch; empty for the state branch."""
    tip: str


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

    def __init__(self, store: StateStore, product: ProductBranch, *, dry_run: bool = False) -> None:
        self._store = store
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
            request, flag = due
            try:
                if self._is_done(settled, request, flag, take, at):
                    return settled
            except HeadMovedError as error:
                settled.failure = error.message
                settled.state = self._store.load_for_brake(state.train, self._store.head())
            except (InputError, RefusedError, OutsideError) as error:
                return self._failed(settled, request, flag, error, at)
        return settled

    def _is_done(self, settled: Settled, request: Request, flag: FlagFile, take: Take, at: datetime) -> bool:
        """Returns whether nothing is left to do in this run."""
        place = self._place(settled.state, flag)
        if number_in(place.content, flag).value == request.canary_percent:
            where = f"{flag.where} is {request.canary_percent}"
            told = f"{where}, read back at {place.tip[:10]}{place.branch and f' of {place.branch}'}"
            results = applying.result_of(settled.state, request, ok=True, detail=inert(told, 300), at=at)
            settled.results, settled.failure = results, ""
            return True
        if settled.effect is not None or applying.is_held(settled.state.rollout):
            return True
        self._write(settled, request, flag, place, take, at)
        settled.effect = WritePercent(flag.path, flag.pointer, request.canary_percent)
        return self._dry_run

    def _place(self, state: TrainState, flag: FlagFile) -> _Place:
        """Finds the file on the state branch, else on the product's.
        Raises InputError when neither has it.
        """
        content = self._store.file(flag.path, state.head)
        if content is not None:
            return _Place(content, "", state.head)
        found = self._product.file(flag.path)
        if found is None or found.content is None:
            raise InputError(
                f"{flag.where}: there is no such file on the state branch, nor on {self._product.name}",
                hint=f"commit {flag.path} there, or name another file: apply.flag_file.path in the contract",
                file=flag.path,
            )
        return _Place(found.content, self._product.name, found.tip)

    def _write(
        self, settled: Settled, request: Request, flag: FlagFile, place: _Place, take: Take, at: datetime
    ) -> None:
        content = with_number(place.content, flag, request.canary_percent)
        state = settled.state
        assert state.status is not None
        begun = StateChange(
            status=applying.begun(state.status, request, at),
            flag=None if place.branch else FlagText(flag.path, content),
        )
        detail = f"{flag.where}{place.branch and f' on {place.branch}'}"
        if not place.branch or request.begun_at is None:
            settled.state = take(state, Step(Event.APPLY, begun, detail))
        if place.branch and not self._dry_run:
            told = self._message(settled.state, detail)
            self._product.write(flag.path, content, told, parent=place.tip, at=at)

    def _message(self, state: TrainState, detail: str) -> CommitMessage:
        return message(
            Event.APPLY,
            contract=state.contract,
            rollout=state.rollout,
            status=state.status,
            detail=detail,
            incident=state.incident,
        )

    def _failed(
        self, settled: Settled, request: Request, flag: FlagFile, error: RolloutError, at: datetime
    ) -> Settled:
        # Without the hint: it lists what else this run has done, and a failure is recorded once.
        settled.failure = inert(error.message.splitlines()[0].removeprefix(f"{flag.where}: "), 300)
        if settled.failure != request.failed:
            state = settled.state
            due = applying.due(state)
            asked = due[0] if due else request
            settled.results = applying.result_of(state, asked, ok=False, detail=settled.failure, at=at)
        return settled
