import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.harness import parse_harness
from rollout.core.observation import HarnessReport

RUNS = Path(__file__).parent.parent / "samples" / "tau" / "harness"
REPORT = (RUNS / "passed" / "report.json").read_bytes()
MANIFEST = (RUNS / "passed" / "manifest.json").read_bytes()


def changed(payload: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(payload), **changes}).encode()


def test_reads_a_run_that_passed() -> None:
    assert parse_harness(REPORT, MANIFEST) == HarnessReport(
        started_at=datetime(2026, 11, 23, 0, 15, 37, tzinfo=UTC),
        status="passed",
        total=5,
        passed=5,
        failed=0,
        surfaces=dict.fromkeys(("voice", "browser", "dashboard", "custom-command", "memory"), "passed"),
        sha256=sha256(REPORT).hexdigest(),
    )


def test_reads_a_run_that_stopped_at_its_first_failure() -> None:
    run = RUNS / "stopped-at-first-failure"
    report = parse_harness((run / "report.json").read_bytes(), (run / "manifest.json").read_bytes())
    assert (report.status, report.total, report.passed, report.failed) == ("failed", 3, 2, 1)
    assert report.surfaces == {"voice": "passed", "browser": "passed", "dashboard": "failed"}


def test_files_of_two_runs_are_unknown() -> None:
    other = (RUNS / "stopped-at-first-failure" / "manifest.json").read_bytes()
    report = parse_harness(REPORT, other)
    assert report == HarnessReport(
        unknown="report and manifest disagree: they are of two runs, or one is half written"
    )


OVERALL = {"status": "passed", "total_surfaces": 5, "passed_surfaces": 5, "failed_surfaces": 0}


@pytest.mark.parametrize(
    ("overall", "why"),
    [
        (None, "report.overall is not an object"),
        ({**OVERALL, "status": 1}, "report.overall.status is not plain text"),
        ({**OVERALL, "status": "pass\u200bed"}, "report.overall.status is not plain text"),
        ({**OVERALL, "total_surfaces": -5}, "report.overall.total_surfaces is not a count"),
        ({**OVERALL, "passed_surfaces": "5"}, "report.overall.passed_surfaces is not a count"),
        ({"status": "passed"}, "report.overall.total_surfaces is not a count"),
    ],
)
def test_broken_figures_are_unknown(overall: Any, why: str) -> None:
    report = parse_harness(changed(REPORT, overall=overall), changed(MANIFEST, overall=overall))
    assert report == HarnessReport(unknown=why)


@pytest.mark.parametrize(
    ("report", "manifest", "why"),
    [
        (b"", MANIFEST, "report: empty"),
        (REPORT[:-40], MANIFEST, "report: not JSON"),
        (REPORT, MANIFEST[:-40], "manifest: not JSON"),
        (REPORT, b"[]", "manifest: the file is not an object"),
        (REPORT.replace(b"{", b'{"overall": {},', 1), MANIFEST, "report: contradictory: the key 'overall'"),
        (REPORT, MANIFEST.replace(b"{", b'{"duration_ms": 1,', 1), "manifest: contradictory: the key"),
        (REPORT, changed(MANIFEST, started_unix_ms=None), "manifest.started_unix_ms is not a time"),
        (changed(REPORT, surface_status=[]), MANIFEST, "report.surface_status is not an object"),
        (changed(REPORT, surface_status={"a": 1}), MANIFEST, "report.surface_status.a is not an object"),
        (changed(REPORT, surface_status={"a": {}}), MANIFEST, "report.surface_status.a.status is not"),
        (changed(REPORT, surface_status={"a\n": {"status": "passed"}}), MANIFEST, "a surface's id is not"),
        (
            changed(REPORT, surface_status={str(n): {} for n in range(101)}),
            MANIFEST,
            "report.surface_status has",
        ),
    ],
)
def test_broken_files_are_unknown_with_the_reason(report: bytes, manifest: bytes, why: str) -> None:
    found = parse_harness(report, manifest)
    assert (found.unknown or "").startswith(why)
    assert found == HarnessReport(unknown=found.unknown)


IDS = ["voice", "browser", "dashboard", "custom-command", "memory"]


def of_voice(payload: bytes, **changes: Any) -> bytes:
    """The report or manifest with its entry for voice changed."""
    document = json.loads(payload)
    entry = document["surface_status"]["voice"] if "surface_status" in document else document["surfaces"][0]
    entry.update(changes)
    return json.dumps(document).encode()


def without_schema(payload: bytes) -> bytes:
    return json.dumps({k: v for k, v in json.loads(payload).items() if k != "schema_version"}).encode()


