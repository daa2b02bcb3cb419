"""REST: releases."""

from __future__ import annotations

from typing import Any

from fakehub import shapes
from fakehub.routing import Request, allowed, route

R = "/repos/{owner}/{repo}"


@route(f"GET {R}/releases", needs="contents:read", answers="Release", many=True)
def list_releases(request: Request) -> Any:
    """Lists releases, newest first; drafts only for those who may write."""
    repo = request.repo
    may_write = allowed(request.token, repo, "contents:write")
    return [shapes.release(repo, one) for one in reversed(repo.releases) if may_write or not one.draft]


@route(f"GET {R}/tags", needs="contents:read", answers="Tag", many=True)
def list_tags(request: Request) -> Any:
    """Lists tags, peeled, only of commits. The order is ours: GitHub promises none."""
    repo = request.repo
    names = [name.removeprefix("refs/tags/") for name in repo.bare.refs("refs/tags/")]
    commits = {name: repo.bare.commit_of(f"refs/tags/{name}") for name in reversed(names)}
    return [shapes.tag(repo, name, commit) for name, commit in commits.items() if commit]
