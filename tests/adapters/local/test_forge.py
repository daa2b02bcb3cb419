"""The local forge: pull requests and checks with nothing but a repository, and people's git beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.local.forge import LocalForge
from rollout.adapters.yaml_store import YamlStore
from rollout.core.forge import CheckRun, PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.core.state import CommitMessage, StateChange
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError
from rollout.files.state_files import files_of
from rollout.ports import NewPullRequest
from tests import builders
from tests.adapters.scratch import NOON, Repository

BRANCH = "rollout/tau/v0.1.5/canary-3"
CONTEXT = "rollout/tau"
ROLLOUT = "state/tau/rollout.yaml"
LATER = NOON + timedelta(minutes=10)
PROMOTION = StateChange(rollout=builders.rollout("canary-3"))
TITLE = "rollout(tau): promote v0.1.5 canary-2 -> canary-3"
MESSAGE = CommitMessage(subject=TITLE, body="", trailers=(("Rollout-Event", "promote"),))
START = StateChange(contract=builders.contract(), rollout=builders.rollout(), status=builders.status())


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    files = {path: content.decode() for path, content in files_of("tau", START).items() if content}
    return Repository(tmp_path / "repo", {**files, "src/main.py": "1\n"})


@pytest.fixture
def git(repo: Repository) -> Iterator[Git]:
    git = Git(repo.path)
    yield git
    git.close()


@pytest.fixture
def forge(git: Git) -> LocalForge:
    return LocalForge(git, "main")


def open_it(forge: LocalForge, repo: Repository, branch: str = BRANCH, body: str = "body") -> PullRequest:
    kind = PullRequestKind.PROMOTION
    new = NewPullRequest(kind, "tau", branch, PROMOTION, MESSAGE, body, repo.head("main"), MESSAGE.subject)
    return forge.open_pull_request(new, at=NOON)


def approve(forge: LocalForge, found: PullRequest, state: StatusState = StatusState.SUCCESS) -> None:
    forge.set_status(found.head_sha, CONTEXT, state, "every gate holds", at=NOON)


# --- opening -----------------------------------------------------------------------------------------------


def test_opening_makes_a_branch_with_one_commit_and_touches_no_worktree(
    forge: LocalForge, repo: Repository
) -> None:
    main = repo.head()
    repo.write(ROLLOUT, "dirty\n")
    opened = open_it(forge, repo)
    assert opened == PullRequest(
        number=1,
        kind=PullRequestKind.PROMOTION,
        title=TITLE,
        head=BRANCH,
        base="main",
        state=PullRequestState.OPEN,
        body="body",
        head_sha=repo.head(BRANCH),
        base_sha=main,
    )
    assert repo.head(f"{BRANCH}^") == main
    diff = repo.git("diff", "--unified=0", "main", BRANCH)
    assert diff.count("\n@@ ") == 1
    assert [line for line in diff.splitlines() if line.startswith(("+ ", "+phase", "+canary"))] == [
        "+phase: canary-3",
        "+canary_percent: 50",
    ]
    assert (repo.head(), repo.status()) == (main, [f"M {ROLLOUT}"])


def test_opening_again_returns_the_open_one(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    repo.commit({"README": "x"})
    assert open_it(forge, repo, body="another") == opened


def test_a_branch_without_an_open_pull_request_is_moved(forge: LocalForge, repo: Repository) -> None:
    repo.git("branch", BRANCH, "main")
    repo.commit({"README": "x"})
    opened = open_it(forge, repo)
    assert repo.head(f"{BRANCH}^") == repo.head("main")
    assert opened.head_sha == repo.head(BRANCH)


def test_numbers_count_up_and_the_newest_of_a_branch_is_found(forge: LocalForge, repo: Repository) -> None:
    open_it(forge, repo)
    forge.close_pull_request(1, "stale", at=NOON)
    second = open_it(forge, repo)
    other = open_it(forge, repo, "rollout/tau/v0.1.5/other")
    assert (second.number, other.number) == (2, 3)
    assert forge.pull_request(BRANCH) == second
    assert forge.pull_request("nothing") is None
    assert [each.number for each in forge.pull_requests("")] == [1, 2, 3]
    assert [each.number for each in forge.pull_requests(BRANCH)] == [1, 2]


def test_records_outlive_the_process(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    assert LocalForge(Git(repo.path / "src"), "main").pull_requests("") == [opened]
    assert repo.status() == []


def test_linked_worktrees_share_the_records(forge: LocalForge, repo: Repository, tmp_path: Path) -> None:
    opened = open_it(forge, repo)
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    assert LocalForge(Git(tmp_path / "linked"), "main").pull_request(BRANCH) == opened


# --- changing ----------------------------------------------------------------------------------------------


def test_the_body_is_replaced(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    forge.update_pull_request(1, "new body", at=LATER)
    assert forge.pull_request(BRANCH) == replace(opened, body="new body")


def test_closing_keeps_the_comment_and_deletes_the_branch(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    forge.close_pull_request(1, "a trigger fired", at=LATER)
    forge.close_pull_request(1, "again", at=LATER)
    assert forge.pull_request(BRANCH) == replace(opened, state=PullRequestState.CLOSED)
    assert repo.git("branch", "--list", BRANCH) == ""
    records = json.loads((repo.path / ".git/rollout/forge.json").read_text())
    assert records["pull_requests"][0]["comments"] == [
        {"at": "2026-11-23T12:10:00Z", "text": "a trigger fired"}
    ]


def test_a_number_that_does_not_exist_is_bad_input(forge: LocalForge) -> None:
    with pytest.raises(InputError, match="there is no pull request 7"):
        forge.update_pull_request(7, "x", at=NOON)
    with pytest.raises(InputError, match="there is no pull request 7"):
        forge.close_pull_request(7, "x", at=NOON)
    with pytest.raises(InputError, match="there is no pull request 7"):
        forge.merge(7, at=NOON, merged_by="ana")


# --- what people do with git -------------------------------------------------------------------------------


def test_a_commit_on_the_branch_moves_the_head(forge: LocalForge, repo: Repository) -> None:
    open_it(forge, repo)
    repo.git("checkout", "--quiet", BRANCH)
    moved = repo.commit({"README": "by hand"})
    found = forge.pull_request(BRANCH)
    assert found is not None
    assert (found.head_sha, found.state) == (moved, PullRequestState.OPEN)


@pytest.mark.parametrize("options", [["--no-ff"], ["--ff-only"]])
@pytest.mark.parametrize("delete", [True, False])
def test_a_merge_by_hand_is_noticed(
    forge: LocalForge, repo: Repository, options: list[str], delete: bool
) -> None:
    opened = open_it(forge, repo)
    repo.git("merge", "--quiet", *options, BRANCH)
    if delete:
        repo.git("branch", "--delete", BRANCH)
    merged = replace(opened, state=PullRequestState.MERGED, merged_as=opened.head_sha)
    assert forge.pull_request(BRANCH) == merged
    with pytest.raises(RefusedError, match="pull request 1 is merged"):
        forge.merge(1, at=NOON, merged_by="ana", admin=True)


def test_a_branch_deleted_by_hand_is_a_closed_pull_request(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    repo.git("branch", "--delete", "--force", BRANCH)
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    assert forge.pull_request(BRANCH) == replace(opened, state=PullRequestState.CLOSED)
    assert open_it(forge, repo).number == 2
    assert [each.state for each in forge.pull_requests("")] == [
        PullRequestState.CLOSED,
        PullRequestState.OPEN,
    ]


def test_a_branch_reset_to_its_base_is_not_merged(forge: LocalForge, repo: Repository) -> None:
    open_it(forge, repo)
    repo.git("branch", "--force", BRANCH, "main")
    found = forge.pull_request(BRANCH)
    assert found is not None
    assert found.state is PullRequestState.OPEN


# --- merging -----------------------------------------------------------------------------------------------


def test_merging_makes_a_merge_commit_and_brings_the_worktree_along(
    forge: LocalForge, repo: Repository
) -> None:
    opened = open_it(forge, repo)
    approve(forge, opened)
    tip = repo.commit({"src/main.py": "2\n"})
    repo.write("src/main.py", "3\n")

    merge = forge.merge(1, at=LATER, merged_by="ana")

    assert repo.git("rev-parse", "main^1", "main^2").split() == [tip, opened.head_sha]
    assert repo.head() == merge
    assert repo.status() == ["M src/main.py"]
    assert "phase: canary-3" in (repo.path / ROLLOUT).read_text()
    assert repo.git("log", "-1", "--format=%s|%b|%ct") == (
        f"{TITLE} (#1)|Merged from {BRANCH} by ana.\n\nRollout-Event: promote\n|{int(LATER.timestamp())}"
    )
    assert repo.git("branch", "--list", BRANCH) == ""
    merged = replace(opened, state=PullRequestState.MERGED, merged_at=LATER, merged_as=merge)
    assert forge.pull_request(BRANCH) == merged


def test_history_shows_the_merge(forge: LocalForge, repo: Repository, git: Git) -> None:
    approve(forge, open_it(forge, repo))
    merge = forge.merge(1, at=LATER, merged_by="ana")
    newest = next(iter(YamlStore(git).log("tau")))
    assert (newest.commit, newest.paths) == (merge, ("rollout.yaml",))
    assert newest.trailers == {"Rollout-Event": "promote"}


def test_merging_on_a_branch_that_is_not_checked_out(forge: LocalForge, repo: Repository) -> None:
    approve(forge, open_it(forge, repo))
    repo.git("checkout", "--quiet", "-b", "feature")
    before = repo.head()
    merge = forge.merge(1, at=LATER, merged_by="ana")
    assert (repo.head("main"), repo.head(), repo.status()) == (merge, before, [])


def test_a_branch_that_is_looked_into_is_merged_and_kept(forge: LocalForge, repo: Repository) -> None:
    approve(forge, open_it(forge, repo))
    repo.git("checkout", "--quiet", BRANCH)
    merge = forge.merge(1, at=LATER, merged_by="ana")
    assert (repo.head("main"), repo.status()) == (merge, [])
    assert repo.git("branch", "--show-current") == BRANCH


@pytest.mark.parametrize("state", [None, StatusState.PENDING, StatusState.FAILURE])
def test_without_success_only_an_admin_merges(
    forge: LocalForge, repo: Repository, state: StatusState | None
) -> None:
    opened = open_it(forge, repo)
    if state:
        approve(forge, opened, state)
    forge.set_status(opened.head_sha, "rollout/other", StatusState.SUCCESS, "", at=NOON)
    before = repo.head()
    with pytest.raises(RefusedError, match=f"must not be merged: {CONTEXT} is ") as refusal:
        forge.merge(1, at=LATER, merged_by="ana")
    assert "--admin" in refusal.value.hint
    assert repo.head() == before
    assert repo.head(f"{forge.merge(1, at=LATER, merged_by='ana', admin=True)}^2") == opened.head_sha


def test_success_does_not_follow_a_head_that_moved(forge: LocalForge, repo: Repository) -> None:
    approve(forge, open_it(forge, repo))
    repo.git("checkout", "--quiet", BRANCH)
    repo.commit({"README": "slipped in"})
    with pytest.raises(RefusedError, match="not reported yet"):
        forge.merge(1, at=LATER, merged_by="ana")


@pytest.mark.parametrize(
    "stopped",
    [
        StateChange(rollout=builders.frozen_rollout(), incident=builders.incident()),
        StateChange(rollout=builders.rollout(frozen=builders.frozen_rollout().frozen)),
        StateChange(rollout=builders.withdrawn_rollout("canary-2")),
    ],
    ids=["rollback", "freeze", "withdraw"],
)
def test_what_stops_a_release_conflicts_with_its_promotion(
    forge: LocalForge, repo: Repository, git: Git, stopped: StateChange
) -> None:
    opened = open_it(forge, repo)
    approve(forge, opened)
    YamlStore(git).commit("tau", stopped, MESSAGE, parent=repo.head(), at=NOON)
    before = repo.head()
    with pytest.raises(RefusedError, match=f"merge conflict in {ROLLOUT}"):
        forge.merge(1, at=LATER, merged_by="ana", admin=True)
    assert (repo.head(), repo.status()) == (before, [])
    assert forge.pull_request(BRANCH) == opened


def test_uncommitted_changes_stop_a_merge(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    approve(forge, opened)
    repo.write(ROLLOUT, "mine\n")
    before = repo.head()
    with pytest.raises(InputError, match=f"{ROLLOUT}: dirty"):
        forge.merge(1, at=LATER, merged_by="ana")
    assert (repo.head(), repo.status()) == (before, [f"M {ROLLOUT}"])
    assert forge.pull_request(BRANCH) == opened


def test_a_pull_request_whose_change_is_already_there_is_merged(
    forge: LocalForge, repo: Repository, git: Git
) -> None:
    open_it(forge, repo)
    YamlStore(git).commit("tau", PROMOTION, MESSAGE, parent=repo.head(), at=LATER)
    merge = forge.merge(1, at=LATER, merged_by="ana", admin=True)
    assert (repo.head(), repo.git("diff", "main^1", "main"), repo.status()) == (merge, "", [])


def test_a_killed_merge_counts_as_a_merge_by_hand(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    records = (repo.path / ".git/rollout/forge.json").read_bytes()
    forge.merge(1, at=LATER, merged_by="ana", admin=True)
    (repo.path / ".git/rollout/forge.json").write_bytes(records)
    merged = replace(opened, state=PullRequestState.MERGED, merged_as=opened.head_sha)
    assert forge.pull_request(BRANCH) == merged


# --- statuses, checks, commits -----------------------------------------------------------------------------


def test_the_newest_status_of_each_context_counts(forge: LocalForge, repo: Repository) -> None:
    head = repo.head()
    assert forge.statuses(head) == {}
    forge.set_status(head, CONTEXT, StatusState.PENDING, "soaking", at=NOON)
    forge.set_status(head, "ci", StatusState.FAILURE, "", at=NOON)
    forge.set_status(head, CONTEXT, StatusState.SUCCESS, "ready", at=LATER)
    assert forge.statuses(head) == {
        CONTEXT: (StatusState.SUCCESS, "ready"),
        "ci": (StatusState.FAILURE, ""),
    }


def test_the_same_status_again_writes_nothing(forge: LocalForge, repo: Repository) -> None:
    forge.set_status(repo.head(), CONTEXT, StatusState.PENDING, "soaking", at=NOON)
    before = (repo.path / ".git/rollout/forge.json").stat()
    forge.set_status(repo.head(), CONTEXT, StatusState.PENDING, "soaking", at=LATER)
    after = (repo.path / ".git/rollout/forge.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_newest_commits_of_a_branch_come_with_their_checks(forge: LocalForge, repo: Repository) -> None:
    release = repo.commit({"a": "1\n"}, "a release")
    repo.git("switch", "--quiet", "--create", "side")
    repo.commit({"b": "1\n"}, "on the side")
    repo.git("switch", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-ff", "--message=merge", "side")
    merge = repo.head()
    forge.record_check(merge, "unit", "success", at=NOON)
    found = list(forge.newest_commits("main"))
    assert [one.commit for one in found][:2] == [merge, release]
    assert [[run.name for run in one.runs] for one in found][:2] == [["unit"], []]
    assert [one.commit for one in forge.newest_commits("main", release)] == [merge]
    assert list(forge.newest_commits("nowhere")) == []


def test_checks_are_kept_attempt_by_attempt(forge: LocalForge, repo: Repository) -> None:
    head = repo.head()
    forge.record_check("HEAD", "Live smoke (voice)", "pending", at=NOON)
    forge.record_check(head, "Live smoke (voice)", "success", at=LATER)
    assert forge.check_runs(head) == [
        CheckRun(name="Live smoke (voice)", status="in_progress", conclusion=None, started_at=NOON, id=1),
        CheckRun(name="Live smoke (voice)", status="completed", conclusion="success", started_at=LATER, id=2),
    ]
    assert forge.check_runs("0" * 40) == []
    with pytest.raises(InputError, match="there is no commit nothing"):
        forge.record_check("nothing", "x", "success", at=NOON)


def test_what_a_commit_changes(forge: LocalForge, repo: Repository) -> None:
    first = repo.head()
    second = repo.commit({"src/main.py": "2\n"})
    assert list(forge.changed_paths(second)) == ["src/main.py"]
    assert "src/main.py" in forge.changed_paths(first)


def altered_head(repo: Repository, mode: str, text: str) -> str:
    """A commit on the promotion's branch that leaves rollout.yaml with that mode and text."""
    repo.git("checkout", "-q", BRANCH)
    path = repo.path / "new.yaml"
    path.write_bytes(text.encode())
    blob = repo.git("hash-object", "-w", str(path))
    repo.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{ROLLOUT}")
    repo.git("commit", "-q", "-m", "by hand")
    return repo.head()


