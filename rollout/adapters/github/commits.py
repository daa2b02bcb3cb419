"""Commits that GitHub makes: on a branch, or together with the branch and its pull request."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from rollout.adapters.github.answers import Document, PassingError, parsed, within
from rollout.adapters.github.api import Api


class _Creation(Document):
    """What a mutation made, with None for what it did not."""

    commit: Annotated[str | None, within("commit", "oid", or_none=True)] | None = Field(
        default=None, alias="createCommitOnBranch"
    )
    pull: Annotated[int | None, within("pullRequest", "number", or_none=True)] | None = Field(
        default=None, alias="createPullRequest"
    )


@dataclass(frozen=True)
class NewPullResult:
    """An open pull request, and the commit that its branch was made with."""

    number: int
    head_sha: str


_COMMIT = """mutation($commit: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $commit) { commit { oid } }
}"""
_BRANCH_AND_PULL = """mutation(
  $ref: CreateRefInput!, $commit: CreateCommitOnBranchInput!, $pull: CreatePullRequestInput!
) {
  createRef(input: $ref) { ref { name } }
  createCommitOnBranch(input: $commit) { commit { oid } }
  createPullRequest(input: $pull) { pullRequest { number } }
}"""


def commit_files(
    api: Api,
    branch: str,
    files: Mapping[str, bytes | None],
    message: str,
    *,
    parent: str,
    repository: str | None = None,
) -> str:
    """Commits on a branch that is at `parent`; None removes a file. `repository` None is that of state.

    Raises as `graphql`; with STALE when the branch is not there.
    """
    home = api.repository
    commit = _commit_input(repository or home, branch, files, message, parent)
    data, fault = api.made(_COMMIT, {"commit": commit}, committing_to=repository or home)
    if fault:
        raise fault
    made = parsed(_Creation, data).commit
    if made is None:
        raise PassingError("GitHub did not say which commit it made")
    return made


def branch_and_pull(
    api: Api,
    pull: Mapping[str, str],
    files: Mapping[str, bytes | None],
    message: str,
    *,
    parent: str,
    repository_id: str,
) -> NewPullResult:
    """Makes the branch, its commit and the pull request in one request. Raises as `commit_files`.

    `pull` has title, body, head and base. Whatever is raised, some of the three may have been made; a
    branch that is at the parent is fine.
    """
    ref = {"repositoryId": repository_id, "name": f"refs/heads/{pull['head']}", "oid": parent}
    commit = _commit_input(api.repository, pull["head"], files, message, parent)
    document = {
        "repositoryId": repository_id,
        "baseRefName": pull["base"],
        "headRefName": pull["head"],
        "title": pull["title"],
        "body": pull["body"],
    }
    data, fault = api.made(_BRANCH_AND_PULL, {"ref": ref, "commit": commit, "pull": document})
    made = parsed(_Creation, data or {})
    if made.commit is not None and made.pull is not None:
        return NewPullResult(made.pull, made.commit)
    raise fault or PassingError("GitHub did not say what it made")


def _commit_input(
    repository: str, branch: str, files: Mapping[str, bytes | None], message: str, parent: str
) -> dict[str, object]:
    headline, _, body = message.partition("\n")
    changes: dict[str, list[dict[str, str]]] = {
        "additions": [
            {"path": path, "contents": base64.b64encode(content).decode()}
            for path, content in files.items()
            if content is not None
        ]
    }
    removed = [{"path": path} for path, content in files.items() if content is None]
    if removed:
        changes["deletions"] = removed
    return {
        "branch": {"repositoryNameWithOwner": repository, "branchName": branch},
        "expectedHeadOid": parent,
        "message": {"headline": headline, "body": body.strip()},
        "fileChanges": changes,
    }
