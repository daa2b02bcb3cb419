"""The StateStore port over a remote's branch as a clone has fetched it."""

from __future__ import annotations

from collections.abc import Callable

from rollout.adapters.git import Git
from rollout.adapters.git.remotes import fetched
from rollout.adapters.yaml_store import Parse, YamlStore
from rollout.adapters.yaml_text import load_yaml
from rollout.core.state import Unusable
from rollout.errors import InputError


class FetchedStore(YamlStore):
    """The state branch of a remote; the clone's own branch of that name is another matter."""

    def __init__(
        self,
        git: Git,
        remote: str,
        branch: str,
        *,
        tell: Callable[[Unusable], None] = lambda _: None,
        parse: Parse = load_yaml,
    ) -> None:
        super().__init__(git, branch, tell=tell, parse=parse)
        self._ref = fetched(remote, branch)
        self._remote = remote

    def head(self) -> str:
        """The tip as it was last fetched. Raises InputError when it never was."""
        tip = self._git.resolve(self._ref)
        if tip is None:
            raise InputError(
                f"branch {self.branch} of {self._remote} was never fetched",
                hint=f"git fetch {self._remote} +refs/heads/{self.branch}:{self._ref}",
            )
        return tip
