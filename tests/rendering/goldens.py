"""Golden files: what a rendering looks like, as a file that a reviewer can read.

`UPDATE_GOLDEN=1 pytest tests/rendering` writes them anew; read the diff as who is paged at 3 am.
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def check_golden(name: str, text: str) -> None:
    """`text` is exactly what `golden/<name>` holds."""
    path = GOLDEN / name
    if "UPDATE_GOLDEN" in os.environ:
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")