@pytest.mark.parametrize(
    ("mode", "change", "says"),
    [
        ("100644", ("", ""), ""),
        ("100755", ("", ""), "its rollout.yaml has mode 100755"),
        ("120000", ("", ""), "its rollout.yaml is a link"),
        ("100644", ("schema: 1\n", "# hi\nschema: 1\n"), "its rollout.yaml has other text"),
        ("100644", ("\n", "\r\n"), "its rollout.yaml has other text"),
        ("100644", ("schema: 1\n", "\nschema: 1\n"), "its rollout.yaml has other text"),
    ],
)
def test_a_branch_whose_file_is_not_as_proposed(
    forge: LocalForge, repo: Repository, mode: str, change: tuple[str, str], says: str
) -> None:
    opened = open_it(forge, repo)
    text = repo.git("show", f"{BRANCH}:{ROLLOUT}") + "\n"
    is_same = (mode, *change) == ("100644", "", "")
    head = opened.head_sha if is_same else altered_head(repo, mode, text.replace(*change))
    changes = forge.changes("tau", replace(opened, head_sha=head))
    assert changes.altered == says
    assert changes.rollout == PROMOTION.rollout


# --- the records' file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "pull_requests": [{}]}'])
def test_broken_records_are_named(forge: LocalForge, repo: Repository, text: str) -> None:
    repo.write(".git/rollout/forge.json", text)
    with pytest.raises(InputError, match=r"\.git/rollout/forge\.json: .+") as error:
        forge.pull_requests("")
    assert "move the file away" in error.value.hint
    with pytest.raises(InputError):
        open_it(forge, repo)
    assert repo.git("branch", "--list", BRANCH) == ""


