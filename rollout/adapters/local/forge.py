"""The Forge port with nothing but git: pull requests are branches plus records in the git directory.

The records' file is replaced whole, under a lock. A pull request's head is always read from its branch, and a
merge that somebody made by hand is noticed, so what people do with plain git counts here too.
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import lru_cache
from typing import Literal

from pydantic import Field

from rollout.adapters.git import Git, TreeEntry, branch_move
from rollout.adapters.git.formats import message_text
from rollout.adapters.local.records import RecordsFile
from rollout.adapters.yaml_store import altered
from rollout.core.files import ROLLOUT, state_path
from rollout.core.forge import CheckRun, PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.core.state import CommitMessage, StateChange
from rollout.core.values import Instant, Line, Model, Name, Sha
from rollout.errors import InputError, RefusedError
from rollout.files.state_files import files_of, read_desired
from rollout.ports import CheckedCommit, ChecksBefore, HeadChanges, NewPullRequest

PENDING = "pending"
"""The conclusion of a check that still runs."""


class _Comment(Model):
    at: Instant
    text: str


class _PullRequest(Model):
    number: int
    kind: PullRequestKind
    train: Name
    title: str
    head: str
    base: str
    state: PullRequestState
    body: str
    head_sha: Sha
    """As it was last seen; while the pull request is open its branch knows better."""
    base_sha: Sha
    opened_at: Instant
    updated_at: Instant
    merged_at: Instant | None = None
    merged_as: Sha | None = None
    merged_by: Line | None = None
    comments: tuple[_Comment, ...] = ()


class _Check(Model):
    id: int
    commit: Sha
    name: Line
    conclusion: Line
    at: Instant


class _Status(Model):
    state: StatusState
    description: str
    at: Instant


class _Records(Model):
    schema_: Literal[1] = Field(default=1, alias="schema")
    pull_requests: tuple[_PullRequest, ...] = ()
    checks: tuple[_Check, ...] = ()
    statuses: dict[Sha, dict[str, _Status]] = {}


class LocalForge:
    """Pull requests against the state branch, commit statuses and checks, kept beside the repository."""

    def __init__(self, git: Git, branch: str) -> None:
        """`branch` is the state branch, which pull requests are opened against."""
        self._git = git
        self._branch = branch
        self._file = RecordsFile(git.common_dir / "rollout" / "forge.json", _Records, _BROKEN_HINT)
        self._is_ancestor = lru_cache(git.is_ancestor)

    # --- the port ----------------------------------------------------------------------------------------

    def pull_request(self, head: str) -> PullRequest | None:
        """Returns the newest pull request from that branch, open or not."""
        found = [each for each in self._settled().pull_requests if each.head == head]
        return _shown(found[-1]) if found else None

    def pull_requests(self, prefix: str) -> list[PullRequest]:
        """Returns every pull request from a branch that begins so, oldest first."""
        return [_shown(each) for each in self._settled().pull_requests if each.head.startswith(prefix)]

    def closings(self, branch: str) -> Sequence[datetime]:
        """Returns when people closed pull requests from that branch; the tool's closings have a reason."""
        return [
            each.updated_at
            for each in self._settled().pull_requests
            if (each.head, each.state) == (branch, PullRequestState.CLOSED) and not each.comments
        ]

    def changes(self, train: str, pull: PullRequest) -> HeadChanges:
        """Returns what its branch changes since it left its base."""
        base = self._git.merge_base(pull.base, pull.head_sha) or pull.base_sha
        found = self._git.read(f"{pull.head_sha}:{state_path(train, ROLLOUT)}")
        rollout = read_desired(found.body, pull.head) if found and found.kind == "blob" else None

        def entry(path: str) -> TreeEntry | None:
            return self._git.entry(pull.head_sha, path)

        return HeadChanges(
            paths=self._git.changed_paths(base, pull.head_sha),
            rollout=rollout,
            altered=altered(train, StateChange(rollout=rollout), entry) if rollout else "",
        )

    def open_pull_request(self, new: NewPullRequest, *, at: datetime) -> PullRequest:
        """Implements the port."""

        def make() -> str:
            files, text = files_of(new.train, new.change), message_text(new.message)
            return self._git.write_commit(files, parent=new.parent, message=text, at=at)

        pull = PullRequest(
            number=0,
            kind=new.kind,
            title=new.title,
            head=new.branch,
            base=self._branch,
            state=PullRequestState.OPEN,
            body=new.body,
            head_sha="",
            base_sha=new.parent,
        )
        return self.open_from(pull, make, at=at)

    def open_from(self, pull: PullRequest, make: Callable[[], str], *, at: datetime) -> PullRequest:
        """Points the branch at the commit that `make` gives, and opens its pull request.

        `pull` lacks its number and its head's commit. One that is open is returned as it is; a branch left
        without one is moved. No worktree is touched.
        """
        with self._locked():
            records = self._settled()
            for each in records.pull_requests:
                if each.head == pull.head and each.state is PullRequestState.OPEN:
                    return _shown(each)
            commit = make()
            self._git.set_branch(pull.head, commit, old=self._git.tip(pull.head))
            opened = _PullRequest(
                number=len(records.pull_requests) + 1,
                kind=pull.kind,
                train=pull.head.split("/")[1],
                title=pull.title,
                head=pull.head,
                base=pull.base,
                state=PullRequestState.OPEN,
                body=pull.body,
                head_sha=commit,
                base_sha=pull.base_sha,
                opened_at=at,
                updated_at=at,
            )
            self._file.write(records.model_copy(update={"pull_requests": (*records.pull_requests, opened)}))
            return _shown(opened)

    def update_pull_request(self, number: int, body: str, *, at: datetime) -> None:
        """Replaces the body. Raises InputError when there is no such pull request."""
        with self._locked():
            records = self._settled()
            if self._find(records, number).body != body:
                self._file.write(_changed(records, number, body=body, updated_at=at))

    def close_pull_request(self, number: int, comment: str, *, at: datetime) -> None:
        """Closes it with a comment and deletes its branch; one that is not open stays as it is."""
        with self._locked():
            records = self._settled()
            found = self._find(records, number)
            if found.state is PullRequestState.OPEN:
                comments = (*found.comments, _Comment(at=at, text=comment))
                closed = PullRequestState.CLOSED
                self._file.write(_changed(records, number, state=closed, comments=comments, updated_at=at))
                self._git.delete_branch(found.head, old=found.head_sha)

    def statuses(self, commit: str) -> Mapping[str, tuple[StatusState, str]]:
        """Maps context to newest state and description."""
        found = self._file.read().statuses.get(commit, {})
        return {context: (status.state, status.description) for context, status in found.items()}

    def set_status(
        self, commit: str, context: str, state: StatusState, description: str, *, at: datetime
    ) -> None:
        """Records a status; the same one again changes nothing."""
        with self._locked():
            records = self._settled()
            known = records.statuses.get(commit, {})
            before = known.get(context)
            if before is None or (before.state, before.description) != (state, description):
                status = _Status(state=state, description=description, at=at)
                statuses = {**records.statuses, commit: {**known, context: status}}
                self._file.write(records.model_copy(update={"statuses": statuses}))

    def check_runs(
        self, commit: str, wanted: Sequence[str] = (), before: ChecksBefore | None = None
    ) -> list[CheckRun]:
        """Returns all attempts, oldest first."""
        return [_check_run(each) for each in self._file.read().checks if each.commit == commit]

    def newest_commits(
        self,
        branch: str,
        until: str | None = None,
        wanted: Sequence[str] = (),
        before: ChecksBefore | None = None,
    ) -> Iterator[CheckedCommit]:
        """Yields them along first parents."""
        tip = self._git.tip(branch)
        if tip is None:
            return
        for entry in self._git.log(tip, [], since=until):
            yield CheckedCommit(entry.commit, self.check_runs(entry.commit))

    def changed_paths(self, commit: str) -> Sequence[str]:
        """Returns paths that the commit changes against its first parent."""
        return self._git.changed_paths(None, commit)

    # --- what `rollout local` does in a person's or CI's place ---------------------------------------------

    def merge(self, number: int, *, at: datetime, merged_by: str, admin: bool = False) -> str:
        """Merges as a reviewer does on GitHub, with a merge commit, which is returned; deletes the branch.

        Raises RefusedError when it is not open, conflicts, or its train's status on the head commit is not
        success (`admin` merges anyway); nothing changes then. For other errors see `Git.commit`.
        """
        with self._locked():
            records = self._settled()
            found = self._find(records, number)
            self._refuse_to_merge(records, found, admin)
            merge = self._merge_commit(found, at, merged_by)
            merged = PullRequestState.MERGED
            changes = {"state": merged, "merged_at": at, "merged_as": merge, "merged_by": merged_by}
            self._file.write(_changed(records, number, **changes, updated_at=at))
            self._git.delete_branch(found.head, old=found.head_sha)
            return merge

    def record_check(self, commit: str, name: str, conclusion: str, *, at: datetime) -> None:
        """Records one more attempt of a check, in GitHub's words, or `pending`.

        Raises InputError when there is no such commit, or the check has no name.
        """
        if not name.strip():
            raise InputError("a check needs a name", hint="such as: rollout local check unit-tests success")
        known = self._git.resolve(commit)
        if known is None:
            raise InputError(f"there is no commit {commit}", hint="give a commit of this repository")
        with self._locked():
            records = self._settled()
            check = _Check(id=len(records.checks) + 1, commit=known, name=name, conclusion=conclusion, at=at)
            self._file.write(records.model_copy(update={"checks": (*records.checks, check)}))

    # --- merging -----------------------------------------------------------------------------------------

    def _refuse_to_merge(self, records: _Records, found: _PullRequest, admin: bool) -> None:
        if found.state is not PullRequestState.OPEN:
            raise RefusedError(
                f"pull request {found.number} is {found.state}", hint="list them: rollout local prs"
            )
        context = f"rollout/{found.train}"
        status = records.statuses.get(found.head_sha, {}).get(context)
        if found.kind in (PullRequestKind.REVERT, PullRequestKind.APPLY):
            return  # what undoes a release, or brings a percent that was decided, waits only for a person
        if not admin and (status is None or status.state is not StatusState.SUCCESS):
            seen = f"{status.state}: {status.description}" if status else "not reported yet"
            raise RefusedError(
                f"pull request {found.number} must not be merged: {context} is {seen}",
                hint="check again: rollout reconcile; --admin merges anyway, and reconcile may undo it",
            )

    def _merge_commit(self, found: _PullRequest, at: datetime, merged_by: str) -> str:
        tip = self._git.tip(found.base)
        if tip is None:
            raise RefusedError(
                f"there is no branch {found.base} to merge into", hint="fetch or make it first"
            )
        tree = self._git.merged_tree(tip, found.head_sha)
        message = message_text(
            CommitMessage(
                subject=f"{found.title} (#{found.number})",
                body=f"Merged from {found.head} by {merged_by}.",
                trailers=tuple(self._trailers(found.head_sha).items()),
            )
        )
        return branch_move.advance(
            self._git,
            found.base,
            lambda: self._git.commit_tree(tree, (tip, found.head_sha), message=message, at=at),
            old=tip,
            paths=self._git.changed_paths(tip, tree),
        )

    def _trailers(self, commit: str) -> Mapping[str, str]:
        """Returns those of the branch's own commit, so that the state branch's history tells what was
        merged.
        """
        entry = next(self._git.log(commit, []), None)
        return entry.trailers if entry else {}

    # --- records -----------------------------------------------------------------------------------------

    def _locked(self) -> AbstractContextManager[None]:
        return self._file.locked()

    def _settled(self) -> _Records:
        """Returns the records with what people did to the branches since they were written."""
        records = self._file.read()
        settled = tuple(self._settle(each) for each in records.pull_requests)
        return records.model_copy(update={"pull_requests": settled})

    def _settle(self, record: _PullRequest) -> _PullRequest:
        if record.state is not PullRequestState.OPEN:
            return record
        tip, base = self._git.tip(record.head), self._git.tip(record.base)
        head = tip or record.head_sha
        has_commits = head != record.base_sha and self._git.resolve(head) is not None
        if base and has_commits and self._is_ancestor(head, base):
            state = PullRequestState.MERGED
        else:
            state = PullRequestState.OPEN if tip else PullRequestState.CLOSED
        return record.model_copy(update={"head_sha": head, "state": state})

    def _find(self, records: _Records, number: int) -> _PullRequest:
        for each in records.pull_requests:
            if each.number == number:
                return each
        raise InputError(f"there is no pull request {number}", hint="list them: rollout local prs")


_BROKEN_HINT = "move the file away to begin anew: branches and state stay, the list of pull requests is lost"


def _changed(records: _Records, number: int, **changes: object) -> _Records:
    every = records.pull_requests
    changed = tuple(each.model_copy(update=changes) if each.number == number else each for each in every)
    return records.model_copy(update={"pull_requests": changed})


def _shown(record: _PullRequest) -> PullRequest:
    return PullRequest(
        number=record.number,
        kind=record.kind,
        title=record.title,
        head=record.head,
        base=record.base,
        state=record.state,
        body=record.body,
        head_sha=record.head_sha,
        base_sha=record.base_sha,
        merged_at=record.merged_at,
        # A merge by hand is noticed because the base holds the branch's head.
        merged_as=(record.merged_as or record.head_sha) if record.state is PullRequestState.MERGED else None,
    )


def _check_run(record: _Check) -> CheckRun:
    is_pending = record.conclusion == PENDING
    return CheckRun(
        name=record.name,
        status="in_progress" if is_pending else "completed",
        conclusion=None if is_pending else record.conclusion,
        started_at=record.at,
        id=record.id,
    )
