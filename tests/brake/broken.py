"""A train in canary-1 with one bad reading, and every way in which a file of it can be broken."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from rollout.core.contract import RollbackStep
from rollout.core.files import (
    CHANNEL,
    CONTRACT,
    INCIDENTS,
    QUARANTINE,
    REHEARSAL,
    ROLLOUT,
    SIGNOFF,
    STATUS,
    state_path,
)
from rollout.core.observation import Observation
from rollout.core.rollback.opening import dispatched
from rollout.core.state import (
    Addition,
    Quarantine,
    QuarantinedRelease,
    Rehearsal,
    StateChange,
    TrainState,
)
from rollout.core.state.rehearsal import RehearsedStep
from rollout.files.state_files import files_of, read_contract
from rollout.files.yaml_text import MAX_BYTES
from tests.world import COMMIT, OTHER_COMMIT, TAU, TIP, VERSION, World

DEGRADED = {"voice": {"health_state": "degraded"}}
FILE, LINK, SUBMODULE, FOLDER = "100644", "120000", "160000", "040000"


@dataclass(frozen=True)
class Entry:
    """What stands where a file was."""

    body: bytes
    mode: str = FILE


Breaks = Callable[[str, bytes], Entry | None]
"""The file's name and its content -> what comes in its place; None takes it away."""


def _markers(_name: str, text: bytes) -> Entry:
    lines = text.splitlines(keepends=True)
    return Entry(b"".join([*lines[:3], b"<<<<<<< HEAD\n", lines[3], b"=======\n", b">>>>>>> theirs\n"]))


