"""Metrics servers on the loopback: honest, broken and hostile ones, each answer in its own words."""

from __future__ import annotations

import gzip
import json
import socket
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from io import BufferedIOBase
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_socket import socket_allow_hosts

from fakehub.clock import NOON
from rollout.adapters.clock import FixedClock
from rollout.adapters.metrics.http_client import MAX_BODY
from rollout.adapters.metrics.servers import HttpMetricsServers
from rollout.core.contract import Surface
from rollout.core.contract.metrics import Metrics
from rollout.core.observation import Measurement, Sample
from rollout.core.surfaces.metrics.answers import Answer, measured, sample_of
from rollout.core.surfaces.metrics.questions import Question, plan
from tests.fakes.metrics_server import MetricsServer, Page, document, vector

TOKEN = "t0ken-with-a-tail"
MAX_AGE = 1200


@pytest.fixture
def server(socket_enabled: None) -> Iterator[MetricsServer]:
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    with MetricsServer().serving() as serving:
        yield serving


def surface(server: MetricsServer, provider: str, query: Mapping[str, object], **more: object) -> Surface:
    metrics = {"provider": provider, "url": server.url, "queries": {"q": query}, **more}
    return Surface.model_validate({"metrics": metrics, "timeout": "5s"})


def metrics_of(surface: Surface) -> Metrics:
    assert surface.metrics is not None
    return surface.metrics


def measure(
    surface: Surface,
    environment: Mapping[str, str] | None = None,
    *,
    timeout: int = 5,
    at: datetime | None = None,
) -> Measurement:
    metrics = metrics_of(surface)
    [asked] = plan(metrics, {"version": "v1"}, interval=600, windows={})
    servers = HttpMetricsServers(environment or {}, FixedClock(NOON), at=at)
    questions = list(asked.questions.values())
    return measured(asked, servers.ask(metrics, questions, timeout=timeout), NOON, max_age=MAX_AGE)


# --- Prometheus ------------------------------------------------------------------------------------------

