"""Commands that write state, and where nothing is in their way."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.core.files import QUARANTINE, state_path
from tests.world import OTHER_COMMIT, TAU

STOP = "rollback --reason stop --by ada"
LISTED = state_path(TAU, QUARANTINE)


@dataclass(frozen=True)
class Writer:
    """A command that writes state, where nothing is in its way."""

    command: str
    before: tuple[str, ...] = ()
    """Commands that lead to where it may be given."""
    is_new: bool = False
    """Whether it is for a train on which nobody is exposed."""


WRITERS = {
    "unfreeze": Writer("unfreeze --reason seen", ("freeze --reason stop",)),
    "cancel": Writer("rollback --cancel --reason false --by ada", (STOP,)),
    "declare": Writer("rollback --reverted HEAD^{} --reason seen --by ada", (STOP,)),
    "quarantine add": Writer("quarantine add v1.1.0 --reason leaks --by ada", is_new=True),
    "quarantine lift": Writer(f"quarantine lift {OTHER_COMMIT} --reason mended --by ada"),
    "signoff record": Writer(
        "signoff record trigger-matrix-reviewed src/app.txt --by ada",
        ("start --version v1.1.0",),
        is_new=True,
    ),
    "start": Writer("start --version v1.1.0", is_new=True),
    "withdraw": Writer("withdraw --reason wrong --by ada", ("start --version v1.1.0",), is_new=True),
    "channel set": Writer("channel set beta", is_new=True),
    "channel plan": Writer("channel plan", is_new=True),
    "channel apply": Writer("channel apply --target v1.1.0", is_new=True),
    "channel cache refresh": Writer("channel cache refresh", is_new=True),
}
