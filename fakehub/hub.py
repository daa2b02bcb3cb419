"""A local GitHub. Tests make people, tokens and repositories here, and look at what the product did."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from fakehub.bare import BareRepo
from fakehub.clock import SettableClock
from fakehub.entities import Access, Account, Call, Event, Ruleset, Run, Token, TokenKind
from fakehub.faults import Fault, Match, Planned
from fakehub.repo import Repo
from fakehub.schemas import SchemaViolationError
from fakehub.server import Server

if TYPE_CHECKING:
    from fakehub.engine import Engine

ACTIONS_BOT = "github-actions[bot]"


class Hub:
    """Use it as a context manager: it serves on `url` in between, and fails the test at the end
    when a request or a response did not fit GitHub's schema."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SettableClock()
        self.started = self.clock.now()
        self.lock = threading.RLock()
        self.repos: dict[str, Repo] = {}
        self.moved: dict[str, Repo] = {}
        """Former full name -> repository."""
        self.tokens: dict[str, Token] = {}
        self.outbox: list[Event] = []
        """Events that no workflow has been asked about yet."""
        self.rate_limit = 5000
        self.biggest_page = 100
        """Entries of a page that GraphQL answers before it finds a query too much."""
        self.biggest_tree = 100_000
        """Entries of a tree that are listed at once; the rest is cut off (GitHub's REST documentation)."""
        self.lags = False
        """Whether GraphQL's lists do not show yet what was made at this moment of the hub's clock."""
        self.violations: list[str] = []
        self._accounts: dict[str, Account] = {}
        self._calls: list[Call] = []
        self._faults: list[Planned] = []
        self._races: list[tuple[Planned, Callable[[], object]]] = []
        self._ids = itertools.count(1001)
        self._workflow_ids: dict[str, int] = {}
        self._server = Server(self)
        self._engine: Engine | None = None

    @property
    def url(self) -> str:
        """Base address of the API, of GraphQL (`/graphql`) and of git (`/owner/name.git`)."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()
        if kind is None and self.violations:
            raise SchemaViolationError("\n\n".join(self.violations))

    # --- making the world --------------------------------------------------------------------------------

    def repo(self, full_name: str = "acme/tau", *, seed: Path | None = None, branch: str = "main") -> Repo:
        """Creates a repository; `seed` is a local one whose branches and tags it starts with."""
        bare = BareRepo(self.folder / "repos" / f"{full_name}.git", self.lock)
        repo = Repo(self, full_name, bare)
        repo.default_branch = branch
        (bare.path / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        if seed is not None:
            bare.seed(seed)
        self.repos[full_name] = repo
        return repo

    def shows(self, made: datetime) -> bool:
        """Returns whether lists show what was made at that time."""
        return not self.lags or made < self.clock.now()

    def named(self, full_name: str) -> Repo | None:
        """Returns the repository of that name, without regard to case; None for a former name."""
        wanted = full_name.lower()
        return next((repo for name, repo in self.repos.items() if name.lower() == wanted), None)

    def rename(self, repo: Repo, full_name: str) -> None:
        """Renames or transfers it. The old name answers 301 or 307 from now on; GraphQL follows it."""
        old = repo.full_name
        self.moved[old] = self.repos.pop(old)
        repo.full_name = full_name
        repo.owner, repo.name = full_name.split("/")
        self.repos[full_name] = repo
        for value, token in self.tokens.items():
            if token.repos is not None and old in token.repos:
                self.tokens[value] = replace(token, repos=token.repos - {old} | {full_name})

    def account(self, login: str) -> Account:
        """Returns the account of that login, made on first use; `…[bot]` is a bot."""
        with self.lock:
            if login not in self._accounts:
                kind = "Bot" if login.endswith("[bot]") else "User"
                self._accounts[login] = Account(login, self.next_id(), kind)
            return self._accounts[login]

    def known_account(self, login: str) -> Account | None:
        return self._accounts.get(login)

    def person(self, login: str, repo: Repo | None = None, access: Access = Access.WRITE) -> Token:
        """Returns a person's token, with that access to the repository."""
        if repo is not None:
            repo.access[login] = access
        return self._token(f"ghp_{login}", TokenKind.USER, login, None)

    def run_token(self, repo: Repo, permissions: Mapping[str, str], job: str = "test") -> Token:
        """Returns a `GITHUB_TOKEN` as a job with these permissions gets it."""
        value = f"ghs_run_{job.replace('/', '_')}"
        return self._token(value, TokenKind.RUN, ACTIONS_BOT, permissions, frozenset({repo.full_name}), job)

    def app_token(
        self, *repos: Repo, permissions: Mapping[str, str] | None = None, slug: str = "rollout-app"
    ) -> Token:
        """Returns an installation token. Without `permissions` it has what a release bot is given."""
        given = permissions or dict.fromkeys(
            ("contents", "pull_requests", "issues", "statuses", "actions"), "write"
        )
        given = {"metadata": "read", "checks": "read", **given}
        names = frozenset(repo.full_name for repo in repos)
        return self._token(f"ghs_app_{slug}", TokenKind.APP, f"{slug}[bot]", given, names)

    def narrower_token(self, app: Token, repos: frozenset[str], permissions: Mapping[str, str]) -> Token:
        """Returns what an App asks for: a part of what it was installed on and with."""
        given = {"metadata": "read", **permissions}
        value = f"{app.value}_{self.next_id()}"
        return self._token(value, TokenKind.APP, app.account.login, given, repos)

    def _token(
        self,
        value: str,
        kind: TokenKind,
        login: str,
        permissions: Mapping[str, str] | None,
        repos: frozenset[str] | None = None,
        job: str = "",
    ) -> Token:
        token = Token(value, kind, self.account(login), permissions, repos, job)
        self.tokens[value] = token
        return token

    def ruleset(
        self, repo: Repo, name: str = "protect", *, pattern: str = "~DEFAULT_BRANCH", **rules: Any
    ) -> Ruleset:
        """Adds a ruleset; `rules` are the fields of Ruleset."""
        added = Ruleset(self.next_id(), name, pattern, **rules)
        repo.rulesets.append(added)
        return added

    def next_id(self) -> int:
        with self.lock:
            return next(self._ids)

    def workflow_id(self, path: str) -> int:
        with self.lock:
            return self._workflow_ids.setdefault(path, len(self._workflow_ids) + 501)

    # --- faults and calls --------------------------------------------------------------------------------

    def fail(self, match: Match, fault: Fault, times: int = 1) -> Planned:
        """Makes the next `times` (-1: all) calls that match fail.

        `match` is a glob over `str(call)`: `POST /repos/*/pulls`, `POST /graphql createCommitOnBranch`.
        """
        planned = Planned(match, fault, times)
        self._faults.append(planned)
        return planned

    def before(self, match: Match, action: Callable[[], object], times: int = 1) -> None:
        """Runs something right before the next `times` calls that match: a certain race."""
        self._races.append((Planned(match, Fault(), times), action))

    def happen_before(self, call: str) -> None:
        for planned, action in self._races:
            with self.lock:
                due = planned.takes(call)
                planned.left -= due
            if due:
                action()

    def heal(self) -> None:
        """Drops every fault that is still to come."""
        self._faults.clear()

    def fault_for(self, call: str) -> Fault | None:
        with self.lock:
            for planned in self._faults:
                if planned.takes(call):
                    planned.left -= 1
                    planned.hits.append(call)
                    return planned.fault
        return None

    def record(self, call: Call) -> None:
        with self.lock:
            self._calls.append(call)

    def calls(self, *, git: bool = False) -> list[Call]:
        """Returns requests to the API since the last `forget_calls`, in order;
        or those of git's own protocol.
        """
        return [call for call in self._calls if _is_git(call.path) == git]

    def forget_calls(self) -> None:
        self._calls.clear()

    def calls_made(self) -> int:
        """Counts all calls but those answered by 304, as the rate limit does."""
        return sum(call.status != 304 for call in self._calls)

    # --- events ------------------------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        with self.lock:
            self.outbox.append(event)

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            from fakehub.engine import Engine

            self._engine = Engine(self)
        return self._engine

    def deliver(self, event: Event) -> list[Run]:
        """Runs every workflow that the event starts, one after the other, and returns the runs."""
        return self.engine.deliver(event)

    def settle(self, rounds: int = 20) -> list[Run]:
        """Delivers what is in the outbox, and what that leads to, until it is quiet."""
        return self.engine.settle(rounds)

    def tick_schedule(self, repo: Repo, workflow: str) -> Run:
        """Runs a workflow (its file name) as its schedule would."""
        return self.engine.tick_schedule(repo, workflow)

    def dispatch(
        self,
        repo: Repo,
        workflow: str,
        inputs: Mapping[str, str] | None = None,
        *,
        by: str = "",
        ref: str = "",
    ) -> Run:
        """Runs a workflow (its file name) as its button does, on `ref` or the default branch."""
        return self.engine.dispatch(
            repo, workflow, inputs or {}, by or repo.owner, ref or repo.default_branch
        )


def _is_git(path: str) -> bool:
    return path.endswith(("/info/refs", "/git-upload-pack", "/git-receive-pack", "/fakehub-checkout"))
