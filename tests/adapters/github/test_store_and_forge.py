"""State and forge over GitHub's API: PyGithub and HTTP as they are, against the fake hub."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fakehub import faults
from fakehub.clock import NOON
from fakehub.faults import Fault
from fakehub.hub import Hub
from fakehub.repo import person
from rollout.adapters.git import Git
from rollout.adapters.github.forge import CLOSED_MARKER, GitHubForge
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.pull_requests import LABEL
from rollout.adapters.github.store import GitHubStore
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.check import check
from rollout.commands.freeze import freeze
from rollout.commands.history import history
from rollout.commands.verify import verify
from rollout.core.contract import Product
from rollout.core.effects import OpenPullRequest, SetStatus
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.core.state import CommitMessage, Freeze, Outcome, Rollout, StateChange, UnusableFile
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError
from rollout.ports import HeadChanges, NewPullRequest
from tests import builders
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.world import Adapters, GitHubWorld, seed
from tests.adapters.scratch import Repository
from tests.world import TAU, VERSION

__all__ = ["hub", "origin"]

BRANCH = f"rollout/tau/{VERSION}/canary-1"
CONTEXT = "rollout/tau"
ROLLOUT = "state/tau/rollout.yaml"
TITLE = "rollout(tau): promote v0.1.5 preflight -> canary-1"
TRAILERS = (("Rollout-Train", "tau"), ("Rollout-Event", "promote"))
MESSAGE = CommitMessage(subject=TITLE, body="Why: it is time", trailers=TRAILERS)
NOTE = CommitMessage(subject="rollout(tau): note", body="", trailers=TRAILERS)


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str]) -> GitHubWorld:
    """The release is in preflight; its CI is green, and its harness run has passed."""
    world = GitHubWorld(hub, *origin)
    world.run_harness()
    world.clock.forward(minutes=10)
    hub.forget_calls()
    return world


@pytest.fixture
def run(world: GitHubWorld) -> Adapters:
    return world.run()


def frozen(world: GitHubWorld, reason: str = "by hand") -> StateChange:
    frozen = Freeze(reason=reason, at=NOON)
    return StateChange(rollout=world.rollout.model_copy(update={"frozen": frozen}))


def promotion(run: Adapters) -> StateChange:
    rollout = run.store.load(TAU, run.store.head()).rollout
    return StateChange(rollout=rollout.model_copy(update={"phase": "canary-1", "canary_percent": 5}))


def open_it(run: Adapters, body: str = "body") -> PullRequest:
    parent = run.store.head()
    return run.forge.open_pull_request(new_pull(run, body, parent), at=NOON)


def new_pull(run: Adapters, body: str, parent: str) -> NewPullRequest:
    return NewPullRequest(
        PullRequestKind.PROMOTION, TAU, BRANCH, promotion(run), MESSAGE, body, parent, MESSAGE.subject
    )


# --- the store ---------------------------------------------------------------------------------------------


def test_head_and_state_are_one_request_and_what_git_says(world: GitHubWorld, run: Adapters) -> None:
    git = YamlStore(Git(world.repo.bare.path), "main")
    head = run.store.head()
    assert head == git.head()
    assert run.store.trains(head) == git.trains(head) == (TAU,)
    assert run.store.load(TAU, head) == git.load(TAU, head)
    assert world.calls() == ["POST /graphql repository"]
    assert run.api.calls == 1


def test_a_folder_that_never_held_state_is_no_train(world: GitHubWorld, run: Adapters) -> None:
    bare, blob = world.repo.bare, world.repo.bare.write_blob(b"x\n")
    paths = ("state/notes/README.md", "state/rho/status.yaml")
    tree = bare.write_tree("main", [("100644", blob, path) for path in paths])
    bare.update_ref("refs/heads/main", bare.git("commit-tree", "-m", "x", "-p", "main", tree))
    git = YamlStore(Git(world.repo.bare.path), "main")
    assert run.store.trains(run.store.head()) == git.trains(git.head()) == ("rho", TAU)


def test_an_older_commit_can_be_read(world: GitHubWorld, run: Adapters) -> None:
    before = world.repo.bare.id_of("main^")
    assert run.store.load(TAU, before).rollout == Rollout(train=TAU)
    with pytest.raises(InputError, match="no commit 9999"):
        run.store.load(TAU, "9" * 40)


def test_without_a_name_it_is_the_default_branch(world: GitHubWorld) -> None:
    world.repo.bare.git("branch", "state", "main^")
    run = world.run(branch=None)
    assert (run.store.branch, run.store.head()) == ("main", world.repo.bare.branch("main"))
    elsewhere = world.run(branch="state")
    assert elsewhere.store.head() == world.repo.bare.id_of("main^")
    elsewhere.store.commit(TAU, frozen(world), NOTE, parent=elsewhere.store.head(), at=NOON)
    assert world.repo.bare.git("log", "-1", "--format=%s", "state") == NOTE.subject


def test_without_a_name_a_branch_rollout_state_with_a_train_comes_first(world: GitHubWorld) -> None:
    bare = world.repo.bare
    bare.update_ref(
        "refs/heads/rollout-state", bare.git("commit-tree", "-m", "x", bare.git("mktree", data=b""))
    )
    assert world.run(branch=None).store.branch == "main"
    bare.git("branch", "--force", "rollout-state", "main^")
    world.hub.forget_calls()
    run = world.run(branch=None)
    assert (run.store.branch, run.store.head()) == ("rollout-state", bare.branch("rollout-state"))
    assert world.calls() == ["POST /graphql repository"]
    assert world.run(branch="main").store.branch == "main"


@pytest.mark.parametrize(("file", "says"), [("rollout-check.yml", False), ("ci.yml", True)])
def test_only_other_peoples_workflows_are_told_to_skip(world: GitHubWorld, file: str, says: bool) -> None:
    repo, alice = world.repo, world.hub.person("alice", world.repo)
    path = f".github/workflows/{file}"
    repo.commit_on_branch(alice, "main", repo.bare.branch("main") or "", "CI", [(path, b"on: push\n")], [])
    run, change = world.run(), frozen(world)
    world.hub.forget_calls()
    run.store.commit(TAU, change, replace(NOTE, quiet=True), parent=run.store.head(), at=NOON)
    assert ("[skip ci]" in repo.bare.git("log", "-1", "--format=%B", "main")) is says
    assert world.calls() == ["POST /graphql repository", "POST /graphql createCommitOnBranch"]


def test_what_is_not_there_is_said(world: GitHubWorld, run: Adapters) -> None:
    with pytest.raises(InputError, match="there is no nowhere in acme/tau"):
        world.run(branch="nowhere").store.head()
    with pytest.raises(InputError, match="no train omega") as missing:
        run.store.load("omega", run.store.head())
    assert missing.value.hint == "trains there: tau"


FOLDER = f"state/{TAU}"
CONTRACT = f"{FOLDER}/contract.yaml"


@pytest.mark.parametrize("text", [b"phases: [", b"schema: 1\n", None])
def test_the_contract_before_stands_in_as_in_a_clone(world: GitHubWorld, text: bytes | None) -> None:
    head = world.repo.bare.branch("main") or ""
    good = world.run().store.load(TAU, head)
    written = [(CONTRACT, text)] if text is not None else []
    gone = [CONTRACT] if text is None else []
    broken = world.repo.commit_on_branch(world.alice, "main", head, "break it", written, gone)
    for number in range(25):  # the good one is on the second page of the file's history
        broken = world.repo.commit_on_branch(
            world.alice, "main", broken, "try again", [(CONTRACT, b"phases: [%d" % number)], []
        )
    told: list[UnusableFile] = []
    run = world.run()
    clone = YamlStore(Git(world.repo.bare.path), "main")
    store = GitHubStore(run.api, "main", lambda: clone, tell=told.append)
    state = store.load(TAU, store.head())
    assert (state.contract, state.contract_digest) == (good.contract, good.contract_digest)
    assert state == clone.load(TAU, broken)
    assert state.unusable is not None
    assert f"-- {CONTRACT}, then commit" in state.unusable.hint
    assert told == [state.unusable]


@pytest.mark.parametrize("keeps", [True, False])
def test_a_train_that_a_commit_took_away_is_braked_as_in_a_clone(world: GitHubWorld, keeps: bool) -> None:
    """`keeps`: another train is left on the branch."""
    bare, alice = world.repo.bare, world.alice
    world.repo.commit_on_branch(
        alice,
        "main",
        bare.branch("main") or "",
        "deep",
        [(f"{FOLDER}/incidents/old.yaml", b"schema: 1\n")],
        [],
    )
    held = set(bare.git("ls-tree", "-r", "--name-only", "main", FOLDER).split())
    others = [("state/omega/contract.yaml", b"schema: 1\n")] if keeps else []
    gone = world.repo.commit_on_branch(alice, "main", bare.branch("main") or "", "tidy", others, sorted(held))
    store, clone = world.run().store, YamlStore(Git(bare.path), "main")
    lost = store.lost(gone, TAU)
    assert lost is not None
    assert lost == clone.lost(gone, TAU)
    assert store.lost(gone) == (None if keeps else lost)
    assert store.load_for_brake(TAU, gone) == clone.load_for_brake(TAU, gone)
    with pytest.raises(InputError, match="no train tau") as refused:
        store.load(TAU, gone)
    assert refused.value.hint == lost.hint(TAU)
    freeze(store, world.clock, TAU, "stop")
    assert set(bare.git("ls-tree", "-r", "--name-only", "main", FOLDER).split()) == held
    frozen = world.run().store.load(TAU, bare.branch("main") or "").rollout.frozen
    assert frozen is not None
    assert frozen.reason == "stop"
    assert world.run().store.lost(bare.branch("main") or "", TAU) is None


def test_a_branch_of_its_own_that_lost_its_train_is_the_state_branch_still(world: GitHubWorld) -> None:
    bare = world.repo.bare
    bare.git("branch", "rollout-state", "main")
    for branch in ("main", "rollout-state"):
        held = bare.git("ls-tree", "-r", "--name-only", branch, FOLDER).split()
        world.repo.commit_on_branch(world.alice, branch, bare.branch(branch) or "", "tidy", [], held)
    assert world.run(branch=None).store.branch == "rollout-state"


def test_state_that_does_not_parse_is_named(world: GitHubWorld) -> None:
    head = world.repo.bare.branch("main") or ""
    world.repo.commit_on_branch(world.alice, "main", head, "edit", [(ROLLOUT, b"phase: [\n")], [])
    run = world.run()
    with pytest.raises(InputError, match=ROLLOUT):
        run.store.load(TAU, run.store.head())
    head = world.repo.bare.branch("main") or ""
    world.repo.commit_on_branch(world.alice, "main", head, "edit", [(ROLLOUT, b"\0\xff")], [])
    run = world.run()
    with pytest.raises(InputError, match="not text"):
        run.store.load(TAU, run.store.head())


def test_a_commit_is_what_the_local_store_writes(world: GitHubWorld, run: Adapters, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    world.repo.bare.git("clone", "--quiet", str(world.repo.bare.path), str(clone))
    local = YamlStore(Git(clone), "main")
    change, parent = frozen(world, "größer"), run.store.head()
    there = run.store.commit(TAU, change, MESSAGE, parent=parent, at=NOON)
    here = local.commit(TAU, change, MESSAGE, parent=parent, at=NOON)
    assert there == world.repo.bare.branch("main")
    world.repo.bare.git("fetch", "--quiet", str(clone), here)
    for form in ("%P", "%T", "%B", "%(trailers)"):
        ours, theirs = (world.repo.bare.git("log", "-1", f"--format={form}", one) for one in (there, here))
        assert ours.strip() == theirs.strip() != ""


def test_after_a_commit_the_store_knows_it_without_asking(world: GitHubWorld, run: Adapters) -> None:
    change = frozen(world)
    world.hub.forget_calls()
    made = run.store.commit(TAU, change, NOTE, parent=run.store.head(), at=NOON)
    assert run.store.head() == made
    assert run.store.load(TAU, made).rollout == change.rollout
    assert world.calls() == ["POST /graphql repository", "POST /graphql createCommitOnBranch"]


def test_a_commit_on_a_branch_that_has_moved_is_refused_and_read_again(
    world: GitHubWorld, run: Adapters
) -> None:
    parent, change = run.store.head(), frozen(world)
    other = world.run().store.commit(TAU, frozen(world, "first"), NOTE, parent=parent, at=NOON)
    with pytest.raises(HeadMovedError, match=f"main is no longer at {parent}"):
        run.store.commit(TAU, change, NOTE, parent=parent, at=NOON)
    assert run.store.head() == other == world.repo.bare.branch("main")
    assert run.store.load(TAU, other).rollout.frozen == Freeze(reason="first", at=NOON)


@pytest.mark.parametrize(
    "fault", [faults.DROPPED, faults.DROPPED_AFTER, faults.BAD_GATEWAY, faults.graphql()]
)
def test_a_commit_whose_answer_is_lost_is_looked_for(world: GitHubWorld, run: Adapters, fault: Fault) -> None:
    change, parent = frozen(world), run.store.head()
    before = world.subjects()
    world.hub.fail("POST /graphql createCommitOnBranch", fault)
    made = run.store.commit(TAU, change, NOTE, parent=parent, at=NOON)
    assert made == world.repo.bare.branch("main")
    assert world.subjects() == [NOTE.subject, *before]
    assert world.patience.waited == [1]


def test_a_lost_answer_and_another_commit_is_a_moved_branch(world: GitHubWorld, run: Adapters) -> None:
    change, parent = frozen(world), run.store.head()
    world.hub.fail("POST /graphql createCommitOnBranch", faults.DROPPED)
    other = frozen(world, "another")
    world.hub.before(
        "POST /graphql repository", lambda: world.run().store.commit(TAU, other, NOTE, parent=parent, at=NOON)
    )
    with pytest.raises(HeadMovedError):
        run.store.commit(TAU, change, NOTE, parent=parent, at=NOON)
    assert world.rollout == other.rollout


def test_the_incident_that_froze_a_train_is_read_with_it(hub: Hub, tmp_path: Path) -> None:
    change = StateChange(
        contract=builders.contract(),
        rollout=builders.frozen_rollout(),
        status=builders.status(),
        incident=builders.incident(),
    )
    repository, release = seed(tmp_path / "repository")
    local = YamlStore(Git(repository.path), "main")
    local.commit(TAU, change, NOTE, parent=local.head(), at=NOON)
    world = GitHubWorld(hub, repository.path, release)
    assert world.state.incident == builders.incident()
    assert world.rollout.outcome is Outcome.ROLLING_BACK


def add_and_take_back(world: GitHubWorld, branch: str) -> None:
    """Two commits of a person, after which the branch proposes what it did."""
    head = world.repo.bare.branch(branch) or ""
    added = world.repo.commit_on_branch(world.alice, branch, head, "Add", [("note", b"1\n")], [])
    world.repo.commit_on_branch(world.alice, branch, added, "Take back", [], ["note"])


def press_update(world: GitHubWorld, branch: str) -> None:
    """The button "Update branch", after one more state commit."""
    world.clock.forward(minutes=10)
    world.reconcile(world.observe())
    main, head = (world.repo.bare.branch(name) or "" for name in ("main", branch))
    tree = world.repo.bare.merged_tree(main, head) or ""
    made = world.repo.bare.write_commit(tree, [head, main], "Update", person(world.alice), world.now)
    world.repo.move(world.alice, f"refs/heads/{branch}", made)


@pytest.mark.parametrize("change", [None, press_update, add_and_take_back])
@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_history_tells_a_promotion_however_it_was_merged(
    world: GitHubWorld, method: str, change: Callable[[GitHubWorld, str], None] | None
) -> None:
    world.clock.forward(minutes=1)
    world.run_harness()
    world.soak()
    (pull,) = world.repo.pulls()
    assert pull.pull is not None
    if change is not None:
        change(world, pull.pull.head)
        world.reconcile()
    world.repo.allows_rebase = True
    # A squash keeps the title alone, as repositories may be set up.
    world.repo.merge(world.alice, pull.number, method=method)
    world.reconcile()
    told = list(history(world.store, TAU, "v0.1.5", "promote"))
    assert [entry.trailers["Rollout-Phase"] for entry in told] == ["canary-1"]
    assert [entry.is_worked_out for entry in told] == [method == "squash"]
    assert world.status.phase == "canary-1"
    assert verify(YamlStore(Git(world.repo.bare.path), "main"), TAU, None).problems == []


def test_a_promotion_whose_base_somebody_changed_is_proposed_anew(world: GitHubWorld) -> None:
    world.reconcile(world.observe())
    (pull,) = world.repo.pulls()
    world.repo.move(world.alice, "refs/heads/other", world.repo.bare.branch("main") or "")
    world.repo.retarget(world.alice, pull, "other")
    world.clock.forward(minutes=1)
    world.reconcile()
    (anew,) = world.forge.pull_requests("rollout/")
    assert (anew.number != pull.number, anew.base) == (True, "main")
    assert world.forge.statuses(anew.head_sha)[CONTEXT][0] is StatusState.SUCCESS
    assert world.reconcile().effects == []
    world.repo.merge(world.alice, anew.number)
    world.reconcile()
    assert world.status.phase == "canary-1"


def test_history_is_read_in_the_clone(world: GitHubWorld, run: Adapters) -> None:
    commits = [entry.commit for entry in run.store.log(TAU)]
    assert commits[0] == world.repo.bare.branch("main")
    (state,) = run.store.load_many(TAU, commits[:1])
    assert state == run.store.load(TAU, commits[0])


# --- opening -----------------------------------------------------------------------------------------------


def test_opening_makes_a_labelled_pull_request_of_one_commit(world: GitHubWorld, run: Adapters) -> None:
    main = run.store.head()
    opened = open_it(run)
    assert opened == PullRequest(
        number=1,
        kind=PullRequestKind.PROMOTION,
        title=TITLE,
        head=BRANCH,
        base="main",
        state=PullRequestState.OPEN,
        body="body",
        head_sha=world.repo.bare.branch(BRANCH) or "",
        base_sha=main,
    )
    assert world.branches() == {"main": [], BRANCH: [TITLE]}
    assert world.repo.bare.git("diff", "--name-only", "main", BRANCH) == ROLLOUT
    assert "phase: canary-1\ncanary_percent: 5" in world.text(ROLLOUT, BRANCH)
    assert world.pulls() == [(BRANCH, "open", [LABEL], [])]
    again = world.run().forge
    assert again.pull_requests("rollout/tau/") == [opened] == run.forge.pull_requests("rollout/tau/")
    assert again.pull_requests("rollout/other/") == []
    assert again.pull_request(BRANCH) == opened
    assert again.pull_request("nothing") is None


def test_opening_again_returns_the_open_one(world: GitHubWorld, run: Adapters) -> None:
    opened = open_it(run)
    assert open_it(run, "another") == opened
    assert open_it(world.run(), "another") == opened
    assert len(world.pulls()) == 1


def test_a_branch_without_an_open_pull_request_is_moved(world: GitHubWorld, run: Adapters) -> None:
    world.repo.bare.git("branch", BRANCH, "main^")
    opened = open_it(run)
    assert opened.head_sha == world.repo.bare.branch(BRANCH)
    assert world.branches()[BRANCH] == [TITLE]


def test_one_that_another_run_opens_meanwhile_is_taken(world: GitHubWorld, run: Adapters) -> None:
    world.hub.before("POST /graphql createRef*", lambda: open_it(world.run()))
    opened = open_it(run)
    assert (opened.number, opened.state) == (1, PullRequestState.OPEN)
    assert world.branches()[BRANCH] == [TITLE]
    assert len(world.pulls()) == 1


def test_one_that_is_opened_between_branch_and_pull_request_is_taken(
    world: GitHubWorld, run: Adapters
) -> None:
    world.repo.bare.git("branch", BRANCH, "main^")
    world.hub.before(
        "POST /repos/*/pulls",
        lambda: world.repo.open_pull(world.alice, TITLE, BRANCH, "main", "body", draft=False),
    )
    assert open_it(run).number == 1
    assert world.pulls() == [(BRANCH, "open", [LABEL], [])]


def test_pull_requests_of_forks_and_to_elsewhere_are_none_of_ours(world: GitHubWorld, run: Adapters) -> None:
    opened = open_it(run)
    ours = world.repo.threads[opened.number]
    assert ours.pull is not None
    ours.pull.from_fork = True
    assert world.run().forge.pull_requests("rollout/") == []
    assert world.run().forge.pull_request(BRANCH) is None
    ours.pull.from_fork, ours.pull.base = False, "elsewhere"
    assert world.run().forge.pull_requests("rollout/") == []


def test_more_than_a_page_of_pull_requests(world: GitHubWorld, run: Adapters) -> None:
    open_it(run)
    head = world.repo.bare.id_of(BRANCH)
    for number in range(101):
        branch = f"rollout/other/{number:03}"
        world.repo.bare.git("update-ref", f"refs/heads/{branch}", head)
        world.repo.open_pull(world.alice, "Other", branch, "main", "", draft=False)
    world.hub.forget_calls()
    forge = world.run().forge
    assert [pull.number for pull in forge.pull_requests("rollout/other/")] == list(range(2, 103))
    assert [pull.number for pull in forge.pull_requests("rollout/tau/")] == [1]
    assert len(world.calls()) == 2


def test_a_merge_is_noticed(world: GitHubWorld, run: Adapters) -> None:
    open_it(run)
    world.clock.forward(minutes=3)
    world.merge()
    found = world.run().forge.pull_request(BRANCH)
    assert found is not None
    assert (found.state, found.merged_at) == (PullRequestState.MERGED, world.now)
    assert world.run().forge.pull_requests("rollout/") == []


# --- changing and closing ----------------------------------------------------------------------------------


def test_updating_replaces_the_body(world: GitHubWorld, run: Adapters) -> None:
    open_it(run)
    run.forge.update_pull_request(1, "better", at=NOON)
    assert world.repo.threads[1].body == "better"
    assert [pull.body for pull in run.forge.pull_requests("rollout/")] == ["better"]


def test_line_ends_of_an_edit_on_the_web_are_no_difference(world: GitHubWorld, run: Adapters) -> None:
    open_it(run, "one\ntwo")
    world.repo.threads[1].body = "one\r\ntwo"
    (pull,) = world.run().forge.pull_requests("rollout/")
    assert pull.body == "one\ntwo"


def test_a_lost_label_comes_back_with_the_next_update(world: GitHubWorld, run: Adapters) -> None:
    open_it(run)
    world.repo.threads[1].labels = ["urgent"]
    forge = world.run().forge
    assert [pull.body for pull in forge.pull_requests("rollout/")] == [""]
    forge.update_pull_request(1, "body", at=NOON)
    assert set(world.repo.threads[1].labels) == {"urgent", LABEL}
    assert [pull.body for pull in world.run().forge.pull_requests("rollout/")] == ["body"]


def test_closing_says_why_once_and_deletes_the_branch(world: GitHubWorld, run: Adapters) -> None:
    open_it(run)
    forge = world.run().forge
    forge.close_pull_request(1, "frozen: @everybody `x` <b>", at=NOON)
    forge.close_pull_request(1, "again", at=NOON)
    world.run().forge.close_pull_request(1, "and again", at=NOON)
    said = f"frozen: @&#8203;everybody \\`x\\` \\<b>\n\n{CLOSED_MARKER}"
    assert world.pulls() == [(BRANCH, "closed", [LABEL], [said])]
    assert world.branches() == {"main": []}
    assert forge.pull_requests("rollout/") == []


def test_what_others_closed_is_counted_and_not_what_the_tool_closed(
    world: GitHubWorld, run: Adapters
) -> None:
    assert run.forge.closings(BRANCH) == []
    open_it(run)
    world.run().forge.close_pull_request(1, "frozen", at=NOON)
    times = []
    for number in (2, 3):
        open_it(world.run())
        world.clock.forward(minutes=number)
        world.repo.close(world.alice, world.repo.pull(number))
        times.append(world.now)
    forks = world.repo.open_fork_pull(world.alice, "Mine", BRANCH, world.repo.bare.id_of(BRANCH))
    world.repo.close(world.alice, forks)
    assert world.run().forge.closings(BRANCH) == times


def test_a_branch_that_a_rule_keeps_does_not_keep_the_pull_request_open(
    world: GitHubWorld, run: Adapters
) -> None:
    open_it(run)
    world.hub.ruleset(world.repo, pattern="~ALL", deletion=True)
    world.run().forge.close_pull_request(1, "frozen", at=NOON)
    assert world.pulls() == [(BRANCH, "closed", [LABEL], [f"frozen\n\n{CLOSED_MARKER}"])]
    # And the next promotion to that phase takes the branch that is there.
    assert open_it(world.run(), "anew").number == 2
    assert world.branches() == {"main": [], BRANCH: [TITLE]}


def test_a_close_that_was_killed_half_way_is_finished(world: GitHubWorld, run: Adapters) -> None:
    open_it(run)
    world.repo.comment(world.token, 1, f"`old`\n\n{CLOSED_MARKER}")
    world.run().forge.close_pull_request(1, "new", at=NOON)
    assert world.pulls() == [(BRANCH, "closed", [LABEL], [f"new\n\n{CLOSED_MARKER}"])]


# --- statuses and checks -----------------------------------------------------------------------------------


def test_statuses_are_reported_and_read(world: GitHubWorld, run: Adapters) -> None:
    opened = open_it(run)
    assert run.forge.statuses(opened.head_sha) == run.forge.statuses(world.release) == {}
    run.forge.set_status(opened.head_sha, CONTEXT, StatusState.FAILURE, "no", at=NOON)
    run.forge.set_status(opened.head_sha, CONTEXT, StatusState.SUCCESS, "go", at=NOON)
    world.repo.set_status(world.alice, world.release, "ci/old", "error", None)
    expected = {CONTEXT: (StatusState.SUCCESS, "go")}
    assert run.forge.statuses(opened.head_sha) == expected
    again = world.run().forge
    assert again.statuses(opened.head_sha) == expected
    assert again.statuses(world.release) == {"ci/old": (StatusState.FAILURE, "")}


def test_a_status_whose_answer_is_lost_is_not_doubled(world: GitHubWorld, run: Adapters) -> None:
    world.hub.fail("POST /repos/*/statuses/*", faults.DROPPED_AFTER)
    run.forge.set_status(world.release, CONTEXT, StatusState.PENDING, "in progress", at=NOON)
    assert world.statuses() == [(CONTEXT, "pending", "in progress")]


def test_a_commit_that_can_take_no_more_statuses_is_told_with_a_way_out(
    world: GitHubWorld, run: Adapters
) -> None:
    for number in range(1000):
        world.repo.set_status(world.token, world.release, CONTEXT, "pending", f"{number}")
    with pytest.raises(OutsideError, match="maximum number of statuses") as refused:
        run.forge.set_status(world.release, CONTEXT, StatusState.SUCCESS, "go", at=NOON)
    assert "close the pull request: the next run opens it anew" in refused.value.hint


def test_the_newest_commits_of_a_branch_come_with_their_checks(world: GitHubWorld, run: Adapters) -> None:
    """Along first parents, a page a request, and the rest of the checks where there are many."""
    bare = world.repo.bare
    main = bare.branch("main") or ""
    side = bare.git("commit-tree", "-p", main, "-m", "side", f"{main}^{{tree}}").strip()
    tip = bare.git("commit-tree", "-p", main, "-p", side, "-m", "merge", f"{main}^{{tree}}").strip()
    merge = tip
    for number in range(60):
        tip = bare.git("commit-tree", "-p", tip, "-m", f"{number}", f"{main}^{{tree}}").strip()
    world.repo.move(world.alice, "refs/heads/main", tip)
    world.ci("failure", commit=merge, names=("unit",))
    world.ci(commit=merge, names=("unit",))
    world.ci(None, commit=tip, names=tuple(f"other {number}" for number in range(41)))
    world.hub.forget_calls()
    found = {one.commit: one.runs for one in run.forge.newest_commits("main", main)}
    assert len(found) == 61
    assert side not in found
    assert [(one.status, one.conclusion) for one in found[merge]] == [("completed", "success")]
    assert len(found[tip]) == 41
    assert world.calls() == ["POST /graphql checks"] * 3
    assert list(run.forge.newest_commits("nowhere")) == []


# --- release commits ---------------------------------------------------------------------------------------


def test_paths_that_a_commit_changes(world: GitHubWorld, run: Adapters) -> None:
    first = world.repo.bare.git("rev-list", "--max-parents=0", "main")
    assert run.forge.changed_paths(world.release) == ["src/main.rs"]
    assert "state/tau/contract.yaml" in run.forge.changed_paths(first)


def test_a_product_in_another_repository(world: GitHubWorld, hub: Hub, tmp_path: Path) -> None:
    product = Repository(tmp_path / "product", {"main.rs": "1\n"})
    release = product.commit({"main.rs": "2\n"})
    there = hub.repo("acme/product", seed=product.path)
    there.add_check(release, "Live smoke gate", "success")
    world.token = hub.app_token(world.repo, there)
    run = world.run()
    where = Product(repository="acme/product")
    forge = GitHubForge(run.api, Listing(run.api, lambda: "main", lambda: where))
    assert forge.changed_paths(release) == ["main.rs"]
    assert [one.name for one in forge.check_runs(release)] == ["Live smoke gate"]
    opened = forge.open_pull_request(new_pull(run, "body", run.store.head()), at=NOON)
    forge.set_status(opened.head_sha, CONTEXT, StatusState.SUCCESS, "go", at=NOON)
    forge.set_status(release, CONTEXT, StatusState.PENDING, "under way", at=NOON)
    assert [one.sha for one in world.repo.statuses] == [opened.head_sha]
    assert [one.sha for one in there.statuses] == [release]
    assert GitHubForge(run.api, Listing(run.api, lambda: "main", lambda: where)).statuses(release) == {
        CONTEXT: (StatusState.PENDING, "under way")
    }


def test_what_a_branch_changes(world: GitHubWorld) -> None:
    world.reconcile(world.observe())
    (pull,) = world.forge.pull_requests("rollout/")
    proposed = world.rollout.model_copy(update={"phase": "canary-1", "canary_percent": 5})
    assert world.forge.changes("tau", pull) == HeadChanges(("state/tau/rollout.yaml",), proposed)
    # the state branch going on is no change of the pull request, nor is an update from it
    world.tick()
    assert world.forge.changes("tau", pull).paths == ("state/tau/rollout.yaml",)


def test_one_that_another_run_opens_meanwhile_is_green_at_once(world: GitHubWorld) -> None:
    world.reconcile(world.observe())
    (pull,) = world.forge.pull_requests("rollout/")
    run = world.run()
    listed = run.forge.pull_requests("rollout/")
    assert listed == [pull]
    run.forge.close_pull_request(pull.number, "by hand", at=world.now)
    world.reconcile()
    (opened,) = world.forge.pull_requests("rollout/")
    # this run's listing knows nothing of it: it finds it when it wants to open the same one
    assert run.forge.pull_request(opened.head) == opened
    assert run.forge.changes("tau", opened).paths == ("state/tau/rollout.yaml",)


@pytest.mark.parametrize("path", ["README.md", "state/tau/rollout.yaml"])
def test_a_promotion_that_somebody_has_added_to_turns_red(world: GitHubWorld, path: str) -> None:
    world.reconcile(world.observe())
    (pull,) = world.forge.pull_requests("rollout/")
    text = world.text("state/tau/rollout.yaml", pull.head).replace("phase: canary-1", "phase: canary-2")
    added = world.repo.commit_on_branch(
        world.alice, pull.head, pull.head_sha, "Add", [(path, text.encode())], []
    )
    world.hub.forget_calls()
    (effect,) = world.reconcile().effects
    assert isinstance(effect, SetStatus)
    assert (effect.commit, effect.state) == (added, "failure")
    assert effect.description.startswith("not as proposed: it")
    assert len(world.calls()) == 4  # the reads of a steady run, and the status
    assert world.reconcile().effects == []


@pytest.mark.parametrize(
    ("mode", "change", "says"),
    [
        ("100755", ("", ""), "its rollout.yaml has mode 100755"),
        ("120000", ("", ""), "its rollout.yaml is a link"),
        ("100644", ("schema: 1", "# hi\nschema: 1"), "its rollout.yaml has other text"),
        ("100644", ("\n", "\r\n"), "its rollout.yaml has other text"),
    ],
)
def test_a_promotion_whose_file_is_written_otherwise_turns_red(
    world: GitHubWorld, mode: str, change: tuple[str, str], says: str
) -> None:
    world.reconcile(world.observe())
    (pull,) = world.forge.pull_requests("rollout/")
    path, bare = ROLLOUT, world.repo.bare
    blob = bare.write_blob((world.text(path, pull.head) + "\n").replace(*change).encode())
    tree = bare.write_tree(pull.head_sha, [(mode, blob, path)])
    added = bare.write_commit(tree, [pull.head_sha], "Change", person(world.alice), world.now)
    world.repo.move(world.alice, f"refs/heads/{pull.head}", added)
    world.hub.forget_calls()
    (effect,) = world.reconcile().effects
    assert isinstance(effect, SetStatus)
    assert (effect.commit, effect.state) == (added, "failure")
    assert effect.description == f"not as proposed: {says}"
    assert len(world.calls()) == 4  # the reads of a steady run, and the status
    run = world.run()
    with pytest.raises((RefusedError, InputError), match=r"rollout\.yaml(: is a link| has)"):
        check(run.store, lambda _: run.forge, world.clock, added, [path])


def test_how_a_person_wrote_the_file_on_the_state_branch_is_not_held_against_a_promotion(
    world: GitHubWorld,
) -> None:
    world.reconcile(world.observe())
    (pull,) = world.repo.pulls()
    assert pull.pull is not None
    main = world.repo.bare.branch("main") or ""
    text = f"# hi\n{world.text(ROLLOUT)}\n".encode()
    world.repo.commit_on_branch(world.alice, "main", main, "Comment", [(ROLLOUT, text)], [])
    press_update(world, pull.pull.head)
    assert world.text(ROLLOUT, pull.pull.head).startswith("# hi\n")
    (effect,) = world.reconcile().effects
    assert isinstance(effect, SetStatus)
    assert effect.state == "success"


# --- how many calls ----------------------------------------------------------------------------------------


def test_a_steady_reconcile_is_three_reads_and_one_commit(world: GitHubWorld) -> None:
    world.ci("failure", names=("Live smoke gate",))
    world.reconcile(world.observe())
    world.clock.forward(minutes=10)
    observed = world.observe()
    world.hub.forget_calls()
    report = world.reconcile(observed)
    assert [taken.step.event for taken in report.steps] == ["observe"]
    assert report.effects == []
    assert world.calls() == [
        "POST /graphql repository",
        "POST /graphql checks",
        "POST /graphql createCommitOnBranch",
        "POST /graphql repository,repository",
    ]


def test_a_steady_reconcile_beside_an_open_pull_request_costs_no_more(world: GitHubWorld) -> None:
    world.reconcile(world.observe())
    world.clock.forward(minutes=10)
    observed = world.observe()
    world.hub.forget_calls()
    report = world.reconcile(observed)
    assert (report.effects, len(world.calls())) == ([], 4)


def test_opening_a_promotion_is_eight_calls(world: GitHubWorld) -> None:
    world.play_on("canary-1")
    report = None
    while report is None or not report.effects:
        world.clock.forward(minutes=10)
        observed = world.observe()
        world.hub.forget_calls()
        report = world.reconcile(observed)
    assert [type(effect) for effect in report.effects] == [OpenPullRequest, SetStatus]
    assert [taken.step.event for taken in report.steps] == ["observe", "signoff"]
    assert len(world.calls()) == 8


def test_nothing_to_do_writes_nothing(world: GitHubWorld) -> None:
    world.reconcile(world.observe())
    before, world_before = world.subjects(), world.pulls()
    world.hub.forget_calls()
    report = world.reconcile()
    assert (report.steps, report.effects) == ([], [])
    assert len(world.calls()) == 3
    assert (world.subjects(), world.pulls()) == (before, world_before)
