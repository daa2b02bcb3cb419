"""GitHub Actions around a command: the step's summary and outputs, and files that other jobs hand over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rollout.errors import InputError

MAX_FILES = 200
"""Two a runner, and nobody has a hundred."""
_NAMES = ("observation.json", "results.json")
_HINT = "only what `rollout collect` and `rollout perform` of this run wrote belongs there"


def write_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """Add to the step's summary; nothing outside of Actions."""
    _append("GITHUB_STEP_SUMMARY", markdown.rstrip() + "\n", environment)


def write_outputs(outputs: Mapping[str, object], environment: Mapping[str, str]) -> None:
    """Set the step's outputs, text as it is and anything else as JSON; nothing outside of Actions."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in outputs.items()}
    _append("GITHUB_OUTPUT", "".join(f"{name}={text}\n" for name, text in texts.items()), environment)


def _append(variable: str, text: str, environment: Mapping[str, str]) -> None:
    path = environment.get(variable)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def handed_over(folder: Path) -> list[Path]:
    """The files of evidence in a folder of downloaded artifacts, each artifact a folder in it; sorted.

    No folder is no evidence. Raises InputError for a file that cannot be one of those: another name, a
    link, deeper down, or too many.
    """
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    for path in found:
        place = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or path.name not in _NAMES or len(place.parts) != 2:
            raise InputError(f"{place}: no such file of evidence is expected", hint=_HINT)
    if len(found) > MAX_FILES:
        raise InputError(f"{len(found)} files of evidence, at most {MAX_FILES}", hint=_HINT)
    return found
