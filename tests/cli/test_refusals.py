"""Each request of a command, refused in each way: what is vital is done anyway, or said with exit 4.

docs/design/decorations.md says which request is which. A row here is one request of one command; the refusals
go round the rows, so that each row meets a few of them and each command all.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple, assert_never

import pytest

from fakehub import faults
from fakehub.faults import Fault
from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.cli import main
from rollout.core.state import Rollout
from rollout.core.values import format_instant
from rollout.files.evidence import write_evidence
from tests.adapters.github.world import GitHubWorld, seed, started
from tests.examples import NIGHTLY
from tests.world import VERSION

__all__ = ["hub"]

REFUSALS = {
    "401": faults.BAD_CREDENTIALS,
    "502": faults.BAD_GATEWAY,
    "403": faults.FORBIDDEN,
    "409": faults.CONFLICT,
    "301": Fault(status=301, message="Moved Permanently"),
    "404": faults.NOT_FOUND,
    "429": faults.too_many(),
    "410": Fault(status=410, message="Gone"),
    "no answer": faults.DROPPED,
    "422": faults.UNPROCESSABLE,
    "200 with an error": faults.graphql("Resource not accessible by integration", "FORBIDDEN"),
}
PASSING = {"409", "429", "502", "no answer"}
A_ROW = len(REFUSALS) if NIGHTLY else 2
"""Refusals that each request meets; its neighbours in the table meet the next ones."""


class Ends(Enum):
    """How the command ends where a request is refused for good."""

    NOTHING_WRITTEN = "exit 4, and nothing is written"
    REST_IS_DONE = "exit 4, and everything else that is vital is done"
    TOLD_AS_LOST = "exit 0, all that is vital is done, and the loss is told"
    DONE_STEP_BY_STEP = "exit 0: what one request would have done, several do"
    UNKNOWN = "exit 0, and what was asked for counts as unknown"


@dataclass(frozen=True)
class Row:
    route: str
    ends: Ends
    nth: int = 1
    """Which of the command's requests of that route; the later ones are refused too."""
    passing: Ends | None = None
    """How it ends where the refusal may pass; None for as above."""

    def end(self, refusal: str) -> Ends:
        return self.passing if self.passing and refusal in PASSING else self.ends


@dataclass(frozen=True)
class Verb:
    command: str
    rows: tuple[Row, ...]
    """Every request of the command, in any order."""
    before: tuple[str, ...] = ()
    is_idle: bool = False


READ, COMMIT = "POST /graphql repository", "POST /graphql createCommitOnBranch"
LIST, CHECKS = "POST /graphql repository,repository", "POST /graphql checks"
OPEN = "POST /graphql createRef,createCommitOnBranch,createPullRequest"
REPO = "/repos/acme/tau"
STOP = "rollback --reason stop --by ada"
FOLD = "reconcile --observation o.json"
STEERING = (Row(READ, Ends.NOTHING_WRITTEN), Row(COMMIT, Ends.NOTHING_WRITTEN))
VERBS = {
    "freeze": Verb("freeze --reason stop", STEERING),
    "rollback": Verb(STOP, STEERING),
    "start": Verb(
        f"start --version {VERSION} --commit RELEASE",
        (
            *STEERING,
            Row(CHECKS, Ends.UNKNOWN),
            Row(f"GET {REPO}/actions/workflows/*", Ends.UNKNOWN),
        ),
        is_idle=True,
    ),
    "a promotion is proposed": Verb(
        FOLD,
        (
            Row(READ, Ends.NOTHING_WRITTEN),
            Row(CHECKS, Ends.UNKNOWN),
            Row(LIST, Ends.REST_IS_DONE),
            Row(READ, Ends.TOLD_AS_LOST, nth=2),
            Row(COMMIT, Ends.NOTHING_WRITTEN),
            Row(OPEN, Ends.REST_IS_DONE, passing=Ends.DONE_STEP_BY_STEP),
            Row(f"POST {REPO}/issues/*/labels", Ends.TOLD_AS_LOST),
            Row(f"POST {REPO}/statuses/*", Ends.TOLD_AS_LOST),
            Row(f"POST {REPO}/issues", Ends.TOLD_AS_LOST),
            Row(f"POST {REPO}/issues/*/comments", Ends.TOLD_AS_LOST),
        ),
    ),
    "a rollback goes on": Verb(
        "reconcile",
        (
            Row(READ, Ends.NOTHING_WRITTEN),
            Row(CHECKS, Ends.UNKNOWN),
            Row(LIST, Ends.REST_IS_DONE),
            Row(READ, Ends.NOTHING_WRITTEN, nth=2),
            Row(READ, Ends.TOLD_AS_LOST, nth=3),
            Row(f"POST {REPO}/issues/*/comments", Ends.TOLD_AS_LOST),
            Row(f"DELETE {REPO}/git/refs/heads/*", Ends.TOLD_AS_LOST),
            Row(f"PATCH {REPO}/pulls/*", Ends.REST_IS_DONE),
            Row(f"POST {REPO}/statuses/*", Ends.TOLD_AS_LOST),
            Row(f"POST {REPO}/issues", Ends.TOLD_AS_LOST),
            Row(f"PATCH {REPO}/issues/comments/*", Ends.TOLD_AS_LOST),
            Row(f"PATCH {REPO}/issues/*", Ends.TOLD_AS_LOST),
        ),
        before=(FOLD, STOP),
    ),
}


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, tuple[Path, str]]:
    """The repository and its release commit: of an idle train, and of one in preflight."""
    made = {
        is_idle: make(tmp_path_factory.mktemp("origin") / "repository")
        for is_idle, make in ((True, seed), (False, started))
    }
    return {is_idle: (repository.path, release) for is_idle, (repository, release) in made.items()}


