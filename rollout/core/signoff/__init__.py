"""The sign-off checklist: what counts, what is missing, and what the machine can prove.

What people write is judged by `evidence`, `comments` and `folding`, which decisions do not need.
"""

from rollout.core.signoff.checklist import (
    block,
    counting,
    for_release,
    is_signed,
    missing,
    sign,
    state_of,
    states,
    unsigned,
)
from rollout.core.signoff.people import MACHINE
from rollout.core.signoff.proofs import prove

__all__ = [
    "MACHINE",
    "block",
    "counting",
    "for_release",
    "is_signed",
    "missing",
    "prove",
    "sign",
    "state_of",
    "states",
    "unsigned",
]