def test_a_folder_in_the_place_of_the_records_is_an_outside_failure(
    forge: LocalForge, repo: Repository
) -> None:
    (repo.path / ".git/rollout/forge.json").mkdir(parents=True)
    with pytest.raises(OutsideError, match=r"forge\.json cannot be read"):
        forge.pull_requests("")


def test_records_that_cannot_be_written_stay_as_they_were(forge: LocalForge, repo: Repository) -> None:
    opened = open_it(forge, repo)
    (repo.path / ".git/rollout/forge.new").mkdir()
    with pytest.raises(OutsideError, match=r"forge\.new"):
        forge.update_pull_request(1, "new", at=LATER)
    assert forge.pull_request(BRANCH) == opened


def test_writers_at_once_lose_nothing(repo: Repository) -> None:
    def record(who: str) -> None:
        git = Git(repo.path)
        for number in range(10):
            LocalForge(git, "main").record_check("main", f"{who}{number}", "success", at=NOON)
        git.close()

    threads = [threading.Thread(target=record, args=(who,)) for who in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checks = LocalForge(Git(repo.path), "main").check_runs(repo.head())
    assert [check.id for check in checks] == list(range(1, 31))
    assert {check.name for check in checks} == {f"{who}{number}" for who in "abc" for number in range(10)}


def test_openers_at_once_open_one(repo: Repository) -> None:
    opened: list[PullRequest] = []

    def run() -> None:
        git = Git(repo.path)
        opened.append(open_it(LocalForge(git, "main"), repo))
        git.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert len(set(opened)) == 1


def test_a_merge_loses_against_a_branch_that_moves_meanwhile(repo: Repository) -> None:
    class Meanwhile(Git):
        """Somebody commits while the merge is being made."""

        def merged_tree(self, ours: str, theirs: str) -> str:
            tree = super().merged_tree(ours, theirs)
            repo.commit({"README": "meanwhile"})
            return tree

    git = Meanwhile(repo.path)
    forge = LocalForge(git, "main")
    opened = open_it(forge, repo)
    with pytest.raises(HeadMovedError):
        forge.merge(1, at=LATER, merged_by="ana", admin=True)
    assert repo.text("README") == "meanwhile"
    assert forge.pull_request(BRANCH) == opened
