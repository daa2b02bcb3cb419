"""What GitHub answers: documents of which little is used, and faults; what to do about them is in `hints`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

_MINUTE = 60.0
_MOVED = 301
_NO_STATUS = 0
_PASSING_STATUSES = frozenset({408, 409})
_PASSING_KINDS = frozenset({"INTERNAL", "INTERNAL_SERVER_ERROR", "LOADING", "SERVICE_UNAVAILABLE", "TIMEOUT"})
_TOO_MUCH_KINDS = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"})
_TOO_MUCH_STATUSES = frozenset({502, 504})
"""GitHub gives up a query after ten seconds, and a gateway answers for it."""
_LIMIT_KINDS = frozenset({"RATE_LIMIT", "RATE_LIMITED"})
_KIND_STATUSES = {"FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "NOT_FOUND": 404}
_LIMIT_WORDS = ("rate limit", "abuse detection")
"""Of limits that GitHub tells in words alone."""

N = TypeVar("N")
T = TypeVar("T")
_ADAPTERS: dict[object, TypeAdapter[Any]] = {}


class Document(BaseModel):
    """A part of an answer: only what is used of it, by GraphQL's names or REST's, in snake case."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


def within(*path: str, or_none: bool = False) -> BeforeValidator:
    """Reads a value from the objects around it. `or_none`: None where a later step is null or missing.

    pydantic's AliasPath takes any null on the way for a missing field: an answer cut short would pass for
    one that says there is nothing.
    """
    return BeforeValidator(lambda document: _inside(document, path, or_none=or_none))


def _inside(document: object, path: Sequence[str], *, or_none: bool = False) -> object:
    """Raises ValueError where an object on the path is none, or lacks the next step."""
    for at, step in enumerate(path):
        if or_none and at and document is None:
            return None
        if not isinstance(document, Mapping):
            raise ValueError(f"an object with {step} is missing")
        if step not in document and not or_none:
            raise ValueError(f"{step} is missing")
        document = document.get(step)
    return document


Login = Annotated[str, within("login")]
Name = Annotated[str, within("name")]
Oid = Annotated[str, within("oid")]
Sha = Annotated[str, within("sha")]


class Nodes(Document, Generic[N]):
    """A list in GraphQL."""

    nodes: tuple[N, ...]


class CountedNodes(Nodes[N], Generic[N]):
    """A list that says how long it is, of which this may be a part."""

    total_count: int


class PageInfo(Document):
    has_next_page: bool
    end_cursor: str | None = None


class Page(Nodes[N], Generic[N]):
    """A page of a list."""

    page_info: PageInfo


class PassingError(Exception):
    """A fault that may be gone when it is tried again; whether a write took effect is not known."""

    def __init__(
        self, why: str, wait: float | None = None, *, too_much: bool = False, foreign: bool = False
    ) -> None:
        """`wait`: seconds that GitHub asks for; None for the usual, growing pause.

        `too_much`: it may be that too much was asked for at once. `foreign`: what answered may not be GitHub.
        """
        super().__init__(why)
        self.wait = wait
        self.too_much = too_much
        self.foreign = foreign


class RefusedByGitHubError(Exception):
    """GitHub understood and said no: nothing was done."""

    def __init__(
        self,
        why: str,
        status: int,
        kinds: Collection[str] = (),
        needs: str = "",
        hint: str = "",
        *,
        foreign: bool = False,
    ) -> None:
        """`kinds` are GraphQL's; `needs` the permissions that would have done, where GitHub tells them.

        `hint` is what to do next, where more is known than the status says. `foreign`: what answered is not
        GitHub's API.
        """
        super().__init__(why)
        self.status = status
        self.kinds = frozenset(kinds)
        self.needs = needs
        self.hint = hint
        self.foreign = foreign


class GraphqlError(Document):
    type: str = ""
    message: str = ""
    path: tuple[str | int, ...] | None = None
    """Of the field that it concerns, from the root; None where it concerns the whole query."""
    extensions: dict[str, object] | None = None

    @property
    def is_passing(self) -> bool:
        # `Something went wrong` has no type; neither has a mistake in the query, but that has extensions.
        return self.type in _PASSING_KINDS or (not self.type and not self.extensions)

    def refuses(self, field: str) -> bool:
        """Returns whether the token may not read a field of that name, and nothing else is wrong."""
        return self.type == "FORBIDDEN" and (self.path or ())[-1:] == (field,)


