"""The StateStore port over a remote's branch as a clone has fetched it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from rollout.adapters.git import Git
from rollout.adapters.git.remotes import fetch, fetched, push
from rollout.adapters.github.hints import UNARCHIVE, is_archived
from rollout.adapters.yaml_store import Parse, YamlStore
from rollout.core.state import CommitMessage, StateChange, UnusableFile
from rollout.errors import HeadMovedError, InputError, OutsideError
from rollout.files.state_files import files_of
from rollout.files.yaml_text import load_yaml

_AGAIN = "run again: it reads and decides anew"
_BY_HAND = (
    "fix that and run again, or edit `frozen` of state/TRAIN/rollout.yaml on that branch in the browser;"
    " `gh auth login` goes by the API instead"
)


def never_fetched(remote: str, branch: str) -> InputError:
    return InputError(
        f"branch {branch} of {remote} was never fetched",
        hint=f"git fetch {remote} +refs/heads/{branch}:{fetched(remote, branch)};"
        " where there is no such branch, name the one that carries state/ with --state-branch",
    )


class FetchedStore(YamlStore):
    """The state branch of a remote; the clone's own branch of that name is another matter."""

    def __init__(
        self,
        git: Git,
        remote: str,
        branch: str,
        *,
        tell: Callable[[UnusableFile], None] = lambda _: None,
        parse: Parse = load_yaml,
        pushed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`pushed` hears of each commit that is on the remote's branch."""
        super().__init__(git, branch, tell=tell, parse=parse)
        self._ref = fetched(remote, branch)
        self._places = (fetched(remote, ""),)
        self._remote = remote
        self._pushed = pushed

    def head(self) -> str:
        """Returns the tip as it was last fetched. Raises InputError when it never was."""
        tip = self._git.resolve(self._ref)
        if tip is None:
            raise never_fetched(self._remote, self.branch)
        return tip

    def commit(
        self,
        train: str,
        change: StateChange,
        message: CommitMessage,
        *,
        parent: str,
        at: datetime,
        is_brake: bool = False,
    ) -> str:
        """Pushes one commit on top of `parent`, and returns it. Nothing of the clone's own changes.

        Raises HeadMovedError when the remote's branch is elsewhere by now, and fetched; OutsideError when the
        push is refused or cannot be done.
        """
        git, remote, branch = self._git, self._remote, self.branch
        text = self.message_on(parent, message)
        files = {**self._put_back(train, parent), **files_of(train, change)}
        made = git.write_commit(files, parent=parent, message=text, at=at)
        why = push(git, remote, branch, made, old=parent)
        if why:
            # An answer that got lost is no refusal, and whoever was faster is read first.
            with suppress(OutsideError):
                fetch(git, remote, branch)
            if self.head() not in (made, parent):
                raise HeadMovedError(f"branch {branch} of {remote} is no longer at {parent}", hint=_AGAIN)
            if self.head() != made:
                hint = UNARCHIVE if is_archived(why) else _BY_HAND
                raise OutsideError(f"pushing {branch} to {remote} failed: {why}", hint=hint)
        self._pushed(made)
        return made
