"""Evidence in the repository itself: a path at the release commit, or one of the release's commits."""

from __future__ import annotations

from rollout.adapters.git import Git
from rollout.core.signoff.evidence import Kind, Places, Reference, Seen
from rollout.core.state import Release

_SUCCESS = "success"


class LocalEvidence:
    def __init__(self, git: Git) -> None:
        self._git = git

    def places(self) -> Places:
        """No pages: links are for GitHub."""
        return Places()

    def look_up(self, reference: Reference, release: Release) -> Seen | None:
        """What is there; None when there is nothing of that name."""
        if reference.kind is Kind.COMMIT:
            return self._commit(reference.name, release)
        if reference.kind is not Kind.PATH:
            return None
        folder, _, name = reference.name.rpartition("/")
        entry = self._git.tree(f"{release.commit}:{folder}").get(name)
        if entry is None:
            return None
        return Seen(of_release=True, ended="it is a folder" if entry.is_folder else _SUCCESS, digest=entry.id)

    def _commit(self, name: str, release: Release) -> Seen | None:
        if self._git.resolve(name) != name:
            return None
        if release.base is None:
            belongs = name == release.commit
        else:
            is_old = self._git.is_ancestor(name, release.base)
            belongs = self._git.is_ancestor(name, release.commit) and not is_old
        return Seen(of_release=belongs, ended=_SUCCESS, digest=name)

    def author(self, commit: str) -> str | None:
        """The name that git has for its author."""
        found = self._git.read(commit)
        lines = found.body.decode("utf-8", "replace").splitlines() if found else []
        named = (
            line.removeprefix("author ").partition(" <")[0] for line in lines if line.startswith("author ")
        )
        return next(named, None)
