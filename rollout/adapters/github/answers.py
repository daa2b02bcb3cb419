"""What GitHub answers: documents of which little is used, and faults; what to do about them is in `hints`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
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

M = TypeVar("M", bound="Document")


class Document(BaseModel):
    """A part of an answer: only what is used of it, by GraphQL's names in snake case."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


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
        """Whether the token may not read a field of that name, and nothing else is wrong."""
        return self.type == "FORBIDDEN" and (self.path or ())[-1:] == (field,)


def parsed(model: type[M], document: object) -> M:
    """The document as a model. Raises PassingError for one that is none, as a broken proxy gives."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = f"an answer that makes no sense: {where or 'all of it'}: {first['msg']}"
        raise PassingError(why, foreign=True) from error


# --- faults ------------------------------------------------------------------------------------------------


def rest_fault(
    status: int, data: object, headers: Mapping[str, str], now: datetime
) -> PassingError | RefusedByGitHubError:
    """What an answer with such a status means; names of headers in small letters."""
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
    """What errors mean that come with status 200."""
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
    """A repository was renamed or transferred to `new`, which is an address where the name is not known."""
    hint = "set product.repository in the contract to the new name"
    if is_home:
        hint = "set GITHUB_REPOSITORY, or the clone's remote (`git remote set-url origin`), to the new name"
    return RefusedByGitHubError(f"{repository} has moved to {new}", _MOVED, hint=hint)


def foreign(why: str) -> RefusedByGitHubError:
    """A refusal by something else than GitHub's API: its status says nothing of what was asked for."""
    return RefusedByGitHubError(why, _NO_STATUS, foreign=True)


def _asked_wait(status: int, why: str, headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds until GitHub wants to be asked again; None when it does not speak of limits."""
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
    """GitHub's own words: the message, and those of each error below it."""
    if not isinstance(data, dict):
        return ""
    errors = data.get("errors")
    details = errors if isinstance(errors, list) else []
    parts = [part.get("message") for part in [data, *details] if isinstance(part, dict)]
    return ": ".join(str(part) for part in parts if part)
