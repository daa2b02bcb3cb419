"""The door to git, with real repositories: what it reads, and what it leaves alone when it writes."""

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollout.adapters.git import Git, branch_move
from rollout.adapters.git.formats import trailers
from rollout.adapters.git.process import error_line, usual_environment
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError
from tests.adapters.scratch import NOON, Existing, Repository

STATUS = "state/tau/status.yaml"
ROLLOUT = "state/tau/rollout.yaml"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo", {STATUS: "one\n", ROLLOUT: "phase: a\n", "src/main.py": "print()\n"})


def commit(
    git: Git, files: dict[str, str], *, parent: str, branch: str = "main", message: str = "change"
) -> str:
    content = {path: text.encode() for path, text in files.items()}
    return branch_move.commit(git, branch, content, parent=parent, message=message, at=NOON)


def leave_the_worktree_behind(repo: Repository, files: dict[str, str]) -> None:
    """Commit on main while another git holds the index, so that index and worktree cannot follow."""
    git, parent, lock = Git(repo.path), repo.head(), repo.path / ".git/index.lock"
    content = {path: text.encode() for path, text in files.items()}

    def make() -> str:
        lock.touch()
        return git.write_commit(content, parent=parent, message="m", at=NOON)

    with pytest.raises(OutsideError, match="is committed, but the worktree could not follow"):
        branch_move.advance(git, "main", make, old=parent, paths=files)
    lock.unlink()


# --- what git complains of ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stderr", "error"),
    [
        (
            "fatal: '../nowhere.git' does not appear to be a git repository\n"
            "fatal: Could not read from remote repository.\n\n"
            "Please make sure you have the correct access rights\nand the repository exists.\n",
            "'../nowhere.git' does not appear to be a git repository",
        ),
        (
            "To ../r.git\n ! [rejected]        HEAD -> main (fetch first)\n"
            "error: failed to push some refs to '../r.git'\n"
            "hint: See the 'Note about fast-forwards' in 'git push --help' for details.\n",
            "! [rejected] HEAD -> main (fetch first)",
        ),
        (
            "warning: nothing to see\nerror: inflate: data stream error\nfatal: unpack\n",
            "inflate: data stream error",
        ),
        ("Segmentation fault\n", "Segmentation fault"),
        ("", ""),
    ],
)
def test_of_a_complaint_the_error_is_shown_and_not_the_advice_after_it(stderr: str, error: str) -> None:
    assert error_line(stderr.encode()) == error


# --- where the repository is -------------------------------------------------------------------------------


def test_a_folder_without_repository_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a git repository") as error:
        Git(tmp_path)
    assert "--repo" in error.value.hint


def test_a_folder_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not a git repository: cannot change to"):
        Git(tmp_path / "nowhere")


def test_without_git_nothing_works(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo.path))
    with pytest.raises(OutsideError, match="git is not installed"):
        Git(repo.path)


def test_a_sub_folder_stands_for_its_repository(repo: Repository) -> None:
    git = Git(repo.path / "src")
    commit(git, {STATUS: "two\n"}, parent=repo.head())
    assert git.worktree == repo.path.resolve()
    assert repo.status() == []
    assert (repo.path / STATUS).read_text() == "two\n"


