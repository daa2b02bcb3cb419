"""`python -m rollout` and the `rollout` script."""

from __future__ import annotations

import gc
import sys

GARBAGE_THRESHOLD = 100_000
"""Start-up makes many objects and leaves no garbage: collecting at the usual pace costs a tenth of it."""


def main() -> None:
    gc.set_threshold(GARBAGE_THRESHOLD)
    from rollout.cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
