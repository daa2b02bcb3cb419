"""The Evidence port over GitHub's API: runs, jobs, artifacts, commits, reviews and files, as they are now."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote

from pydantic import Field

from rollout.adapters.github.answers import Document, Login, Sha, parsed, parsed_or_none
from rollout.adapters.github.api import PAGE, Api, RefusedByGitHubError, owner_and_name
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.people import Role
from rollout.adapters.github.written import Authorship, written_of_each, written_query
from rollout.core.files import STATE
from rollout.core.signoff.evidence import EvidencePlaces, Kind, LookedUpEvidence, Reference
from rollout.core.signoff.people import Writers
from rollout.core.state import Release

_SUCCESS = "success"
MOST_COMMITS = 1000
"""Of a release whose writers are asked for: that costs 30 requests, once."""
_AT_ONCE = 50
_MERGE = 2
"""Parents of a merge at least."""
_HIDDEN = """query($id: ID!) { node(id: $id) { ... on PullRequestReview { isMinimized } } }"""
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
    author: Login | None = None
    parents: tuple[Sha, ...] = ()


class _Review(Document):
    id: int
    node_id: str = Field(exclude=True)
    """Its id in GraphQL; no part of its digest, which signatures of older versions have."""
    state: str
    body: str = ""
    commit_id: str | None = None
    user: _User | None = None


class _Pull(Document):
    merged: bool = False
    merge_commit_sha: str | None = None
    head: Sha


class _Object(Document):
    kind: str
    oid: str


class _Comparison(Document):
    status: str
    commits: tuple[_Commit, ...] = ()


A = TypeVar("A", bound=Document)


class GitHubEvidence:
    """Evidence as it is now; nothing is remembered."""

    def __init__(self, api: Api, listing: Listing, server: str) -> None:
        """`server` is where pages are, such as `https://github.com`."""
        self._api = api
        self._listing = listing
        self._server = server

    def places(self) -> EvidencePlaces:
        """Returns the product's repository and this one."""
        return EvidencePlaces(self._server, (self._listing.product, self._api.repository))

    def writers(self, release: Release) -> Writers:
        """Implements the port. Commits that touch nothing but state have no writer."""
        commits = self._commits(release)
        if len(commits) > MOST_COMMITS:
            return Writers(unknown=f"it has more than {MOST_COMMITS} commits")
        folder = STATE if self._listing.product == self._api.repository else None
        logins: dict[str, None] = {}
        mainline = _mainline(commits, release.commit)
        for start in range(0, len(commits), _AT_ONCE):
            some = commits[start : start + _AT_ONCE]
            for commit, written in zip(some, self._written([each.sha for each in some]), strict=True):
                if written.touches_only(folder):
                    continue
                # A merge into another branch may hold what somebody wrote to solve its conflicts.
                by_button = written.by_web and commit.sha in mainline
                people = written.people(commit.author or "", by_button=by_button)
                if not people and not by_button:
                    return Writers(unknown=f"commit {commit.sha[:10]} belongs to no account")
                logins |= dict.fromkeys(people)
        return Writers(tuple(logins), "" if logins else "no commit of it has an author")

    def _commits(self, release: Release) -> list[_Commit]:
        """Returns those of the release, newest first; of a release that has too many, a few more than
        that.
        """
        product, base = self._listing.product, release.base
        if base is None:
            alone = self._get(_Commit, f"/repos/{product}/commits/{release.commit}")
            if alone is None or len(alone.parents) < _MERGE:
                return [alone] if alone else []
            base = alone.parents[0]
        path = f"/repos/{product}/compare/{base}...{release.commit}"
        doing = f"listing the commits of {release.version}"
        pages = self._api.pages(doing, path, _Comparison, most=MOST_COMMITS // PAGE + 1)
        return [commit for page in pages for commit in page.commits][::-1]

    def _written(self, commits: Sequence[str]) -> list[Authorship]:
        wanted, query = owner_and_name(self._listing.product), written_query(commits)

        def ask() -> list[Authorship]:
            return written_of_each(self._api.graphql(query, wanted), len(commits))

        return self._api.attempt("asking who wrote the release", ask)

    def look_up(self, reference: Reference, release: Release) -> LookedUpEvidence | None:
        """Returns what is there; None when there is nothing of that number or name."""
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

    def _run(self, repository: str, number: str, release: Release) -> LookedUpEvidence | None:
        run = self._get(_Run, f"/repos/{repository}/actions/runs/{number}")
        if run is None:
            return None
        return LookedUpEvidence(run.head_sha == release.commit, run.ended, _digest(run))

    def _job(self, repository: str, reference: Reference, release: Release) -> LookedUpEvidence | None:
        job = self._get(_Job, f"/repos/{repository}/actions/jobs/{reference.name}")
        if job is None or str(job.run_id) != reference.within:
            return None
        return LookedUpEvidence(job.head_sha == release.commit, job.conclusion or job.status, _digest(job))

    def _artifact(self, repository: str, reference: Reference, release: Release) -> LookedUpEvidence | None:
        artifact = self._get(_Artifact, f"/repos/{repository}/actions/artifacts/{reference.name}")
        of_run = artifact.workflow_run.id if artifact and artifact.workflow_run else None
        if artifact is None or str(of_run) != reference.within:
            return None
        run = self._run(repository, reference.within, release)
        if run is None:
            return None
        # Its content stays what it was: what expired is told apart, and is no other digest.
        as_signed = artifact.model_copy(update={"expired": False})
        return LookedUpEvidence(run.of_release, run.ended, _digest(as_signed), expired=artifact.expired)

    def _commit(self, repository: str, name: str, release: Release) -> LookedUpEvidence | None:
        if self._get(_Commit, f"/repos/{repository}/commits/{name}") is None:
            return None
        belongs = name == release.commit
        if not belongs and release.base and repository == self._listing.product:
            is_old = self._leads(repository, name, release.base)
            belongs = not is_old and self._leads(repository, name, release.commit)
        return LookedUpEvidence(belongs, _SUCCESS, name)

    def _leads(self, repository: str, older: str, newer: str) -> bool:
        found = self._get(_Comparison, f"/repos/{repository}/compare/{older}...{newer}")
        return found is not None and found.status in ("ahead", "identical")

    def _review(self, repository: str, reference: Reference, release: Release) -> LookedUpEvidence | None:
        pull = f"/repos/{repository}/pulls/{reference.within}"
        review = self._get(_Review, f"{pull}/reviews/{reference.name}")
        if review is None:
            return None
        of_release = self._is_of_release(pull, review, release)
        if review.state != "APPROVED":
            return LookedUpEvidence(of_release, review.state.lower(), _digest(review))
        return LookedUpEvidence(
            of_release, self._why_no_approval(repository, review) or _SUCCESS, _digest(review)
        )

    def _why_no_approval(self, repository: str, review: _Review) -> str:
        """Returns why it does not count. Anybody who can read may approve;
        only approvals of those who can write count.
        """
        reviewer = review.user
        if reviewer is None:
            return "its author has no account any more"
        if self._is_hidden(review):
            return "it is hidden"
        path = f"/repos/{repository}/collaborators/{quote(reviewer.login)}/permission"
        role = self._get(Role, path)
        if role is not None and role.level.may_write:
            return ""
        return f"{reviewer.login} has no write access"

    def _is_hidden(self, review: _Review) -> bool:
        def ask() -> bool:
            answer = self._api.graphql(_HIDDEN, {"id": review.node_id})
            found = parsed_or_none(dict[str, bool], answer, "node")
            return found is None or parsed(bool, found, "isMinimized")

        return self._api.attempt(f"looking up review {review.id}", ask)

    def _is_of_release(self, pull: str, review: _Review, release: Release) -> bool:
        """Returns a review of the release commit, or of the whole of what was merged as the release
        commit.
        """
        if review.commit_id == release.commit:
            return True
        of = self._get(_Pull, pull)
        if of is None or not of.merged or of.merge_commit_sha != release.commit:
            return False
        return review.commit_id == of.head

    def _file(self, path: str, release: Release) -> LookedUpEvidence | None:
        owner, _, name = self._listing.product.partition("/")
        wanted = {"owner": owner, "name": name, "place": f"{release.commit}:{path}"}
        found = self._api.attempt(
            f"looking up {path}",
            lambda: parsed_or_none(_Object, self._api.graphql(_OBJECT, wanted), "repository", "object"),
        )
        if found is None:
            return None
        return LookedUpEvidence(True, _SUCCESS if found.kind == "Blob" else "it is no file", found.oid)

    def _get(self, model: type[A], path: str) -> A | None:
        def ask() -> A | None:
            try:
                return parsed(model, self._api.rest("GET", path))
            except RefusedByGitHubError as refusal:
                if refusal.status in (404, 410, 422):
                    return None
                raise

        return self._api.attempt(f"looking up {path.removeprefix('/repos/')}", ask)


def _mainline(commits: Sequence[_Commit], tip: str) -> frozenset[str]:
    """Returns the commits that the product's branch had as its tip, as far as first parents tell."""
    parents = {commit.sha: commit.parents for commit in commits}
    found: list[str] = []
    while tip in parents:
        found.append(tip)
        tip = parents[tip][0] if parents[tip] else ""
    return frozenset(found)


def _digest(found: Document) -> str:
    """Returns the digest of every field."""
    return sha256(json.dumps(found.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()
