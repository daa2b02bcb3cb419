"""Tau's contract says what the runbook says: every row of its tables and every command, told by hand."""

from pathlib import Path

import pytest

from rollout.core.contract import COMPLETE, Contract, Gate, RollbackStep, RunsSoak, Surface, Trigger, matching
from rollout.core.contract_check.examine import examine
from rollout.core.values import format_duration
from rollout.files.yaml_text import load_yaml

CONTRACT = Path(__file__).parent.parent / "state" / "tau" / "contract.yaml"


@pytest.fixture(scope="module")
def contract() -> Contract:
    contract, problems = examine(load_yaml(CONTRACT.read_bytes(), file=CONTRACT.name))
    assert problems == []
    assert contract is not None
    return contract


# --- surfaces, and "Health Threshold Collection Commands" -------------------------------------------------

CARGO = "cargo run -p tau-coding-agent --"
SOURCES = {
    "voice": f"{CARGO} --voice-state-dir .tau/voice --voice-status-inspect --voice-status-json",
    "browser-automation": "cat .tau/demo-browser-automation-live/browser-live-summary.json",
    "dashboard": (
        f"{CARGO} --dashboard-state-dir .tau/dashboard --dashboard-status-inspect --dashboard-status-json"
    ),
    "custom-command": (
        f"{CARGO} --custom-command-state-dir .tau/custom-command"
        " --custom-command-status-inspect --custom-command-status-json"
    ),
    "memory": (
        f"{CARGO} --memory-state-dir .tau/memory --transport-health-inspect memory --transport-health-json"
    ),
}
ADAPTERS = {
    "voice": "tau-status",
    "browser-automation": "tau-browser-summary",
    "dashboard": "tau-status",
    "custom-command": "tau-status",
    "memory": "tau-transport-health",
}
EVENT_LOGS = {
    "dashboard": ".tau/dashboard/runtime-events.jsonl",
    "memory": ".tau/memory/runtime-events.jsonl",
}


def source(surface: Surface) -> str:
    return " ".join(surface.command or ("cat", surface.file or ""))


def test_surfaces_are_read_as_the_runbook_says(contract: Contract) -> None:
    assert {name: source(surface) for name, surface in contract.surfaces.items()} == SOURCES
    assert {surface.workdir for surface in contract.surfaces.values()} == {"."}


def test_the_binary_is_built_before_surfaces_run_it_one_after_another(contract: Contract) -> None:
    assert contract.prepare is not None
    assert " ".join(contract.prepare.command) == "cargo build -p tau-coding-agent"
    by_cargo = {name for name, surface in contract.surfaces.items() if surface.serial == "cargo"}
    assert by_cargo == {name for name, surface in contract.surfaces.items() if surface.command}


def test_surfaces_are_parsed_by_what_they_print(contract: Contract) -> None:
    assert {name: surface.adapter for name, surface in contract.surfaces.items()} == ADAPTERS


def test_surfaces_without_totals_are_counted_from_their_logs(contract: Contract) -> None:
    logs = {name: surface.events for name, surface in contract.surfaces.items() if surface.events}
    assert logs == EVENT_LOGS


def test_the_harness_is_the_runbooks(contract: Contract) -> None:
    harness = contract.harness
    assert harness is not None
    assert " ".join(harness.command or ()) == (
        "./scripts/demo/live-run-unified.sh --skip-build --timeout-seconds 180"
    )
    assert harness.report == ".tau/live-run-unified/report.json"
    assert harness.manifest == ".tau/live-run-unified/manifest.json"
    assert harness.timeout > len(contract.surfaces) * 180


def test_sampling(contract: Contract) -> None:
    assert contract.sampling.model_dump() == {
        "interval": "10m",
        "min_interval": "5m",
        "max_age": "20m",
        "max_gap": "30m",
        "streak_gap": "6h",
    }
    gaps = {phase.name: format_duration(contract.max_gap(phase)) for phase in contract.phases}
    assert gaps.pop("general-availability") == "2h"
    assert set(gaps.values()) == {"30m"}


# --- the table of phases ----------------------------------------------------------------------------------

CANARY_1 = (
    "every surface: health_state is healthy",
    "every surface: failure_streak at most 0",
    "every surface: last_cycle_failed at most 0",
    "every surface: queue_depth at most 1",
    "every surface: no new case_processing_failed",
    "every surface: no new malformed_inputs_observed",
)
CANARY_2 = (*CANARY_1, "browser-automation: timeline clean", "no trigger fired")
CANARY_3 = (
    *CANARY_2,
    "every surface: retry_attempted flat",
    "every surface: retryable_failures_observed flat",
    "signed off before general-availability",
)
PHASES = {
    "preflight": (
        0,
        "1 run",
        (
            "harness total=5 passed=5 failed=0",
            "at least 6 green checks `Live smoke *`",
            "rollback target recorded",
        ),
    ),
    "canary-1": (5, "30m", CANARY_1),
    "canary-2": (25, "1h", CANARY_2),
    "canary-3": (50, "2h", CANARY_3),
    "general-availability": (100, "24h", (*CANARY_3, "signed off before complete")),
}


