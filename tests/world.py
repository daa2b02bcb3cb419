"""A whole world in memory: tau's real contract with short soaks, a store, a forge, CI, people and a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fakehub.clock import SettableClock
from rollout.commands import signoff
from rollout.commands.reconcile.incident import Responder
from rollout.commands.reconcile.percent import PercentWriter
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.reconcile.report import Report
from rollout.commands.start import StartOptions, StartResult, start
from rollout.commands.targets import TargetLookup
from rollout.core.contract import Contract
from rollout.core.files import CHANNEL, CONTRACT, ROLLOUT
from rollout.core.observation import (
    BadStep,
    Evidence,
    HarnessReport,
    HealthState,
    Observation,
    Results,
    Sample,
    Timeline,
    WorkResult,
)
from rollout.core.state import Channel, Rollout, Status, TrainState, Verdict
from rollout.files.yaml_text import load_yaml
from rollout.ports import Permission
from tests.fakes.evidence import FakeEvidence
from tests.fakes.flag_branch import FakeFlagBranch
from tests.fakes.forge import FakeForge
from tests.fakes.history import FakeHistory
from tests.fakes.issues import FakeIssues
from tests.fakes.reverter import FakeReverter
from tests.fakes.store import FakeStore
from tests.fakes.writes import Writes

TAU = "tau"
T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
VERSION, OLD_VERSION = "v0.1.5", "v0.1.4"
COMMIT, OTHER_COMMIT, UNKNOWN_COMMIT = "1" * 40, "2" * 40, "9" * 40
OLD_COMMIT = "3" * 40
"""What the old version's tag leads to."""
BROWSER = "browser-automation"
SURFACES = ("voice", BROWSER, "dashboard", "custom-command", "memory")
PHASES = ("preflight", "canary-1", "canary-2", "canary-3", "general-availability")
CHECKS = (
    "Live smoke (voice)",
    "Live smoke (browser)",
    "Live smoke (dashboard)",
    "Live smoke (custom-command)",
    "Live smoke (memory)",
    "Live smoke gate",
)

TIP, REVERTED = "e" * 40, "d" * 40
"""The product's branch before and after the revert."""

_FILE = Path(__file__).parent.parent / "state" / "tau" / "contract.yaml"
_SOAKS = {"canary-1": "20m", "canary-2": "20m", "canary-3": "30m", "general-availability": "1h"}
_APPLY = {"command": ["apply", "{percent}"]}

Changes = Mapping[str, Mapping[str, Any]]
"""Surface -> fields of its sample that are not as in a healthy one."""


@cache
def contract(*, apply: bool = False) -> Contract:
    """The first train's contract, but for soaks that a test can wait for."""
    data = load_yaml(_FILE.read_bytes(), file=_FILE.name)
    assert isinstance(data, dict)
    for phase in data["phases"]:
        phase["soak"] = _SOAKS.get(phase["name"], phase["soak"])
    return Contract.model_validate({**data, "apply": _APPLY} if apply else data)


PEOPLE = tuple(item.id for item in contract().signoff.items if item.proof is None)


def promotion_body(state: TrainState, base: str) -> str:
    """What the tool would render: it moves with the decision and with nothing else."""
    assert state.status is not None
    return f"{state.status.phase}: {state.status.decision.verdict}, on {base}"


def incident_body(state: TrainState, pull_request: str) -> str:
    """What the tool would render, in few words."""
    assert state.incident is not None
    steps = ", ".join(f"{step.step} {step.state}" for step in state.incident.steps)
    return f"{steps}; {pull_request}; {len(state.incident.joined)} joined"


