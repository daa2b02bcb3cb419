"""This project's workflows as thin callers of its action."""

from rollout import __version__
from rollout.core.action import ActionPin
from rollout.rendering.workflows import HEADER, thin_caller

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
    written = thin_caller(OURS, ActionPin("acme/rollout", "abc"))
    assert written == HEADER + THEIRS.replace("VERSION", __version__)
