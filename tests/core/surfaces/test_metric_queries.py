"""Placeholders in the queries of each provider: where they may stand, and that no value changes a query."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakehub.clock import NOON
from rollout.core.contract import Contract, Surface
from rollout.core.contract.metrics import Metrics
from rollout.core.state import Channel, Outcome, Release, RollbackTarget, Rollout
from rollout.core.state.desired import ChannelName
from rollout.core.surfaces.metrics import promql
from rollout.core.surfaces.metrics.questions import Asked, plan, values_of
from rollout.core.values import parse_duration

NASTY = [
    '"} or vector(1) #',
    "'",
    "\\",
    "\\\\",
    '\\"',
    "{version}",
    "{window}",
    "a\nb",
    "\u202e\u0000\x7f",
    "\ud800",
    "`",
    "é½🦊",
    "}, env:prod",
    "a,b:c",
    "../../admin?x=1#y",
    "..",
    "%2e%2e",
    "1.0.0+build.5",
]
VALUES = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=40))


def metrics(provider: str, query: dict[str, object]) -> Metrics:
    given = {"provider": provider, "url": "https://metrics.example", "queries": {"q": query}}
    surface = Surface.model_validate({"metrics": given})
    assert surface.metrics is not None
    return surface.metrics


def asked(provider: str, query: dict[str, object], **values: str) -> Asked:
    [found] = plan(metrics(provider, query), values, interval=600, windows={})
    return found


# --- Prometheus ------------------------------------------------------------------------------------------

ESCAPES = {"n": "\n", "\\": "\\", '"': '"', "'": "'"}


def _read_back(string: str) -> str:
    """What PromQL takes a string literal for, read by the rules of Go."""
    quote, inner = string[0], string[1:-1]
    assert string[-1] == quote
    parts = re.findall(r"\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\.|[^\\]", inner, re.DOTALL)
    assert "".join(parts) == inner
    assert quote not in parts
    assert "\n" not in parts
    return "".join(map(_unescaped, parts))


def _unescaped(part: str) -> str:
    if part[0] != "\\":
        return part
    return chr(int(part[2:], 16)) if part[1] in "uU" else ESCAPES[part[1]]


@pytest.mark.parametrize("quote", ['"', "'"])
@given(version=VALUES, phase=VALUES)
@example(version='"', phase="'")
def test_no_value_leaves_its_string_in_promql(quote: str, version: str, phase: str) -> None:
    query = f"sum(x{{v={quote}a{{version}}b{quote}, p!={quote}{{phase}}{quote}}}[{{window}}])"
    sent = asked("prometheus", {"query": query}, version=version, phase=phase).sent
    head, rest = sent[: len("sum(x{v=")], sent[len("sum(x{v=") :]
    strings = [found[0] for found in re.finditer(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', rest, re.DOTALL)]
    assert f"{head}{rest}" == f"sum(x{{v={strings[0]}, p!={strings[1]}}}[10m])"
    assert _read_back(strings[0]) == f"a{_whole(version)}b"
    assert _read_back(strings[1]) == _whole(phase)


def _whole(value: str) -> str:
    """The value without halves of characters, which no text holds."""
    return re.sub("[\ud800-\udfff]", "\ufffd", value)


MISPLACED = [
    ('x{v=~"{version}"}', "{version} cannot stand in a regular expression; compare with = instead of =~"),
    ('x{v!~"a{commit}"}', "{commit} cannot stand in a regular expression; compare with = instead of !~"),
    ("x{v=`{version}`}", "{version} cannot be quoted between backticks; use double quotes"),
    ("x{version}", '{version} stands only inside the string of a label, such as label="{version}"'),
    (
        'label_replace(x, "a", "{version}", "b", "c")',
        '{version} stands only in the string that a label is compared with, such as version="..."',
    ),
    ('x{w="{window}"}', "{window} stands bare, outside of strings"),
    ('x{w="{percent}"}', "{percent} stands bare, outside of strings"),
    ('x{v="{verson}"}', "unknown placeholder {verson}; did you mean version?"),
    ("x[{windows}]", "unknown placeholder {windows}; did you mean window?"),
    ('x{v="{Version}"}', "unknown placeholder {Version}; did you mean version?"),
]


@pytest.mark.parametrize(("query", "why"), MISPLACED)
def test_a_misplaced_placeholder_is_never_sent(query: str, why: str) -> None:
    found = asked("prometheus", {"query": query}, version="v", commit="c", percent="5")
    assert (found.sent, found.digest, found.why_not) == ("", None, why)


ITS_OWN = [
    'x{job="api"}',
    "x{}",
    'x{job=~"a{2}b{1,3}"}',
    'x{job=~"\\\\p{Greek}"}',
    'x{job=~"{team}"}',
    r'x{v="\{version}"}',
    'x # {version} "',
    '{__name__="up"}',
    "x{v='{}'}",
]


@pytest.mark.parametrize("query", ITS_OWN)
def test_braces_without_a_bare_word_belong_to_promql(query: str) -> None:
    assert asked("prometheus", {"query": query}, version="v1").sent == query


def test_numbers_stand_bare() -> None:
    found = asked("prometheus", {"query": "x[{window}] * {percent} / 100"}, percent="0.1")
    assert found.sent == "x[10m] * 0.1 / 100"


REJECTED = [
    ("sum(x", "not PromQL: ( is not closed"),
    ("sum(x))", "not PromQL: ) closes nothing that is open"),
    ("sum(x])", "not PromQL: ] closes nothing that is open"),
    ('x{a="b}', 'not PromQL: a string begins with " and does not end'),
    ('x{a="("} # (', ""),
]


@pytest.mark.parametrize(("query", "why"), REJECTED)
def test_what_promql_is_sure_to_reject(query: str, why: str) -> None:
    assert "".join(promql.mistakes(query)) == why


@given(st.integers(1, 10**7))
def test_a_window_reads_back_as_it_was(seconds: int) -> None:
    assert parse_duration(promql.duration(seconds)) == seconds


# --- Datadog and paths -----------------------------------------------------------------------------------


@given(version=VALUES)
def test_no_value_leaves_its_tag_in_datadog(version: str) -> None:
    sent = asked("datadog", {"query": "sum:x{version:{version},env:prod}.as_count()"}, version=version).sent
    found = re.fullmatch(r"sum:x\{version:([^\s{},()*!\"'\\]*),env:prod\}\.as_count\(\)", sent)
    assert found is not None
    assert all(sign.isalnum() or sign in "_-:./" for sign in found[1])


DATADOG = [
    ("avg:x{*} by {host}", "avg:x{*} by {host}", ""),
    ("avg:x{prod}", "avg:x{prod}", ""),
    ("sum:x{v:{version}}.rollup(sum, {window})", "sum:x{v:1.0_b.5}.rollup(sum, 300)", ""),
    (
        "moving_rollup(sum:x{v:{version}}.as_count().rollup(sum, 60), {window}, 'sum')",
        "moving_rollup(sum:x{v:1.0_b.5}.as_count().rollup(sum, 60), 300, 'sum')",
        "",
    ),
    ("avg:x{version}", "", "{version} stands only for the value of a tag, such as {tag:{version}}"),
    ("avg:x{v:{window}}", "", "{window} stands outside of the braces of a scope"),
    ("avg:x{v:{verson}}", "", "unknown placeholder {verson}; did you mean version?"),
]


@pytest.mark.parametrize(("query", "sent", "why"), DATADOG)
def test_datadog(query: str, sent: str, why: str) -> None:
    found = asked("datadog", {"query": query}, version="1.0+B.5")
    assert (found.sent, found.why_not) == (sent, why)


@given(version=VALUES)
@example(version="..")
@example(version="a/../b")
def test_no_value_leaves_its_part_of_a_path(version: str) -> None:
    found = asked("json", {"path": "/of/{version}/health?v={version}", "pick": "e"}, version=version)
    if found.why_not:
        assert version in (".", "..") or any("\ud800" <= sign <= "\udfff" for sign in version)
        return
    path = found.sent.removesuffix(" | e")
    part = re.fullmatch(r"/of/([A-Za-z0-9_.~%-]+)/health\?v=([A-Za-z0-9_.~%-]+)", path)
    assert part is not None
    assert unquote(part[1]) == unquote(part[2]) == version


# --- values ----------------------------------------------------------------------------------------------

CONTRACT = Contract.model_validate(
    {
        "schema": 1,
        "train": "shop",
        "surfaces": {"api": {"adapter": "tau-status", "command": ["api"]}},
        "phases": [
            {"name": "start", "canary_percent": 0, "soak": "0s", "gates": [{"kind": "no_trigger"}]},
            {"name": "all", "canary_percent": 100, "soak": "1h", "inherit": "start"},
        ],
    }
)
CHANNEL = Channel(train="shop", channel=ChannelName.STABLE, current_version="v1")
RELEASE = Release(version="v2", commit="a" * 40, started_at=NOON)
TARGET = RollbackTarget(version="v1", channel=ChannelName.STABLE, reference_unix_ms=0)
ROLLOUT = Rollout(
    train="shop",
    release=RELEASE,
    phase="all",
    canary_percent=100,
    outcome=Outcome.IN_PROGRESS,
    rollback_target=TARGET,
)


def test_placeholders_are_the_release_s() -> None:
    assert values_of(CONTRACT, ROLLOUT, CHANNEL) == {
        "version": "v2",
        "commit": "a" * 40,
        "phase": "all",
        "percent": "100",
        "baseline": "v1",
    }


def test_before_there_is_a_release_they_are_of_what_runs() -> None:
    before = {"version": "v1", "baseline": "v1", "phase": "start", "percent": "0"}
    assert values_of(CONTRACT, Rollout(train="shop"), CHANNEL) == before
    assert values_of(CONTRACT, None, None) == {"phase": "start", "percent": "0"}


def test_a_placeholder_without_a_value_is_told() -> None:
    found = asked("prometheus", {"query": 'x{v="{baseline}"}'}, version="v1")
    assert found.why_not == "there is no baseline yet, so {baseline} stands for nothing"


def test_the_digest_is_of_what_was_sent() -> None:
    query: dict[str, object] = {"good": 'ok{v="{version}"}', "total": "all", "updated": "t"}
    first, second = (asked("prometheus", query, version=version) for version in ("v1", "v2"))
    assert first.sent == 'good: ok{v="v1"}\ntotal: all\nupdated: t'
    assert first.digest != second.digest
