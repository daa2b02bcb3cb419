"""Plays a case from a case file on a World, and says how the end differs from what the case expects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from rollout.core.channel.guards import standing
from rollout.core.contract import Contract
from rollout.core.contract_check.examine import read
from rollout.core.harness import parse_harness
from rollout.core.observation import (
    COUNTERS,
    HEALTH_STATE,
    TIMELINE,
    BadStep,
    HarnessReport,
    Observation,
    Sample,
    Timeline,
)
from rollout.core.signoff import states
from rollout.core.state import CheckFact, Freeze, Result
from rollout.core.surfaces import parse
from rollout.core.surfaces.event_log import HEAD_BYTES, LogFile, count_log
from rollout.core.surfaces.payload import CYCLE_FIELDS
from rollout.core.values import format_duration
from tests.core.case_file import (
    BadStepWords,
    BeforeWords,
    Case,
    Checks,
    ExpectWords,
    RefusedCaseError,
    RoundWords,
    Run,
    RunWords,
    SurfaceWords,
)
from tests.core.world import (
    CHECKOUTS,
    CHECKS,
    LANDED,
    MENDED,
    REVERTS,
    START,
    VERSION,
    World,
    run,
    tau,
)

SAMPLES = Path(__file__).parent.parent / "samples" / "tau"
PRINTED = {
    "voice": "voice-status.json",
    "dashboard": "dashboard-status.json",
    "custom-command": "custom-command-status.json",
    "memory": "memory-transport-health.json",
    "browser-automation": "browser-live-summary.json",
}
STARTED = {"before the rollout": -timedelta(minutes=1), "after it began": timedelta(minutes=1)}


def play(case: Case) -> World:
    """The world after the case's last round. Raises RefusedCaseError for a name that the contract has not."""
    world = _before(_Beginning.of(case)).copy()
    for words in case.rounds:
        for _ in range(words.times):
            world.last_round = len(world.steps)
            _play_round(world, words)
    return world


# --- what was there before --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Beginning:
    """What the world before the rounds depends on. Most cases share theirs with others."""

    case: Case = field(compare=False)
    words: str
    """All of it but for the case's name, as JSON."""

    @classmethod
    def of(cls, case: Case) -> _Beginning:
        return cls(case, case.model_dump_json(include={"contract", "gates", "phase", "before"}))


@cache
def _before(beginning: _Beginning) -> World:
    """The world when the rounds begin: to be copied."""
    case, words = beginning.case, beginning.case.before
    contract = _contract(case.contract, case.gates, tau())
    if case.phase not in [phase.name for phase in contract.phases]:
        raise RefusedCaseError(f"{case.case}: no phase {case.phase}")
    world = World(contract, current_version=_current_version(words), first=words.first)
    world.counters = {**words.counters}
    world.reach(case.phase)
    world.quarantine(*words.quarantined)
    is_first = case.phase == contract.phases[0].name
    if words.observed if words.observed is not None else not is_first:
        world.soak(0)
    world.soak(words.soaked) if words.soaked else None
    _known_items(contract, words.signed)
    world.sign(*words.signed)
    if words.frozen is not None:
        world.edit(frozen=Freeze(reason=words.frozen, at=world.now)).offer()
    world.checks = _checks(words.ci)
    world.run = _run(words.harness, world.run) if words.harness or not is_first else None
    world.forget()
    return world


def _contract(
    sections: Mapping[str, Any], gates: Mapping[str, list[dict[str, Any]]], base: Mapping[str, Any]
) -> Contract:
    data = {**base, **sections}
    data["phases"] = [
        {**phase, "gates": [*phase.get("gates", []), *gates.get(phase["name"], [])]}
        for phase in data["phases"]
    ]
    contract, problems = read(data)
    unknown = set(gates) - {phase["name"] for phase in data["phases"]}
    problems += [f"gates: no phase {name}" for name in sorted(unknown)]
    if contract is None or problems:
        raise RefusedCaseError("\n".join(problems))
    return contract


def _current_version(words: BeforeWords) -> str | None:
    if isinstance(words.rollback_target, str):
        return words.rollback_target
    return "v0.1.4" if words.rollback_target else None


def _known_items(contract: Contract, items: list[str]) -> None:
    unknown = set(items) - {item.id for item in contract.signoff.items}
    if unknown:
        raise RefusedCaseError(f"no sign-off item {', '.join(sorted(unknown))}")


def _checks(words: Checks) -> tuple[CheckFact, ...] | None:
    if words == "unreachable":
        return None
    if words == "none":
        return ()
    named = words if isinstance(words, dict) else {}
    conclusions = {**dict.fromkeys(CHECKS, "success"), **named}
    return tuple(CheckFact(name=n, conclusion=c) for n, c in sorted(conclusions.items()) if c != "missing")


