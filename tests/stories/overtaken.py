"""A reconcile in whose middle somebody else's command runs to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from rollout.adapters.clock import FixedClock
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.core.observation import Evidence
from rollout.core.state import CommitMessage, StateChange, TrainState
from rollout.errors import RolloutError
from rollout.files.evidence import read_evidence
from rollout.ports import LoggedCommit, StateStore
from rollout.wiring import Workspace, texts
from tests.stories.town import TRAIN, Said, Town


class OvertakenStore:
    """Fills the `StateStore` port by another one; the other command comes before the first commit."""

    def __init__(self, store: StateStore, town: Town, command: tuple[str, ...]) -> None:
        self._store = store
        self._town = town
        self._command: tuple[str, ...] | None = command
        self.said: Said | None = None

    def commit(
        self,
        train: str,
        change: StateChange,
        message: CommitMessage,
        *,
        parent: str,
        at: datetime,
        is_brake: bool = False,
    ) -> str:
        if self._command is not None:
            command, self._command = self._command, None
            self.said = self._town.rollout(*command)
        return self._store.commit(train, change, message, parent=parent, at=at, is_brake=is_brake)

    def head(self) -> str:
        return self._store.head()

    def trains(self, at: str) -> tuple[str, ...]:
        return self._store.trains(at)

    def load(self, train: str, at: str) -> TrainState:
        return self._store.load(train, at)

    def load_for_brake(self, train: str, at: str) -> TrainState:
        return self._store.load_for_brake(train, at)

    def text(self, train: str, name: str, at: str) -> bytes | None:
        return self._store.text(train, name, at)

    def file(self, path: str, at: str) -> bytes | None:
        return self._store.file(path, at)

    def altered(self, train: str, change: StateChange, at: str) -> str:
        return self._store.altered(train, change, at)

    def load_many(self, train: str, at: Sequence[str]) -> Iterator[TrainState | Exception]:
        return self._store.load_many(train, at)

    def log(self, train: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        return self._store.log(train, since=since)

    def log_of_file(self, path: str, *, since: str | None = None) -> Iterator[LoggedCommit]:
        return self._store.log_of_file(path, since=since)

    def forks(self, one: str, other: str) -> tuple[str, ...]:
        return self._store.forks(one, other)


def overtaken(town: Town, command: tuple[str, ...]) -> None:
    """Collect and reconcile, overtaken by that command, whose freeze has to outlast the reconcile."""
    town.print_health()
    file = town.path / "jobs" / "collect.json"
    file.unlink(missing_ok=True)
    town.rollout("collect", "--output", str(file))
    evidence: list[Evidence] = [read_evidence(file)] if file.exists() else []
    space = Workspace(town.path, clock=FixedClock(town.now))
    store = OvertakenStore(space.store, town, command)
    with suppress(RolloutError):
        space.train(TRAIN)
        reconciler = Reconciler(
            store,
            space.forge,
            space.clock,
            texts.promotion_body(),
            responder=space.responder(),
            desk=space.signoff_desk(dry_run=False),
        )
        reconciler.run(TRAIN, evidence)
    if store.said is not None and store.said.code == 0 and command[0] in ("freeze", "rollback"):
        rollout = space.store.load(TRAIN, space.store.head()).rollout
        assert rollout.frozen is not None, f"{command} was lost"
