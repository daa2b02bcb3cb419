"""A busy repository costs no more than an empty one, and nothing of the tool's is lost in it."""

from __future__ import annotations

import pytest

from fakehub import faults
from fakehub.entities import Pull
from fakehub.faults import Fault
from rollout.core.forge import PullRequest, PullRequestState
from rollout.core.issue import IssueState
from rollout.core.state import Verdict
from rollout.errors import OutsideError
from tests.adapters.github.fixtures import hub, origin, world
from tests.adapters.github.test_routes import KEY, REVERT, open_issue, propose
from tests.adapters.github.world import GitHubWorld
from tests.world import VERSION

__all__ = ["hub", "origin", "world"]

BRANCH = f"rollout/tau/{VERSION}/canary-1"


def foreign(world: GitHubWorld, branch: str, number: int = 1000, *, state: str = "open") -> None:
    """Pull requests from a fork's branch of that name."""
    main = world.repo.bare.branch("main") or ""
    head = world.repo.bare.git("commit-tree", "-p", main, "-m", "theirs", f"{main}^{{tree}}").strip()
    for _ in range(number):
        pull = Pull(branch, "main", head, main, from_fork=True)
        world.repo.open_thread(world.alice, "Theirs", None, pull).state = state


@pytest.mark.parametrize("branch", ["patch-1", BRANCH])
def test_foreign_pull_requests_cost_nothing(world: GitHubWorld, branch: str) -> None:
    foreign(world, branch)
    world.reconcile(world.observe())
    world.clock.forward(minutes=10)
    observed = world.observe()
    world.hub.forget_calls()
    world.reconcile(observed)
    assert len(world.calls()) == 4
    (pull,) = world.forge.pull_requests("rollout/tau/")
    assert pull.number == 1001


def test_our_pull_request_is_found_among_a_thousand_of_its_name(world: GitHubWorld) -> None:
    world.reconcile(world.observe())
    foreign(world, BRANCH)
    world.repo.merge(world.alice, 1)
    world.repo.move(world.alice, f"refs/heads/{BRANCH}", None)
    forge = world.run().forge
    world.hub.forget_calls()
    found = forge.pull_request(BRANCH)
    assert found is not None
    assert (found.number, found.state) == (1, PullRequestState.MERGED)
    assert len(world.calls()) == 3


def test_our_revert_is_found_among_a_thousand_of_its_name(world: GitHubWorld) -> None:
    propose(world.run())
    foreign(world, REVERT)
    found = world.run().reverter.proposed(REVERT)
    assert found is not None
    assert (found.number, found.state) == (1, PullRequestState.OPEN)
    nobodys = world.run().reverter.proposed("rollout-revert/tau/other")
    assert nobodys is None


@pytest.mark.parametrize("biggest", [50, 7])
def test_a_page_that_is_too_much_is_halved(world: GitHubWorld, biggest: int) -> None:
    world.reconcile(world.observe())
    world.hub.biggest_page = biggest
    run = world.run()
    issues = run.issues()
    assert issues.find("none") is None
    (pull,) = run.forge.pull_requests("rollout/")
    assert pull.head == BRANCH
    assert world.patience.waited == []


@pytest.mark.parametrize(
    "fault",
    [
        faults.graphql("This query requests up to 510,000 possible nodes.", "MAX_NODE_LIMIT_EXCEEDED"),
        faults.BAD_GATEWAY,
        Fault(status=504, message="We couldn't respond to your request in time."),
    ],
)
def test_what_may_be_too_much_is_asked_for_by_halves(world: GitHubWorld, fault: Fault) -> None:
    world.reconcile(world.observe())
    world.hub.biggest_page = 50
    world.hub.fail("POST /graphql repository*", fault)
    assert [pull.head for pull in world.run().forge.pull_requests("rollout/")] == [BRANCH]


def test_a_query_that_stays_too_much_is_told(world: GitHubWorld) -> None:
    world.hub.biggest_page = 0
    with pytest.raises(OutsideError, match=r"listing open pull requests failed: .* tried 5 times"):
        world.run().forge.pull_requests("rollout/")


# --- closed issues -----------------------------------------------------------------------------------------


def test_a_closed_issue_is_looked_for_in_one_request(world: GitHubWorld) -> None:
    open_issue(world.run())
    issues = world.run().issues()
    issues.find(KEY)
    issues.close(1, "Done.", at=world.now)
    world.clock.forward(minutes=-1)
    for number in range(1000):
        thread = world.repo.open_thread(world.token, "Old", f"<!-- rollout:issue old{number} -->")
        thread.labels, thread.state = ["rollout"], "closed"
    world.clock.forward(minutes=1)
    world.hub.forget_calls()
    issues = world.run().issues()
    found = issues.find(KEY)
    assert found is not None
    assert (found.number, found.state) == (1, IssueState.CLOSED)
    assert len(world.calls()) == 2
    assert issues.find("none") is None
    assert len(world.calls()) == 2
    issues.reopen(1, at=world.now)
    issues.say_once(1, "again", "It goes on.", at=world.now)
    assert len(world.repo.threads[1].comments) == 2


# --- reads that lag behind writes --------------------------------------------------------------------------