def test_variables_of_a_hook_do_not_lead_elsewhere(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other")
    head = repo.head()
    for name, path in (("GIT_DIR", ".git"), ("GIT_INDEX_FILE", ".git/index"), ("GIT_WORK_TREE", "")):
        monkeypatch.setenv(name, str(other.path / path))
    assert Git(repo.path).tip("main") == head


def test_an_empty_repository_has_a_branch_without_a_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--initial-branch=trunk", tmp_path], check=True)
    git = Git(tmp_path)
    assert git.default_branch() == "trunk"
    assert git.tip("trunk") is None
    with pytest.raises(HeadMovedError):
        commit(git, {STATUS: "x"}, parent="0" * 40, branch="trunk")


# --- the default branch ------------------------------------------------------------------------------------


def test_origin_names_the_default_branch(repo: Repository, tmp_path: Path) -> None:
    repo.git("branch", "--move", "trunk")
    repo.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    subprocess.run(["git", "checkout", "--quiet", "-b", "feature"], cwd=tmp_path / "clone", check=True)
    assert Git(tmp_path / "clone").default_branch() == "trunk"


def test_without_origin_it_is_the_usual_one_whatever_is_checked_out(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "feature")
    assert Git(repo.path).default_branch() == "main"


def test_the_configured_name_comes_before_a_usual_one_where_there_is_such_a_branch(repo: Repository) -> None:
    repo.git("config", "init.defaultBranch", "trunk")
    assert Git(repo.path).default_branch() == "main"
    repo.git("branch", "trunk")
    assert Git(repo.path).default_branch() == "trunk"


def test_without_a_usual_one_it_is_the_current_branch(repo: Repository) -> None:
    repo.git("branch", "--move", "trunk")
    assert Git(repo.path).default_branch() == "trunk"


@pytest.mark.parametrize(
    "branch", ["rollout/tau/v1/canary-1", "rollout-channel/tau/x", "rollout-revert/tau/1"]
)
def test_a_pull_request_that_is_looked_into_is_not_the_default_branch(repo: Repository, branch: str) -> None:
    repo.git("branch", "--move", branch)
    assert Git(repo.path).default_branch() == "main"


def test_a_detached_head_leaves_the_configured_name(repo: Repository) -> None:
    repo.git("branch", "--move", "trunk")
    repo.git("checkout", "--quiet", "--detach")
    repo.git("config", "init.defaultBranch", "trunk")
    assert Git(repo.path).default_branch() == "trunk"
    repo.git("config", "init.defaultBranch", "")
    assert Git(repo.path).default_branch() == "main"


# --- reading -----------------------------------------------------------------------------------------------


def test_reads_objects_and_sees_what_came_later(repo: Repository) -> None:
    git = Git(repo.path)
    first = repo.head()
    status = git.read(f"main:{STATUS}")
    assert status is not None
    assert (status.kind, status.body) == ("blob", b"one\n")
    assert set(git.tree("main:state/tau")) == {"status.yaml", "rollout.yaml"}
    assert git.tree("main:")["state"].is_folder
    second = repo.commit({STATUS: "two\n"})
    repo.git("gc", "--quiet")
    assert git.tip("main") == second
    assert git.resolve(first) == first


@pytest.mark.parametrize("spec", ["main:nothing", "nothing", "0" * 40, "main\nmain", "a b missing"])
def test_what_is_not_there_is_none(repo: Repository, spec: str) -> None:
    git = Git(repo.path)
    assert git.read(spec) is None
    assert git.resolve(spec) is None
    assert git.tree(spec) == {}
    assert git.tip("main") == repo.head()


def test_a_damaged_object_is_an_outside_failure_and_the_next_read_works(repo: Repository) -> None:
    repo.commit({STATUS: os.urandom(5000).hex()})
    blob = repo.head(f"main:{STATUS}")
    damaged = repo.path / ".git/objects" / blob[:2] / blob[2:]
    damaged.chmod(0o644)
    os.truncate(damaged, 2000)
    git = Git(repo.path)
    with pytest.raises(OutsideError, match=r"git cat-file stopped: .+"):
        git.read(f"main:{STATUS}")
    assert git.tip("main") == repo.head()


def test_closing_ends_the_reader_and_a_later_read_starts_another(repo: Repository) -> None:
    git = Git(repo.path)
    assert git.tip("main") == repo.head()
    git.close()
    git.close()
    assert git.tip("main") == repo.head()


def test_ancestors(repo: Repository) -> None:
    git = Git(repo.path)
    first, second = repo.head(), repo.commit({"a": "b"})
    assert git.is_ancestor(first, second)
    assert git.is_ancestor(second, second)
    assert not git.is_ancestor(second, first)
    with pytest.raises(OutsideError, match="git merge-base failed"):
        git.is_ancestor("0" * 40, first)


def test_what_never_changes_is_asked_once(repo: Repository, tmp_path: Path) -> None:
    first, second = repo.head(), repo.commit({"a": "1\n"})
    environment = usual_environment()
    git = Git(repo.path, environment)
    asked = (git.changed_paths(first, second), git.is_ancestor(first, second))
    environment["PATH"] = str(tmp_path)  # there is no git
    assert (git.changed_paths(first, second), git.is_ancestor(first, second)) == asked == (("a",), True)
    with pytest.raises(OutsideError, match="not installed"):
        git.changed_paths(None, second)
    with pytest.raises(OutsideError, match="not installed"):
        git.is_ancestor(second, first)
    git.close()


def test_changed_paths(repo: Repository) -> None:
    git = Git(repo.path)
    first = repo.head()
    second = repo.commit({"a": "b", STATUS: "two\n"})
    third = repo.commit({"c": "d"})
    assert set(git.changed_paths(None, first)) == {STATUS, ROLLOUT, "src/main.py"}
    assert git.changed_paths(None, second) == ("a", STATUS)
    assert git.changed_paths(first, third) == ("a", "c", STATUS)
    assert git.changed_paths(first, first) == ()


def test_a_merge_changes_what_its_branch_brings(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "side")
    repo.commit({"side.txt": "1"})
    repo.git("checkout", "--quiet", "main")
    repo.commit({STATUS: "newer\n"})
    repo.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    assert Git(repo.path).changed_paths(None, repo.head("main")) == ("side.txt",)


# --- history -----------------------------------------------------------------------------------------------


def test_log_follows_first_parents_and_names_what_changed(repo: Repository) -> None:
    first = repo.head()
    second = repo.commit(
        {STATUS: "two\n", "src/main.py": "1\n"},
        "rollout(tau): observe é\n\nRollout-Train: tau\nRollout-Event: observe",
    )
    repo.git("checkout", "--quiet", "-b", "side")
    side = repo.commit({ROLLOUT: "phase: b\n", "state/tau/new.yaml": "x\n"})
    repo.git("checkout", "--quiet", "main")
    elsewhere = repo.commit({"README": "x\n"})
    repo.git("merge", "--quiet", "--no-ff", "--message=merge side", "side")
    merge = repo.head()

    entries = list(Git(repo.path).log("main", ["state/tau/"]))

    assert [entry.commit for entry in entries] == [merge, second, first]
    assert entries[0].parents == (elsewhere, side)
    assert entries[0].paths == ("state/tau/new.yaml", ROLLOUT)
    assert entries[1].paths == (STATUS,)
    assert (entries[1].subject, entries[1].author) == ("rollout(tau): observe é", "Rollout Tests")
    assert entries[1].trailers == {"Rollout-Train": "tau", "Rollout-Event": "observe"}
    assert entries[2].parents == ()
    assert entries[2].trailers == {}
    assert [entry.commit for entry in Git(repo.path).log("main", ["state/tau/"], since=second)] == [merge]


def test_log_takes_paths_as_they_are_written(repo: Repository) -> None:
    assert list(Git(repo.path).log("main", ["state/*/status.yaml"])) == []


def test_log_can_be_left_early(repo: Repository) -> None:
    for number in range(5):
        repo.commit({STATUS: f"{number}\n"})
    git = Git(repo.path)
    entries = git.log("main", [STATUS])
    assert next(entries).commit == repo.head()
    entries.close()  # type: ignore[attr-defined]
    assert git.tip("main") == repo.head()


def test_log_of_a_branch_that_is_not_there_fails(repo: Repository) -> None:
    with pytest.raises(OutsideError, match="git log failed"):
        list(Git(repo.path).log("nowhere", [STATUS]))


# --- committing --------------------------------------------------------------------------------------------


def test_a_commit_changes_its_files_and_nothing_else(repo: Repository) -> None:
    parent = repo.head()
    new = commit(
        Git(repo.path),
        {STATUS: "two\n", "state/tau/incidents/i.yaml": "id: i\n"},
        parent=parent,
        message="subject\n\nbody\n\nRollout-Event: observe\n",
    )
    assert repo.head("main") == new
    assert repo.head(f"{new}^") == parent
    assert repo.git("diff", "--name-status", parent, new).split() == [
        "A",
        "state/tau/incidents/i.yaml",
        "M",
        STATUS,
    ]
    assert repo.text(STATUS) == "two"
    assert repo.status() == []
    assert repo.git("fsck", "--strict") == ""
    shown = repo.git("log", "-1", "--format=%an <%ae> %at %ct %(trailers:key=Rollout-Event,valueonly)", new)
    noon = int(NOON.timestamp())
    assert shown == f"Rollout Tests <tests@rollout.invalid> {noon} {noon} observe"


def test_folders_sort_as_git_sorts_them(repo: Repository) -> None:
    names = ("state.yaml", "state-x", "state/new", "state0", "src.py", "é")
    commit(Git(repo.path), dict.fromkeys(names, "x\n"), parent=repo.head())
    assert repo.git("fsck", "--strict") == ""
    assert repo.git("ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")[:-1] == sorted(
        (*names, STATUS, ROLLOUT, "src/main.py"), key=str.encode
    )


def test_equal_input_gives_the_same_commit(repo: Repository) -> None:
    git = Git(repo.path)
    tokyo = NOON.astimezone(datetime(2026, 1, 1, tzinfo=UTC).astimezone().tzinfo)
    made = {git.write_commit({STATUS: b"x"}, parent=repo.head(), message="m", at=at) for at in (NOON, tokyo)}
    assert len(made) == 1
    assert made != {
        git.write_commit({STATUS: b"x"}, parent=repo.head(), message="m", at=NOON + timedelta(seconds=1))
    }


def test_other_changes_survive_byte_for_byte(repo: Repository) -> None:
    repo.commit({"staged": "1\n", "half": "1\n", "unstaged": "1\n", "removed": "1\n"})
    repo.write("staged", "2\n")
    repo.write("half", "2\n")
    repo.git("add", "staged", "half")
    repo.write("half", "3\n")
    repo.write("unstaged", "2\n")
    repo.write("untracked", "1\n")
    repo.write(ROLLOUT, "phase: edited\n")
    repo.git("rm", "--quiet", "--cached", "removed")
    before = (repo.status(), repo.git("diff"), repo.git("diff", "--cached"))

    commit(Git(repo.path), {STATUS: "two\n"}, parent=repo.head())

    assert (repo.status(), repo.git("diff"), repo.git("diff", "--cached")) == before
    assert (repo.path / STATUS).read_text() == "two\n"
    assert (repo.path / "untracked").read_text() == "1\n"


def unstaged(repo: Repository) -> None:
    repo.write(STATUS, "mine\n")


def staged(repo: Repository) -> None:
    repo.write(STATUS, "mine\n")
    repo.git("add", STATUS)


def staged_mode(repo: Repository) -> None:
    repo.git("update-index", "--chmod=+x", STATUS)


def deleted(repo: Repository) -> None:
    (repo.path / STATUS).unlink()


def untracked(repo: Repository) -> None:
    repo.write("state/tau/new.yaml", "mine\n")


def ignored(repo: Repository) -> None:
    repo.write(".git/info/exclude", "new.yaml\n")
    repo.write("state/tau/new.yaml", "mine\n")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (unstaged, STATUS),
        (staged, STATUS),
        (staged_mode, STATUS),
        (deleted, STATUS),
        (untracked, "state/tau/new.yaml"),
        (ignored, "state/tau/new.yaml"),
    ],
)
def test_uncommitted_changes_of_a_file_are_not_overwritten(
    repo: Repository, change: Callable[[Repository], None], path: str
) -> None:
    change(repo)
    before = (repo.head(), repo.status(), repo.git("diff"), repo.git("count-objects"))
    with pytest.raises(InputError, match="dirty") as refusal:
        commit(Git(repo.path), {path: "theirs\n", ROLLOUT: "phase: b\n"}, parent=repo.head())
    assert refusal.value.file == path
    assert path in refusal.value.message
    assert (repo.head(), repo.status(), repo.git("diff"), repo.git("count-objects")) == before


