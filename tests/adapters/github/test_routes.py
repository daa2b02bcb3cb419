"""Every request that the adapters can make is in a table of faults, and each is got over.

To add a method: an act in ACTS, which calls it. The tests here then name every route that no table has yet:
put it into ROUTES with the act that meets it, or into a table of test_github_faults.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

import rollout.adapters.github
from fakehub import faults
from fakehub.clock import NOON
from fakehub.entities import Pull, Run, TokenKind
from fakehub.hub import Hub
from rollout.adapters.git import Git
from rollout.adapters.github.collecting import GitHubCollector
from rollout.adapters.github.forge import GitHubForge
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from rollout.core.effects import OpenIssue, UpdateIssue
from rollout.core.forge import PullRequestKind, StatusState
from rollout.core.issue import IssueState
from rollout.core.signoff.evidence import Kind, Reference
from rollout.core.state import CommitMessage, Freeze, Outcome, Release, StateChange
from rollout.errors import RolloutError
from rollout.ports import FlagProposal, NewPullRequest, Reaction
from tests.adapters.github.fault_table import ALL, ALWAYS, FATAL, faults_of, table, uncovered
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.test_faults import __name__ as scenarios
from tests.adapters.github.world import Adapters, GitHubWorld, seed
from tests.world import PHASES, TAU, VERSION

__all__ = ["hub", "origin", "scenarios"]

BRANCH = f"rollout/tau/{VERSION}/canary-1"
REVERT = f"rollout-revert/{TAU}/incident"
APPLY = f"rollout-apply/{TAU}/canary-1-5-20261123T120000Z"
KEY = f"signoff/{TAU}/{VERSION}"
NOTE = CommitMessage(subject="rollout(tau): note", body="", trailers=(("Rollout-Train", TAU),))


@dataclass(frozen=True)
class Act:
    """One method, used as a command uses it, and what has happened before."""

    do: Callable[[Adapters], object]
    before: Callable[[GitHubWorld], object] = lambda _: None


def rollout_of(run: Adapters) -> StateChange:
    return StateChange(rollout=run.store.load(TAU, run.store.head()).rollout)


def commit(run: Adapters) -> object:
    head = run.store.head()
    frozen = Freeze(reason="by hand", at=NOON)
    rollout = run.store.load(TAU, head).rollout
    if rollout.frozen == frozen:
        return head
    change = StateChange(rollout=rollout.model_copy(update={"frozen": frozen}))
    return run.store.commit(TAU, change, NOTE, parent=head, at=NOON)


def promote(run: Adapters) -> object:
    head = run.store.head()
    rollout = run.store.load(TAU, head).rollout
    change = StateChange(rollout=rollout.model_copy(update={"phase": "canary-1", "canary_percent": 5}))
    new = NewPullRequest(PullRequestKind.PROMOTION, TAU, BRANCH, change, NOTE, "body", head, "Promote it")
    return run.forge.open_pull_request(new, at=NOON)


def release_of(run: Adapters) -> Release:
    found = run.store.load(TAU, run.store.head()).rollout.release
    assert found is not None
    return found


def propose(run: Adapters) -> object:
    return run.reverter.propose(release_of(run), REVERT, NOTE, "body", at=NOON)


def write_number(run: Adapters) -> object:
    found = run.product_branch.file("src/main.rs")
    assert found is not None
    if found.content == b"5\n":
        return found.tip
    return run.product_branch.write("src/main.rs", b"5\n", NOTE, parent=found.tip, at=NOON)


def propose_number(run: Adapters) -> object:
    found = run.product_branch.file("src/main.rs")
    assert found is not None
    new = FlagProposal(APPLY, "src/main.rs", b"5\n", NOTE, "body", found.tip)
    return run.product_branch.propose(new, at=NOON)


def close_number(run: Adapters) -> None:
    for pull in run.product_branch.open_proposals("rollout-apply/"):
        run.product_branch.close(pull, "another percent", at=NOON)


def change_channel(run: Adapters) -> object:
    head = run.store.head()
    change = StateChange(channel=run.store.load(TAU, head).channel)
    branch = "rollout-channel/tau/v0.1.4"
    new = NewPullRequest(PullRequestKind.CHANNEL, TAU, branch, change, NOTE, "body", head, "Promote it")
    return run.forge.open_pull_request(new, at=NOON)


def report(run: Adapters) -> None:
    if run.forge.statuses(release_of(run).commit).get("rollout/tau") is None:
        run.forge.set_status(release_of(run).commit, "rollout/tau", StatusState.PENDING, "under way", at=NOON)


def open_issue(run: Adapters) -> object:
    people = ("ada",)
    return run.issues().open(OpenIssue(KEY, "Sign-off", "The body.", ("signoff",), people), at=NOON)


def taken_away(world: GitHubWorld) -> None:
    """A train of whose folder only history knows."""
    path, bare = "state/gone/rollout.yaml", world.repo.bare
    for files, gone in (([(path, b"schema: 1\n")], []), ([], [path])):
        world.repo.commit_on_branch(world.alice, "main", bare.branch("main") or "", "edit", files, gone)


def prepare(*acts: Callable[[Adapters], object]) -> Callable[[GitHubWorld], None]:
    def before(world: GitHubWorld) -> None:
        for act in acts:
            act(world.run())

    return before


def closed_issue(run: Adapters) -> None:
    issues = run.issues()
    if issues.find_open(KEY):
        issues.close(1, "Done.", at=NOON)


def reopened(run: Adapters) -> None:
    issues = run.issues()
    found = issues.find(KEY)
    assert found is not None
    if found.state is IssueState.CLOSED:
        issues.reopen(found.number, at=NOON)


def updated(run: Adapters) -> None:
    issues = run.issues()
    issues.find(KEY)
    issues.update(UpdateIssue(1, "Sign-off", "Better.", ("late",)), at=NOON)


def among_forks(world: GitHubWorld) -> None:
    """More pull requests from forks' branches of that name than are looked through."""
    prepare(promote)(world)
    main, head = world.repo.bare.branch("main") or "", world.repo.bare.branch(BRANCH) or ""
    for _ in range(30):
        world.repo.open_thread(world.alice, "Theirs", None, Pull(BRANCH, "main", head, main, from_fork=True))


