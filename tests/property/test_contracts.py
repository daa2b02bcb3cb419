"""Whatever passes `contract check` carries a release: no bug and no file that cannot be read again.

A few contracts each time; CONTRACTS=2000 for more.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from rollout.core.contract import Contract
from rollout.core.contract_check.examine import examine
from rollout.core.decide.step import Step
from rollout.core.observation import BadStep, HealthState, Sample, Timeline
from rollout.core.rollback import leaving
from rollout.core.state import (
    Channel,
    CheckFact,
    Incident,
    Outcome,
    Quarantine,
    Rollout,
    Signoff,
    StateChange,
    Status,
    Verdict,
)
from rollout.core.surfaces.known import known
from rollout.core.values import Model
from rollout.files.state_files import files_of, read_contract, read_model
from rollout.rendering.commits import message
from rollout.rendering.documents import status_document
from rollout.rendering.terminal import status_view
from rollout.wiring import texts
from tests.core.world import CHECKOUTS, REVERTS, World, run
from tests.examples import seeds
from tests.property.contracts import COUNTERS, FIELDS, Draft

SEEDS = seeds("CONTRACTS", 12, 2000)
ROUNDS = 30
GREEN = (CheckFact(name="Build a", conclusion="success"), CheckFact(name="Build b", conclusion="success"))
MODELS: Mapping[str, type[Model]] = {
    "rollout": Rollout,
    "status": Status,
    "channel": Channel,
    "signoff": Signoff,
    "quarantine": Quarantine,
}


class Release(World):
    """A release under a made up contract, with people, product and machine in any order."""

    def __init__(self, contract: Contract, seed: int) -> None:
        super().__init__(contract)
        self._random = random.Random(seed)
        self.checks = GREEN
        self.run = None

    def round(self) -> None:
        self.wait(seconds=self._random.choice((600,) * 6 + (1, 299, 1800, 90000)))
        self._random.choice((self._people, self._people, self._product, self._forge))()
        if self._happens(0.9):
            self.observe({name: self._sample(name) for name in self.contract.surfaces})
        else:
            self.offer()
        self._show()

    def _happens(self, share: float) -> bool:
        return self._random.random() < share

    def _take(self, step: Step) -> None:
        change = step.change
        message(
            step.event,
            contract=self.contract,
            rollout=change.rollout or self.rollout,
            status=change.status or self.status,
            detail=step.detail,
            incident=change.incident or self.incident,
        )
        _can_be_read_again(self.state.train, change)
        super()._take(step)

    # --- who acts -----------------------------------------------------------------------------------------

    def _people(self) -> None:
        is_going_on = self.rollout.outcome is Outcome.IN_PROGRESS
        self.sign(*(item.id for item in self.contract.signoff.items if item.proof is None))
        if is_going_on and self._happens(0.03):
            self.dispatch()
        elif is_going_on and self._happens(0.02):
            self.edit(canary_percent=37)
        elif is_going_on and self.rollout.frozen is not None and self._happens(0.3):
            self.edit(frozen=None)
        elif is_going_on and self.status.decision.verdict is Verdict.PROMOTE:
            self.merge()
        elif leaving.may_cancel(self.state) and self._happens(0.2):
            self.cancel()

    def _product(self) -> None:
        where = ("release",) * 8 + ("newer", "newer", "older", "none")
        self.checkout = CHECKOUTS[self._random.choice(where)]
        self.perform(ok=self._happens(0.9))
        if self._happens(0.7):
            self.run = run(self.now, total=2, passed=2, surfaces=dict.fromkeys(("a", "b"), "passed"))

    def _forge(self) -> None:
        self.checks = self._random.choice((GREEN, GREEN, GREEN, GREEN, None, ()))
        self.revert = self._random.choice(list(REVERTS.values()))

    # --- what is seen -------------------------------------------------------------------------------------

    def _sample(self, name: str) -> Sample:
        if self._happens(0.02):
            return Sample(unknown="exit 1")
        if self.contract.surfaces[name].metrics is not None:
            return self._measured()
        reports = known(self.contract.surfaces[name])
        is_bad = self._happens(0.02)
        state = HealthState.FAILING if is_bad else HealthState.HEALTHY
        steps = Timeline(steps=2, bad=int(is_bad), examples=(BadStep(step="a", status="b"),) * is_bad)
        figures = (0, 0, 0, 0, 1) if not is_bad else (7, -1, 0.5, 2**63 - 1, 1e300)
        changes: dict[str, Any] = {
            "updated_at": self.now - timedelta(seconds=self._random.choice((0,) * 20 + (30, 3600))),
            "health_state": state if reports.health_state else None,
            "fields": {field: self._random.choice(figures) for field in sorted(reports.fields)[:9]},
            "labels": {label: self._random.choice(("v0.1.5",) * 9 + ("pass",)) for label in reports.labels},
            "counters": {counter: self._random.choice((5,) * 30 + (0, 6)) for counter in COUNTERS},
            "timeline": steps if reports.timeline else None,
            "not_applicable": (),
            **self.checkout,
        }
        return Sample.model_validate(changes)

    def _measured(self) -> Sample:
        bad = self._random.choice((0,) * 9 + (1, 30))
        found: dict[str, Any] = {
            name: {"value": self._random.choice((0, 0, 0, 1)), "at": self.now}
            for name in (*FIELDS, *COUNTERS)
        }
        found["errors"] |= {"value": bad / 30, "good": 30 - bad, "total": 30, "samples": 30, "window": 600}
        for name in COUNTERS:
            found[name]["windows"] = {each: {"value": 100 - bad, "at": self.now} for each in ("1h", "5m")}
        if self._happens(0.1):
            found["errors"] = {"unknown": "no series"}
        return Sample.model_validate({"updated_at": self.now, "measurements": found, **self.checkout})

    def _show(self) -> None:
        status_view(self.state, now=self.now, pull_request=None, columns=80)
        status_document(self.state, now=self.now, pull_request=None)
        if self.status.decision.verdict is Verdict.PROMOTE:
            texts.promotion_body()(self.state, self.state.head)
        if self.state.incident is not None:
            texts.incident_body()(self.state, "")


def _can_be_read_again(train: str, change: StateChange) -> None:
    for path, content in files_of(train, change).items():
        assert content is not None
        name = path.split("/")[2].removesuffix(".yaml")
        model = MODELS.get(name, Incident)
        kept = change.incident if model is Incident else getattr(change, name)
        assert read_model(model, content, path) == kept


def contract_of(seed: int) -> Contract | None:
    """The contract of that seed, if it passes the check."""
    contract, problems = examine(Draft(seed).data())
    return contract if not problems else None


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if contract_of(seed) is not None])
def test_what_passes_the_check_carries_a_release(seed: int) -> None:
    contract = contract_of(seed)
    assert contract is not None
    # It is used as it is read from the branch, not as it was made up.
    text = files_of(contract.train, StateChange(contract=contract))[f"state/{contract.train}/contract.yaml"]
    assert text is not None
    read, _ = read_contract(text, "contract.yaml", in_use=True)
    release = Release(read, seed)
    for _ in range(ROUNDS):
        release.round()


def test_enough_of_them_pass_and_enough_are_refused() -> None:
    passed = sum(contract_of(seed) is not None for seed in range(100))
    assert 20 <= passed <= 80