def test_what_is_staged_between_two_commits_of_one_run_is_not_overwritten(repo: Repository) -> None:
    git, before = Git(repo.path), (repo.path / ROLLOUT).read_text()
    first = commit(git, {STATUS: "two\n"}, parent=repo.head())
    repo.write(ROLLOUT, "mine\n")
    repo.git("add", ROLLOUT)
    repo.write(ROLLOUT, before)
    with pytest.raises(InputError, match="dirty") as refusal:
        commit(git, {ROLLOUT: "phase: b\n"}, parent=first)
    assert "(staged)" in refusal.value.message
    assert repo.git("show", f":{ROLLOUT}") == "mine"
    repo.git("add", ROLLOUT)
    assert commit(git, {ROLLOUT: "phase: b\n"}, parent=first) == repo.head()


@pytest.mark.parametrize(
    "flags", [["assume-unchanged"], ["skip-worktree"], ["assume-unchanged", "skip-worktree"]]
)
def test_what_git_was_told_not_to_look_at_stays_so(repo: Repository, flags: list[str]) -> None:
    for flag in flags:
        repo.git("update-index", f"--{flag}", STATUS)
    (listed,) = repo.git("ls-files", "-v", STATUS).splitlines()
    commit(Git(repo.path), {STATUS: "two\n", ROLLOUT: "phase: b\n"}, parent=repo.head())
    assert repo.git("ls-files", "-v", STATUS).splitlines() == [listed]
    assert repo.git("ls-files", "-v", ROLLOUT) == f"H {ROLLOUT}"
    assert (repo.path / STATUS).read_text() == "two\n"
    assert repo.status() == []


