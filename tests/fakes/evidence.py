"""Evidence in memory: what is there, and what becomes of it."""

from __future__ import annotations

from rollout.core.signoff.evidence import EvidencePlaces, Kind, LookedUpEvidence, Reference
from rollout.core.signoff.people import Writers
from rollout.core.state import Release
from rollout.errors import OutsideError


class FakeEvidence:
    """Fills the `Evidence` port. Paths and the release's own commit are there unless they are in `gone`."""

    def __init__(self) -> None:
        self.server = "https://github.com"
        self.repositories: tuple[str, ...] = ("acme/tau",)
        self.objects: dict[str, LookedUpEvidence] = {}
        """Runs, jobs, artifacts and reviews, by their links."""
        self.gone: set[str] = set()
        self.authors: dict[str, str] = {}
        self.others: tuple[str, ...] = ()
        """Who else wrote a part of each release."""
        self.is_down = False
        self.asked: list[str] = []

    def copy(self) -> FakeEvidence:
        other = FakeEvidence()
        other.server, other.repositories, other.is_down = self.server, self.repositories, self.is_down
        other.objects, other.gone, other.authors = dict(self.objects), set(self.gone), dict(self.authors)
        other.asked, other.others = list(self.asked), self.others
        return other

    def places(self) -> EvidencePlaces:
        return EvidencePlaces(self.server, self.repositories)

    def look_up(self, reference: Reference, release: Release) -> LookedUpEvidence | None:
        if self.is_down:
            raise OutsideError("the forge is down")
        self.asked.append(reference.text)
        if reference.text in self.gone:
            return None
        if reference.kind is Kind.PATH:
            return LookedUpEvidence(of_release=True, ended="success", digest=reference.name)
        if reference.kind is Kind.COMMIT:
            return LookedUpEvidence(reference.name == release.commit, ended="success", digest=reference.name)
        return self.objects.get(reference.text)

    def writers(self, release: Release) -> Writers:
        if self.is_down:
            raise OutsideError("the forge is down")
        author = self.authors.get(release.commit)
        if author is None:
            return Writers(unknown=f"commit {release.commit[:10]} belongs to no account")
        return Writers((author, *self.others))
