"""The FlagBranch port in this very repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rollout.adapters.git import Git, branch_move
from rollout.adapters.git.formats import message_text
from rollout.adapters.local.forge import LocalForge
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage
from rollout.errors import OutsideError
from rollout.files.state_files import refuse_other_kinds
from rollout.ports import BranchFile, FlagProposal


class LocalFlagBranch:
    """One of the repository's branches."""

    def __init__(self, git: Git, forge: LocalForge, branch: Callable[[], str]) -> None:
        """`branch` gives its name."""
        self._git = git
        self._forge = forge
        self._branch_name = branch

    @property
    def name(self) -> str:
        return self._branch_name()

    def file(self, path: str, *, on: str | None = None) -> BranchFile | None:
        tip = self._git.tip(on or self.name)
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
            self._git,
            self.name,
            files,
            parent=parent,
            message=message_text(message),
            at=at,
            of_people=files,
        )

    def open_proposals(self, prefix: str) -> Sequence[PullRequest]:
        pulls = self._forge.pull_requests(prefix)
        return [pull for pull in pulls if (pull.state, pull.base) == (PullRequestState.OPEN, self.name)]

    def proposed(self, branch: str) -> PullRequest | None:
        return self._forge.pull_request(branch)

    def propose(self, new: FlagProposal, *, at: datetime) -> PullRequest:
        """Implements the port. No worktree is touched."""
        git, files, text = self._git, {new.path: new.content}, message_text(new.message)
        commit = git.write_commit(files, parent=new.parent, message=text, at=at, of_people=files)
        there = git.tip(new.branch)
        if there is not None:
            git.set_branch(new.branch, commit, old=there)
        pull = PullRequest(
            number=0,
            kind=PullRequestKind.APPLY,
            title=new.message.subject,
            head=new.branch,
            base=self.name,
            state=PullRequestState.OPEN,
            body=new.body,
            head_sha="",
            base_sha=new.parent,
        )
        return self._forge.open_from(pull, lambda: commit, at=at)

    def close(self, pull: PullRequest, reason: str, *, at: datetime) -> None:
        self._forge.close_pull_request(pull.number, reason, at=at)
