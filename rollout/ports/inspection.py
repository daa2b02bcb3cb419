"""How a repository on GitHub is set up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from rollout.core.doctor.facts import Settings, TrainFacts


class Inspector(Protocol):
    """Looks at settings, with whatever the token may see."""

    def inspect(self, branch: str | None, trains: Collection[TrainFacts]) -> Settings:
        """Reads the settings; `branch` is that of state (None: the default one), `trains` those of state.

        Nothing that it asks can take effect. Raises OutsideError when the repository cannot be seen at all.
        """
