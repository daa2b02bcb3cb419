"""Evidence as it is looked up: in a repository, and over GitHub's API against the fake hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakehub.entities import Access, Artifact, JobResult, Thread, Token
from fakehub.fixtures import hub
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.git import Git
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.evidence import GitHubEvidence
from rollout.adapters.github.listing import Listing
from rollout.adapters.local.evidence import LocalEvidence
from rollout.core.signoff.evidence import EvidencePlaces, Kind, LookedUpEvidence, Reference, judge
from rollout.core.signoff.people import Writers
from rollout.core.state import Release
from tests.adapters.github.world import WaitingClock
from tests.adapters.scratch import NOON, Repository

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
    assert seen == LookedUpEvidence(True, "success", repository.git("rev-parse", "HEAD:docs/a.md"))
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


def test_writers_are_whom_git_names(local: LocalEvidence, repository: Repository) -> None:
    """Authors and co-authors of the range, without merges and what touches only state."""
    base = repository.head()
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"d": "4\n"}, "Add d\n\nCo-authored-by: Zoe <zoe@example.com>")
    repository.git("checkout", "-q", "main")
    repository.git("config", "user.name", "merger")
    repository.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    merge = repository.head()
    repository.git("config", "user.name", "operator")
    repository.commit({"state/tau/rollout.yaml": "frozen\n"}, "Freeze by hand")
    first = repository.git("log", "-1", "--format=%an", base)
    whole = Release(version="v0.1.5", commit=repository.head(), base=base, started_at=NOON)
    assert local.writers(whole).logins == (first, "Zoe")
    alone = whole.model_copy(update={"commit": merge, "base": None})
    assert local.writers(alone).logins == (first, "Zoe"), "what the merge brought"
    assert local.writers(alone.model_copy(update={"commit": base})).logins == (first,)
    state = whole.model_copy(update={"base": merge})
    assert local.writers(state) == Writers(unknown="no commit of it changes the product")


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
        self.run = self.repo.add_run(self.release.commit, "success", "ada")

    def look(self, kind: Kind, name: object, within: object = "") -> LookedUpEvidence | None:
        reference = Reference(kind, str(name), "", "acme/tau", str(within))
        return self.evidence.look_up(reference, self.release)


@pytest.fixture
def there(hub: Hub, repository: Repository) -> There:
    return There(hub, repository)


def told(seen: LookedUpEvidence | None) -> tuple[bool, str] | None:
    return (seen.of_release, seen.ended) if seen else None


def test_a_run_of_the_release_that_succeeded(there: There) -> None:
    assert told(there.look(Kind.RUN, there.run.id)) == (True, "success")
    assert there.look(Kind.RUN, 1) is None
    other = there.repo.add_run(there.release.base or "", "success", "ada")
    assert told(there.look(Kind.RUN, other.id)) == (False, "success")
    running = there.repo.add_run(there.release.commit, None, "ada")
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


@pytest.mark.parametrize("access", [Access.NONE, Access.READ])
def test_a_review_of_somebody_who_may_not_write_approves_nothing(
    there: There, repository: Repository, access: Access
) -> None:
    repository.git("checkout", "-q", "-b", "change", "main")
    repository.commit({"c": "3\n"}, "Change")
    there.repo.bare.git("fetch", "-q", str(repository.path), "change:change")
    pull = there.repo.open_pull(there.ada, "Change", "change", "main", "", False)
    approved = there.repo.review(there.hub.person("mallory", there.repo), pull.number, "APPROVED")
    there.repo.access["mallory"] = access
    assert told(there.look(Kind.REVIEW, approved.id, pull.number)) == (False, "mallory has no write access")


def test_a_hidden_review_approves_nothing(there: There, repository: Repository) -> None:
    repository.git("checkout", "-q", "-b", "change", "main")
    repository.commit({"c": "3\n"}, "Change")
    there.repo.bare.git("fetch", "-q", str(repository.path), "change:change")
    pull = there.repo.open_pull(there.ada, "Change", "change", "main", "", False)
    approved = there.repo.review(there.hub.person("bob", there.repo), pull.number, "APPROVED")
    approved.minimized = True
    assert told(there.look(Kind.REVIEW, approved.id, pull.number)) == (False, "it is hidden")


def test_an_artifact_that_expires_keeps_what_it_signed(there: There) -> None:
    made = datetime(2026, 11, 23, tzinfo=UTC)
    artifact = Artifact(88, there.run.id, "report", b"PK", made, there.release.commit, "main")
    there.repo.artifacts.append(artifact)
    before = there.look(Kind.ARTIFACT, 88, there.run.id)
    there.repo.artifacts = [replace(artifact, expired=True)]
    after = there.look(Kind.ARTIFACT, 88, there.run.id)
    assert before is not None
    assert after is not None
    assert (before.expired, after.expired, before.digest == after.digest) == (False, True, True)
    named = Reference(Kind.ARTIFACT, "88", "", "acme/tau", str(there.run.id))
    assert judge(named, after, there.release.commit) == "artifact 88 has expired"
    assert judge(named, after, there.release.commit, signed=True) == ""


def test_a_path_is_looked_up_at_the_release_on_github(there: There) -> None:
    assert told(there.evidence.look_up(path("docs/a.md"), there.release)) == (True, "success")
    assert told(there.evidence.look_up(path("docs"), there.release)) == (True, "it is no file")
    assert there.evidence.look_up(path("docs/none.md"), there.release) is None


def test_evidence_may_lie_in_both_repositories(there: There) -> None:
    assert there.evidence.places() == EvidencePlaces("https://github.com", ("acme/tau", "acme/tau"))


def commit_as(there: There, login: str, path: str, message: str = "Change", branch: str = "main") -> str:
    """A commit of that person on top of a branch of the product."""
    head = there.repo.bare.branch(branch)
    assert head is not None
    token = there.hub.person(login, there.repo)
    return there.repo.commit_on_branch(token, branch, head, message, [(path, b"x\n")], [])


def pull_of(there: There, opener: Token, *, branch: str = "change") -> Thread:
    return there.repo.open_pull(opener, "Fix", branch, "main", None, False)


def merged_by(there: There, presser: str, thread: Thread, method: str = "merge") -> str:
    there.repo.merge(there.hub.person(presser, there.repo), thread.number, method=method)
    assert thread.pull is not None
    assert thread.pull.merge_commit is not None
    return thread.pull.merge_commit


def writers(there: There, base: str | None, commit: str) -> Writers:
    return there.evidence.writers(there.release.model_copy(update={"base": base, "commit": commit}))


def main_of(there: There) -> str:
    head = there.repo.bare.branch("main")
    assert head is not None
    return head


def test_everybody_in_the_range_wrote_the_release_and_the_merge_button_did_not(there: There) -> None:
    base = main_of(there)
    commit_as(there, "dora", "src/d.txt")
    there.repo.bare.git("branch", "change", "main")
    there.hub.person("zoe", there.repo)
    commit_as(there, "carl", "src/c.txt", "Fix\n\nCo-authored-by: zoe <zoe@example.com>", "change")
    pull = pull_of(there, there.hub.person("otto", there.repo))
    merge = merged_by(there, "grace", pull)
    commit_as(there, "ops", "state/tau/rollout.yaml", "Freeze by hand")
    assert sorted(writers(there, base, main_of(there)).logins) == ["carl", "dora", "otto", "zoe"]
    assert sorted(writers(there, None, merge).logins) == ["carl", "otto", "zoe"], "what the merge brought"
    assert writers(there, merge, main_of(there)).unknown == "no commit of it has an author"


def test_who_solves_conflicts_in_the_browser_wrote_a_part_of_it(there: There) -> None:
    """GitHub merges the base into the pull request's branch, with what that person typed."""
    base, bare = main_of(there), there.repo.bare
    bare.git("branch", "change", "main")
    commit_as(there, "carl", "src/c.txt", "Fix", "change")
    commit_as(there, "dora", "src/d.txt", "Other")
    pull = pull_of(there, there.hub.person("otto", there.repo))
    there.hub.person("bob", there.repo)
    github = ("-c", "user.name=bob", "-c", "user.email=bob@example.com", "-c", "committer.name=GitHub")
    typed = ("-c", "committer.email=noreply@github.com", "commit-tree", "main^{tree}")
    merge = bare.git(*github, *typed, "-p", "change", "-p", "main", "-m", "Merge branch 'main' into change")
    bare.git("update-ref", "refs/heads/change", merge.strip())
    released = merged_by(there, "grace", pull)
    assert sorted(writers(there, base, released).logins) == ["bob", "carl", "dora", "otto"]


