"""Where this program was installed from: what pip wrote down, and the clone that it may point to."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rollout.adapters.git import Git
from rollout.core.surfaces.payload import decode
from rollout.core.workflow_pin import ActionPin, name_on_github
from rollout.errors import RolloutError

_PACKAGE = "rollout-gitops"


def direct_url() -> str:
    """Returns pip's record of a direct install (direct_url.json);
    empty when it came from an index or not by pip.
    """
    try:
        return distribution(_PACKAGE).read_text("direct_url.json") or ""
    except PackageNotFoundError:
        return ""


def installed_from(record: str) -> ActionPin | None:
    """Returns the commit on GitHub that the record names, or that the recorded clone is at; None when neither
    is.

    Of a clone only a commit that was pushed counts: GitHub has to find it.
    """
    try:
        known = decode((record or "{}").encode())
        url, vcs = str(known.get("url", "")), known.get("vcs_info") or {}
        commit = vcs.get("commit_id")
    except (ValueError, AttributeError):
        return None
    if isinstance(commit, str):
        name = name_on_github(url)
        return ActionPin(name, commit) if name else None
    parts = urlsplit(url)
    return _pushed(Path(unquote(parts.path))) if parts.scheme == "file" else None


def _pushed(folder: Path) -> ActionPin | None:
    try:
        git = Git(folder)
        name = name_on_github(git.origin() or "")
        commit = git.resolve("HEAD")
        if name is None or commit is None or not git.is_pushed(commit):
            return None
    except (RolloutError, OSError):
        return None
    return ActionPin(name, commit)
