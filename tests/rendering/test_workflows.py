"""This project's workflows as thin callers of its action."""

import pytest

from rollout import __version__
from rollout.core.workflow_pin import ActionPin
from rollout.rendering.workflows import is_as_written, thin_caller, with_schedule_of

OURS = """\
# What it is for.
name: rollout-x

jobs:
  one:
    permissions:
      contents: read # to check the tool out, and to read the contract
      checks: read # to look
    steps:
      - name: Check out the tool
        uses: actions/checkout@5 # v7
        with:
          # only this
          sparse-checkout: |
            rollout

            templates
          persist-credentials: false

      - name: Check out the product
        uses: actions/checkout@5 # v7

      - name: Check
        uses: ./.github/actions/rollout
        with:
          command: check
  two:
    steps:
      - name: Check out the tool
        uses: actions/checkout@5 # v7
"""
THEIRS = """\
# What it is for.
name: rollout-x

jobs:
  one:
    permissions:
      contents: read # to read the contract
      checks: read # to look
    steps:
      - name: Check out the product
        uses: actions/checkout@5 # v7

      - name: Check
        uses: acme/rollout/.github/actions/rollout@abc # vVERSION
        with:
          command: check
  two:
    steps:
"""


def test_only_the_tool_and_its_checkout_change() -> None:
    header, written = thin_caller(OURS, ActionPin("acme/rollout", "abc")).split("\n", 1)
    assert header.startswith("# Written by `rollout init` (")
    assert header.endswith("; `rollout init --workflows --update` writes it anew.")
    assert written == THEIRS.replace("VERSION", __version__)


SCHEDULED = """\
on:
  schedule:
    # Odd minutes.
    - cron: "3,13 * * * *"
  push:
steps:
  - uses: ./.github/actions/rollout
  - uses: actions/checkout@5 # v7
"""


@pytest.mark.parametrize(
    ("old", "new", "is_so"),
    [
        ("push:", "push:", True),
        ("checkout@5 # v7", "checkout@6 # v8", True),
        ("rollout@abc # v", "rollout@def # v9", True),
        ('- cron: "3,13 * * * *"\n', '- cron: "7 * * * *"\n    - cron: "8 8 * * *" # mine\n', True),
        ("\n", "\r\n", True),
        ("push:", "push:\n  release:", False),
        ("Odd minutes", "Mine", False),
        ("actions/checkout", "mine/checkout", False),
        ("`rollout init` (", "`rollout init` (0", False),
        ("# Written", "# Once written", False),
    ],
)
def test_a_file_that_somebody_changed_is_known_by_its_seal(old: str, new: str, is_so: bool) -> None:
    written = thin_caller(SCHEDULED, ActionPin("acme/rollout", "abc"))
    assert old in written
    assert is_as_written(written.replace(old, new)) is is_so


def test_a_new_version_keeps_the_schedule_that_a_person_chose() -> None:
    ours = 'on:\n  schedule:\n    - cron: "1 * * * *"\n    - cron: "2 * * * *"\n  workflow_dispatch:\n'
    theirs = 'on:\n  schedule:\n    - cron: "30 * * * *"\n'
    assert with_schedule_of(theirs, ours) == (
        'on:\n  schedule:\n    - cron: "30 * * * *"\n  workflow_dispatch:\n'
    )
    assert with_schedule_of("on:\n  push:\n", ours) == ours