MS = int(NOON.timestamp()) * 1000
EARLIER, LATER = NOON - timedelta(minutes=21), NOON + timedelta(minutes=3)
GZIP = {"Content-Encoding": "gzip"}
ERROR = {"status": "error", "errorType": "bad_data", "error": 'invalid parameter "query": 1:5: parse error'}
PROMETHEUS: dict[str, tuple[Page, Mapping[str, object], float | None, str]] = {
    "one series": (vector("0.25"), {}, 0.25, ""),
    "a scalar": (
        document({"status": "success", "data": {"resultType": "scalar", "result": [NOON.timestamp(), "2"]}}),
        {},
        2,
        "",
    ),
    "an exponent": (vector("1.5e+03"), {}, 1500, ""),
    "infos": (vector("1", infos=["PromQL info: metric might not be a counter"]), {}, 1, ""),
    "no series": (vector(), {}, None, "no series: do its labels match? `on_empty: zero` counts none as 0"),
    "no series, zero": (vector(), {"on_empty": "zero"}, 0, ""),
    "two series": (vector("1", "2"), {}, None, "2 series; name a reducer"),
    "two series, sum": (vector("1", "2"), {"reduce": "sum"}, 3, ""),
    "two series, max": (vector("1", "2"), {"reduce": "max"}, 2, ""),
    "two series, min": (vector("1", "2"), {"reduce": "min"}, 1, ""),
    "two series, avg": (vector("1", "2"), {"reduce": "avg"}, 1.5, ""),
    "NaN": (vector("NaN"), {}, None, "NaN"),
    "NaN among others": (vector("1", "NaN", "2"), {"reduce": "max"}, None, "NaN"),
    "infinite": (vector("+Inf"), {}, None, "infinite"),
    "infinities of both signs": (vector("+Inf", "-Inf"), {"reduce": "sum"}, None, "infinite"),
    "too large": (vector("1e300"), {}, None, "too large a number"),
    "text": (vector("many"), {}, None, "a value is not a number in quotes: 'many'"),
    "underscores": (vector("1_000"), {}, None, "a value is not a number in quotes"),
    "a number without quotes": (vector(7), {}, None, "a value is not a number in quotes: 7"),
    "no value": (
        document({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}),
        {},
        None,
        "a value is not a pair of time and number",
    ),
    "a histogram": (
        document({"status": "success", "data": {"resultType": "vector", "result": [{"histogram": [0, {}]}]}}),
        {},
        None,
        "gives a histogram",
    ),
    "a matrix": (
        document({"status": "success", "data": {"resultType": "matrix", "result": []}}),
        {},
        None,
        "gives a matrix, not an instant vector",
    ),
    "a warning": (vector("1", warnings=["store down"]), {}, None, "the server warns: store down"),
    "a partial answer": (vector("1", isPartial=True), {}, None, "a partial answer"),
    "an error inside 200": (document(ERROR), {}, None, "the query is rejected: invalid parameter"),
    "a query that is rejected": (
        document(ERROR, 400),
        {},
        None,
        'answered 400: the query is rejected: invalid parameter "query": 1:5: parse error',
    ),
    "no JSON": (Page(b"<html>"), {}, None, "not JSON"),
    "nothing": (Page(b""), {}, None, "empty"),
    "a key given twice": (Page(b'{"status": "error", "status": "success"}'), {}, None, "contradictory"),
    "deep": (Page(b"[" * 200_000), {}, None, "nested too deeply"),
    "a list": (document([]), {}, None, "the answer is not an object"),
    "502": (Page(b"<html>", 502), {}, None, "answered 502"),
    "401": (Page(b"", 401), {}, None, "answered 401: add `auth`"),
    "301": (
        Page(b"", 301, {"Location": "https://evil.example/x"}),
        {},
        None,
        "answered 301, a redirect to https://evil.example/x; write the last address into `url`",
    ),
    "304": (Page(b"", 304), {}, None, "answered 304, a redirect"),
    "another clock, behind": (vector("1", at=EARLIER), {}, None, "stale: 21m old, at most 20m"),
    "another clock, ahead": (vector("1", at=LATER), {}, None, "from the future: the server says"),
    "a clock never set": (
        vector("1", at=datetime(1970, 1, 2, tzinfo=UTC)),
        {},
        None,
        "no clock that was set",
    ),
    "larger than a MiB": (Page(b" " * (MAX_BODY + 1)), {}, None, "the answer is larger than 1024 KiB"),
    "a gzip bomb": (
        Page(gzip.compress(b" " * (64 * MAX_BODY)), 200, {"Content-Encoding": "gzip"}),
        {},
        None,
        "the answer is larger than 1024 KiB",
    ),
    "gzip": (
        Page(gzip.compress(vector("3").body), 200, {"Content-Encoding": "gzip"}),
        {},
        3,
        "",
    ),
    "gzip in two parts": (
        Page(gzip.compress(vector("3").body[:9]) + gzip.compress(vector("3").body[9:]), 200, GZIP),
        {},
        3,
        "",
    ),
    "broken gzip": (Page(b"plain", 200, GZIP), {}, None, "the answer says that it is gzip, and is not"),
    "a gzip redirect": (Page(b"", 302, GZIP), {}, None, "answered 302, a redirect"),
    "gzip without its end": (
        Page(gzip.compress(vector("3").body)[:-8], 200, GZIP),
        {},
        None,
        "the answer ends before its gzip does",
    ),
    "gzip with another checksum": (
        Page(gzip.compress(vector("3").body)[:-8] + b"\0" * 8, 200, GZIP),
        {},
        None,
        "the answer says that it is gzip, and is not",
    ),
    "deflate": (Page(b"x", 200, {"Content-Encoding": "deflate"}), {}, None, "in another way than gzip"),
    "500 without words": (document({"status": "error"}, 500), {}, None, "answered 500"),
    "500 of something else": (document({}, 500), {}, None, "answered 500"),
    "control characters": (
        document({"status": "error", "errorType": "internal", "error": "\x1b[31mred\nline"}),
        {},
        None,
        "the server says: red line",
    ),
}


@pytest.mark.parametrize(("page", "more", "value", "unknown"), PROMETHEUS.values(), ids=PROMETHEUS.keys())
def test_prometheus(
    server: MetricsServer, page: Page, more: Mapping[str, object], value: float | None, unknown: str
) -> None:
    server.pages["up"] = page
    found = measure(surface(server, "prometheus", {"query": "up", **more}))
    assert found.value == value
    assert unknown in (found.unknown or "")
    assert "without words" not in (found.unknown or "")
    assert (found.unknown is None) is (value is not None)


def test_gzip_in_chunks_is_read(server: MetricsServer) -> None:
    packed = gzip.compress(vector("3").body)
    chunks = [packed[start : start + 7] for start in range(0, len(packed), 7)]
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*chunks, b""))

    def write(out: BufferedIOBase) -> None:
        out.write(head + body)

    server.pages["up"] = Page(stream=write)
    assert measure(surface(server, "prometheus", {"query": "up"})).value == 3