@pytest.mark.parametrize(
    ("report", "manifest", "why"),
    [
        (of_voice(REPORT, exit_code=1), of_voice(MANIFEST, exit_code=1), "voice passed, with exit code 1"),
        (of_voice(REPORT, exit_code=1), MANIFEST, "voice passed, with exit code 1"),
        (REPORT, of_voice(MANIFEST, exit_code="0"), "voice: exit_code is no number"),
        (
            REPORT,
            of_voice(MANIFEST, status="failed", exit_code=1),
            "voice: status differs in report and manifest",
        ),
        (
            REPORT,
            of_voice(MANIFEST, summary_line="total=4 passed=3"),
            "voice: summary_line differs in report",
        ),
        (
            REPORT,
            of_voice(MANIFEST, artifact_count=0),
            "voice: artifact_count differs in report and manifest",
        ),
        (REPORT, of_voice(MANIFEST, surface_id="memory"), "the manifest names memory twice"),
        (REPORT, of_voice(MANIFEST, surface_id="phone"), "the report is of browser, custom-command"),
        (REPORT, changed(MANIFEST, surfaces=[]), "the report is of browser, custom-command"),
        (REPORT, changed(MANIFEST, surfaces={}), "manifest.surfaces is not a list"),
        (changed(REPORT, failed_surfaces=["voice"]), MANIFEST, "report.failed_surfaces is voice, and by"),
        (changed(REPORT, failed_surfaces=None), MANIFEST, "report.failed_surfaces is not a list"),
        (REPORT, changed(MANIFEST, duration_ms=7), "duration_ms is 1812 in the report, 7 in the manifest"),
        (REPORT, of_voice(MANIFEST, duration_ms=1813), "voice took 1813 ms, and the whole run 1812 ms"),
        (REPORT, of_voice(MANIFEST, duration_ms="448"), "manifest: voice.duration_ms is '448'"),
        (
            REPORT,
            of_voice(MANIFEST, diagnostics=["surface script exited with code 1"]),
            "voice passed, with diagnostics: surface script exited with code 1",
        ),
        (REPORT, of_voice(MANIFEST, diagnostics="none"), "manifest: voice.diagnostics is not a list"),
        (
            REPORT,
            of_voice(MANIFEST, missing_artifact_roots=[".tau"]),
            "voice passed, with missing_artifact_roots: .tau",
        ),
        (without_schema(REPORT), without_schema(MANIFEST), "report.schema_version is missing, and this"),
        (REPORT, without_schema(MANIFEST), "manifest.schema_version is missing, and this version of"),
        (
            changed(REPORT, duration_ms=-1),
            changed(MANIFEST, duration_ms=-1),
            "duration_ms is -1 in the report",
        ),
        (
            changed(REPORT, duration_ms=10**15),
            changed(MANIFEST, duration_ms=10**15),
            "duration_ms is 1000000000000000 in the report",
        ),
        (changed(REPORT, schema_version=99), MANIFEST, "report.schema_version is 99, and this version"),
        (REPORT, changed(MANIFEST, schema_version="1"), "manifest.schema_version is '1', and this version"),
        (REPORT, changed(MANIFEST, started_unix_ms=0), "manifest.started_unix_ms is of 1970"),
        (REPORT, changed(MANIFEST, started_unix_ms=1795392937), "manifest.started_unix_ms is of 1970"),
    ],
)
def test_a_pair_that_contradicts_itself_is_unknown(report: bytes, manifest: bytes, why: str) -> None:
    found = parse_harness(report, manifest)
    assert (found.unknown or "").startswith(why)
    assert found == HarnessReport(unknown=found.unknown)


@pytest.mark.parametrize(
    ("overall", "why"),
    [
        ({"total_surfaces": 9}, "report.overall counts total=9 passed=5 failed=0, surface_status 5, 5, 0"),
        ({"passed_surfaces": 4}, "report.overall counts total=5 passed=4 failed=0, surface_status 5, 5, 0"),
        ({"failed_surfaces": 1}, "report.overall counts total=5 passed=5 failed=1, surface_status 5, 5, 0"),
        ({"status": "PASSED"}, "report.overall is PASSED, with nothing failed"),
        ({"status": "failed"}, "report.overall is failed, with nothing failed"),
        ({"failed_surfaces": False}, "report.overall.failed_surfaces is not a count"),
    ],
)
def test_figures_that_the_surfaces_contradict_are_unknown(overall: dict[str, Any], why: str) -> None:
    both = {**OVERALL, **overall}
    assert parse_harness(changed(REPORT, overall=both), changed(MANIFEST, overall=both)) == HarnessReport(
        unknown=why
    )


def test_surfaces_that_the_contract_does_not_name_are_unknown() -> None:
    assert parse_harness(REPORT, MANIFEST, IDS).status == "passed"
    found = parse_harness(REPORT, MANIFEST, IDS[1:])
    assert found == HarnessReport(
        unknown="the report names voice, which is not among harness.surfaces of the contract"
    )


def test_a_run_that_cannot_have_ended_yet_is_unknown() -> None:
    hour = {"duration_ms": 3_600_000}
    report, manifest = changed(REPORT, **hour), changed(MANIFEST, **hour)
    began = datetime(2026, 11, 23, 0, 15, 37, tzinfo=UTC)
    early = parse_harness(report, manifest, IDS, began + timedelta(seconds=30))
    assert early == HarnessReport(
        unknown="the run began at 2026-11-23T00:15:37Z and took 1h: it cannot have ended yet"
    )
    assert parse_harness(report, manifest, IDS, began + timedelta(minutes=58)).status == "passed"
    assert parse_harness(REPORT, MANIFEST, IDS, began).status == "passed"
    last = changed(manifest, started_unix_ms=253_402_300_799_000)
    told = parse_harness(report, last, IDS, began).unknown
    assert told == "the run began at 9999-12-31T23:59:59Z and took 1h: it cannot have ended yet"


def test_what_only_one_file_states_is_compared_with_nothing() -> None:
    """Another product's harness may print less; paths are of the machine that ran it."""
    both = {"schema_version": 1, "overall": OVERALL}
    one = {**both, "surface_status": {name: {"status": "passed"} for name in IDS}}
    other = {**both, "started_unix_ms": 1795392937107, "repo_root": "/elsewhere"}
    assert parse_harness(json.dumps(one).encode(), json.dumps(other).encode()).passed == 5


@given(report=st.binary(), manifest=st.binary())
def test_any_bytes_give_a_report(report: bytes, manifest: bytes) -> None:
    assert parse_harness(report, manifest).unknown
    assert parse_harness(REPORT, manifest).unknown
    assert parse_harness(report, MANIFEST).unknown
