"""Gates in rows, the soak bar and the stepper."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.core.state import Outcome, Result, Soak
from rollout.rendering.gates import (
    Progress,
    clock_time,
    progress,
    release_name,
    rows,
    short,
    soak_bar,
    stepper,
    worst_first,
)
from tests import builders as build

S, F, U, N = Result.SATISFIED, Result.UNSATISFIED, Result.UNKNOWN, Result.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("results", "worst"), [((S, F, U), F), ((S, U, N), U), ((S, N), S), ((N, N), N), ((F, S), F)]
)
def test_a_row_is_as_bad_as_its_worst_finding(results: tuple[Result, ...], worst: Result) -> None:
    changed: build.Edits = {
        ("queue_depth", surface): (result, "3")
        for surface, result in zip(build.SURFACES, results, strict=False)
    }
    changed |= {("queue_depth", surface): (results[-1], "3") for surface in build.SURFACES[len(results) :]}
    row = next(row for row in rows(build.status(changed=changed).gates) if row.gate == "queue_depth")
    assert row.result is worst
    assert row.holds == (worst in (S, N))
    assert [finding.result for finding in row.open] == sorted(
        (finding.result for finding in row.findings if finding.result in (F, U)), key=[F, U].index
    )


def test_failing_gates_come_first_and_the_soak_is_no_row() -> None:
    changed: build.Edits = {
        ("no_trigger", None): (F, "fired"),
        ("queue_depth", "memory"): (U, "not reported"),
    }
    shown = [row.gate for row in worst_first(rows(build.status(changed=changed).gates))]
    assert shown == [
        "no_trigger",
        "queue_depth",
        "health_state",
        "failure_streak",
        "no_new.case_processing_failed",
        "timeline_clean",
    ]


@pytest.mark.parametrize(
    ("soak", "bar"),
    [
        (Progress(1080, 1800), "[#######.....] 18m of 30m, 12m left"),
        (Progress(1087, 1800), "[#######.....] 18m of 30m, 12m left"),
        (Progress(1799, 1800), "[###########.] 29m of 30m, 1s left"),
        (Progress(1800, 1800), "[############] 30m of 30m, done"),
        (Progress(0, 0), "[############] 0s of 0s, done"),
        (Progress(0, 86_400), "[............] 0s of 24h, 24h left"),
        (Progress(1, 2, runs=True), "[######......] 1 of 2 runs, 1 run left"),
    ],
)
def test_soak_bar(soak: Progress, bar: str) -> None:
    assert soak_bar(soak) == bar


def test_progress_is_that_of_the_phase_and_never_more_than_required() -> None:
    contract = build.contract()
    status = build.status(soak=Soak(earned_seconds=9000))
    assert progress(contract.phase("canary-2"), status) == Progress(3600, 3600)
    assert progress(contract.phase("canary-3"), status) == Progress(0, 7200)
    assert progress(contract.phase("canary-3"), None) == Progress(0, 7200)
    ran = build.status("preflight", soak=Soak(runs=4))
    assert progress(contract.phase("preflight"), ran) == Progress(1, 1, runs=True)


def test_stepper() -> None:
    contract = build.contract()
    assert stepper(contract, build.rollout()) == (
        "preflight ✓ > canary-1 ✓ > [canary-2 25 %] > canary-3 > general-availability"
    )
    done = build.rollout("general-availability", outcome=Outcome.COMPLETE)
    assert stepper(contract, done).count("✓") == 5
    assert (
        stepper(contract, build.idle()) == "preflight > canary-1 > canary-2 > canary-3 > general-availability"
    )
    narrow = stepper(contract, build.rollout(), columns=40).splitlines()
    assert narrow == ["preflight ✓ > canary-1 ✓", "> [canary-2 25 %] > canary-3", "> general-availability"]


def test_few_words() -> None:
    assert [short(59), short(61), short(61, up=True), short(5400)] == ["59s", "1m", "2m", "1h30m"]
    assert [release_name(version) for version in ("0.1.5", "v0.1.5", "nightly")] == [
        "v0.1.5",
        "v0.1.5",
        "nightly",
    ]
    assert clock_time(build.NOW, build.NOW) == "14:00 UTC"
    assert clock_time(build.NOW + timedelta(days=1), build.NOW) == "2026-11-24 14:00 UTC"
