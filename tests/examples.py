"""How much is tried of what can be tried without end: a little in `make test`, more with NIGHTLY=1."""

from __future__ import annotations

import os

NIGHTLY = "NIGHTLY" in os.environ


def examples(nightly: int) -> int:
    """The number of examples of a property: all at night, else a fifth of them."""
    return nightly if NIGHTLY else max(3, nightly // 5)


def seeds(name: str, few: int, nightly: int) -> range:
    """Seeds of cases that a test makes up. The environment variable `name` holds another number of them."""
    return range(int(os.environ.get(name, nightly if NIGHTLY else few)))