def _run(words: Run | None, otherwise: HarnessReport | None, now: datetime = START) -> HarnessReport | None:
    if words is None:
        return otherwise
    if words == "none":
        return None
    if words == "again":
        return run(now)
    if words == "red again":
        return run(now, status="failed", passed=4, failed=1)
    words = words if isinstance(words, RunWords) else RunWords()
    started_at = START + STARTED[words.started]
    if words.unreadable is not None:
        return HarnessReport(unknown=words.unreadable)
    if words.printed is not None:
        files = SAMPLES / "harness" / words.printed
        report = parse_harness((files / "report.json").read_bytes(), (files / "manifest.json").read_bytes())
        return report.model_copy(update={"started_at": started_at})
    figures = {"status": words.status, "total": words.total, "passed": words.passed, "failed": words.failed}
    passed = run(started_at)
    return run(started_at, **figures, surfaces={**passed.surfaces, **words.surfaces})


# --- one round --------------------------------------------------------------------------------------------


def _play_round(world: World, words: RoundWords) -> None:
    world.wait(seconds=words.after + words.clock_ahead)
    _act_and_observe(world, words)
    world.wait(seconds=-words.clock_ahead)


def _act_and_observe(world: World, words: RoundWords) -> None:
    before = world.status.observation
    _people_act(world, words)
    if words.ci is not None:
        world.checks = _checks(words.ci)
    if words.ci_of is not None:
        world.checked = {"revert": LANDED, "fixed": MENDED, "none": None}[words.ci_of]
    if words.revert is not None:
        world.revert = REVERTS[words.revert]
        if words.revert in ("landed", "gone"):
            world.checkout = CHECKOUTS["reverted"]
    if words.checkout is not None:
        world.checkout = CHECKOUTS[words.checkout]
    world.run = _run(words.harness, world.run, world.now)
    if words.perform != "nothing":
        world.perform(ok=words.perform == "ok")
    if words.again:
        world.offer(before)
    elif words.observe:
        world.offer(_observation(world, words))
        if words.also is not None:
            world.offer(_observation(world, words.model_copy(update={"surfaces": words.also, "takes": 0})))
    else:
        world.offer()


def _people_act(world: World, words: RoundWords) -> None:
    if words.contract is not None or words.gates is not None:
        now = world.contract.model_dump(mode="json", by_alias=True, exclude_unset=True)
        world.change_contract(_contract(words.contract or {}, words.gates or {}, now))
    if words.contract_usable is not None:
        world.use_contract(usable=words.contract_usable)
    _known_items(world.contract, [*words.sign, *words.unsign])
    world.sign(*words.sign)
    world.unsign(*words.unsign)
    if words.freeze is not None:
        world.edit(frozen=Freeze(reason=words.freeze, at=world.now))
    if words.unfreeze:
        world.edit(frozen=None)
    if words.merge:
        ago = 0 if words.merge is True else words.merge.ago
        world.merge(at=world.now - timedelta(seconds=ago))
    if words.edit is not None:
        world.edit(**_desired(world, words.edit))
    if words.dispatch is not None:
        asked = words.dispatch
        world.dispatch(asked.by, asked.reason, asked.target, asked.reverted)
    if words.cancel is not None:
        world.cancel(words.cancel)
    if words.reopen:
        world.reopen()
    if words.withdraw is not None:
        world.withdraw(words.withdraw)


