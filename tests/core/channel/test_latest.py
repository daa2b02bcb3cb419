"""Which release a channel takes, and how old what is known of them is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core import versions
from rollout.core.channel.cache import age, why_unusable
from rollout.core.channel.latest import latest, newest
from rollout.core.state import ChannelName
from rollout.core.state.release_cache import ReleaseCache, ReleasePage, ReleaseRecord
from tests.core.world import START

STABLE, BETA, DEV = ChannelName.STABLE, ChannelName.BETA, ChannelName.DEV


def releases(text: str) -> list[ReleaseRecord]:
    """`v1.0.0 v1.1.0-rc.1 v2.0.0(draft) v1.5.0(pre)`"""
    return [
        ReleaseRecord(tag=word.partition("(")[0], draft="(draft)" in word, prerelease="(pre)" in word)
        for word in text.split()
    ]


@pytest.mark.parametrize(
    ("listed", "stable", "beta"),
    [
        ("v0.1.4 v0.1.5 v0.1.3", "v0.1.5", "v0.1.5"),
        ("v0.1.9 v0.1.10", "v0.1.10", "v0.1.10"),
        ("v0.1.5 v0.1.6-beta.2 v0.1.6-beta.11", "v0.1.5", "v0.1.6-beta.11"),
        ("v0.1.5 v0.2.0(pre)", "v0.1.5", "v0.2.0"),
        # A newer stable version ends the wait of beta and dev for the next prerelease.
        ("v1.5.0-rc.1 v1.6.0", "v1.6.0", "v1.6.0"),
        ("v1.6.0-rc.2 v1.6.0", "v1.6.0", "v1.6.0"),
        ("v1.6.0 v1.5.9(pre)", "v1.6.0", "v1.6.0"),
        ("v1.6.0 v1.7.0-rc.1(draft) v1.5.0-rc.1", "v1.6.0", "v1.6.0"),
        ("v1.6.0 v1.6.1-rc.1 v1.6.1-rc.2(pre)", "v1.6.0", "v1.6.1-rc.2"),
        ("v0.1.5 v0.2.0(draft) v0.3.0-rc.1(draft)", "v0.1.5", "v0.1.5"),
        ("v0.1.5 nightly 2026-11-23 v1", "v0.1.5", "v0.1.5"),
        ("v0.1.6-rc.1", None, "v0.1.6-rc.1"),
        ("v0.1.6(draft) nightly", None, None),
        ("", None, None),
        ("v1.0.0 1.0.0", "1.0.0", "1.0.0"),
        ("v6.6.6 v0.1.5 v6.6.6-rc.1", "v0.1.5", "v0.1.5"),
        ("v6.6.6 v0.1.5 v0.1.6-rc.1", "v0.1.5", "v0.1.6-rc.1"),
    ],
)
def test_stable_takes_the_newest_that_is_no_prerelease_the_others_the_newest_of_all(
    listed: str, stable: str | None, beta: str | None
) -> None:
    standing = {"6.6.6": "bad", "6.6.6-rc.1": "bad"}
    assert latest(releases(listed), standing) == {STABLE: stable, BETA: beta, DEV: beta}


WORDS = st.sampled_from(
    [
        "v1.5.0",
        "v1.5.0-rc.1",
        "v1.6.0",
        "v1.6.0(pre)",
        "v1.6.0-rc.1",
        "v1.10.0",
        "v2.0.0-rc.1",
        "v3.0.0(draft)",
    ]
)


@given(st.lists(WORDS, max_size=6))
def test_no_channel_stays_behind_stable(listed: list[str]) -> None:
    found = latest(releases(" ".join(listed)), {})
    stable, beta = found[STABLE], found[BETA]
    assert stable is None or (beta is not None and versions.parse(beta) >= versions.parse(stable))
    assert found[BETA] == found[DEV]


@given(
    st.permutations(releases("v0.1.4 v0.1.10 v0.1.9 v0.2.0-rc.1 v0.2.0-rc.2")), st.sampled_from(ChannelName)
)
def test_the_order_of_the_list_says_nothing(listed: list[ReleaseRecord], channel: ChannelName) -> None:
    assert newest(listed, channel, {}) == ("v0.1.10" if channel is STABLE else "v0.2.0-rc.2")


CACHE = ReleaseCache(
    train="tau",
    source="acme/tau",
    fetched_at=START,
    pages=(
        ReleasePage(entries=3, releases=tuple(releases("v2.0.0 v1.0.0"))),
        ReleasePage(entries=1, releases=tuple(releases("v0.9.0"))),
    ),
)


@pytest.mark.parametrize(
    ("minutes", "is_fresh", "stale_by"), [(-1, True, 0), (0, True, 0), (15, True, 0), (16, False, 60)]
)
def test_a_cache_is_fresh_up_to_its_ttl(minutes: int, is_fresh: bool, stale_by: int) -> None:
    found = age(CACHE, 900, START + timedelta(minutes=minutes))
    assert (found.is_fresh, found.stale_by) == (is_fresh, stale_by)
    assert found.seconds == max(0, minutes * 60)
    assert found.expires_at == START + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("train", "source", "minutes", "why"),
    [
        ("tau", "acme/tau", 0, ""),
        ("tau", "acme/tau", -2, ""),
        ("tau", "acme/tau", -3, "it is from the future: fetched 2026-11-23T10:00:00Z"),
        ("other", "acme/tau", 0, "it is of train tau"),
        ("tau", "acme/other", 0, "it is of acme/tau, and releases come from acme/other"),
    ],
)
def test_a_cache_of_something_else_is_not_used(train: str, source: str, minutes: int, why: str) -> None:
    assert why_unusable(CACHE, train, source, START + timedelta(minutes=minutes)) == why


def test_a_cache_holds_the_releases_of_all_its_pages() -> None:
    assert [release.tag for release in CACHE.releases] == ["v2.0.0", "v1.0.0", "v0.9.0"]