def in_words(gate: Gate) -> str:
    where = ", ".join(getattr(gate, "surfaces", None) or ["every surface"])
    match gate.kind:
        case "health_state":
            return f"{where}: health_state is {gate.is_}"
        case "threshold":
            return f"{where}: {gate.field} at most {gate.max:g}" + ("" if gate.min is None else " and more")
        case "no_new":
            return f"{where}: no new {gate.counter}"
        case "flat":
            return f"{where}: {gate.counter} flat"
        case "timeline_clean":
            return f"{where}: timeline clean"
        case "no_trigger":
            return "no trigger fired"
        case "harness":
            return f"harness total={gate.total} passed={gate.passed} failed={gate.failed}"
        case "ci_checks":
            return f"at least {gate.at_least} green checks `{gate.checks}`"
        case "rollback_target":
            return "rollback target recorded"
        case "signoff":
            return f"signed off before {gate.before}"
        case "equals" | "advancing" | "ratio" | "burn_rate":
            return f"not in the runbook: {gate.title}"


def test_phases_come_in_the_runbooks_order(contract: Contract) -> None:
    assert [phase.name for phase in contract.phases] == list(PHASES)


@pytest.mark.parametrize(("name", "row"), PHASES.items(), ids=PHASES.keys())
def test_phase(contract: Contract, name: str, row: tuple[int, str, tuple[str, ...]]) -> None:
    phase = contract.phase(name)
    soak = f"{phase.soak.runs} run" if isinstance(phase.soak, RunsSoak) else format_duration(phase.soak)
    assert (phase.canary_percent, soak, tuple(map(in_words, contract.gates_of(phase)))) == row


def test_ci_gate_and_trigger_look_at_the_checks_that_github_shows(contract: Contract) -> None:
    surfaces = ("voice", "browser", "dashboard", "custom-command", "memory")
    shown = [
        "build",
        *(f"Live smoke ({surface})" for surface in surfaces),
        "Live smoke gate",
        "live-smoke-matrix",
    ]
    globs = {gate.checks for gate in contract.phases[0].gates if gate.kind == "ci_checks"}
    globs |= {each.checks or "" for each in contract.triggers if each.kind == "validation_failure"}
    (glob,) = globs
    assert matching(glob, shown) == shown[1:7]


# --- "Rollback Trigger Matrix" ----------------------------------------------------------------------------

FROM_CANARY_1 = ("canary-1", "canary-2", "canary-3", "general-availability")
CANARY_WINDOWS = FROM_CANARY_1[:3]
MATRIX = {
    "health-regression": (
        "every surface: degraded or failing for 2 checks",
        FROM_CANARY_1,
        {"freeze", "rollback"},
    ),
    "failure-streak-breach": (
        "every surface: failure_streak>=3",
        FROM_CANARY_1,
        {"freeze", "rollback"},
    ),
    "hard-runtime-errors": (
        "every surface: new case_processing_failed or malformed_inputs_observed",
        CANARY_WINDOWS,
        {"freeze", "rollback", "capture_evidence"},
    ),
    "browser-execution-failure": (
        "browser-automation: timeline error",
        FROM_CANARY_1,
        {"freeze", "rollback", "known_good_lane"},
    ),
    "validation-gate-failure": (
        "harness or `Live smoke *` fails",
        FROM_CANARY_1,
        {"freeze", "rollback", "block_signoff"},
    ),
}


def threshold(trigger: Trigger) -> str:
    where = ", ".join(trigger.surfaces or ["every surface"])
    match trigger.kind:
        case "health_regression":
            return f"{where}: {' or '.join(trigger.states)} for {trigger.checks} checks"
        case "threshold":
            return f"{where}: {trigger.field}>={trigger.at_least:g}"
        case "new_counter":
            return f"{where}: new {' or '.join(trigger.counters)}"
        case "timeline_error":
            return f"{where}: timeline error"
        case "validation_failure":
            return f"{'harness or ' if trigger.harness else ''}`{trigger.checks}` fails"
        case "ratio" | "burn_rate":
            return f"not in the runbook: {trigger.name}"


def test_the_matrix_has_the_runbooks_rows(contract: Contract) -> None:
    assert [trigger.name for trigger in contract.triggers] == list(MATRIX)


@pytest.mark.parametrize(("name", "row"), MATRIX.items(), ids=MATRIX.keys())
def test_trigger(contract: Contract, name: str, row: tuple[str, tuple[str, ...], set[str]]) -> None:
    (trigger,) = (each for each in contract.triggers if each.name == name)
    watched = tuple(phase.name for phase in contract.phases if contract.watches(trigger, phase.name))
    assert (threshold(trigger), watched, set(trigger.actions)) == row