def test_the_time_of_the_answer_is_the_datum_s(server: MetricsServer) -> None:
    server.pages["up"] = vector("1", "2", at=NOON - timedelta(minutes=5))
    assert measure(surface(server, "prometheus", {"query": "up", "reduce": "max"})).at == NOON - timedelta(
        minutes=5
    )


UPDATED: list[tuple[Page, datetime | None, str]] = [
    (vector(str(NOON.timestamp() - 60)), NOON - timedelta(minutes=1), ""),
    (vector(str(NOON.timestamp() - 9000)), None, "stale: 2h30m old, at most 20m"),
    (vector("1e30"), None, "updated: too large a number"),
    (vector("1e15"), None, "from the future"),
    (
        vector(str(MS)),
        None,
        f"updated: {MS} looks like milliseconds; divide it by 1000",
    ),
    (vector("-1e15"), None, "no clock that was set"),
    (vector(), None, "updated: no series"),
]


@pytest.mark.parametrize(("page", "at", "unknown"), UPDATED)
def test_updated_replaces_the_time(
    server: MetricsServer, page: Page, at: datetime | None, unknown: str
) -> None:
    server.pages.update({"up": vector("1"), "max(timestamp(up))": page})
    found = measure(surface(server, "prometheus", {"query": "up", "updated": "max(timestamp(up))"}))
    assert (found.at, unknown in (found.unknown or "")) == (at, True)


PROPORTIONS: list[tuple[Page, Page, Mapping[str, object], float | None, str]] = [
    (vector("990"), vector("1000"), {}, 0.01, ""),
    (vector("1000.0000000001"), vector("1000"), {}, 0, ""),
    (vector("1001"), vector("1000"), {}, None, "good is more than total: 1001 of 1000 over 10m"),
    (vector("0"), vector("0"), {}, None, "total is 0 over 10m: nothing to measure"),
    (vector("-1"), vector("5"), {}, None, "-1 is no count"),
    (vector(), vector("5"), {}, None, "good: no series"),
    (vector(), vector("5"), {"on_empty": "zero"}, 1, ""),
    (vector("5"), vector("NaN"), {}, None, "total: NaN"),
]


@pytest.mark.parametrize(("good", "total", "more", "value", "unknown"), PROPORTIONS)
def test_proportions(
    server: MetricsServer,
    good: Page,
    total: Page,
    more: Mapping[str, object],
    value: float | None,
    unknown: str,
) -> None:
    server.pages.update({"ok": good, "all": total})
    found = measure(surface(server, "prometheus", {"good": "ok", "total": "all", **more}))
    assert found.value == (pytest.approx(value) if value is not None else None)
    assert unknown in (found.unknown or "")


def test_the_tool_sends_a_time_only_under_now(server: MetricsServer) -> None:
    asked = surface(server, "prometheus", {"query": "up"})
    measure(asked)
    measure(asked, at=NOON)
    assert server.paths == ["/api/v1/query?query=up", f"/api/v1/query?query=up&time={int(NOON.timestamp())}"]


@pytest.mark.parametrize(
    ("provider", "page", "more", "unknown"),
    [
        ("prometheus", vector(), {"query": "up"}, None),
        ("datadog", document({"status": "ok", "series": []}), {"query": "up"}, None),
        ("json", document([]), {"path": "/up", "pick": "@"}, "from the future: the server says"),
    ],
)
def test_under_now_an_empty_answer_is_of_the_moment_that_was_asked_for(
    server: MetricsServer, provider: str, page: Page, more: Mapping[str, object], unknown: str | None
) -> None:
    """A JSON API is asked for no moment: what it answers is of its own clock."""
    server.date = LATER
    server.pages["up" if provider != "json" else "/up"] = page
    found = measure(surface(server, provider, {**more, "on_empty": "zero"}), at=NOON)
    assert (found.value, found.at) == ((0, NOON) if unknown is None else (None, None))
    assert (found.unknown or "").startswith(unknown or "")


# --- Datadog and JSON ------------------------------------------------------------------------------------


def points(*series: list[list[object]], **more: object) -> Page:
    return document({"status": "ok", "series": [{"pointlist": each} for each in series], **more})


