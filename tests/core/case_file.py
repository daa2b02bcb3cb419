"""The words of the case files (tests/core/cases/README.md tells people how to write one)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from rollout.core.contract_check.mistakes import describe
from rollout.core.observation import HealthState
from rollout.core.state import Event, Outcome, Result, StepState, TriggerState, Verdict
from rollout.core.values import Duration, Model
from rollout.files.yaml_text import load_yaml

NotReported = Literal["not reported"]


class BadStepWords(Model):
    step: str = "action-demo"
    status: str = "success"
    error: str = ""


Checkout = Literal["release", "reverted", "older", "newer", "cut off", "release, cut off", "changed", "none"]


class SurfaceWords(Model):
    """How one surface differs from healthy in one round."""

    printed: Literal["healthy", "degraded", "failing"] | None = None
    """It prints the sample of that mood; the other keys change what was read from it."""
    unreadable: str | None = None
    health_state: HealthState | NotReported | None = None
    failure_streak: int | NotReported | None = None
    last_cycle_failed: int | NotReported | None = None
    queue_depth: int | NotReported | None = None
    fields: dict[str, float] = {}
    labels: dict[str, str] = {}
    counters: dict[str, int] | Literal["unknown"] = {}
    timeline: Literal["clean", "not reported", "no steps"] | BadStepWords | None = None
    age: Duration = 0
    """How old the source's own time is at the end of the collection."""
    read: Duration | None = None
    """How long before that end it was read."""
    ahead: Duration = 0
    """How far in the future it is."""
    checkout: Checkout | None = None
    """Where it is read, other than the rest."""
    never_reports: list[str] = []
    """What it by nature does not have: a field, `health_state`, `counters` or `timeline`."""
    timeless: bool = False
    """It carries no time at all."""


class RunWords(Model):
    """The newest run of the validation harness."""

    started: Literal["before the rollout", "after it began"] = "after it began"
    status: str = "passed"
    total: int = 5
    passed: int = 5
    failed: int = 0
    surfaces: dict[str, str] = {}
    unreadable: str | None = None
    printed: Literal["passed", "stopped-at-first-failure"] | None = None


class MergeWords(Model):
    ago: Duration = 0


Run = Literal["none", "passed", "again", "red again"] | RunWords
Checks = Literal["green", "unreachable", "none"] | dict[str, str]


class DispatchWords(Model):
    """A person asks for a rollback."""

    by: str = "ada"
    reason: str = "customers call"
    target: str | None = None
    reverted: str | None = None


RevertWords = Literal[
    "unreachable",
    "clean",
    "conflict",
    "missing",
    "workflows",
    "refused",
    "proposed",
    "closed",
    "merged",
    "changed",
    "taken-back",
    "push-taken-back",
    "landed",
    "gone",
]


class RoundWords(Model):
    after: Duration = 600
    times: Annotated[int, Field(ge=1, le=200)] = 1
    # what people do first
    contract: dict[str, Any] | None = None
    gates: dict[str, list[dict[str, Any]]] | None = None
    contract_usable: bool | None = None
    edit: dict[str, Any] | None = None
    freeze: str | None = None
    unfreeze: bool = False
    merge: bool | MergeWords = False
    sign: list[str] = []
    unsign: list[str] = []
    perform: Literal["ok", "failed", "nothing"] = "nothing"
    dispatch: DispatchWords | None = None
    cancel: str | None = None
    reopen: bool = False
    withdraw: str | None = None
    # what is there from now on
    revert: RevertWords | None = None
    checkout: Checkout | None = None
    ci: Checks | None = None
    ci_of: Literal["revert", "fixed", "none"] | None = None
    harness: Run | None = None
    # the round itself
    observe: bool = True
    again: bool = False
    collected_in: str | None = None
    """The phase that rollout.yaml named when collection began; the one it names now when left out."""
    takes: Duration = 0
    clock_ahead: Duration = 0
    """How far every clock was ahead in this round, that of the decision too."""
    also: dict[str, SurfaceWords] | None = None
    """How another observation of the same instant differs from a healthy one; delivered after the first."""
    other_contract: bool = False
    other_release: bool = False
    surfaces: dict[str, SurfaceWords | Literal["not collected"]] = {}

    @model_validator(mode="before")
    @classmethod
    def _surfaces_are_keys(cls, data: Any) -> Any:
        # A surface stands beside the other keys; whether there is such a one is for the contract to say.
        if not isinstance(data, dict):
            return data
        words = {name: data[name] for name in data if name in cls.model_fields and name != "surfaces"}
        rest = {name: data[name] for name in data if name not in words}
        return {**words, "surfaces": rest}


