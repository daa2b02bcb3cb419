"""One repository of the fake: its rules, and everything that moves a branch or a pull request."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fakehub import events
from fakehub.bare import BareRepo, Person
from fakehub.entities import (
    Access,
    Artifact,
    Check,
    Comment,
    CommitStatus,
    Environment,
    Event,
    Label,
    Pull,
    Release,
    Review,
    Ruleset,
    Run,
    Thread,
    Token,
    TokenKind,
)
from fakehub.errors import ApiError, NoRefError, RuleViolationError, StaleHeadError

if TYPE_CHECKING:
    from fakehub.hub import Hub

WORKFLOWS = ".github/workflows/"


class Repo:
    """`bare` holds its code; the rest is in memory. Every change happens under `bare.lock`."""

    def __init__(self, hub: Hub, full_name: str, bare: BareRepo) -> None:
        self.hub = hub
        self.full_name = full_name
        self.owner, self.name = full_name.split("/")
        self.bare = bare
        self.id = hub.next_id()
        self.default_branch = "main"
        self.access: dict[str, Access] = {}
        """Login -> access; everybody else has none."""
        self.actions_may_open_pulls = True
        """The setting "Allow GitHub Actions to create and approve pull requests"."""
        self.has_issues = True
        """The setting "Issues"; pull requests have their comments and labels without it."""
        self.default_workflow_permissions = "read"
        self.sha_pinning_required = False
        self.rulesets: list[Ruleset] = []
        self.threads: dict[int, Thread] = {}
        self.gone: dict[int, str] = {}
        """Numbers of issues that were `deleted` or `transferred`."""
        self.labels: dict[str, Label] = {}
        self.statuses: list[CommitStatus] = []
        self.checks: list[Check] = []
        self.newest_suites_first = False
        """The order of a commit's check suites in GraphQL, which GitHub does not promise."""
        self.runs: list[Run] = []
        self.artifacts: list[Artifact] = []
        self.releases: list[Release] = []
        self.disabled_workflows: set[str] = set()
        self.asleep = False
        """Whether it was GitHub that disabled them, after 60 days without activity."""
        self.archived = False
        self.is_fork = False
        self.allows_rebase = False
        self.environments: dict[str, Environment] = {}
        """act knows none, so each job gets the engine's secrets; a restricted one refuses pull requests."""
        self.classic: tuple[str, ...] | None = None
        """Statuses that classic protection requires on every branch; None when there is none."""
        self.allowed_actions = "all"
        self.selected_actions: tuple[str, ...] = ()
        """Patterns of what may be used with `selected`, beside GitHub's own."""
        self.has_rulesets = True
        """False on a free plan, where private repositories have neither rulesets nor environment secrets."""
        self.organization_variables: dict[str, str] | None = None
        """What the owner lends, when it is an organization; those of the repository are the engine's."""

    def add_release(self, tag: str, *, prerelease: bool = False, draft: bool = False) -> None:
        """Publishes a release; the list shows the newest first."""
        author = self.hub.account(self.owner)
        number = self.hub.next_id()
        self.releases.append(Release(number, tag, prerelease, draft, author, self.hub.clock.now()))

    def address(self) -> dict[str, str]:
        """Maps variable to value, of what tells a job of the repository where it is."""
        return {
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_SERVER_URL": self.hub.url,
            "GITHUB_GRAPHQL_URL": f"{self.hub.url}/graphql",
            "GITHUB_REPOSITORY": self.full_name,
        }

    # --- rules -------------------------------------------------------------------------------------------

    def access_of(self, login: str) -> Access:
        return Access.ADMIN if login == self.owner else self.access.get(login, Access.NONE)

    def rules_for(self, branch: str) -> list[Ruleset]:
        return [rules for rules in self.rulesets if rules.binds(branch, self.default_branch)]

    def violations(self, token: Token, branch: str, sha: str, *, by_merge: bool) -> list[str]:
        """Returns why the rules forbid the token to move the branch to `sha`, or to merge `sha` into it."""
        found = []
        for rules in self.rules_for(branch):
            if token.account.login in rules.bypass:
                continue
            if rules.pull_request and not by_merge:
                found.append("Changes must be made through a pull request.")
            green = self.green(sha)
            found += [
                f'Required status check "{name}" is expected.'
                for name in rules.required_statuses
                if name not in green
            ]
        return found

    def green(self, sha: str) -> set[str]:
        """Returns the names of the commit's statuses and checks whose newest state lets a merge through."""
        newest: dict[str, str | None] = {}
        for status in self.statuses:
            if status.sha == sha:
                newest[status.context] = status.state
        for check in self.checks:
            if check.sha == sha:
                newest[check.name] = check.conclusion
        return {name for name, state in newest.items() if state in ("success", "neutral", "skipped")}

    def refuse_workflow_change(self, token: Token, old: str | None, new: str) -> None:
        """Raises for workflow files, which no run's token writes, and an App's only with that permission."""
        if token.permissions is None or token.permissions.get("workflows") == "write":
            return
        head = self.bare.branch(self.default_branch)
        base = old or (self.bare.merge_base(head, new) if head else None)
        folder = WORKFLOWS.rstrip("/")
        if base is None or self.bare.object(f"{base}:{folder}") == self.bare.object(f"{new}:{folder}"):
            return
        for _, path in self.bare.changed(base, new):
            if path.startswith(WORKFLOWS):
                raise ApiError(
                    403,
                    "refusing to allow a GitHub App to create or update workflow "
                    f"`{path}` without `workflows` permission",
                )

    # --- branches ----------------------------------------------------------------------------------------

    def move(
        self,
        token: Token,
        ref: str,
        new: str | None,
        *,
        old: str | None = None,
        force: bool = False,
        merging: bool = False,
    ) -> None:
        """Creates, moves or (`new` None) deletes a ref, as the rules allow, and sends the events.

        `old`, when given, must be where it is now. Raises StaleHeadError, RuleViolationError, ApiError.
        """
        with self.bare.lock:
            current = self.bare.refs().get(ref)
            if old is not None and old != current:
                raise StaleHeadError(old)
            branch = ref.removeprefix("refs/heads/")
            if new is not None and current is None and self._is_blocked(ref):
                raise NoRefError
            if new is not None and branch != ref:
                if not merging:
                    self.refuse_workflow_change(token, current, new)
                if current and not merging and (found := self.violations(token, branch, new, by_merge=False)):
                    raise RuleViolationError(found)
                if current and not force and not self.bare.contains(new, current):
                    raise ApiError(422, "Update is not a fast forward")
            if new is None:
                bound = [rules for rules in self.rules_for(branch) if rules.deletion]
                if any(token.account.login not in rules.bypass for rules in bound):
                    raise RuleViolationError(["Cannot delete this branch"])
                self.bare.delete_ref(ref)
            else:
                self.bare.update_ref(ref, new)
            self.ref_moved(token, ref, current, new)

    def _is_blocked(self, ref: str) -> bool:
        """Returns whether a ref stands where the name of this one has a folder, or the other way round."""
        return any(ref.startswith(f"{one}/") or one.startswith(f"{ref}/") for one in self.bare.refs())

    def ref_moved(self, token: Token, ref: str, old: str | None, new: str | None) -> None:
        """Does what follows from a moved ref: events, and changes of pull requests."""
        branch = ref.removeprefix("refs/heads/")
        contains = functools.cache(self.bare.contains)
        pulls = [thread for thread in self.threads.values() if thread.pull and thread.state == "open"]
        for thread in pulls:
            assert thread.pull is not None
            is_head = thread.pull.head == branch and not thread.pull.from_fork
            if is_head and new is None:
                self.close(token, thread)
            elif is_head:
                thread.updated_at = self.hub.clock.now()
                thread.pull.base_sha = self.bare.branch(thread.pull.base) or thread.pull.base_sha
                self.emit_pull(token, thread, "synchronize", {"before": old, "after": new})
            elif thread.pull.base == branch and new and contains(new, self.head_of(thread)):
                self._mark_merged(token, thread, new)
        self.hub.emit(self._push_event(token, ref, old, new))

    def _push_event(self, token: Token, ref: str, old: str | None, new: str | None) -> Event:
        base = old or (self.bare.commit(new).parents or (None,))[0] if new else None
        paths = tuple(path for _, path in self.bare.changed(base, new)) if base and new else ()
        payload = events.push(self, token, ref, old, new)
        return Event("push", self.full_name, token, payload, branch=ref, sha=new or "", paths=paths)

    def commit_on_branch(
        self,
        token: Token,
        branch: str,
        expected: str,
        message: str,
        additions: Sequence[tuple[str, bytes]],
        deletions: Sequence[str],
    ) -> str:
        """Commits as `createCommitOnBranch` does. Raises StaleHeadError, RuleViolationError, ApiError."""
        with self.bare.lock:
            head = self.bare.branch(branch)
            if head is None:
                raise ApiError(404, f'No ref with the name "{branch}" was found.')
            if head != expected:
                raise StaleHeadError(expected)
            known = {entry.path: entry.mode for entry in self.bare.tree(head, recursive=True)}
            for path in deletions:
                if path not in known:
                    raise ApiError(
                        422,
                        f"A path was requested for deletion which does not exist as of commit oid `{head}`",
                    )
            entries: list[tuple[str, str | None, str]] = [("0", None, path) for path in deletions]
            entries += [
                (known.get(path, "100644"), self.bare.write_blob(content), path)
                for path, content in additions
            ]
            tree = self.bare.write_tree(head, entries)
            commit = self.bare.write_commit(tree, [head], message, person(token), self.hub.clock.now())
            self.move(token, f"refs/heads/{branch}", commit, old=head)
            return commit

    # --- threads -----------------------------------------------------------------------------------------

    def open_thread(self, token: Token, title: str, body: str | None, pull: Pull | None = None) -> Thread:
        now = self.hub.clock.now()
        number = max([*self.threads, *self.gone], default=0) + 1
        thread = Thread(number, self.hub.next_id(), title, body, token.account, now, now, pull=pull)
        self.threads[number] = thread
        return thread

    def need_issues(self) -> None:
        """Raises ApiError 410 where Issues are switched off."""
        if not self.has_issues:
            raise ApiError(410, "Issues are disabled for this repo")

    def thread(self, number: int | str) -> Thread:
        """Raises ApiError 404; 410 for one that was deleted, and for each issue where Issues are off."""
        found = self.threads.get(int(number)) if str(number).isdigit() else None
        if found is None and str(number).isdigit() and self.gone.get(int(number)) == "deleted":
            raise ApiError(410, "This issue was deleted")
        if found is None:
            raise ApiError(404, "Not Found")
        if found.pull is None:
            self.need_issues()
        return found

    def open_pull(
        self, token: Token, title: str, head: str, base: str, body: str | None, draft: bool
    ) -> Thread:
        """Raises ApiError 403 when Actions may not, 422 for a branch that is not there or a second one."""
        if token.kind is TokenKind.RUN and not self.actions_may_open_pulls:
            raise ApiError(403, "GitHub Actions is not permitted to create or approve pull requests.")
        head = head.removeprefix(f"{self.owner}:")
        head_sha, base_sha = self.bare.branch(head), self.bare.branch(base)
        if head_sha is None or base_sha is None:
            raise ApiError.invalid("PullRequest", "head" if head_sha is None else "base")
        if not self.bare.between(base_sha, head_sha):
            raise ApiError.invalid("PullRequest", message=f"No commits between {base} and {head}")
        ours = [one for one in self.pulls() if one.pull and not one.pull.from_fork]
        for other in ours:
            if other.state == "open" and other.pull and (other.pull.head, other.pull.base) == (head, base):
                raise ApiError.invalid(
                    "PullRequest", message=f"A pull request already exists for {self.owner}:{head}."
                )
        thread = self.open_thread(token, title, body, Pull(head, base, head_sha, base_sha, draft))
        self.emit_pull(token, thread, "opened")
        return thread

    def open_fork_pull(self, token: Token, title: str, head: str, sha: str, base: str = "main") -> Thread:
        """Opens a pull request from the branch `head` of a fork, as somebody else does."""
        base_sha = self.bare.branch(base)
        assert base_sha is not None
        pull = Pull(head, base, sha, base_sha, from_fork=True)
        thread = self.open_thread(token, title, None, pull)
        self.emit_pull(token, thread, "opened")
        return thread

    def retarget(self, token: Token, thread: Thread, base: str) -> None:
        """Changes the base, as a person does. Raises ApiError 422 for one that is not there."""
        assert thread.pull is not None
        base_sha = self.bare.branch(base)
        if base_sha is None:
            raise ApiError.invalid("PullRequest", "base")
        old = {"ref": {"from": thread.pull.base}, "sha": {"from": thread.pull.base_sha}}
        thread.pull.base, thread.pull.base_sha = base, base_sha
        self.emit_pull(token, thread, "edited", {"changes": {"base": old}})

    def enqueue(self, token: Token, *numbers: int) -> list[str]:
        """Makes a merge queue's group of each pull request, on top of the one before; returns their commits.

        The event has the keys of GitHub's documentation of `merge_group` (activity `checks_requested`).
        """
        groups: list[str] = []
        with self.bare.lock:
            for number in numbers:
                thread = self.pull(number)
                assert thread.pull is not None
                base = groups[-1] if groups else self.bare.branch(thread.pull.base)
                assert base is not None
                tree = self.bare.merged_tree(base, self.head_of(thread))
                if tree is None:
                    raise ApiError(405, "Pull Request is not mergeable")
                message = f"Merge pull request #{number} from {self.owner}/{thread.pull.head}"
                parents = [base, self.head_of(thread)]
                group = self.bare.write_commit(tree, parents, message, person(token), self.hub.clock.now())
                branch = f"gh-readonly-queue/{thread.pull.base}/pr-{number}-{base}"
                self.bare.update_ref(f"refs/heads/{branch}", group)
                self._emit_group(token, branch, group, thread.pull.base, base)
                groups.append(group)
        return groups

    def _emit_group(self, token: Token, branch: str, group: str, base: str, base_sha: str) -> None:
        payload = events.group(self, token, branch, base, base_sha)
        event = Event("merge_group", self.full_name, token, payload, "checks_requested", branch, group)
        self.hub.emit(event)

    def pulls(self) -> list[Thread]:
        return [thread for thread in self.threads.values() if thread.pull]

    def pull(self, number: int | str) -> Thread:
        """Raises ApiError 404 for an issue too."""
        thread = self.thread(number)
        if thread.pull is None:
            raise ApiError(404, "Not Found")
        return thread

    def head_of(self, thread: Thread) -> str:
        """Returns where the pull request's branch is; where it was, once it is closed."""
        assert thread.pull is not None
        is_ours = thread.state == "open" and not thread.pull.from_fork
        if is_ours and (tip := self.bare.branch(thread.pull.head)):
            thread.pull.head_sha = tip
        return thread.pull.head_sha

    def rewrite(self, token: Token, thread: Thread, texts: dict[str, Any]) -> None:
        """Changes the `title` or the `body`, as a person does."""
        old = {"title": thread.title, "body": thread.body}
        thread.title, thread.body = texts.get("title", thread.title), texts.get("body", thread.body)
        changes = {"changes": {name: {"from": old[name] or ""} for name in texts}}
        emit = self.emit_pull if thread.pull else self.emit_issue
        emit(token, thread, "edited", changes)

    def close(self, token: Token, thread: Thread, reason: str = "completed") -> None:
        if thread.state == "closed":
            return
        if thread.pull:
            self.head_of(thread)
        thread.state, thread.closed_at = "closed", self.hub.clock.now()
        thread.updated_at = thread.closed_at
        if thread.pull:
            self.emit_pull(token, thread, "closed")
        else:
            thread.state_reason = reason
            self.emit_issue(token, thread, "closed")

    def reopen(self, token: Token, thread: Thread) -> None:
        if thread.state == "open":
            return
        if thread.pull and (thread.pull.merged_at or not self.bare.branch(thread.pull.head)):
            raise ApiError.invalid(
                "PullRequest", "state", f"The {thread.pull.head} branch has been deleted or merged."
            )
        thread.state, thread.closed_at, thread.state_reason = "open", None, "reopened"
        if thread.pull:
            self.emit_pull(token, thread, "reopened")

    def mergeable(self, thread: Thread) -> bool | None:
        """Returns whether git can merge it; None once it is closed."""
        assert thread.pull is not None
        base = self.bare.branch(thread.pull.base)
        if thread.state != "open" or base is None:
            return None
        return self.bare.merged_tree(base, self.head_of(thread)) is not None

    def merge(
        self,
        token: Token,
        number: int,
        *,
        sha: str | None = None,
        method: str = "merge",
        title: str = "",
        message: str = "",
    ) -> str:
        """Merges as the button does and returns the merge commit. Raises ApiError 403, 405, 409."""
        with self.bare.lock:
            thread = self.pull(number)
            assert thread.pull is not None
            base, head = self.bare.branch(thread.pull.base), self.head_of(thread)
            if thread.state != "open" or base is None or thread.pull.draft:
                raise ApiError(405, "Pull Request is not mergeable")
            if sha is not None and sha != head:
                raise ApiError(409, "Head branch was modified. Review and try the merge again.")
            if method == "rebase" and not self.allows_rebase:
                raise ApiError(405, "Rebase merges are not allowed on this repository.")
            if found := self.violations(token, thread.pull.base, head, by_merge=True):
                raise RuleViolationError(found, status=405)
            tree = self.bare.merged_tree(base, head)
            if tree is None:
                raise ApiError(405, "Pull Request is not mergeable")
            parents = [base, head] if method == "merge" else [base]
            author = person(token)
            if method == "squash":
                author = Person(thread.author.login, thread.author.email)
            default = (
                f"{thread.title} (#{number}){self._co_authors(base, head, author)}"
                if method == "squash"
                else f"Merge pull request #{number} from {self.owner}/{thread.pull.head}\n\n{thread.title}"
            )
            text = "\n\n".join(part for part in (title, message) if part) or default
            if method == "rebase":
                commit = self._rebased(base, head, tree)
            else:
                commit = self.bare.write_commit(tree, parents, text, author, self.hub.clock.now())
            self.refuse_workflow_change(token, base, commit)
            self._mark_merged(token, thread, commit)
            self.move(token, f"refs/heads/{thread.pull.base}", commit, old=base, merging=True)
            return commit

    def _rebased(self, base: str, head: str, merged: str) -> str:
        """Makes each of the branch's commits but merges anew on top of the base; returns the last.

        Refused where a merge gives something else (GitHub's documentation, "About pull request merges").
        """
        refused = ApiError(405, "This branch can't be rebased")
        tip, now = base, self.hub.clock.now()
        for commit in (self.bare.commit(one) for one in self.bare.between(base, head)):
            if len(commit.parents) != 1:
                continue
            # A commit with the tip's tree, beside this one: their merge is what the one changes.
            beside = self.bare.write_commit(
                self.bare.commit(tip).tree, commit.parents, "", commit.author, now
            )
            tree = self.bare.merged_tree(beside, commit.sha)
            if tree is None:
                raise refused
            made_at = commit.authored_at
            tip = self.bare.write_commit(tree, [tip], commit.message, commit.author, now, authored_at=made_at)
        if self.bare.commit(tip).tree != merged:
            raise refused
        return tip

    def _co_authors(self, base: str, head: str, author: Person) -> str:
        """Returns the trailers of a squash: who else wrote its commits."""
        people = {self.bare.commit(commit).author for commit in self.bare.between(base, head)} - {author}
        lines = sorted(f"Co-authored-by: {each.name} <{each.email}>" for each in people)
        return "\n\n" + "\n".join(lines) if lines else ""

    def _mark_merged(self, token: Token, thread: Thread, commit: str) -> None:
        assert thread.pull is not None
        thread.pull.merged_at, thread.pull.merged_by = self.hub.clock.now(), token.account
        thread.pull.merge_commit = commit
        self.close(token, thread)

    def review(self, token: Token, number: int, state: str, body: str = "") -> Review:
        """Adds a review of a pull request's head."""
        thread = self.pull(number)
        assert thread.pull is not None
        review = Review(
            self.hub.next_id(), token.account, state, body, self.head_of(thread), self.hub.clock.now()
        )
        thread.pull.reviews.append(review)
        return review

    def add_run(self, sha: str, conclusion: str | None, actor: str) -> Run:
        """Adds a run of the product's own CI; None while it is in progress."""
        now = self.hub.clock.now()
        run = Run(
            id=self.hub.next_id(),
            number=1,
            workflow=".github/workflows/ci.yml",
            name="ci",
            event="push",
            branch="main",
            sha=sha,
            actor=self.hub.account(actor),
            created_at=now,
            payload={},
            status="completed" if conclusion else "in_progress",
            conclusion=conclusion,
            updated_at=now,
        )
        self.runs.append(run)
        return run

    def comment(self, token: Token, number: int | str, body: str) -> Comment:
        thread, now = self.thread(number), self.hub.clock.now()
        if thread.locked and token.permissions is None and self.access_of(token.account.login) < Access.WRITE:
            raise ApiError(403, "Unable to create comment because issue is locked.")
        comment = Comment(self.hub.next_id(), thread.number, token.account, body, now, now)
        thread.comments.append(comment)
        self.emit_comment(token, thread, comment, "created")
        return comment

    def edit_comment(self, token: Token, thread: Thread, comment: Comment, body: str) -> None:
        was, comment.body = comment.body, body
        comment.updated_at = comment.edited_at = self.hub.clock.now()
        self.emit_comment(token, thread, comment, "edited", {"changes": {"body": {"from": was}}})

    def delete_comment(self, token: Token, comment_id: int) -> None:
        thread, comment = self.find_comment(comment_id)
        thread.comments.remove(comment)
        self.emit_comment(token, thread, comment, "deleted")

    def take_away(self, token: Token, number: int, how: Literal["deleted", "transferred"]) -> None:
        """Deletes an issue and its comments, as an administrator does on its page."""
        self.emit_issue(token, self.thread(number), how)
        del self.threads[number]
        self.gone[number] = how

    def find_comment(self, comment_id: int | str) -> tuple[Thread, Comment]:
        """Raises ApiError 404."""
        for thread in self.threads.values():
            for comment in thread.comments:
                if str(comment.id) == str(comment_id):
                    return thread, comment
        raise ApiError(404, "Not Found")

    def label(self, name: str, color: str = "ededed", description: str | None = None) -> Label:
        """Returns the label, made when it is not there yet."""
        return self.labels.setdefault(name.lower(), Label(self.hub.next_id(), name, color, description))

    def set_status(
        self,
        token: Token,
        sha: str,
        context: str,
        state: str,
        description: str | None = None,
        url: str | None = None,
    ) -> CommitStatus:
        """Raises ApiError 422 for a commit that is not there, or the 1,001st of a context."""
        if self.bare.commit_of(sha) != sha:
            raise ApiError.invalid("Status", message=f"No commit found for SHA: {sha}")
        if sum(old.sha == sha and old.context == context for old in self.statuses) >= 1000:
            raise ApiError.invalid(
                "Status", message="This SHA and context has reached the maximum number of statuses."
            )
        status = CommitStatus(
            self.hub.next_id(), sha, context, state, description, url, token.account, self.hub.clock.now()
        )
        self.statuses.append(status)
        return status

    def add_check(
        self,
        sha: str,
        name: str,
        conclusion: str | None = "success",
        *,
        status: str = "",
        app: str = "github-actions",
        workflow: str = "ci.yml",
        anew: bool = False,
    ) -> Check:
        """Adds one attempt of a check, as CI would report it; no conclusion means that it still runs.

        `anew`: in a further run of the workflow, instead of in a re-run of its last one.
        """
        now = self.hub.clock.now()
        state = status or ("completed" if conclusion else "in_progress")
        number = self.hub.next_id()
        source = (sha, app, workflow if app == "github-actions" else "")
        mine = (one.suite for one in reversed(self.checks) if (one.sha, one.app, one.workflow) == source)
        suite = number if anew else next(mine, number)
        ended = now if conclusion else None
        check = Check(number, sha, name, state, conclusion, now, ended, suite, *source[1:])
        self.checks.append(check)
        return check

    # --- events ------------------------------------------------------------------------------------------

    def payload(self, token: Token, more: dict[str, Any]) -> dict[str, Any]:
        return events.document(self, token, more)

    def emit_pull(
        self, token: Token, thread: Thread, action: str, more: dict[str, Any] | None = None
    ) -> None:
        assert thread.pull is not None
        head, base = self.head_of(thread), self.bare.branch(thread.pull.base) or thread.pull.base_sha
        fork = self.bare.merge_base(base, head) or base
        event = Event(
            "pull_request",
            self.full_name,
            token,
            events.pull(self, token, thread, action, more),
            action=action,
            branch=thread.pull.base,
            sha=head,
            paths=tuple(path for _, path in self.bare.changed(fork, head)),
            head_branch=thread.pull.head,
            from_fork=thread.pull.from_fork,
        )
        self.hub.emit(event)

    def emit_issue(
        self, token: Token, thread: Thread, action: str, more: dict[str, Any] | None = None
    ) -> None:
        payload = events.issue(self, token, thread, action, more)
        self.hub.emit(Event("issues", self.full_name, token, payload, action=action))

    def emit_comment(
        self, token: Token, thread: Thread, comment: Comment, action: str, more: dict[str, Any] | None = None
    ) -> None:
        payload = events.comment(self, token, thread, comment, action, more)
        self.hub.emit(Event("issue_comment", self.full_name, token, payload, action=action))


def person(token: Token) -> Person:
    return Person(token.account.login, token.account.email)
