"""Every file of state, times every way of being broken, times freeze, rollback and trigger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from fakehub.clock import SettableClock
from rollout.adapters.git import Git, branch_move
from rollout.adapters.local.forge import LocalForge
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.broken import what_is_left
from rollout.commands.freeze import freeze
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.rollback import Dispatch, roll_back
from rollout.commands.verify import verify
from rollout.core.files import CONTRACT, ROLLOUT, SIGNOFF, STATUS, state_path
from rollout.core.observation import Evidence
from rollout.core.state import Outcome, TrainState, UnusableFile
from rollout.errors import InputError
from tests.brake.broken import (
    NAMES,
    OPTIONAL,
    WAYS,
    Entry,
    Histories,
    entries,
    incident_file,
    on_its_way,
    rolling_back,
)
from tests.world import TAU, promotion_body

ACTIONS = ("freeze", "rollback", "trigger")
CELLS = tuple((name, way, action) for name in NAMES for way in WAYS for action in ACTIONS)
LATER = ("rollback", "reconcile")
"""What is done while a rollback is under way, of which the incident's file is broken."""
REASON = "errors at the checkout"


_COMMAND = re.compile(r"git checkout ([0-9a-f]{10}) -- (\S+), then commit")


def branch_of(*words: str) -> str:
    return "-".join(words).replace(" ", "-")


class Town:
    """A repository with many state branches, and who works on one of them."""

    def __init__(self, folder: Path) -> None:
        self.git = Git(folder)
        self.told: list[UnusableFile] = []
        # One for all branches: what is the same on them is read once.
        self.store = YamlStore(self.git, "base", tell=self.told.append)
        self.clock = SettableClock(on_its_way()[2].finished_at)
        self.fixed: set[str] = set()
        """Names of the files that the last reconcile wrote anew."""

    def at(self, branch: str) -> Town:
        """The same, on that branch, where nobody was told of anything yet."""
        self.store.branch = branch
        self.told.clear()
        return self

    def load(self) -> TrainState:
        return self.store.load_for_brake(TAU, self.store.head())

    def follow(self, lines: Iterable[str]) -> list[str]:
        """Carries out each command line in them, as people do, each a commit; their paths."""
        found = {match for line in lines for match in _COMMAND.findall(line)}
        for commit, path in sorted(found):
            blob = self.git.read(f"{commit}:{path}")
            assert blob is not None
            branch_move.commit(
                self.git,
                self.store.branch,
                {path: blob.body},
                parent=self.store.head(),
                message="take that back\n",
                at=self.clock.now(),
            )
        return sorted(path for _, path in found)

    def freeze(self) -> TrainState:
        return freeze(self.store, self.clock, TAU, REASON).state

    def rollback(self) -> TrainState:
        return roll_back(self.store, self.clock, TAU, Dispatch(REASON, "ada"), lambda _: ()).state

    def trigger(self) -> TrainState:
        return self.reconcile(on_its_way()[2])

    def reconcile(self, *evidence: Evidence) -> TrainState:
        forge = LocalForge(self.git, self.store.branch)
        report = Reconciler(self.store, forge, self.clock, promotion_body).run(TAU, evidence)
        self.fixed = {each.name for each in report.fixed}
        return report.state

    def do(self, action: str) -> TrainState:
        act: Callable[[], TrainState] = getattr(self, action)
        return act()

    @property
    def state(self) -> TrainState:
        """As the next run finds it."""
        return self.store.load_for_brake(TAU, self.store.head())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    before, after, _ = on_its_way()
    histories, incident = Histories(), incident_file()
    histories.commit("base", entries(before))
    histories.commit("base", entries(after))
    for name, way, action in CELLS:
        path = state_path(TAU, name)
        broken = {path: WAYS[way](name, after[path])}
        histories.commit(branch_of(name, way, action), broken, onto="base")
    signoff = state_path(TAU, SIGNOFF)
    histories.commit("unread", {signoff: WAYS["a key twice"](SIGNOFF, after[signoff])}, onto="base")
    for name in (ROLLOUT, STATUS):
        path = state_path(TAU, name)
        histories.commit(f"anew-{name}", {path: WAYS["merge markers"](name, after[path])}, onto="base")
        histories.commit(f"older-{name}", {"README": Entry(b"tau\n")}, onto="base")
    histories.commit("rolling-back", entries(rolling_back()))
    for way in WAYS:
        for action in LATER:
            broken = {incident: WAYS[way]("incident.yaml", rolling_back()[incident])}
            histories.commit(branch_of("incident", way, action), broken, onto="rolling-back")
    folder: Path = tmp_path_factory.mktemp("brake") / "state.git"
    histories.write(folder)
    made = Town(folder)
    yield made
    made.git.close()


