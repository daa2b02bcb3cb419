"""Lookups, and `rollout channel cache`: whatever the cache holds, it breaks nothing."""

from __future__ import annotations

import pytest

from rollout.commands.channel.cache import clear, prune, refresh, show
from rollout.commands.channel.check import check
from rollout.commands.channel.lookup import look_up
from rollout.commands.channel.plan import make_plan
from rollout.core.files import RELEASE_CACHE
from rollout.core.state import ChannelName, LookupSource
from rollout.errors import OutsideError
from tests.commands.channel.world import ChannelWorld
from tests.fakes.releases import FakeReleases
from tests.fakes.store import NotGivenError
from tests.world import TAU

GOOD = """\
schema: 1
train: tau
source: the list of acme/tau
fetched_at: 2026-11-23T09:55:00Z
pages: [{entries: 1, releases: [{tag: v0.1.9}]}]
"""
BROKEN = {
    "empty": b"",
    "truncated": GOOD[:60].encode(),
    "cut inside a word": GOOD.replace("pages: [{entries: 1, releases: [{tag: v0.1.9}]}]\n", "pag").encode(),
    "binary": bytes(range(256)),
    "a list": b"- 1\n",
    "of another repository": GOOD.replace("acme/tau", "acme/other").encode(),
    "of another train": GOOD.replace("train: tau", "train: other").encode(),
    "from the future": GOOD.replace("2026-11-23T09", "2027-11-23T09").encode(),
    "of a newer tool": GOOD.replace("schema: 1", "schema: 2").encode(),
    "a number for a tag": GOOD.replace("v0.1.9", "1.5").encode(),
    "unknown keys": (GOOD + "shell: rm -rf\n").encode(),
    "deep": b"[" * 10_000,
    "an alias": b"a: &a [1]\nb: *a\n",
    "50 MB": GOOD.encode() + b"# " + b"x" * 50_000_000,
}


def looked(world: ChannelWorld) -> tuple[LookupSource, list[str]]:
    found = look_up(world.desk, world.state, world.now)
    return found.source, [release.tag for release in found.releases]


# --- where releases come from -----------------------------------------------------------------------------


def test_an_empty_page_is_asked_for_anew() -> None:
    """What was no release when it was kept, such as tags to an older version of the tool, may be one now."""
    world = ChannelWorld()
    refresh(world.desk, TAU)
    world.clock.forward(minutes=16)
    looked(world)
    assert world.releases.asked == [(1, True), (1, True)]


def test_a_fresh_cache_is_used_and_a_stale_one_asked_for_anew() -> None:
    world = ChannelWorld("v0.1.5")
    assert looked(world) == (LookupSource.LIVE, ["v0.1.5"])
    refresh(world.desk, TAU)
    world.releases.tags = ["v0.1.6"]
    world.clock.forward(minutes=15)
    assert looked(world) == (LookupSource.CACHE_FRESH, ["v0.1.5"])
    world.clock.forward(minutes=1)
    assert looked(world) == (LookupSource.LIVE, ["v0.1.6"])
    world.releases.is_down = True
    assert looked(world) == (LookupSource.CACHE_STALE_FALLBACK, ["v0.1.5"])
    assert look_up(world.desk, world.state, world.now).note == "the list is down"


def test_what_is_unchanged_is_not_sent_again() -> None:
    world = ChannelWorld(*(f"v0.1.{patch}" for patch in range(5)))
    world.releases.size = 2
    refresh(world.desk, TAU)
    assert world.releases.asked == [(1, True), (2, True), (3, True)]
    world.releases.asked.clear()
    view, _ = refresh(world.desk, TAU)
    assert world.releases.asked == [(1, False), (2, False), (3, False)]
    assert view.kept.cache is not None
    assert len(view.kept.cache.releases) == 5
    # A release of an older commit goes in between: what comes after it moves on.
    world.releases.asked.clear()
    world.releases.tags.insert(2, "v0.0.9")
    world.releases.tags.append("v0.0.1")
    view, _ = refresh(world.desk, TAU)
    assert world.releases.asked == [(1, False), (2, True), (3, True), (4, True)]
    assert view.kept.cache is not None
    assert [release.tag for release in view.kept.cache.releases] == world.releases.tags


def test_a_full_last_page_that_is_unchanged_may_have_got_another_one_after_it() -> None:
    world = ChannelWorld(*(f"v0.1.{patch}" for patch in range(100)))
    refresh(world.desk, TAU)
    world.releases.asked.clear()
    refresh(world.desk, TAU)
    assert world.releases.asked == [(1, False), (2, True)]
    world.releases.tags.append("v0.2.0")
    view, _ = refresh(world.desk, TAU)
    assert view.latest[ChannelName.STABLE] == "v0.2.0"


