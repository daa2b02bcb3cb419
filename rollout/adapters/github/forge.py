"""The Forge port over GitHub's API.

Reads are folded (`listing`): one query gives every open pull request against the state branch with the
statuses of its head, and those of the release commit beside it. Each write can be made again: it looks for
what an earlier one, whose answer was lost, has left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from rollout.adapters.git.formats import message_text
from rollout.adapters.github import checks, releases
from rollout.adapters.github.answers import PassingError, RefusedByGitHubError, parsed
from rollout.adapters.github.api import STALE, Api
from rollout.adapters.github.commits import NewPullResult, branch_and_pull, commit_files
from rollout.adapters.github.documents import (
    CLOSED_PULLS,
    COMMENTS,
    ClosedPull,
    Comment,
    ShownStatuses,
)
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.pull_requests import LABEL
from rollout.core.decide.effects import blocks
from rollout.core.decorations import Decorations
from rollout.core.forge import CheckRun, PullRequest, PullRequestState, StatusState
from rollout.errors import OutsideError
from rollout.files.state_files import files_of
from rollout.ports import CheckedCommit, ChecksBefore, HeadChanges, NewPullRequest
from rollout.rendering.inert import text

CLOSED_MARKER = "<!-- rollout:closed -->"
"""Hidden in the comment that says why a pull request was closed, so that there is one of it."""

_STAYS = ("does not exist", "annot delete")
"""What GitHub says of a branch that is gone, and of one that a rule protects."""
_LONGEST_REASON = 600


class GitHubForge:
    """Pull requests against the state branch, commit statuses and checks, as one command sees them."""

    def __init__(self, api: Api, listing: Listing, decorations: Decorations | None = None) -> None:
        """`decorations` is told of labels, comments and branches that could not be had or got rid of."""
        self._api = api
        self._listing = listing
        self._decorations = decorations or Decorations()

    # --- pull requests -----------------------------------------------------------------------------------

    def pull_request(self, head: str) -> PullRequest | None:
        """Returns the newest pull request from that branch of this repository, open or not."""
        return self._listing.newest(head)

    def pull_requests(self, prefix: str) -> list[PullRequest]:
        """Returns open pull requests from branches of this repository that begin so, oldest first."""
        pulls = self._listing.open().pulls
        return [pull for _, pull in sorted(pulls.items()) if pull.head.startswith(prefix)]

    def closings(self, branch: str) -> Sequence[datetime]:
        """Returns those of the newest 20; the tool says why in a comment."""
        variables = {**self._api.owner_and_name, "base": self._listing.branch, "head": branch}

        def ask() -> tuple[ClosedPull, ...]:
            answer = self._api.graphql(CLOSED_PULLS, variables)
            return parsed(tuple[ClosedPull, ...], answer, "repository", "pullRequests", "nodes")

        closed = self._api.attempt(f"looking for closed pull requests from {branch}", ask)
        found = [pull for pull in closed if not pull.is_cross_repository]
        return sorted(pull.closed_at for pull in found if not pull.says(CLOSED_MARKER))

    def changes(self, train: str, pull: PullRequest) -> HeadChanges:
        """Returns what its branch changes, as the pull requests were listed."""
        changes = self._listing.open().changes.get(pull.number)
        if changes is None:
            raise OutsideError(f"GitHub does not say what pull request {pull.number} changes")
        return changes

    # --- opening -----------------------------------------------------------------------------------------

    def open_pull_request(self, new: NewPullRequest, *, at: datetime) -> PullRequest:
        """Implements the port. A branch that was left without a pull request is moved."""
        listed = self._listing.open()
        for pull in listed.pulls.values():
            if pull.head == new.branch:
                self._label_anew(pull.number)
                return pull
        for name in sorted(one for one in listed.branches if blocks(one, new.branch)):
            raise OutsideError(
                f"opening the pull request from {new.branch} failed: a branch {name} is in its way",
                hint=f"rename or delete the branch {name}: git makes no branch below the name of another",
            )
        made = self._api.attempt(
            f"opening the pull request from {new.branch}",
            lambda: self._make(new, listed.repository_id),
            lambda: self._open_from(new.branch) or self._make_in_steps(new),
        )
        if isinstance(made, NewPullResult):
            self._api.did(f"pull request {made.number}")
            self._listing.note_new(made.head_sha)
            made = _opened(new, self._listing.branch, made)
            paths = tuple(sorted(files_of(new.train, new.change)))
            listed.changes[made.number] = HeadChanges(paths, new.change.rollout)
        self._label(made.number)
        listed.pulls[made.number] = made
        return made

    def _make(self, new: NewPullRequest, repository_id: str) -> NewPullResult | PullRequest:
        try:
            return branch_and_pull(
                self._api,
                self._document(new),
                files_of(new.train, new.change),
                message_text(new.message),
                parent=new.parent,
                repository_id=repository_id,
            )
        except RefusedByGitHubError as refusal:
            if STALE in refusal.kinds or "already exists" in str(refusal):
                raise PassingError(f"{new.branch} was there already", wait=0) from refusal
            raise

    def _make_in_steps(self, new: NewPullRequest) -> NewPullResult:
        """Returns the same, where an earlier try has left something.
        Nobody needs the branch: it begins anew.
        """
        self._begin_anew(new.branch, new.parent)
        files, text = files_of(new.train, new.change), message_text(new.message)
        try:
            head = commit_files(self._api, new.branch, files, text, parent=new.parent)
            made = self._api.rest("POST", self._path("pulls"), body=self._document(new))
        except RefusedByGitHubError as refusal:
            if STALE in refusal.kinds or "already exists" in str(refusal):
                raise PassingError(f"somebody else works on {new.branch}") from refusal
            raise
        return NewPullResult(parsed(int, made, "number"), head)

    def _document(self, new: NewPullRequest) -> dict[str, str]:
        base = self._listing.branch
        return {"title": new.title, "head": new.branch, "base": base, "body": new.body}

    def _begin_anew(self, branch: str, parent: str) -> None:
        try:
            place = self._path(f"git/refs/heads/{quote(branch)}")
            self._api.rest("PATCH", place, body={"sha": parent, "force": True})
        except RefusedByGitHubError as refusal:
            if refusal.status not in (404, 422):
                raise
            ref = {"ref": f"refs/heads/{branch}", "sha": parent}
            self._api.rest("POST", self._path("git/refs"), body=ref)

    def _open_from(self, branch: str) -> PullRequest | None:
        found = self._listing.newest(branch, is_new=True)
        return found if found and found.state is PullRequestState.OPEN else None

    def _label(self, number: int) -> bool:
        path, doing = self._path(f"issues/{number}/labels"), f"labelling pull request {number}"

        def label() -> None:
            self._api.rest("POST", path, body={"labels": [LABEL]})

        return self._decorations.attempt(lambda: self._api.decorate(doing, label))

    def _label_anew(self, number: int) -> None:
        """Labels it again where the label was lost or taken off."""
        unlabelled = self._listing.open().unlabelled
        if number in unlabelled and self._label(number):
            unlabelled.discard(number)

    # --- changing and closing ----------------------------------------------------------------------------

    def update_pull_request(self, number: int, body: str, *, at: datetime) -> None:
        """Replaces the body, and brings the label back when it is gone."""
        path = self._path(f"pulls/{number}")
        self._api.decorate(
            f"updating pull request {number}", lambda: self._api.rest("PATCH", path, body={"body": body})
        )
        self._api.did(f"body of pull request {number}")
        self._label_anew(number)
        listed = self._listing.open()
        if number in listed.pulls:
            listed.pulls[number] = replace(listed.pulls[number], body=body)

    def close_pull_request(self, number: int, comment: str, *, at: datetime) -> None:
        """Closes it with a comment and deletes its branch; one that is not open stays as it is.

        Comment and branch are decorations: without them it is closed too.
        """
        listed = self._listing.open()
        pull = listed.pulls.get(number)
        if pull is None:
            return
        doing = f"closing pull request {number}"
        why = f"{text(comment, _LONGEST_REASON)}\n\n{CLOSED_MARKER}"
        self._decorations.attempt(lambda: self._say_why(number, why))
        # The branch first: a run that is killed in between finds the pull request still open, or closed by
        # GitHub because its branch is gone; the other way round the branch would stay for good.
        self._decorations.attempt(lambda: self._delete_branch(pull.head))
        path = self._path(f"pulls/{number}")
        self._api.attempt(doing, lambda: self._api.rest("PATCH", path, body={"state": "closed"}))
        self._api.did(f"pull request {number} closed")
        del listed.pulls[number]

    def _say_why(self, number: int, text: str) -> None:
        """Posts one comment, however often this is tried."""

        def say() -> None:
            said = [one for one in self._last_comments(number) if CLOSED_MARKER in one.body]
            if not said:
                self._api.rest("POST", self._path(f"issues/{number}/comments"), body={"body": text})
            elif said[0].body != text:
                path = self._path(f"issues/comments/{said[0].database_id}")
                self._api.rest("PATCH", path, body={"body": text})

        self._api.decorate(f"saying why pull request {number} is closed", say)

    def _last_comments(self, number: int) -> tuple[Comment, ...]:
        variables = {**self._api.owner_and_name, "number": number}
        answer = self._api.graphql(COMMENTS, variables)
        return parsed(tuple[Comment, ...], answer, "repository", "pullRequest", "comments", "nodes")

    def _delete_branch(self, branch: str) -> None:
        """Deletes the branch. One that is gone, or that a rule protects, is no error."""

        def delete() -> None:
            try:
                self._api.rest("DELETE", self._path(f"git/refs/heads/{quote(branch)}"))
            except RefusedByGitHubError as refusal:
                if not any(words in str(refusal) for words in _STAYS):
                    raise

        self._api.decorate(f"deleting {branch}", delete)

    # --- statuses and checks -----------------------------------------------------------------------------

    def statuses(self, commit: str) -> ShownStatuses:
        """Maps context to newest state and description, of a pull request's head or of a release commit."""
        return self._listing.statuses(commit)

    def set_status(
        self, commit: str, context: str, state: StatusState, description: str, *, at: datetime
    ) -> None:
        """Reports a status on a pull request's head or on a release commit."""
        path = f"/repos/{self._listing.repository_of(commit)}/statuses/{commit}"
        document = {"state": state.value, "context": context, "description": description}

        def report() -> None:
            self._api.rest("POST", path, body=document)

        def report_unless_there() -> None:
            if self._listing.ask_statuses(commit).get(context) != (state, description):
                report()

        self._api.decorate(f"reporting {context} on {commit[:12]}", report, report_unless_there)
        self._api.did(f"status of {commit[:10]}")
        self._listing.note_status(commit, context, state, description)

    def check_runs(
        self, commit: str, wanted: Sequence[str] = (), before: ChecksBefore | None = None
    ) -> list[CheckRun]:
        """Returns what `checks.check_runs` does. Raises OutsideError when they cannot be asked for."""
        self._listing.watch(commit)
        return checks.check_runs(self._api, self._listing.product, commit, wanted, before)

    def newest_commits(
        self,
        branch: str,
        until: str | None = None,
        wanted: Sequence[str] = (),
        before: ChecksBefore | None = None,
    ) -> Iterator[CheckedCommit]:
        """Yields them along first parents; the statuses of `until`, a release's commit, are listed too."""
        if until is not None:
            self._listing.watch(until)
        product = self._listing.product
        for commit, runs in checks.newest_commits(self._api, product, branch):
            if commit == until:
                return
            if runs is None:
                known = before if before and before.commit == commit else None
                runs = checks.check_runs(self._api, product, commit, wanted, known)
            yield CheckedCommit(commit, runs)

    # --- commits -----------------------------------------------------------------------------------------

    def changed_paths(self, commit: str) -> Sequence[str]:
        """Returns what `releases.changed_paths` does. Raises OutsideError."""
        return releases.changed_paths(self._api, self._listing.product, commit)

    def _path(self, rest: str) -> str:
        return f"/repos/{self._api.repository}/{rest}"


def _opened(new: NewPullRequest, base: str, made: NewPullResult) -> PullRequest:
    return PullRequest(
        number=made.number,
        kind=new.kind,
        title=new.title,
        head=new.branch,
        base=base,
        state=PullRequestState.OPEN,
        body=new.body,
        head_sha=made.head_sha,
        base_sha=new.parent,
    )