def talk(world: GitHubWorld) -> None:
    """More comments than come with a listing."""
    prepare(open_issue)(world)
    for number in range(101):
        world.repo.comment(world.alice, 1, f"/note {number}")


def answered(run: Adapters) -> None:
    issues = run.issues()
    issues.find(KEY)
    issues.react(issues.comments(1).comments[0].id, Reaction.ACCEPTED)


def said(text: str) -> Callable[[Adapters], None]:
    def stick(run: Adapters) -> None:
        issues = run.issues()
        issues.find(KEY)
        issues.stick(1, "where", text, at=NOON)

    return stick


def replied(run: Adapters) -> None:
    issues = run.issues()
    issues.find(KEY)
    issues.say_once(1, "answer/7", "No.", at=NOON)


def looked_up(kind: Kind, name: str, within: str = "") -> Callable[[Adapters], object]:
    return lambda run: run.evidence.look_up(Reference(kind, name, "", "acme/tau", within), release_of(run))


def listened(run: Adapters) -> object:
    issues = run.issues()
    issues.find(KEY)
    return issues.comments(1)


def collects(world: GitHubWorld) -> None:
    """A run of rollout-collect has ended."""
    path, main = ".github/workflows/rollout-collect.yml", world.repo.bare.id_of("main")
    text = b"name: rollout-collect\non: {workflow_dispatch: {inputs: {runner: {}}}}\njobs: {}\n"
    world.repo.commit_on_branch(world.alice, "main", main, "Install", [(path, text)], [])
    alice, now = world.alice.account, world.now
    run = Run(7, 1, path, "rollout-collect", "workflow_dispatch", "main", main, alice, now, {})
    run.status, run.conclusion = "completed", "success"
    world.repo.runs.append(run)


def collecting(run: Adapters) -> GitHubCollector:
    return GitHubCollector(run.api, "", "main")


