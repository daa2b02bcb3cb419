"""The worktree of a branch that moves: what a person changed in it is never overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rollout.adapters.git.process import LITERAL, complaint
from rollout.errors import InputError, OutsideError

if TYPE_CHECKING:
    from rollout.adapters.git.repository import Git


class Checkout:
    """The worktree and index of a repository, as far as they follow the branch that is checked out."""

    def __init__(self, git: Git, *, elsewhere: bool = False) -> None:
        """`elsewhere`: it is not the worktree that the command was given, so errors name it."""
        self._git = git
        self._where = f" in the worktree {git.home}" if elsewhere else ""
        self._there = f"-C {git.home} " if elsewhere else ""
        self._behind = git.git_dir / "rollout" / "behind"
        """Holds the commit that index and worktree are about to follow, for as long as they have not."""

    def prepare(self, paths: Iterable[str], commit: str) -> None:
        """Finish what a killed run left. Raises InputError when a path's file is not as it is in `commit`."""
        self._catch_up_with_a_killed_run()
        self._refuse_local_changes(paths, commit)

    def expect(self, commit: str) -> None:
        """Note down that the branch is about to move to `commit`."""
        self._behind.parent.mkdir(exist_ok=True)
        self._behind.write_text(commit, encoding="ascii")

    def follow(self, commit: str, paths: Iterable[str]) -> None:
        """Bring what was expected into index and worktree. Raises OutsideError when that fails."""
        self._bring_up_to_date(commit, paths)
        self._behind.unlink()

    def _refuse_local_changes(self, paths: Iterable[str], commit: str) -> None:
        if (self._git.git_dir / "index.lock").exists():
            raise OutsideError(
                f"another git process holds index.lock{self._where}", hint="let it finish, then run again"
            )
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
                f"{', '.join(dirty)}: dirty: uncommitted changes{self._where} would be overwritten",
                hint=f"commit or discard them first: git {self._there}diff -- {dirty[0]}",
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
                f"{path}: cannot be written{self._where}: {error.strerror}",
                hint="move away what stands in its place",
                file=path,
            ) from error
        return committed is None or here != committed.body

    def _bring_up_to_date(self, commit: str, paths: Iterable[str]) -> None:
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if not listed:
            return
        options = ("--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
        done = self._git.runner.attempt("restore", f"--source={commit}", *options, stdin=listed, env=LITERAL)
        if done.returncode:
            raise OutsideError(
                f"{commit} is committed, but the worktree could not follow{self._where}: {complaint(done)}",
                hint="mend that; the next run brings the worktree up to date",
            )

    def _catch_up_with_a_killed_run(self) -> None:
        """Finish what a run left that was stopped between moving the branch and writing the worktree."""
        try:
            commit = self._behind.read_text(encoding="ascii")
        except FileNotFoundError:
            return
        if self._git.resolve("HEAD") == commit:
            before = f"{commit}^1"
            stale = [p for p in self._git.changed_paths(before, commit) if not self._differs_here(p, before)]
            self._bring_up_to_date(commit, stale)
        self._behind.unlink()
