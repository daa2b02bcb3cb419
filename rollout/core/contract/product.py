"""What is rolled out: its surfaces, its validation run, where it lives, and how its health is sampled."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function

from rollout.core.values import POINTER_PATTERN, Duration, Identifier, Line, Model, Name, RelativePath

Argument = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Command = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=200)]
# The length is no part of the pattern: `\w{0,200}` takes a fifth of a second to compile.
BranchName = Annotated[str, StringConstraints(max_length=200, pattern=r"^[A-Za-z0-9][\w./-]*$")]


RunnerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
"""A label, or a name that `runners` explains. It names artifacts too."""


class Runner(Model):
    """What a job's `runs-on` says: labels that a runner has all of, a group of an organization, or both.

    A list is short for its labels.
    """

    group: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,199}$")] | None = None
    labels: Annotated[tuple[RunnerName, ...], Field(max_length=20)] = ()

    @model_validator(mode="before")
    @classmethod
    def _labels_alone(cls, given: object) -> object:
        return {"labels": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.group is None and not self.labels:
            raise ValueError("give labels, a group, or both")
        return self


class Adapter(StrEnum):
    """Which parser reads what a surface prints."""

    TAU_STATUS = "tau-status"
    TAU_TRANSPORT_HEALTH = "tau-transport-health"
    TAU_BROWSER_SUMMARY = "tau-browser-summary"
    JSON = "json"


class JsonMapping(Model):
    """Where the generic `json` adapter finds things: JMESPath expressions over the payload."""

    health_state: str | None = None
    """Gives `healthy`, `degraded` or `failing`; translate other words with `health_states`."""
    health_states: dict[str, Literal["healthy", "degraded", "failing"]] = {}
    """The product's own word -> ours."""
    updated_unix_ms: str | None = None
    """Gives the source's own time in milliseconds; without it the time of reading counts."""
    fields: dict[Identifier, str] = {}
    """Numeric fields that threshold gates and triggers read; true and false count as 1 and 0."""
    labels: dict[Identifier, str] = {}
    """Text fields that `equals` gates read."""
    counters: str | None = None
    """Gives an object of absolute totals: name -> whole number."""
    timeline: str | None = None
    """Gives a list of steps `{id, status, error}`; fine is a status of ok or success and an empty error."""


_OF_A_PAYLOAD = ("adapter", "command", "file", "workdir", "events", "map", "absent", "refresh")
"""Keys that say where a payload is and how to read it: metrics have none."""


class ReadWhenGiven:
    """Reads a surface's metrics by models that are built only for a contract that has some.

    They are a tenth of what all models cost at a cold start.
    """

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        return no_info_plain_validator_function(lambda given: self._models.validate_python(given))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(self._models.core_schema)

    @property
    def annotation(self) -> Any:
        """What the value is, as other fields say at once."""
        from rollout.core.contract.metrics import Metrics

        return Metrics

    @cached_property
    def _models(self) -> "TypeAdapter[Any]":
        from pydantic import TypeAdapter

        return TypeAdapter(self.annotation)


if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from rollout.core.contract.metrics import Metrics
else:
    Metrics = Annotated[Any, ReadWhenGiven()]


class Surface(Model):
    """A part of the product that reports its health, by a command, in a file, or to a metrics server."""

    adapter: Adapter | None = None
    """Reads what `command` prints or `file` holds."""
    metrics: Metrics | None = None
    """Asks a metrics server, instead of `adapter` and its source."""
    command: Command | None = None
    file: RelativePath | None = None
    workdir: RelativePath = "."
    timeout: Duration = 120
    events: RelativePath | None = None
    """An append-only JSON-lines log, counted where the payload has no `reason_code_counts`."""
    map: JsonMapping | None = None
    runner: RunnerName | None = None
    """The Actions runner that can reach this surface: a label, or a name that `runners` explains."""
    interval: Duration | None = None
    """How often the source writes news; `sampling.interval` when left out."""
    fresh: Literal["pulse", "phase"] = "pulse"
    """`pulse`: the source speaks again and again, and a reading counts until `max_age`. `phase`: the source
    is what a run leaves; a reading made since the phase was entered counts for the whole phase, and holds up
    no soak."""
    refresh: Literal["harness"] | None = None
    """`harness`: one harness run at each phase's entry leaves a new reading. Only with `fresh: phase`."""
    absent: Literal["zero", "unknown"] | None = None
    """What a counter is that a present map does not hold. The tau adapters: `zero`, json: `unknown`."""
    on_reset: Literal["count", "rebase"] | None = None
    """What a falling counter means. `count`: the process began again at zero, so what is there now is new.
    `rebase`: an instance left and took its share along, so a new baseline begins. The tau adapters: `count`,
    json: `rebase`."""
    revision: Literal["release", "any"] = "release"
    """`release`: a reading counts only if the product's checkout holds the release's commit and no tracked
    file in it is changed. `any`: the surface reads a running service, whatever is checked out beside it.
    Metrics are always of a running service: `any`."""
    serial: Name | None = None
    """A group. Surfaces of one group are read one after another, all others side by side."""

    @property
    def absent_is_zero(self) -> bool:
        """Whether a counter that a present map does not hold is 0; else it is unknown."""
        return self.absent == "zero" or (self.absent is None and self._is_of_tau)

    @property
    def rebases_on_reset(self) -> bool:
        """Whether a falling counter takes a new baseline; else what is there now counts as new."""
        return self.on_reset == "rebase" or (self.on_reset is None and not self._is_of_tau)

    @property
    def is_of_any_revision(self) -> bool:
        """Whether a reading counts whatever is checked out."""
        return self.revision == "any" or self.metrics is not None

    @property
    def _is_of_tau(self) -> bool:
        return self.adapter not in (None, Adapter.JSON)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.adapter is None) == (self.metrics is None):
            raise ValueError("give either adapter or metrics")
        if self.metrics is not None:
            self._refuse_payload_keys()
            return self
        if (self.command is None) == (self.file is None):
            raise ValueError("give either command or file")
        if (self.adapter is Adapter.JSON) != (self.map is not None):
            raise ValueError("the json adapter, and only it, needs a map")
        return self

    def _refuse_payload_keys(self) -> None:
        for key in _OF_A_PAYLOAD:
            if key in self.model_fields_set and getattr(self, key) is not None:
                raise ValueError(f"{key}: not beside metrics, which are asked of a server")
        if self.fresh == "phase":
            raise ValueError("fresh: not beside metrics, which have a pulse")
        if self.revision == "release" and "revision" in self.model_fields_set:
            raise ValueError("revision: metrics are of a running service, so it is `any`; leave it out")

    @model_validator(mode="after")
    def _speaks_one_way(self) -> Self:
        if self.refresh is not None and self.fresh != "phase":
            raise ValueError("refresh: needs fresh: phase; a pulse refreshes itself")
        if self.interval is not None and self.fresh == "phase":
            raise ValueError("interval: not with fresh: phase, which has no pulse")
        if self.interval == 0:
            raise ValueError("interval: must be longer than nothing")
        return self