def test_a_sparse_checkout_does_not_grow(repo: Repository) -> None:
    repo.git("sparse-checkout", "set", "--no-cone", "/src/")
    new = "state/tau/incidents/i.yaml"
    made = commit(Git(repo.path), {STATUS: "two\n", new: "x\n"}, parent=repo.head())
    assert not (repo.path / "state").exists()
    assert repo.status() == []
    assert repo.text(STATUS, made).strip() == "two"
    repo.git("sparse-checkout", "disable")
    assert (repo.path / new).read_text() == "x\n"


def test_a_run_that_was_killed_is_finished_in_a_sparse_checkout_too(repo: Repository) -> None:
    repo.git("sparse-checkout", "set", "--no-cone", "/src/")
    leave_the_worktree_behind(repo, {STATUS: "two\n"})
    commit(Git(repo.path), {ROLLOUT: "phase: b\n"}, parent=repo.head())
    assert not (repo.path / "state").exists()
    assert repo.status() == []


def test_other_line_ends_in_the_worktree_are_no_change(repo: Repository) -> None:
    repo.git("config", "core.autocrlf", "true")
    (repo.path / STATUS).unlink()
    repo.git("checkout", "--", STATUS)
    assert (repo.path / STATUS).read_bytes() == b"one\r\n"
    commit(Git(repo.path), {STATUS: "two\n"}, parent=repo.head())
    assert (repo.path / STATUS).read_bytes() == b"two\r\n"
    assert repo.status() == []