ACTS = {
    "GitHubCollector.runs": Act(lambda run: collecting(run).runs("rollout-collect.yml"), collects),
    "GitHubCollector.run": Act(lambda run: collecting(run).run("7"), collects),
    "GitHubCollector.kept": Act(lambda run: collecting(run).kept("7"), collects),
    "GitHubCollector.ask": Act(lambda run: collecting(run).ask("rollout-collect.yml", "mac", ""), collects),
    "GitHubStore.branch": Act(lambda run: run.store.branch),
    "GitHubStore.head": Act(lambda run: run.store.head()),
    "GitHubStore.trains": Act(lambda run: run.store.trains(run.store.head())),
    "GitHubStore.load": Act(rollout_of),
    "GitHubStore.text": Act(lambda run: run.store.text(TAU, "rollout.yaml", run.store.head())),
    "GitHubStore.file": Act(lambda run: run.store.file("src/main.rs", run.store.head())),
    "GitHubStore.altered": Act(lambda run: run.store.altered(TAU, StateChange(), run.store.head())),
    "GitHubStore.load_for_brake": Act(lambda run: run.store.load_for_brake(TAU, run.store.head())),
    "GitHubStore.lost": Act(lambda run: run.store.lost(run.store.head(), "gone"), taken_away),
    "GitHubStore.carriers": Act(lambda run: run.store.carriers(TAU)),
    "GitHubStore.load_many": Act(lambda run: list(run.store.load_many(TAU, []))),
    "GitHubStore.log": Act(lambda run: next(run.store.log(TAU))),
    "GitHubStore.log_of_file": Act(lambda run: list(run.store.log_of_file("flags.json"))),
    "GitHubStore.forks": Act(lambda run: run.store.forks(*[next(run.store.log(TAU)).commit] * 2)),
    "GitHubStore.commit": Act(commit),
    "GitHubForge.pull_request": Act(lambda run: run.forge.pull_request(BRANCH), prepare(promote)),
    "GitHubForge.pull_request among forks'": Act(lambda run: run.forge.pull_request(BRANCH), among_forks),
    "GitHubForge.pull_requests": Act(lambda run: run.forge.pull_requests("rollout/"), prepare(promote)),
    "GitHubForge.changes": Act(
        lambda run: run.forge.changes(TAU, run.forge.pull_requests("rollout/")[0]), prepare(promote)
    ),
    "GitHubForge.open_pull_request": Act(promote),
    "GitHubForge.open_pull_request of a channel": Act(change_channel),
    "GitHubForge.update_pull_request": Act(
        lambda run: run.forge.update_pull_request(1, "better", at=NOON), prepare(promote)
    ),
    "GitHubForge.close_pull_request": Act(
        lambda run: run.forge.close_pull_request(1, "frozen", at=NOON), prepare(promote)
    ),
    "GitHubForge.statuses": Act(lambda run: run.forge.statuses(release_of(run).commit)),
    "GitHubForge.closings": Act(lambda run: run.forge.closings(BRANCH)),
    "GitHubForge.set_status": Act(report),
    "GitHubForge.check_runs": Act(lambda run: run.forge.check_runs(release_of(run).commit)),
    "GitHubForge.newest_commits": Act(lambda run: next(run.forge.newest_commits("main"))),
    "GitHubForge.changed_paths": Act(lambda run: run.forge.changed_paths(release_of(run).commit)),
    "GitHubHistory.branch": Act(lambda run: run.history.branch),
    "GitHubHistory.cut_off": Act(lambda run: run.history.cut_off),
    "GitHubHistory.newest": Act(lambda run: run.history.newest()),
    "GitHubHistory.place": Act(lambda run: run.history.place(release_of(run).commit)),
    "GitHubHistory.tagged": Act(lambda run: run.history.tagged("v0.1.4")),
    "GitHubHistory.versions_at": Act(lambda run: run.history.versions_at(release_of(run).commit)),
    "GitHubHistory.fork": Act(lambda run: run.history.fork(release_of(run).commit, run.store.head())),
    "GitHubHistory.commits": Act(lambda run: run.history.commits(None, release_of(run).commit)),
    "GitHubFlagBranch.name": Act(lambda run: run.product_branch.name),
    "GitHubFlagBranch.file": Act(lambda run: run.product_branch.file("src/main.rs")),
    "GitHubFlagBranch.write": Act(write_number),
    "GitHubFlagBranch.propose": Act(propose_number),
    "GitHubFlagBranch.proposed": Act(lambda run: run.product_branch.proposed(APPLY), prepare(propose_number)),
    "GitHubFlagBranch.open_proposals": Act(
        lambda run: run.product_branch.open_proposals("rollout-apply/"), prepare(propose_number)
    ),
    "GitHubFlagBranch.close": Act(close_number, prepare(propose_number)),
    "GitHubReleases.source": Act(lambda run: run.releases.source),
    "GitHubReleases.page": Act(lambda run: run.releases.page(1, "")),
    "GitHubReleases.tags_of": Act(lambda run: run.releases.tags_of("v0.1.4")),
    "GitHubReverter.tip": Act(lambda run: run.reverter.tip()),
    "GitHubReverter.unchanged_since": Act(lambda run: run.reverter.unchanged_since(release_of(run).commit)),
    "GitHubReverter.preview": Act(lambda run: run.reverter.preview(release_of(run))),
    "GitHubReverter.propose": Act(propose),
    "GitHubReverter.push": Act(lambda run: run.reverter.push(release_of(run), NOTE, at=NOON)),
    "GitHubReverter.proposed": Act(lambda run: run.reverter.proposed(REVERT), prepare(propose)),
    "GitHubReverter.is_free_of": Act(lambda run: run.reverter.is_free_of(run.store.head(), release_of(run))),
    "GitHubIssues.find_open": Act(lambda run: run.issues().find_open(KEY), prepare(open_issue)),
    "GitHubIssues.duplicates": Act(lambda run: run.issues().duplicates(KEY), prepare(open_issue)),
    "GitHubIssues.find": Act(lambda run: run.issues().find(KEY), prepare(open_issue, closed_issue)),
    "GitHubIssues.open": Act(open_issue),
    "GitHubIssues.update": Act(updated, prepare(open_issue)),
    "GitHubIssues.close": Act(closed_issue, prepare(open_issue)),
    "GitHubIssues.reopen": Act(reopened, prepare(open_issue, closed_issue)),
    "GitHubIssues.comments": Act(listened, talk),
    "GitHubIssues.stick": Act(said("Here."), prepare(open_issue)),
    "GitHubIssues.stick again": Act(said("There."), prepare(open_issue, said("Here."))),
    "GitHubIssues.say_once": Act(replied, prepare(open_issue)),
    "GitHubIssues.react": Act(answered, talk),
    "GitHubIssues.permission": Act(lambda run: run.issues().permission("alice")),
    "GitHubEvidence.places": Act(lambda run: run.evidence.places()),
    "GitHubEvidence.writers": Act(lambda run: run.evidence.writers(release_of(run))),
    "GitHubEvidence.look_up": Act(looked_up(Kind.PATH, "src/main.rs")),
    "GitHubEvidence.look_up a run": Act(looked_up(Kind.RUN, "9")),
    "GitHubEvidence.look_up a job": Act(looked_up(Kind.JOB, "9", "8")),
    "GitHubEvidence.look_up an artifact": Act(looked_up(Kind.ARTIFACT, "9", "8")),
    "GitHubEvidence.look_up a commit": Act(looked_up(Kind.COMMIT, "9" * 40)),
    "GitHubEvidence.look_up a review": Act(looked_up(Kind.REVIEW, "9", "8")),
    "GitHubIssues.myself": Act(lambda run: run.issues().myself()),
}

