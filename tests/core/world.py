"""A rollout in memory: time passes, surfaces are read, people merge, edit and sign, and `advance` is
driven until it has nothing more to say, as reconcile does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from rollout.core import channel as channels
from rollout.core import signoff, withdraw
from rollout.core.contract import Adapter, Contract
from rollout.core.decide.advance import advance, begin
from rollout.core.decide.step import Step
from rollout.core.decide.view import View, view_of
from rollout.core.observation import (
    COUNTERS,
    TIMELINE,
    Evidence,
    HarnessReport,
    HealthState,
    Observation,
    Results,
    Sample,
    Timeline,
    WorkResult,
)
from rollout.core.replay.recompute import differences, expected
from rollout.core.rollback import leaving, opening, quarantine, watching
from rollout.core.rollback.target import named
from rollout.core.state import (
    Channel,
    CheckFact,
    Event,
    Facts,
    Incident,
    Outcome,
    Proposal,
    Release,
    RevertFact,
    RevertOutcome,
    RollbackJoin,
    Rollout,
    StateChange,
    Status,
    TrainState,
    UnusableFile,
    Verdict,
)
from rollout.core.state.changes import applied
from rollout.core.surfaces.payload import CYCLE_FIELDS
from rollout.files.yaml_text import load_yaml

ROOT = Path(__file__).parent.parent.parent
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""When the rollout began."""
VERSION = "v0.1.5"
COMMIT = "1" * 40
CHECKS = (
    *(f"Live smoke ({name})" for name in ("voice", "browser", "dashboard", "custom-command", "memory")),
    "Live smoke gate",
)
LANDED = "e" * 40
"""The revision that holds the revert."""
CHECKOUTS: dict[str, dict[str, Any]] = {
    "release": {"product_head": COMMIT, "holds_release": True},
    "reverted": {"product_head": LANDED, "holds_release": True},
    "older": {"product_head": "9" * 40, "holds_release": False},
    "newer": {"product_head": "7" * 40, "holds_release": True},
    "cut off": {"product_head": "7" * 40, "holds_release": None},
    "release, cut off": {"product_head": COMMIT, "holds_release": None},
    "changed": {"product_head": COMMIT, "holds_release": True, "modified": "Cargo.lock and 2 more"},
    "none": {"product_head": None, "holds_release": None},
}
"""What git may say of the product's folder, in the words of the cases."""
MENDED = "f" * 40
"""A later commit of the product's branch."""
_TIP = "d" * 40
_CLEAN: dict[str, Any] = {"tip": _TIP, "outcome": RevertOutcome.CLEAN, "commits": (COMMIT,)}
REVERTS: dict[str, RevertFact | None] = {
    "unreachable": None,
    "clean": RevertFact(**_CLEAN),
    "conflict": RevertFact(tip=_TIP, outcome=RevertOutcome.CONFLICT, paths=("src/main.rs",)),
    "missing": RevertFact(tip=_TIP, outcome=RevertOutcome.MISSING, detail="not on main"),
    "workflows": RevertFact(**_CLEAN, workflows=True, paths=(".github/workflows/ci.yml",)),
    "refused": RevertFact(**_CLEAN, refused="main is protected"),
    "proposed": RevertFact(proposal=Proposal.OPEN),
    "closed": RevertFact(**_CLEAN, proposal=Proposal.CLOSED),
    "merged": RevertFact(proposal=Proposal.MERGED),
    "changed": RevertFact(**_CLEAN, proposal=Proposal.MERGED, merged="b" * 40),
    "taken-back": RevertFact(**_CLEAN, proposal=Proposal.MERGED, merged="b" * 40, taken_back="c" * 40),
    "push-taken-back": RevertFact(**_CLEAN, taken_back="c" * 40),
    "landed": RevertFact(tip=LANDED, outcome=RevertOutcome.NOTHING, proposal=Proposal.MERGED, landed=LANDED),
    "gone": RevertFact(tip=LANDED, outcome=RevertOutcome.NOTHING, landed=LANDED),
}
"""What the product's branch may show, in the words of the cases."""
_MOST_ROUNDS = 200
_MOST_STEPS = 50


@cache
def tau() -> dict[str, Any]:
    """The first train's contract as plain data."""
    data = load_yaml((ROOT / "state" / "tau" / "contract.yaml").read_bytes(), file="contract.yaml")
    assert isinstance(data, dict)
    return data


def contract_of(**sections: Any) -> Contract:
    """The first train's contract with these sections put in the place of its own."""
    return Contract.model_validate({**tau(), **sections})


