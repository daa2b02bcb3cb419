"""Places where a person may run a command, made of one repository with a release under way."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rollout.core.files import ROLLOUT, state_path
from tests.brake.broken import Histories, entries, on_its_way
from tests.world import TAU

DESIRED = state_path(TAU, ROLLOUT)


def make(folder: Path) -> None:
    """main holds product and state and is checked out; on `topic` people changed both."""
    histories, (before, after, _) = Histories(), on_its_way()
    product = {"README": b"hello\n", "src/app.txt": b"one\n"}
    histories.commit("main", entries({**product, **before}))
    histories.commit("before-it-degraded", entries({"src/app.txt": b"ours\n"}), onto="main")
    histories.commit("main", entries(after))
    histories.commit("topic", entries({"src/app.txt": b"theirs\n"}), onto="main")
    histories.commit("edits", entries({DESIRED: edited(after[DESIRED])}), onto="main")
    histories.commit("main", entries({"src/app.txt": b"ours\n"}))
    histories.write(folder, checkout="main")


def edited(text: bytes) -> bytes:
    assert b"canary_percent: 5\n" in text
    return text.replace(b"canary_percent: 5\n", b"canary_percent: 6\n")


@dataclass(frozen=True)
class Place:
    """How to get there, and how each sort of command ends there."""

    go: Callable[[Path], Path]
    """Takes a copy of the repository; gives the folder that `--repo` names."""
    look: int = 0
    write: int = 0
    brake: int = 0
    says: str = ""
    """What the brake says, or why the command is refused."""
    stays: bool = False
    """Whether a person changed rollout.yaml there, so that the brake leaves the file."""


def git(folder: Path, *arguments: str, may_fail: bool = False) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True)
    assert may_fail or done.returncode == 0, done.stderr
    return done.stdout.strip()


def _here(repo: Path) -> Path:
    return repo


def _sub_folder(repo: Path) -> Path:
    return repo / "src"


def _in(command: str) -> Callable[[Path], Path]:
    """In the middle of what stops at a conflict in the product's own file."""

    def go(repo: Path) -> Path:
        git(repo, *command.split(), may_fail=True)
        return repo

    return go


def _merging_state(repo: Path) -> Path:
    (repo / DESIRED).write_bytes(on_its_way()[1][DESIRED].replace(b"frozen: null", b"frozen:"))
    git(repo, "commit", "--quiet", "--all", "--message=ours")
    (repo / DESIRED).write_bytes(on_its_way()[1][DESIRED])
    git(repo, "commit", "--quiet", "--all", "--message=ours again")
    git(repo, "merge", "--no-commit", "--no-ff", "edits", may_fail=True)
    return repo


def _worktree(repo: Path) -> Path:
    git(repo, "worktree", "add", "--quiet", "-b", "beside", "../beside")
    return repo.parent / "beside"


def _switched(branch: str) -> Callable[[Path], Path]:
    def go(repo: Path) -> Path:
        git(repo, "checkout", "--quiet", *branch.split())
        return repo

    return go


def _clone(*options: str) -> Callable[[Path], Path]:
    def go(repo: Path) -> Path:
        git(repo.parent, "clone", "--quiet", *options, f"file://{repo}", "clone")
        return repo.parent / "clone"

    return go


def _linked_state(repo: Path) -> Path:
    (repo / "state").rename(repo.parent / "moved")
    (repo / "state").symlink_to(repo.parent / "moved")
    return repo


def _edited(*flags: str) -> Callable[[Path], Path]:
    def go(repo: Path) -> Path:
        if flags:
            git(repo, *flags, DESIRED)
        (repo / DESIRED).write_bytes(edited((repo / DESIRED).read_bytes()))
        return repo

    return go


def _staged(repo: Path) -> Path:
    before = (repo / DESIRED).read_bytes()
    (repo / DESIRED).write_bytes(edited(before))
    git(repo, "add", DESIRED)
    (repo / DESIRED).write_bytes(before)
    return repo


def _program(*flags: str) -> Callable[[Path], Path]:
    def go(repo: Path) -> Path:
        (repo / DESIRED).chmod(0o755)
        if flags:
            git(repo, *flags, DESIRED)
        return repo

    return go


