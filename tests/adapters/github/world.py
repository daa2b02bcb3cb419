"""tests/world.py over GitHub: real adapters and HTTP, the fake hub, and a person who merges by its API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from github import Auth, Github

from fakehub.clock import SettableClock
from fakehub.entities import Token
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.git import Git
from rollout.adapters.github.address import Address
from rollout.adapters.github.api import Api
from rollout.adapters.github.evidence import GitHubEvidence
from rollout.adapters.github.flag_branch import GitHubFlagBranch
from rollout.adapters.github.forge import GitHubForge
from rollout.adapters.github.history import GitHubHistory
from rollout.adapters.github.issues import GitHubIssues
from rollout.adapters.github.listing import Listing
from rollout.adapters.github.product_clone import ProductClone
from rollout.adapters.github.release_list import GitHubReleases
from rollout.adapters.github.reverter import GitHubReverter
from rollout.adapters.github.store import GitHubStore
from rollout.adapters.local.history import LocalHistory
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.reconcile.percent import PercentWriter
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.reconcile.report import Report
from rollout.commands.start import StartOptions, StartResult, start
from rollout.core.contract import Contract, Product
from rollout.core.decorations import Decorations
from rollout.core.files import StatePaths
from rollout.core.observation import Evidence, HarnessReport
from rollout.core.state import Channel, Rollout, StateChange, TrainState
from rollout.files.state_files import files_of
from rollout.ports import Permission
from tests.adapters.scratch import Repository
from tests.fakes.evidence import FakeEvidence
from tests.fakes.issues import FakeIssues
from tests.fakes.writes import Writes
from tests.world import CHECKS, OLD_VERSION, SURFACES, TAU, VERSION, World, contract, promotion_body

NAME = "acme/tau"
SECONDS = 20
"""Until a request is given up; a busy machine is slow."""


class WaitingClock:
    """The hub's time; waiting is written down and takes none."""

    def __init__(self, clock: SettableClock) -> None:
        self._clock = clock
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self._clock.now()

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)


def seed(folder: Path, policy: Contract | None = None) -> tuple[Repository, str]:
    """A repository with an idle train, under tau's contract or another one, and its release commit."""
    change = StateChange(
        contract=policy or contract(),
        rollout=Rollout(train=TAU),
        channel=Channel(train=TAU, current_version=OLD_VERSION),
    )
    files = {path: content.decode() for path, content in files_of(TAU, change).items() if content}
    repository = Repository(folder, {**files, "src/main.rs": "0\n"})
    return repository, repository.commit({"src/main.rs": "1\n"}, f"Release {VERSION}")


@dataclass
class Adapters:
    """What one run of a command is given."""

    api: Api
    store: GitHubStore
    forge: GitHubForge
    issues: Callable[[], GitHubIssues]
    """Asked for: not every command has the permission to read issues."""
    reverter: GitHubReverter
    state_branch: GitHubFlagBranch
    product_branch: GitHubFlagBranch
    history: GitHubHistory
    releases: GitHubReleases
    evidence: GitHubEvidence
    decorations: Decorations


