"""Decorative requests that GitHub refuses: every command does what is vital anyway, and tells the loss.

One story, played by the real commands: with GitHub well, with each refusal of every decorative request, and
with each kind of decorative request refused alone. docs/design/decorations.md has the list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.faults import Fault, Planned
from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.cli import main
from rollout.core.contract import ChannelPolicy, Contract, Roles
from rollout.core.forge import PullRequestState
from rollout.core.observation import Evidence
from rollout.core.values import format_instant
from rollout.files.evidence import write_evidence
from tests.adapters.github.world import NAME, GitHubWorld, seed
from tests.examples import NIGHTLY
from tests.world import TAU, VERSION, contract

__all__ = ["hub"]

KINDS = {
    "label": f"POST /repos/{NAME}/issues/*/labels",
    "status": f"POST /repos/{NAME}/statuses/*",
    "comment": f"POST /repos/{NAME}/issues/*/comments",
    "comment edited": f"PATCH /repos/{NAME}/issues/comments/*",
    "branch deleted": f"DELETE /repos/{NAME}/git/refs/*",
    "issue": f"POST /repos/{NAME}/issues",
    "issue edited": f"PATCH /repos/{NAME}/issues/[0-9]*",
    "reaction": f"POST /repos/{NAME}/issues/comments/*/reactions",
    "assignee": f"GET /repos/{NAME}/assignees/*",
}
REFUSALS = {
    "403": faults.FORBIDDEN,
    "404": faults.NOT_FOUND,
    "410": Fault(status=410, message="Issues are disabled for this repo"),
    "422": faults.UNPROCESSABLE,
    "502": faults.BAD_GATEWAY,
    "no answer": faults.DROPPED,
}
NO_LOSS = {("reaction", "404"), ("assignee", "404")}
"""The comment was deleted meanwhile; that person cannot be assigned."""


def policy() -> Contract:
    """Tau's, where the channel is reviewed, and two people approve, who are assigned to the checklist."""
    signoff = contract().signoff.model_copy(update={"roles": Roles(approver=("ada", "grace"))})
    channel = ChannelPolicy(review="pull_request")
    return contract().model_copy(update={"channel": channel, "signoff": signoff})


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    repository, release = seed(tmp_path_factory.mktemp("origin") / "repository", policy())
    return repository.path, release


@dataclass
class Told:
    """What one command did and said."""

    command: str
    code: int
    vital: object
    lost: list[str]
    refused: int
    """Decorative requests that were refused during it."""
    err: str = ""
    summary: str = ""


@dataclass
class Story:
    """The commands of one release, from the channel before it to its second rollback."""

    world: GitHubWorld
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    planned: list[Planned] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def play(self) -> Story:
        world = self.world
        self.run("channel", "set", "beta")
        self.run("start", "--version", VERSION, "--commit", world.release)
        self.observe()
        self.run("signoff", "record", "rollback-rehearsed", "src/main.rs", token=world.alice.value)
        for thread in world.repo.threads.values():
            if thread.pull is None:
                world.repo.comment(world.alice, thread.number, "/signoff nonsense here")
        self.reconcile()
        self.run("freeze", "--reason", "a \N{ROCKET} wish")
        self.reconcile()
        self.run("unfreeze", "--reason", "well again")
        self.observe()
        self.merge_promotion()
        self.observe()
        self.run("rollback", "--reason", "users \N{ROCKET} complain")
        self.reconcile()
        self.run("rollback", "--cancel", "--reason", "a false alarm")
        self.reconcile()
        self.run("rollback", "--reason", "it is true")
        self.reconcile()
        self.reconcile(world.perform())
        self.reconcile()
        return self

    def observe(self) -> None:
        """Ten minutes later all is well, and that is reconciled."""
        self.world.clock.forward(minutes=10)
        self.world.run_harness()
        self.reconcile(self.world.observe())

    def reconcile(self, *evidence: Evidence) -> None:
        arguments = []
        for number, item in enumerate(evidence):
            path = self.folder / f"{number}.json"
            write_evidence(path, item)
            arguments += ["--observation", str(path)]
        self.run("reconcile", *arguments)

    def run(self, *arguments: str, token: str = "") -> None:
        """A minute later one command runs, as in a job."""
        self.world.clock.forward(minutes=1)
        summary = self.folder / "summary.md"
        summary.write_text("")
        self.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        self.monkeypatch.setenv("GITHUB_TOKEN", token or self.world.token.value)
        self.monkeypatch.setenv("ROLLOUT_NOW", format_instant(self.world.now))
        before = sum(len(each.hits) for each in self.planned)
        self.capsys.readouterr()
        code = main([*arguments, "--train", TAU, "--json"])
        said = self.capsys.readouterr()
        document = json.loads(said.out) if said.out else {}
        lost = document.get("lost", []) if isinstance(document, dict) else []
        refused = sum(len(each.hits) for each in self.planned) - before
        command = " ".join(arguments[:2]) if "--observation" not in arguments else "reconcile with evidence"
        self.told.append(Told(command, code, vital(self.world), lost, refused, said.err, summary.read_text()))

    def merge_promotion(self) -> None:
        (pull,) = (
            thread
            for thread in self.world.repo.pulls()
            if thread.pull and thread.state == "open" and thread.pull.head.startswith("rollout/tau/")
        )
        self.world.repo.merge(self.world.alice, pull.number)


def vital(world: GitHubWorld) -> object:
    """State, history, and pull requests: what a refused decoration must leave alone."""
    pulls = [(thread.title, thread.state) for thread in world.repo.pulls()]
    rollout = world.rollout
    frozen = rollout.frozen and rollout.frozen.reason
    signed = world.state.signoff and sorted(world.state.signoff.items)
    incident = world.state.incident and [(step.step, step.state) for step in world.state.incident.steps]
    return world.events(), pulls, rollout.outcome, rollout.phase, frozen, signed, incident


