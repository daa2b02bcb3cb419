"""The ProductBranch port on GitHub: in the repository of state, or in another one."""

from __future__ import annotations

from datetime import datetime

from rollout.adapters.git.formats import message_text
from rollout.adapters.github.answers import RefusedByGitHubError
from rollout.adapters.github.api import STALE, Api
from rollout.adapters.github.branch_file import file_on
from rollout.adapters.github.commits import commit_files
from rollout.adapters.github.listing import Listing
from rollout.core.state import CommitMessage
from rollout.errors import HeadMovedError
from rollout.ports import BranchFile


class GitHubProductBranch:
    """The product's branch, as one command sees it."""

    def __init__(self, api: Api, listing: Listing) -> None:
        self._api = api
        self._listing = listing

    @property
    def name(self) -> str:
        return f"{self._listing.product_branch} of {self._listing.product}"

    def file(self, path: str) -> BranchFile | None:
        return file_on(self._api, self._listing.product, self._listing.product_branch, path)

    def write(self, path: str, content: bytes, message: CommitMessage, *, parent: str, at: datetime) -> str:
        """Implements the port. GitHub signs and dates the commit."""
        text = message_text(message)

        def write() -> str:
            try:
                return commit_files(
                    self._api,
                    self._listing.product_branch,
                    {path: content},
                    text,
                    parent=parent,
                    repository=self._listing.product,
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
        self._listing.note_product_tip(made)
        return made

    def _moved(self, parent: str) -> HeadMovedError:
        return HeadMovedError(
            f"branch {self.name} is no longer at {parent}", hint="run again: it reads and decides anew"
        )