WAYS: Mapping[str, Breaks] = {
    "merge markers": _markers,
    "empty": lambda _name, _text: Entry(b""),
    "removed": lambda _name, _text: None,
    "link": lambda _name, _text: Entry(b"../../README", LINK),
    "link to a copy": lambda name, _text: Entry(f"../{name}.copy".encode(), LINK),
    "folder": lambda _name, text: Entry(text, FOLDER),
    "submodule": lambda _name, _text: Entry(b"1" * 40, SUBMODULE),
    "of another train": lambda _name, text: Entry(text.replace(b"train: tau", b"train: rho")),
    "no UTF-8": lambda _name, text: Entry(text + b"# \xff\xfe\n"),
    "NUL bytes": lambda _name, text: Entry(b"\0" * len(text)),
    "cut off": lambda _name, text: Entry(text[: len(text) * 2 // 3].rstrip() + b"\n  x: [\n"),
    "a key twice": lambda _name, text: Entry(text + b"train: tau\n"),
    "a list": lambda _name, _text: Entry(b"- one\n- two\n"),
    "a key that nobody knows": lambda _name, text: Entry(text + b"surprise: true\n"),
    "a key of another type": lambda _name, text: Entry(re.sub(rb"(?m)^train: tau$", b"train: [tau]", text)),
    "a key missing": lambda _name, text: Entry(re.sub(rb"(?m)^train: tau\n", b"", text)),
    "too large": lambda _name, text: Entry(text + b"#" * MAX_BYTES + b"\n"),
    "nested without end": lambda _name, text: Entry(text + b"x: " + b"[" * 500 + b"]" * 500 + b"\n"),
}
OPTIONAL = (CHANNEL, SIGNOFF, QUARANTINE, REHEARSAL)
"""A train may be without these, so one that is removed is not broken."""
NAMES = (CONTRACT, ROLLOUT, STATUS, *OPTIONAL)


@cache
def on_its_way() -> tuple[Mapping[str, bytes], Mapping[str, bytes], Observation]:
    """The train's files before and after its first bad reading, and the second one, which fires."""
    world = World().play_to("canary-1")
    before = _state_of(world)
    world.tick(DEGRADED)
    after = _state_of(world)
    world.clock.forward(minutes=10)
    return _texts(before), _texts(after), _of(world.observe(DEGRADED), _digest(after))


@cache
def two_bad_readings() -> tuple[Observation, Observation]:
    """Of the train before its first bad reading: only both together fire."""
    world = World().play_to("canary-1")
    digest = _digest(_state_of(world))
    first = world.observe(DEGRADED, at=world.clock.forward(minutes=10))
    return _of(first, digest), _of(world.observe(DEGRADED, at=world.clock.forward(minutes=10)), digest)


@cache
def good_reading(minutes: int = 5) -> Observation:
    """Of the same train; the bad ones are made after 10 and 20 minutes."""
    world = World().play_to("canary-1")
    digest = _digest(_state_of(world))
    return _of(world.observe(at=world.clock.forward(minutes=minutes)), digest)


@cache
def rolling_back() -> Mapping[str, bytes]:
    """The files of the same train while a person's rollback is under way."""
    world = World().play_to("canary-1")
    state = _state_of(world)
    change = dispatched(state, "ada", "errors", None, world.now)
    assert change.rollout is not None
    opened = replace(
        state,
        rollout=change.rollout,
        status=change.status,
        signoff=change.signoff or state.signoff,
        incident=change.incident,
    )
    return _texts(opened)


def incident_file() -> str:
    return next(path for path in rolling_back() if f"/{INCIDENTS}/" in path)


def _state_of(world: World) -> TrainState:
    """The train with a file of each sort."""
    bad = QuarantinedRelease(
        commit=OTHER_COMMIT, version="v0.1.3", added=Addition(by="ada", reason="leaks"), at=world.now
    )
    rehearsal = Rehearsal(
        train=TAU,
        release=VERSION,
        commit=COMMIT,
        at=world.now,
        by="ada",
        target="v0.1.4",
        tip=TIP,
        steps=(RehearsedStep(step=RollbackStep.FREEZE, result="frozen"),),
    )
    return replace(world.state, quarantine=Quarantine(train=TAU, releases=(bad,)), rehearsal=rehearsal)


def _texts(state: TrainState) -> Mapping[str, bytes]:
    """As `files_of`; status.yaml says the digest that the contract has as a file."""
    status, digest = state.status, _digest(state)
    assert status is not None
    seen = status.observation
    marked = {"contract_digest": digest, "observation": _of(seen, digest) if seen else None}
    change = StateChange(
        contract=state.contract,
        rollout=state.rollout,
        status=status.model_copy(update=marked),
        channel=state.channel,
        signoff=state.signoff,
        quarantine=state.quarantine,
        rehearsal=state.rehearsal,
        incident=state.incident,
    )
    return {path: text for path, text in files_of(TAU, change).items() if text is not None}


def _digest(state: TrainState) -> str:
    text = files_of(TAU, StateChange(contract=state.contract))[state_path(TAU, CONTRACT)]
    assert text is not None
    return read_contract(text, CONTRACT)[1]


def _of(observation: Observation, digest: str) -> Observation:
    return observation.model_copy(update={"contract_digest": digest})


# --- histories ---------------------------------------------------------------------------------------------


class Histories:
    """Branches of a bare repository, each with a history of its own, written by one `git fast-import`."""

    def __init__(self) -> None:
        self._stream: list[bytes] = []

    def commit(self, branch: str, files: Mapping[str, Entry | None], *, onto: str | None = None) -> None:
        """A commit on `branch`, which begins at the branch `onto` where that is given."""
        head = f"commit refs/heads/{branch}\ncommitter Ada <ada@example.com> 1795600000 +0000\n".encode()
        parent = f"from refs/heads/{onto}\n".encode() if onto else b""
        self._stream += [head, b"data 4\nedit\n", parent]
        for path, entry in files.items():
            self._stream.append(_line(path, entry))
        self._stream.append(b"\n")

    def write(self, folder: Path, *, checkout: str = "") -> None:
        """A bare repository of these branches, or one with that branch checked out."""
        options = ("--initial-branch", checkout) if checkout else ("--bare",)
        subprocess.run(["git", "init", "--quiet", *options, str(folder)], check=True)
        git = ["git", "-C", str(folder)]
        subprocess.run([*git, "fast-import", "--quiet"], input=b"".join(self._stream), check=True)
        if checkout:
            subprocess.run([*git, "reset", "--quiet", "--hard"], check=True)


def _line(path: str, entry: Entry | None) -> bytes:
    if entry is None:
        return f"D {path}\n".encode()
    if entry.mode == SUBMODULE:
        return f"M {SUBMODULE} {entry.body.decode()} {path}\n".encode()
    if entry.mode == FOLDER:
        # First the file has to go, or it would be in the folder's place.
        return f"D {path}\n".encode() + _line(f"{path}/{path.rsplit('/', 1)[-1]}", replace(entry, mode=FILE))
    return f"M {entry.mode} inline {path}\ndata {len(entry.body)}\n".encode() + entry.body + b"\n"


def entries(files: Mapping[str, bytes]) -> dict[str, Entry | None]:
    return {path: Entry(text) for path, text in files.items()}
