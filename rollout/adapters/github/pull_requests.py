"""Pull requests as GitHub answers, as the tool sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from rollout.adapters.git import TreeEntry
from rollout.adapters.git.formats import mode_text
from rollout.adapters.github.answers import Document, Page, parsed, within
from rollout.adapters.github.api import PAGE, Api, owner_and_name
from rollout.adapters.github.documents import PULL_OF_NUMBER, PULLS_OF_BRANCH, HeadFile, Pull
from rollout.adapters.yaml_store import altered
from rollout.core.decide.effects import CHANNEL_BRANCHES
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.state import Rollout, StateChange
from rollout.files.state_files import read_desired
from rollout.ports import HeadChanges

LABEL = "rollout"


class _PullHead(Document):
    number: int
    repository: Annotated[Annotated[str, within("full_name")] | None, within("repo")] = Field(alias="head")
    """None for a fork that is gone."""


def newest_pull(
    api: Api,
    repository: str,
    base: str,
    head: str,
    compared: Mapping[str, object],
    *,
    is_new: bool = False,
) -> Pull | None:
    """Returns the newest pull request from that branch of the repository itself, open or not. Raises
    OutsideError.

    Whoever forks the repository chooses the names of the fork's branches: where many have this one, ours
    is asked for by the name of its owner. So is one of which GitHub has just said that it is there
    (`is_new`): GraphQL's lists lag behind. One request more.
    """
    names = owner_and_name(repository)
    doing = f"looking for a pull request from {head}"

    def by_name() -> Page[Pull]:
        variables = {**names, "base": base, "head": head, **compared}
        return parsed(Page[Pull], api.graphql(PULLS_OF_BRANCH, variables), "repository", "pullRequests")

    if not is_new:
        found = api.attempt(doing, by_name)
        ours = next((pull for pull in found.nodes if not pull.is_cross_repository), None)
        if ours is not None or not found.page_info.has_next_page:
            return ours
    number = api.attempt(doing, lambda: _number_by_owner(api, repository, base, head))
    if number is None:
        return None

    def by_number() -> Pull:
        answer = api.graphql(PULL_OF_NUMBER, {**names, "number": number, **compared})
        return parsed(Pull, answer, "repository", "pullRequest")

    return api.attempt(doing, by_number)


def _number_by_owner(api: Api, repository: str, base: str, head: str) -> int | None:
    query: dict[str, str | int] = {
        "head": f"{owner_and_name(repository)['owner']}:{head}",
        "base": base,
        "state": "all",
        "sort": "created",
        "direction": "desc",
        "per_page": PAGE,
    }
    found = parsed(tuple[_PullHead, ...], api.rest("GET", f"/repos/{repository}/pulls", query=query))
    # The owner can have forked it under another name.
    ours = (one for one in found if one.repository and _is(one.repository, repository))
    return next((one.number for one in ours), None)


def _is(name: str, other: str) -> bool:
    """Compares as GitHub does, without regard to case."""
    return name.lower() == other.lower()


def head_changes(pull: Pull) -> HeadChanges | None:
    """Returns what the pull request's branch changes; None where GitHub did not tell."""
    if pull.files is None:
        return None
    file = pull.rollout_file
    rollout = read_desired((file.text or "" if file else "").encode(), pull.head_ref_name)
    return HeadChanges(
        paths=pull.files.nodes,
        unlisted=pull.files.total_count - len(pull.files.nodes),
        rollout=rollout,
        altered=_altered(rollout, file) if rollout and file else "",
    )


def _altered(rollout: Rollout, file: HeadFile) -> str:
    entry = TreeEntry(mode_text(file.mode), file.oid)
    return altered(rollout.train, StateChange(rollout=rollout), lambda _: entry)


def _kind(branch: str) -> PullRequestKind:
    # Of all pull requests against the state branch only those from the tool's own branches are asked about.
    return PullRequestKind.CHANNEL if branch.startswith(CHANNEL_BRANCHES) else PullRequestKind.PROMOTION


def shown_pull(pull: Pull, kind: PullRequestKind | None = None) -> PullRequest:
    """Returns it with that kind; None takes the kind that its branch's name says."""
    kind = kind or _kind(pull.head_ref_name)
    has_no_label = kind in (PullRequestKind.REVERT, PullRequestKind.APPLY)
    parents = pull.begin.nodes[0].nodes if pull.begin.nodes else ()
    return PullRequest(
        number=pull.number,
        kind=kind,
        title=pull.title,
        head=pull.head_ref_name,
        base=pull.base_ref_name,
        state=PullRequestState(pull.state.lower()),
        # One without its label is not finished: seen without a body, it gets both back.
        body=pull.body.replace("\r\n", "\n") if LABEL in pull.label_names or has_no_label else "",
        head_sha=pull.head_ref_oid,
        base_sha=parents[0] if parents else pull.head_ref_oid,
        merged_at=pull.merged_at,
        merged_as=pull.merge_commit if pull.merged_at else None,
    )