def _desired(world: World, changes: dict[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - set(type(world.rollout).model_fields)
    if unknown:
        raise RefusedCaseError(f"edit: rollout.yaml has no {', '.join(sorted(unknown))}")
    whole = {**world.rollout.model_dump(mode="json", by_alias=True), **changes}
    changed = type(world.rollout).model_validate(whole)
    return {key: getattr(changed, key) for key in changes}


def _observation(world: World, words: RoundWords) -> Observation:
    unknown = set(words.surfaces) - set(world.contract.surfaces)
    if unknown:
        raise RefusedCaseError(
            f"a round has no {', '.join(sorted(unknown))}, and the contract no such surface"
        )
    started_at = world.now
    world.wait(seconds=words.takes)
    samples = {
        name: _sample(world, name, each)
        for name, each in words.surfaces.items()
        if isinstance(each, SurfaceWords)
    }
    whole = world.observation(samples, phase=words.collected_in or world.rollout.phase, started_at=started_at)
    missing = [name for name, each in words.surfaces.items() if each == "not collected"]
    update: dict[str, Any] = {"samples": {n: s for n, s in whole.samples.items() if n not in missing}}
    if words.other_contract:
        update["contract_digest"] = "f" * 64
    if words.other_release:
        update["release"], update["commit"] = "v0.1.3", "3" * 40
    return whole.model_copy(update=update)


def _sample(world: World, name: str, words: SurfaceWords) -> Sample:
    updated_at = world.now + timedelta(seconds=words.ahead - words.age)
    if words.unreadable is not None:
        return Sample(unknown=words.unreadable)
    if isinstance(words.counters, dict) and words.counters:
        world.counters = {**world.counters, name: {**world.counters.get(name, {}), **words.counters}}
    sample = _printed(world, name, words.printed) if words.printed else world.sample(name)
    changes: dict[str, Any] = {"updated_at": None if words.timeless else updated_at}
    changes |= CHECKOUTS[words.checkout] if words.checkout else world.checkout
    if words.read is not None:
        changes["read_at"] = world.now - timedelta(seconds=words.read)
    changes["fields"] = {**sample.fields, **words.fields, **_reported(words)}
    changes["fields"] = {
        field: value for field, value in changes["fields"].items() if value != "not reported"
    }
    changes["labels"] = {**sample.labels, **words.labels}
    if words.health_state is not None:
        changes[HEALTH_STATE] = None if words.health_state == "not reported" else words.health_state
    if words.counters == "unknown":
        changes |= {COUNTERS: None, "counters_unknown": "1 unreadable line in the events log"}
    if words.timeline is not None:
        changes[TIMELINE] = _timeline(words.timeline)
    if words.never_reports:
        changes["not_applicable"] = (*sample.not_applicable, *words.never_reports)
        changes["fields"] = {
            f: value for f, value in changes["fields"].items() if f not in words.never_reports
        }
        changes |= {name: None for name in (HEALTH_STATE, COUNTERS, TIMELINE) if name in words.never_reports}
    return Sample.model_validate({**dict(sample), **changes})


def _reported(words: SurfaceWords) -> dict[str, float | str]:
    found = {field: getattr(words, field) for field in CYCLE_FIELDS}
    return {field: value for field, value in found.items() if value is not None}


def _timeline(words: str | BadStepWords) -> Timeline | None:
    if isinstance(words, BadStepWords):
        return Timeline(
            steps=3, bad=1, examples=(BadStep(step=words.step, status=words.status, error=words.error),)
        )
    return {"clean": Timeline(steps=3, bad=0), "no steps": Timeline(steps=0, bad=0)}.get(words)


def _printed(world: World, name: str, mood: str) -> Sample:
    """What the real file of that surface and mood says, its log counted from its beginning."""
    surface = world.contract.surfaces[name]
    sample = parse(surface, (SAMPLES / mood / PRINTED[name]).read_bytes(), world.now)
    log = SAMPLES / mood / "events" / f"{name}.jsonl"
    if surface.events is None or not log.exists():
        return sample
    content = log.read_bytes()
    file = LogFile(lambda offset: content[offset:].splitlines(keepends=True), content[:HEAD_BYTES])
    counted = count_log(file, None)
    return sample.model_copy(update={"counters": counted.cursor.totals, "cursor": counted.cursor})


# --- what is expected -------------------------------------------------------------------------------------


def differences(world: World, expect: ExpectWords) -> list[str]:
    """Each as `what: found, expected`; empty when the case holds."""
    asked = expect.model_fields_set
    found = _found(world)
    lines = [
        f"{key}: {_plain(found[key])}, expected {_plain(getattr(expect, key))}"
        for key in type(expect).model_fields
        if key in found and key in asked and found[key] != getattr(expect, key)
    ]
    incident = list(_in_the_incident(world, expect))
    named = [f"verify names {problem}" for problem in world.not_recomputed]
    return [*lines, *_in_the_list(world, expect), *_in_the_findings(world, expect), *incident, *named]


def _found(world: World) -> dict[str, Any]:
    status, rollout, decision = world.status, world.rollout, world.status.decision
    checklist = world.state.signoff
    return {
        "decision": decision.verdict,
        "to": decision.to,
        "fired": [
            f"{t.trigger} ({t.surface})" if t.surface else t.trigger for t in status.triggers if t.fired
        ],
        "soaked": status.soak.earned_seconds,
        "runs": status.soak.runs,
        "events": [event for event, _ in groupby(world.events)],
        "last_events": world.events[world.last_round :],
        "ignored": world.ignored,
        "phase": rollout.phase,
        "percent": rollout.canary_percent,
        "entered": status.phase,
        "outcome": rollout.outcome,
        "known_good_lanes": [surface for surface, lane in rollout.lanes.items() if lane == "known_good"],
        "asked": [request.id for request in status.requests if request.result is None],
        "actions": [action.value for action in world.incident.actions] if world.incident else [],
        "signoff_blocked": checklist is not None and checklist.blocked is not None,
        "current_version": world.state.channel.current_version if world.state.channel else None,
        "joined": len(world.incident.joined) if world.incident else 0,
        "quarantined": [release.version for release in standing(world.state.quarantine)],
        "earliest": int((decision.earliest - world.now).total_seconds()) if decision.earliest else None,
    }


def _in_the_incident(world: World, expect: ExpectWords) -> Iterator[str]:
    steps = {step.step.value: step for step in world.incident.steps} if world.incident else {}
    for name, state in expect.steps.items():
        if name not in steps or steps[name].state is not state:
            yield f"step {name}: {steps.get(name)}, expected {state}"
    for name, part in expect.results.items():
        if name not in steps or part not in steps[name].result:
            yield f"step {name}: {steps.get(name)}, expected one that says: {part}"
    for name, attempts in expect.attempts.items():
        if name not in steps or steps[name].attempts != attempts:
            yield f"step {name}: {steps.get(name)}, expected {attempts} attempts"


def _in_the_list(world: World, expect: ExpectWords) -> Iterator[str]:
    reasons = world.status.decision.reasons
    for part in expect.reasons:
        if not any(part in reason for reason in reasons):
            yield f"reasons: {list(reasons)}, expected one with: {part}"
    for part in expect.not_reasons:
        if any(part in reason for reason in reasons):
            yield f"reasons: {list(reasons)}, expected none with: {part}"
    frozen = world.rollout.frozen
    if expect.frozen is not None:
        held = (
            frozen is None
            if expect.frozen is False
            else frozen is not None and expect.frozen in frozen.reason
        )
        if not held:
            yield f"frozen: {frozen}, expected {expect.frozen}"
    step = world.status.merged_step
    if expect.waits_for is not None:
        held = (
            step is None
            if expect.waits_for is False
            else step is not None and expect.waits_for in step.waits_for
        )
        if not held:
            yield f"merged step: {step}, expected one that waits for: {expect.waits_for}"
    signed = {
        item.id
        for item, state in states(world.contract, world.state.signoff, world.rollout)
        if state == "signed"
    }
    if not set(expect.signed or []) <= signed:
        yield f"signed: {sorted(signed)}, expected {expect.signed}"
    if signed & set(expect.not_signed):
        yield f"signed: {sorted(signed)}, expected none of {expect.not_signed}"


def _in_the_findings(world: World, expect: ExpectWords) -> Iterator[str]:
    results: dict[str, dict[str | None, Result]] = {}
    seen: dict[str, dict[str | None, str]] = {}
    for finding in world.status.gates:
        results.setdefault(finding.gate, {})[finding.surface] = finding.result
        seen.setdefault(finding.gate, {})[finding.surface] = finding.seen
    for gate, wanted in expect.gates.items():
        there = results.get(gate, {})
        if isinstance(wanted, dict):
            bad = {s: there.get(s) for s, result in wanted.items() if there.get(s) is not result}
        else:
            bad = {s or "": result for s, result in there.items() if result is not wanted} or (
                {} if there else {"": None}
            )
        if bad:
            yield f"gate {gate}: {_plain(bad)}, expected {_plain(wanted)}"
    for gate, words in expect.seen.items():
        for surface, part in words.items() if isinstance(words, dict) else [(None, words)]:
            shown = seen.get(gate, {}).get(surface)
            if shown is None or part not in shown:
                yield f"gate {gate} ({surface}): saw {shown!r}, expected {part!r}"
    states_of = {finding.trigger: finding.state for finding in world.status.triggers}
    for trigger, state in expect.triggers.items():
        if states_of.get(trigger) is not state:
            yield f"trigger {trigger}: {states_of.get(trigger)}, expected {state}"


def _plain(value: object) -> str:
    return json.dumps(value, default=str)


def in_words(world: World) -> str:
    """Where the world stands, for whoever looks at a case that failed."""
    status = world.status
    lines = [
        f"at {world.rollout.phase} {world.rollout.canary_percent} % ({world.rollout.outcome}) of {VERSION}",
        f"decision {status.decision.verdict}: {'; '.join(status.decision.reasons)}",
        f"soak {format_duration(status.soak.earned_seconds)}, {status.soak.runs} runs",
        f"events {' '.join(world.events)}",
        *(
            f"gate {f.gate} ({f.surface or '-'}): {f.result}: {f.seen}"
            for f in status.gates
            if f.result != "satisfied"
        ),
        *(f"trigger {t.trigger} ({t.surface or '-'}): {t.state}: {t.seen}" for t in status.triggers),
    ]
    return "\n".join(lines)
