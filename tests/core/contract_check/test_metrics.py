"""Bad input in the metrics of a contract: one line each, with the field and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rollout.core.contract import Contract
from rollout.core.contract_check.examine import examine
from rollout.core.contract_check.notes import find_notes

URL = "https://prometheus.example"
A_PICK = {"path": "/a", "pick": "e"}
UP = {"e": {"query": "up"}}
P = {"p": {"good": "a", "total": "b"}}


def contract(surface: Mapping[str, object], gates: list[object] | None = None) -> dict[str, object]:
    return {
        "schema": 1,
        "train": "shop",
        "surfaces": {"api": {"adapter": "tau-status", "command": ["api"]}, "m": surface},
        "phases": [
            {
                "name": "start",
                "canary_percent": 0,
                "soak": "0s",
                "gates": gates or [{"kind": "health_state", "surfaces": ["api"]}],
            },
            {"name": "all", "canary_percent": 100, "soak": "1h", "inherit": "start"},
        ],
    }


def metrics(given: Mapping[str, object]) -> dict[str, object]:
    return contract({"metrics": {"provider": "prometheus", "url": URL, "queries": UP, **given}})


def query(provider: str, given: Mapping[str, object]) -> dict[str, object]:
    return contract({"metrics": {"provider": provider, "url": URL, "queries": {"e": given}}})


M, Q = "surfaces.m.metrics", "surfaces.m.metrics.queries.e"
A_VARIABLE = (
    "must be the name of an environment variable, such as PROM_TOKEN; write the secret into that variable,"
    " never into the contract"
)
HTTPS = "must be https; http is for loopback, or for `insecure_http: true` without auth"
SECRET = "sk-s3cret"
BAD: list[tuple[dict[str, object], str]] = [
    (
        metrics({"provider": "graphite"}),
        f"{M}.provider: unknown provider 'graphite'; known here: prometheus, datadog, json",
    ),
    (
        metrics({"provider": "promethus"}),
        f"{M}.provider: unknown provider 'promethus'; did you mean prometheus?",
    ),
    (metrics({"auth": {"bearer_env": SECRET}}), f"{M}.auth.bearer_env: {A_VARIABLE}"),
    (metrics({"auth": {"basic_env": ["A", SECRET]}}), f"{M}.auth.basic_env: {A_VARIABLE}"),
    (metrics({"auth": {"header_env": {"X-Key": SECRET}}}), f"{M}.auth.header_env.X-Key: {A_VARIABLE}"),
    *(
        (
            metrics({"auth": {"bearer_env": name}}),
            f"{M}.auth.bearer_env: {name} holds something else; name another variable, such as PROM_TOKEN",
        )
        for name in ("GITHUB_TOKEN", "GH_TOKEN", "ROLLOUT_TOKEN", "ROLLOUT_APP_PRIVATE_KEY", "PATH")
    ),
    (
        metrics({"auth": {"header_env": SECRET}}),
        f"{M}.auth.header_env: must be a mapping of headers to names of variables",
    ),
    (metrics({"auth": SECRET}), f"{M}.auth: must be a mapping, such as {{bearer_env: PROM_TOKEN}}"),
    (metrics({"auth": {"bearer": SECRET}}), f"{M}.auth.bearer: unknown key; did you mean bearer_env?"),
    (
        metrics({"auth": {}}),
        f"{M}.auth: names no variable; give bearer_env, basic_env or header_env",
    ),
    (
        metrics({"auth": {"bearer_env": "A", "basic_env": "B"}}),
        f"{M}.auth: give bearer_env or basic_env, not both",
    ),
    (
        metrics({"auth": {"header_env": {"Host": "A"}}}),
        f"{M}.auth.header_env: the tool sends Host itself",
    ),
    (
        metrics({"auth": {"header_env": {"X-Key": "A", "x-key": "B"}}}),
        f"{M}.auth.header_env: x-key is given twice; headers do not differ by case",
    ),
    *(
        (
            metrics({"auth": {"header_env": {key: "A"}}}),
            f"{M}.auth.header_env: a key is not the name of a header; use letters, digits and dashes",
        )
        for key in (f"{SECRET} {SECRET}", f"X: {SECRET}", 5)
    ),
    *(
        (
            metrics({"auth": {key: "A"}}),
            f"{M}.auth: holds an unknown key; known here: bearer_env, basic_env, header_env",
        )
        for key in (SECRET, f"Bearer {SECRET}", 5)
    ),
    (
        contract({"metrics": {"provider": "prometheus", "url": URL, "queries": UP}, "timeout": "0s"}),
        "surfaces.m.timeout: 0s ends the queries before they begin; did you mean 10s?",
    ),
    (query("prometheus", {"query": "   "}), f"{Q}.query: asks nothing; write a query"),
    (query("prometheus", {"good": "# c", "total": "b"}), f"{Q}.good: asks nothing; write a query"),
    (query("datadog", {"query": " "}), f"{Q}.query: asks nothing; write a query"),
    (metrics({"url": "http://prometheus.example"}), f"{M}.url: {HTTPS}"),
    (
        metrics({"url": "http://a.example", "insecure_http": True, "auth": {"bearer_env": "A"}}),
        f"{M}.insecure_http: not beside auth, which everybody on the way would read; use https",
    ),
    (metrics({"url": "https://*.example"}), f"{M}.url: must name one host; a wildcard is none"),
    (
        metrics({"url": f"https://user:{SECRET}@a.example"}),
        f"{M}.url: holds user information; name a variable with auth: {{basic_env: NAME}} instead",
    ),
    (
        metrics({"url": "https://169.254.169.254/latest"}),
        f"{M}.url: 169.254.169.254 is a link-local or metadata address, where no metrics server is",
    ),
    (
        metrics({"url": "https://[::ffff:169.254.169.254]"}),
        f"{M}.url: ::ffff:169.254.169.254 is a link-local or metadata address, where no metrics server is",
    ),
    (
        metrics({"url": "https://metadata.google.internal"}),
        f"{M}.url: metadata.google.internal is a link-local or metadata address, where no metrics server is",
    ),
    (metrics({"url": "https://0x7f.1"}), f"{M}.url: 0x7f.1 is no host; write a name or an address in full"),
    (
        metrics({"url": "https://2130706433"}),
        f"{M}.url: 2130706433 is no host",
    ),
    (metrics({"url": "ftp://a.example"}), f"{M}.url: must begin with https:// and a host"),
    (
        metrics({"url": f"https://a.example/?token={SECRET}"}),
        f"{M}.url: must end with the path; a query string or fragment has no place in it",
    ),
    (
        metrics({"url": "https://{version}.example"}),
        f"{M}.url: holds a character that no address has; placeholders are not filled in here",
    ),
    (
        metrics({"url": "https://a.example:99999"}),
        f"{M}.url: is not an address; write https://prometheus.example",
    ),
    (
        query("json", {"path": "/health", "pick": "errors["}),
        f"{Q}.pick: not a JMESPath expression:",
    ),
    (
        query("json", {"path": "/health", "pick": "`0`"}),
        f"{Q}.pick: `0` is the same whatever the server answers",
    ),
    (
        query("json", {"path": "/health", "pick": "'healthy'"}),
        f"{Q}.pick: 'healthy' is the same whatever the server answers; did you mean healthy, without quotes?",
    ),
    (
        query("json", {"good": {"path": "/a", "pick": "length('abc')"}, "total": A_PICK}),
        f"{Q}.good.pick: length('abc') is the same whatever the server answers",
    ),
    (query("json", {"path": "/health", "pick": "foo(errors)"}), f"{Q}.pick: Unknown function: foo()"),
    (
        query("json", {"path": "/health", "pick": "by.'{version}'"}),
        f"{Q}.pick: not a JMESPath expression:",
    ),
    (
        query("json", {"path": "/health", "pick": "pods[?v=='{version}'].e"}),
        f"{Q}.pick: {{version}} is not filled in here; placeholders belong in path",
    ),
    (query("json", {"path": "health", "pick": "e"}), f"{Q}.path: is not a path"),
    (query("json", {"path": "/a/../b", "pick": "e"}), f"{Q}.path: .. in a path leads elsewhere"),
    (query("json", {"path": "//a/b", "pick": "e"}), f"{Q}.path: begins with two slashes"),
    (query("json", {"path": "/a"}), f"{Q}: give path and pick, or good and total"),
    (
        query("json", {"path": "/a", "good": A_PICK, "total": A_PICK}),
        f"{Q}: path and pick belong together",
    ),
    (
        query("json", {"path": "/of/{verson}", "pick": "e"}),
        f"{Q}.path: unknown placeholder {{verson}}; did you mean version?",
    ),
    (
        query("json", {"good": {"path": "/a", "pick": "e["}, "total": {"path": "/a", "pick": "e"}}),
        f"{Q}.good.pick: not a JMESPath expression:",
    ),
    (query("prometheus", {"query": "sum(up"}), f"{Q}.query: not PromQL: ( is not closed"),
    (
        query("prometheus", {"query": 'up{v=~"{version}"}'}),
        f"{Q}.query: {{version}} cannot stand in a regular expression; compare with = instead of =~",
    ),
    (
        query("prometheus", {"query": 'up{path="/users/{id}"}'}),
        f"{Q}.query: unknown placeholder {{id}}; known here: version, commit, phase, baseline, percent,"
        " window; a brace of a string itself is written \\x7b",
    ),
    (
        query("prometheus", {"good": "ok", "total": "all{version}"}),
        f"{Q}.total: {{version}} stands only inside the string of a label",
    ),
    (query("prometheus", {"good": "ok"}), f"{Q}: good and total belong together"),
    (query("prometheus", {}), f"{Q}: give query, or good and total"),
    (query("prometheus", {"query": "up", "good": "a", "total": "b"}), f"{Q}: give query, or good and total"),
    (
        query("prometheus", {"query": "up", "min_samples": 300}),
        f"{Q}.min_samples: needs `samples` beside it, a query that counts them",
    ),
    (
        query("prometheus", {"good": "a", "total": "b", "samples": "c"}),
        f"{Q}.samples: not beside good and total; total is the number of samples",
    ),
    (
        query("prometheus", {"query": "up", "reduce": "median"}),
        f"{Q}.reduce: must be 'sum'",
    ),
    (query("prometheus", {"query": "up", "on_empty": "one"}), f"{Q}.on_empty: must be 'zero'"),
    (query("prometheus", {"query": "up", "window": "0s"}), f"{Q}.window: must be longer than nothing"),
    (
        query("prometheus", {"query": "up", "window": "9000d"}),
        f"{Q}.window: 216000h is longer than",
    ),
    (
        query("datadog", {"query": "avg:x{version}"}),
        f"{Q}.query: {{version}} stands only",
    ),
    (metrics({"queries": {}}), f"{M}.queries: "),
    (contract({}), "surfaces.m: give either adapter or metrics"),
    (
        contract({"adapter": "json", "metrics": {"provider": "prometheus", "url": URL, "queries": UP}}),
        "surfaces.m: give either adapter or metrics",
    ),
    *(
        (
            contract({key: value, "metrics": {"provider": "prometheus", "url": URL, "queries": UP}}),
            f"surfaces.m.{key}: {why}",
        )
        for key, value, why in (
            ("command", ["a"], "not beside metrics, which are asked of a server"),
            ("file", "a.json", "not beside metrics, which are asked of a server"),
            ("events", "a.jsonl", "not beside metrics, which are asked of a server"),
            ("absent", "zero", "not beside metrics, which are asked of a server"),
            ("fresh", "phase", "not beside metrics, which have a pulse"),
            ("revision", "release", "metrics are of a running service, so it is `any`; leave it out"),
        )
    ),
    (
        contract(
            {"metrics": {"provider": "prometheus", "url": URL, "queries": UP}},
            [{"kind": "threshold", "field": "errors", "max": 1, "surfaces": ["m"]}],
        ),
        "phases.0.gates.0.field: m does not report errors; known here: e",
    ),
    (
        contract(
            {
                "metrics": {
                    "provider": "prometheus",
                    "url": URL,
                    "queries": {"p": {"good": "a", "total": "b"}},
                }
            },
            [{"kind": "no_new", "counter": "p", "surfaces": ["m"]}],
        ),
        "phases.0.gates.0.counter: m does not report p",
    ),
]


@pytest.mark.parametrize(("data", "line"), BAD)
def test_bad_input_is_one_line(data: dict[str, object], line: str) -> None:
    _, found = examine(data)
    assert [each for each in found if each.startswith(line)], found
    assert not any(SECRET in each or "\n" in each for each in found)
    assert len([each for each in found if each.startswith("surfaces.m")]) <= 1, found


GOOD: list[dict[str, object]] = [
    metrics({}),
    metrics({"url": "http://127.0.0.1:9090/prometheus"}),
    metrics({"url": "http://[::1]:9090"}),
    metrics({"url": "HTTPS://Prometheus.example"}),
    metrics({"url": "http://localhost:9090", "auth": {"bearer_env": "PROM_TOKEN"}}),
    metrics({"url": "http://prometheus.monitoring.svc:9090", "insecure_http": True}),
    metrics({"auth": {"header_env": {"DD-API-KEY": "DD_API_KEY", "DD-APPLICATION-KEY": "DD_APP_KEY"}}}),
    query("json", {"path": "/v1/{version}?w={window}", "pick": "max(pods[].errors)"}),
    query("prometheus", {"query": 'up{v="{version}"}', "samples": "count(up)", "min_samples": 3}),
]


@pytest.mark.parametrize("data", GOOD)
def test_good_input_has_no_finding(data: dict[str, object]) -> None:
    assert examine(data)[1] == []


MOVING = "write moving_rollup(QUERY.rollup(sum, 60), {window}, 'sum')"
ROLLED = ".rollup(sum, 60), {window}, 'sum')"


def burning(good: str, total: str) -> dict[str, object]:
    """A contract whose error budget is over windows of Datadog."""
    queries = {"ok": {"query": good}, "all": {"query": total}}
    pair = {"long": "1h", "short": "5m", "factor": 14.4}
    gate = {"kind": "burn_rate", "good": "ok", "total": "all", "objective": 0.999, "windows": [pair]}
    surface = {"metrics": {"provider": "datadog", "url": URL, "queries": queries}}
    return contract(surface, [{**gate, "surfaces": ["m"]}])


WARNED = [
    (
        metrics({"url": "http://prometheus.svc:9090", "insecure_http": True}),
        f"{M}.insecure_http: whoever is between here and the server can change what it measures",
    ),
    (
        query("prometheus", {"good": "sum(rate(ok[10m]))", "total": "sum(increase(all[10m]))"}),
        f"{Q}.good: rate() gives no counts, which good and total are; use increase()",
    ),
    (
        query("prometheus", {"good": "increase(ok[{window}])", "total": "increase(all[5m])"}),
        f"{Q}.total: looks back 5m, and its window is 10m; write [{{window}}]",
    ),
    (
        query("datadog", {"good": "sum:ok{*}.rollup(sum, {window})", "total": "sum:all{*}.as_count()"}),
        f"{Q}.total: its newest point counts a part of the window; {MOVING}",
    ),
    (
        query(
            "datadog",
            {"good": f"moving_rollup(sum:a{{*}}{ROLLED}", "total": "moving_rollup (x)", "window": "1h"},
        ),
        "",
    ),
    (
        query(
            "datadog",
            {"good": "moving_rollup(x)", "total": "sum:all{*}.rollup(sum, {window})", "window": "1h"},
        ),
        f"{Q}.total: its newest point is up to 1h old, and sampling.max_age is 20m; {MOVING}",
    ),
    (
        query("json", {"path": "/a", "pick": "errors && `0` || `0`"}),
        f"{Q}.pick: errors && `0` || `0` gave 0 for each of 34 payloads it was tried on",
    ),
    (
        query("datadog", {"query": "max:x{*}.rollup(max, {window})", "window": "1h"}),
        f"{Q}.query: its newest point is up to 1h old, and sampling.max_age is 20m;"
        " moving_rollup() reads the last {window} at every point",
    ),
    (query("datadog", {"query": "max:x{*}.rollup(max, 60)", "window": "1h"}), ""),
    (query("json", {"path": "/a", "pick": "length(@)"}), ""),
    (
        burning(
            "sum:ok{*}.rollup(sum, {window})", "moving_rollup(sum:all{*}.rollup(sum, 60), {window}, 'sum')"
        ),
        f"{M}.queries.ok.query: its newest point is up to 1h old, and sampling.max_age is 20m; {MOVING}",
    ),
]


@pytest.mark.parametrize(("data", "line"), WARNED)
def test_what_may_be_meant_is_shown(data: dict[str, object], line: str) -> None:
    found = find_notes(Contract.model_validate(data))
    assert [each for each in found if each.startswith("surfaces.m")] == ([line] if line else [])
