"""The FlagBranch port on GitHub: in the repository of state, or in another one.

A pull request gets no label, as a revert gets none. Its branch is pushed by git.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import Field

from rollout.adapters.git.formats import message_text
from rollout.adapters.github.answers import Document, RefusedByGitHubError, parsed, within
from rollout.adapters.github.api import PAGE, STALE, Api
from rollout.adapters.github.branch_file import file_on
from rollout.adapters.github.commits import commit_files
from rollout.adapters.github.opening import open_pull
from rollout.adapters.github.product_clone import ProductClone
from rollout.adapters.github.pull_requests import newest_pull, shown_pull
from rollout.core.decorations import Decorations
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import CommitMessage
from rollout.errors import HeadMovedError, OutsideError
from rollout.ports import BranchFile, FlagProposal
from rollout.rendering.inert import text


class _Head(Document):
    ref: str
    sha: str
    repository: Annotated[str | None, within("full_name", or_none=True)] | None = Field(alias="repo")
    """None for a fork that is gone."""


class _OpenPull(Document):
    number: int
    title: str
    body: str | None = None
    head: _Head
    base: Annotated[str, within("sha")]


class GitHubFlagBranch:
    """A branch, as one command sees it."""

    def __init__(
        self,
        api: Api,
        repository: Callable[[], str],
        branch: Callable[[], str],
        clone: Callable[[str], ProductClone],
        decorations: Decorations,
        wrote: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`clone` makes the clone of the repository of that name; `wrote` hears of commits on the branch."""
        self._api = api
        self._repository_name = repository
        self._branch_name = branch
        self._make_clone = clone
        self._decorations = decorations
        self._wrote = wrote

    @property
    def name(self) -> str:
        return f"{self._branch} of {self._repository}"

    def file(self, path: str, *, on: str | None = None) -> BranchFile | None:
        return file_on(self._api, self._repository, on or self._branch, path)

    def write(self, path: str, content: bytes, message: CommitMessage, *, parent: str, at: datetime) -> str:
        """Implements the port. GitHub signs and dates the commit."""

        def write() -> str:
            try:
                return commit_files(
                    self._api,
                    self._branch,
                    {path: content},
                    message_text(message),
                    parent=parent,
                    repository=self._repository,
                )
            except RefusedByGitHubError as refusal:
                if STALE not in refusal.kinds:
                    raise
                raise self._moved(parent) from refusal

        def write_unless_there() -> str:
            """Looks first whether the answer alone was lost."""
            found = self.file(path)
            if found is not None and found.tip != parent and found.content == content:
                return found.tip
            return write()

        made = self._api.attempt(f"writing {path} on {self.name}", write, write_unless_there)
        self._api.did(f"commit {made[:10]} on {self.name}")
        self._wrote(made)
        return made

    # --- pull requests -----------------------------------------------------------------------------------

    def open_proposals(self, prefix: str) -> Sequence[PullRequest]:
        """Returns those among the newest 100 that are open."""
        query: dict[str, str | int] = {
            "state": "open",
            "base": self._branch,
            "sort": "created",
            "direction": "desc",
            "per_page": PAGE,
        }

        def ask() -> tuple[_OpenPull, ...]:
            path = f"/repos/{self._repository}/pulls"
            return parsed(tuple[_OpenPull, ...], self._api.rest("GET", path, query=query))

        found = self._api.attempt(f"listing pull requests of {self._repository}", ask)
        own = self._repository.lower()
        return [
            self._shown(pull)
            for pull in found
            if pull.head.ref.startswith(prefix) and (pull.head.repository or "").lower() == own
        ]

    def _shown(self, pull: _OpenPull) -> PullRequest:
        return PullRequest(
            number=pull.number,
            kind=PullRequestKind.APPLY,
            title=pull.title,
            head=pull.head.ref,
            base=self._branch,
            state=PullRequestState.OPEN,
            body=pull.body or "",
            head_sha=pull.head.sha,
            base_sha=pull.base,
        )

    def proposed(self, branch: str) -> PullRequest | None:
        return self._newest(branch) or self._newest(branch, is_new=True)

    def _newest(self, branch: str, *, is_new: bool = False) -> PullRequest | None:
        compared = {"compareHeads": False, "rollout": ""}
        pull = newest_pull(self._api, self._repository, self._branch, branch, compared, is_new=is_new)
        return shown_pull(pull, PullRequestKind.APPLY) if pull else None

    def propose(self, new: FlagProposal, *, at: datetime) -> PullRequest:
        """Implements the port. The branch is pushed by git, over whatever an earlier run has left there."""
        clone = self._make_clone(self._repository)
        tip, old = clone.fetch(self._branch), clone.fetch(new.branch)
        if tip is None or not clone.fetch_commit(new.parent):
            raise OutsideError(f"there is no commit {new.parent[:12]} on {self.name}", hint="run again")
        message = message_text(new.message)
        files = {new.path: new.content}
        commit = clone.git.write_commit(files, parent=new.parent, message=message, at=at, of_people=files)
        if commit != old:
            clone.push(commit, new.branch, old=old)
            self._api.did(f"branch {new.branch} in {self._repository}")
        document = {
            "title": new.message.subject,
            "head": new.branch,
            "base": self._branch,
            "body": new.body,
        }

        def newest() -> PullRequest | None:
            return self._newest(new.branch, is_new=True)

        return open_pull(self._api, self._repository, PullRequestKind.APPLY, document, newest)

    def close(self, pull: PullRequest, reason: str, *, at: datetime) -> None:
        """Implements the port. The reason goes below the body; a branch that stays is told."""
        body = f"{pull.body}\n\n{text(reason, 300)}"
        path = f"/repos/{self._repository}/pulls/{pull.number}"
        document = {"state": "closed", "body": body}
        self._api.attempt(
            f"closing pull request {pull.number} of {self._repository}",
            lambda: self._api.rest("PATCH", path, body=document),
        )
        self._api.did(f"pull request {pull.number} in {self._repository} closed")
        self._decorations.attempt(lambda: self._delete(pull.head))

    def _delete(self, branch: str) -> None:
        place = f"/repos/{self._repository}/git/refs/heads/{quote(branch)}"
        self._api.decorate(f"deleting {branch}", lambda: self._api.rest("DELETE", place))

    # --- within ------------------------------------------------------------------------------------------

    @property
    def _repository(self) -> str:
        return self._repository_name()

    @property
    def _branch(self) -> str:
        return self._branch_name()

    def _moved(self, parent: str) -> HeadMovedError:
        return HeadMovedError(
            f"branch {self.name} is no longer at {parent}", hint="run again: it reads and decides anew"
        )