def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_moves(repo: Repository) -> None:
    repo.write("state/tau/incidents", "a file\n")
    head = repo.head()
    with pytest.raises(InputError, match=r"incidents/i\.yaml: cannot be written: Not a directory"):
        commit(Git(repo.path), {"state/tau/incidents/i.yaml": "x"}, parent=head)
    assert repo.head() == head


def test_a_branch_that_is_not_checked_out_leaves_the_worktree_alone(repo: Repository) -> None:
    repo.git("branch", "state")
    repo.write(STATUS, "mine\n")
    before = (repo.head(), repo.status())
    new = commit(Git(repo.path), {STATUS: "two\n"}, parent=repo.head(), branch="state")
    assert repo.head("state") == new
    assert (repo.head(), repo.status()) == before
    assert (repo.path / STATUS).read_text() == "mine\n"


def test_a_detached_head_leaves_the_worktree_alone(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "--detach")
    before = repo.head()
    new = commit(Git(repo.path), {STATUS: "two\n"}, parent=before)
    assert repo.head("main") == new
    assert repo.head() == before
    assert repo.status() == []


# --- other worktrees ---------------------------------------------------------------------------------------


@pytest.fixture
def other(repo: Repository, tmp_path: Path) -> Repository:
    """A second worktree, where main is checked out; the first is on a branch of its own."""
    repo.git("checkout", "--quiet", "-b", "feature")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "other"), "main")
    return Existing(tmp_path / "other")


def test_another_worktree_of_the_branch_follows_too(repo: Repository, other: Repository) -> None:
    other.write("src/main.py", "mine\n")
    new = commit(Git(repo.path), {STATUS: "two\n", "state/new.yaml": "new\n"}, parent=repo.head("main"))
    assert other.head() == new
    assert (other.path / STATUS).read_text() == "two\n"
    assert (other.path / "state/new.yaml").read_text() == "new\n"
    assert other.status() == ["M src/main.py"]
    assert repo.status() == []


