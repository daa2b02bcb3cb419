"""What every object of the GraphQL schema needs: pages of a list, the actor, and the permission."""

from __future__ import annotations

from typing import Any

from fakehub.entities import Account, Token
from fakehub.errors import ApiError
from fakehub.repo import Repo
from fakehub.routing import allowed, refuse_archived
from fakehub.schemas import Json


def connection(items: list[Any], first: int | None, last: int | None, after: str | None = None) -> Json:
    """Returns a page of a connection; a cursor is the place in the list."""
    if (first is None) == (last is None):
        raise ApiError(422, "You must provide a `first` or `last` value to properly paginate the connection.")
    if max(first or 0, last or 0) > 100:
        raise ApiError(422, "Requesting more than 100 records on the connection exceeds the `first` limit.")
    begin = int(after) if after else 0
    end = begin + first if first is not None else len(items)
    if last is not None:
        begin = max(begin, len(items) - last)
    page = {
        "hasNextPage": end < len(items),
        "endCursor": str(min(end, len(items))),
        "hasPreviousPage": begin > 0,
    }
    return {
        "totalCount": len(items),
        "nodes": items[begin:end],
        "pageInfo": {**page, "startCursor": str(begin)},
    }


def ordered(items: list[Any], order: Json | None) -> list[Any]:
    """Sorts records by when they were made or last changed; oldest first by default."""
    field, direction = (order["field"], order["direction"]) if order else ("CREATED_AT", "ASC")
    key = "created_at" if field == "CREATED_AT" else "updated_at"
    return sorted(items, key=lambda one: getattr(one, key), reverse=direction == "DESC")


def demand(token: Token, repo: Repo, need: str) -> None:
    if not allowed(token, repo, need):
        raise ApiError(403, "Resource not accessible by integration")
    if need.endswith(":write"):
        refuse_archived(repo)


def actor(account: Account) -> Json:
    return {"__typename": account.type, "login": account.login.removesuffix("[bot]")}
