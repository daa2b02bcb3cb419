"""Evidence in the repository itself: a path at the release commit, or one of the release's commits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from rollout.adapters.git import Git
from rollout.core.files import STATE
from rollout.core.signoff.evidence import EvidencePlaces, Kind, LookedUpEvidence, Reference
from rollout.core.signoff.people import Writers
from rollout.core.state import Release
from rollout.ports import LoggedCommit

_SUCCESS = "success"
_MERGE = 2
"""Parents of a merge at least."""
_CO_AUTHOR = re.compile(r"^co-authored-by:\s*([^<\n]+)<", re.IGNORECASE | re.MULTILINE)


class LocalEvidence:
    def __init__(self, git: Git) -> None:
        self._git = git

    def places(self) -> EvidencePlaces:
        """Returns no pages: links are for GitHub."""
        return EvidencePlaces()

    def look_up(self, reference: Reference, release: Release) -> LookedUpEvidence | None:
        """Returns what is there; None when there is nothing of that name."""
        if reference.kind is Kind.COMMIT:
            return self._commit(reference.name, release)
        if reference.kind is not Kind.PATH:
            return None
        folder, _, name = reference.name.rpartition("/")
        entry = self._git.tree(f"{release.commit}:{folder}").get(name)
        if entry is None:
            return None
        return LookedUpEvidence(
            of_release=True, ended="it is a folder" if entry.is_folder else _SUCCESS, digest=entry.id
        )

    def _commit(self, name: str, release: Release) -> LookedUpEvidence | None:
        if self._git.resolve(name) != name:
            return None
        if release.base is None:
            belongs = name == release.commit
        else:
            is_old = self._git.is_ancestor(name, release.base)
            belongs = self._git.is_ancestor(name, release.commit) and not is_old
        return LookedUpEvidence(of_release=belongs, ended=_SUCCESS, digest=name)

    def writers(self, release: Release) -> Writers:
        """Implements the port with git's names. Merges, and commits of state alone, have no writer."""
        names: dict[str, None] = {}
        for entry in self._entries(release):
            if len(entry.parents) < _MERGE and not _is_of_state(entry.paths):
                names |= dict.fromkeys((entry.author, *_co_authors(self._message(entry.commit))))
        return Writers(tuple(names), "" if names else "no commit of it changes the product")

    def _entries(self, release: Release) -> Iterator[LoggedCommit]:
        log = self._git.log(release.commit, [], since=release.base, whole=True)
        if release.base is not None:
            return log
        alone = tuple(islice(log, 1))
        if alone and len(alone[0].parents) >= _MERGE:
            return self._git.log(release.commit, [], since=alone[0].parents[0], whole=True)
        return iter(alone)

    def _message(self, commit: str) -> str:
        found = self._git.read(commit)
        return found.body.decode("utf-8", "replace") if found else ""


def _is_of_state(paths: Sequence[str]) -> bool:
    return all(path.startswith(f"{STATE}/") for path in paths)


def _co_authors(message: str) -> list[str]:
    """Returns names of the trailers that GitHub reads."""
    return [found[1].strip() for found in _CO_AUTHOR.finditer(message)]
