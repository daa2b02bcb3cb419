"""Evidence as it is looked up: in a repository, and over GitHub's API against the fake hub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.evidence import GitHubEvidence
from rollout.adapters.github.listing import Listing
from rollout.adapters.local_evidence import LocalEvidence
from rollout.core.signoff.evidence import Kind, Places, Reference, Seen
from rollout.core.state import Release
from tests.adapters.github_world import WaitingClock
from tests.adapters.scratch import NOON, Repository
from tests.fakehub.entities import Artifact, JobResult, Run
from tests.fakehub.fixtures import hub
from tests.fakehub.hub import Hub
from tests.fakehub.repo import Repo

__all__ = ["hub"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    repository = Repository(tmp_path / "repo", {"docs/a.md": "1\n"})
    repository.commit({"docs/b.md": "2\n"}, "Release")
    return repository


def release(repository: Repository, *, base: bool = False) -> Release:
    before = repository.head("main^") if base else None
    return Release(version="v0.1.5", commit=repository.head(), base=before, started_at=NOON)


def path(name: str) -> Reference:
    return Reference(Kind.PATH, name, name)


# --- the local forge ---------------------------------------------------------------------------------------


@pytest.fixture
def local(repository: Repository) -> Iterator[LocalEvidence]:
    git = Git(repository.path)
    yield LocalEvidence(git)
    git.close()


def test_a_path_is_looked_up_at_the_release(local: LocalEvidence, repository: Repository) -> None:
    of = release(repository)
    repository.write("docs/later.md", "x\n")
    seen = local.look_up(path("docs/a.md"), of)
    assert seen == Seen(True, "success", repository.git("rev-parse", "HEAD:docs/a.md"))
    assert local.look_up(path("docs/later.md"), of) is None
    assert local.look_up(path("docs/a.md/x"), of) is None
    folder = local.look_up(path("docs"), of)
    assert folder is not None
    assert folder.ended == "it is a folder"


def test_a_commit_has_to_be_one_of_the_release(local: LocalEvidence, repository: Repository) -> None:
    head, before = repository.head(), repository.head("main^")
    later = repository.commit({"x": "3\n"}, "Later")
    for base, belongs in ((False, {head}), (True, {head})):
        of = Release(version="v1", commit=head, base=before if base else None, started_at=NOON)
        for name in (head, before, later):
            seen = local.look_up(Reference(Kind.COMMIT, name, name), of)
            assert seen is not None
            assert seen.of_release == (name in belongs)
    assert local.look_up(Reference(Kind.COMMIT, "9" * 40, "x"), release(repository)) is None
    assert local.look_up(Reference(Kind.RUN, "9", "x"), release(repository)) is None


def test_the_author_is_whom_git_names(local: LocalEvidence, repository: Repository) -> None:
    assert local.author(repository.head()) == repository.git("log", "-1", "--format=%an")
    assert local.author("9" * 40) is None
    assert local.places() == Places()


# --- GitHub ------------------------------------------------------------------------------------------------


class There:
    """The repository on the fake hub, with a run of its release, and what it left."""

    def __init__(self, hub: Hub, repository: Repository) -> None:
        self.hub = hub
        self.repo: Repo = hub.repo("acme/tau", seed=repository.path)
        self.release = release(repository, base=True)
        self.ada = hub.person("ada", self.repo)
        api = Api(
            Address("acme/tau", hub.url, f"{hub.url}/graphql"),
            hub.app_token(self.repo).value,
            WaitingClock(hub.clock),
        )
        self.evidence = GitHubEvidence(api, Listing(api, lambda: "main"), "https://github.com")
        self.run = self.add_run(self.release.commit, "success")

    def add_run(self, sha: str, conclusion: str | None) -> Run:
        status = "completed" if conclusion else "in_progress"
        run = Run(
            id=self.hub.next_id(),
            number=1,
            workflow=".github/workflows/ci.yml",
            name="ci",
            event="push",
            branch="main",
            sha=sha,
            actor=self.hub.account("ada"),
            created_at=self.hub.clock.now(),
            payload={},
            status=status,
            conclusion=conclusion,
            updated_at=self.hub.clock.now(),
        )
        self.repo.runs.append(run)
        return run

    def look(self, kind: Kind, name: object, within: object = "") -> Seen | None:
        reference = Reference(kind, str(name), "", "acme/tau", str(within))
        return self.evidence.look_up(reference, self.release)


@pytest.fixture
def there(hub: Hub, repository: Repository) -> There:
    return There(hub, repository)


def told(seen: Seen | None) -> tuple[bool, str] | None:
    return (seen.of_release, seen.ended) if seen else None


def test_a_run_of_the_release_that_succeeded(there: There) -> None:
    assert told(there.look(Kind.RUN, there.run.id)) == (True, "success")
    assert there.look(Kind.RUN, 1) is None
    other = there.add_run(there.release.base or "", "success")
    assert told(there.look(Kind.RUN, other.id)) == (False, "success")
    running = there.add_run(there.release.commit, None)
    assert told(there.look(Kind.RUN, running.id)) == (True, "in_progress")


def test_a_run_that_is_made_again_is_another(there: There) -> None:
    before = there.look(Kind.RUN, there.run.id)
    there.run.attempt, there.run.conclusion = 2, "failure"
    after = there.look(Kind.RUN, there.run.id)
    assert before is not None
    assert after is not None
    assert (told(after), after.digest == before.digest) == ((True, "failure"), False)


def test_a_job_and_an_artifact_have_to_be_of_the_run_that_is_named(there: There) -> None:
    there.run.jobs.append(JobResult(77, "Test", "test", "success"))
    assert told(there.look(Kind.JOB, 77, there.run.id)) == (True, "success")
    assert there.look(Kind.JOB, 77, 1) is None
    made = datetime(2026, 11, 23, tzinfo=UTC)
    there.repo.artifacts.append(
        Artifact(88, there.run.id, "report", b"PK", made, there.release.commit, "main")
    )
    assert told(there.look(Kind.ARTIFACT, 88, there.run.id)) == (True, "success")
    assert there.look(Kind.ARTIFACT, 88, 1) is None
    there.run.conclusion = "failure"
    assert told(there.look(Kind.ARTIFACT, 88, there.run.id)) == (True, "failure")
    there.repo.runs.remove(there.run)
    assert there.look(Kind.ARTIFACT, 88, there.run.id) is None


def test_a_commit_has_to_be_between_base_and_release(there: There) -> None:
    assert told(there.look(Kind.COMMIT, there.release.commit)) == (True, "success")
    assert told(there.look(Kind.COMMIT, there.release.base)) == (False, "success")
    assert there.look(Kind.COMMIT, "9" * 40) is None


def test_a_review_has_to_approve_the_release(there: There, repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "change", "main")
    repository.commit({"c": "3\n"}, "Change")
    there.repo.bare.git("fetch", "-q", str(repository.path), "change:change")
    pull = there.repo.open_pull(there.ada, "Change", "change", "main", "", False)
    bob = there.hub.person("bob", there.repo)
    approved = there.repo.review(bob, pull.number, "APPROVED")
    assert told(there.look(Kind.REVIEW, approved.id, pull.number)) == (False, "success")
    there.repo.merge(there.ada, pull.number)
    merged = pull.pull.merge_commit if pull.pull else ""
    there.release = there.release.model_copy(update={"commit": merged})
    assert told(there.look(Kind.REVIEW, approved.id, pull.number)) == (True, "success")
    approved.state = "DISMISSED"
    assert told(there.look(Kind.REVIEW, approved.id, pull.number)) == (True, "dismissed")
    assert there.look(Kind.REVIEW, 1, pull.number) is None


def test_a_path_is_looked_up_at_the_release_on_github(there: There) -> None:
    assert told(there.evidence.look_up(path("docs/a.md"), there.release)) == (True, "success")
    assert told(there.evidence.look_up(path("docs"), there.release)) == (True, "it is no file")
    assert there.evidence.look_up(path("docs/none.md"), there.release) is None


def test_where_evidence_may_lie_and_who_wrote_the_release(there: There) -> None:
    assert there.evidence.places() == Places("https://github.com", ("acme/tau", "acme/tau"))
    assert there.evidence.author("9" * 40) is None
    assert there.evidence.author(there.release.commit) is None, "its address belongs to no account"