def checks(**conclusions: str) -> tuple[CheckFact, ...]:
    """All six live smoke checks green, but for those named by what is in the parentheses (or `gate`)."""
    named = {
        f"Live smoke ({name})" if name != "gate" else "Live smoke gate": c for name, c in conclusions.items()
    }
    return tuple(CheckFact(name=name, conclusion=named.get(name, "success")) for name in sorted(CHECKS))


def run(started_at: datetime, **changes: Any) -> HarnessReport:
    """A harness run that passed on all five surfaces, with something changed."""
    surfaces = dict.fromkeys(("voice", "browser", "dashboard", "custom-command", "memory"), "passed")
    passed = {"started_at": started_at, "status": "passed", "total": 5, "passed": 5, "surfaces": surfaces}
    return HarnessReport.model_validate({**passed, **changes})


class World:
    """One rollout of `VERSION`, begun at `START`; everything is healthy until told otherwise."""

    def __init__(
        self,
        contract: Contract | None = None,
        *,
        current_version: str | None = "v0.1.4",
        first: str | None = None,
    ) -> None:
        contract = contract or contract_of()
        self.now = START
        self.checks: tuple[CheckFact, ...] | None = checks()
        self.run: HarnessReport | None = run(START + timedelta(minutes=1))
        self.counters: dict[str, dict[str, int]] = {}
        """Absolute totals that surfaces print from now on."""
        self.steps: list[Step] = []
        self.incident: Incident | None = None
        self.ignored = 0
        self.not_recomputed: list[str] = []
        """What of its steps `verify` would name."""
        """How many pieces of evidence added nothing."""
        self.last_round = 0
        """How many steps there were when the last round of a case began."""
        self.revert: RevertFact | None = None
        """What the product's branch shows of a revert."""
        self.checked: str | None = LANDED
        """The newest commit with checks, once the revert is there."""
        self.checkout = CHECKOUTS["release"]
        """What is checked out where surfaces are read."""
        self._merged_at: datetime | None = None
        self.state = _begun(contract, current_version, first)

    def copy(self) -> World:
        """The same world, from here on apart. What it holds is replaced, and only lists are added to."""
        other = copy(self)
        other.steps, other.not_recomputed = [*self.steps], [*self.not_recomputed]
        return other

    @property
    def contract(self) -> Contract:
        return self.state.contract

    @property
    def rollout(self) -> Rollout:
        return self.state.rollout

    @property
    def status(self) -> Status:
        assert self.state.status is not None
        return self.state.status

    @property
    def events(self) -> list[str]:
        """Every step since the last `forget`, by its event."""
        return [step.event.value for step in self.steps]

    def forget(self) -> None:
        self.steps, self.ignored = [], 0

    def wait(self, **span: float) -> World:
        self.now += timedelta(**span)
        return self

    def view(self) -> View:
        """What gates look at now."""
        status = self.status
        return view_of(self.state, status, status.facts, status.phase, status.observation, since=None)

    def quarantine(self, *versions: str) -> None:
        """A person puts these versions, each of a commit of its own, in quarantine."""
        for number, version in enumerate(versions):
            bad = Release(version=version, commit=f"{number + 8}" * 40, started_at=START)
            known = quarantine.put(self.state.quarantine, self.contract.train, bad, "by-hand", self.now)
            self.state = replace(self.state, quarantine=known)

    # --- what is seen -------------------------------------------------------------------------------------

    def sample(self, surface: str, **changes: Any) -> Sample:
        """The surface healthy and read now, with something changed."""
        browser = self.contract.surfaces[surface].adapter is Adapter.TAU_BROWSER_SUMMARY
        counters = self.counters.get(surface, {})
        healthy: dict[str, Any] = {
            "updated_at": self.now,
            "health_state": HealthState.HEALTHY,
            "fields": {} if browser else dict.fromkeys(CYCLE_FIELDS, 0),
            "counters": {"artifact_records": 5} if browser and not counters else counters,
            "timeline": Timeline(steps=3, bad=0) if browser else None,
            "not_applicable": (*CYCLE_FIELDS, COUNTERS) if browser else (TIMELINE,),
            **self.checkout,
        }
        return Sample.model_validate({**healthy, **changes})

    def observation(self, samples: Mapping[str, Sample] | None = None, **changes: Any) -> Observation:
        """A round collected now: all surfaces healthy but for `samples`."""
        collected: dict[str, Any] = {
            "train": self.state.train,
            "release": VERSION,
            "commit": COMMIT,
            "phase": self.rollout.phase,
            "contract_digest": self.state.contract_digest,
            "round": f"{self.now:%H:%M:%S}",
            "started_at": self.now,
            "finished_at": self.now,
            "tool_version": "0.1.0",
            "samples": {name: self.sample(name) for name in self.contract.surfaces} | dict(samples or {}),
            "harness": self.run.model_copy(update=self.checkout) if self.run else None,
            "product_head": self.checkout["product_head"],
        }
        return Observation.model_validate({**collected, **changes})

    # --- what reconcile does ------------------------------------------------------------------------------

    def offer(self, evidence: Evidence | None = None) -> World:
        """Drive `advance` with the evidence until neither it nor the passing of time changes anything."""
        for _ in range(_MOST_STEPS):
            step = advance(self.state, evidence, self._facts(), self.now)
            if step is None and evidence is None:
                self._merged_at = None
                return self
            if step is None:
                self.ignored += 1
            else:
                self._take(step)
            if step is None or step.consumed:
                evidence = None
        raise AssertionError(f"advance never settles: {self.events[-10:]}")

    def observe(self, samples: Mapping[str, Sample] | None = None, **changes: Any) -> World:
        """Collect now and reconcile."""
        return self.offer(self.observation(samples, **changes))

    def rounds(self, count: int, minutes: float = 10) -> World:
        """So many healthy rounds, each so long after the one before."""
        for _ in range(count):
            self.wait(minutes=minutes).observe()
        return self

    def _take(self, step: Step) -> None:
        head = f"{len(self.steps) + 1:040x}"
        self.steps.append(step)
        self.incident = step.change.incident or self.incident
        before, self.state = self.state, applied(self.state, step.change, head)
        again = expected(before, self.state, step.event)
        wrong = differences(again, self.state) if again is not None else [("", "does not follow at all")]
        self.not_recomputed += [f"{step.event}: {why}" for _, why in wrong]

    def _facts(self) -> Facts:
        is_judged = self.rollout == self.status.legal
        merged_at = None if is_judged else self._merged_at
        checkout = LANDED if self.checkout["product_head"] == LANDED else None
        return Facts(
            checks=self.checks,
            checked=self.checked if self._has_landed else None,
            merged_at=merged_at,
            revert=self.revert,
            checkout=checkout,
        )

    @property
    def _has_landed(self) -> bool:
        return self.incident is not None and bool(self.incident.revert and self.incident.revert.landed)

    # --- what people do -----------------------------------------------------------------------------------

    def edit(self, **changes: Any) -> World:
        """Somebody changes rollout.yaml, no matter whether that is allowed."""
        self.state = replace(self.state, rollout=self.rollout.model_copy(update=changes))
        return self

    def merge(self, *, at: datetime | None = None) -> World:
        """Somebody merges a pull request to the next phase."""
        after = self.contract.next_phase(self.rollout.phase or "")
        assert after is not None, f"{self.rollout.phase} is the last phase"
        self._merged_at = at or self.now
        return self.edit(phase=after.name, canary_percent=after.canary_percent)

    def dispatch(
        self,
        by: str = "ada",
        reason: str = "customers call",
        target: str | None = None,
        reverted: str | None = None,
    ) -> World:
        """Somebody asks for a rollback: one starts, or is joined."""
        if self.rollout.outcome is Outcome.ROLLING_BACK:
            entry = RollbackJoin(at=self.now, by=by, reason=reason, target=target, reverted=reverted)
            return self._steer(Event.JOIN, watching.joined(self.state, entry))
        to = named(target, self.rollout, self.state.channel, self.now) if target else None
        return self._steer(Event.ROLLBACK, opening.dispatched(self.state, by, reason, to, self.now))

    def cancel(self, reason: str = "a false alarm", by: str = "ada") -> World:
        assert leaving.may_cancel(self.state)
        return self._steer(Event.CANCEL, leaving.cancelled(self.state, by, reason, self.now))

    def reopen(self) -> World:
        return self._steer(Event.REOPEN, leaving.reopened(self.state, self.now))

    def withdraw(self, reason: str = "a wrong tag", by: str = "ada") -> World:
        """Somebody withdraws the release; nothing happens where the command would refuse."""
        if withdraw.exposure(self.state):
            return self
        why = withdraw.reason_of(by, reason)
        return self._steer(Event.WITHDRAW, withdraw.withdrawn(self.state, why, self.now))

    def _steer(self, event: Event, change: StateChange | None) -> World:
        if change is not None:
            self._take(Step(event, change))
        return self

    def use_contract(self, *, usable: bool) -> World:
        """Somebody breaks contract.yaml, or fixes it; the contract in use is the one from before."""
        unusable = None if usable else UnusableFile("contract.yaml: no", "fix it")
        self.state = replace(self.state, unusable=unusable)
        return self

    def change_contract(self, contract: Contract) -> World:
        self.state = replace(self.state, contract=contract, contract_digest=digest_of(contract))
        return self

    def sign(self, *items: str) -> World:
        checklist = self.state.signoff
        assert checklist is not None
        for item in items:
            checklist = signoff.sign(checklist, item, "docs/proof.md", "ada", self.now, digest="d")
        checklist = checklist.model_copy(update={"author": "olga"})
        self.state = replace(self.state, signoff=checklist)
        return self

    def unsign(self, *items: str) -> World:
        """Somebody takes signatures back."""
        checklist = self.state.signoff
        assert checklist is not None
        left = {name: signed for name, signed in checklist.items.items() if name not in items}
        self.state = replace(self.state, signoff=checklist.model_copy(update={"items": left}))
        return self

    def perform(self, *, ok: bool = True, started_at: datetime | None = None) -> World:
        """The product side carries out what is asked for, and reconcile takes the results."""
        asked = [request.id for request in self.status.requests if request.result is None]
        return self.offer(self.results(asked, ok=ok, started_at=started_at)) if asked else self

    def results(
        self, requests: Iterable[str], *, ok: bool = True, started_at: datetime | None = None
    ) -> Results:
        done = tuple(
            WorkResult(
                request=request,
                ok=ok,
                detail="exit 0" if ok else "exit 1",
                started_at=started_at or self.now,
                finished_at=self.now,
            )
            for request in requests
        )
        return Results(
            train=self.state.train, release=VERSION, commit=COMMIT, finished_at=self.now, results=done
        )

    # --- getting somewhere --------------------------------------------------------------------------------

    def reach(self, phase: str) -> World:
        """Stay healthy, sign and merge until the phase is entered; not yet observed there."""
        for _ in range(_MOST_ROUNDS):
            if self.rollout.phase == phase:
                return self
            minutes = 10 if self.status.entered_at is None else self._max_gap / 60
            self.sign_before(self.rollout.phase or "").perform().rounds(1, minutes)
            if self.status.decision.verdict is Verdict.PROMOTE:
                self.merge().offer()
        raise AssertionError(f"{phase} cannot be reached: {self.status.decision.reasons}")

    @property
    def _max_gap(self) -> int:
        """The fewest rounds are enough: tests should be fast."""
        return self.contract.max_gap(self.contract.phase(self.status.phase))

    def sign_before(self, phase: str) -> World:
        """People sign what leaving that phase waits for."""
        after = self.contract.next_phase(phase)
        before = after.name if after else "complete"
        items = self.contract.signoff.items
        return self.sign(*(item.id for item in items if item.before == before and not item.proof))

    def soak(self, seconds: int) -> World:
        """Stay healthy until so much is earned in the phase."""
        self.perform()
        if self.status.entered_at is None:
            self.rounds(1)
        while (left := seconds - self.status.soak.earned_seconds) > 0:
            before = self.status.soak.earned_seconds
            self.rounds(1, minutes=min(self._max_gap, left) / 60)
            assert self.status.soak.earned_seconds > before, self.status.decision.reasons
        return self


def _begun(contract: Contract, current_version: str | None, reason: str | None) -> TrainState:
    channel = Channel(train=contract.train, current_version=current_version)
    first = contract.phases[0]
    rollout = Rollout(
        train=contract.train,
        release=Release(version=VERSION, commit=COMMIT, started_at=START, first=reason),
        phase=first.name,
        canary_percent=first.canary_percent,
        outcome=Outcome.IN_PROGRESS,
        rollback_target=channels.target_for(channel, None, START),
    )
    digest = digest_of(contract)
    return TrainState(
        train=contract.train,
        head="0" * 40,
        contract=contract,
        contract_digest=digest,
        rollout=rollout,
        status=begin(contract, digest, rollout, START),
        channel=channels.started(channel, rollout.rollback_target),
        signoff=signoff.for_release(rollout),
    )


def digest_of(contract: Contract) -> str:
    return sha256(contract.model_dump_json().encode()).hexdigest()
