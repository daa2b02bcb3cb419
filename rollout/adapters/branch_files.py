"""The files of a branch that need not be checked out."""

from __future__ import annotations

from collections.abc import Mapping

from rollout.adapters.git import Git, branch_move
from rollout.core.files import CONTRACT, STATE, state_path
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock

_MAKE_ONE = "make a train: rollout init"


class BranchFiles:
    """Port Worktree over the tip of a branch: what is written is a commit.

    It goes on from where origin was last fetched; a branch that nobody has begins a history of its own.
    """

    def __init__(self, git: Git, branch: str, clock: Clock, message: str = "") -> None:
        self._git = git
        self._branch = branch
        self._clock = clock
        self._message = message

    @property
    def _tip(self) -> str | None:
        """Where the branch is, here or, as it was last fetched, at origin where that is further on."""
        here = self._git.tip(self._branch)
        there = self._git.resolve(f"refs/remotes/origin/{self._branch}")
        if here is None or there is None or not self._git.is_ancestor(here, there):
            return here or there
        return there

    def exists(self, path: str) -> bool:
        tip = self._tip
        return tip is not None and self._git.entry(tip, path) is not None

    def read(self, path: str) -> bytes:
        tip = self._tip
        found = self._git.read(f"{tip}:{path}") if tip else None
        if found is None or found.kind != "blob":
            raise InputError(f"{path}: is not on {self._branch}", hint=_MAKE_ONE, file=path)
        return found.body

    def contracts(self) -> tuple[str, ...]:
        folders = self._git.tree(f"{self._tip}:{STATE}") if self._tip else {}
        paths = (state_path(name, CONTRACT) for name, entry in sorted(folders.items()) if entry.is_folder)
        return tuple(path for path in paths if self.exists(path))

    def tags(self) -> tuple[str, ...]:
        return self._git.tags()

    def write_new(self, files: Mapping[str, str]) -> None:
        for path in files:
            if self.exists(path):
                raise RefusedError(
                    f"{path} is on {self._branch} already",
                    hint="nothing was written; remove it first, or choose another --train",
                    file=path,
                )
        self.write(files)

    def write(self, files: Mapping[str, str]) -> None:
        if not files:
            return
        contents = {path: text.encode() for path, text in files.items()}
        git, branch, here, base = self._git, self._branch, self._git.tip(self._branch), self._tip

        def make() -> str:
            return git.write_commit(contents, parent=base, message=self._message, at=self._clock.now())

        if here is None or base is None:
            git.set_branch(branch, make(), old=None)
        else:
            fetched = git.changed_paths(here, base)
            branch_move.advance(git, branch, make, old=here, paths={*contents, *fetched})