def test_the_first_worktree_follows_a_commit_made_in_another(repo: Repository, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "feature", str(tmp_path / "other"))
    new = commit(Git(tmp_path / "other"), {STATUS: "two\n"}, parent=repo.head())
    assert (repo.head(), repo.status()) == (new, [])


def test_what_is_changed_in_another_worktree_is_not_overwritten(repo: Repository, other: Repository) -> None:
    before = repo.head("main")
    other.write(STATUS, "mine\n")
    with pytest.raises(InputError) as refused:
        commit(Git(repo.path), {STATUS: "two\n"}, parent=before)
    assert str(refused.value) == (
        f"{STATUS}: dirty: uncommitted changes in the worktree {other.path} would be overwritten"
    )
    assert refused.value.hint == (f"commit or discard them first: git -C {other.path} diff -- {STATUS}")
    assert repo.head("main") == before
    assert (other.path / STATUS).read_text() == "mine\n"


def test_another_worktree_that_could_not_follow_is_mended_by_the_next_run(
    repo: Repository, other: Repository
) -> None:
    git, parent = Git(repo.path), repo.head("main")
    lock = repo.path / ".git/worktrees/other/index.lock"

    def make_and_block_the_worktree() -> str:
        lock.touch()
        return git.write_commit({STATUS: b"two\n"}, parent=parent, message="two\n", at=NOON)

    with pytest.raises(OutsideError, match=f"could not follow in the worktree {other.path}"):
        branch_move.advance(git, "main", make_and_block_the_worktree, old=parent, paths=[STATUS])
    lock.unlink()
    new = commit(Git(other.path), {ROLLOUT: "three\n"}, parent=repo.head("main"))
    assert (other.head(), other.status()) == (new, [])
    assert (other.path / STATUS).read_text() == "two\n"


def test_a_worktree_whose_folder_is_gone_stops_nothing(repo: Repository, other: Repository) -> None:
    shutil.rmtree(other.path)
    new = commit(Git(repo.path), {STATUS: "two\n"}, parent=repo.head("main"))
    assert repo.head("main") == new


def test_a_branch_that_another_worktree_is_on_is_not_deleted(repo: Repository, other: Repository) -> None:
    Git(repo.path).delete_branch("main", old=repo.head("main"))
    assert repo.head("main") == other.head()


# --- kinds of repositories ---------------------------------------------------------------------------------


