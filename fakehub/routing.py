"""Which function answers which request: a table of routes with what each one needs and must look like."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fakehub.entities import Access, Token, TokenKind
from fakehub.errors import ApiError, ArchivedError

if TYPE_CHECKING:
    from fakehub.hub import Hub
    from fakehub.repo import Repo


@dataclass
class Request:
    hub: Hub
    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: Token
    params: dict[str, str] = field(default_factory=dict)

    @property
    def repo(self) -> Repo:
        """Raises ApiError 404 for one that is not there, or that the token may not see."""
        repo = self.hub.named(f"{self.params['owner']}/{self.params['repo']}")
        if repo is None or not visible(self.token, repo):
            raise ApiError(404, "Not Found")
        return repo


@dataclass(frozen=True)
class Answer:
    """What a handler gives when a plain document with the route's status is not enough."""

    status: int
    document: Any = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Any]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    handler: Handler
    needs: tuple[str, ...]
    """Any one of these `scope:level` is enough."""
    body: tuple[str, ...]
    """Models of the request, any of which may fit."""
    answers: str
    """Model of the response; of each item where `many`."""
    many: bool
    wrap: str
    """The key that holds the items of a page, beside `total_count`."""
    status: int


ROUTES: list[Route] = []


def route(
    spec: str,
    *,
    needs: str = "metadata:read",
    body: str = "",
    answers: str = "",
    many: bool = False,
    wrap: str = "",
    status: int = 200,
) -> Callable[[Handler], Handler]:
    """Registers a handler for `METHOD /path/{part}/{rest*}`; `a|b` in `needs` and `body` is either."""
    method, path = spec.split()
    pattern = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+?)", path)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)

    def register(handler: Handler) -> Handler:
        either = tuple(body.split("|")) if body else ()
        found = Route(
            method, re.compile(pattern), handler, tuple(needs.split("|")), either, answers, many, wrap, status
        )
        ROUTES.append(found)
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Returns the first route that fits, with the parts of the path, unquoted."""
    for candidate in ROUTES:
        if candidate.method == method and (found := candidate.pattern.fullmatch(path)):
            return candidate, {name: urllib.parse.unquote(part) for name, part in found.groupdict().items()}
    return None


# --- permissions -----------------------------------------------------------------------------------------

_PEOPLE = {
    "read": Access.READ,
    "write": Access.WRITE,
}
_ANYBODY_WHO_READS = frozenset({"issues:write"})
_ADMIN_ONLY = frozenset({"administration:read", "administration:write"})


def visible(token: Token, repo: Repo) -> bool:
    if token.permissions is None:
        return repo.access_of(token.account.login) > Access.NONE
    return token.repos is None or repo.full_name in token.repos


def allowed(token: Token, repo: Repo, need: str) -> bool:
    """Returns whether the token holds `scope:level` for the repository. Every repository here is private."""
    scope, level = need.split(":")
    if token.permissions is not None:
        held = token.permissions.get(scope, "read" if scope == "metadata" else "none")
        return held == "write" or held == level
    access = repo.access_of(token.account.login)
    if need in _ADMIN_ONLY:
        return access >= Access.ADMIN
    return access >= (Access.READ if need in _ANYBODY_WHO_READS else _PEOPLE[level])


def refuse_archived(repo: Repo) -> None:
    """Raises ArchivedError."""
    if repo.archived:
        raise ArchivedError


def demand(token: Token, repo: Repo, needs: tuple[str, ...]) -> None:
    """Raises ApiError 403 when the token holds none of what is needed."""
    if any(allowed(token, repo, need) for need in needs):
        return
    header = {"X-Accepted-GitHub-Permissions": "; ".join(need.replace(":", "=") for need in needs)}
    if token.kind is TokenKind.USER:
        raise ApiError(403, "Resource not accessible by personal access token", headers=header)
    raise ApiError(403, "Resource not accessible by integration", headers=header)
