"""GitHub Actions around a command: the step's summary and outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def write_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """Add to the step's summary; nothing outside of Actions."""
    _append("GITHUB_STEP_SUMMARY", markdown.rstrip() + "\n", environment)


def write_outputs(outputs: Mapping[str, object], environment: Mapping[str, str]) -> None:
    """Set the step's outputs, text as it is and anything else as JSON; nothing outside of Actions."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in outputs.items()}
    _append("GITHUB_OUTPUT", "".join(f"{name}={text}\n" for name, text in texts.items()), environment)


def repository_page(environment: Mapping[str, str]) -> str:
    """Where the repository is on the web; empty outside of Actions."""
    server, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else ""


def _append(variable: str, text: str, environment: Mapping[str, str]) -> None:
    path = environment.get(variable)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