def parsed(kind: type[T], document: object, *path: str) -> T:
    """Returns what the path leads to. Raises PassingError for what makes no sense, as of a broken proxy."""
    return _validated(kind, _told(document, path), path)


def parsed_or_none(kind: type[T], document: object, *path: str) -> T | None:
    """Returns what `parsed` does; None where the path ends early.
    The first step must be there, the next ones may be null.
    """
    if path[1:] and _told(document, path[:1]) is None:
        raise _senseless(path[:1], "it is null")
    found = _told(document, path, or_none=True)
    return None if found is None else _validated(kind, found, path)


def _told(document: object, path: Sequence[str], *, or_none: bool = False) -> object:
    try:
        return _inside(document, path, or_none=or_none)
    except ValueError as error:
        raise _senseless(path, str(error)) from error


def _validated(kind: type[T], found: object, path: Sequence[str]) -> T:
    try:
        validated: T = _adapter(kind).validate_python(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise _senseless((*path, *first["loc"]), first["msg"].removeprefix("Value error, ")) from error
    return validated


def _senseless(place: Sequence[str | int], why: str) -> PassingError:
    where = ".".join(map(str, place))
    return PassingError(f"an answer that makes no sense: {where or 'all of it'}: {why}", foreign=True)


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


# --- faults ------------------------------------------------------------------------------------------------


def rest_fault(
    status: int, data: object, headers: Mapping[str, str], now: datetime
) -> PassingError | RefusedByGitHubError:
    """Returns what an answer with such a status means; names of headers in small letters."""
    why = f"{status} {_message(data)}".strip()
    wait = _asked_wait(status, why, headers, now)
    if wait is not None:
        return PassingError(why, wait)
    if status in _PASSING_STATUSES or status >= 500:
        return PassingError(why, too_much=status in _TOO_MUCH_STATUSES)
    return RefusedByGitHubError(why, status, needs=headers.get("x-accepted-github-permissions", ""))


def graphql_fault(
    errors: Sequence[GraphqlError], headers: Mapping[str, str], now: datetime
) -> PassingError | RefusedByGitHubError:
    """Returns what errors mean that come with status 200."""
    why = "; ".join(error.message or error.type for error in errors)
    kinds = [error.type for error in errors]
    if _LIMIT_KINDS & set(kinds) or _speaks_of_limits(why):
        return PassingError(why, _asked_wait(429, why, headers, now))
    if _TOO_MUCH_KINDS & set(kinds):
        return PassingError(why, 0, too_much=True)
    if any(error.is_passing for error in errors):
        return PassingError(why)
    statuses = [_KIND_STATUSES[kind] for kind in kinds if kind in _KIND_STATUSES]
    return RefusedByGitHubError(why, statuses[0] if statuses else 422, kinds)


def moved(repository: str, new: str, *, is_home: bool) -> RefusedByGitHubError:
    """Returns the error for a repository that moved to `new`, an address where its name is not known."""
    hint = "set product.repository in the contract to the new name"
    if is_home:
        hint = "use the new name in GITHUB_REPOSITORY, or for the clone: git remote set-url origin ADDRESS"
    return RefusedByGitHubError(f"{repository} has moved to {new}", _MOVED, hint=hint)


def foreign(why: str) -> RefusedByGitHubError:
    """Returns a refusal by something else than GitHub's API: its status says nothing of what was asked
    for.
    """
    return RefusedByGitHubError(why, _NO_STATUS, foreign=True)


def _asked_wait(status: int, why: str, headers: Mapping[str, str], now: datetime) -> float | None:
    """Returns seconds until GitHub wants to be asked again; None when it does not speak of limits."""
    after = headers.get("retry-after", "")
    if status in (403, 429, 503) and after.isdigit():
        return float(after)
    if status not in (403, 429):
        return None
    if headers.get("x-ratelimit-remaining") == "0":
        return _until_reset(headers, now)
    return _MINUTE if status == 429 or _speaks_of_limits(why) else None


def _until_reset(headers: Mapping[str, str], now: datetime) -> float:
    reset = headers.get("x-ratelimit-reset", "")
    left = int(reset) - now.timestamp() if reset.isdigit() else _MINUTE
    return max(left, 0.0) + 1


def _speaks_of_limits(why: str) -> bool:
    return any(words in why.lower() for words in _LIMIT_WORDS)


def _message(data: Any) -> str:
    """Returns GitHub's own words: the message, and those of each error below it."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    details = errors if isinstance(errors, list) else []
    parts = [part.get("message") for part in [data, *details] if isinstance(part, dict)]
    return ": ".join(str(part) for part in parts if part)