# --- "Rollback Execution Steps" ---------------------------------------------------------------------------


def test_rollback_steps_are_the_runbooks_six(contract: Contract) -> None:
    assert contract.rollback.steps == (
        RollbackStep.FREEZE,
        RollbackStep.CAPTURE_EVIDENCE,
        RollbackStep.INSPECT_TARGET,
        RollbackStep.APPLY_METADATA,
        RollbackStep.REVERT,
        RollbackStep.REVALIDATE,
    )


@pytest.mark.parametrize(
    "path",
    [
        ".tau/live-run-unified/report.json",
        ".tau/live-run-unified/manifest.json",
        ".tau/live-run-unified/surfaces/voice/stdout.log",
        ".tau/live-run-unified/surfaces/browser/artifacts/.tau/demo-browser-automation-live/trace.zip",
        ".tau/voice/runtime-events.jsonl",
        ".tau/dashboard/runtime-events.jsonl",
        ".tau/custom-command/runtime-events.jsonl",
        ".tau/memory/runtime-events.jsonl",
        ".tau/demo-browser-automation-live/browser-live-summary.json",
    ],
)
def test_evidence_is_captured(contract: Contract, path: str) -> None:
    assert any(matching(pattern, [path]) for pattern in contract.rollback.evidence)


@pytest.mark.parametrize("path", [".tau/release-channel.json", "target/debug/tau-coding-agent", ".env"])
def test_what_is_no_evidence_stays_where_it_is(contract: Contract, path: str) -> None:
    assert not any(matching(pattern, [path]) for pattern in contract.rollback.evidence)


# --- the release sign-off checklist -----------------------------------------------------------------------

GA = "general-availability"
CHECKLIST = {
    "unified-harness": ("Preflight", GA, "harness"),
    "ci-live-smoke": ("Preflight", GA, "ci_checks"),
    "rollback-target": ("Preflight", GA, "rollback_target"),
    "canary-1-soaked": ("Canary", GA, "phase_soaked canary-1"),
    "canary-2-soaked": ("Canary", GA, "phase_soaked canary-2"),
    "canary-3-soaked": ("Canary", GA, "phase_soaked canary-3"),
    "trigger-matrix-reviewed": ("Rollback readiness", GA, "a reviewer"),
    "rollback-rehearsed": ("Rollback readiness", GA, "an owner"),
    "surface-voice": ("Surfaces", GA, "surface_healthy voice"),
    "surface-browser-automation": ("Surfaces", GA, "surface_healthy browser-automation"),
    "surface-dashboard": ("Surfaces", GA, "surface_healthy dashboard"),
    "surface-custom-command": ("Surfaces", GA, "surface_healthy custom-command"),
    "surface-memory": ("Surfaces", GA, "surface_healthy memory"),
    "monitor-24h": ("General availability", COMPLETE, f"phase_soaked {GA}"),
    "no-unresolved-trigger": ("General availability", COMPLETE, "no_trigger"),
    "final-approval": ("General availability", COMPLETE, "an approver"),
}


def test_checklist(contract: Contract) -> None:
    people = {"reviewer": "a reviewer", "owner": "an owner", "approver": "an approver"}
    found = {
        item.id: (
            item.section,
            item.before,
            f"{item.proof.kind} {item.proof.of or ''}".strip() if item.proof else people[item.role],
        )
        for item in contract.signoff.items
    }
    assert found == CHECKLIST
    assert list(found) == list(CHECKLIST)


# --- beyond the runbook -----------------------------------------------------------------------------------

ADVANCING = {
    "voice": ["wake_word_detected", "turns_handled"],
    "dashboard": ["widget_views_updated", "control_actions_applied"],
    "custom-command": ["command_runs_recorded"],
    "browser-automation": ["artifact_records"],
}


def test_the_surfaces_own_gates_work_once_their_comment_sign_is_taken_away() -> None:
    """They belong to canary-2, and a contract with all of them is as good as the one without."""
    off = "      # - {kind: "
    text = CONTRACT.read_text(encoding="utf-8").replace(off, "      - {kind: ")
    contract, problems = examine(load_yaml(text, file=CONTRACT.name))
    assert problems == []
    assert contract is not None
    more = contract.phase("canary-2").gates[2:]
    advancing: dict[str, list[str]] = {}
    for gate in more:
        if gate.kind == "advancing":
            (surface,) = gate.surfaces or ()
            advancing.setdefault(surface, []).append(gate.counter)
    assert advancing == ADVANCING
    assert [gate.title for gate in more if gate.kind != "advancing"] == [
        "flat.duplicate_cases_skipped",
        "flat.malformed_inputs_observed",
        "rollout_gate",
    ]
