"""The workflows of an adopting repository: those of this project, as thin callers of its action."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from rollout import __version__
from rollout.core.workflow_pin import LOCAL, ActionPin

_SECRETS = re.compile(
    r"^(?P<indent> +)(?P<why>(?:#.*\n(?P=indent))*)env:\n(?:(?P=indent)  \w+: \$\{\{ secrets\.\w+ \}\}\n)+",
    re.MULTILINE,
)
"""An `env:` that holds nothing but secrets, each under its own name, with the comment above it."""

_HEADER = "# Written by `rollout init` ({}); `rollout init --workflows --update` writes it anew.\n"
_SEALED = re.compile(r"# Written by `rollout init` \(([0-9a-f]{12})\)[^\n]*\n")

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
_PIN = re.compile(r"(?<=uses: )([^@\s]+)@\S+(?: +#.*)?$", re.MULTILINE)
_CRONS = re.compile(r"(?:^ *- cron:.*\n)+", re.MULTILINE)


def thin_caller(workflow: str, pin: ActionPin) -> str:
    """Returns one of this project's workflow files for another repository.

    The steps that check the tool out are left out: GitHub fetches the action's repository by itself.
    """
    return _sealed(_called(workflow, pin))


def with_secrets(workflow: str, variables: Sequence[str]) -> str:
    """Returns the workflow whose step gets these secrets, each by the variable of its name, and no others."""
    return _SECRETS.sub(lambda found: _secrets(found["indent"], found["why"], variables), workflow)


def _secrets(indent: str, why: str, variables: Sequence[str]) -> str:
    if not variables:
        return ""
    lines = [f"{indent}  {name}: ${{{{ secrets.{name} }}}}\n" for name in variables]
    return f"{indent}{why}env:\n{''.join(lines)}"


def caller_of_state_branch(workflow: str, pin: ActionPin, branch: str) -> str:
    """Returns the same for a state branch of its own: without comments, because nobody works on it there.

    What is done after a closed pull request is done after a push to that branch too: a push takes the file of
    the branch that it goes to.
    """
    text = _COMMENT.sub("", _called(workflow, pin))
    text = _STATE_BRANCH.sub(lambda found: f'{found[1]} "{branch}"\n', text)
    return _sealed(_CLOSED.sub(lambda _: _CHANGED.format(branch=branch), text))


def is_as_written(text: str) -> bool:
    """Returns whether a file is as `init` wrote it, but for pins, which bots move, and for the schedule."""
    plain = text.replace("\r\n", "\n")
    seal = _SEALED.match(plain)
    return seal is not None and seal[1] == _digest(plain[seal.end() :])


def with_schedule_of(old: str, new: str) -> str:
    """Returns the new file with the schedule of the one that it replaces: how often to run is a person's
    choice.
    """
    crons = _CRONS.search(old)
    return new if crons is None else _CRONS.sub(lambda _: crons[0], new)


def _sealed(text: str) -> str:
    return _HEADER.format(_digest(text)) + text


def _digest(text: str) -> str:
    plain = _CRONS.sub("", _PIN.sub(r"\1", text))
    return sha256(plain.encode()).hexdigest()[:12]


def _called(workflow: str, pin: ActionPin) -> str:
    text = _REASON.sub("# ", _CHECKOUT.sub("", workflow))
    return _USES.sub(pin.uses(__version__), text)