class World:
    """One train, one product, and everybody who works on them."""

    promotion_body: Callable[[TrainState, str], str] = staticmethod(promotion_body)

    def __init__(self, *, apply: bool = False) -> None:
        self.clock = SettableClock(T0)
        self.store = FakeStore(Writes())
        self.forge = FakeForge(self.store)
        self.history = FakeHistory(OLD_COMMIT, COMMIT, OTHER_COMMIT)
        self.history.tags = {OLD_VERSION: OLD_COMMIT}
        self.reverter = FakeReverter(TIP, counted=self.store.writes)
        self.reverter.frees(OLD_COMMIT)
        self.forge.history = self.reverter.history
        self.product_branch = FakeFlagBranch(counted=self.store.writes)
        self.state_branch = FakeFlagBranch(counted=self.store.writes)
        self.issues = FakeIssues(self.store.writes, {"bob": Permission.WRITE})
        self.evidence = FakeEvidence()
        self.evidence.authors = dict.fromkeys((COMMIT, OTHER_COMMIT), "olga")
        self.totals: dict[str, dict[str, int]] = {name: {} for name in SURFACES}
        """What the counters of each surface stand at."""
        self.harness = HarnessReport(unknown="has not run")
        self._rounds = 0
        self.store.edit(
            TAU,
            {
                CONTRACT: contract(apply=apply),
                ROLLOUT: Rollout(train=TAU),
                CHANNEL: Channel(train=TAU, current_version=OLD_VERSION),
            },
            at=T0,
        )
        for commit in (COMMIT, OTHER_COMMIT):
            self.ci(commit=commit)

    def copy(self) -> World:
        """The same world, from here on apart."""
        other = object.__new__(World)
        other.clock = SettableClock(self.clock.time)
        other.store = self.store.copy(Writes())
        other.forge = self.forge.copy(other.store)
        other.history, other.reverter = self.history.copy(), self.reverter.copy(other.store.writes)
        other.forge.history = other.reverter.history
        other.product_branch = self.product_branch.copy(other.store.writes)
        other.state_branch = self.state_branch.copy(other.store.writes)
        other.issues, other.evidence = self.issues.copy(other.store.writes), self.evidence.copy()
        other.totals = {name: dict(totals) for name, totals in self.totals.items()}
        other.harness, other._rounds = self.harness, self._rounds
        return other

    # --- looking -----------------------------------------------------------------------------------------

    @property
    def writes(self) -> Writes:
        return self.store.writes

    @property
    def now(self) -> datetime:
        return self.clock.time

    @property
    def state(self) -> TrainState:
        return self.store.load(TAU, self.store.head())

    @property
    def rollout(self) -> Rollout:
        return self.state.rollout

    @property
    def status(self) -> Status:
        status = self.state.status
        assert status is not None
        return status

    @property
    def verdict(self) -> Verdict:
        return self.status.decision.verdict

    def events(self) -> list[str]:
        """What each state commit records, oldest first; empty for those of people."""
        return [entry.trailers.get("Rollout-Event", "") for entry in self.store.log(TAU)][::-1]

    # --- the product -------------------------------------------------------------------------------------

    def observe(
        self,
        changes: Changes | None = None,
        *,
        phase: str | None = None,
        at: datetime | None = None,
        harness: HarnessReport | None = None,
    ) -> Observation:
        """One round of samples, healthy but for the changes, that ends now (or `at`)."""
        state, at = self.state, at or self.now
        assert state.rollout.release is not None
        self._rounds += 1
        samples = {name: self.sample(name, at, **(changes or {}).get(name, {})) for name in SURFACES}
        revert = state.incident.revert if state.incident else None
        return Observation(
            train=TAU,
            release=state.rollout.release.version,
            commit=state.rollout.release.commit,
            phase=phase or state.rollout.phase or "",
            contract_digest=state.contract_digest,
            round=f"r{self._rounds}",
            product_head=(revert and revert.landed) or state.rollout.release.commit,
            started_at=at - timedelta(seconds=20),
            finished_at=at,
            tool_version="0.1.0",
            samples=samples,
            harness=harness or self.harness,
        )

    def sample(self, surface: str, at: datetime, **changes: Any) -> Sample:
        """A healthy surface, updated a minute before `at`."""
        healthy: dict[str, Any] = {
            "holds_release": True,
            "updated_at": at - timedelta(minutes=1),
            "health_state": HealthState.HEALTHY,
            "fields": {"failure_streak": 0, "last_cycle_failed": 0, "queue_depth": 0},
            "counters": dict(self.totals[surface]),
            "not_applicable": ("timeline",),
        }
        if surface == BROWSER:
            healthy["fields"] = {}
            healthy["not_applicable"] = ("failure_streak", "last_cycle_failed", "queue_depth")
            healthy["timeline"] = Timeline(steps=12, bad=0)
        return Sample(**{**healthy, **changes})

    def run_harness(self, passed: int = 5) -> None:
        """The validation harness runs now; with fewer than five it stops at its first failure."""
        failed = 0 if passed == 5 else 1
        statuses = ["passed"] * passed + ["failed"] * failed
        self.harness = HarnessReport(
            holds_release=True,
            started_at=self.now,
            status="failed" if failed else "passed",
            total=passed + failed,
            passed=passed,
            failed=failed,
            surfaces=dict(zip(SURFACES, statuses, strict=False)),
        )

    def perform(self, *, ok: bool = True) -> Results:
        """Carry out what is asked for now."""
        state = self.state
        assert state.rollout.release is not None
        assert state.status is not None
        done = tuple(
            WorkResult(request=request.id, ok=ok, detail="exit 0", started_at=self.now, finished_at=self.now)
            for request in state.status.requests
            if request.awaits_product
        )
        return Results(
            train=TAU,
            release=state.rollout.release.version,
            commit=state.rollout.release.commit,
            finished_at=self.now,
            results=done,
        )

    # --- CI and people -----------------------------------------------------------------------------------

    def ci(
        self, conclusion: str | None = "success", *, commit: str = COMMIT, names: tuple[str, ...] = CHECKS
    ) -> None:
        """The CI checks of a commit end so."""
        for name in names:
            self.forge.conclude(commit, name, conclusion, at=self.now)

    def merge(self, *, squash: bool = False) -> None:
        """A reviewer merges the open promotion pull request, whatever its status."""
        (pull,) = self.forge.open_pulls()
        self.forge.merge(pull.number, at=self.now, squash=squash)

    def edit(self, **changes: object) -> None:
        """A person changes keys of rollout.yaml."""
        self.store.edit_rollout(TAU, at=self.now, **changes)

    def edit_channel(self, **changes: object) -> None:
        """A person changes keys of channel.yaml."""
        channel = self.state.channel or Channel(train=TAU)
        self.store.edit(TAU, {CHANNEL: channel.model_copy(update=changes)}, at=self.now)

    def edit_contract(self, **changes: object) -> None:
        """A person changes keys of the contract."""
        self.store.edit(TAU, {CONTRACT: self.state.contract.model_copy(update=changes)}, at=self.now)

    def sign(self, *items: str) -> None:
        for item in items or PEOPLE:
            signoff.record(
                self.store, self.issues, self.evidence, self.clock, TAU, item, "docs/minutes.md", "bob"
            )

    # --- the tool ----------------------------------------------------------------------------------------

    def start(
        self, version: str = VERSION, commit: str | None = COMMIT, **options: str | None
    ) -> StartResult:
        asked = StartOptions(version, commit, **options)
        return start(
            self.store, self.history, self.clock, TAU, asked, reverter=self.reverter, known=self.known
        )

    def known(self, version: str) -> list[str]:
        return [version] if self.history.tagged(version) else []

    def reconciler(self, *, dry_run: bool = False) -> Reconciler:
        responder = Responder(self.reverter, self.issues, incident_body, pushes_workflows=True)
        return Reconciler(
            self.store,
            self.forge,
            self.clock,
            self.promotion_body,
            responder=responder,
            targets=TargetLookup(self.known),
            percent=self.percent_writer(dry_run=dry_run),
            dry_run=dry_run,
        )

    def percent_writer(self, *, dry_run: bool = False) -> PercentWriter:
        return PercentWriter(self.store, self.state_branch, self.product_branch, dry_run=dry_run)

    def reconcile(self, *evidence: Evidence, dry_run: bool = False) -> Report:
        return self.reconciler(dry_run=dry_run).run(TAU, evidence)

    # --- whole stretches ---------------------------------------------------------------------------------

    def tick(self, changes: Changes | None = None) -> Report:
        """Ten minutes later the surfaces are read, and that is reconciled."""
        self.clock.forward(minutes=10)
        return self.reconcile(self.observe(changes))

    def do_what_is_asked_for(self) -> None:
        results = self.perform()
        if results.results:
            self.clock.forward(minutes=1)
            self.reconcile(self.perform())

    def soak(self) -> None:
        """Healthy ticks until there is something to promote or complete."""
        for _ in range(20):
            self.do_what_is_asked_for()
            self.tick()
            if self.verdict is not Verdict.HOLD or not self.is_under_way:
                return
        raise AssertionError(f"still on hold: {self.status.decision.reasons}")

    @property
    def is_under_way(self) -> bool:
        return self.rollout.outcome == "in_progress"

    def play_to(self, phase: str) -> World:
        """Start a release and bring it into `phase`, everybody doing their part."""
        self.start()
        self.clock.forward(minutes=1)
        self.run_harness()
        return self.play_on(phase)

    def play_on(self, phase: str) -> World:
        """Bring the release that is under way into `phase`."""
        while self.status.phase != phase:
            if self.status.phase == "canary-3":
                self.sign(*(item for item in PEOPLE if item != "final-approval"))
            self.soak()
            self.merge()
            self.clock.forward(minutes=1)
            self.reconcile()
        return self


def bad_timeline() -> dict[str, Any]:
    """Changes for the browser surface: one step went wrong."""
    step = BadStep(step="open", status="malformed_input", error="E1")
    return {"timeline": Timeline(steps=12, bad=1, examples=(step,))}