DATADOG: dict[str, tuple[Page, Mapping[str, object], float | None, str]] = {
    "the newest point": (points([[MS - 60_000, 1.0], [MS - 1000, 2.0]]), {}, 2, ""),
    "in any order": (points([[MS - 1000, 2.0], [MS - 60_000, 1.0]]), {}, 2, ""),
    "two series": (points([[MS, 1.0]], [[MS, 2.0]]), {}, None, "2 series"),
    "two series, reduced": (points([[MS, 1.0]], [[MS, 2.0]]), {"reduce": "avg"}, 1.5, ""),
    "no series": (points(), {}, None, "no series"),
    "a series without a point": (points([]), {}, None, "no series"),
    "a point without a value": (points([[MS - 1000, 2.0], [MS, None]]), {}, None, "NaN"),
    "text": (points([[MS, "2"]]), {}, None, "a value is not a number: '2'"),
    "an error inside 200": (document({"status": "error", "error": "Rule 'x'"}), {}, None, "Rule 'x'"),
    "403": (document({"errors": ["Forbidden"]}, 403), {}, None, "answered 403: add `auth`"),
    "429": (document({"errors": ["Too many"]}, 429), {}, None, "answered 429: the server says: Too many"),
    "too old": (points([[MS - 2_000_000, 1.0]]), {}, None, "stale: 33m20s old"),
}


@pytest.mark.parametrize(("page", "more", "value", "unknown"), DATADOG.values(), ids=DATADOG.keys())
def test_datadog(
    server: MetricsServer, page: Page, more: Mapping[str, object], value: float | None, unknown: str
) -> None:
    server.pages["avg:x{*}"] = page
    found = measure(surface(server, "datadog", {"query": "avg:x{*}", **more}))
    assert (found.value, unknown in (found.unknown or "")) == (value, True)
    assert server.paths == [f"/api/v1/query?from={MS // 1000 - 300}&to={MS // 1000}&query=avg%3Ax%7B%2A%7D"]


JSON: dict[str, tuple[Page, str, float | None, str]] = {
    "a number": (document({"errors": 3}), "errors", 3, ""),
    "zero": (document({"errors": 0}), "errors", 0, ""),
    "nothing there": (document({}), "errors", None, "picks nothing: the answer lacks what pick names"),
    "an empty list": (document({"pods": []}), "pods[].e", None, "no series"),
    "a failed expression": (
        document({"errors": "many"}),
        "sum(errors)",
        None,
        "pick fails on the answer: In function sum(), invalid type for value: many, expected one of:",
    ),
    "an absent key, guarded": (document({"stats": {}}), "stats != `null` && (stats.e || `0`)", 0, ""),
    "an error, guarded": (
        document({"error": "busy"}),
        "stats != `null` && (stats.e || `0`)",
        None,
        "picks no number: False",
    ),
    "several": (document({"pods": [{"e": 1}, {"e": 2}]}), "pods[].e", None, "2 series"),
    "text": (document({"errors": "none"}), "errors", None, "picks no number: 'none'"),
    "a number as text": (document({"errors": "3"}), "errors", None, "picks text: '3'; to_number() reads it"),
    "text that is read": (document({"errors": "3"}), "to_number(errors)", 3, ""),
    "true": (document({"errors": True}), "errors", None, "picks no number: True"),
    "NaN": (Page(b'{"errors": NaN}'), "errors", None, "NaN is not a number"),
    "too large": (Page(b'{"errors": 1e999}'), "errors", None, "a number too large to read"),
    "404": (document({}, 404), "errors", None, "answered 404"),
}


@pytest.mark.parametrize(("page", "pick", "value", "unknown"), JSON.values(), ids=JSON.keys())
def test_json(server: MetricsServer, page: Page, pick: str, value: float | None, unknown: str) -> None:
    server.pages["/health?of=v1"] = page
    found = measure(surface(server, "json", {"path": "/health?of={version}", "pick": pick}))
    assert (found.value, unknown in (found.unknown or "")) == (value, True)
    assert server.paths == ["/health?of=v1"]
    assert found.at == (NOON if value is not None else None)


EMPTY: list[tuple[Page, str, float | None]] = [
    (document({"pods": []}), "pods[].errors", 0),
    (document({"error": "overloaded"}), "errors", None),
    (document({"error": "overloaded"}), "pods[].errors", None),
    (document("overloaded"), "errors", None),
    (document({"errors": "overloaded"}), "sum(errors)", None),
]


@pytest.mark.parametrize(("page", "pick", "value"), EMPTY)
def test_only_an_empty_list_is_zero(
    server: MetricsServer, page: Page, pick: str, value: float | None
) -> None:
    server.pages["/health"] = page
    asked = {"path": "/health", "pick": pick, "on_empty": "zero"}
    assert measure(surface(server, "json", asked)).value == value


