"""`python -m rollout` and the `rollout` script."""

from __future__ import annotations

import gc
import os
import sys

from rollout import NO_PLUGINS

GARBAGE_THRESHOLD = 100_000
"""Start-up makes many objects and leaves no garbage: collecting at the usual pace costs a tenth of it."""


def main() -> None:
    gc.set_threshold(GARBAGE_THRESHOLD)
    os.environ.setdefault(*NO_PLUGINS)
    from rollout.cli import main as run

    code = run()
    # At its end Python looks through every object for garbage once more: a tenth of a short command's time.
    # Frozen ones it leaves to the end of the process. What has to be closed or flushed is so by now.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
