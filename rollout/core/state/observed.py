"""status.yaml: what was seen, and what was decided of it."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from rollout.core.contract import FlagFile, RollbackStep
from rollout.core.observation import Count, LogCursor, Observation, WorkResult
from rollout.core.state.desired import ChannelName, Outcome, Rollout
from rollout.core.state.revert_fact import RevertFact
from rollout.core.values import Identifier, Instant, Line, Model, Name, Percent, Sha, Version


class Result(StrEnum):
    SATISFIED = "satisfied"
    UNSATISFIED = "unsatisfied"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class GateFinding(Model):
    """One leaf of a gate's answer: what one surface (or none in particular) shows."""

    gate: Identifier
    result: Result
    surface: Name | None = None
    seen: Line = ""
    wanted: Line = ""
    since: Instant
    """Since when the result is what it is."""
    more_samples: Literal[True] | None = None
    """Set where it is unknown only until more samples have come: promotion waits, and soak goes on."""


class TriggerState(StrEnum):
    QUIET = "quiet"
    FIRED = "fired"
    UNKNOWN = "unknown"
    NOT_WATCHING = "not_watching"


class TriggerFinding(Model):
    """A trigger's answer; one for each surface that fires it, else one in all."""

    trigger: Name
    state: TriggerState
    surface: Name | None = None
    seen: Line = ""
    wanted: Line = ""
    since: Instant
    unfrozen_at: Instant | None = None
    """When a person unfroze the train while it fired. It freezes again once it was quiet and fires anew."""

    @property
    def fired(self) -> bool:
        return self.state is TriggerState.FIRED

    @property
    def in_words(self) -> str:
        """What it found, such as `slow (api): latency=3`."""
        where = f" ({self.surface})" if self.surface else ""
        return f"{self.trigger}{where}: {self.seen}"


class Verdict(StrEnum):
    HOLD = "hold"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    COMPLETE = "complete"


class Decision(Model):
    verdict: Verdict
    at: Instant
    """When it was last made."""
    to: Name | None = None
    """The phase that a promotion leads to."""
    reasons: tuple[Line, ...] = ()
    """Most important first, one sentence each."""
    earliest: Instant | None = None
    """When a hold can end at the earliest, where time is all that is missing."""


class SurfaceSoak(Model):
    """Credit that one surface has earned in the phase, in its own time."""

    earned_seconds: int = Field(default=0, ge=0)
    held_at: Instant
    """Its source time at the last observation at which every health gate held; it never goes back. Where
    checks are counted: at the last one that was counted."""


class Soak(Model):
    """Credit earned in the phase."""

    earned_seconds: int = Field(default=0, ge=0)
    """The least that a surface has earned."""
    runs: int = Field(default=0, ge=0)
    held_at: Instant | None = None
    """Schema 1: when the last observation was made, if every health gate held at it."""
    last_run_at: Instant | None = None
    """Start of the last harness run, or of the last observation, that was counted as a run."""
    surfaces: dict[Name, SurfaceSoak] = {}


class CounterTrack(Model):
    """What is remembered of one counter of one surface."""

    last: int
    """The last known total."""
    new: int = 0
    """How much it rose since the phase's baseline; a fall counts what is there after it."""
    rose: int = 0
    """How much it rose at the last known reading: the baseline of `flat` moves with every reading."""
    rebased: bool = False
    """The last known reading fell, and is a new baseline: it does not tell whether the counter rose."""


class Tally(Model):
    """What one proportion of one surface has counted in the phase, over windows that do not overlap."""

    good: Count
    total: Count
    at: Instant
    """The server's time at the last window that was counted."""


class Streak(Model):
    """Consecutive unhealthy checks of one surface."""

    count: int = 0
    checked_at: Instant
    """Source time of the observation that opened the current check."""
    unhealthy: bool = False
    before: int = 0
    """Of a healthy check: the streak that it ends, and goes on with should it turn out unhealthy."""
    since: Instant | None = None
    """When the streak, or the one before, began."""


class Work(StrEnum):
    APPLY = "apply"
    HARNESS = "harness"
    CAPTURE_EVIDENCE = "capture_evidence"
    APPLY_TARGET = "apply_target"
    KNOWN_GOOD_LANE = "known_good_lane"
    RELEASE_LANE = "release_lane"

    @property
    def label(self) -> str:
        """Its name for people; that of a rollback's step is the step's."""
        return self.replace("_", " ")


class Request(Model):
    """Work that reconcile asks for. `perform` carries it out on the product side, and reports a result.

    Reconcile itself carries out one that names a flag file: the product side cannot write.
    """

    id: Identifier
    work: Work
    phase: Name
    canary_percent: Percent
    incident: Name | None = None
    step: RollbackStep | None = None
    target: Version | None = None
    """The version of `apply_target`, and its channel beside it."""
    channel: ChannelName | None = None
    surface: Name | None = None
    """What `known_good_lane` and `release_lane` send to that lane."""
    flag_file: FlagFile | None = None
    """Where `apply` writes the percent; None where the product's command applies it."""
    begun_at: Instant | None = None
    """When reconcile began to write the number in `flag_file`."""
    attempt: int = Field(ge=1)
    failed: Line = ""
    """How the attempt before failed."""
    requested_at: Instant
    result: WorkResult | None = None

    @property
    def awaits_product(self) -> bool:
        """Whether `perform` has to carry it out."""
        return self.result is None and self.flag_file is None


class CheckFact(Model):
    """The newest attempt of one CI check of a commit."""

    name: Line
    conclusion: Line
    """GitHub's word when completed (`success`, `failure`, `skipped`, ...), else `pending`."""