HUGE: list[tuple[str, Mapping[str, object], bytes]] = [
    ("json", {"path": "/q", "pick": "e"}, b'{"e": 1%s}' % (b"0" * 400)),
    ("json", {"path": "/q", "pick": "sum(e)"}, b'{"e": [9%s, 9%s]}' % (b"9" * 4299, b"9" * 4299)),
    ("json", {"path": "/q", "pick": "abs([sum(e)])"}, b'{"e": [9%s, 9%s]}' % (b"9" * 4299, b"9" * 4299)),
    (
        "prometheus",
        {"query": "/q"},
        b'{"status": "success", "data": {"resultType": "scalar", "result": [1%s, "1"]}}' % (b"0" * 400),
    ),
    ("datadog", {"query": "/q"}, b'{"series": [{"pointlist": [[1%s, 1.0]]}]}' % (b"0" * 400)),
]


@pytest.mark.parametrize(("provider", "query", "body"), HUGE)
def test_a_huge_number_is_unknown(
    server: MetricsServer, provider: str, query: Mapping[str, object], body: bytes
) -> None:
    server.pages["/q"] = Page(body)
    assert measure(surface(server, provider, query)).unknown


DATES = [
    "Mon, 30 Nov 2026 12:00:00 +99999999999999999999",
    "Mon, 30 Nov 99999999999999999999 12:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
]


@pytest.mark.parametrize("date", DATES)
def test_a_date_beyond_the_calendar_is_none(server: MetricsServer, date: str) -> None:
    server.date = None
    server.pages["/q"] = Page(b'{"e": 1}', headers={"Date": date})
    found = measure(surface(server, "json", {"path": "/q", "pick": "e"}))
    assert found.unknown == "the answer states no time; name a query for it with `updated`"


def test_an_answer_without_any_time_is_unknown(server: MetricsServer) -> None:
    server.date = None
    server.pages["/health"] = document({"errors": 3})
    found = measure(surface(server, "json", {"path": "/health", "pick": "errors"}))
    assert found.unknown == "the answer states no time; name a query for it with `updated`"


def test_one_page_is_asked_for_once_whatever_is_picked_of_it(server: MetricsServer) -> None:
    server.pages["/health"] = document({"good": 9, "all": 10})
    found = measure(
        surface(
            server,
            "json",
            {"good": {"path": "/health", "pick": "good"}, "total": {"path": "/health", "pick": "all"}},
        )
    )
    assert found.value == pytest.approx(0.1)
    assert server.paths == ["/health"]


# --- secrets ---------------------------------------------------------------------------------------------

HIDDEN = "the answer holds a part of a secret that was sent, so it is not shown"
BASIC = "Basic dDBrZW4td2l0aC1hLXRhaWw6cHc="
AUTH: list[tuple[Mapping[str, object], str, str, str]] = [
    ({"bearer_env": "TOKEN"}, TOKEN, "Authorization", f"Bearer {TOKEN}"),
    ({"bearer_env": "TOKEN"}, f"{TOKEN}\n", "Authorization", f"Bearer {TOKEN}"),
    ({"basic_env": "TOKEN"}, f"{TOKEN}:pw", "Authorization", BASIC),
    ({"header_env": {"DD-API-KEY": "TOKEN"}}, TOKEN, "DD-API-KEY", TOKEN),
]


@pytest.mark.parametrize(("auth", "value", "header", "sent"), AUTH)
def test_a_secret_is_sent(
    server: MetricsServer, auth: Mapping[str, object], value: str, header: str, sent: str
) -> None:
    server.pages["up"] = vector("1")
    asked = surface(server, "prometheus", {"query": "up"}, auth=auth)
    assert measure(asked, {"TOKEN": value}).value == 1
    assert {name.lower(): text for name, text in server.headers[0].items()}[header.lower()] == sent


UNUSABLE = [
    ({}, "the variable TOKEN is not set"),
    ({"TOKEN": "  "}, "the variable TOKEN is not set"),
    ({"TOKEN": "one\r\nX-Injected: two"}, "holds a character that no header can carry"),
    ({"TOKEN": "sch\u00fcssel"}, "holds a character that no header can carry"),
]


@pytest.mark.parametrize(("environment", "unknown"), UNUSABLE)
def test_without_a_usable_secret_nothing_is_asked(
    server: MetricsServer, environment: dict[str, str], unknown: str
) -> None:
    asked = surface(server, "prometheus", {"query": "up"}, auth={"bearer_env": "TOKEN"})
    assert unknown in (measure(asked, environment).unknown or "")
    assert server.paths == []


