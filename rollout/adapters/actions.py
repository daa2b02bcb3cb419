"""GitHub Actions around a command: the step's summary and outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

APP, BRAKE, PRODUCT = "ROLLOUT_APP", "ROLLOUT_APP_BRAKE", "ROLLOUT_APP_PRODUCT"
"""How each of the action's steps ended that ask the App for a token; empty for one that did not run."""


def write_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """Adds what a command did to the step's summary, and below it what it had to do without.

    Nothing outside of Actions.
    """
    add_to_summary("\n\n".join((markdown.rstrip(), *_warnings(environment))), environment)


def add_to_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """Adds more to it."""
    _append("GITHUB_STEP_SUMMARY", markdown.rstrip() + "\n", environment)


def _warnings(environment: Mapping[str, str]) -> Iterator[str]:
    """Yields what the App refused this job, and what becomes of it."""
    refused = {name for name in (APP, BRAKE, PRODUCT) if environment.get(name) == "failure"}
    if {APP, BRAKE} <= refused:
        yield (
            "**Warning:** The App gave no token (its step says why), so this run acted in its own name:"
            " what it committed starts no workflow."
        )
    elif APP in refused:
        yield (
            "**Warning:** The App has not every permission that this job asks for (its step says which):"
            " state was committed in its name, all else was done in the run's own."
        )
    if PRODUCT in refused:
        yield (
            "**Warning:** The App gave no token for the product's repository (its step says why): what is"
            " there is unknown, and nothing can be written there."
        )


def write_outputs(outputs: Mapping[str, object], environment: Mapping[str, str]) -> None:
    """Sets the step's outputs, text as it is and anything else as JSON; nothing outside of Actions."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in outputs.items()}
    _append("GITHUB_OUTPUT", "".join(f"{name}={text}\n" for name, text in texts.items()), environment)


def repository_page(environment: Mapping[str, str]) -> str:
    """Returns where the repository is on the web; empty outside of Actions."""
    server, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else ""


def _append(variable: str, text: str, environment: Mapping[str, str]) -> None:
    path = environment.get(variable)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