def test_of_a_squash_whoever_pressed_the_button_wrote_nothing(there: There) -> None:
    base = main_of(there)
    there.repo.bare.git("branch", "change", "main")
    commit_as(there, "carl", "src/c.txt", "Fix", "change")
    commit_as(there, "zoe", "src/z.txt", "Fix more", "change")
    pull = pull_of(there, there.hub.person("otto", there.repo))
    squash = merged_by(there, "grace", pull, "squash")
    assert sorted(writers(there, base, squash).logins) == ["carl", "otto", "zoe"]


def test_a_commit_of_no_account_is_named(there: There, repository: Repository) -> None:
    """Whoever opened its pull request stands for its author; a co-author does not."""
    repository.git("checkout", "-q", "-b", "change", "main")
    nameless = repository.commit({"c": "3\n"}, "Fix\n\nCo-authored-by: zoe <zoe@example.com>")
    there.repo.bare.git("fetch", "-q", str(repository.path), "change:change")
    there.hub.person("zoe", there.repo)
    assert writers(there, None, nameless) == Writers((), f"commit {nameless[:10]} belongs to no account")
    merged_by(there, "grace", pull_of(there, there.hub.person("otto", there.repo)))
    assert sorted(writers(there, None, nameless).logins) == ["otto", "zoe"]


def test_a_bot_that_opens_pull_requests_is_no_person_of_its_name(there: There) -> None:
    there.repo.bare.git("branch", "change", "main")
    commit = commit_as(there, "carl", "src/c.txt", "Fix", "change")
    bot = there.hub.app_token(there.repo)
    merged_by(there, "grace", pull_of(there, bot))
    assert writers(there, None, commit).logins == ("carl", bot.account.login)


def test_a_long_release_is_asked_for_in_pages(there: There) -> None:
    base = main_of(there)
    for number in range(120):
        commit_as(there, f"dev{number % 3}", f"src/{number}.txt")
    there.hub.forget_calls()
    assert sorted(writers(there, base, main_of(there)).logins) == ["dev0", "dev1", "dev2"]
    assert len(there.hub.calls()) == 5


def test_a_pull_request_that_was_not_merged_wrote_nothing(there: There) -> None:
    base = main_of(there)
    there.repo.bare.git("branch", "change", "main")
    commit = commit_as(there, "carl", "src/c.txt", "Fix", "change")
    pull_of(there, there.hub.person("otto", there.repo))
    assert writers(there, base, commit).logins == ("carl",)
