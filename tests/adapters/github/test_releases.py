"""The list of releases over GitHub: pages, etags, drafts, and a list that cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakehub import faults
from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.adapters.channel_files import YamlFiles
from rollout.adapters.github.release_list import GitHubReleases
from rollout.commands.channel.cache import prune, refresh, show
from rollout.commands.channel.check import check
from rollout.commands.channel.record import Desk
from rollout.core.state import LookupSource
from rollout.core.state.release_cache import ReleaseRecord
from rollout.errors import OutsideError
from tests.adapters.github.world import GitHubWorld, seed
from tests.world import OLD_VERSION, TAU

__all__ = ["hub"]

LIST = "GET */releases"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    repository, release = seed(tmp_path_factory.mktemp("origin") / "repository")
    return repository.path, release


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str]) -> GitHubWorld:
    world = GitHubWorld(hub, *origin)
    world.repo.add_release(OLD_VERSION)
    world.repo.add_release("v0.1.5")
    hub.forget_calls()
    return world


def desk(world: GitHubWorld) -> Desk:
    run = world.run()
    return Desk(run.store, run.forge, run.releases, YamlFiles(), world.clock, body=lambda *_: "body")


def releases(world: GitHubWorld) -> GitHubReleases:
    return world.run().releases


def test_a_page_and_the_same_page_again(world: GitHubWorld) -> None:
    world.repo.add_release("nightly-2026-11-23")
    world.repo.add_release("v0.2.0-rc.1", prerelease=True)
    page = releases(world).page(1, "")
    assert page is not None
    assert (page.entries, page.leads_on) == (4, False)
    assert page.releases == (
        ReleaseRecord(tag="v0.2.0-rc.1", prerelease=True),
        ReleaseRecord(tag="v0.1.5"),
        ReleaseRecord(tag=OLD_VERSION),
    )
    made = world.hub.calls_made()
    assert releases(world).page(1, page.etag) is None
    assert world.hub.calls_made() == made
    world.repo.add_release("v0.1.6")
    assert releases(world).page(1, page.etag) is not None
    assert releases(world).source == f"{world.hub.url}/repos/acme/tau/releases"


def test_more_than_a_page(world: GitHubWorld) -> None:
    for patch in range(100):
        world.repo.add_release(f"v0.2.{patch}")
    first, second = releases(world).page(1, ""), releases(world).page(2, "")
    assert first is not None
    assert second is not None
    assert (first.entries, first.leads_on, second.entries, second.leads_on) == (100, True, 2, False)
    view, _ = refresh(desk(world), TAU)
    assert view.kept.cache is not None
    assert len(view.kept.cache.releases) == 102


def test_drafts_are_known_as_such(world: GitHubWorld) -> None:
    world.repo.add_release("v0.9.0", draft=True)
    page = releases(world).page(1, "")
    assert page is not None
    assert page.releases[0] == ReleaseRecord(tag="v0.9.0", draft=True)
    found, _ = check(desk(world), TAU)
    assert found.target_version == "v0.1.5"


@pytest.mark.parametrize("etag", ["x\r\nX-Evil: 1", '"a b"', "W/" + "x" * 300, "none"])
def test_an_etag_that_is_none_is_not_sent(world: GitHubWorld, etag: str) -> None:
    assert releases(world).page(1, etag) is not None


def test_an_unchanged_list_costs_nothing_of_the_rate_limit(world: GitHubWorld) -> None:
    refresh(desk(world), TAU)
    world.hub.forget_calls()
    world.clock.forward(minutes=20)
    found, _ = check(desk(world), TAU)
    assert found.lookup_source is LookupSource.LIVE
    assert [call.status for call in world.hub.calls() if call.path.endswith("/releases")] == [304]


@pytest.mark.parametrize(
    "fault",
    [faults.SERVER_ERROR, faults.FORBIDDEN, faults.NOT_FOUND, faults.rate_limited(4_000_000_000)],
    ids=["500", "403", "404", "rate limit"],
)
def test_an_outage_falls_back_to_the_cache_however_stale(world: GitHubWorld, fault: faults.Fault) -> None:
    world.hub.fail(LIST, fault, times=99)
    with pytest.raises(OutsideError, match="looking up page 1 of the releases of acme/tau failed"):
        check(desk(world), TAU)
    world.hub.heal()
    refresh(desk(world), TAU)
    world.clock.forward(minutes=60)
    world.hub.fail(LIST, fault, times=99)
    found, looked = check(desk(world), TAU)
    assert (found.target_version, found.lookup_source) == ("v0.1.5", LookupSource.CACHE_STALE_FALLBACK)
    assert "acme/tau failed" in looked.note


def test_the_cache_is_kept_and_taken_away_by_commits(world: GitHubWorld) -> None:
    refresh(desk(world), TAU)
    assert "tag: v0.1.5" in world.text("state/tau/release-cache.yaml")
    world.clock.forward(minutes=20)
    assert prune(desk(world), TAU).notes == ("it is stale by 5m",)
    assert "release-cache.yaml" not in world.repo.bare.git("ls-tree", "--name-only", "main:state/tau")
    assert not show(desk(world), TAU).is_there
    assert world.subjects()[:2] == [
        "rollout(tau): channel: drop the cache, it is stale by 5m",
        "rollout(tau): channel: cache 2 releases",
    ]


def test_a_cache_that_github_does_not_give_whole_breaks_nothing(world: GitHubWorld) -> None:
    head = world.repo.bare.id_of("main")
    big = ("state/tau/release-cache.yaml", b"x" * 600_000)
    world.repo.commit_on_branch(world.alice, "main", head, "a big cache", [big], [])
    assert show(desk(world), TAU).kept.problem
    found, _ = check(desk(world), TAU)
    assert found.lookup_source is LookupSource.LIVE


# --- one version -------------------------------------------------------------------------------------------


def tag(world: GitHubWorld, name: str, at: str = "main", *, annotated: bool = False) -> None:
    how = ("-a", "-m", name) if annotated else ()
    world.repo.bare.git("tag", *how, name, at)


@pytest.mark.parametrize(
    ("version", "tags"),
    [
        (OLD_VERSION, [OLD_VERSION]),
        (OLD_VERSION.removeprefix("v"), [OLD_VERSION]),
        ("v0.0.1", ["v0.0.1"]),
        ("0.0.2", ["0.0.2"]),
        ("v0.0.2", ["0.0.2"]),
        ("v0.0.3", ["v0.0.3"]),
        ("v0.0.4", ["v0.0.4"]),
        ("v0.0.5", []),
        ("v0.0.6", []),
        ("v9.9.9", []),
    ],
)
def test_a_version_is_asked_for_by_its_name(world: GitHubWorld, version: str, tags: list[str]) -> None:
    """A Release older than a page of them, tags, annotated ones too; no tag of a tree, and no draft."""
    for patch in range(150):
        world.repo.add_release(f"v0.2.{patch}")
    tag(world, "v0.0.1")
    tag(world, "0.0.2")
    tag(world, "v0.0.3", annotated=True)
    tag(world, "inner", annotated=True)
    tag(world, "v0.0.4", "inner", annotated=True)
    tag(world, "v0.0.5", "main^{tree}")
    world.repo.add_release("v0.0.6", draft=True)
    world.hub.forget_calls()
    assert releases(world).tags_of(version) == tags
    assert world.calls() == ["POST /graphql version"]


# --- a product with tags alone -----------------------------------------------------------------------------


@pytest.fixture
def tagged(hub: Hub, origin: tuple[Path, str]) -> GitHubWorld:
    """Nothing was ever published as a Release."""
    world = GitHubWorld(hub, *origin)
    tag(world, OLD_VERSION)
    tag(world, "v0.1.5", annotated=True)
    tag(world, "v0.2.0-rc.1")
    tag(world, "nightly")
    hub.forget_calls()
    return world


def test_tags_are_the_list_of_a_product_without_releases(tagged: GitHubWorld) -> None:
    page = releases(tagged).page(1, "")
    assert page is not None
    assert set(page.releases) == {
        ReleaseRecord(tag=OLD_VERSION),
        ReleaseRecord(tag="v0.1.5"),
        ReleaseRecord(tag="v0.2.0-rc.1", prerelease=True),
    }
    assert tagged.calls() == ["GET /repos/acme/tau/releases", "GET /repos/acme/tau/tags"]
    found, _ = check(desk(tagged), TAU)
    assert (found.target_version, found.guard_code) == ("v0.1.5", "ok")


def test_unchanged_tags_are_not_sent_again(tagged: GitHubWorld) -> None:
    refresh(desk(tagged), TAU)
    tagged.hub.forget_calls()
    tagged.clock.forward(minutes=20)
    found, _ = check(desk(tagged), TAU)
    assert found.target_version == "v0.1.5"
    assert [call.status for call in tagged.hub.calls() if call.path.endswith("/tags")] == [304]


def test_more_than_a_page_of_tags(tagged: GitHubWorld) -> None:
    for patch in range(100):
        tag(tagged, f"v0.3.{patch}")
    view, _ = refresh(desk(tagged), TAU)
    assert view.kept.cache is not None
    assert len(view.kept.cache.releases) == 103


def test_the_first_release_takes_the_place_of_tags(tagged: GitHubWorld) -> None:
    refresh(desk(tagged), TAU)
    tagged.clock.forward(minutes=20)
    tagged.repo.add_release("v0.1.5")
    view, _ = refresh(desk(tagged), TAU)
    assert view.kept.cache is not None
    assert view.kept.cache.releases == (ReleaseRecord(tag="v0.1.5"),)


def test_a_draft_is_the_beginning_of_a_list_of_releases(tagged: GitHubWorld) -> None:
    """A tag whose Release is still a draft must not be chosen."""
    tagged.repo.add_release("v0.2.0", draft=True)
    tag(tagged, "v0.2.0")
    found, _ = check(desk(tagged), TAU)
    assert found.guard_code == "no_release_records"