class BeforeWords(Model):
    """How things stood when the rounds begin; everything was healthy until then."""

    observed: bool | None = None
    """Whether the phase has been observed at all (else it has just been entered); yes after preflight."""
    soaked: Duration = 0
    counters: dict[str, dict[str, int]] = {}
    frozen: str | None = None
    signed: list[str] = []
    """Items that people signed; their other items too where the phase could not have been reached without."""
    ci: Checks = "green"
    harness: Run | None = None
    rollback_target: bool | str = True
    first: str | None = None
    quarantined: list[str] = []


class ExpectWords(Model):
    decision: Verdict | None = None
    to: str | None = None
    reasons: list[str] = []
    """Each is part of some reason."""
    not_reasons: list[str] = []
    gates: dict[str, Result | dict[str, Result]] = {}
    seen: dict[str, str | dict[str, str]] = {}
    """What a gate's finding says it saw, or a part of it."""
    triggers: dict[str, TriggerState] = {}
    fired: list[str] | None = None
    """`trigger` or `trigger (surface)`, all that fired."""
    soaked: Duration | None = None
    runs: int | None = None
    events: list[Event] | None = None
    """What was recorded in the rounds; the same event over and over is told once."""
    last_events: list[Event] | None = None
    """What was recorded in the last round, every time that it was."""
    ignored: int | None = None
    phase: str | None = None
    percent: int | None = None
    entered: str | None = None
    """The phase that was entered last; rollout.yaml may name the next one already."""
    waits_for: str | Literal[False] | None = None
    """What a merged step waits for, or a part of it."""
    frozen: str | Literal[False] | None = None
    outcome: Outcome | None = None
    known_good_lanes: list[str] | None = None
    asked: list[str] | None = None
    """Requests without a result."""
    actions: list[str] | None = None
    signed: list[str] | None = None
    """Items that are signed for this release, whatever the others are."""
    not_signed: list[str] = []
    signoff_blocked: bool | None = None
    current_version: str | None = None
    steps: dict[str, StepState] = {}
    results: dict[str, str] = {}
    """Step of the runbook -> a part of what it says."""
    attempts: dict[str, int] = {}
    joined: int | None = None
    quarantined: list[str] | None = None
    """Versions that nobody lifted."""
    earliest: Duration | None = None
    """How long after the last round the hold could end."""


class Case(Model):
    case: str
    why: str = ""
    """For whoever wonders; changes nothing."""
    contract: dict[str, Any] = {}
    """Sections in the place of those of state/tau/contract.yaml."""
    gates: dict[str, list[dict[str, Any]]] = {}
    """Gates added to a phase."""
    phase: str
    before: BeforeWords = BeforeWords()
    rounds: Annotated[list[RoundWords], Field(min_length=1)]
    expect: ExpectWords


class RefusedCaseError(ValueError):
    """A case file with a mistake in it."""


def read_cases(path: Path) -> list[Case]:
    """Every case of the file. Raises InputError for bad YAML, RefusedCaseError for a mistake in a case."""
    return cases_in(load_yaml(path.read_bytes(), file=path.name), path.name)


def cases_in(data: object, file: str) -> list[Case]:
    if not isinstance(data, list) or not data:
        raise RefusedCaseError(f"{file}: must be a list of cases")
    return [_case(entry, f"{file}: case {number}") for number, entry in enumerate(data, 1)]


def _case(entry: object, where: str) -> Case:
    try:
        case = Case.model_validate(entry)
    except ValidationError as error:
        named = f"{where} ({entry.get('case')})" if isinstance(entry, dict) else where
        raise RefusedCaseError("\n".join([named, *describe(error, Case)])) from None
    if not case.expect.model_fields_set:
        raise RefusedCaseError(f"{where} ({case.case}): expects nothing")
    return case
