"""The ProductBranch port in this very repository."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rollout.adapters.git import Git, branch_move
from rollout.adapters.git.formats import message_text
from rollout.core.state import CommitMessage
from rollout.errors import OutsideError
from rollout.files.state_files import refuse_other_kinds
from rollout.ports import BranchFile


class LocalProductBranch:
    """The product's branch is one of the repository's branches."""

    def __init__(self, git: Git, branch: Callable[[], str]) -> None:
        """`branch` gives the name of the product's branch."""
        self._git = git
        self._branch_name = branch

    @property
    def name(self) -> str:
        return self._branch_name()

    def file(self, path: str) -> BranchFile | None:
        tip = self._git.tip(self.name)
        if tip is None:
            return None
        there = self._git.entry(tip, path)
        if there is None:
            return BranchFile(tip, None)
        refuse_other_kinds(there.mode, path)
        found = self._git.read(there.id)
        if found is None:
            raise OutsideError(
                f"git object {there.id} is missing or damaged", hint="look at the repository: git fsck"
            )
        return BranchFile(tip, found.body)

    def write(self, path: str, content: bytes, message: CommitMessage, *, parent: str, at: datetime) -> str:
        """Commits as `branch_move.commit` does, which also says how the worktree follows."""
        files = {path: content}
        return branch_move.commit(
            self._git, self.name, files, parent=parent, message=message_text(message), at=at
        )
