"""Placeholders such as `{version}` in the values of gates: they stand for what the release says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

OF_A_RELEASE = ("version", "commit", "phase", "percent")
"""What the value of a gate may name."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Returns the text with its placeholders replaced, in one pass: what is filled in is never read again.

    One that has no value stays as it is.
    """
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)


_LIKE_ONE = re.compile(r"\{([A-Za-z_]+)\}")


def alike(text: str) -> list[str]:
    """Returns what is written like a placeholder in a text, in any case of letters, each once, in their
    order.
    """
    return list(dict.fromkeys(_LIKE_ONE.findall(text)))


def named(text: str) -> list[str]:
    """Returns the placeholders in a text, each once, in their order."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(text)))