def _repeats(text: str) -> list[Page]:
    """Answers that repeat what they were sent, near the place where a long text is cut too."""
    return [
        document({"status": "error", "errorType": "internal", "error": f"not {text}"}, 500),
        document({"status": "error", "errorType": "internal", "error": "x" * 290 + text}),
        document({"status": "error", "errorType": "internal", "error": "x" * 1990 + text}),
        vector("1", warnings=[text]),
        vector(text),
        Page(b"", 302, {"Location": f"https://evil.example/?t={text}"}),
        document({"status": "success", "data": {"resultType": text, "result": []}}),
        Page(
            json.dumps({"s": 1})[:-1].encode() + b', "%s": 1, "%s": 2}' % ((b"x" * 30 + text.encode(),) * 2)
        ),
        document({"status": "error", "error": f"{text} " * 80}),
        document({"status": "error", "error": f"{text[:12]} is where it begins"}),
    ]


def _spelled(secret: str) -> list[str]:
    """The secret in the spellings that a server may repeat it in."""
    return [
        "".join(f"%{ord(sign):02x}" for sign in secret),
        "".join(f"%25{ord(sign):02x}" for sign in secret),
        "".join(f"\\u{ord(sign):04x}" for sign in secret),
        "".join(f"&#{ord(sign)};" for sign in secret),
        secret.upper(),
        repr(secret + "'\"\\"),
        "\u200b".join(secret),
        secret.encode().hex(),
        b64encode(f"Bearer {secret}".encode()).decode(),
        b64encode(f"xx{secret}".encode()).decode(),
        urlsafe_b64encode(secret.encode()).decode(),
    ]


@pytest.mark.parametrize("spelling", _spelled(TOKEN))
def test_a_secret_is_found_in_each_spelling(server: MetricsServer, spelling: str) -> None:
    server.pages["up"] = document({"status": "error", "error": f"not {spelling}"}, 500)
    asked = surface(server, "prometheus", {"query": "up"}, auth={"bearer_env": "TOKEN"})
    assert measure(asked, {"TOKEN": TOKEN}).unknown == f"answered 500: {HIDDEN}"


QUOTED = "a'b\"c\\d'e\"f\\g"


def test_a_secret_with_quotes_is_found_escaped(server: MetricsServer) -> None:
    server.pages["up"] = vector(QUOTED)
    asked = surface(server, "prometheus", {"query": "up"}, auth={"bearer_env": "TOKEN"})
    assert measure(asked, {"TOKEN": QUOTED}).unknown == HIDDEN


def test_infos_with_a_secret_are_not_shown(server: MetricsServer) -> None:
    server.pages["up"] = vector("1", infos=[f"asked by {TOKEN}"])
    asked = metrics_of(surface(server, "prometheus", {"query": "up"}, auth={"bearer_env": "TOKEN"}))
    question = Question("up", 600)
    servers = HttpMetricsServers({"TOKEN": TOKEN}, FixedClock(NOON))
    assert servers.ask(asked, [question], timeout=5)[question].infos == (HIDDEN,)


@pytest.mark.parametrize(("secret", "value"), [("4711", 4711), ("123456789012", 123456789012)])
def test_a_secret_of_digits_is_no_value(server: MetricsServer, secret: str, value: int) -> None:
    server.pages["/a"] = document({"e": value})
    asked = surface(server, "json", {"path": "/a", "pick": "e"}, auth={"bearer_env": "TOKEN"})
    assert measure(asked, {"TOKEN": secret}).unknown == HIDDEN


@pytest.mark.parametrize("auth", [{"bearer_env": "TOKEN"}, {"basic_env": "TOKEN"}])
def test_words_without_a_secret_are_shown(server: MetricsServer, auth: Mapping[str, object]) -> None:
    server.pages["up"] = document({"status": "error", "error": "no user prometheus in tenant 7"}, 500)
    asked = surface(server, "prometheus", {"query": "up"}, auth=auth)
    found = measure(asked, {"TOKEN": f"prometheus:{TOKEN}" if "basic_env" in auth else TOKEN})
    assert found.unknown == "answered 500: the server says: no user prometheus in tenant 7"


@pytest.mark.parametrize("auth", [{"bearer_env": "TOKEN"}, {"basic_env": "TOKEN"}])
@pytest.mark.parametrize("number", range(len(_repeats(""))))
def test_no_answer_repeats_a_secret(server: MetricsServer, auth: Mapping[str, object], number: int) -> None:
    secret = f"user:{TOKEN}" if "basic_env" in auth else TOKEN
    server.pages["up"] = _repeats(TOKEN)[number]
    asked = surface(server, "prometheus", {"query": "up"}, auth=auth)
    found = measure(asked, {"TOKEN": secret})
    assert found.unknown
    assert TOKEN[:8] not in found.model_dump_json()


