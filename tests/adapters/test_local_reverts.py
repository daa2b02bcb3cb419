"""Reverting a release in real repositories: one row of the table is one history."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.local_forge import LocalForge
from rollout.adapters.local_reverts import LocalReverter
from rollout.core.state import CommitMessage, Release
from rollout.errors import HeadMovedError, RefusedError
from rollout.ports import PullRequestKind, PullRequestState, RevertOutcome
from tests.adapters.scratch import NOON, Repository

BRANCH = "rollout-revert/tau/20261123t120000z-v0.1.5"
MESSAGE = CommitMessage(
    "Revert v0.1.5", "Incident: https://forge.example/issues/7", (("Rollout-Train", "tau"),)
)
LINES = "".join(f"line {number}\n" for number in range(30))


@dataclass(frozen=True)
class Made:
    """What a history ends in: the release, and the tree that reverting it must give (None: no clean one)."""

    commit: str
    base: str | None = None
    like: str | None = None
    """A commit whose product files the reverted branch has to hold."""


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo", {"app.txt": LINES, "state/tau/rollout.yaml": "phase: a\n"})


def reverter(repo: Repository) -> LocalReverter:
    git = Git(repo.path)
    return LocalReverter(git, LocalForge(git, "main"), lambda: "main")


def release(made: Made) -> Release:
    return Release(version="v0.1.5", commit=made.commit, base=made.base, started_at=NOON)


def edit(repo: Repository, line: int, text: str) -> dict[str, str]:
    lines = repo.text("app.txt").splitlines()
    lines[line] = text
    return {"app.txt": "\n".join(lines) + "\n"}


# --- histories -------------------------------------------------------------------------------------------


def plain(repo: Repository) -> Made:
    before = repo.head()
    return Made(repo.commit(edit(repo, 3, "new")), like=before)


def squash(repo: Repository) -> Made:
    before = repo.head()
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit(edit(repo, 3, "half"))
    repo.commit({**edit(repo, 3, "new"), "more.txt": "more\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--squash", "feature")
    repo.git("commit", "-qm", "Feature (#1)")
    return Made(repo.head(), like=before)


def merge(repo: Repository) -> Made:
    before = repo.head()
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit(edit(repo, 3, "half"))
    repo.commit(edit(repo, 3, "new"))
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    return Made(repo.head(), like=before)


def rebased(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit(edit(repo, 3, "half"))
    repo.commit(edit(repo, 3, "new"))
    repo.git("checkout", "-q", "main")
    main = repo.commit({"other.txt": "other\n"})
    repo.git("rebase", "-q", "main", "feature")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--ff-only", "feature")
    return Made(repo.head(), base=main, like=main)


def many_with_state_between(repo: Repository) -> Made:
    base = repo.head()
    repo.commit(edit(repo, 3, "one"))
    repo.commit({"state/tau/rollout.yaml": "phase: b\n"})
    repo.commit(edit(repo, 3, "two"))
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit(edit(repo, 3, "three"))
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    commit = repo.commit(edit(repo, 9, "four"))
    return Made(commit, base=base, like=base)


def later_work_stays(repo: Repository) -> Made:
    repo.commit(edit(repo, 20, "old"))
    commit = repo.commit(edit(repo, 3, "new"))
    repo.commit(edit(repo, 28, "later"))
    repo.git("checkout", "-q", "-b", "wanted")
    repo.commit(edit(repo, 3, "line 3"))
    wanted = repo.head()
    repo.git("checkout", "-q", "main")
    return Made(commit, like=wanted)


def relanded(repo: Repository) -> Made:
    before = repo.head()
    commit = repo.commit(edit(repo, 3, "new"))
    repo.git("revert", "--no-edit", commit)
    repo.git("revert", "--no-edit", "HEAD")
    return Made(commit, like=before)


def half_reverted(repo: Repository) -> Made:
    base = repo.head()
    repo.commit(edit(repo, 3, "one"))
    commit = repo.commit(edit(repo, 3, "two"))
    repo.git("revert", "--no-edit", commit)
    return Made(commit, base=base, like=base)


def modes_links_and_bytes(repo: Repository) -> Made:
    (repo.path / "run.sh").write_text("#!/bin/sh\n")
    (repo.path / "run.sh").chmod(0o755)
    (repo.path / "blob.bin").write_bytes(bytes(range(256)))
    (repo.path / "now").symlink_to("app.txt")
    (repo.path / "doomed.txt").write_text(LINES)
    before = repo.commit({"moved.txt": LINES.replace("line", "row")})
    (repo.path / "run.sh").chmod(0o644)
    (repo.path / "blob.bin").write_bytes(bytes(range(255, -1, -1)))
    (repo.path / "now").unlink()
    (repo.path / "now").symlink_to("moved")
    (repo.path / "doomed.txt").unlink()
    (repo.path / "moved.txt").rename(repo.path / "moved")
    (repo.path / "tool").write_text("x")
    (repo.path / "tool").chmod(0o755)
    return Made(repo.commit({"ünïcode name.txt": "x\n"}), like=before)


def renamed_afterwards(repo: Repository) -> Made:
    commit = repo.commit(edit(repo, 3, "new"))
    repo.git("mv", "app.txt", "moved.txt")
    repo.git("commit", "-qm", "Move")
    repo.git("checkout", "-q", "-b", "wanted")
    repo.commit({"moved.txt": LINES})
    wanted = repo.head()
    repo.git("checkout", "-q", "main")
    return Made(commit, like=wanted)


def touches_state_too(repo: Repository) -> Made:
    commit = repo.commit({**edit(repo, 3, "new"), "state/tau/rollout.yaml": "phase: b\n"})
    repo.git("checkout", "-q", "-b", "wanted")
    wanted = repo.commit(edit(repo, 3, "line 3"))
    repo.git("checkout", "-q", "main")
    return Made(commit, like=wanted)


CLEAN = [
    (plain, 1),
    (squash, 1),
    (merge, 1),
    (rebased, 2),
    (many_with_state_between, 4),
    (later_work_stays, 1),
    (relanded, 1),
    (half_reverted, 1),
    (modes_links_and_bytes, 1),
    (renamed_afterwards, 1),
    (touches_state_too, 1),
]


def product_files(repo: Repository, at: str) -> list[str]:
    rows = repo.git("ls-tree", "-r", "-z", at).split("\0")
    return [row for row in rows if row and not row.partition("\t")[2].startswith("state/")]


@pytest.mark.parametrize(("history", "commits"), CLEAN, ids=lambda value: getattr(value, "__name__", ""))
def test_a_clean_revert(repo: Repository, history: Callable[[Repository], Made], commits: int) -> None:
    made = history(repo)
    tip, state = repo.head(), repo.head("HEAD:state")
    preview = reverter(repo).preview(release(made))
    assert (preview.outcome, preview.tip, preview.conflicts) == (RevertOutcome.CLEAN, tip, ())
    new = reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert made.like is not None
    assert new == repo.head("main")
    assert repo.git("rev-list", "--count", f"{tip}..{new}") == str(commits)
    assert product_files(repo, new) == product_files(repo, made.like)
    assert repo.git("rev-parse", f"{new}:state") == state
    assert repo.status() == [], "index and worktree followed"
    assert reverter(repo).holds_revert(release(made)) == new


def test_a_root_commit_without_state(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "bare-state", {"app.txt": LINES})
    commit = repo.head()
    tip = repo.commit({"later.txt": "x\n"})
    new = reverter(repo).push(release(Made(commit)), MESSAGE, at=NOON)
    assert repo.git("ls-tree", "-r", "--name-only", new) == "later.txt"
    assert repo.head(f"{new}^") == tip


@pytest.mark.parametrize("history", [many_with_state_between, merge], ids=lambda value: value.__name__)
def test_each_commit_says_what_it_reverts(repo: Repository, history: Callable[[Repository], Made]) -> None:
    made = history(repo)
    tip = repo.head()
    reverter(repo).push(release(made), MESSAGE, at=NOON)
    span = [f"^{made.base}"] if made.base else ["-1"]
    wanted = repo.git("rev-list", "--first-parent", tip, *span).split()
    told = repo.git("log", "--reverse", "--format=%an <%ae>|%cn|%ct|%s|%b%x00", f"{tip}..main").split("\0")
    parts = [entry.strip() for entry in told if entry.strip()]
    signed = f"rollout <rollout@localhost>|rollout|{int(NOON.timestamp())}|Revert v0.1.5|This reverts commit "
    assert all(part.startswith(signed) for part in parts)
    assert all("Incident: https://forge.example/issues/7\n\nRollout-Train: tau" in part for part in parts)
    reverted = [part.split("This reverts commit ")[1][:40] for part in parts]
    is_state = [c for c in wanted if repo.git("show", "--format=", "--name-only", c).startswith("state/")]
    assert reverted == [commit for commit in wanted if commit not in is_state]
    merges = [part for part in parts if ", reversing changes made to " in part]
    assert len(merges) == 1


# --- what is not clean -----------------------------------------------------------------------------------


def reverted_by_hand(repo: Repository) -> Made:
    commit = repo.commit(edit(repo, 3, "new"))
    repo.git("revert", "--no-edit", commit)
    return Made(commit)


def reverted_twice(repo: Repository) -> Made:
    made = plain(repo)
    reverter(repo).push(release(made), MESSAGE, at=NOON)
    return made


def reverted_at_once(repo: Repository) -> Made:
    base = repo.head()
    repo.commit(edit(repo, 3, "one"))
    repo.commit({"state/tau/rollout.yaml": "phase: b\n"})
    commit = repo.commit(edit(repo, 3, "two"))
    repo.commit(edit(repo, 3, "line 3"), "Back to what it was")
    repo.commit({"state/tau/rollout.yaml": "phase: c\n"})
    return Made(commit, base=base)


def only_state(repo: Repository) -> Made:
    return Made(repo.commit({"state/tau/rollout.yaml": "phase: b\n"}))


def conflicting(repo: Repository) -> Made:
    commit = repo.commit({**edit(repo, 3, "new"), "gone.txt": "x\n"})
    repo.commit({**edit(repo, 3, "newer"), "gone.txt": "y\n"})
    return Made(commit)


def not_on_the_branch(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "feature")
    commit = repo.commit(edit(repo, 3, "new"))
    repo.git("checkout", "-q", "main")
    return Made(commit)


def unknown(_: Repository) -> Made:
    return Made("1" * 40)


def unknown_base(repo: Repository) -> Made:
    return Made(repo.commit(edit(repo, 3, "new")), base="1" * 40)


def base_of_another_line(repo: Repository) -> Made:
    other = not_on_the_branch(repo).commit
    return Made(repo.commit(edit(repo, 5, "new")), base=other)


NOTHING, CONFLICT, MISSING = RevertOutcome.NOTHING, RevertOutcome.CONFLICT, RevertOutcome.MISSING
NOT_CLEAN = [
    (reverted_by_hand, NOTHING, "the branch holds nothing of the release any more"),
    (reverted_twice, NOTHING, "the branch holds nothing of the release any more"),
    (reverted_at_once, NOTHING, "the branch holds nothing of the release any more"),
    (only_state, NOTHING, "no commit of the release touches the product"),
    (conflicting, CONFLICT, "conflicts with what came after it"),
    (not_on_the_branch, MISSING, "is not on the branch"),
    (unknown, MISSING, "the release's commit 111111111111 is not on the branch"),
    (unknown_base, MISSING, "the release's base 111111111111 does not lead to its commit"),
    (base_of_another_line, MISSING, "does not lead to its commit"),
]


@pytest.mark.parametrize(
    ("history", "outcome", "detail"), NOT_CLEAN, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_is_not_clean_changes_nothing(
    repo: Repository, history: Callable[[Repository], Made], outcome: RevertOutcome, detail: str
) -> None:
    made = history(repo)
    before = repo.git("for-each-ref"), repo.status(), sorted(os.listdir(repo.path / ".git/objects"))
    preview = reverter(repo).preview(release(made))
    assert preview.outcome is outcome
    assert detail in preview.detail
    assert bool(preview.conflicts) is (outcome is CONFLICT)
    with pytest.raises(RefusedError, match="cannot be reverted"):
        reverter(repo).propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    if outcome is NOTHING:
        assert reverter(repo).push(release(made), MESSAGE, at=NOON) == repo.head("main")
        assert reverter(repo).holds_revert(release(made)) == repo.head("main")
    else:
        with pytest.raises(RefusedError, match="cannot be reverted"):
            reverter(repo).push(release(made), MESSAGE, at=NOON)
        assert reverter(repo).holds_revert(release(made)) is None
    after = repo.git("for-each-ref"), repo.status(), sorted(os.listdir(repo.path / ".git/objects"))
    assert after == before


def test_conflicts_name_their_paths(repo: Repository) -> None:
    made = conflicting(repo)
    assert reverter(repo).preview(release(made)).conflicts == ("app.txt", "gone.txt")
    with pytest.raises(RefusedError, match=r"in app\.txt, gone\.txt"):
        reverter(repo).push(release(made), MESSAGE, at=NOON)


def test_a_shallow_clone_says_how_to_deepen(repo: Repository, tmp_path: Path) -> None:
    made = later_work_stays(repo)
    url = f"file://{repo.path}"
    for depth, why in ((1, "history does not reach back"), (2, "history is cut off at")):
        shallow = tmp_path / f"depth-{depth}"
        subprocess.run(["git", "clone", "-q", "--branch=main", f"--depth={depth}", url, shallow], check=True)
        git = Git(shallow)
        found = LocalReverter(git, LocalForge(git, "main"), lambda: "main")
        preview = found.preview(release(made))
        assert preview.outcome is MISSING
        assert why in preview.detail
        assert "git fetch --unshallow" in preview.detail
        assert found.is_free_of(git.tip("main") or "", release(made)) is False
    deep = tmp_path / "deep"
    subprocess.run(["git", "clone", "-q", "--branch=main", "--depth=3", url, deep], check=True)
    git = Git(deep)
    found = LocalReverter(git, LocalForge(git, "main"), lambda: "main")
    new = found.push(release(made), MESSAGE, at=NOON)
    assert git.changed_paths(git.resolve(f"{new}^"), new) == ("app.txt",)


def test_a_branch_that_is_not_there(repo: Repository) -> None:
    made = plain(repo)
    git = Git(repo.path)
    lost = LocalReverter(git, LocalForge(git, "main"), lambda: "trunk")
    preview = lost.preview(release(made))
    assert (preview.outcome, preview.detail) == (
        MISSING,
        "there is no branch trunk, which the contract says the product is on",
    )
    assert (lost.tip(), lost.holds_revert(release(made))) == (None, None)
    with pytest.raises(RefusedError, match="no branch trunk"):
        lost.push(release(made), MESSAGE, at=NOON)


def test_workflows_are_told_before_anything_is_tried(repo: Repository) -> None:
    made = Made(repo.commit({".github/workflows/ci.yml": "on: push\n", "app.txt": "x\n"}))
    assert reverter(repo).preview(release(made)).workflows == (".github/workflows/ci.yml",)


# --- nothing of the product or the person acts -----------------------------------------------------------


def test_no_hook_filter_or_merge_driver_runs(repo: Repository, tmp_path: Path) -> None:
    made = Made(repo.commit({**edit(repo, 3, "new"), ".gitattributes": "*.txt merge=mine filter=mine\n"}))
    repo.commit(edit(repo, 28, "later"))
    touched = tmp_path / "touched"
    for name, script in (
        ("merge.mine.driver", f"touch {touched}-merge"),
        ("filter.mine.clean", f"touch {touched}-clean; cat"),
        ("core.fsmonitor", f"touch {touched}-monitor"),
    ):
        repo.git("config", name, script)
    for hook in ("reference-transaction", "post-checkout", "pre-push", "post-merge"):
        path = repo.path / ".git/hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {touched}-{hook}\n")
        path.chmod(0o755)
    reverter(repo).preview(release(made))
    assert not list(tmp_path.glob("touched*"))
    pull = reverter(repo).propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    assert pull.head_sha == repo.head(BRANCH)
    assert not list(tmp_path.glob("touched*"))


# --- pull requests ---------------------------------------------------------------------------------------


def test_proposes_once(repo: Repository) -> None:
    made = many_with_state_between(repo)
    tip = repo.head()
    pull = reverter(repo).propose(release(made), BRANCH, MESSAGE, "Why and what.", at=NOON)
    assert (pull.kind, pull.title, pull.head, pull.base, pull.state, pull.base_sha) == (
        PullRequestKind.REVERT,
        "Revert v0.1.5",
        BRANCH,
        "main",
        PullRequestState.OPEN,
        tip,
    )
    assert reverter(repo).propose(release(made), BRANCH, MESSAGE, "again", at=NOON) == pull
    assert reverter(repo).proposed(BRANCH) == pull
    assert repo.head("main") == tip
    assert reverter(repo).holds_revert(release(made)) is None


def test_a_merged_proposal_is_found_and_holds_the_revert(repo: Repository) -> None:
    made = later_work_stays(repo)
    git = Git(repo.path)
    forge = LocalForge(git, "main")
    found = LocalReverter(git, forge, lambda: "main")
    pull = found.propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    repo.commit({"state/tau/rollout.yaml": "phase: b\n"})
    merged = forge.merge(pull.number, at=NOON, merged_by="Ada")
    again = found.propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    assert (again.state, again.number) == (PullRequestState.MERGED, pull.number)
    assert found.holds_revert(release(made)) == merged == repo.head("main")
    assert repo.status() == []


def test_a_closed_proposal_is_made_anew(repo: Repository) -> None:
    made = plain(repo)
    git = Git(repo.path)
    forge = LocalForge(git, "main")
    found = LocalReverter(git, forge, lambda: "main")
    first = found.propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    forge.close_pull_request(first.number, "no", at=NOON)
    second = found.propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    assert (second.number, second.state) == (2, PullRequestState.OPEN)


def test_a_branch_left_by_a_killed_run_is_used(repo: Repository) -> None:
    made = plain(repo)
    repo.git("branch", BRANCH, "HEAD~1")
    pull = reverter(repo).propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    assert pull.head_sha == repo.head(BRANCH)
    assert repo.head(f"{BRANCH}^") == repo.head("main")


# --- pushing, and what others lack -----------------------------------------------------------------------


def test_uncommitted_changes_stop_a_push_and_stay(repo: Repository) -> None:
    made = plain(repo)
    repo.write("app.txt", "mine\n")
    with pytest.raises(Exception, match="uncommitted changes") as error:
        reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert not isinstance(error.value, HeadMovedError)
    assert repo.head("main") == made.commit
    assert (repo.path / "app.txt").read_text() == "mine\n"


def test_who_is_free_of_the_release(repo: Repository) -> None:
    before = repo.head()
    repo.git("checkout", "-q", "-b", "elsewhere")
    aside = repo.commit({"aside.txt": "x\n"})
    repo.git("checkout", "-q", "main")
    commit = repo.commit(edit(repo, 3, "new"))
    after = repo.commit({"later.txt": "x\n"})
    repo.git("revert", "--no-edit", commit)
    mended = repo.head()
    repo.git("revert", "--no-edit", "HEAD")
    again = repo.head()
    found = reverter(repo)
    free = {
        name: found.is_free_of(one, release(Made(commit)))
        for name, one in {
            "before": before,
            "aside": aside,
            "itself": commit,
            "after": after,
            "mended": mended,
            "again": again,
            "unknown": "1" * 40,
        }.items()
    }
    assert free == {
        "before": True,
        "aside": True,
        "itself": False,
        "after": False,
        "mended": True,
        "again": False,
        "unknown": False,
    }


def test_state_alone_changes_nothing_for_a_revert(repo: Repository) -> None:
    before, found = repo.head(), reverter(repo)
    assert found.unchanged_since(before)
    repo.commit({"state/tau/rollout.yaml": "phase: b\n"})
    assert found.unchanged_since(before)
    elsewhere = LocalReverter(
        Git(repo.path), LocalForge(Git(repo.path), "main"), lambda: "main", state_folder=None
    )
    assert not elsewhere.unchanged_since(before)
    repo.commit({"later.txt": "x\n"})
    assert not found.unchanged_since(before)
    assert not found.unchanged_since("9" * 40)


def test_a_repository_with_long_ids(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "long", {"app.txt": LINES}, "--object-format=sha256")
    made = plain(repo)
    new = reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert len(new) == 64
    assert repo.text("app.txt") == LINES.strip()
