"""`python -m rollout` and the `rollout` script."""

from __future__ import annotations

import sys


def main() -> None:
    from rollout.cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