def test_a_refused_secret_is_named_by_its_variable(server: MetricsServer) -> None:
    server.pages["up"] = Page(b"", 401)
    asked = surface(server, "prometheus", {"query": "up"}, auth={"bearer_env": "TOKEN"})
    assert measure(asked, {"TOKEN": TOKEN}).unknown == "answered 401: the secret in TOKEN is not accepted"


# --- time and connections --------------------------------------------------------------------------------


def _drip(server: MetricsServer, start: bytes) -> Callable[[BufferedIOBase], None]:
    """Writes a byte now and then, so that no single read takes long."""

    def write(out: BufferedIOBase) -> None:
        out.write(start)
        while not server.stopping.wait(0.05):
            out.write(b" ")
            out.flush()

    return write


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", HEAD], ids=["header", "body"])
def test_a_slow_loris_ends_with_the_time(server: MetricsServer, start: bytes) -> None:
    server.pages["up"] = Page(stream=_drip(server, start))
    found = measure(surface(server, "prometheus", {"query": "up"}), timeout=1)
    assert found.unknown == "no answer within 1s"


def test_a_slow_query_spoils_no_other(server: MetricsServer) -> None:
    server.pages.update({"slow": Page(stream=_drip(server, HEAD)), "up": vector("1")})
    asked = surface(server, "prometheus", {"query": "slow"})
    questions = [Question("slow", 600), Question("up", 600)]
    answers = HttpMetricsServers({}, FixedClock(NOON)).ask(metrics_of(asked), questions, timeout=1)
    assert [answers[each].why for each in questions] == ["no answer within 1s", ""]


def test_a_person_who_interrupts_waits_for_nobody(server: MetricsServer) -> None:
    server.pages["up"] = Page(stream=_drip(server, HEAD))
    servers = HttpMetricsServers({}, FixedClock(NOON))
    found: list[Any] = []
    asked = metrics_of(surface(server, "prometheus", {"query": "up"}))
    asking = Thread(target=lambda: found.append(servers.ask(asked, [Question("up", 600)], timeout=50)))
    asking.start()
    while not server.paths:
        server.stopping.wait(0.01)
    servers.stop()
    asking.join(10)
    assert [answer.why for each in found for answer in each.values()] == [
        "the connection broke: ProtocolError"
    ]


def test_connections_are_few_and_used_again(server: MetricsServer) -> None:
    server.otherwise = vector("1")
    questions = [Question(f"q{number}", 600) for number in range(50)]
    asked = metrics_of(surface(server, "prometheus", {"query": "up"}))
    answers = HttpMetricsServers({}, FixedClock(NOON)).ask(asked, questions, timeout=20)
    assert {answer.points[0].value for answer in answers.values()} == {1}
    assert sorted(server.asked) == sorted(each.text for each in questions)
    assert server.connections <= 8