ONLY_LOOKS = "GitHubInspector."
"""`doctor` changes nothing, and takes whatever it is not told for unknown: see test_inspection."""

ROUTES = {
    "GET */git/commits/*": "GitHubForge.changed_paths",
    "GET */git/trees/*": "GitHubForge.changed_paths",
    "GET */pulls": "GitHubForge.pull_request among forks'",
    "GET */releases": "GitHubReleases.page",
    "GET */tags": "GitHubReleases.page",
    "POST /graphql version": "GitHubReleases.tags_of",
    "GET */git/ref/heads/*": "GitHubReverter.tip",
    "GET */assignees/*": "GitHubIssues.open",
    "POST */issues": "GitHubIssues.open",
    "PATCH */issues/?": "GitHubIssues.update",
    "PATCH */issues/comments/*": "GitHubIssues.stick again",
    "POST */reactions": "GitHubIssues.react",
    "GET */collaborators/*/permission": "GitHubIssues.permission",
    "POST /graphql viewer": "GitHubIssues.myself",
    "GET */actions/runs/?": "GitHubEvidence.look_up a run",
    "GET */actions/runs/?/artifacts": "GitHubCollector.kept",
    "GET */rollout-collect.yml/runs": "GitHubCollector.runs",
    "POST */rollout-collect.yml/dispatches": "GitHubCollector.ask",
    "GET */actions/jobs/?": "GitHubEvidence.look_up a job",
    "GET */actions/artifacts/?": "GitHubEvidence.look_up an artifact",
    "GET */reviews/?": "GitHubEvidence.look_up a review",
    f"GET */commits/{'?' * 40}": "GitHubEvidence.writers",
}


