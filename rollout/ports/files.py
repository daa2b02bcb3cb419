"""State files as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from rollout.core.state import StateChange

if TYPE_CHECKING:
    from rollout.core.state.release_cache import ReleaseCache


class StateFiles(Protocol):
    """How state files are read and written."""

    def release_cache(self, train: str, text: bytes) -> ReleaseCache:
        """Returns what such a file says. Raises InputError when it is none."""

    def texts(self, train: str, change: StateChange) -> Mapping[str, str]:
        """Returns name below the train's folder -> text that the change makes it;
        empty when it is removed.
        """
