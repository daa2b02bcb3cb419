"""The worktree of a branch that moves: what a person changed in it is never overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.adapters.git.process import LITERAL, complaint
from rollout.errors import InputError, OutsideError

if TYPE_CHECKING:
    from rollout.adapters.git.repository import Git


class Checkout:
    """The worktree and index of a repository, as far as they follow the branch that is checked out."""

    def __init__(self, git: Git) -> None:
        self._git = git

    @property
    def behind(self) -> Path:
        """Holds the commit that index and worktree are about to follow, for as long as they have not."""
        return self._git.git_dir / "rollout" / "behind"

    def refuse_local_changes(self, paths: Iterable[str], commit: str) -> None:
        if (self._git.git_dir / "index.lock").exists():
            raise OutsideError("another git process holds index.lock", hint="let it finish, then run again")
        suspects = [path for path in paths if self._differs_here(path, commit)]
        if not suspects:
            return
        # Line ends and filters make files differ that git calls clean, so git has the last word.
        options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored")
        out = self._git.runner.run(
            "status", *options, "--", *suspects, env={**LITERAL, "GIT_OPTIONAL_LOCKS": "0"}
        )
        dirty = [os.fsdecode(entry[3:]) for entry in out.split(b"\0") if entry]
        if dirty:
            raise InputError(
                f"{', '.join(dirty)}: dirty: uncommitted changes would be overwritten",
                hint=f"commit or discard them first: git diff -- {dirty[0]}",
                file=dirty[0],
            )

    def _differs_here(self, path: str, commit: str) -> bool:
        committed = self._git.read(f"{commit}:{path}")
        try:
            here = (self._git.home / path).read_bytes()
        except FileNotFoundError:
            return committed is not None
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written: {error.strerror}",
                hint="move away what stands in its place",
                file=path,
            ) from error
        return committed is None or here != committed.body

    def bring_up_to_date(self, commit: str, paths: Iterable[str]) -> None:
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if not listed:
            return
        options = ("--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
        done = self._git.runner.attempt("restore", f"--source={commit}", *options, stdin=listed, env=LITERAL)
        if done.returncode:
            raise OutsideError(
                f"{commit} is committed, but the worktree could not follow: {complaint(done)}",
                hint="mend that; the next run brings the worktree up to date",
            )

    def catch_up_with_a_killed_run(self) -> None:
        """Finish what a run left that was stopped between moving the branch and writing the worktree."""
        try:
            commit = self.behind.read_text(encoding="ascii")
        except FileNotFoundError:
            return
        if self._git.resolve("HEAD") == commit:
            before = f"{commit}^1"
            stale = [p for p in self._git.changed_paths(before, commit) if not self._differs_here(p, before)]
            self.bring_up_to_date(commit, stale)
        self.behind.unlink()