class ChecksReading(Model):
    """How far the check suites of a commit are read, where they are too many for one run."""

    commit: Sha
    began: Instant
    read: int = Field(ge=0)
    """Suites so far."""
    total: int = Field(ge=0)
    """As the forge counted them last."""
    after: Line
    """The forge's cursor, behind which the next run goes on."""
    names: tuple[Line, ...] = ()
    """Checks that matter among those read so far."""

    @property
    def in_words(self) -> str:
        return f"{self.read:,} of {self.total:,} check suites read"


class Facts(Model):
    """What the forge and people say, as far as a decision uses it."""

    checks: tuple[CheckFact, ...] | None = None
    """Of the release's commit, or, once a rollback's revert has landed, of `checked`.
    None: could not be asked."""
    checked: Sha | None = None
    """Once a revert has landed: the newest commit of the product's branch that has it, and checks. None: no
    such commit is known."""
    merged_at: Instant | None = None
    """When the promotion pull request to the desired phase was merged."""
    revert: RevertFact | None = None
    """None: not asked yet, as in the first phase, or it never could be."""
    checkout: Sha | None = None
    """The product checkout of the last harness run, when it lacks what the release brought."""
    reading: ChecksReading | None = None
    """Set until all suites are read; `checks` are those found so far then, or None for those of `checked`."""
    unseen: Line = ""
    """What signatures rest on and could not be read, such as `comments`; empty otherwise."""


FIRST_RULES: Final = 1
CURRENT_RULES: Final = 2

MOST_COMMITS = 20
"""Commits of a release that are listed; the rest is counted."""


class ReleaseCommit(Model):
    commit: Sha
    subject: Line
    author: Line = ""
    """Empty where an older version recorded the commit."""


class ReleaseRange(Model):
    """What a release brings to the product's branch, as it was when the rollout started."""

    commits: tuple[ReleaseCommit, ...] = Field(default=(), max_length=MOST_COMMITS)
    """Newest first; those that touch nothing but state are left out."""
    total: int = Field(ge=0)

    @property
    def more(self) -> int:
        """How many are not listed."""
        return self.total - len(self.commits)


class MergedStep(Model):
    """A step to the next phase that is merged and not entered yet."""

    phase: Name
    merged_at: Instant
    """The forge's time of the merge, else the time of the first reconcile that saw it."""
    decided_at: Instant
    """When the promotion was decided."""
    until: Instant
    """The step is undone when it is not entered by then."""
    waits_for: Line = ""


class BeforeLast(Model):
    """What the last observation changed, as it was before: it is taken back when another one of the same
    instant contradicts it."""

    soak: Soak
    counters: dict[Name, dict[Identifier, CounterTrack]] = {}
    """Only surfaces that it changed; empty for one that had none."""
    streaks: dict[Name, dict[Name, Streak]] = {}
    """As `counters`, by trigger."""
    tallies: dict[Name, dict[Identifier, Tally]] = {}
    """As `counters`."""


class Status(Model):
    schema_: Literal[1, 2] = Field(default=CURRENT_RULES, alias="schema")
    """By which rules it was decided; `verify` recomputes a commit by the rules of its time."""
    train: Name
    release: Version
    commit: Sha
    legal: Rollout
    """The last desired state that was legal; what rollout.yaml goes back to after an illegal step."""
    merged_step: MergedStep | None = None
    """What rollout.yaml names beyond `legal` while that waits to be entered."""
    entry: Instant | None = None
    """When desired state changed to the phase: the merge, or the start.

    Of a completed release that is rolled back after a later one: when that rollback began, or None in state
    written before this was recorded. None in schema 1.
    """
    entered_at: Instant | None = None
    """When collection of the phase's first observation began."""
    decided_at: Instant
    contract_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the contract that decides."""
    health_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Digest of the contract's sections by which health is judged: soak is earned under these."""
    same_health: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """An earlier `contract_digest` that judges health alike; the last observation may carry it."""
    contract_unusable: bool = False
    """Whether contract.yaml cannot be used at present: the one before it decides, and nothing is promoted."""
    unreadable: tuple[Line, ...] = ()
    """Other files that cannot be read at present; nothing is promoted until they are fixed."""
    decision: Decision
    soak: Soak = Soak.model_construct()
    gates: tuple[GateFinding, ...] = ()
    triggers: tuple[TriggerFinding, ...] = ()
    counters: dict[Name, dict[Identifier, CounterTrack]] = {}
    streaks: dict[Name, dict[Name, Streak]] = {}
    """Trigger -> surface -> streak."""
    tallies: dict[Name, dict[Identifier, Tally]] = {}
    """Surface -> proportion -> what the phase has counted."""
    cursors: dict[Name, LogCursor] = {}
    requests: tuple[Request, ...] = ()
    facts: Facts = Facts.model_construct()
    observation: Observation | None = None
    """The last one, whole."""
    before: BeforeLast | None = None
    """None once its soak and counters are those of another phase or contract, and in schema 1."""
    release_range: ReleaseRange | None = None
    """None for a rollout that was started before this was recorded."""

    @property
    def by_first_rules(self) -> bool:
        """Whether it was decided before soak was measured in each surface's own time."""
        return self.schema_ == FIRST_RULES

    @property
    def phase(self) -> str:
        """The phase that was last entered legally."""
        return self.legal.phase or ""

    def judges_like(self, observation: Observation) -> bool:
        """Returns whether health is judged as by the contract that the observation was made under."""
        return observation.contract_digest in (self.contract_digest, self.same_health)

    def entered(self, rollout: Rollout) -> Rollout:
        """Returns desired state as far as it was entered: a merged step that waits is left out."""
        if rollout.outcome is not Outcome.IN_PROGRESS or rollout.phase == self.phase:
            return rollout
        kept = {"phase": self.legal.phase, "canary_percent": self.legal.canary_percent}
        return rollout.model_copy(update=kept)