@pytest.mark.parametrize(("name", "way", "action"), CELLS, ids=[" ".join(cell) for cell in CELLS])
def test_the_brake_acts_and_whoever_does_as_told_leaves_it_on(
    town: Town, name: str, way: str, action: str
) -> None:
    town.at(branch_of(name, way, action))
    broke = town.store.head()
    town.do(action)
    state = town.state
    assert_braked(state, action)
    if name in OPTIONAL and way == "removed":
        assert town.told == []  # a train may be without it
    else:
        assert_told(town, name, broke)
        assert_named(town, name, way, broke)
    is_whole = state.stood_in_for == ()
    followed = town.follow(what_is_left({one.name: one for one in town.told}.values(), town.load))
    assert followed == ([] if is_whole else [state_path(TAU, name)])
    assert action != "trigger" or town.fixed == ({name} if is_whole and town.told else set())
    for _ in range(2 if followed else 0):
        state = town.reconcile()
        assert_braked(state, action)
        assert action == "freeze" or state.signoff is None or state.signoff.blocked is not None
    assert not followed or town.load().stood_in_for == ()


def assert_braked(state: TrainState, action: str) -> None:
    assert state.rollout.frozen is not None
    assert action == "freeze" or state.rollout.outcome is Outcome.ROLLING_BACK
    assert action == "freeze" or state.incident is not None


def assert_told(town: Town, name: str, broke: str) -> None:
    """What broke, who did it, and the command that takes it back."""
    assert {told.name for told in town.told} == {name}
    path = state_path(TAU, name)
    assert town.told[0].problem.startswith(path)
    assert f"commit {broke[:10]} by Ada" in town.told[0].hint
    advised = re.search(f"git checkout ([0-9a-f]{{10}}) -- {re.escape(path)}, then commit", town.told[0].hint)
    assert advised is not None
    last = town.git.read(f"{advised[1]}:{path}")
    assert last is not None
    assert last.body == on_its_way()[1][path]


def assert_named(town: Town, name: str, way: str, broke: str) -> None:
    """Whoever broke a file is named, and nobody who braked; a contract is people's to change."""
    named = {commit for commit, _ in verify(town.store, TAU, town.git.resolve("refs/heads/base")).problems}
    # The commit that puts a file back in a folder's place takes away what was in it, and is named too.
    if way == "folder":
        named &= {broke}
    assert named == (set() if name == CONTRACT else {broke})


@pytest.mark.parametrize("name", [STATUS, ROLLOUT])
def test_an_older_file_over_a_rollback_does_not_undo_it(town: Town, name: str) -> None:
    town.at(f"older-{name}")
    town.rollback()
    older = {state_path(TAU, name): on_its_way()[1][state_path(TAU, name)]}
    at, parent = town.clock.now(), town.store.head()
    edit = branch_move.commit(town.git, town.store.branch, older, parent=parent, message="older\n", at=at)
    for _ in range(2):
        state = town.reconcile()
        assert state.rollout.outcome is Outcome.ROLLING_BACK
        assert state.incident is not None
    since = town.git.resolve("refs/heads/base")
    # An edit of rollout.yaml is judged and undone; status.yaml is nobody's to write.
    named = {commit for commit, _ in verify(town.store, TAU, since).problems}
    assert named == ({edit} if name == STATUS else set())


@pytest.mark.parametrize("action", LATER)
@pytest.mark.parametrize("way", WAYS)
def test_a_rollback_goes_on_though_its_incident_cannot_be_read(town: Town, way: str, action: str) -> None:
    town.at(branch_of("incident", way, action))
    town.do(action)
    state = town.state
    assert state.incident is not None
    assert state.rollout.outcome is Outcome.ROLLING_BACK
    assert town.told[0].problem.startswith(incident_file())
    assert action == "reconcile" or state.incident.joined[-1].reason == REASON


@pytest.mark.parametrize("name", [ROLLOUT, STATUS])
def test_reconcile_writes_anew_what_is_the_tools_own(town: Town, name: str) -> None:
    """An unreadable rollout.yaml is a change that nobody allowed: undone, and frozen."""
    town.at(f"anew-{name}")
    town.trigger()
    assert town.state.broken == ()
    assert town.state.status is not None
    assert town.state.rollout == town.state.status.legal


def test_everything_else_refuses_what_it_cannot_read(town: Town) -> None:
    town.at("unread")
    with pytest.raises(InputError, match="duplicate key 'train'"):
        town.store.load(TAU, town.store.head())


def test_a_file_of_a_newer_rollout_is_not_written_over(tmp_path: Path) -> None:
    before, after, _ = on_its_way()
    path = state_path(TAU, STATUS)
    histories = Histories()
    histories.commit("newer", entries(before))
    histories.commit("newer", entries({path: after[path].replace(b"schema: 2", b"schema: 3", 1)}))
    histories.write(tmp_path / "state.git")
    town = Town(tmp_path / "state.git").at("newer")
    head = town.store.head()
    with pytest.raises(InputError, match="schema: 3 was written by a newer rollout"):
        town.trigger()
    assert town.store.head() == head
