"""Finds what comes along with the program: templates, contract profiles and workflows.

An installed wheel carries them in `rollout/templates`; an editable checkout has them beside the package.
Tau's profile is the very contract that this repository rolls tau out by, by these very workflows.
"""

from __future__ import annotations

from pathlib import Path

from rollout.errors import OutsideError

PACKAGE = Path(__file__).resolve().parent.parent
_WORKFLOWS = "rollout-*.yml"
_HINT = "the installation is incomplete: install rollout again"


def templates_dir(package: Path = PACKAGE) -> Path:
    """Returns the folder of templates that belongs to the package. Raises OutsideError when there is none."""
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise OutsideError("the templates that come with rollout are missing", hint=_HINT)


def profile_text(profile: str, package: Path = PACKAGE) -> str:
    """Returns the contract of a profile (`tau`, `generic`) as text, comments and all.

    Raises OutsideError when the installation lacks it.
    """
    carried = templates_dir(package) / "profiles" / f"{profile}.yaml"
    for file in (carried, package.parent / "state" / profile / "contract.yaml"):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise OutsideError(f"the contract profile {profile} that comes with rollout is missing", hint=_HINT)


def workflow_texts(package: Path = PACKAGE) -> dict[str, str]:
    """Maps file name to text, of each workflow that an adopting repository needs: all that are named
    `rollout-*`.

    Raises OutsideError when the installation lacks them.
    """
    for folder in (package / "templates" / "workflows", package.parent / ".github" / "workflows"):
        found = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob(_WORKFLOWS))}
        if found:
            return found
    raise OutsideError("the workflows that come with rollout are missing", hint=_HINT)
