"""Metrics as a source of a surface: a provider, where it is, and the queries that it is asked."""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from abc import abstractmethod
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from rollout.core.nearest import near
from rollout.core.values import Duration, Identifier, Model

# The rules of addresses, paths and names are imported late: every command reads a contract, few have metrics.


def _address(given: str) -> str:
    from rollout.core.contract.address import checked_address

    return checked_address(given)


def _path(given: str) -> str:
    from rollout.core.contract.address import checked_path

    return checked_path(given)


def _why_no_header(given: object) -> str:
    from rollout.core.contract.address import why_no_header

    return why_no_header(given)


def _variable(given: object) -> str:
    from rollout.core.contract.address import checked_variable

    return checked_variable(given)


Variable = Annotated[
    str,
    BeforeValidator(_variable),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z_][A-Z0-9_]*$"}),
]
"""The name of an environment variable that holds a secret."""


class Auth(Model):
    """How the provider knows who asks: names of environment variables, never their values."""

    bearer_env: Variable | None = None
    """Holds a token, sent as `Authorization: Bearer`."""
    basic_env: Variable | None = None
    """Holds `user:password`."""
    header_env: Annotated[dict[str, Variable], Field(max_length=10)] = {}
    """Header -> the variable that holds its value."""

    @model_validator(mode="before")
    @classmethod
    def _is_no_value(cls, given: object) -> object:
        if isinstance(given, Auth):
            return given
        if not isinstance(given, Mapping):
            raise ValueError("must be a mapping, such as {bearer_env: PROM_TOKEN}")
        headers = given.get("header_env", {})
        if not isinstance(headers, Mapping):
            raise ValueError("header_env: must be a mapping of headers to names of variables")
        # A key may be a secret at the wrong place, so only one that is near to a name is shown.
        for header in headers:
            if why := _why_no_header(header):
                raise ValueError(f"header_env: {why}")
        for key in given:
            if key not in cls.model_fields and not (isinstance(key, str) and near(key, cls.model_fields)):
                raise ValueError(f"holds an unknown key; known here: {', '.join(cls.model_fields)}")
        return given

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.bearer_env is not None and self.basic_env is not None:
            raise ValueError("give bearer_env or basic_env, not both")
        if not self.variables:
            raise ValueError("names no variable; give bearer_env, basic_env or header_env")
        taken = {"host", "content-length", "transfer-encoding", "connection", "accept", "accept-encoding"}
        if self.bearer_env is not None or self.basic_env is not None:
            taken.add("authorization")
        for header in self.header_env:
            if header.lower() in taken:
                raise ValueError(f"header_env: the tool sends {header} itself")
        headers = [header.lower() for header in self.header_env]
        for header in headers:
            if headers.count(header) > 1:
                raise ValueError(f"header_env: {header} is given twice; headers do not differ by case")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of all variables, each once, in order."""
        named = (self.bearer_env, self.basic_env, *self.header_env.values())
        return tuple(dict.fromkeys(name for name in named if name is not None))


QueryText = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
PathText = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_path)]


class Pick(Model):
    """One number of one HTTP answer."""

    path: PathText
    """Below `url`, with a query string where it needs one; placeholders are percent-encoded."""
    pick: QueryText
    """A JMESPath expression that gives a number, or a list of numbers to reduce."""


class Part(StrEnum):
    """What an answer is needed for."""

    VALUE = "value"
    GOOD = "good"
    TOTAL = "total"
    SAMPLES = "samples"
    UPDATED = "updated"


class Reducer(StrEnum):
    """How several series become one number."""

    SUM = "sum"
    MAX = "max"
    MIN = "min"
    AVG = "avg"


class Query(Model):
    """One field of the surface: a plain query, or the proportion of errors, 1 - good / total."""

    unit: Annotated[str, StringConstraints(max_length=30)] | None = None
    """Shown to people, such as `seconds`."""
    window: Duration | None = None
    """How far back the query looks, and what `{window}` is; `sampling.interval` if left out, and `5m`
    for a plain query of Datadog."""
    min_samples: int | None = Field(default=None, ge=1, le=10**12)
    """With fewer it is too few to tell: unknown. A plain query needs `samples` beside it."""
    reduce: Reducer | None = None
    """What several series are reduced to; without it they are unknown."""
    on_empty: Literal["zero"] | None = None
    """`zero`: no series means 0, for counters that exist only once there is something to count. Of
    `json` only an empty list is no series; a key that the answer lacks is unknown."""

    @property
    @abstractmethod
    def parts(self) -> Mapping[Part, str | Pick]:
        """What has to be asked for it, in order."""

    @property
    @abstractmethod
    def is_proportion(self) -> bool:
        """Whether it has `good` and `total`: each decision asks, so it builds nothing."""

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        parts = self.parts
        if (Part.GOOD in parts) != (Part.TOTAL in parts):
            raise ValueError("good and total belong together")
        if (Part.VALUE in parts) == (Part.GOOD in parts):
            raise ValueError(f"give {self._plain_keys}, or good and total")
        if Part.GOOD in parts and Part.SAMPLES in parts:
            raise ValueError("samples: not beside good and total; total is the number of samples")
        if Part.VALUE in parts and self.min_samples is not None and Part.SAMPLES not in parts:
            raise ValueError("min_samples: needs `samples` beside it, a query that counts them")
        if self.window == 0:
            raise ValueError("window: must be longer than nothing")
        return self

    @property
    @abstractmethod
    def _plain_keys(self) -> str: ...


class TextQuery(Query):
    """A query in the language of the provider."""

    query: QueryText | None = None
    """Gives the value."""
    good: QueryText | None = None
    """Counts what went well over `window`."""
    total: QueryText | None = None
    """Counts everything over `window`."""
    samples: QueryText | None = None
    """Counts what the value rests on, for `min_samples`."""
    updated: QueryText | None = None
    """Gives the time of the newest datum in unix seconds, such as `max(timestamp(x))`; else the time that the
    answer states."""

    @property
    def is_proportion(self) -> bool:
        return self.good is not None

    @property
    def parts(self) -> Mapping[Part, str | Pick]:
        """What has to be asked for it, in order."""
        asked = (self.query, self.good, self.total, self.samples, self.updated)
        return {part: each for part, each in zip(Part, asked, strict=True) if each is not None}

    @property
    def _plain_keys(self) -> str:
        return "query"


class PickQuery(Query):
    """A number of an HTTP answer."""

    path: PathText | None = None
    """Below `url`, with a query string where it needs one; placeholders are percent-encoded."""
    pick: QueryText | None = None
    """A JMESPath expression that gives the value."""
    good: Pick | None = None
    """Counts what went well over `window`."""
    total: Pick | None = None
    """Counts everything over `window`."""
    samples: Pick | None = None
    """Counts what the value rests on, for `min_samples`."""
    updated: Pick | None = None
    """Gives the time of the newest datum in unix seconds; else the `Date` of the answer."""

    @model_validator(mode="after")
    def _path_and_pick(self) -> Self:
        if (self.path is None) != (self.pick is None):
            raise ValueError("path and pick belong together")
        return self

    @property
    def is_proportion(self) -> bool:
        return self.good is not None

    @property
    def parts(self) -> Mapping[Part, str | Pick]:
        """What has to be asked for it, in order."""
        value = Pick(path=self.path, pick=self.pick) if self.path and self.pick else None
        asked = (value, self.good, self.total, self.samples, self.updated)
        return {part: each for part, each in zip(Part, asked, strict=True) if each is not None}

    @property
    def _plain_keys(self) -> str:
        return "path and pick"


MAX_QUERIES = 200


class _Provider(Model):
    url: Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_address)]
    """The base address: a literal host, https unless it is loopback."""
    auth: Auth | None = None
    """Whose secrets are sent; none when left out."""
    insecure_http: bool = False
    """Allows http to another host than loopback, and only without `auth`: everybody on the way reads and can
    change the answer."""

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        from rollout.core.contract.address import why_no_address

        why = why_no_address(self.url, insecure=self.insecure_http, has_secrets=self.auth is not None)
        if why:
            raise ValueError(why)
        return self


class Prometheus(_Provider):
    """Prometheus, and whatever speaks its HTTP API: Thanos, Mimir, Cortex, VictoriaMetrics."""

    provider: Literal["prometheus"]
    queries: dict[Identifier, TextQuery] = Field(min_length=1, max_length=MAX_QUERIES)
    """Field -> the instant query that measures it; `/api/v1/query` is appended to `url`."""


class Datadog(_Provider):
    """Datadog's metrics query API; of each series the newest point counts."""

    provider: Literal["datadog"]
    queries: dict[Identifier, TextQuery] = Field(min_length=1, max_length=MAX_QUERIES)
    """Field -> the query that measures it over `window`."""


class JsonApi(_Provider):
    """Any HTTP server that answers in JSON."""

    provider: Literal["json"]
    queries: dict[Identifier, PickQuery] = Field(min_length=1, max_length=MAX_QUERIES)
    """Field -> the number of an answer."""


Metrics = Annotated[Prometheus | Datadog | JsonApi, Field(discriminator="provider")]