def test_a_bare_repository_takes_commits(repo: Repository, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    git = Git(tmp_path / "bare.git")
    new = commit(git, {STATUS: "two\n"}, parent=repo.head())
    assert git.tip("main") == new


def test_a_sha256_repository_takes_commits(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", {STATUS: "one\n"}, "--object-format=sha256")
    new = commit(Git(repo.path), {STATUS: "two\n", "state/new/a": "b"}, parent=repo.head())
    assert (len(new), repo.head(), repo.status()) == (64, new, [])
    assert repo.git("fsck", "--strict") == ""


def test_without_an_identity_the_tool_signs_with_its_own(
    repo: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".gitconfig").write_text("")
    monkeypatch.setenv("EMAIL", "what-git-would-guess@machine.invalid")
    new = commit(Git(repo.path), {STATUS: "two\n"}, parent=repo.head())
    who = repo.git("log", "-1", "--format=%an <%ae>, %cn <%ce>", new)
    assert who == "rollout <rollout@localhost>, rollout <rollout@localhost>"


def test_hooks_and_signing_do_not_run(repo: Repository, tmp_path: Path) -> None:
    repo.git("config", "commit.gpgSign", "true")
    repo.git("config", "gpg.program", str(tmp_path / "nothing"))
    for hook in ("pre-commit", "reference-transaction", "post-checkout", "post-index-change", "commit-msg"):
        repo.write(f".git/hooks/{hook}", f"#!/bin/sh\necho {hook} >>{tmp_path}/ran\nexit 1\n")
        (repo.path / ".git/hooks" / hook).chmod(0o755)
    new = commit(Git(repo.path), {STATUS: "two\n"}, parent=repo.head())
    assert Git(repo.path).tip("main") == new
    assert not (tmp_path / "ran").exists()


# --- compare and swap --------------------------------------------------------------------------------------


def test_a_branch_that_moved_is_left_as_it_is(repo: Repository) -> None:
    stale = repo.head()
    moved = repo.commit({STATUS: "two\n"})
    before = repo.git("count-objects")
    with pytest.raises(HeadMovedError, match=f"main is no longer at {stale}"):
        commit(Git(repo.path), {STATUS: "three\n"}, parent=stale)
    assert (repo.head(), repo.status(), repo.git("count-objects")) == (moved, [], before)


def test_a_branch_that_moves_meanwhile_is_left_as_it_is(repo: Repository) -> None:
    git, parent = Git(repo.path), repo.head()
    theirs: list[str] = []

    def make() -> str:
        theirs.append(repo.commit({"theirs": "1\n"}))
        return git.write_commit({STATUS: b"two\n"}, parent=parent, message="m", at=NOON)

    with pytest.raises(HeadMovedError):
        branch_move.advance(git, "main", make, old=parent, paths=[STATUS])
    assert ([repo.head()], repo.status()) == (theirs, [])
    commit(git, {STATUS: "two\n"}, parent=repo.head())
    assert repo.status() == []


def test_making_and_deleting_a_branch_is_a_swap_too(repo: Repository) -> None:
    git, first = Git(repo.path), repo.head()
    second = repo.commit({"a": "b"})
    git.set_branch("rollout/x", first, old=None)
    with pytest.raises(HeadMovedError):
        git.set_branch("rollout/x", second, old=None)
    git.set_branch("rollout/x", second, old=first)
    with pytest.raises(HeadMovedError):
        git.delete_branch("rollout/x", old=first)
    git.delete_branch("rollout/x", old=second)
    assert git.tip("rollout/x") is None


def test_the_branch_that_is_checked_out_is_not_deleted(repo: Repository) -> None:
    Git(repo.path).delete_branch("main", old=repo.head())
    assert repo.git("branch", "--format=%(refname:short)") == "main"


def append_lines(path: Path, who: str, lines: int) -> None:
    git = Git(path)
    for number in range(lines):
        while True:
            parent = git.tip("main") or ""
            log = git.read(f"{parent}:log")
            content = (log.body if log else b"") + f"{who}{number}\n".encode()
            try:
                branch_move.commit(
                    git, "main", {"log": content}, parent=parent, message=f"{who}{number}", at=NOON
                )
                break
            except HeadMovedError:
                continue
    git.close()


@pytest.mark.parametrize("checkout", ["main", "--detach"])
def test_writers_at_once_lose_nothing(repo: Repository, checkout: str) -> None:
    repo.git("checkout", "--quiet", checkout)
    child = multiprocessing.get_context("spawn").Process(target=append_lines, args=(repo.path, "c", 6))
    child.start()
    threads = [threading.Thread(target=append_lines, args=(repo.path, who, 6)) for who in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    child.join()
    lines = repo.text("log", "main").splitlines()
    assert sorted(lines) == sorted(f"{who}{number}" for who in "abc" for number in range(6))
    assert repo.git("rev-list", "--count", "main") == "19"
    assert repo.status() == []


# --- what goes wrong outside -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limit:
    """Runs a commit in a child process whose files may not grow beyond `size` bytes: a disk that is full."""

    size: int

    def __call__(self, path: Path, parent: str, content: bytes) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.size))
        try:
            branch_move.commit(Git(path), "main", {STATUS: content}, parent=parent, message="m", at=NOON)
        except OutsideError as error:
            os._exit(4 if error.hint else 1)
        os._exit(0)


@pytest.mark.parametrize("size", [0, 20, 1000])
def test_a_full_disk_leaves_everything_as_it_was(repo: Repository, size: int) -> None:
    before = (repo.head(), repo.status())
    content = os.urandom(5000).hex().encode()
    child = multiprocessing.get_context("spawn").Process(
        target=Limit(size), args=(repo.path, before[0], content)
    )
    child.start()
    child.join()
    assert child.exitcode == 4
    assert (repo.head(), repo.status()) == before
    commit(Git(repo.path), {STATUS: content.decode()}, parent=repo.head())
    assert repo.status() == []


def test_a_file_in_the_place_of_the_tools_folder_is_an_outside_failure(repo: Repository) -> None:
    head = repo.head()
    repo.write(".git/rollout", "")
    with pytest.raises(OutsideError, match=r"\.git/rollout") as error:
        commit(Git(repo.path), {STATUS: "two\n"}, parent=head)
    assert "read-only" in error.value.hint
    assert repo.head() == head


def test_a_file_in_the_place_of_the_objects_is_an_outside_failure(repo: Repository) -> None:
    git, head = Git(repo.path), repo.head()
    blob = subprocess.run(
        ["git", "hash-object", "--stdin"], input=b"two\n", cwd=repo.path, check=True, capture_output=True
    ).stdout.decode()
    fan_out = repo.path / ".git/objects" / blob[:2]
    fan_out.write_text("")
    with pytest.raises(OutsideError, match=rf"objects/{blob[:2]} cannot be written: Not a directory"):
        commit(git, {STATUS: "two\n"}, parent=head)
    assert (repo.head(), repo.status()) == (head, [])


def test_another_git_at_work_is_an_outside_failure_before_anything_moves(repo: Repository) -> None:
    head = repo.head()
    repo.write(".git/index.lock", "")
    with pytest.raises(OutsideError, match=r"index\.lock"):
        commit(Git(repo.path), {STATUS: "two\n"}, parent=head)
    assert repo.head() == head


def test_a_worktree_that_could_not_follow_is_mended_by_the_next_run(repo: Repository) -> None:
    parent = repo.head()
    leave_the_worktree_behind(repo, {STATUS: "two\n", ROLLOUT: "phase: b\n"})
    assert repo.head() != parent
    assert (repo.path / STATUS).read_text() == "one\n"

    commit(Git(repo.path), {STATUS: "three\n"}, parent=repo.head())

    assert repo.status() == []
    assert (repo.path / STATUS).read_text() == "three\n"
    assert (repo.path / ROLLOUT).read_text() == "phase: b\n"


def test_mending_does_not_overwrite_what_a_person_wrote_since(repo: Repository) -> None:
    leave_the_worktree_behind(repo, {STATUS: "two\n"})
    repo.write(STATUS, "mine\n")
    with pytest.raises(InputError, match="dirty"):
        commit(Git(repo.path), {STATUS: "three\n"}, parent=repo.head())
    assert (repo.path / STATUS).read_text() == "mine\n"


# --- merging -----------------------------------------------------------------------------------------------


def test_merged_tree_unites_both_sides(repo: Repository) -> None:
    git, base = Git(repo.path), repo.head()
    theirs = git.write_commit({ROLLOUT: b"phase: b\n"}, parent=base, message="m", at=NOON)
    ours = repo.commit({STATUS: "two\n"})
    tree = git.merged_tree(ours, theirs)
    assert repo.text(STATUS, tree) == "two"
    assert repo.text(ROLLOUT, tree) == "phase: b"
    assert git.changed_paths(ours, tree) == (ROLLOUT,)


def test_a_conflict_is_refused_with_its_files(repo: Repository) -> None:
    git, base = Git(repo.path), repo.head()
    theirs = git.write_commit({ROLLOUT: b"phase: b\n"}, parent=base, message="m", at=NOON)
    ours = repo.commit({ROLLOUT: "phase: c\n"})
    with pytest.raises(RefusedError, match=f"merge conflict in {ROLLOUT}$"):
        git.merged_tree(ours, theirs)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Subject\n\nBody\n\nRollout-Train: tau\nRollout-Event: observe\n", "tau observe"),
        ("Subject\r\n\r\nRollout-Train: tau\r\nRollout-Event: observe\r\n", "tau observe"),
        ("Subject\n\nRollout-Train: tau\n  and more\n", "tau and more"),
        ("Subject\n\nRollout-Event: observe\nRollout-Event: observe\n", "observe"),
        ("Subject\n\nRollout-Event: observe\nRollout-Event: decide\n", "observe, decide"),
        ("Subject\n\nRollout-Train: tau\n(cherry picked from commit abc)\n", "tau"),
        ("Rollout-Event: observe\n", ""),
        ("Subject\n\nRollout-Event: observe\nand so on\n", ""),
        ("Subject\n\nRollout-Event: observe\n\nIt went well.\n", ""),
        ("Subject\n", ""),
        ("", ""),
    ],
)
def test_trailers_are_the_last_paragraph_and_nothing_else(message: str, found: str) -> None:
    assert " ".join(trailers(message).values()) == found
