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
_COMMENT = re.compile(r"^(?: *#.*)?\n", re.MULTILINE)
_CLOSED = re.compile(r"^  pull_request:\n    types: \[closed\]\n", re.MULTILINE)
_CHANGED = """\
  push: {{branches: ["{branch}"], paths: ["state/*/rollout.yaml", "state/*/contract.yaml"]}}
  pull_request: {{types: [closed]}}
"""
_STATE_BRANCH = re.compile(r"^(  ROLLOUT_STATE_BRANCH:) >-\n(?:    .*\n)+", re.MULTILINE)


def thin_caller(workflow: str, pin: ActionPin) -> str:
    """One of this project's workflow files for another repository.

    The steps that check the tool out are left out: GitHub fetches the action's repository by itself.
    """
    return HEADER + _called(workflow, pin)


def caller_of_state_branch(workflow: str, pin: ActionPin, branch: str) -> str:
    """The same for a state branch of its own: without comments, because nobody works on it there.

    What is done after a closed pull request is done after a push to that branch too: a push takes the file of
    the branch that it goes to.
    """
    text = _COMMENT.sub("", _called(workflow, pin))
    text = _STATE_BRANCH.sub(lambda found: f'{found[1]} "{branch}"\n', text)
    return HEADER + _CLOSED.sub(lambda _: _CHANGED.format(branch=branch), text)


def _called(workflow: str, pin: ActionPin) -> str:
    text = _REASON.sub("# ", _CHECKOUT.sub("", workflow))
    return _USES.sub(pin.uses(__version__), text)
