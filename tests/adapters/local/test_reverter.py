"""Reverting a release in real repositories: one row of the table is one history."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rollout.adapters.git import Git, branch_move
from rollout.adapters.local.forge import LocalForge
from rollout.adapters.local.reverter import LocalReverter
from rollout.core.files import StatePaths
from rollout.core.forge import PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage, Release
from rollout.errors import HeadMovedError, InputError, RefusedError
from rollout.ports import RevertOutcome
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
    commit = repo.commit(edit(repo, 14, "two"))
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


def folder_to_link(repo: Repository) -> Made:
    before = repo.commit({"lib/one.txt": LINES})
    (repo.path / "lib" / "one.txt").unlink()
    (repo.path / "lib").rmdir()
    (repo.path / "lib").symlink_to("elsewhere")
    return Made(repo.commit({}, "A link in place of a folder"), like=before)


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


def base_on_a_branch_merged_later(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "maintenance")
    base = repo.commit(edit(repo, 3, "fix"))
    repo.git("checkout", "-q", "main")
    repo.commit(edit(repo, 20, "feature"))
    repo.git("merge", "-q", "--no-ff", "-m", "Merge maintenance", "maintenance")
    return Made(repo.commit(edit(repo, 28, "more")), base=base, like=base)


def base_on_a_branch_never_merged(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "maintenance")
    base = repo.commit(edit(repo, 3, "fix"))
    repo.git("checkout", "-q", "main")
    return Made(repo.commit(edit(repo, 20, "feature")), base=base, like=base)


def branch_begun_before_the_base(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit(edit(repo, 5, "begun"))
    repo.git("checkout", "-q", "main")
    base = repo.commit({"other.txt": "other\n"})
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "-q", "-m", "Merge main", "main")
    repo.commit(edit(repo, 6, "done"))
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge feature", "feature")
    return Made(repo.head(), base=base, like=base)


def fix_picked_to_the_bases_branch(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "fix")
    fix = repo.commit(edit(repo, 3, "fix"))
    repo.git("checkout", "-q", "main")
    repo.git("cherry-pick", "--no-commit", fix)
    repo.git("commit", "-q", "-m", "Picked")
    base = repo.head()
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit({"other.txt": "other\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge fix", "fix")
    return Made(repo.commit(edit(repo, 20, "more")), base=base, like=base)


def octopus(repo: Repository) -> Made:
    base = repo.head()
    for name, line in (("one", 3), ("two", 14), ("three", 25)):
        repo.git("checkout", "-q", "-b", name, base)
        repo.commit(edit(repo, line, name))
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge all", "one", "two", "three")
    return Made(repo.head(), base=base, like=base)


def folder_moved(repo: Repository) -> Made:
    base = repo.commit({"lib/one.txt": LINES, "lib/two.txt": LINES.upper()})
    repo.git("mv", "lib", "src")
    repo.git("commit", "-qm", "Move")
    commit = repo.head()
    repo.commit({"src/later.txt": "later\n"})
    repo.git("checkout", "-q", "-b", "wanted", base)
    wanted = repo.commit({"src/later.txt": "later\n"})
    repo.git("checkout", "-q", "main")
    return Made(commit, base=base, like=wanted)


def file_to_folder(repo: Repository) -> Made:
    before = repo.head()
    repo.git("rm", "-q", "app.txt")
    return Made(repo.commit({"app.txt/inner.txt": "x\n", "app.txt/deep/er.txt": "y\n"}), like=before)


def folder_to_file(repo: Repository) -> Made:
    before = repo.commit({"tools/inner.txt": "x\n", "tools/deep/er.txt": "y\n"})
    repo.git("rm", "-rq", "tools")
    return Made(repo.commit({"tools": "now a file\n"}), like=before)


def vendored(repo: Repository) -> tuple[str, str]:
    """Two commits of another project, whose newer one is checked out in vendor/."""
    other = Repository(repo.path.parent / "other", {"its.txt": "1\n"})
    first, second = other.head(), other.commit({"its.txt": "2\n"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path), "vendor")
    return first, second


def submodule_moved(repo: Repository) -> Made:
    first, second = vendored(repo)
    repo.git("-C", "vendor", "checkout", "-q", first)
    before = repo.commit({}, "Vendor")
    repo.git("-C", "vendor", "checkout", "-q", second)
    return Made(repo.commit(edit(repo, 3, "new")), like=before)


def submodule_added(repo: Repository) -> Made:
    before = repo.head()
    vendored(repo)
    return Made(repo.commit({}, "Vendor"), like=before)


def submodule_removed(repo: Repository) -> Made:
    vendored(repo)
    before = repo.commit({}, "Vendor")
    repo.git("rm", "-qf", "vendor")
    return Made(repo.commit({}, "Unvendor"), like=before)


def folder_to_submodule(repo: Repository) -> Made:
    before = repo.commit({"vendor/its.txt": "copied\n"})
    repo.git("rm", "-rq", "vendor")
    vendored(repo)
    return Made(repo.commit({}, "Vendor"), like=before)


CLEAN = [
    plain,
    squash,
    merge,
    rebased,
    many_with_state_between,
    later_work_stays,
    relanded,
    half_reverted,
    modes_links_and_bytes,
    renamed_afterwards,
    touches_state_too,
    base_on_a_branch_merged_later,
    base_on_a_branch_never_merged,
    branch_begun_before_the_base,
    fix_picked_to_the_bases_branch,
    octopus,
    folder_moved,
    file_to_folder,
    folder_to_file,
    folder_to_link,
    submodule_moved,
    submodule_added,
    submodule_removed,
    folder_to_submodule,
]


def product_files(repo: Repository, at: str) -> list[str]:
    rows = repo.git("ls-tree", "-r", "-z", at).split("\0")
    return [row for row in rows if row and not row.partition("\t")[2].startswith("state/")]


@pytest.mark.parametrize("history", CLEAN, ids=lambda value: value.__name__)
def test_a_clean_revert(repo: Repository, history: Callable[[Repository], Made]) -> None:
    made = history(repo)
    tip, state = repo.head(), repo.head("HEAD:state")
    preview = reverter(repo).preview(release(made))
    assert (preview.outcome, preview.tip, preview.paths) == (RevertOutcome.CLEAN, tip, ())
    new = reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert made.like is not None
    assert new == repo.head("main")
    assert repo.git("rev-list", "--parents", f"{tip}..{new}") == f"{new} {tip}"
    assert product_files(repo, new) == product_files(repo, made.like)
    assert repo.git("rev-parse", f"{new}:state") == state
    assert repo.status() == [], "index and worktree followed"
    assert reverter(repo).preview(release(made)).outcome is RevertOutcome.NOTHING
    assert reverter(repo).is_free_of(new, release(made))


def test_a_root_commit_without_state(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "bare-state", {"app.txt": LINES})
    commit = repo.head()
    tip = repo.commit({"later.txt": "x\n"})
    new = reverter(repo).push(release(Made(commit)), MESSAGE, at=NOON)
    assert repo.git("ls-tree", "-r", "--name-only", new) == "later.txt"
    assert repo.head(f"{new}^") == tip


@pytest.mark.parametrize(
    "history", [many_with_state_between, merge, octopus], ids=lambda value: value.__name__
)
def test_the_message_names_every_commit_of_the_release(
    repo: Repository, history: Callable[[Repository], Made]
) -> None:
    made = history(repo)
    tip = repo.head()
    preview = reverter(repo).preview(release(made))
    reverter(repo).push(release(made), MESSAGE, at=NOON)
    wanted = repo.git("rev-list", "--topo-order", f"{made.base or f'{made.commit}^'}..{tip}").split()
    is_state = [c for c in wanted if repo.git("show", "--format=", "--name-only", c).startswith("state/")]
    parts = [commit for commit in wanted if commit not in is_state]
    assert list(preview.commits) == parts
    told = repo.git("log", "-1", "--format=%an <%ae>|%cn|%ct|%s|%b", "main")
    signed = f"rollout <rollout@localhost>|rollout|{int(NOON.timestamp())}|Revert v0.1.5|"
    named = "".join(f"This reverts commit {commit}.\n" for commit in parts)
    assert told == f"{signed}{named}\nIncident: https://forge.example/issues/7\n\nRollout-Train: tau"


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


def half_reverted_on_the_same_line(repo: Repository) -> Made:
    base = repo.head()
    repo.commit(edit(repo, 3, "one"))
    commit = repo.commit(edit(repo, 3, "two"))
    repo.git("revert", "--no-edit", commit)
    return Made(commit, base=base)


def not_on_the_branch(repo: Repository) -> Made:
    repo.git("checkout", "-q", "-b", "feature")
    commit = repo.commit(edit(repo, 3, "new"))
    repo.git("checkout", "-q", "main")
    return Made(commit)


def unknown(_: Repository) -> Made:
    return Made("1" * 40)


def unknown_base(repo: Repository) -> Made:
    return Made(repo.commit(edit(repo, 3, "new")), base="1" * 40)


NOTHING, CONFLICT, MISSING = RevertOutcome.NOTHING, RevertOutcome.CONFLICT, RevertOutcome.MISSING
NOT_CLEAN = [
    (reverted_by_hand, NOTHING, "the branch holds nothing of the release any more"),
    (reverted_twice, NOTHING, "the branch holds nothing of the release any more"),
    (reverted_at_once, NOTHING, "the branch holds nothing of the release any more"),
    (only_state, NOTHING, "no commit of the release touches the product"),
    (conflicting, CONFLICT, "conflicts with what came after it"),
    (half_reverted_on_the_same_line, CONFLICT, "conflicts with what came after it"),
    (not_on_the_branch, MISSING, "is not on the branch"),
    (unknown, MISSING, "the release's commit 111111111111 is not on the branch"),
    (unknown_base, MISSING, "there is no commit 111111111111, which is the release's base"),
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
    assert bool(preview.paths) is (outcome is CONFLICT)
    with pytest.raises(RefusedError, match="cannot be reverted"):
        reverter(repo).propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    if outcome is NOTHING:
        assert reverter(repo).push(release(made), MESSAGE, at=NOON) == repo.head("main")
    else:
        with pytest.raises(RefusedError, match="cannot be reverted"):
            reverter(repo).push(release(made), MESSAGE, at=NOON)
    after = repo.git("for-each-ref"), repo.status(), sorted(os.listdir(repo.path / ".git/objects"))
    assert after == before


def test_conflicts_name_their_paths(repo: Repository) -> None:
    made = conflicting(repo)
    assert reverter(repo).preview(release(made)).paths == ("app.txt", "gone.txt")
    with pytest.raises(RefusedError, match=r"in app\.txt, gone\.txt"):
        reverter(repo).push(release(made), MESSAGE, at=NOON)


def test_a_fact_names_the_first_commits_and_paths_and_the_message_every_commit(repo: Repository) -> None:
    base = repo.head()
    commits = [repo.commit({f"{number:02}.txt": "released\n"}) for number in range(21)]
    made = release(Made(commits[-1], base=base))
    fact = reverter(repo).preview(made)
    assert (fact.commits, fact.total) == (tuple(commits[:0:-1]), 21)
    reverter(repo).push(made, MESSAGE, at=NOON)
    told = repo.git("log", "-1", "--format=%b", "main")
    assert told.count("This reverts commit ") == 21

    later = repo.commit({f"{number:02}.txt": "one\n" for number in range(12)})
    repo.commit({f"{number:02}.txt": "other\n" for number in range(12)})
    fact = reverter(repo).preview(release(Made(later)))
    assert (fact.outcome, len(fact.paths)) == (CONFLICT, 10)
    with pytest.raises(RefusedError, match=r"in 00\.txt, 01\.txt, 02\.txt, 03\.txt, 04\.txt and more"):
        reverter(repo).push(release(Made(later)), MESSAGE, at=NOON)


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
    assert lost.tip() is None
    with pytest.raises(RefusedError, match="no branch trunk"):
        lost.push(release(made), MESSAGE, at=NOON)


def test_workflows_are_told_before_anything_is_tried(repo: Repository) -> None:
    made = Made(repo.commit({".github/workflows/ci.yml": "on: push\n", "app.txt": "x\n"}))
    preview = reverter(repo).preview(release(made))
    assert (preview.workflows, preview.paths) == (True, (".github/workflows/ci.yml",))


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
        path.parent.mkdir(exist_ok=True)
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
    assert reverter(repo).preview(release(made)).outcome is RevertOutcome.CLEAN


def test_a_merged_proposal_is_found_and_holds_the_revert(repo: Repository) -> None:
    made = later_work_stays(repo)
    git = Git(repo.path)
    forge = LocalForge(git, "main")
    found = LocalReverter(git, forge, lambda: "main")
    pull = found.propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    repo.commit({"state/tau/rollout.yaml": "phase: b\n"})
    merged = forge.merge(pull.number, at=NOON, merged_by="Ada")
    again = found.propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    assert (again.state, again.number, again.merged_as) == (PullRequestState.MERGED, pull.number, merged)
    preview = found.preview(release(made), merged=merged)
    assert (preview.outcome, preview.tip) == (RevertOutcome.NOTHING, merged)
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


# --- after the revert ------------------------------------------------------------------------------------


def shown(repo: Repository, made: Made, merged: str | None = None, recorded: str | None = None) -> str:
    """`clean`, or with the commits that explain it: `clean, merged M, taken back by B`."""
    preview = reverter(repo).preview(release(made), merged=merged, recorded=recorded)
    told = [str(preview.outcome)]
    told += [f"merged {preview.merged}"] if preview.merged else []
    told += [f"taken back by {preview.taken_back}"] if preview.taken_back else []
    return ", ".join(told)


def test_a_mend_of_the_reverted_lines_leaves_the_release_undone(repo: Repository) -> None:
    made = plain(repo)
    new = reverter(repo).push(release(made), MESSAGE, at=NOON)
    repo.commit({"state/tau/rollout.yaml": "phase: c\n"})
    fix = repo.commit(edit(repo, 3, "fixed"))
    assert shown(repo, made) == "nothing"
    assert reverter(repo).preview(release(made)).detail == (
        f"{new[:12]} reverted the release; later commits build on that"
    )
    assert reverter(repo).is_free_of(fix, release(made))
    repo.git("revert", "--no-edit", fix)
    repo.git("revert", "--no-edit", new)
    back = repo.head()
    assert shown(repo, made) == f"clean, taken back by {back}"
    assert not reverter(repo).is_free_of(back, release(made))
    reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert shown(repo, made) == "nothing"


def test_a_revert_that_was_changed_before_its_merge(repo: Repository) -> None:
    made = many_with_state_between(repo)
    git = Git(repo.path)
    forge = LocalForge(git, "main")
    pull = LocalReverter(git, forge, lambda: "main").propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    repo.git("checkout", "-q", BRANCH)
    repo.commit(edit(repo, 9, "four"), "Keep this one")
    repo.git("checkout", "-q", "main")
    merged = forge.merge(pull.number, at=NOON, merged_by="Ada")
    assert shown(repo, made, merged=merged) == f"clean, merged {merged}"
    again = reverter(repo).propose(release(made), f"{BRANCH}-2", MESSAGE, "body", at=NOON)
    merged = forge.merge(again.number, at=NOON, merged_by="Ada")
    assert shown(repo, made, merged=merged) == "nothing"


def test_what_state_has_recorded_needs_no_message(repo: Repository) -> None:
    made = plain(repo)
    by_hand = repo.commit(edit(repo, 3, "line 3"), "Back to what it was")
    fix = repo.commit(edit(repo, 3, "fixed"))
    assert not reverter(repo).is_free_of(fix, release(made)), "nothing says which commit reverted it"
    assert reverter(repo).is_free_of(fix, release(made), by_hand)
    assert shown(repo, made, recorded=by_hand) == "nothing"
    repo.git("revert", "--no-edit", fix)
    repo.git("revert", "--no-edit", by_hand)
    back = repo.head()
    assert not reverter(repo).is_free_of(back, release(made), by_hand)
    assert shown(repo, made, recorded=by_hand) == f"clean, taken back by {back}"


def test_a_declared_revert_counts_although_files_differ(repo: Repository) -> None:
    made = conflicting(repo)
    resolved = repo.commit(edit(repo, 3, "something else"), "Resolve it otherwise")
    assert shown(repo, made) == "conflict"
    assert not reverter(repo).is_free_of(resolved, release(made))
    assert reverter(repo).is_free_of(resolved, release(made), resolved)
    assert shown(repo, made, recorded=resolved) == "nothing"


# --- pushing, and what others lack -----------------------------------------------------------------------


def test_uncommitted_changes_stop_a_push_and_stay(repo: Repository) -> None:
    made = plain(repo)
    repo.write("app.txt", "mine\n")
    with pytest.raises(Exception, match="uncommitted changes") as error:
        reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert not isinstance(error.value, HeadMovedError)
    assert repo.head("main") == made.commit
    assert (repo.path / "app.txt").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("history", "mine"),
    [
        (file_to_folder, "app.txt/inner.txt"),
        (file_to_folder, "app.txt/mine.txt"),
        (folder_to_file, "tools"),
        (submodule_moved, "vendor/its.txt"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_persons_files_are_not_lost_where_a_folder_has_to_go(
    repo: Repository, history: Callable[[Repository], Made], mine: str
) -> None:
    made = history(repo)
    repo.write(mine, "mine\n")
    before = repo.head(), repo.status()
    with pytest.raises(InputError, match="uncommitted changes"):
        reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert (repo.head(), repo.status()) == before
    assert (repo.path / mine).read_text() == "mine\n"


def test_new_files_in_a_submodule_are_kept(repo: Repository) -> None:
    made = submodule_moved(repo)
    repo.write("vendor/mine.txt", "mine\n")
    reverter(repo).push(release(made), MESSAGE, at=NOON)
    assert (repo.path / "vendor/mine.txt").read_text() == "mine\n"
    assert (repo.path / "vendor/its.txt").read_text() == "1\n"


def test_a_submodule_without_its_commit_stays_behind(repo: Repository) -> None:
    vendored(repo)
    before = repo.commit({}, "Vendor")
    repo.git("update-index", "--cacheinfo", f"160000,{'1' * 40},vendor")
    repo.git("commit", "-qm", "Not published")
    base = repo.head()
    repo.git("reset", "-q", "--hard", before)
    repo.git("reset", "-q", "--soft", base)
    commit = repo.commit({}, "Published")
    new = reverter(repo).push(release(Made(commit, base=base)), MESSAGE, at=NOON)
    assert repo.git("ls-tree", new, "vendor").split()[2] == "1" * 40
    assert repo.status() == ["M vendor"]


@pytest.mark.parametrize(
    "history", [file_to_folder, folder_to_file, submodule_moved], ids=lambda value: value.__name__
)
def test_a_run_that_was_killed_before_the_worktree_followed(
    repo: Repository, history: Callable[[Repository], Made]
) -> None:
    made = history(repo)
    pull = reverter(repo).propose(release(made), BRANCH, MESSAGE, "body", at=NOON)
    repo.git("update-ref", "refs/heads/main", pull.head_sha)
    (repo.path / ".git/rollout/behind").write_text(pull.head_sha)
    git = Git(repo.path)
    branch_move.commit(
        git, "main", {"state/tau/rollout.yaml": b"x\n"}, parent=pull.head_sha, message="State", at=NOON
    )
    assert repo.status() == []


def test_who_is_free_of_the_release(repo: Repository) -> None:
    before = repo.head()
    repo.git("checkout", "-q", "-b", "elsewhere")
    aside = repo.commit({"aside.txt": "x\n"})
    repo.git("checkout", "-q", "main")
    commit = repo.commit(edit(repo, 3, "new"))
    after = repo.commit({"later.txt": "x\n"})
    repo.git("revert", "--no-edit", commit)
    fixed = repo.head()
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
            "fixed": fixed,
            "again": again,
            "unknown": "1" * 40,
        }.items()
    }
    assert free == {
        "before": True,
        "aside": True,
        "itself": False,
        "after": False,
        "fixed": True,
        "again": False,
        "unknown": False,
    }


def test_state_alone_changes_nothing_for_a_revert(repo: Repository) -> None:
    before, found = repo.head(), reverter(repo)
    assert found.unchanged_since(before)
    repo.commit({"state/tau/rollout.yaml": "phase: b\n"})
    assert found.unchanged_since(before)
    elsewhere = LocalReverter(
        Git(repo.path), LocalForge(Git(repo.path), "main"), lambda: "main", lambda: StatePaths(None)
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


FLAGS = "config/flags.json"


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_flag_file_is_state(repo: Repository, elsewhere: bool) -> None:
    """The percents that reconcile has written are no part of the release, and stay as they are."""
    state = StatePaths(None if elsewhere else "state", (FLAGS, "gone/flags.json", "new/flags.json"))
    base = repo.commit({FLAGS: "0\n", "config/other.json": "a\n", "gone/flags.json": "0\n"})
    repo.commit({FLAGS: "5\n"}, "rollout(tau): apply 5 %")
    repo.commit({"config/other.json": "b\n", FLAGS: "6\n"}, "Both")
    repo.git("rm", "-q", "gone/flags.json")
    commit = repo.commit({"new/flags.json": "1\n"}, "Move the flags")
    found = LocalReverter(Git(repo.path), LocalForge(Git(repo.path), "main"), lambda: "main", lambda: state)
    repo.commit({FLAGS: "7\n", "new/flags.json": "2\n"}, "rollout(tau): apply 7 %")
    assert found.unchanged_since(commit)
    preview = found.preview(release(Made(commit, base)))
    assert (preview.outcome, len(preview.commits)) == (RevertOutcome.CLEAN, 1)
    found.push(release(Made(commit, base)), MESSAGE, at=NOON)
    read = {path: repo.git("show", f"main:{path}") for path in (FLAGS, "config/other.json", "new/flags.json")}
    assert read == {FLAGS: "7", "config/other.json": "a", "new/flags.json": "2"}
    assert repo.git("ls-tree", "--name-only", "main", "gone/") == ""
    assert found.preview(release(Made(commit, base))).outcome is RevertOutcome.NOTHING
