"""What GitHub sends with an event: `make real` holds each document to GitHub's recorded examples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fakehub import shapes
from fakehub.bare import NOBODY, Person
from fakehub.entities import Comment, Thread, Token
from fakehub.schemas import Json

if TYPE_CHECKING:
    from fakehub.repo import Repo


def document(repo: Repo, token: Token, more: Json) -> Json:
    """Returns `more` with what every event has: the repository and who did it."""
    return {
        **json.loads(json.dumps(more)),
        "repository": _repository(shapes.repository(repo, "Repository")),
        "sender": shapes.user(repo.hub, token.account),
    }


def _repository(shown: Json) -> Json:
    """Shows a repository in an event: a little more than in REST, and not how pull requests are merged."""
    del shown["allow_rebase_merge"]
    return {**shown, "has_downloads": True, "custom_properties": {}}


def push(repo: Repo, token: Token, ref: str, old: str | None, new: str | None) -> Json:
    """Returns a push: its repository's times are seconds since 1970; its head is the newest commit."""
    commits = [_commit(repo, sha) for sha in _pushed(repo, old, new)]
    head = _commit(repo, new) if new else None
    found = document(
        repo,
        token,
        {
            "ref": ref,
            "before": old or NOBODY,
            "after": new or NOBODY,
            "created": old is None,
            "deleted": new is None,
            "forced": bool(old and new and not commits),
            "base_ref": None,
            "compare": shapes.page(repo, "compare", f"{(old or NOBODY)[:12]}...{(new or NOBODY)[:12]}"),
            "commits": commits,
            "head_commit": head,
            "pusher": {"name": token.account.login, "email": token.account.email},
        },
    )
    seconds = int(repo.hub.started.timestamp())
    found["repository"] |= {"created_at": seconds, "pushed_at": seconds}
    return found


def _pushed(repo: Repo, old: str | None, new: str | None) -> list[str]:
    """Returns the commits that are new on the branch; a new or forced branch brings none."""
    if not old or not new:
        return []
    if repo.bare.commit(new).parents == (old,):
        return [new]
    return repo.bare.between(old, new)[-20:] if repo.bare.contains(new, old) else []


def _commit(repo: Repo, sha: str) -> Json:
    data = repo.bare.commit(sha)
    base = data.parents[0] if data.parents else None
    changed = repo.bare.changed(base, sha) if base else []
    letters = {"added": "A", "removed": "D", "modified": "MT"}
    return {
        **_head(repo, sha),
        "distinct": True,
        "url": shapes.page(repo, "commit", sha),
        **{word: [path for one, path in changed if one in kinds] for word, kinds in letters.items()},
    }


def _head(repo: Repo, sha: str) -> Json:
    data = repo.bare.commit(sha)
    return {
        "id": sha,
        "tree_id": data.tree,
        "message": data.message,
        "timestamp": data.committed_at,
        "author": _person(data.author),
        "committer": _person(data.committer),
    }


def _person(person: Person) -> Json:
    return {"name": person.name, "email": person.email}


def pull(repo: Repo, token: Token, thread: Thread, action: str, more: Json | None = None) -> Json:
    shown = shapes.pull(repo, thread)
    for side in ("head", "base"):
        shown[side]["repo"] = _repository(shown[side]["repo"])
    shown |= {**_unassigned(), "requested_reviewers": [], "requested_teams": [], "rebaseable": None}
    found = {"action": action, "number": thread.number, "pull_request": shown}
    return document(repo, token, {**found, **(more or {})})


def _unassigned() -> Json:
    return {"assignee": None, "assignees": [], "active_lock_reason": None}


def group(repo: Repo, token: Token, ref: str, base: str, base_sha: str) -> Json:
    """Returns the event of a merge queue's group on `ref`, built on `base_sha` for the branch `base`."""
    head = repo.bare.branch(ref)
    assert head is not None
    described = {
        "head_sha": head,
        "head_ref": f"refs/heads/{ref}",
        "base_sha": base_sha,
        "base_ref": f"refs/heads/{base}",
        "head_commit": _head(repo, head),
    }
    return document(repo, token, {"action": "checks_requested", "merge_group": described})


def issue(repo: Repo, token: Token, thread: Thread, action: str, more: Json | None = None) -> Json:
    return document(repo, token, {"action": action, "issue": _issue(repo, thread), **(more or {})})


def comment(
    repo: Repo, token: Token, thread: Thread, one: Comment, action: str, more: Json | None = None
) -> Json:
    said = {**shapes.comment(repo, one), "performed_via_github_app": None, "reactions": _reactions(repo)}
    told = {"issue": _issue(repo, thread), "comment": said}
    return document(repo, token, {"action": action, **told, **(more or {})})


def _issue(repo: Repo, thread: Thread) -> Json:
    shown = shapes.issue(repo, thread)
    assigned = {"assignees": shown["assignees"], "assignee": next(iter(shown["assignees"]), None)}
    return {**shown, **_unassigned(), **assigned, "reactions": _reactions(repo)}


def _reactions(repo: Repo) -> Json:
    """Returns the reactions of a thread to which nobody has reacted."""
    kinds = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
    return {"url": shapes.url(repo, "reactions"), "total_count": 0, **dict.fromkeys(kinds, 0)}
