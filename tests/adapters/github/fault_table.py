"""What can go wrong at each request to GitHub, and which requests are proved to get over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from fnmatch import fnmatchcase

import pytest

from fakehub import faults
from fakehub.clock import NOON
from tests.examples import NIGHTLY

EVERYWHERE = {
    "401": faults.BAD_CREDENTIALS,
    "403": faults.FORBIDDEN,
    "404": faults.NOT_FOUND,
    "409": faults.CONFLICT,
    "422": faults.UNPROCESSABLE,
    "429": faults.too_many(),
    "429 with Retry-After": faults.too_many(7),
    "403 until the limit is reset": faults.rate_limited(int((NOON + timedelta(minutes=12)).timestamp())),
    "500": faults.SERVER_ERROR,
    "502": faults.BAD_GATEWAY,
    "timeout": faults.HANG,
    "dropped": faults.DROPPED,
    "dropped after it took effect": faults.DROPPED_AFTER,
}
GRAPHQL = {
    "an error with status 200": faults.graphql(),
    "a limit with status 200": faults.graphql("API rate limit exceeded", "RATE_LIMITED"),
    "a refusal with status 200": faults.graphql("Resource not accessible by integration", "FORBIDDEN"),
}
ALL = {**EVERYWHERE, **GRAPHQL}
FATAL = {"401", "403", "404", "422", "a refusal with status 200"}
DECORATIVE = {"POST */labels", "POST */statuses/*", "POST */comments", "DELETE */git/refs/*"}
"""Requests that may fail without the run failing."""
LOST = FATAL | {"403 until the limit is reset"}
"""Faults that a decorative request does not get over, for which less is waited."""

ALWAYS = "dropped after it took effect"
"""The fault after which a request that is sent again does things twice."""

_covered: list[str] = []
"""Routes, in the order of the tables."""


def table(*routes: str) -> pytest.MarkDecorator:
    """Faults at each of the routes, which are globs over calls as the hub writes them.

    Two routes that follow each other share the faults; at night each of them meets all.
    """
    cases = []
    for route in routes:
        cases += [
            pytest.param(route, name, id=f"{route}: {name}") for name in faults_of(route, len(_covered))
        ]
        _covered.append(route)
    return pytest.mark.parametrize(("route", "fault"), cases)


def faults_of(route: str, number: int, *, all_of_them: bool = NIGHTLY) -> list[str]:
    """Names the faults that the route with that number meets."""
    names = [*EVERYWHERE, *(GRAPHQL if "/graphql" in route else ())]
    if all_of_them:
        return names
    return [name for place, name in enumerate(names) if name == ALWAYS or place % 2 == number % 2]


def uncovered(calls: Sequence[str]) -> list[str]:
    """The calls that no table knows, of those in the modules that were imported."""
    return [call for call in calls if not any(fnmatchcase(call, route) for route in _covered)]
