"""A repository with everything that works on it: adapters are made and put together here only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rollout.adapters.clock import FixedClock, SystemClock
from rollout.adapters.git import Git, branch_move
from rollout.adapters.local.forge import LocalForge
from rollout.adapters.worktree import DiskWorktree
from rollout.adapters.yaml_store import LostTrains, YamlStore
from rollout.core.decorations import Decorations
from rollout.core.files import CONTRACT, STATE, STATE_BRANCH, StatePaths
from rollout.core.state import UNDER_WAY, TrainState, UnusableFile
from rollout.core.values import format_instant
from rollout.core.versions import spellings
from rollout.errors import InputError, RolloutError
from rollout.files.yaml_text import load_yaml
from rollout.wiring import texts
from rollout.wiring.local import Local
from rollout.wiring.state_branch import branch_of_contracts, state_branch

if TYPE_CHECKING:
    from rollout.adapters.branch_files import BranchFiles
    from rollout.adapters.fetched_store import FetchedStore
    from rollout.adapters.github.store import GitHubStore
    from rollout.adapters.local.issues import LocalIssues
    from rollout.commands.channel.record import Desk
    from rollout.commands.measuring import Measuring
    from rollout.commands.reconcile.incident import Responder
    from rollout.commands.reconcile.percent import PercentWriter
    from rollout.commands.reconcile.reconciler import Reconciler
    from rollout.commands.reconcile.signoff_comments import SignoffDesk
    from rollout.commands.reconcile.signoff_issue import SignoffIssue
    from rollout.commands.rehearse import RehearsalStage
    from rollout.commands.targets import TargetLookup
    from rollout.core import contract
    from rollout.core.contract import Contract
    from rollout.core.state import Channel, Rollout
    from rollout.core.workflow_pin import ActionPin, RepositoryPlace
    from rollout.ports import (
        Clock,
        Collector,
        Evidence,
        Forge,
        History,
        Issues,
        Product,
        Reverter,
        StateFiles,
        StateStore,
        Worktree,
    )
    from rollout.ports.inspection import Inspector
    from rollout.wiring.github import GitHub
    from rollout.wiring.remotes import Remote

_KEPT_CONTRACTS = 16
_NAMES_VARIABLES = b"_env"
"""Every key of `auth` ends in it: a contract without it names no variable."""

UNKNOWN_PERSON = "somebody unknown"
"""Who brakes where neither git nor Actions says who it is."""

ForgeKind = Literal["local", "github"]


def _top(folder: Path) -> Path | None:
    """Returns the worktree that holds the folder."""
    whole = folder.resolve()
    return next((each for each in (whole, *whole.parents) if (each / ".git").exists()), None)


class Workspace:
    """A repository with everything that works on it, each part made when it is first asked for."""

    def __init__(
        self,
        repo: Path,
        *,
        clock: Clock | None = None,
        state_branch: str | None = None,
        environment: Mapping[str, str] | None = None,
        forge_kind: ForgeKind = "local",
        tell: Callable[[UnusableFile], None] = lambda _: None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`environment` is what the contract's commands inherit from, and what says where GitHub is; this
        process's when None. With `github`, state is read and written over the API, and history in the clone.
        `tell` hears of a file that cannot be used, `note` of what a commit left to do at the worktree.
        """
        self.repo = repo
        self.forge_kind: ForgeKind = forge_kind
        self.clock: Clock = clock or SystemClock()
        self.named_state_branch = state_branch
        self.decorations = Decorations()
        self._environment = os.environ if environment is None else environment
        self._tell = tell
        # A run that commits many times says of its worktree what it has said once.
        self._note = lru_cache(None)(note)
        self._train: str | None = None
        self._remote: Remote | None = None
        self._fetched: FetchedStore | None = None
        # A contract is read to find the state branch, and again from there.
        self._parse = lru_cache(_KEPT_CONTRACTS)(load_yaml)

    @cached_property
    def git(self) -> Git:
        git = Git(self.repo)
        git.note = self._note
        try:
            branch_move.catch_up(git)
        except RolloutError as error:
            self._note(
                f"the worktree is behind its branch, so `git commit` takes state back: {error}; {error.hint}"
            )
        return git

    @cached_property
    def branch(self) -> str:
        """The state branch: as asked for, else as a committed contract says, else the default one."""
        if self._fetched is not None:
            return self._fetched.branch
        if self.forge_kind == "github":
            return self._github_store.branch
        branch, why = (
            (self.named_state_branch, "as asked for")
            if self.named_state_branch
            else state_branch(self.git, self.worktree, self._parse)
        )
        default, current = self.git.remote_default, self.git.current_branch()
        if default is not None and current != default:
            there = f"{current} is checked out" if current else "no branch is checked out"
            self._note(f"state is read from {branch}, {why}; {there}")
        return branch

    def has_branch(self, name: str) -> bool:
        """Returns whether the clone knows a branch of that name, its own or origin's, or is about to begin
        it.
        """
        places = ("heads", "remotes/origin")
        is_known = any(self.git.resolve(f"refs/{place}/{name}") for place in places)
        return is_known or name == self.git.current_branch()

    def branch_of_new_train(self) -> str | None:
        """Returns the branch of its own that state of a new train goes to; None for the worktree's.

        Where origin is on GitHub, `rollout-state` unless another one is named, or the worktree has a train.
        """
        if self.default_on_github is None:
            return None
        named = self.named_state_branch
        if named is None:
            return None if self.worktree.contracts() else STATE_BRANCH
        return None if named in (self.default_on_github, self.git.current_branch()) else named

    @cached_property
    def default_on_github(self) -> str | None:
        """The default branch where `place` is on GitHub; None where it is not."""
        return self.git.default_branch() if self.place else None

    @cached_property
    def place(self) -> RepositoryPlace | None:
        """Where origin, or the only remote, is on GitHub; None where it is elsewhere, or there is none."""
        if not self._is_clone():
            return None
        from rollout.adapters.git.remotes import remotes

        known = remotes(self.git)
        if not known:
            return None
        from rollout.adapters.github.address import server_host
        from rollout.core.workflow_pin import place_on_github

        only = next(iter(known.values())) if len(known) == 1 else ""
        return place_on_github(known.get("origin", only), server_host(self._environment))

    @cached_property
    def remotes_with_train(self) -> tuple[Remote, ...]:
        """The remotes on GitHub whose workflows run a train; none outside of a clone."""
        if not self._is_clone():
            return ()
        from rollout.adapters.git.remotes import remotes

        if not remotes(self.git):
            return ()
        from rollout.adapters.github.address import server_host
        from rollout.wiring.remotes import remotes_with_train

        asked = self.asked_state_branch
        branches = (asked,) if asked else (STATE_BRANCH,)
        return remotes_with_train(self.git, server_host(self._environment), branches)

    def go_to_github(self, named: str | None) -> Remote | None:
        """Acts on the train on GitHub from now on, where a remote of the clone, or the one named, runs it.

        Returns that remote; None where there is none, and nothing changes. Raises InputError where it is not
        clear which one is meant.
        """
        found = self.remotes_with_train
        if not found and named is None:
            return None
        from rollout.wiring.remotes import only_one

        self._remote = only_one(found, named)
        if self._remote is not None:
            self.forge_kind = "github"
        return self._remote

    def how_to_merge(self, number: int | None) -> str:
        """Returns the command that merges a pull request of the local forge, the address of one on GitHub."""
        if number is None:
            return ""
        if self.forge_kind == "local":
            return f"rollout local merge {number}"
        from rollout.adapters.actions import repository_page

        page = f"https://{self._remote.place}" if self._remote else repository_page(self._environment)
        return f"{page}/pull/{number}" if page else ""

    def branch_files(self, branch: str, message: str = "") -> BranchFiles:
        """Returns the files of a branch, whatever is checked out;
        `message` is of the commits that write them.
        """
        from rollout.adapters.branch_files import BranchFiles

        return BranchFiles(self.git, branch, self.clock, message)

    def flags_on_branches(self, contract: Contract, path: str) -> bytes | None:
        """Returns a flag file as the clone knows it: on the state branch, else on the product's branch.

        None where a branch that may have it is not in the clone. Raises InputError where neither has it.
        """
        product = contract.product
        branches = tuple(dict.fromkeys((self.branch, product.branch)))
        for branch in branches:
            files = self.branch_files(branch)
            if (branch == self.branch or product.repository is None) and files.exists(path):
                return files.read(path)
        if product.repository is not None or not self.has_branch(product.branch):
            return None
        where = f"on {branches[0]}" if len(branches) == 1 else f"on {branches[0]} or {branches[1]}"
        flag = contract.flag_file
        what = f", with a number at {flag.pointer}" if flag is not None else ""
        raise InputError(f"{path} is not {where}, and not in the worktree: commit it first{what}")

    def product_branch_here(self) -> str | None:
        """Returns the branch that the worktree stands on; None for none, or for one of the tool's own."""
        current = self.git.current_branch()
        return None if current in (None, STATE_BRANCH) or current.startswith("rollout/") else current

    @cached_property
    def store(self) -> StateStore:
        if self._fetched is not None:
            return self._fetched
        return self._github_store if self.forge_kind == "github" else self.clone

    @cached_property
    def clone(self) -> YamlStore:
        """The state branch as it is in the local repository."""
        return YamlStore(self.git, self.branch, tell=self._tell, parse=self._parse)

    def _history_of_github(self) -> YamlStore:
        """Returns where history is read: the job's checkout, or the remote's branch, fetched for it."""
        from rollout.adapters.git.remotes import fetch

        if self._remote is None:
            return self.clone
        branch = self._github_store.branch
        fetch(self.git, self._remote.name, branch)
        return self._as_fetched(self._remote, branch)

    def do_without_token(self, *, pushes: bool) -> str:
        """Reads the branch as it was last fetched, where there is no token for the train on GitHub.

        With `pushes` it is fetched now, and each commit is pushed by git. Returns what to tell of it, empty
        where there is a token. Raises OutsideError where the branch cannot be fetched.
        """
        if self._remote is None or self.github.token:
            return ""
        from rollout.wiring.remotes import fetched_state_branch, last_fetch

        asked, remote = self.asked_state_branch, self._remote
        branches = (asked,) if asked else (STATE_BRANCH, remote.default)
        branch = fetched_state_branch(self.git, remote, branches, anew=pushes)
        self._fetched = self._as_fetched(remote, branch)
        if pushes:
            return f"no token: git pushes to {branch} of {remote.name}, and the rest is left to GitHub"
        age = last_fetch(self.git, remote, branch, self.clock.now())
        return (
            f"no token: {branch} of {remote.name} as it was last fetched, {age}; `gh auth login` asks GitHub"
        )

    def _as_fetched(self, remote: Remote, branch: str) -> FetchedStore:
        from rollout.adapters.fetched_store import FetchedStore

        def pushed(commit: str) -> None:
            left = "the next rollout-reconcile there closes the promotion and goes on"
            self._note(f"pushed {commit[:10]} to {branch} of {remote}; {left}")

        return FetchedStore(self.git, remote.name, branch, tell=self._tell, parse=self._parse, pushed=pushed)

    @cached_property
    def github(self) -> GitHub:
        """What asks GitHub, of the repository that `go_to_github` or the environment chose."""
        from rollout.wiring.github import GitHub, TrainLookup

        train = TrainLookup(
            lambda: self._train, lambda: self.branch, self._product_of_train, self._flag_files
        )
        return GitHub(
            self._environment,
            lambda: self.clock,
            self.decorations,
            train,
            is_job=self._is_job,
            remote=lambda: self._remote.place if self._remote else None,
            origin=lambda: self.place,
            needs_token=lambda: self._fetched is None,
        )

    @cached_property
    def local(self) -> Local:
        """The local forge of the clone, and the product beside it."""
        return Local(
            self.git,
            lambda: self.branch,
            lambda: self._product_of_train().branch,
            lambda: StatePaths(STATE, self._flag_files()),
        )

    @property
    def _adapters(self) -> GitHub | Local:
        return self.github if self.forge_kind == "github" else self.local

    @property
    def forge(self) -> Forge:
        return self._adapters.forge

    @property
    def issues(self) -> Issues:
        return self._adapters.issues

    @property
    def reverter(self) -> Reverter:
        """The product's branch, as far as a rollback changes it."""
        return self._adapters.reverter

    @property
    def history(self) -> History:
        """The product's branch, as releases are cut from it."""
        return self._adapters.history

    @property
    def evidence(self) -> Evidence:
        return self._adapters.evidence

    @property
    def local_forge(self) -> LocalForge:
        """Raises InputError when the workspace is about GitHub."""
        self._refuse_github("pull requests")
        return self.local.forge

    @property
    def local_issues(self) -> LocalIssues:
        """Raises InputError when the workspace is about GitHub."""
        self._refuse_github("issues")
        return self.local.issues

    def _refuse_github(self, page: str) -> None:
        if self.forge_kind == "github":
            raise InputError(
                "this is about the local forge, and GitHub was asked for",
                hint=f"say --forge local; on GitHub look at the {page}' page",
            )

    def responder(self) -> Responder:
        """Returns what a rollback acts through."""
        from rollout.commands.reconcile.incident import Responder

        return Responder(
            self.reverter,
            self.issues,
            texts.incident_body(self.product_page),
            pushes_workflows=self._adapters.pushes_workflows,
            product_page=self.product_page,
        )

    def reconciler(self, *, dry_run: bool = False) -> Reconciler:
        """Returns one run of reconcile, with all that it looks at and acts through."""
        from rollout.commands.reconcile.reconciler import Reconciler

        return Reconciler(
            self.store,
            self.forge,
            self.clock,
            texts.promotion_body(self.product_page),
            responder=self.responder(),
            desk=self.signoff_desk(dry_run=dry_run),
            targets=self.target_lookup(),
            percent=self.percent_writer(dry_run=dry_run),
            decorations=self.decorations,
            dry_run=dry_run,
        )

    def percent_writer(self, *, dry_run: bool = False) -> PercentWriter:
        """Returns what writes the percent in the flag file of a contract that names one."""
        from rollout.commands.reconcile.percent import PercentWriter

        branches = self._adapters
        return PercentWriter(self.store, branches.state_branch, branches.product_branch, dry_run=dry_run)

    def product_page(self) -> str:
        """Returns the address of the product's repository; empty on the local forge."""
        return self._adapters.pages().product

    @contextmanager
    def rehearsal_stage(self, product_dir: Path | None) -> Iterator[RehearsalStage]:
        """Yields scratch copies of the chosen train and its product, for as long as a rehearsal lasts."""
        from rollout.wiring.rehearsal import stage_on

        with self._adapters.scratch_copy() as copy:
            yield stage_on(copy, self.responder(), self.product(product_dir), self._flag_files())

    @property
    def collecting(self) -> Collector:
        """Raises InputError for the local forge, which has no workflows."""
        if self.forge_kind == "local":
            raise InputError(
                "readings by workflow are GitHub's", hint="say --forge github, or rollout collect"
            )
        return self.github.collecting

    def silent_schedule(self) -> str:
        """Returns what to do where the schedule is switched off; empty where it is not, or nobody says."""
        return self._adapters.silent_schedule()

    @property
    def calls(self) -> int:
        """Requests that were sent to GitHub so far."""
        return self.github.calls if "github" in self.__dict__ else 0

    @property
    def inspector(self) -> Inspector:
        return self.github.inspector

    @cached_property
    def _github_store(self) -> GitHubStore:
        from rollout.adapters.github.store import GitHubStore

        asked = self.asked_state_branch
        if asked is None and self._remote is not None:
            from rollout.wiring.remotes import holds_state

            # What the clone does not show would be looked for in vain: the setting is asked for first.
            shown = holds_state(self.git, self._remote, (STATE_BRANCH,))
            asked = None if shown else self.github.configured_branch
        return GitHubStore(
            self.github.api,
            asked,
            lru_cache(1)(self._history_of_github),
            tell=self._tell,
            configured=lambda: self.github.configured_branch,
        )

    @property
    def _is_job(self) -> bool:
        return self._environment.get("GITHUB_ACTIONS") == "true"

    @property
    def asked_state_branch(self) -> str | None:
        """The state branch on GitHub that somebody asked for; None for the default branch, whatever it is."""
        if self.named_state_branch or not self._is_clone():
            return self.named_state_branch
        return branch_of_contracts(self.git, self.worktree, self._parse)

    def _is_clone(self) -> bool:
        try:
            return self.git.worktree is not None
        except InputError:
            return False

    def _product_of_train(self) -> contract.Product:
        from rollout.core.contract import Product

        if self._train is None:
            return Product()
        return self.store.load_for_brake(self._train, self.store.head()).contract.product

    def _flag_files(self) -> tuple[str, ...]:
        """Returns the flag files of all trains: whoever shares the product's branch moves none of them."""
        from rollout.files.flag_text import path_in

        head = self.store.head()
        texts = (self.store.text(train, CONTRACT, head) for train in self.store.trains(head))
        return tuple(dict.fromkeys(path for text in texts if text and (path := path_in(text))))

    @cached_property
    def worktree(self) -> DiskWorktree:
        return DiskWorktree(self.git.home, self.git.tags)

    def product(
        self, product_dir: Path | None, evidence_dir: Path | None = None, *, withheld: Sequence[str] = ()
    ) -> Product:
        """Returns the product's checkout.

        Its commands do not get the variables that are `withheld`, nor those with which any train that the
        clone knows asks metrics servers.
        """
        from rollout.adapters.product import LocalProduct

        return LocalProduct(
            product_dir or self.git.home,
            self._environment,
            self.clock,
            evidence_dir=evidence_dir,
            left_out=STATE if self._is_home(product_dir) else None,
            withheld=frozenset((*withheld, *self._variables_of_trains())),
        )

    def _variables_of_trains(self) -> Iterator[str]:
        """Yields the variables with secrets of metrics that contracts in the clone name; one that cannot be
        read is passed over.
        """
        from rollout.files.state_files import read_contract

        if not self._is_clone():
            return
        places: list[Worktree] = [self.worktree, self.branch_files(self.asked_state_branch or STATE_BRANCH)]
        for place in places:
            for file in place.contracts():
                with suppress(InputError):
                    text = place.read(file)
                    if _NAMES_VARIABLES in text:
                        yield from read_contract(text, file, in_use=True)[0].variables

    def is_set(self, variable: str) -> bool:
        """Returns whether the environment has a value for that variable."""
        return bool(self._environment.get(variable, "").strip())

    def measuring(
        self, contract: Contract, rollout: Rollout | None, channel: Channel | None
    ) -> Measuring | None:
        """Returns what asks the contract's queries, with placeholders for what is rolled out; None without
        metrics.

        Under --now the servers answer for that moment.
        """
        if not contract.measures:
            return None
        from rollout.adapters.metrics.servers import HttpMetricsServers
        from rollout.commands.measuring import Measuring
        from rollout.core.surfaces.metrics.questions import values_of

        at = self.clock.now() if isinstance(self.clock, FixedClock) else None
        servers = HttpMetricsServers(self._environment, self.clock, at=at)
        return Measuring(servers, contract, values_of(contract, rollout, channel), self.clock)

    def _is_home(self, product_dir: Path | None) -> bool:
        """Returns whether the product is a part of this repository, and so is beside state."""
        if product_dir is None:
            return True
        # A job that speaks to GitHub need not be in a clone at all.
        top = _top(product_dir)
        return top is not None and top == _top(self.repo)

    def train(self, named: str | None) -> str:
        """Returns the train that a command is about. Raises InputError when that is not clear."""
        self._train = self._chosen_train(named)
        return self._train

    def trains(self) -> Sequence[str]:
        """Returns the trains of the state branch; none where there is no commit yet."""
        try:
            return self.store.trains(self.store.head())
        except InputError:
            return ()

    def existing_train(self, named: str | None) -> str | None:
        """Returns the train of that name, or the only one; None when there is no such train, or more than
        one.
        """
        trains = self.trains()
        if named is None and len(trains) == 1:
            return trains[0]
        return named if named in trains else None

    def _chosen_train(self, named: str | None) -> str:
        trains = self.store.trains(self.store.head())
        if not trains or named not in (None, *trains):
            self._refuse_elsewhere(named)
        if named is not None:
            if named not in trains and not self.lost(named):
                from rollout.wiring.unclear_train import no_such_train

                raise no_such_train(named, trains, self.branch, is_job=self._is_job)
            return self._after_its_start(named) if named in trains else named
        if len(trains) == 1:
            return self._after_its_start(trains[0])
        if not trains and (lost := self.lost()):
            trains = lost.trains
            if len(trains) == 1:
                return trains[0]
        from rollout.wiring.unclear_train import none_or_several

        raise none_or_several(trains, self.branch, is_job=self._is_job)

    def _refuse_elsewhere(self, train: str | None) -> None:
        """Raises InputError where nobody named the branch, and another one holds the train.

        The brake would bring back to life here what goes on there. Jobs are told the branch.
        """
        if self._is_job or self.asked_state_branch:
            return
        store = self._fetched or (self._github_store if self.forge_kind == "github" else self.clone)
        if others := store.carriers(train):
            from rollout.wiring.unclear_train import elsewhere

            raise elsewhere(train, self.branch, others)

    def refuse_lost(self) -> None:
        """Raises InputError when a commit took the last train away."""
        if lost := self.lost():
            raise InputError(f"no train on {self.branch} any more", hint=lost.hint(*lost.trains))

    def lost(self, train: str | None = None, branch: str | None = None) -> LostTrains | None:
        """Returns what `YamlStore.lost` does; a branch that is named is one of the local repository."""
        if self._fetched is not None and branch is None:
            return self._fetched.lost(self._fetched.head(), train)
        if self.forge_kind == "github" and branch is None:
            return self._github_store.lost(self._github_store.head(), train)
        tip = self.git.tip(branch or self.branch)
        store = YamlStore(self.git, branch) if branch else self.clone
        return store.lost(tip, train) if tip else None

    def _after_its_start(self, train: str) -> str:
        """Returns the train. Raises InputError when the time that was given lies before its release began."""
        if isinstance(self.clock, FixedClock):
            try:
                rollout = self.store.load_for_brake(train, self.store.head()).rollout
            except InputError:
                return train  # the command says what is wrong
            release, now = rollout.release, self.clock.now()
            if rollout.outcome in UNDER_WAY and release is not None and now < release.started_at:
                began = format_instant(release.started_at)
                raise InputError(
                    f"--now {format_instant(now)}: before {release.version} began, at {began}",
                    hint="give a later time, or leave --now out",
                )
        return train

    def load(self, train: str | None) -> TrainState:
        return self.store.load(self.train(train), self.store.head())

    def load_for_brake(self, train: str | None) -> TrainState:
        """Loads as `StateStore.load_for_brake` says."""
        return self.store.load_for_brake(self.train(train), self.store.head())

    def installed_from(self) -> ActionPin | None:
        """Returns the commit on GitHub that this program was installed from; None when that is not known."""
        from rollout.adapters.installation import direct_url, installed_from

        return installed_from(direct_url())

    @property
    def state_files(self) -> StateFiles:
        """How state files are read and written."""
        from rollout.adapters.channel_files import YamlFiles

        return YamlFiles()

    def channel_desk(self) -> Desk:
        """Returns what the channel's commands work with."""
        from rollout.commands.channel.record import Desk
        from rollout.commands.quarantine import held_back

        return Desk(
            self.store,
            self.forge,
            self._adapters.releases,
            self.state_files,
            self.clock,
            body=texts.channel_body,
            held_back=lambda state, version: held_back(state, self.history, self.reverter, version),
            decorations=self.decorations,
        )

    def tags(self) -> tuple[str, ...]:
        """Returns names of the clone's tags; none where there is no clone."""
        return tuple(self.git.tags()) if self.forge_kind == "local" or self._is_clone() else ()

    def released(self, version: str) -> tuple[str, ...]:
        """Returns the version if somebody released or tagged it, and the clone's tags, of which a job has
        none.

        Raises OutsideError when GitHub cannot be asked.
        """
        tags = self.tags()
        if self.forge_kind != "github" or not set(spellings(version)).isdisjoint(tags):
            return tags
        return (*tags, *self._adapters.releases.tags_of(version))

    def target_lookup(self) -> TargetLookup:
        """Returns how a version is looked up that a person names to return to."""
        from rollout.commands.quarantine import held_back
        from rollout.commands.targets import TargetLookup

        return TargetLookup(
            self.released, lambda state, version: held_back(state, self.history, self.reverter, version)
        )

    def decider_for_brake(self) -> str:
        """Returns who brakes: as `decider`, and an unknown person where nobody knows, which `note` hears
        of.
        """
        try:
            return self.decider()
        except InputError as error:
            self._note(f"{error}, so this is by {UNKNOWN_PERSON}; next time {error.hint}")
            return UNKNOWN_PERSON

    def decider(self) -> str:
        """Returns who decides by a command: whoever dispatched the run, else who is at the keyboard.

        Raises InputError when nobody knows.
        """
        names = ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR") if self.forge_kind == "github" else ()
        return (
            next((self._environment[name] for name in names if self._environment.get(name)), "")
            or self.person()
        )

    def asked_at(self) -> datetime | None:
        """Returns what `GitHub.asked_at` does; None on the local forge."""
        return self.github.asked_at() if self.forge_kind == "github" else None

    @property
    def is_rerun(self) -> bool:
        """Whether this carries out once more what a person asked for earlier."""
        return self.forge_kind == "github" and self.github.is_rerun

    def signoff_issue(self, *, dry_run: bool = False) -> SignoffIssue:
        """Returns the checklist's issue, with the texts that it shows."""
        from rollout.commands.reconcile.signoff_issue import SignoffIssue
        from rollout.rendering.signoff_issue import refusal_text

        text = texts.signoff_issue(self._adapters.pages)
        return SignoffIssue(
            self.issues,
            text,
            refusal_text,
            at=self.clock.now(),
            decorations=self.decorations,
            dry_run=dry_run,
        )

    def signoff_desk(self, *, dry_run: bool = False) -> SignoffDesk:
        """Returns where reconcile reads comments on the checklist, and answers."""
        from rollout.commands.reconcile.signoff_comments import Listener, SignoffDesk

        listener = Listener(self.issues, self.evidence, at=self.clock.now())
        return SignoffDesk(listener, self.signoff_issue(dry_run=dry_run), self.decorations)

    def person(self) -> str:
        """Returns who is at the keyboard, by git's configuration. Raises InputError if it names nobody."""
        try:
            return self.git.person()
        except RolloutError as error:
            from rollout.core.doctor.laptop import IDENTIFY

            hint = f"say who with --by, or set it for good: {IDENTIFY}"
            raise InputError("git does not know who you are", hint=hint) from error

    def commit(self, named: str | None) -> str | None:
        """Returns the whole id of a commit that a person named. Raises InputError when there is none."""
        if named is None:
            return None
        commit = self.git.resolve(named)
        if commit is None:
            raise InputError(f"{named}: no such commit", hint="take one from: rollout history")
        return commit

    def changed_in(self, clone: Path, commit: str, since: str | None) -> tuple[str | None, Sequence[str]]:
        """Returns the commit that another is compared with, `since` or else its first parent, and the changed
        paths.

        As a clone says. Raises InputError when the clone does not hold them.
        """
        git = Git(clone)
        try:
            for needed in (commit, since):
                if needed is not None and git.resolve(f"{needed}^{{commit}}") is None:
                    lacks = f"the clone in {clone} lacks commit {needed[:12]}"
                    raise InputError(lacks, hint="fetch more of it")
            return since or git.resolve(f"{commit}^1"), git.changed_paths(since, commit)
        finally:
            git.close()

    def whole_id(self, named: str) -> str:
        """Returns the whole id of the commit that `HEAD`, a tag or a few digits name; the name itself if
        none.

        For GitHub only the whole id will do: what `HEAD` is in a job's checkout is nobody's choice.
        """
        return named if self.forge_kind == "github" else self.git.resolve(named) or named
