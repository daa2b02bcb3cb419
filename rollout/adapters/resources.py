"""Finds what comes along with the program: templates and contract profiles.

An installed wheel carries them in `rollout/templates`; an editable checkout has them beside the package,
and tau's profile is the very contract that this repository rolls tau out by.
"""

from __future__ import annotations

from pathlib import Path

from rollout.errors import OutsideError

PACKAGE = Path(__file__).resolve().parent.parent
_HINT = "the installation is incomplete: install rollout again"


def templates_dir(package: Path = PACKAGE) -> Path:
    """The folder of templates that belongs to the package. Raises OutsideError when there is none."""
    for folder in (package / "templates", package.parent / "templates"):
        if folder.is_dir():
            return folder
    raise OutsideError("the templates that come with rollout are missing", hint=_HINT)


def profile_text(profile: str, package: Path = PACKAGE) -> str:
    """The contract of a profile (`tau`, `generic`) as text, comments and all.

    Raises OutsideError when the installation lacks it.
    """
    carried = templates_dir(package) / "profiles" / f"{profile}.yaml"
    for file in (carried, package.parent / "state" / profile / "contract.yaml"):
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise OutsideError(f"the contract profile {profile} that comes with rollout is missing", hint=_HINT)
