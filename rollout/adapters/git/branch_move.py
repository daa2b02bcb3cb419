"""Moves a branch to a new commit, and with it each worktree in which it is checked out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from typing import NamedTuple

from rollout.adapters.git.checkout import Checkout, behind
from rollout.adapters.git.lock import locked
from rollout.adapters.git.repository import HEADS, MOVE, Git, head_moved
from rollout.errors import InputError, OutsideError, RefusedError


class _Operation(NamedTuple):
    """What a person is in the middle of."""

    what: str
    began_at: str | None = None
    """Where a rebase began, and puts the branch back when it is aborted."""

    def way_out(self, tip: str) -> str:
        """Returns what to do when the branch must not move now, and is at `tip`."""
        if self.began_at in (None, tip):
            return "finish or abort it (`git status` says how), and run again"
        return f"keep the commits that were made meanwhile: {_keeping(tip)}; then run again"

    def note(self, made: str) -> str:
        """Returns what to do about a commit that was made anyway."""
        if self.began_at is None:
            return f"{self.what}; the commit is made anyway: look at `git status` before you go on"
        lost = "to abort the rebase takes it back, and to continue fails"
        return f"{self.what}; the commit is made anyway, but {lost}. Keep it: {_keeping(made)}"


def commit(
    git: Git,
    branch: str,
    files: Mapping[str, bytes | None],
    *,
    parent: str,
    message: str,
    at: datetime,
    is_brake: bool = False,
    of_people: Collection[str] = (),
) -> str:
    """Commits `files` on top of `branch`, which must be at `parent`; returns the new commit.

    Other files, staged or not, stay as they are. Wherever `branch` is checked out, index and worktree
    follow for these files alone. Raises HeadMovedError when the branch has moved, InputError when one
    of the files has uncommitted changes (with `is_brake` that one stays, and `note` hears of it),
    OutsideError when git or the disk fails; the branch has not moved then, unless the message says so.
    With `is_brake` the branch moves though index and worktree cannot follow, and `note` hears of it.
    """
    return advance(
        git,
        branch,
        lambda: git.write_commit(files, parent=parent, message=message, at=at, of_people=of_people),
        old=parent,
        paths=files,
        is_brake=is_brake,
    )


def advance(
    git: Git,
    branch: str,
    make: Callable[[], str],
    *,
    old: str,
    paths: Collection[str],
    is_brake: bool = False,
) -> str:
    """Moves `branch` from `old` to the commit that `make` gives, which differs from it in `paths` alone.

    For the worktree and what is raised see `commit`. In the middle of a merge or rebase of the branch it
    raises RefusedError; with `is_brake` it acts, and `note` hears what stays for the person to do.
    """
    with locked(git.common_dir / "rollout" / "lock"), _checkouts(git, branch) as checkouts:
        if git.tip(branch) != old:
            head_moved(branch, old)
        operations = list(_operations(git, branch, checkouts))
        if operations and not is_brake:
            raise RefusedError(operations[0].what, hint=operations[0].way_out(old))
        following = {one: _following(git, one, paths, old, is_brake) for one in checkouts}
        with git.runner.start(MOVE) as moving:  # comes up while the commit is made
            new = make()
            for checkout in following:
                checkout.expect(new, old)
            git.move(moving, branch, new, old)
        for each in operations:
            git.note(each.note(new))
        _note_worktree_elsewhere(git, branch, paths)
        for checkout, some in following.items():
            if some is not None:
                _follow(git, checkout, new, some, paths, is_brake=is_brake)
        return new


def _note_worktree_elsewhere(git: Git, branch: str, paths: Collection[str]) -> None:
    """Reports a worktree that the settings put into another folder, which we do not write."""
    if git.worktree is not None or git.current_branch() != branch:
        return
    done = git.runner.attempt("config", "core.worktree")
    if done.returncode == 0:
        back = f"git checkout HEAD -- {' '.join(paths)}"
        git.note(
            f"core.worktree leads elsewhere: index and worktree stay behind {branch}, which has moved,"
            f" and `git commit` takes this back; to bring them along: {back}"
        )


def _follow(
    git: Git, checkout: Checkout, new: str, some: Collection[str], paths: Collection[str], *, is_brake: bool
) -> None:
    try:
        checkout.follow(new, some, [path for path in paths if path not in some])
    except OutsideError as error:
        if not is_brake:
            raise
        git.note(_stays_behind(checkout, error))


def catch_up(git: Git) -> None:
    """Finishes, in each worktree, what a run left that was killed between branch and worktree.

    Raises OutsideError when git or the disk fails.
    """
    others = [folder for folder in (git.common_dir / "worktrees").glob("*") if behind(folder).exists()]
    if not others and not behind(git.git_dir).exists() and not behind(git.common_dir).exists():
        return
    with locked(git.common_dir / "rollout" / "lock"):
        for folder in git.worktrees():
            with closing(Git(folder, git.environment)) as other:
                Checkout(other, elsewhere=folder != git.worktree).catch_up()


def _operations(git: Git, branch: str, checkouts: Sequence[Checkout]) -> Iterator[_Operation]:
    """Yields what people are in the middle of with the branch, in which a commit would get lost."""
    for folder in (git.common_dir, *sorted((git.common_dir / "worktrees").glob("*"))):
        for kind in ("rebase-merge", "rebase-apply"):
            try:
                named, began_at = (
                    (folder / kind / file).read_text(errors="replace").strip()
                    for file in ("head-name", "orig-head")
                )
            except OSError:
                continue
            if named == HEADS + branch:
                yield _Operation(f"{branch} is in the middle of a rebase", began_at)
    for checkout in checkouts:
        if operation := checkout.operation(branch):
            yield _Operation(f"{branch} is in the middle of {operation} in {checkout.where}")


def _following(
    git: Git, checkout: Checkout, paths: Collection[str], old: str, is_brake: bool
) -> Collection[str] | None:
    """Returns the paths that the worktree follows; with `is_brake`, those that nobody changed there.

    None, with `is_brake`, where git or the disk refuses: the branch moves alone, and the next run brings
    the worktree up to date. Raises as `Checkout.prepare` without it.
    """
    try:
        checkout.prepare(paths, old)
    except (InputError, OutsideError) as error:
        if not is_brake:
            raise
        if isinstance(error, OutsideError):
            git.note(_stays_behind(checkout, error))
            return None
    else:
        return paths
    clean = [path for path in paths if checkout.can_follow(path, old)]
    stay = sorted(path for path in paths if path not in clean)
    kept = f"{', '.join(stay)}: changed in {checkout.where}: it stays"
    back = checkout.how_to_put_back(stay)
    git.note(f"{kept}, and committing it takes that part back; to have it as committed: {back}")
    return clean


@contextmanager
def _checkouts(git: Git, branch: str) -> Iterator[list[Checkout]]:
    """Yields each place where the branch is checked out: here, and in other worktrees of the repository."""
    with ExitStack() as open_ones:
        found = []
        if git.worktree is not None and git.current_branch() == branch:
            found.append(Checkout(git))
        for folder in git.other_worktrees(branch):
            other = open_ones.enter_context(closing(Git(folder, git.environment)))
            found.append(Checkout(other, elsewhere=True))
        yield found


def _keeping(tip: str) -> str:
    return f"git rebase --abort && git merge --ff-only {tip[:12]}"


def _stays_behind(checkout: Checkout, why: OutsideError) -> str:
    return (
        f"index and worktree of {checkout.where} stay behind the branch, which has moved: {why}; until a next"
        f" run brings them up to date, `git commit` there takes this back; {why.hint}"
    )
