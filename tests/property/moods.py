"""Rounds of evidence in every mood, and worlds to deliver them to."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from rollout.core.observation import HealthState, Observation
from tests.world import BROWSER, World, bad_timeline

MOODS = (
    "healthy",
    "degraded",
    "unreadable",
    "stale",
    "late harness",
    "failing",
    "failure streak",
    "failure counter",
    "retry counter",
    "bad timeline",
    "failed harness",
    "counters reset",
)


@cache
def a_world_in(phase: str, apply: bool) -> World:
    return World(apply=apply).play_to(phase) if phase else World(apply=apply)


def observe(world: World, mood: str, surface: str, **options: Any) -> Observation:
    """One round in that mood."""
    changes: dict[str, Any] = {}
    match mood:
        case "degraded" | "failing":
            changes = {"health_state": HealthState(mood)}
        case "unreadable":
            changes = {"unknown": "exit 1", "health_state": None, "counters": None}
        case "stale":
            changes = {"updated_at": (options.get("at") or world.now).replace(year=2025)}
        case "failure streak":
            changes = {"fields": {"failure_streak": 3, "last_cycle_failed": 1, "queue_depth": 4}}
        case "bad timeline":
            surface, changes = BROWSER, bad_timeline()
        case "failure counter" | "retry counter":
            name = {"failure counter": "case_processing_failed", "retry counter": "retry_attempted"}[mood]
            totals = world.totals[surface]
            totals[name] = totals.get(name, 0) + 1
        case "counters reset":
            world.totals[surface].clear()
        case "failed harness":
            world.run_harness(passed=2)
        case "late harness":
            world.run_harness()
        case "healthy":
            pass
        case _:
            raise AssertionError(mood)
    return world.observe({surface: changes}, **options)


SURFACE = st.sampled_from(["voice", "memory"])
# Twice as likely as the others together, or no release would ever come far.
MOOD = st.one_of(st.just("healthy"), st.just("healthy"), st.sampled_from(MOODS))
