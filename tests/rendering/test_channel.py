"""What people read of the channel."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.adapters.resources import templates_dir
from rollout.core.channel.cache import age
from rollout.core.channel.hints import switch
from rollout.core.channel.plan import Target, apply, named, plan
from rollout.core.contract import ApplyVersion, ChannelPolicy
from rollout.core.observation import WorkResult
from rollout.core.state import (
    Channel,
    ChannelAction,
    ChannelName,
    GuardCode,
    LookupSource,
    RollbackHints,
    RollbackReason,
)
from rollout.core.state.release_cache import ReleaseCache, ReleasePage, ReleaseRecord
from rollout.rendering.channel import (
    apply_document,
    apply_view,
    channel_body,
    channel_document,
    channel_view,
    check_document,
    check_view,
    found_words,
    guard_advice,
    plan_document,
    plan_view,
    summary,
)
from rollout.rendering.release_cache import cache_document, cache_view
from tests.core.world import START
from tests.rendering.goldens import check_golden

STABLE = Channel(train="tau", current_version="v0.1.4")
POLICY = ChannelPolicy(apply=ApplyVersion(command=("deploy", "{version}")))
LIVE = Target("v0.1.5", LookupSource.LIVE)
TEMPLATE = (templates_dir() / "channel-pr.md.j2").read_text(encoding="utf-8")
CACHE = ReleaseCache(
    train="tau",
    source="https://api.github.com/repos/acme/tau/releases",
    fetched_at=START,
    pages=(ReleasePage(entries=2, releases=(ReleaseRecord(tag="v0.1.5"), ReleaseRecord(tag="v0.1.4"))),),
)
LATEST = {ChannelName.STABLE: "v0.1.5", ChannelName.BETA: "v0.2.0-rc.1", ChannelName.DEV: None}
LATER = START + timedelta(hours=1)


def upgraded() -> Channel:
    made = plan(STABLE, LIVE, quarantine=None, policy=POLICY, at=START)
    planned = STABLE.model_copy(update={"plan": made})
    return apply(planned, LIVE, quarantine=None, policy=POLICY, at=LATER)


def answered(*, ok: bool) -> Channel:
    channel = upgraded()
    assert channel.request is not None
    detail = "exit 0" if ok else "exit 1: no room on \x1b[31mdisk"
    result = WorkResult(request=channel.request.id, ok=ok, detail=detail, started_at=LATER, finished_at=LATER)
    return channel.model_copy(update={"request": channel.request.model_copy(update={"result": result})})


# --- show -------------------------------------------------------------------------------------------------


def test_show() -> None:
    hints = RollbackHints(
        channel=ChannelName.STABLE,
        version="v0.1.4",
        reason=RollbackReason.ROLLOUT_START,
        reference_unix_ms=1_795_860_000_000,
    )
    channel = Channel(train="tau", channel=ChannelName.BETA, current_version="v0.1.5", rollback=hints)
    check_golden("channel.txt", channel_view(channel, stored=True))
    check_golden("channel-new.txt", channel_view(Channel(train="tau"), stored=False))
    check_golden("channel-applied.txt", channel_view(upgraded(), stored=True))


@pytest.mark.parametrize(("ok", "says"), [(True, "v0.1.5: done, exit 0"), (False, "v0.1.5: FAILED, exit 1")])
def test_show_tells_how_the_apply_command_went(ok: bool, says: str) -> None:
    shown = channel_view(answered(ok=ok), stored=True)
    assert says in shown
    assert ("`rollout channel apply` asks again" in shown) == (not ok)
    assert "\x1b" not in shown


def test_the_document_has_the_runbooks_words() -> None:
    hints = RollbackHints(
        channel=ChannelName.STABLE, version="v0.1.4", reason=RollbackReason.ROLLOUT_START, reference_unix_ms=7
    )
    channel = Channel(train="tau", channel=ChannelName.BETA, current_version="v0.1.5", rollback=hints)
    assert channel_document(channel, stored=True) == {
        "train": "tau",
        "channel": "beta",
        "source": "store",
        "current_version": "v0.1.5",
        "rollback_channel": "stable",
        "rollback_version": "v0.1.4",
        "rollback_reason": "rollout_start",
        "rollback_reference_unix_ms": 7,
        "plan": None,
        "apply": None,
        "request": None,
    }
    unrecorded = channel_document(Channel(train="tau"), stored=False)
    assert unrecorded["rollback_version"] is unrecorded["current_version"] is None
    assert unrecorded["source"] == "default"
    whole = channel_document(upgraded(), stored=True)
    assert all(whole[key] for key in ("plan", "apply", "request"))


# --- plan, apply, check -----------------------------------------------------------------------------------


def test_plan_and_apply_documents_have_the_fixed_keys() -> None:
    fixed = {
        "channel",
        "current_version",
        "target_version",
        "action",
        "guard_code",
        "guard_reason",
        "lookup_source",
        "dry_run",
    }
    channel = upgraded()
    assert channel.plan is not None
    assert channel.apply is not None
    assert fixed <= plan_document(channel.plan).keys()
    assert fixed | {"status", "attempts"} <= apply_document(channel.apply).keys()


def test_views() -> None:
    channel = upgraded()
    assert channel.plan is not None
    assert channel.apply is not None
    blocked = plan(STABLE, named("v3.0.0"), quarantine=None, policy=POLICY, at=START, dry_run=True)
    again = channel.apply.model_copy(update={"attempts": 2})
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n rollback:\n-  version: a\x1b[2J\n+  version: b"
    shown = [
        plan_view(channel.plan, where="live", done="recorded as 0123456789", diff=""),
        plan_view(blocked, where="override, as it was named", done="", diff=diff),
        apply_view(again, where="live", done="recorded as 0123456789", diff=""),
        check_view(channel.plan, where="cache_fresh, 5m old"),
    ]
    check_golden("channel-views.txt", "\n\n".join(shown))
    document = check_document("tau", channel.plan, START)
    assert (document["newer"], document["latest_version"]) == (True, "v0.1.5")


@pytest.mark.parametrize(
    ("source", "minutes", "says"),
    [
        (LookupSource.LIVE, 0, "live"),
        (LookupSource.CACHE_FRESH, 5, "cache_fresh, 5m old; `rollout channel cache refresh` asks anew"),
        (
            LookupSource.CACHE_STALE_FALLBACK,
            90,
            "cache_stale_fallback, 1h30m old: releases could not be looked up",
        ),
        (LookupSource.OVERRIDE, None, "override, as it was named"),
        (LookupSource.CACHE_FRESH, None, "cache_fresh"),
    ],
)
def test_where_a_target_comes_from(source: LookupSource, minutes: int | None, says: str) -> None:
    fetched_at = None if minutes is None else START
    assert found_words(source, fetched_at, START + timedelta(minutes=minutes or 0)) == says


def test_every_guard_that_blocks_says_what_to_do() -> None:
    assert {code for code in GuardCode if not guard_advice(code)} == {GuardCode.OK}


# --- the cache --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "name"), [(5, "fresh"), (100, "stale")])
def test_a_cache(minutes: int, name: str) -> None:
    found = age(CACHE, 900, START + timedelta(minutes=minutes))
    check_golden(f"cache-{name}.txt", cache_view(CACHE, found, LATEST, problem="", ttl=900))
    document = cache_document("tau", CACHE, found, LATEST, problem="", ttl=900)
    assert (document["state"], document["entries"]) == (name, 2)
    assert document["latest"] == {"stable": "v0.1.5", "beta": "v0.2.0-rc.1", "dev": None}
    assert document["stale_by_seconds"] == max(0, minutes * 60 - 900)


@pytest.mark.parametrize(
    ("problem", "state", "says"),
    [("", "none", "no cache"), ("it is cut off", "unusable", "unusable: it is cut off")],
)
def test_a_cache_that_is_not_there_or_says_nothing(problem: str, state: str, says: str) -> None:
    assert cache_view(None, None, {}, problem=problem, ttl=900).startswith(says)
    assert cache_document("tau", None, None, {}, problem=problem, ttl=900)["state"] == state


def test_the_summary_of_a_job_is_text_and_no_markup() -> None:
    text = "stable: v1 -> `<b>`: blocked\n</pre> ``` @everyone\n\n+  version: v1"
    assert summary(text) == (
        "**stable: v1 -> \\`\\<b>\\`: blocked**\n\n    </pre> ``` @everyone\n    \n    +  version: v1"
    )
    assert summary("channel is beta already") == "**channel is beta already**"


# --- pull requests ----------------------------------------------------------------------------------------


def test_pull_requests() -> None:
    check_golden("channel-apply-pr.md", channel_body(TEMPLATE, STABLE, upgraded()))
    check_golden("channel-set-pr.md", channel_body(TEMPLATE, STABLE, switch(STABLE, ChannelName.BETA, START)))


def test_what_a_version_says_is_no_markup() -> None:
    evil = STABLE.model_copy(update={"current_version": "@everyone `|` <b>"})
    body = channel_body(TEMPLATE, evil, switch(evil, ChannelName.BETA, START))
    assert "| current version | @&#8203;everyone \\`\\|\\` \\<b> |" in body


def test_a_rollback_has_a_colour_of_its_own() -> None:
    made = plan(STABLE, LIVE, quarantine=None, policy=POLICY, at=START)
    back = made.model_copy(update={"action": ChannelAction.ROLLBACK})
    assert "rollback" in check_view(back, where="override, as it was named")
