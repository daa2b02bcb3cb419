"""`rollout rehearse`: a rollback of the release in progress, gone through to its end on a scratch copy.

State, forge and product branch are copies, and everybody acts at once: the pull request is merged, CI and
harness are green. Evidence is really looked for, since reading harms nothing; no command of the product runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import rollout as tool
from rollout.commands.commit_state import CommandResult, change_state
from rollout.commands.perform import perform
from rollout.commands.reconcile.incident import Responder
from rollout.commands.reconcile.percent import PercentWriter
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.core.contract import CiChecksGate, Contract, HarnessGate, RollbackStep
from rollout.core.evidence_index import EvidenceEntry
from rollout.core.forge import PullRequestState
from rollout.core.observation import Evidence, HarnessReport, Observation
from rollout.core.rollback.opening import dispatched
from rollout.core.rollback.rehearsal import RehearsalOutcome
from rollout.core.state import (
    CommitMessage,
    Event,
    Incident,
    IncidentStep,
    Outcome,
    Rehearsal,
    RehearsedStep,
    StateChange,
    StepState,
    TrainState,
)
from rollout.core.values import format_instant
from rollout.errors import RefusedError
from rollout.ports import Clock, CommandRun, FlagBranch, Forge, StateStore, Worker
from rollout.rendering.advice import next_command
from rollout.rendering.commits import message

REASON = "rehearsal"
_TICK = timedelta(minutes=1)
_MOST_ROUNDS = 20


@dataclass(frozen=True)
class RehearsalStage:
    """Scratch copies of all that a rollback changes, and who acts on them."""

    store: StateStore
    forge: Forge
    responder: Responder
    product: Worker
    state_branch: FlagBranch
    product_branch: FlagBranch
    merge: Callable[[str, datetime], object]
    """Merge the pull request from that branch, as a reviewer does."""
    report_green: Callable[[str, str, datetime], object]
    """Let a check (second) of a commit (first) be green, as CI does."""


def rehearse(stage: RehearsalStage, train: str, by: str, now: datetime) -> RehearsalOutcome:
    """Plays the six steps on the stage. Raises RefusedError when no rollout is in progress."""
    state = stage.store.load(train, stage.store.head())
    release = state.rollout.release
    if state.rollout.outcome is not Outcome.IN_PROGRESS or release is None or state.status is None:
        raise RefusedError(
            f"{train}: no rollout is in progress (outcome {state.rollout.outcome})",
            hint=next_command(state.rollout.outcome),
        )
    tip = stage.responder.reverter.tip()
    play = _Play(stage, train, now)
    play.freeze(state, by)
    incident = play.to_its_end()
    target = incident.target.version if incident.target else ""
    return RehearsalOutcome(
        release.version, release.commit, target, tip, tuple(map(_as_played, incident.steps))
    )


def _as_played(step: IncidentStep) -> IncidentStep:
    """Returns the step with what nobody has run said to be so: harness and CI are only played."""
    if step.step is not RollbackStep.REVALIDATE or step.state is not StepState.DONE:
        return step
    return step.model_copy(update={"result": f"not run in a rehearsal, taken for {step.result}"[:500]})


def record(
    store: StateStore, clock: Clock, train: str, rehearsed: RehearsalOutcome, by: str
) -> CommandResult:
    """Commits that the release was rehearsed. Raises RefusedError when another one is in progress by
    now.
    """
    now = clock.now()
    assert rehearsed.tip is not None
    rehearsal = Rehearsal(
        train=train,
        release=rehearsed.release,
        commit=rehearsed.commit,
        at=now,
        by=by,
        target=rehearsed.target or None,
        tip=rehearsed.tip,
        steps=tuple(RehearsedStep(step=step.step, result=step.result) for step in rehearsed.steps),
    )

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage]:
        release = state.rollout.release
        if release is None or release.commit != rehearsal.commit:
            raise RefusedError(
                f"{train}: {rehearsal.release} is no longer in progress", hint="rehearse what is"
            )
        back = f"back to {rehearsal.target}" if rehearsal.target else "reverts only"
        detail = f"{back}, by {by}"
        text = message(
            Event.REHEARSE, contract=state.contract, rollout=state.rollout, status=state.status, detail=detail
        )
        return StateChange(rehearsal=rehearsal), text

    return change_state(store, train, decide, now)


class _Play:
    """The rollback on its stage; its clock goes on by itself."""

    def __init__(self, stage: RehearsalStage, train: str, now: datetime) -> None:
        self._stage = stage
        self._train = train
        self._moment = now

    def now(self) -> datetime:
        return self._moment

    def freeze(self, state: TrainState, by: str) -> None:
        change = dispatched(state, by, REASON, None, self.now())
        text = message(
            Event.ROLLBACK,
            contract=state.contract,
            rollout=change.rollout or state.rollout,
            status=change.status,
            detail=REASON,
            incident=change.incident,
        )
        self._stage.store.commit(self._train, change, text, parent=state.head, at=self.now())

    def to_its_end(self) -> Incident:
        before: Sequence[object] = ()
        for _ in range(_MOST_ROUNDS):
            state = self._round()
            assert state.incident is not None
            after = (state.incident.steps, state.status and state.status.requests)
            if state.incident.ended is not None or after == before:
                return state.incident
            before = after
        raise AssertionError("a rehearsal does not come to rest")

    def _round(self) -> TrainState:
        stage = self._stage
        state = stage.store.load(self._train, stage.store.head())
        self._moment += _TICK
        evidence: list[Evidence] = []
        onlooker = _Onlooker(stage.product)
        results = perform(state.contract, state.rollout, state.status, onlooker, self, _quiet, copies=False)
        if results is not None:
            evidence.append(results)
        self._moment += _TICK
        if _is_validated(state):
            evidence.append(_as_if_green(state, self.now()))
        self._moment += _TICK
        reconciler = Reconciler(
            stage.store,
            stage.forge,
            self,
            lambda _state, _head: "",
            responder=stage.responder,
            percent=PercentWriter(stage.store, stage.state_branch, stage.product_branch),
        )
        state = reconciler.run(self._train, evidence).state
        self._be_everybody(state)
        return state

    def _be_everybody(self, state: TrainState) -> None:
        revert = state.incident.revert if state.incident else None
        if revert is None:
            return
        pull = self._stage.responder.reverter.proposed(revert.branch)
        if pull is not None and pull.state is PullRequestState.OPEN:
            self._stage.merge(revert.branch, self.now())
        if revert.landed is not None:
            for check in _checks(state.contract):
                self._stage.report_green(revert.landed, check, self.now())


class _Onlooker:
    """The product side of a rehearsal: looks for evidence, and runs nothing."""

    def __init__(self, product: Worker) -> None:
        self._product = product

    def capture(self, patterns: Sequence[str], in_git: Sequence[str]) -> tuple[EvidenceEntry, ...]:
        return self._product.capture(patterns, in_git)

    def run(self, command: Sequence[str], workdir: str, timeout: int) -> CommandRun:
        return CommandRun(ok=True, detail=f"not run in a rehearsal: {command[0]}", stdout=b"")

    def keep(self, name: str, output: bytes) -> str:
        return self._product.keep(name, output)


def _is_validated(state: TrainState) -> bool:
    incident = state.incident
    current = incident.current if incident else None
    return current is not None and current.step is RollbackStep.REVALIDATE


def _as_if_green(state: TrainState, at: datetime) -> Observation:
    """Returns what a harness run of the reverted product would show."""
    status, incident = state.status, state.incident
    assert status is not None
    landed = incident.revert.landed if incident and incident.revert else None
    return Observation(
        train=state.train,
        release=status.release,
        commit=status.commit,
        phase=status.phase,
        contract_digest=state.contract_digest,
        round=f"rehearsal {format_instant(at)}",
        product_head=landed,
        started_at=at,
        finished_at=at,
        tool_version=tool.__version__,
        samples={},
        harness=next(_passed(state.contract, at), None),
    )


def _passed(contract: Contract, at: datetime) -> Iterator[HarnessReport]:
    for phase in contract.phases:
        for gate in phase.gates:
            if isinstance(gate, HarnessGate):
                surfaces = {f"surface-{number}": "passed" for number in range(gate.passed)}
                surfaces |= {f"surface-{gate.passed + number}": "failed" for number in range(gate.failed)}
                yield HarnessReport(
                    started_at=at,
                    status="passed",
                    total=gate.total,
                    passed=gate.passed,
                    failed=gate.failed,
                    surfaces=surfaces,
                )


def _checks(contract: Contract) -> Iterator[str]:
    """Yields names that each CI gate's glob matches, as many as it wants."""
    for phase in contract.phases:
        for gate in phase.gates:
            if isinstance(gate, CiChecksGate):
                yield from (gate.checks.replace("*", f"{number + 1}") for number in range(gate.at_least))


def _quiet(_line: str) -> None:
    """Reports no progress: a rehearsal shows steps."""