def shown(world: GitHubWorld) -> object:
    """What the next run is to make up; the issue of an incident that is over is not looked at again."""
    promotions = [thread for thread in world.repo.pulls() if "promote" in thread.title]
    labels = [thread.labels for thread in promotions if thread.state == "open"]
    incidents = [
        (thread.title, thread.state, sorted(thread.labels))
        for thread in world.repo.threads.values()
        if "rollout-incident" in thread.labels and thread.state == "open"
    ]
    status = [(one.state, one.description) for one in world.repo.statuses if one.sha == world.release]
    return labels, incidents[-1:], status[-1]


@dataclass
class Stage:
    """Makes stories, each on a GitHub of its own."""

    origin: tuple[Path, str]
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def story(self, hub: Hub) -> Story:
        world = GitHubWorld(hub, *self.origin)
        for login in ("ada", "grace"):
            hub.person(login, world.repo)
        for name, value in {
            "GITHUB_ACTIONS": "true",
            **world.repo.address(),
            "GITHUB_ACTOR": "alice",
        }.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.chdir(self.folder)
        return Story(world, self.folder, self.monkeypatch, self.capsys)

    def undisturbed(self) -> tuple[list[Told], object]:
        if self.origin not in _undisturbed:
            with Hub(self.folder / "well") as hub:
                self.keep(self.story(hub).play())
        return _undisturbed[self.origin]

    def keep(self, story: Story) -> None:
        """Takes a story on a GitHub that is well for the one that others are compared with."""
        _undisturbed[self.origin] = story.told, shown(story.world)


_undisturbed: dict[tuple[Path, str], tuple[list[Told], object]] = {}


@pytest.fixture
def stage(
    origin: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Stage:
    (tmp_path / "well").mkdir()
    return Stage(origin, tmp_path, monkeypatch, capsys)


def test_the_story_makes_every_decorative_request(hub: Hub, stage: Stage) -> None:
    story = stage.story(hub).play()
    stage.keep(story)
    calls = [str(call) for call in hub.calls()]
    assert [kind for kind, route in KINDS.items() if not any(fnmatchcase(one, route) for one in calls)] == []
    assert [each.command for each in story.told if each.lost] == []
    assert {each.code for each in story.told} == {0}
    described = [one.description for one in story.world.repo.statuses if "wish" in (one.description or "")]
    assert set(described) == {f"{VERSION} preflight: a wish"}
    (revert,) = (thread for thread in story.world.repo.pulls() if thread.title.startswith("Revert"))
    assert revert.state == PullRequestState.OPEN.value


AT_ONCE = tuple(REFUSALS) if NIGHTLY else ("403", "410", "no answer")
"""Refusals of all kinds at once. tests/cli/test_refusals.py has each refusal of single requests."""
CASES = [
    *(pytest.param(tuple(KINDS), refusal, id=f"all: {refusal}") for refusal in AT_ONCE),
    *(pytest.param(tuple(KINDS)[first::2], "403", id=f"every second: {first}") for first in range(2)),
]


@pytest.mark.parametrize(("kinds", "refusal"), CASES)
def test_refused_decorations_stop_nothing_vital(
    hub: Hub, stage: Stage, kinds: tuple[str, ...], refusal: str
) -> None:
    well, well_shown = stage.undisturbed()
    story = stage.story(hub)
    counted = [kind for kind in kinds if (kind, refusal) not in NO_LOSS]
    planned = {kind: hub.fail(KINDS[kind], REFUSALS[refusal], times=-1) for kind in kinds}
    story.planned = [planned[kind] for kind in counted]
    story.play()
    assert_vital_acts_done(story, well)
    for met in story.told:
        assert bool(met.lost) == bool(met.refused), met.command
    assert any(met.lost for met in story.told)
    hub.heal()
    story.reconcile()
    assert story.told[-1].lost == []
    assert shown(story.world) == well_shown


@pytest.mark.parametrize("without", ["Issues", "issues: write", "issues: read"])
def test_a_repository_without_issues_is_rolled_back(hub: Hub, stage: Stage, without: str) -> None:
    """By its settings, or because the token may not have to do with them: the incident is in git."""
    well, _ = stage.undisturbed()
    story = stage.story(hub)
    world = story.world
    world.repo.has_issues = without != "Issues"
    if without.startswith("issues"):
        scopes = dict.fromkeys(("contents", "pull_requests", "statuses"), "write") | {"checks": "read"}
        world.token = hub.run_token(
            world.repo, {**scopes, **({"issues": "read"} if "write" in without else {})}
        )
    story.play()
    assert_vital_acts_done(story, well)
    lost = {line for met in story.told for line in met.lost}
    words = {
        "Issues": "GitHub: 410 Issues are disabled for this repo; Settings > General > Features: tick",
        "issues: write": "GitHub: 403 Resource not accessible by integration; give the job, or the App,",
        "issues: read": "listing open pull requests failed: GitHub: Resource not accessible by integration",
    }
    assert any(words[without] in line for line in lost), lost


def assert_vital_acts_done(story: Story, well: Sequence[Told]) -> None:
    """As in the story of a GitHub that is well, and each loss told three times."""
    for met, healthy in zip(story.told, well, strict=True):
        assert (met.command, met.code, met.vital) == (healthy.command, healthy.code, healthy.vital)
        for lost in met.lost:
            assert f"warning: {lost}" in met.err
            assert lost.split(";")[0].split(" failed: ")[0] in met.summary
        assert met.err.count("::warning") >= len(met.lost)
        assert ("### Not shown on GitHub" in met.summary) == bool(met.lost)
