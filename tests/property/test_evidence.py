"""Mutated evidence: nothing that contradicts itself, or can be read by half, reads as healthy.

Each test changes healthy evidence in its structure, numbers, times, keys and encoding. The oracle reads the
result in its own way, and says whether it may be believed. A parser raises nothing but the tool's own errors.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.core.contract import Adapter
from rollout.core.decide.intake import check_itself
from rollout.core.harness import parse_harness
from rollout.core.observation import EARLIEST, MAX_FUTURE, HealthState, Observation, Results, WorkResult
from rollout.core.surfaces import parse
from rollout.core.surfaces.event_log import HEAD_BYTES, LogFile, count_log
from rollout.core.surfaces.payload import CYCLE_FIELDS
from rollout.core.surfaces.tau_browser_summary import FIELDS
from rollout.core.values import unix_ms
from rollout.errors import RolloutError
from rollout.files.evidence import dump_evidence, parse_evidence
from tests.core.surfaces.surfaces import READ_AT, SAMPLES, surface
from tests.core.world import START, World
from tests.examples import examples
from tests.property.mutations import UnclearError, clear, mutated

VOICE = (SAMPLES / "healthy" / "voice-status.json").read_bytes()
MEMORY = (SAMPLES / "healthy" / "memory-transport-health.json").read_bytes()
BROWSER = (SAMPLES / "healthy" / "browser-live-summary.json").read_bytes()
REPORT = (SAMPLES / "harness" / "passed" / "report.json").read_bytes()
MANIFEST = (SAMPLES / "harness" / "passed" / "manifest.json").read_bytes()
IDS = ("voice", "browser", "dashboard", "custom-command", "memory")
many = settings(max_examples=examples(300), suppress_health_check=[HealthCheck.too_slow], deadline=None)


# --- payloads ---------------------------------------------------------------------------------------------


@given(payload=mutated(VOICE))
@many
def test_a_status_reads_as_healthy_only_where_it_says_so_in_one_way(payload: bytes) -> None:
    sample = parse(surface(Adapter.TAU_STATUS), payload, READ_AT)
    if sample.health_state is not HealthState.HEALTHY or any(sample.fields.get(f) != 0 for f in CYCLE_FIELDS):
        return
    document = clear(payload)
    assert document["health_state"] == "healthy"
    for field in CYCLE_FIELDS:
        assert {float(where[field]) for where in (document, document["health"]) if field in where} == {0.0}
    if sample.counters is not None:
        assert sample.counters == document["reason_code_counts"]


@given(payload=mutated(MEMORY))
@many
def test_transport_health_reads_as_healthy_only_where_every_row_says_so(payload: bytes) -> None:
    sample = parse(surface(Adapter.TAU_TRANSPORT_HEALTH), payload, READ_AT)
    if sample.health_state is not HealthState.HEALTHY:
        return
    for row in clear(payload):
        assert row["health"]["failure_streak"] == row["health"]["last_cycle_failed"] == 0


@given(payload=mutated(BROWSER))
@many
def test_a_summary_has_a_clean_timeline_only_where_every_step_is_a_success(payload: bytes) -> None:
    sample = parse(surface(Adapter.TAU_BROWSER_SUMMARY), payload, READ_AT)
    if sample.unknown is not None or sample.timeline is None or sample.timeline.bad:
        return
    steps = clear(payload)["timeline"]
    assert len(steps) == sample.timeline.steps
    assert {(step["replay_step"], step["error_code"]) for step in steps} == {("success", "")}
    assert all(sample.fields[name] >= 0 for name in FIELDS & sample.fields.keys())


# --- harness pairs ----------------------------------------------------------------------------------------


@given(data=st.data())
@many
def test_a_harness_pair_passes_only_where_both_files_agree(data: st.DataObject) -> None:
    which = data.draw(st.sampled_from(["report", "manifest", "both"]))
    report = data.draw(mutated(REPORT)) if which != "manifest" else REPORT
    manifest = data.draw(mutated(MANIFEST)) if which != "report" else MANIFEST
    run = parse_harness(report, manifest, IDS)
    if run.unknown is None and run.status == "passed":
        assert disagreements(clear(report), clear(manifest)) == []


def disagreements(report: Any, manifest: Any) -> list[str]:
    """What a person finds who lays the two files side by side."""
    overall, status = report["overall"], report["surface_status"]
    passed = [name for name, entry in status.items() if entry["status"] == "passed"]
    rows = {row["surface_id"]: row for row in manifest.get("surfaces", [])}
    found = {
        "overall": overall != manifest["overall"],
        "total": overall["total_surfaces"] != len(status),
        "passed": overall["passed_surfaces"] != len(passed) or len(passed) != len(status),
        "failed": overall["failed_surfaces"] != 0 or bool(report.get("failed_surfaces")),
        "schema": {report.get("schema_version"), manifest.get("schema_version")} != {1},
        "slow": any(row.get("duration_ms", 0) > manifest.get("duration_ms", 10**12) for row in rows.values()),
        "complaints": any(row.get("diagnostics") for row in rows.values()),
        "names": not set(status) <= set(IDS),
        "rows": "surfaces" in manifest
        and (set(rows) != set(status) or len(rows) != len(manifest["surfaces"])),
        "exit": any(entry.get("exit_code", 0) != 0 for entry in (*status.values(), *rows.values())),
        "row status": any(row["status"] != "passed" for row in rows.values()),
        "took": report.get("duration_ms", 0) != manifest.get("duration_ms", report.get("duration_ms", 0))
        if "duration_ms" in report
        else False,
        "started": manifest["started_unix_ms"] < 946684800000,
    }
    return [what for what, is_so in found.items() if is_so]


# --- observations and results -----------------------------------------------------------------------------

OBSERVATION = World().observation()
_DONE: dict[str, Any] = {
    "ok": True,
    "detail": "exit 0",
    "started_at": START,
    "finished_at": START + timedelta(minutes=1),
}
RESULTS = Results(
    train=OBSERVATION.train,
    release=OBSERVATION.release,
    commit=OBSERVATION.commit,
    finished_at=START + timedelta(minutes=2),
    results=(WorkResult(request="apply-canary-1-5-1", **_DONE), WorkResult(request="harness-1", **_DONE)),
)
NOW = START + timedelta(minutes=3)
EVIDENCE = [dump_evidence(OBSERVATION).encode(), dump_evidence(RESULTS).encode()]


@given(content=st.sampled_from(EVIDENCE).flatmap(mutated))
@many
def test_evidence_is_taken_only_where_it_is_clear_and_its_times_follow(content: bytes) -> None:
    try:
        item = parse_evidence("evidence.json", content)
        check_itself(item, NOW)
    except RolloutError:
        return
    clear(content)
    spans = [(item.started_at, item.finished_at)] if isinstance(item, Observation) else []
    if isinstance(item, Results):
        spans = [(result.started_at, result.finished_at) for result in item.results]
        assert max(Counter(result.request for result in item.results).values(), default=1) == 1
    assert all(EARLIEST <= began <= ended <= NOW + MAX_FUTURE for began, ended in spans)
    assert item.finished_at <= NOW + MAX_FUTURE
    if isinstance(item, Observation):
        assert all(
            value >= 0 for s in item.samples.values() for f, value in s.fields.items() if f in CYCLE_FIELDS
        )


# --- log lines --------------------------------------------------------------------------------------------


def _line(*codes: str) -> bytes:
    return json.dumps(
        {"timestamp_unix_ms": unix_ms(datetime(2026, 11, 23, tzinfo=UTC)), "reason_codes": codes}
    ).encode()


@given(lines=st.lists(st.sampled_from([_line("a"), _line("a", "b"), _line()]).flatmap(mutated), max_size=4))
@many
def test_a_log_is_believed_only_where_every_line_is_clear(lines: list[bytes]) -> None:
    log = b"".join(line + b"\n" for line in lines)
    file = LogFile(lambda offset: log[offset:].splitlines(keepends=True), log[:HEAD_BYTES])
    counted = count_log(file, None)
    if counted.unknown is not None:
        return
    codes: Counter[str] = Counter()
    for each in filter(bytes.strip, log.split(b"\n")):
        codes.update(clear(each)["reason_codes"])
    assert {code: n for code, n in codes.items() if code in ("a", "b")} == {
        code: n for code, n in counted.cursor.totals.items() if code in ("a", "b")
    }


def test_the_oracle_is_not_blind() -> None:
    """What is healthy unchanged is read as healthy, and the oracle sees what it is asked to see."""
    assert parse(surface(Adapter.TAU_STATUS), VOICE, READ_AT).health_state is HealthState.HEALTHY
    assert parse_harness(REPORT, MANIFEST, IDS).status == "passed"
    assert disagreements(clear(REPORT), clear(MANIFEST)) == []
    other = {**clear(MANIFEST), "overall": {}, "duration_ms": 1, "surfaces": [], "schema_version": 2}
    assert disagreements(clear(REPORT), other) == ["overall", "schema", "rows", "took"]
    for unclear in (b'{"a": 1, "a": 1}', b"[1e999]", b"NaN", b"\xff", b"{"):
        try:
            clear(unclear)
        except UnclearError:
            continue
        raise AssertionError(unclear)