def test_nobody_there(server: MetricsServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    asked = surface(server, "prometheus", {"query": "up"}, url=f"http://127.0.0.1:{port}")
    assert measure(asked).unknown == f"cannot connect to 127.0.0.1:{port}: Connection refused"


def test_the_base_address_may_have_a_path(server: MetricsServer) -> None:
    server.pages["up"] = vector("1")
    asked = surface(server, "prometheus", {"query": "up"}, url=f"{server.url}/prometheus/")
    assert measure(asked).value == 1
    assert server.paths == ["/prometheus/api/v1/query?query=up"]


def test_a_certificate_that_nobody_vouches_for_is_refused(server: MetricsServer, tmp_path: Path) -> None:
    server.speak_tls(self_signed(tmp_path, "127.0.0.1"))
    asked = surface(server, "prometheus", {"query": "up"}, url=f"https://127.0.0.1:{server.port}")
    unknown = measure(asked).unknown or ""
    assert "TLS with 127.0.0.1 failed" in unknown
    assert "certificate verify failed" in unknown
    assert server.paths == []


def self_signed(folder: Path, host: str) -> Path:
    """A file with a key and a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOON - timedelta(days=10000))
        .not_valid_after(NOON + timedelta(days=10000))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + certificate.public_bytes(Encoding.PEM))
    return file


def test_tls_is_looked_at(server: MetricsServer) -> None:
    asked = surface(server, "prometheus", {"query": "up"}, url=f"https://127.0.0.1:{server.port}")
    assert "TLS with 127.0.0.1 failed" in (measure(asked).unknown or "")


# --- addresses -------------------------------------------------------------------------------------------

FORBIDDEN = [
    (["169.254.169.254"], "https://metrics.example", "169.254.169.254, a link-local or metadata address"),
    (["127.0.0.1", "169.254.0.1"], "https://metrics.example", "169.254.0.1, a link-local"),
    (["fe80::1%eth0"], "https://metrics.example", "fe80::1, a link-local"),
    (["::ffff:169.254.169.254"], "https://metrics.example", "a link-local or metadata address"),
    (["64:ff9b:1::a9fe:a9fe"], "https://metrics.example", "a link-local or metadata address"),
    (["64:ff9b::a9fe:a9fe"], "https://metrics.example", "a link-local or metadata address"),
    (["fd00:ec2::254"], "https://metrics.example", "a link-local or metadata address"),
    (["::"], "https://metrics.example", "a link-local or metadata address"),
    (["10.0.0.1"], "http://localhost", "localhost is 10.0.0.1, which is not loopback; use https"),
    ([], "https://metrics.example", "metrics.example cannot be looked up: unknown name"),
]


@pytest.mark.parametrize(("addresses", "url", "unknown"), FORBIDDEN)
def test_a_name_may_not_lead_to_a_forbidden_address(addresses: list[str], url: str, unknown: str) -> None:
    asked = {"metrics": {"provider": "prometheus", "url": url, "queries": {"q": {"query": "up"}}}}
    assert unknown in _looked_up(Surface.model_validate(asked), Names(addresses)).why


class Names:
    """A name server that knows one answer, and counts."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.asked = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        if not self.addresses:
            raise OSError(-2, "unknown name")
        return self.addresses


def _looked_up(asked: Surface, names: Names) -> Answer:
    question = Question("up", 600)
    servers = HttpMetricsServers({}, FixedClock(NOON), lookup=names)
    return servers.ask(metrics_of(asked), [question], timeout=5)[question]


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(server: MetricsServer) -> None:
    server.otherwise = vector("1")
    url, names = f"http://metrics.example:{server.port}", Names(["127.0.0.1"])
    asked = surface(server, "prometheus", {"query": "up"}, url=url, insecure_http=True)
    assert _looked_up(asked, names).points
    assert (names.asked, server.headers[0]["Host"]) == (1, f"metrics.example:{server.port}")


# --- a surface of several queries ------------------------------------------------------------------------


def test_one_unknown_query_is_unknown_alone_and_the_oldest_is_the_time(server: MetricsServer) -> None:
    queries = {"a": {"query": "a"}, "b": {"query": "b"}, "c": {"query": "c"}}
    asked = Surface.model_validate(
        {"metrics": {"provider": "prometheus", "url": server.url, "queries": queries}}
    )
    old = NOON - timedelta(minutes=4)
    server.pages.update({"a": vector("1"), "b": vector("2", at=old), "c": vector("NaN", at=EARLIER)})
    sample = _sample(asked)
    assert (sample.unknown, sample.updated_at) == (None, old)
    assert {name: each.value for name, each in sample.measurements.items()} == {"a": 1, "b": 2, "c": None}


def test_a_surface_is_unknown_when_all_its_queries_are(server: MetricsServer) -> None:
    queries = {"a": {"query": "a"}, "b": {"query": "b"}}
    asked = Surface.model_validate(
        {"metrics": {"provider": "prometheus", "url": server.url, "queries": queries}}
    )
    server.pages.update({"a": vector(), "b": vector("NaN")})
    assert (
        _sample(asked).unknown
        == "no series: do its labels match? `on_empty: zero` counts none as 0 (and 1 other reasons)"
    )


def test_a_query_is_asked_over_each_further_window(server: MetricsServer) -> None:
    asked = surface(server, "prometheus", {"query": "sum(increase(ok[{window}]))"})
    for window, value in (("10m", "1"), ("5m", "2"), ("1h", "3")):
        server.pages[f"sum(increase(ok[{window}]))"] = vector(value)
    measurement = _sample(asked, {"q": (300, 3600)}).measurements["q"]
    assert (measurement.value, {name: each.value for name, each in measurement.windows.items()}) == (
        1,
        {"5m": 2, "1h": 3},
    )


def _sample(asked: Surface, windows: Mapping[str, tuple[int, ...]] | None = None) -> Sample:
    planned = plan(metrics_of(asked), {}, interval=600, windows=windows or {})
    questions = [each for one in planned for each in one.questions.values()]
    answers = HttpMetricsServers({}, FixedClock(NOON)).ask(metrics_of(asked), questions, timeout=5)
    return sample_of(asked, planned, [measured(each, answers, NOON, max_age=MAX_AGE) for each in planned])
