"""The Evidence port over GitHub's API: runs, jobs, artifacts, commits, reviews and files, as they are now."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TypeVar

from rollout.adapters.github.api import Api, Document, RefusedByGitHubError, parsed
from rollout.adapters.github.listing import Listing
from rollout.core.signoff.evidence import Kind, Places, Reference, Seen
from rollout.core.state import Release

_SUCCESS = "success"
_OBJECT = """query($owner: String!, $name: String!, $place: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner object(expression: $place) { kind: __typename oid } }
}"""


class _Run(Document):
    id: int
    head_sha: str
    status: str | None = None
    conclusion: str | None = None
    run_attempt: int = 1

    @property
    def ended(self) -> str:
        return self.conclusion or self.status or "unknown"


class _Job(Document):
    id: int
    run_id: int
    head_sha: str
    status: str
    conclusion: str | None = None
    run_attempt: int = 1


class _RunOfArtifact(Document):
    id: int | None = None


class _Artifact(Document):
    id: int
    expired: bool
    size_in_bytes: int
    digest: str | None = None
    workflow_run: _RunOfArtifact | None = None


class _User(Document):
    login: str


class _Commit(Document):
    sha: str
    author: _User | None = None


class _Review(Document):
    id: int
    state: str
    body: str = ""
    commit_id: str | None = None
    user: _User | None = None


class _Head(Document):
    sha: str


class _Pull(Document):
    merged: bool = False
    merge_commit_sha: str | None = None
    head: _Head


class _Object(Document):
    kind: str
    oid: str


class _ObjectRepository(Document):
    object: _Object | None = None


class _ObjectAnswer(Document):
    repository: _ObjectRepository


class _Comparison(Document):
    status: str


A = TypeVar("A", bound=Document)


class GitHubEvidence:
    """Evidence as it is now; nothing is remembered."""

    def __init__(self, api: Api, listing: Listing, server: str) -> None:
        """`server` is where pages are, such as `https://github.com`."""
        self._api = api
        self._listing = listing
        self._server = server

    def places(self) -> Places:
        """The product's repository and this one."""
        return Places(self._server, (self._listing.product, self._api.repository))

    def author(self, commit: str) -> str | None:
        """Login of the account that GitHub knows the author's address of."""
        found = self._get(_Commit, f"/repos/{self._listing.product}/commits/{commit}")
        return found.author.login if found and found.author else None

    def look_up(self, reference: Reference, release: Release) -> Seen | None:
        """What is there; None when there is nothing of that number or name."""
        repository = reference.repository or self._listing.product
        match reference.kind:
            case Kind.RUN:
                return self._run(repository, reference.name, release)
            case Kind.JOB:
                return self._job(repository, reference, release)
            case Kind.ARTIFACT:
                return self._artifact(repository, reference, release)
            case Kind.COMMIT:
                return self._commit(repository, reference.name, release)
            case Kind.REVIEW:
                return self._review(repository, reference, release)
            case Kind.PATH:
                return self._file(reference.name, release)

    def _run(self, repository: str, number: str, release: Release) -> Seen | None:
        run = self._get(_Run, f"/repos/{repository}/actions/runs/{number}")
        if run is None:
            return None
        return Seen(run.head_sha == release.commit, run.ended, _digest(run))

    def _job(self, repository: str, reference: Reference, release: Release) -> Seen | None:
        job = self._get(_Job, f"/repos/{repository}/actions/jobs/{reference.name}")
        if job is None or str(job.run_id) != reference.within:
            return None
        return Seen(job.head_sha == release.commit, job.conclusion or job.status, _digest(job))

    def _artifact(self, repository: str, reference: Reference, release: Release) -> Seen | None:
        artifact = self._get(_Artifact, f"/repos/{repository}/actions/artifacts/{reference.name}")
        of_run = artifact.workflow_run.id if artifact and artifact.workflow_run else None
        if artifact is None or str(of_run) != reference.within:
            return None
        run = self._run(repository, reference.within, release)
        if run is None:
            return None
        ended = "it has expired" if artifact.expired else run.ended
        return Seen(run.of_release, ended, _digest(artifact))

    def _commit(self, repository: str, name: str, release: Release) -> Seen | None:
        if self._get(_Commit, f"/repos/{repository}/commits/{name}") is None:
            return None
        belongs = name == release.commit
        if not belongs and release.base and repository == self._listing.product:
            is_old = self._leads(repository, name, release.base)
            belongs = not is_old and self._leads(repository, name, release.commit)
        return Seen(belongs, _SUCCESS, name)

    def _leads(self, repository: str, older: str, newer: str) -> bool:
        found = self._get(_Comparison, f"/repos/{repository}/compare/{older}...{newer}")
        return found is not None and found.status in ("ahead", "identical")

    def _review(self, repository: str, reference: Reference, release: Release) -> Seen | None:
        pull = f"/repos/{repository}/pulls/{reference.within}"
        review = self._get(_Review, f"{pull}/reviews/{reference.name}")
        if review is None:
            return None
        ended = _SUCCESS if review.state == "APPROVED" else review.state.lower()
        return Seen(self._is_of_release(pull, review, release), ended, _digest(review))

    def _is_of_release(self, pull: str, review: _Review, release: Release) -> bool:
        """A review of the release commit, or of the whole of what was merged as the release commit."""
        if review.commit_id == release.commit:
            return True
        of = self._get(_Pull, pull)
        if of is None or not of.merged or of.merge_commit_sha != release.commit:
            return False
        return review.commit_id == of.head.sha

    def _file(self, path: str, release: Release) -> Seen | None:
        owner, _, name = self._listing.product.partition("/")
        wanted = {"owner": owner, "name": name, "place": f"{release.commit}:{path}"}
        answer = self._api.attempt(
            f"looking up {path}", lambda: parsed(_ObjectAnswer, self._api.graphql(_OBJECT, wanted))
        )
        found = answer.repository.object
        if found is None:
            return None
        return Seen(True, _SUCCESS if found.kind == "Blob" else "it is no file", found.oid)

    def _get(self, model: type[A], path: str) -> A | None:
        def ask() -> A | None:
            try:
                return parsed(model, self._api.rest("GET", path))
            except RefusedByGitHubError as refusal:
                if refusal.status in (404, 410, 422):
                    return None
                raise

        return self._api.attempt(f"looking up {path.removeprefix('/repos/')}", ask)


def _digest(found: Document) -> str:
    """Of all that is known of it."""
    return sha256(json.dumps(found.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