def _of(*command: str) -> Callable[[Path], Path]:
    def go(repo: Path) -> Path:
        git(repo, *command, DESIRED)
        return repo

    return go


def _sparse(repo: Path) -> Path:
    git(repo, "sparse-checkout", "set", "--no-cone", "/src/")
    return repo


def _crlf(repo: Path) -> Path:
    git(repo, "config", "core.autocrlf", "true")
    shutil.rmtree(repo / "state")
    git(repo, "checkout", "--quiet", "--", "state")
    assert b"\r\n" in (repo / DESIRED).read_bytes()
    return repo


def _locked(repo: Path) -> Path:
    (repo / ".git" / "index.lock").touch()
    return repo


def _apart(repo: Path) -> Path:
    git(repo, "init", "--quiet", f"--separate-git-dir={repo.parent / 'apart.git'}")
    return repo


def _nothing(repo: Path) -> Path:
    (repo.parent / "empty").mkdir()
    return repo.parent / "empty"


def _no_commit(repo: Path) -> Path:
    folder = repo.parent / "unborn"
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def _is_in(what: str) -> str:
    return f"main is in the middle of {what}"


REBASE = "rebase topic"
PLACES: dict[str, Place] = {
    "at the top": Place(_here),
    "a sub folder": Place(_sub_folder),
    "a linked worktree on another branch": Place(_worktree),
    "another branch": Place(_switched("topic")),
    "a detached head": Place(_switched("--detach main")),
    "a bare clone": Place(_clone("--bare")),
    "a shallow clone": Place(_clone("--depth=1")),
    "a clone without blobs": Place(_clone("--filter=blob:none")),
    "a git directory apart": Place(_apart),
    "line ends of another system": Place(_crlf),
    "a sparse checkout without state": Place(_sparse),
    "in a merge": Place(_in("merge topic"), write=3, says=_is_in("a merge")),
    "in a merge of state": Place(_merging_state, write=3, says=_is_in("a merge"), stays=True),
    "in a cherry-pick": Place(_in("cherry-pick topic"), write=3, says=_is_in("a cherry-pick")),
    "in a revert": Place(_in("revert --no-commit HEAD"), write=3, says=_is_in("a revert")),
    "in a rebase": Place(_in(REBASE), write=3, says=_is_in("a rebase")),
    "in a bisection": Place(_in("bisect start HEAD HEAD~1")),
    "state is a link": Place(_linked_state, write=2, says="is a link", stays=True),
    "an edit": Place(_edited(), stays=True),
    "a staged edit": Place(_staged, stays=True),
    "another mode": Place(_program(), stays=True),
    "a staged mode": Place(_program("add"), stays=True),
    "a mode staged alone": Place(_of("update-index", "--chmod=+x"), stays=True),
    "hidden by assume-unchanged": Place(_of("update-index", "--assume-unchanged")),
    "hidden by skip-worktree": Place(_of("update-index", "--skip-worktree")),
    "an edit under assume-unchanged": Place(_edited("update-index", "--assume-unchanged"), stays=True),
    "an edit under skip-worktree": Place(_edited("update-index", "--skip-worktree"), stays=True),
    "another git at work": Place(_locked, write=4, says="index.lock"),
    "no repository": Place(_nothing, look=2, write=2, brake=2, says="is not a git repository"),
    "no commit": Place(_no_commit, look=2, write=2, brake=2, says="there is no branch"),
}


def copied(made: Path, to: Path) -> Path:
    shutil.copytree(made, to / "repo", symlinks=True)
    return to / "repo"


def files_of_people(folder: Path) -> dict[str, bytes | str]:
    """What lies in the worktree but for state, and how the index differs from HEAD there."""
    found: dict[str, bytes | str] = {}
    if not (folder / ".git").exists():
        return found
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not name.startswith((".git", "state")) and path.is_file():
            found[name] = path.read_bytes()
    found["index"] = git(folder, "diff", "--cached", "--raw", "--", ":(exclude)state", may_fail=True)
    return found