def ready(hub: Hub, origin: tuple[Path, str], act: Act) -> GitHubWorld:
    world = GitHubWorld(hub, *origin)
    hub.person("ada", world.repo)
    act.before(world)
    hub.forget_calls()
    return world


def seen(world: GitHubWorld) -> object:
    """All that the tool can leave behind; not who is assigned, which a lost answer may cost."""
    threads = [
        (
            *(thread.number, thread.title, thread.body, thread.state, sorted(thread.labels)),
            [
                (comment.body, [reaction.content for reaction in comment.reactions])
                for comment in thread.comments
            ],
        )
        for thread in world.repo.threads.values()
    ]
    return threads, world.branches(), world.statuses(), world.subjects()


def public_methods() -> set[str]:
    found: set[str] = set()
    for module in pkgutil.iter_modules(rollout.adapters.github.__path__, "rollout.adapters.github."):
        for name, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if name.startswith("GitHub") and each.__module__ == module.name:
                found |= {f"{name}.{method}" for method in vars(each) if not method.startswith("_")}
    return found


def test_every_method_has_an_act() -> None:
    methods = {name for name in public_methods() if not name.startswith(ONLY_LOOKS)}
    assert {name.partition(" ")[0] for name in ACTS} == methods
    assert "GitHubForge.set_status" in public_methods()
    assert GitHubForge.__module__.startswith("rollout.adapters.github.")


@pytest.mark.parametrize("name", ACTS)
def test_every_route_is_in_a_table_of_faults(hub: Hub, origin: tuple[Path, str], name: str) -> None:
    world = ready(hub, origin, ACTS[name])
    ACTS[name].do(world.run())
    assert uncovered(world.calls()) == []


@pytest.mark.parametrize("route", ["POST */pulls", "POST /graphql viewer"])
def test_two_routes_in_a_row_meet_every_fault(route: str) -> None:
    halves = [set(faults_of(route, number, all_of_them=False)) for number in (4, 5)]
    assert set.union(*halves) == set(faults_of(route, 4, all_of_them=True))
    for half in halves:
        assert half & FATAL
        assert half & {"429", "429 with Retry-After"}
        assert half & {"500", "502"}
        assert half & {"timeout", "dropped"}
        assert ALWAYS in half


@table(*ROUTES)
def test_a_fault_leaves_nothing_that_the_next_run_does_not_finish(
    hub: Hub, origin: tuple[Path, str], tmp_path: Path, route: str, fault: str
) -> None:
    name = ROUTES[route]
    act = ACTS[name]
    world = ready(hub, origin, act)
    planned = hub.fail(route, ALL[fault])
    with contextlib.suppress(RolloutError):
        act.do(world.run(timeout=1 if ALL[fault] is faults.HANG else 20))
    assert planned.left == 0
    hub.heal()
    act.do(world.run())
    if name not in _finished:
        _finished[name] = finished(tmp_path, origin, act)
    assert seen(world) == _finished[name]


_finished: dict[str, object] = {}
"""Act -> what there is after it without any fault."""


def finished(folder: Path, origin: tuple[Path, str], act: Act) -> object:
    with Hub(folder) as elsewhere:
        world = ready(elsewhere, origin, act)
        act.do(world.run())
        return seen(world)


# --- a whole release ---------------------------------------------------------------------------------------


def test_a_release_from_start_to_completion(hub: Hub, tmp_path: Path) -> None:
    repository, commit = seed(tmp_path / "repository")
    world = GitHubWorld(hub, repository.path, commit)
    world.play_to(PHASES[-1])
    world.sign("final-approval")
    world.soak()
    assert world.rollout.outcome is Outcome.COMPLETE
    steps = [f"{left} -> {entered}" for left, entered in pairwise(PHASES)]
    steps[-1] = "-> general-availability"  # all of it would have 61 characters
    assert [(thread.title, thread.state) for thread in world.repo.pulls()] == [
        (f"rollout(tau): promote v0.1.5 {step}", "closed") for step in steps
    ]
    assert all(thread.pull and thread.pull.merged_at for thread in world.repo.pulls())
    assert world.branches() == {"main": []}
    assert world.subjects()[0] == "rollout(tau): complete v0.1.5"
    assert world.repo.statuses[-1].sha == world.release
    assert world.repo.statuses[-1].state == "success"
    assert verify(YamlStore(Git(world.repo.bare.path), "main"), TAU, None).problems == []
    assert uncovered([str(call) for call in hub.calls() if call.token is TokenKind.APP]) == []
