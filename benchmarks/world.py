"""What the benchmarks work on: a repository with tau's own contract, a release in canary-3, and as many state
commits as one wants. The project's own code makes all of it; only the bulk goes through `git fast-import`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

from rollout.adapters.git.formats import message_text
from rollout.adapters.resources import profile_text
from rollout.commands.collect import collect
from rollout.commands.init import InitOptions, init
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.start import StartOptions, start
from rollout.core.decide.advance import advance, begin
from rollout.core.files import state_path
from rollout.core.observation import LogCursor, Observation, Sample
from rollout.core.state import Event, StateChange, TrainState
from rollout.core.state.changes import applied
from rollout.demo.product import StandIn
from rollout.files.state_files import files_of
from rollout.files.yaml_text import dump_yaml
from rollout.rendering.commits import message
from rollout.wiring import Workspace, texts

TRAIN, PHASE = "tau", "canary-3"
STATUS = state_path(TRAIN, "status.yaml")
CHECKS = ("voice", "browser", "dashboard", "custom-command", "memory", "gate")
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TICK = timedelta(minutes=10)
SETTLED = 20
"""After so many ticks the soak is full and the machine has signed what it can: each tick is one commit."""
LOG_LINE = 120
"""Bytes that a cycle adds to a surface's event log."""


@dataclass(frozen=True)
class StoppedClock:
    moment: datetime

    def now(self) -> datetime:
        return self.moment