def test_what_was_just_made_is_not_looked_up(world: GitHubWorld) -> None:
    world.hub.lags = True
    run = world.run()
    opened = propose(run)
    assert isinstance(opened, PullRequest)
    assert (opened.number, opened.state) == (1, PullRequestState.OPEN)
    assert run.reverter.proposed(REVERT) == opened
    assert propose(run) == opened
    open_issue(run)
    world.clock.forward(minutes=1)
    issues = world.run().issues()
    assert issues.find_open(KEY) is not None
    for _ in range(2):
        issues.stick(2, "where", "Here.", at=world.now)
        issues.say_once(2, "answer/7", "No.", at=world.now)
    assert len(world.repo.threads[2].comments) == 2


def test_a_reconcile_beside_reads_that_lag_doubles_nothing(world: GitHubWorld) -> None:
    world.hub.lags = True
    world.reconcile(world.observe())
    world.clock.forward(minutes=1)
    before = (world.subjects(), world.pulls(), world.statuses())
    world.reconcile()
    assert (world.subjects(), world.pulls(), world.statuses()) == before


# --- names -------------------------------------------------------------------------------------------------


def test_a_label_in_other_letters_is_ours(world: GitHubWorld) -> None:
    """GitHub takes `rollout` for the label `Rollout` that is there; a filter of GraphQL does not."""
    world.repo.label("Rollout")
    world.repo.label("Rollout-Signoff")
    open_issue(world.run())
    world.reconcile(world.observe())
    assert world.repo.threads[1].labels[0] == "Rollout"
    issues = world.run().issues()
    found = issues.find_open(KEY)
    assert found is not None
    assert "rollout" in found.labels
    open_issue(world.run())
    assert [thread.number for thread in world.repo.threads.values() if thread.pull is None] == [1]
    world.hub.forget_calls()
    assert world.reconcile().effects == []
    assert len(world.calls()) == 3


def test_a_branch_in_the_way_of_promotions_is_named(world: GitHubWorld) -> None:
    world.repo.bare.git("branch", "rollout", "main")
    with pytest.raises(OutsideError, match="a branch rollout is in its way") as refused:
        world.reconcile(world.observe())
    assert "rename or delete the branch rollout" in refused.value.hint
    assert world.verdict is Verdict.PROMOTE
    world.repo.bare.git("branch", "-D", "rollout")
    world.reconcile()
    assert [pull.head for pull in world.forge.pull_requests("rollout/")] == [BRANCH]


@pytest.mark.parametrize("branch", ["rollout/tau", "rollout/tau/v0.1.5", f"{BRANCH}/mine"])
def test_a_branch_deeper_in_the_way_is_named(world: GitHubWorld, branch: str) -> None:
    world.repo.bare.update_ref(f"refs/heads/{branch}", world.repo.bare.branch("main") or "")
    with pytest.raises(OutsideError, match=f"a branch {branch} is in its way") as told:
        world.reconcile(world.observe())
    assert f"rename or delete the branch {branch}" in told.value.hint


def test_a_branch_made_in_the_way_meanwhile_is_told_with_a_way_out(world: GitHubWorld) -> None:
    tip = world.repo.bare.branch("main") or ""
    made = lambda: world.repo.bare.update_ref("refs/heads/rollout/tau", tip)  # noqa: E731
    world.hub.before("POST /graphql createRef*", made)
    with pytest.raises(OutsideError, match="opening the pull request from rollout/tau/") as told:
        world.reconcile(world.observe())
    assert "Ref cannot be created" in told.value.message
    assert "git ls-remote --heads origin 'rollout*'" in told.value.hint


def test_a_branch_in_the_way_of_reverts_is_named(world: GitHubWorld) -> None:
    world.repo.bare.git("branch", "rollout-revert", "main")
    with pytest.raises(OutsideError, match="a branch rollout-revert is in its way") as refused:
        propose(world.run())
    assert "rename or delete the branch rollout-revert" in refused.value.hint


def test_a_branch_deeper_in_the_way_of_reverts_is_named(world: GitHubWorld) -> None:
    world.repo.bare.git("branch", "rollout-revert/tau", "main")
    with pytest.raises(OutsideError, match="a branch rollout-revert/tau is in its way"):
        propose(world.run())


def test_a_revert_in_an_archived_repository_says_how_to_unarchive_it(world: GitHubWorld) -> None:
    world.repo.archived = True
    with pytest.raises(OutsideError, match="This repository was archived so it is read-only") as refused:
        propose(world.run())
    assert "Unarchive this repository" in refused.value.hint


# --- large trees -------------------------------------------------------------------------------------------


def test_a_commit_of_a_large_tree_is_compared_folder_by_folder(world: GitHubWorld) -> None:
    forge = world.run().forge
    main = world.repo.bare.branch("main") or ""
    files = [("deep/er/one.txt", b"1"), ("deep/two.txt", b"2"), ("src/main.rs", b"3")]
    added = world.repo.commit_on_branch(world.alice, "main", main, "add", files, [])
    gone = ["deep/er/one.txt", "src/main.rs"]
    swapped = world.repo.commit_on_branch(world.alice, "main", added, "swap", [("src/main.rs/x", b"4")], gone)
    expected = {commit: forge.changed_paths(commit) for commit in (added, swapped)}
    assert expected[swapped] == ["deep/er/one.txt", "src/main.rs", "src/main.rs/x"]
    world.hub.biggest_tree = 5
    world.hub.forget_calls()
    assert {commit: forge.changed_paths(commit) for commit in (added, swapped)} == expected
    assert len(world.calls()) < 30
    world.hub.biggest_tree = 1
    with pytest.raises(OutsideError, match="more files than GitHub lists"):
        forge.changed_paths(added)
