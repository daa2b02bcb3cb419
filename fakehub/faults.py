"""What can go wrong between a client and GitHub."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class When(StrEnum):
    INSTEAD = "instead"
    """The answer comes and nothing was done."""
    HANG = "hang"
    """Nothing was done, and nothing is answered until the client gives up."""
    DROP = "drop"
    """The connection ends without an answer, and nothing was done."""
    DROP_AFTER = "drop after"
    """The connection ends without an answer after the write took effect."""


@dataclass(frozen=True)
class Fault:
    when: When = When.INSTEAD
    status: int = 500
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    graphql_type: str | None = None
    """Set for an error of GraphQL, which comes with status 200."""
    page: str = ""
    """Set for a web page instead of JSON, which a server answers that is not GitHub's API."""


BAD_CREDENTIALS = Fault(status=401, message="Bad credentials")
FORBIDDEN = Fault(status=403, message="Resource not accessible by integration")
NOT_FOUND = Fault(status=404, message="Not Found")
CONFLICT = Fault(status=409, message="Conflict")
UNPROCESSABLE = Fault(status=422, message="Validation Failed")
SERVER_ERROR = Fault(status=500, message="Server Error")
BAD_GATEWAY = Fault(status=502, message="Server Error")
HANG = Fault(when=When.HANG)
DROPPED = Fault(when=When.DROP)
DROPPED_AFTER = Fault(when=When.DROP_AFTER)


def too_many(retry_after: int | None = None) -> Fault:
    """Returns 429 of the secondary rate limit, with or without Retry-After (seconds)."""
    headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
    return Fault(status=429, message="You have exceeded a secondary rate limit.", headers=headers)


def rate_limited(reset_unix: int) -> Fault:
    """Returns 403 of the primary rate limit: nothing left until `reset_unix`."""
    headers = (
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Limit", "5000"),
        ("X-RateLimit-Reset", str(reset_unix)),
    )
    return Fault(status=403, message="API rate limit exceeded for installation.", headers=headers)


def graphql(
    message: str = "Something went wrong while executing your query.", kind: str = "INTERNAL"
) -> Fault:
    """Returns an error with status 200."""
    return Fault(status=200, message=message, graphql_type=kind)


Match = str | Callable[[str], bool]


@dataclass
class Planned:
    match: Match
    fault: Fault
    left: int
    hits: list[str] = field(default_factory=list)

    def takes(self, call: str) -> bool:
        if self.left == 0:
            return False
        return fnmatch.fnmatchcase(call, self.match) if isinstance(self.match, str) else self.match(call)
