"""Opening a pull request from a branch that is pushed, in any repository, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rollout.adapters.github.answers import Document, PassingError, RefusedByGitHubError, Sha, parsed
from rollout.adapters.github.api import Api
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState


class _NewPull(Document):
    number: int
    head: Sha
    base: Sha

    def shown(self, document: Mapping[str, str], kind: PullRequestKind) -> PullRequest:
        """Returns the pull request that was opened with that document."""
        return PullRequest(
            number=self.number,
            kind=kind,
            title=document["title"],
            head=document["head"],
            base=document["base"],
            state=PullRequestState.OPEN,
            body=document["body"],
            head_sha=self.head,
            base_sha=self.base,
        )


def open_pull(
    api: Api,
    repository: str,
    kind: PullRequestKind,
    document: Mapping[str, str],
    newest: Callable[[], PullRequest | None],
) -> PullRequest:
    """Opens it, or returns one from that branch that somebody else has opened, or an earlier try.

    `document` has title, head, base and body; `newest` asks for the newest one from that branch.
    """
    path, branch = f"/repos/{repository}/pulls", document["head"]

    def post() -> _NewPull | None:
        try:
            return parsed(_NewPull, api.rest("POST", path, body=dict(document)))
        except RefusedByGitHubError as refusal:
            if "already exists" not in str(refusal):
                raise
            return None

    def other() -> PullRequest:
        found = newest()
        if found is None or found.state is PullRequestState.CLOSED:
            raise PassingError(f"GitHub does not show the pull request from {branch} yet")
        return found

    doing = f"opening the pull request from {branch}"
    made = api.attempt(doing, post)
    # What was just made may not be shown for seconds: it is known from the answer.
    opened = made.shown(document, kind) if made else api.attempt(doing, other)
    api.did(f"pull request {opened.number} in {repository}")
    return opened
