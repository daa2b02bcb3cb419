"""REST: releases."""

from __future__ import annotations

from typing import Any

from tests.fakehub import shapes
from tests.fakehub.routing import Request, allowed, route

R = "/repos/{owner}/{repo}"


@route(f"GET {R}/releases", needs="contents:read", answers="Release", many=True)
def list_releases(request: Request) -> Any:
    """Newest first; drafts only for those who may write."""
    repo = request.repo
    may_write = allowed(request.token, repo, "contents:write")
    return [shapes.release(repo, one) for one in reversed(repo.releases) if may_write or not one.draft]
