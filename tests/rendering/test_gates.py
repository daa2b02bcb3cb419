"""Gates in rows, the soak bar and the stepper."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.core.state import Outcome, Result, Soak
from rollout.rendering.gates import (
    Progress,
    Silence,
    clock_time,
    listed,
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


GATES = ("health_state", "failure_streak", "queue_depth", "no_new.case_processing_failed")


def silent(*surfaces: str, seen: str = "exit 101") -> build.Edits:
    """What surfaces that cannot be read make of the gates."""
    return {(gate, surface): (U, seen) for gate in GATES for surface in surfaces}


def told(changed: build.Edits) -> list[str]:
    """The listed gates, one line each."""
    return [
        f"{len(each.gates)} gates: {each.surfaces}: {each.seen}"
        if isinstance(each, Silence)
        else f"{each.gate}: {each.result}"
        for each in listed(build.status(changed=changed).gates)
    ]


def test_a_surface_that_cannot_be_read_is_told_once_after_what_fails() -> None:
    changed = silent("memory") | {
        ("failure_streak", "voice"): (F, "2"),
        ("no_trigger", None): (U, "who knows"),
    }
    assert told(changed) == [
        "failure_streak: unsatisfied",
        "4 gates: memory: exit 101",
        "no_trigger: unknown",
        "timeline_clean: satisfied",
    ]


def test_surfaces_with_the_same_reason_are_told_together_and_others_apart() -> None:
    same = silent("voice", "memory")
    assert told(same)[0] == "4 gates: voice, memory: exit 101"
    assert told(same | silent("memory", seen="exit 2"))[:2] == [
        "4 gates: voice: exit 101",
        "4 gates: memory: exit 2",
    ]


def test_what_is_unknown_at_one_gate_only_stays_with_the_gate() -> None:
    assert told({("queue_depth", "memory"): (U, "not reported")})[0] == "queue_depth: unknown"


def test_a_gate_whose_every_surface_is_silent_is_no_row_of_its_own() -> None:
    assert told(silent(*build.SURFACES)) == [
        "4 gates: 5 surfaces: exit 101",
        "timeline_clean: satisfied",
        "no_trigger: satisfied",
    ]


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