class Written(NamedTuple):
    """All that is vital: state and its history, and pull requests."""

    events: tuple[str, ...]
    pulls: tuple[tuple[str, str], ...]
    rollout: Rollout


@dataclass
class Play:
    """One command on a GitHub of its own."""

    hub: Hub
    world: GitHubWorld
    capsys: pytest.CaptureFixture[str]
    code: int = 0
    err: str = ""
    lost: tuple[str, ...] = ()

    def run(self, command: str) -> Play:
        self.capsys.readouterr()
        self.code = main([*command.replace("RELEASE", self.world.release).split(), "--json"])
        said = self.capsys.readouterr()
        self.err = said.err
        self.lost = tuple(json.loads(said.out).get("lost", ())) if said.out else ()
        return self

    def calls(self) -> Iterator[tuple[str, int]]:
        """Each request, and the how manieth of its route it was."""
        counted: Counter[str] = Counter()
        for call in map(str, self.hub.calls()):
            route = route_of(call)
            counted[route] += 1
            yield route, counted[route]

    def refuse(self, row: Row, fault: Fault) -> None:
        met = itertools.count(1)
        self.hub.fail(lambda call: route_of(call) == row.route and next(met) >= row.nth, fault, times=-1)

    def written(self) -> Written:
        pulls = tuple((thread.title, thread.state) for thread in self.world.repo.pulls())
        return Written(tuple(self.world.events()), pulls, self.world.rollout)


ROUTES = sorted({row.route for verb in VERBS.values() for row in verb.rows}, key=len, reverse=True)


def route_of(call: str) -> str:
    return next((route for route in ROUTES if fnmatchcase(call, route)), call)


Plays = Callable[[Verb], AbstractContextManager[Play]]


@pytest.fixture
def playing(
    hub: Hub,
    origins: dict[bool, tuple[Path, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Plays:
    """Makes a GitHub on which all is done that comes before the command."""
    assert hub.url  # its fixture opens the loopback
    monkeypatch.chdir(tmp_path)
    numbers = itertools.count()

    @contextmanager
    def play(verb: Verb) -> Iterator[Play]:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        with Hub(folder) as own:
            world = GitHubWorld(own, *origins[verb.is_idle])
            world.run_harness()
            world.clock.forward(minutes=10)
            monkeypatch.setenv("GITHUB_ACTIONS", "true")
            monkeypatch.setenv("GITHUB_ACTOR", "alice")
            monkeypatch.setenv("GITHUB_TOKEN", world.token.value)
            monkeypatch.setenv("ROLLOUT_NOW", format_instant(world.now))
            for name, value in world.repo.address().items():
                monkeypatch.setenv(name, value)
            if not verb.is_idle:
                write_evidence(tmp_path / "o.json", world.observe())
            made = Play(own, world, capsys)
            for command in verb.before:
                assert made.run(command).code == 0, made.err
            own.forget_calls()
            yield made

    return play


@pytest.mark.parametrize("name", VERBS)
def test_every_request_has_a_row(playing: Plays, name: str) -> None:
    verb = VERBS[name]
    with playing(verb) as play:
        assert play.run(verb.command).code == 0, play.err
        made = set(play.calls())
    rows = {(row.route, row.nth) for row in verb.rows}
    assert rows <= made
    # Where the first of a route is refused, those after it are too.
    assert {route for route, _ in made} == {route for route, _ in rows}


CASES = [
    pytest.param(name, row, refusal, id=f"{name}: {row.route} {row.nth}: {refusal}")
    for name, verb in VERBS.items()
    for number, row in enumerate(verb.rows)
    for refusal in (list(REFUSALS) * 2)[A_ROW * number % len(REFUSALS) :][:A_ROW]
    if "/graphql" in row.route or refusal != "200 with an error"
]


@pytest.fixture(scope="module")
def wells() -> dict[str, tuple[Written, Written]]:
    """What each command is given, and leaves, on a GitHub that is well; filled by the first who asks."""
    return {}


@pytest.mark.parametrize(("name", "row", "refusal"), CASES)
def test_a_refusal_holds_up_nothing_else(
    playing: Plays, wells: dict[str, tuple[Written, Written]], name: str, row: Row, refusal: str
) -> None:
    verb = VERBS[name]
    if name not in wells:
        with playing(verb) as well:
            wells[name] = well.written(), well.run(verb.command).written()
    before, done = wells[name]
    with playing(verb) as play:
        play.refuse(row, REFUSALS[refusal])
        left = play.run(verb.command).written()
        ends = row.end(refusal)
        match ends:
            case Ends.NOTHING_WRITTEN:
                assert (play.code, left) == (4, before), play.err
            case Ends.REST_IS_DONE:
                assert (play.code, left._replace(pulls=done.pulls)) == (4, done), play.err
            case Ends.TOLD_AS_LOST:
                assert (play.code, left, bool(play.lost)) == (0, done, True), play.err
            case Ends.DONE_STEP_BY_STEP:
                assert (play.code, left, play.lost) == (0, done, ()), play.err
            case Ends.UNKNOWN:
                assert (play.code, play.lost) == (0, ()), play.err
            case _:
                assert_never(ends)
        if play.code:
            error, hint = (line for line in play.err.splitlines() if line.startswith(("error: ", "hint: ")))
            assert " failed: GitHub: " in error
            assert hint != "hint: "
        play.hub.heal()
        play.run(verb.command if ends is Ends.NOTHING_WRITTEN else "reconcile")
        assert (play.code, play.run("reconcile").code) == (0, 0), play.err
        again = play.written()
        assert (again.pulls, again.rollout) == (done.pulls, done.rollout)