class GitHubWorld(World):
    """One train on the fake hub. Each run of the tool has adapters of its own."""

    def __init__(self, hub: Hub, source: Path, release: str, token: Token | None = None) -> None:
        self.hub = hub
        self.repo: Repo = hub.repo(NAME, seed=source)
        self.release = release
        self.token = token or hub.app_token(self.repo)
        self.product = Product()
        self.alice = hub.person("alice", self.repo)
        self.clock = hub.clock
        self.patience = WaitingClock(hub.clock)
        # What people sign over GitHub has tests of its own; here it is only in the way.
        self.evidence = FakeEvidence()
        self.evidence.authors = {release: "olga"}
        self.issues = FakeIssues(Writes(), {"bob": Permission.WRITE})
        self.totals = {name: {} for name in SURFACES}
        self.harness = HarnessReport(unknown="has not run")
        self._rounds = 0
        self._seen: TrainState | None = None
        self._recorded: tuple[str, list[str]] = "", []
        self.ci()

    def reconcile(self, *evidence: Evidence, dry_run: bool = False) -> Report:
        run = self.run()
        percent = PercentWriter(run.store, run.state_branch, run.product_branch, dry_run=dry_run)
        return Reconciler(
            run.store, run.forge, self.clock, promotion_body, percent=percent, dry_run=dry_run
        ).run(TAU, evidence)

    def run(
        self, token: Token | None = None, *, branch: str | None = "main", timeout: int = SECONDS
    ) -> Adapters:
        """Adapters for one run."""
        url = self.hub.url
        address = Address(NAME, url, f"{url}/graphql", url)
        api = Api(address, (token or self.token).value, self.patience, timeout=timeout)
        store = GitHubStore(api, branch, lambda: YamlStore(self.git, branch or "main"))
        listing = Listing(api, lambda: store.branch, lambda: self.product, lambda: TAU)

        decorations = Decorations()

        def clone(name: str) -> ProductClone:
            return ProductClone(url, name, api.token_for)

        return Adapters(
            api,
            store,
            GitHubForge(api, listing, decorations),
            lambda: GitHubIssues(api, listing, decorations),
            GitHubReverter(api, listing, clone),
            GitHubFlagBranch(api, lambda: NAME, lambda: store.branch, clone, decorations),
            GitHubFlagBranch(
                api, lambda: listing.product, lambda: listing.product_branch, clone, decorations
            ),
            GitHubHistory(listing, StatePaths, clone),
            GitHubReleases(api, lambda: listing.product),
            GitHubEvidence(api, listing, url),
            decorations,
        )

    @property
    def store(self) -> GitHubStore:  # type: ignore[override]
        return self.run().store

    @property
    def forge(self) -> GitHubForge:  # type: ignore[override]
        return self.run().forge

    @property
    def reverter(self) -> GitHubReverter:  # type: ignore[override]
        return self.run().reverter

    def ci(
        self, conclusion: str | None = "success", *, commit: str = "", names: tuple[str, ...] = CHECKS
    ) -> None:
        for name in names:
            self.repo.add_check(commit or self.release, name, conclusion)

    @property
    def history(self) -> GitHubHistory:  # type: ignore[override]
        return self.run().history

    def start(self, version: str = VERSION, commit: str | None = None, **options: str | None) -> StartResult:
        return super().start(version, commit or self.release, **options)

    def merge(self, *, squash: bool = False) -> None:
        """Alice merges the open pull request with the button, that is over REST."""
        with Github(
            base_url=self.hub.url,
            auth=Auth.Token(self.alice.value),
            seconds_between_requests=None,
            seconds_between_writes=None,
        ) as github:
            there = github.get_repo(NAME)
            (pull,) = there.get_pulls(state="open")
            pull.merge(merge_method="squash" if squash else "merge", sha=pull.head.sha)
            there.get_git_ref(f"heads/{pull.head.ref}").delete()

    # --- looking -----------------------------------------------------------------------------------------

    @cached_property
    def git(self) -> Git:
        """What the hub has, for everybody: to open it takes longer than most looks."""
        return Git(self.repo.bare.path)

    @cached_property
    def _clone(self) -> YamlStore:
        return YamlStore(self.git, "main")

    @property
    def _head(self) -> str:
        return self.repo.bare.branch("main") or ""

    @property
    def state(self) -> TrainState:
        """As git has it: over the API it would be most of what a test does."""
        if self._seen is None or self._seen.head != self._head:
            self._seen = self._clone.load(TAU, self._head)
        return self._seen

    def events(self) -> list[str]:
        if self._recorded[0] != self._head:
            self._recorded = self._head, super().events()
        return self._recorded[1]

    def text(self, path: str, at: str = "main") -> str:
        return self.repo.bare.text(f"{at}:{path}")

    def subjects(self) -> list[str]:
        return self.repo.bare.subjects("main")

    def pulls(self) -> list[tuple[str, str, list[str], list[str]]]:
        """(branch, state, labels, comments) of each pull request."""
        return [
            (thread.pull.head, thread.state, thread.labels, [comment.body for comment in thread.comments])
            for thread in self.repo.pulls()
            if thread.pull
        ]

    def branches(self) -> dict[str, list[str]]:
        """Branch -> subjects of the commits that main lacks."""
        names = [name.removeprefix("refs/heads/") for name in self.repo.bare.refs("refs/heads/")]
        return {name: self.repo.bare.subjects(name, "main") for name in names}

    def statuses(self) -> list[tuple[str, str, str]]:
        """(context, state, description) of each status that was ever reported, sorted."""
        return sorted((one.context, one.state, one.description or "") for one in self.repo.statuses)

    def calls(self) -> list[str]:
        return [str(call) for call in self.hub.calls()]


def started(folder: Path, policy: Contract | None = None) -> tuple[Repository, str]:
    """`seed`, with the release begun a minute before the hub's time."""
    repository, release = seed(folder, policy)
    git = Git(repository.path)
    clock = SettableClock()
    clock.forward(minutes=-1)
    options = StartOptions(VERSION, release)
    start(YamlStore(git, "main"), LocalHistory(git, lambda: "main"), clock, TAU, options)
    git.close()
    return repository, release