def test_a_list_without_an_end_is_read_up_to_a_bound() -> None:
    world = ChannelWorld(*(f"v0.1.{patch}" for patch in range(1000)))
    world.releases.size = 1
    view, _ = refresh(world.desk, TAU)
    assert len(world.releases.asked) == 30
    assert view.kept.cache is not None
    assert len(view.kept.cache.pages) == 30


# --- a cache that is broken -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_cache_breaks_nothing(text: bytes) -> None:
    world = ChannelWorld("v0.1.5")
    world.keep(text)
    assert world.state.channel is not None
    assert looked(world) == (LookupSource.LIVE, ["v0.1.5"])
    shown = show(world.desk, TAU)
    assert shown.kept.problem
    assert "\n" not in shown.kept.problem
    assert len(shown.kept.problem) < 300
    assert shown.latest == {ChannelName.STABLE: None, ChannelName.BETA: None, ChannelName.DEV: None}
    world.releases.is_down = True
    with pytest.raises(OutsideError, match="the list is down; the cached list cannot be used: "):
        check(world.desk, TAU)
    cleaned = prune(world.desk, TAU)
    assert cleaned.notes[0].startswith("it cannot be used: ")
    assert world.cache is None


def test_one_that_the_forge_does_not_give_whole_breaks_nothing() -> None:
    world = ChannelWorld("v0.1.5")
    world.store.edit(TAU, {RELEASE_CACHE: NotGivenError("it is too long")}, at=world.now)
    assert looked(world) == (LookupSource.LIVE, ["v0.1.5"])
    assert "-too long to be shown" in make_plan(world.desk, TAU, None, dry_run=True).diff


def test_a_huge_one_is_not_shown_in_a_dry_run() -> None:
    world = ChannelWorld("v0.1.5")
    world.keep(BROKEN["50 MB"])
    assert len(make_plan(world.desk, TAU, None, dry_run=True).diff) < 3000


# --- the commands -----------------------------------------------------------------------------------------


def test_show_tells_how_old_it_is_and_what_each_channel_would_take() -> None:
    world = ChannelWorld("v0.1.5", "v0.2.0-rc.1", "v0.3.0-rc.1")
    world.quarantine("v0.3.0-rc.1")
    assert not show(world.desk, TAU).is_there
    refresh(world.desk, TAU)
    world.clock.forward(minutes=20)
    shown = show(world.desk, TAU)
    assert shown.age is not None
    assert (shown.age.is_fresh, shown.age.stale_by, shown.ttl) == (False, 300, 900)
    assert shown.latest[ChannelName.STABLE] == "v0.1.5"
    assert shown.latest[ChannelName.DEV] == "v0.2.0-rc.1"
    assert world.writes.done == ["commit channel"]


def test_a_refresh_that_gets_no_answer_leaves_the_cache_as_it_is() -> None:
    world = ChannelWorld("v0.1.5")
    refresh(world.desk, TAU)
    before = world.cache
    world.releases.is_down = True
    with pytest.raises(OutsideError):
        refresh(world.desk, TAU)
    assert world.cache == before


def test_prune_leaves_what_is_fresh_and_takes_what_is_stale() -> None:
    world = ChannelWorld("v0.1.5")
    assert prune(world.desk, TAU).commit is None
    refresh(world.desk, TAU)
    fresh = prune(world.desk, TAU)
    assert (fresh.notes, fresh.commit) == ((), None)
    world.clock.forward(minutes=16)
    stale = prune(world.desk, TAU)
    assert stale.notes[0] == "it is stale by 1m"
    assert stale.commit is not None
    assert world.cache is None
    (entry, *_) = world.store.log(TAU)
    assert entry.subject == "rollout(tau): channel: drop the cache, it is stale by 1m"
    assert entry.paths == (RELEASE_CACHE,)


def test_clear_takes_whatever_is_there() -> None:
    world = ChannelWorld("v0.1.5")
    assert clear(world.desk, TAU).commit is None
    refresh(world.desk, TAU)
    assert clear(world.desk, TAU).commit is not None
    world.keep(b"\0")
    assert clear(world.desk, TAU).commit is not None
    assert world.cache is None


def test_a_list_of_another_product_is_not_taken_for_this_ones() -> None:
    world = ChannelWorld("v0.1.5")
    refresh(world.desk, TAU)
    other = FakeReleases("v0.1.1")
    other.source = "another list"
    world.releases = other
    assert looked(world) == (LookupSource.LIVE, ["v0.1.1"])
