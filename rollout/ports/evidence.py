"""Looking evidence up, and who wrote a release."""

from __future__ import annotations

from typing import Protocol

from rollout.core.signoff.evidence import EvidencePlaces, LookedUpEvidence, Reference
from rollout.core.signoff.people import Writers
from rollout.core.state import Release


class Evidence(Protocol):
    """What people's evidence names, in the product's or in this repository. Raises OutsideError."""

    def places(self) -> EvidencePlaces:
        """Returns where evidence may lie."""

    def look_up(self, reference: Reference, release: Release) -> LookedUpEvidence | None:
        """Returns what is there now; None when there is nothing (any more)."""

    def writers(self, release: Release) -> Writers:
        """Returns authors and co-authors of the release's commits, and who opened its pull requests;
        not who merged.

        A release without a base is its commit alone, or what that merges.
        """
