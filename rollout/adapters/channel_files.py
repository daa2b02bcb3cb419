"""The Releases port over tags, and the StateFiles port over YAML: what channel commands need on a laptop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from rollout.core import versions
from rollout.core.files import state_path
from rollout.core.state import StateChange
from rollout.core.state.release_cache import FILE, ReleaseCache, ReleasePage, ReleaseRecord
from rollout.files.state_files import files_of, read_model

LONGEST_TAG = 128


class TagReleases:
    """Every tag of the repository that is a version, as a release."""

    source = "tags of the local repository"

    def __init__(self, tags: Callable[[], Sequence[str]]) -> None:
        self._tags = tags

    def page(self, number: int, etag: str) -> ReleasePage | None:
        """Returns the one page there is; None when the tags are those of `etag`."""
        if number > 1:
            return ReleasePage(entries=0)
        tags = self._tags()
        ours = hashlib.sha256("\n".join(tags).encode(errors="replace")).hexdigest()
        if ours == etag:
            return None
        releases = tuple(record(tag) for tag in tags if is_choosable(tag))
        return ReleasePage(etag=ours, entries=len(releases), releases=releases)

    def tags_of(self, version: str) -> Sequence[str]:
        tags = self._tags()
        return [tag for tag in versions.spellings(version) if tag in tags]


def record(tag: str) -> ReleaseRecord:
    return ReleaseRecord(tag=tag, prerelease=versions.parse(tag).prerelease is not None)


def is_choosable(tag: str) -> bool:
    """Returns whether a tag is a version of a length that state files take."""
    return len(tag) <= LONGEST_TAG and versions.is_valid(tag)


class YamlFiles:
    """State files as YAML."""

    def release_cache(self, train: str, text: bytes) -> ReleaseCache:
        """Returns what such a file says. Raises InputError when it is none."""
        return read_model(ReleaseCache, text, state_path(train, FILE))

    def texts(self, train: str, change: StateChange) -> Mapping[str, str]:
        """Returns name below the train's folder -> text that the change makes it;
        empty when it is removed.
        """
        folder = state_path(train) + "/"
        return {
            path.removeprefix(folder): (content or b"").decode()
            for path, content in files_of(train, change).items()
        }
