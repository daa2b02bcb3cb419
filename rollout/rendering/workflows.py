"""The workflows of an adopting repository: those of this project, as thin callers of its action."""

from __future__ import annotations

import re

from rollout import __version__
from rollout.core.action import LOCAL, ActionPin

HEADER = (
    "# Written by `rollout init`; for that of another version remove it, then `rollout init --workflows`.\n"
)

# A step by its name, with all lines that are indented deeper than its dash, and the empty line after it.
_CHECKOUT = re.compile(r"^( +)- name: Check out the tool\n(?:\1  .*\n|\n(?=\1  ))*\n?", re.MULTILINE)
_USES = re.compile(rf"(?<=uses: ){re.escape(LOCAL)}$", re.MULTILINE)
_REASON = re.compile(r"# to check the tool out, and (?=to )")


def thin_caller(workflow: str, pin: ActionPin) -> str:
    """One of this project's workflow files for another repository.

    The steps that check the tool out are left out: GitHub fetches the action's repository by itself.
    """
    text = _REASON.sub("# ", _CHECKOUT.sub("", workflow))
    return HEADER + _USES.sub(pin.uses(__version__), text)