class World:
    """The repository, in an empty folder. `tick` is the number of the last observation."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self.root = root
        self.tick = 0
        self._product = StandIn(root)
        self._adopt()
        self._start()
        self._first = self._collect()
        for _ in range(SETTLED):
            self.reconcile(self.observe())

    # --- what a benchmark asks for -----------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return BEGIN + self.tick * TICK

    def space(self) -> Workspace:
        """Returns the repository as a new process opens it, at the time of the last observation."""
        return Workspace(self.root, clock=StoppedClock(self.now), environment=self._product.environment())

    def state(self) -> TrainState:
        return self.space().load(TRAIN)

    def observe(self) -> Observation:
        """Returns the next observation: every surface one healthy cycle further."""
        self.tick += 1
        return later(self._first, self.tick)

    def reconcile(self, observation: Observation) -> list[Event]:
        """Returns what `rollout reconcile --observation FILE` does once Python is up;
        the events that it recorded.
        """
        space = self.space()
        reconciler = Reconciler(space.store, space.forge, space.clock, texts.promotion_body())
        report = reconciler.run(TRAIN, [observation])
        space.git.close()
        return [taken.step.event for taken in report.steps]

    def ahead(self) -> Iterator[TrainState]:
        """Yields the states that the next observations lead to, one by one and indefinitely;
        nothing is written.
        """
        state = self.state()
        assert state.status is not None
        facts = state.status.facts
        while True:
            step = advance(state, self.observe(), facts, self.now)
            assert step is not None
            assert step.event is Event.OBSERVE
            state = applied(state, step.change, state.head)
            yield state

    def prolong(self, commits: int, *, distinct: int | None = None) -> str:
        """Adds that many observations, each in its own commit; after `distinct` they repeat.

        Gives the commit that the first of them is on.
        """
        tip = self.git("rev-parse", "HEAD").strip()
        states = list(islice(self.ahead(), distinct or commits))
        stream = b"".join(_fast_import(states, commits, tip))
        # One pack whatever the number, as git itself keeps a long history.
        self.git("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", stdin=stream)
        self.git("reset", "--quiet", "--hard")
        return tip

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, input=stdin, check=True, capture_output=True
        )
        return done.stdout.decode()

    # --- how it comes to be ------------------------------------------------------------------------------

    def _adopt(self) -> None:
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Benchmark")
        self.git("config", "user.email", "benchmark@example.com")
        (self.root / ".gitignore").write_text(".tau/\n", encoding="utf-8")
        self._product.install()
        wishes = InitOptions(train=TRAIN, current_version="v0.1.4")
        init(self.space().worktree, profile_text(TRAIN), dump_yaml, wishes)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Add the contract")
        (self.root / "product.txt").write_text("v0.1.5\n", encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=Release v0.1.5")

    def _start(self) -> None:
        """Starts v0.1.5 and puts it into canary-3 at once."""
        space, release = self.space(), self.git("rev-parse", "HEAD").strip()
        begun = start(space.store, space.history, space.clock, TRAIN, StartOptions("v0.1.5", release)).state
        for check in CHECKS:
            space.local_forge.record_check(release, f"Live smoke ({check})", "success", at=self.now)
        percent = begun.contract.phase(PHASE).canary_percent
        rollout = begun.rollout.model_copy(update={"phase": PHASE, "canary_percent": percent})
        status = begin(begun.contract, begun.contract_digest, rollout, self.now)
        change = StateChange(rollout=rollout, status=status)
        text = message(Event.ENTER, contract=begun.contract, rollout=rollout, status=status)
        space.store.commit(TRAIN, change, text, parent=begun.head, at=self.now)

    def _collect(self) -> Observation:
        """Returns the five surfaces and the harness as they are really read."""
        self._product.cycle(self.now)
        space, state = self.space(), self.state()
        product, harness = space.product(None), state.contract.harness
        assert harness is not None
        product.run(harness.command or (), harness.workdir, harness.timeout)
        return collect(
            state.contract,
            state.contract_digest,
            state.rollout,
            state.status,
            product,
            space.clock,
            surfaces=None,
            round_id=None,
            workers=2,
            progress=lambda line: None,
        )


# --- time passes -----------------------------------------------------------------------------------------


def later(first: Observation, ticks: int) -> Observation:
    """Returns the observation as it would be so many healthy cycles later."""
    samples = {name: _later_sample(sample, ticks) for name, sample in first.samples.items()}
    span = ticks * TICK
    update = {
        "samples": samples,
        "started_at": first.started_at + span,
        "finished_at": first.finished_at + span,
    }
    return first.model_copy(update=update)


def _later_sample(sample: Sample, ticks: int) -> Sample:
    assert sample.unknown is None, sample.unknown
    assert sample.read_at is not None
    assert sample.updated_at is not None
    return sample.model_copy(
        update={
            "read_at": sample.read_at + ticks * TICK,
            "updated_at": sample.updated_at + ticks * TICK,
            "counters": sample.counters and _risen(sample.counters, ticks),
            "cursor": sample.cursor and _later_cursor(sample.cursor, ticks),
        }
    )


def _later_cursor(cursor: LogCursor, ticks: int) -> LogCursor:
    totals, offset = _risen(cursor.totals, ticks), cursor.offset + ticks * LOG_LINE
    return cursor.model_copy(update={"offset": offset, "totals": totals})


def _risen(totals: dict[str, int], ticks: int) -> dict[str, int]:
    return {counter: total + ticks for counter, total in totals.items()}


# --- many commits at once --------------------------------------------------------------------------------


def _fast_import(states: list[TrainState], commits: int, tip: str) -> Iterator[bytes]:
    told = []
    for mark, state in enumerate(states, start=1):
        text = files_of(TRAIN, StateChange(status=state.status))[STATUS] or b""
        yield b"blob\nmark :%d\n" % mark + _data(text)
        said = message(Event.OBSERVE, contract=state.contract, rollout=state.rollout, status=state.status)
        told.append(_data(message_text(said).encode()) + f"M 100644 :{mark} {STATUS}\n".encode())
    begin_of_each = b"commit refs/heads/main\ncommitter Benchmark <benchmark@example.com> 1790000000 +0000\n"
    yield b"reset refs/heads/main\nfrom %s\n\n" % tip.encode()
    yield from (begin_of_each + each for each in islice(cycle(told), commits))


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
