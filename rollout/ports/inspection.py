"""How a repository on GitHub is set up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from rollout.core.doctor.facts import Settings


class Inspector(Protocol):
    """Looks at settings, with whatever the token may see."""

    def inspect(self, branch: str | None, products: Collection[str]) -> Settings:
        """`branch` is the state branch (None: the default one), `products` name repositories, `owner/name`.

        Nothing that it asks can take effect. Raises OutsideError when the repository cannot be seen at all.
        """