class RunCommand(Model):
    """A command of the product, the folder that it runs in, and how long it may take."""

    command: Command
    workdir: RelativePath = "."
    timeout: Duration = 600


class Prepare(RunCommand):
    """Makes a checkout of the product ready to run, once for each checkout, before surfaces and harness."""

    timeout: Duration = 1800


class Harness(Model):
    """The product's validation run and the files it leaves."""

    command: Command | None = None
    """Run by `perform` when reconcile asks for it; without it a person or CI runs the harness."""
    workdir: RelativePath = "."
    timeout: Duration = 1800
    report: RelativePath
    manifest: RelativePath
    revision: Literal["release", "any"] = "release"
    """As in a surface: `any` where the harness tests a running service, whatever is checked out beside it."""
    surfaces: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    """The ids of surfaces as the harness prints them. A report of any other one is unknown. Left out: any."""


class FlagFile(Model):
    """The number in a file of flags that says the percent. `reconcile` writes it, and reads it back."""

    path: RelativePath
    """The file, on the state branch where that has it, else on the product's branch. It is JSON, or YAML
    where its name ends in `.yaml` or `.yml`."""
    format: Literal["flagd", "gofeatureflag", "json_pointer"]
    """Whose file it is. flagd and GO Feature Flag take numbers as weights, relative to the sum of them."""
    pointer: Annotated[str, StringConstraints(max_length=500, pattern=POINTER_PATTERN)]
    """A JSON Pointer (RFC 6901) to the number, such as `/flags/checkout/variants/percent`."""
    via: Literal["commit", "pull_request"] = "commit"
    """How the number is written: on the branch itself, or by a pull request that a person merges, in a
    rollback too."""

    @property
    def where(self) -> str:
        """Path and pointer, as people are told."""
        return f"{self.path}: {self.pointer}"

    @property
    def tokens(self) -> tuple[str, ...]:
        """Keys and indices that lead to the number."""
        parts = self.pointer.split("/")[1:]
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)

    @model_validator(mode="after")
    def _is_a_file(self) -> Self:
        parts = self.path.split("/")
        if any(part in ("", ".") or part.lower() == ".git" for part in parts):
            raise ValueError(f"path: must be the path of a file: {self.path!r}")
        if parts[0] == "state" and len(parts) > 2:
            raise ValueError("path: must not be in a folder below state, where trains are")
        if parts[0] == ".github":
            raise ValueError("path: must not be below .github, which workflows may not change")
        return self


class Apply(Model):
    """Brings the canary percent to the product: by a command, or as a number in a file of flags."""

    command: Command | None = None
    """`{percent}`, `{phase}` and `{version}` are filled in."""
    workdir: RelativePath = "."
    timeout: Duration = 600
    flag_file: FlagFile | None = None
    """In the place of a command."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.command is None) == (self.flag_file is None):
            raise ValueError("give either command or flag_file")
        for key in ("workdir", "timeout"):
            if self.flag_file is not None and key in self.model_fields_set:
                raise ValueError(f"{key}: belongs to a command, and there is none")
        return self


class Sampling(Model):
    """How often health is read and how old it may be."""

    interval: Duration = 600
    """How often observations are meant to come."""
    min_interval: Duration = 300
    """Observations of a surface closer than this are one check of a streak."""
    max_age: Duration = 1200
    """A sample whose source is older is unknown; so is one from before the phase was entered."""
    max_gap: Duration = 1800
    """A source that has advanced by more since the last healthy observation earns no soak for that, and an
    older last observation makes a recorded promotion stale."""
    streak_gap: Duration = 21600
    """Two checks whose sources are further apart are not consecutive."""


class Product(Model):
    """Where the product lives; the tool's own repository when `repository` is left out."""

    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    branch: BranchName = "main"
    runner: RunnerName | None = None
    """Where harness, `apply` and the like run, and surfaces are read that name no runner; `ubuntu-24.04`
    when left out."""
    submodules: Literal[False, True, "recursive"] = False
    """Whether a workflow checks out submodules too, and theirs with `recursive`."""
    lfs: bool = False
    """Whether a workflow fetches the files that Git LFS keeps."""


class StateBranch(Model):
    branch: BranchName | None = None
    """The branch that carries state; the repository's default branch when left out."""
