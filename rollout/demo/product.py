"""A stand-in for the product: five surfaces that print what the real ones print, in their true shapes.

Only `cargo` and the harness script are stand-ins. The commands that call them, and the files that
they leave, are those of the contract.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rollout.core.values import unix_ms

TOOLS = "stand-in"
"""The folder, beside the product's files, that goes first on PATH."""
SURFACES = ("voice", "dashboard", "custom-command", "memory")

_CARGO = """#!/bin/sh
# Stands in for the product's build, and for its binary: prints what the surface that the flags name says now.
[ "$1" = build ] && exit 0
for flag in "$@"; do
    case "$flag" in
    --voice-state-dir) exec cat .tau/voice/now.json ;;
    --dashboard-state-dir) exec cat .tau/dashboard/now.json ;;
    --custom-command-state-dir) exec cat .tau/custom-command/now.json ;;
    --memory-state-dir) exec cat .tau/memory/now.json ;;
    esac
done
echo "stand-in cargo: no surface in: $*" >&2
exit 2
"""

_HARNESS = """#!/bin/sh
# Stands in for the product's validation run, and leaves what the real one leaves.
cp .tau/next-run/report.json .tau/next-run/manifest.json .tau/live-run-unified/
exec cp -p .tau/next-run/browser-live-summary.json .tau/demo-browser-automation-live/
"""

_HEALTHY_CODES = {
    "voice": ["wake_word_detected", "turns_handled"],
    "dashboard": ["widget_views_updated", "control_actions_applied"],
    "custom-command": ["command_registry_mutated", "command_runs_recorded"],
    "memory": ["healthy_cycle"],
}


@dataclass
class StandIn:
    """The product's folder; `cycle` moves every surface on by one."""

    root: Path
    counts: dict[str, dict[str, int]] = field(default_factory=lambda: {surface: {} for surface in SURFACES})
    streaks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SURFACES, 0))

    def install(self) -> None:
        """Writes the stand-in programs and the folders that the surfaces keep their state in."""
        folders = [*SURFACES, "demo-browser-automation-live", "live-run-unified", "next-run"]
        for folder in folders:
            (self.root / ".tau" / folder).mkdir(parents=True, exist_ok=True)
        self._program("scripts/demo/live-run-unified.sh", _HARNESS)
        self._program(f"{TOOLS}/cargo", _CARGO)

    def environment(self) -> dict[str, str]:
        """Returns this process's environment with the stand-in programs first on PATH."""
        return {**os.environ, "PATH": f"{self.root / TOOLS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}

    def cycle(self, at: datetime, failing: frozenset[str] = frozenset()) -> None:
        """Plays one cycle of every surface at that time; the named ones fail a retryable case.

        Browser automation has no cycle: a validation run writes its summary.
        """
        for surface in SURFACES:
            self._surface(surface, at, surface in failing)
        self._next_run(at)

    # --- surfaces -----------------------------------------------------------------------------------------

    def _surface(self, surface: str, at: datetime, fails: bool) -> None:
        codes = ["retry_attempted", "retryable_failures_observed"] if fails else _HEALTHY_CODES[surface]
        self.streaks[surface] = self.streaks[surface] + 1 if fails else 0
        for code in codes:
            self.counts[surface][code] = self.counts[surface].get(code, 0) + 1
        health = {
            "updated_unix_ms": unix_ms(at),
            "cycle_duration_ms": 12,
            "queue_depth": 1 if fails else 0,
            "active_runs": 0,
            "failure_streak": self.streaks[surface],
            "last_cycle_discovered": 3,
            "last_cycle_processed": 3,
            "last_cycle_completed": 2 if fails else 3,
            "last_cycle_failed": 1 if fails else 0,
            "last_cycle_duplicates": 0,
        }
        self._write(f".tau/{surface}/now.json", self._payload(surface, health, codes, fails))
        event = {"timestamp_unix_ms": unix_ms(at), "health_state": _state(fails), "reason_codes": codes}
        with (self.root / ".tau" / surface / "runtime-events.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(event) + "\n")

    def _payload(self, surface: str, health: dict[str, int], codes: list[str], fails: bool) -> object:
        if surface == "memory":
            target = {
                "transport": "memory",
                "target": "semantic-memory",
                "state_path": ".tau/memory/state.json",
            }
            return [{**target, "health": health}]
        payload: dict[str, object] = {
            "state_path": f".tau/{surface}/state.json",
            "events_log_path": f".tau/{surface}/runtime-events.jsonl",
            "health_state": _state(fails),
            "health_reason": "recent transport failures observed"
            if fails
            else "no recent transport failures observed",
            "rollout_gate": "hold" if fails else "pass",
            "last_reason_codes": codes,
            "health": health,
        }
        if surface != "dashboard":
            payload["reason_code_counts"] = self.counts[surface]
        return payload

    def _next_browser_summary(self, at: datetime) -> None:
        steps = [
            ("navigate-demo", "navigate", ""),
            ("snapshot-demo", "snapshot", ""),
            ("action-demo", "action", "click"),
        ]
        timeline = [
            {
                "case_id": case,
                "operation": operation,
                "action": action,
                "replay_step": "success",
                "status_code": 200,
                "error_code": "",
                "artifact_types": ["trace"],
            }
            for case, operation, action in steps
        ]
        summary = {
            "discovered_cases": len(steps),
            "success_cases": len(steps),
            "malformed_cases": 0,
            "retryable_failures": 0,
            "artifact_records": len(steps),
            "timeline": timeline,
            "reason_codes": ["artifact_persisted"],
            "health_state": "healthy",
        }
        path = self._write(".tau/next-run/browser-live-summary.json", summary)
        # This surface carries no time of its own: its file's modification time is the source's time.
        os.utime(path, (at.timestamp(), at.timestamp()))

    # --- the validation run -------------------------------------------------------------------------------

    def _next_run(self, at: datetime) -> None:
        overall = {"status": "passed", "total_surfaces": 5, "passed_surfaces": 5, "failed_surfaces": 0}
        surfaces = ("voice", "browser", "dashboard", "custom-command", "memory")
        report = {
            "schema_version": 1,
            "overall": overall,
            "duration_ms": 1812,
            "surface_status": {surface: {"status": "passed", "exit_code": 0} for surface in surfaces},
            "failed_surfaces": [],
        }
        self._write(".tau/next-run/report.json", report)
        manifest = {
            "schema_version": 1,
            "started_unix_ms": unix_ms(at),
            "duration_ms": 1812,
            "overall": overall,
            "surfaces": [{"surface_id": name, "status": "passed", "exit_code": 0} for name in surfaces],
        }
        self._write(".tau/next-run/manifest.json", manifest)
        self._next_browser_summary(at)

    # --- files --------------------------------------------------------------------------------------------

    def _write(self, path: str, content: object) -> Path:
        target = self.root / path
        target.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return target

    def _program(self, path: str, text: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o755)


def _state(fails: bool) -> str:
    return "degraded" if fails else "healthy"
