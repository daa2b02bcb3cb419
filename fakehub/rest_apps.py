"""REST: how an App gets a token for what it was installed on."""

from __future__ import annotations

from typing import Any

from fakehub.entities import TokenKind
from fakehub.errors import ApiError
from fakehub.routing import Request, route
from fakehub.schemas import build, stamp


@route(
    "POST /app/installations/{installation}/access_tokens",
    body="AppInstallationsInstallationIdAccessTokensPostBody",
    answers="InstallationToken",
    status=201,
)
def create_token(request: Request) -> Any:
    """Creates a token with at most the installation's permissions.
    The engine's token stands for the App's key.
    """
    installed, body = request.token, request.body or {}
    if installed.kind is not TokenKind.APP or installed.permissions is None or installed.repos is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    there = installed.repos & request.hub.repos.keys()
    owners = {name.partition("/")[2]: name for name in there}
    names = body.get("repositories", list(owners))
    if not set(names) <= set(owners):
        raise ApiError(422, "There is at least one repository that does not exist or is not accessible")
    asked = body.get("permissions", installed.permissions)
    for scope, level in asked.items():
        if installed.permissions.get(scope) not in (level, "write"):
            raise ApiError(422, "The permissions requested are not granted to this installation.")
    token = request.hub.narrower_token(installed, frozenset(owners[name] for name in names), asked)
    expires = stamp(request.hub.clock.now())
    return build("InstallationToken", token=token.value, expires_at=expires, permissions=dict(asked))
