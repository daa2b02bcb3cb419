"""The adapters of a train on GitHub: one API, and what asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from rollout.adapters.clock import FixedClock, SystemClock
from rollout.core.files import STATE, STATE_BRANCH_VARIABLE, StatePaths
from rollout.errors import OutsideError

if TYPE_CHECKING:
    from rollout.adapters.github.address import Address
    from rollout.adapters.github.api import Api
    from rollout.adapters.github.collecting import GitHubCollector
    from rollout.adapters.github.evidence import GitHubEvidence
    from rollout.adapters.github.flag_branch import GitHubFlagBranch
    from rollout.adapters.github.forge import GitHubForge
    from rollout.adapters.github.history import GitHubHistory
    from rollout.adapters.github.inspection import GitHubInspector
    from rollout.adapters.github.issues import GitHubIssues
    from rollout.adapters.github.listing import Listing
    from rollout.adapters.github.product_clone import ProductClone
    from rollout.adapters.github.reverter import GitHubReverter
    from rollout.adapters.rehearsal import ScratchCopy
    from rollout.core.contract import Product
    from rollout.core.decorations import Decorations
    from rollout.core.workflow_pin import RepositoryPlace
    from rollout.ports import Clock, PatientClock, Releases
    from rollout.rendering.signoff_issue import Pages


@dataclass(frozen=True)
class TrainLookup:
    """What the adapters ask about the train, each when they need it."""

    name: Callable[[], str | None]
    branch: Callable[[], str]
    product: Callable[[], Product]
    flag_files: Callable[[], tuple[str, ...]] = tuple
    """Of all trains."""


class GitHub:
    """Each adapter is made when it is first asked for."""

    pushes_workflows = False

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Callable[[], Clock],
        decorations: Decorations,
        train: TrainLookup,
        *,
        is_job: bool,
        remote: Callable[[], RepositoryPlace | None],
        origin: Callable[[], RepositoryPlace | None],
        needs_token: Callable[[], bool],
    ) -> None:
        """`remote` is the clone's that was chosen, to which the token goes whatever the environment names;
        `origin` stands in where the environment names no repository. See `Workspace.do_without_token`.
        """
        self._environment = environment
        self._clock = clock
        self._decorations = decorations
        self._train = train
        self._is_job = is_job
        self._remote = remote
        self._origin = origin
        self._needs_token = needs_token
        self._clones: dict[str, ProductClone] = {}

    @cached_property
    def api(self) -> Api:
        from rollout.adapters.github.address import no_token, product_token, state_token
        from rollout.adapters.github.api import Api

        clock = self._clock()
        patient: PatientClock = clock if isinstance(clock, FixedClock) else SystemClock()
        if not self.token and self._needs_token():
            raise no_token(self._address)
        return Api(
            self._address,
            self.token,
            patient,
            elsewhere=product_token(self._environment),
            committer=state_token(self._environment),
            by_person=self._remote() is not None,
        )

    @property
    def calls(self) -> int:
        """Requests that were sent so far."""
        return self.api.calls if "api" in self.__dict__ else 0

    @cached_property
    def token(self) -> str:
        """Of a person it may be empty. Raises InputError where a job has none."""
        from rollout.adapters.github.address import person_token, token

        if self._is_job:
            return token(self._environment)
        return person_token(self._environment, self._address)

    @cached_property
    def _address(self) -> Address:
        from rollout.adapters.github.address import SERVER_URL, address

        remote = self._remote()
        of_remote = self._address_of(remote) if remote else {}
        origin = {} if of_remote else self._address_of_origin()
        server_from = "the clone's remote" if of_remote or SERVER_URL in origin else SERVER_URL
        return address({**origin, **self._environment, **of_remote}, server_from=server_from)

    def _address_of_origin(self) -> dict[str, str]:
        if self._environment.get("GITHUB_REPOSITORY") or (place := self._origin()) is None:
            return {}
        name = {"GITHUB_REPOSITORY": place.name}
        return name if self._environment.get("GITHUB_API_URL") else self._address_of(place)

    def _address_of(self, place: RepositoryPlace) -> dict[str, str]:
        from urllib.parse import urlsplit

        server = self._environment.get("GITHUB_SERVER_URL", "")
        there = server if urlsplit(server).hostname == place.host else f"https://{place.host}"
        return {"GITHUB_REPOSITORY": place.name, "GITHUB_SERVER_URL": there}

    @cached_property
    def listing(self) -> Listing:
        from rollout.adapters.github.listing import Listing

        return Listing(self.api, self._train.branch, self._train.product, self._train.name)

    @cached_property
    def forge(self) -> GitHubForge:
        from rollout.adapters.github.forge import GitHubForge

        return GitHubForge(self.api, self.listing, self._decorations)

    @cached_property
    def issues(self) -> GitHubIssues:
        """Listed together with pull requests: take it before them."""
        from rollout.adapters.github.issues import GitHubIssues

        return GitHubIssues(self.api, self.listing, self._decorations)

    @cached_property
    def reverter(self) -> GitHubReverter:
        from rollout.adapters.github.reverter import GitHubReverter

        return GitHubReverter(self.api, self.listing, self._product_clone, self._state)

    @cached_property
    def product_branch(self) -> GitHubFlagBranch:
        from rollout.adapters.github.flag_branch import GitHubFlagBranch

        listing = self.listing
        return GitHubFlagBranch(
            self.api,
            lambda: listing.product,
            lambda: listing.product_branch,
            self._product_clone,
            self._decorations,
            listing.note_product_tip,
        )

    @cached_property
    def state_branch(self) -> GitHubFlagBranch:
        from rollout.adapters.github.flag_branch import GitHubFlagBranch

        api, branch = self.api, self._train.branch
        return GitHubFlagBranch(api, lambda: api.repository, branch, self._product_clone, self._decorations)

    @cached_property
    def history(self) -> GitHubHistory:
        from rollout.adapters.github.history import GitHubHistory

        return GitHubHistory(self.listing, self._state, self._product_clone)

    @cached_property
    def evidence(self) -> GitHubEvidence:
        from rollout.adapters.github.evidence import GitHubEvidence

        return GitHubEvidence(self.api, self.listing, self.api.address.server_url)

    @property
    def releases(self) -> Releases:
        from rollout.adapters.github.release_list import GitHubReleases

        return GitHubReleases(self.api, lambda: self.listing.product)

    @property
    def collecting(self) -> GitHubCollector:
        from rollout.adapters.github.address import default_branch, run_token
        from rollout.adapters.github.collecting import GitHubCollector

        return GitHubCollector(self.api, run_token(self._environment), default_branch(self._environment))

    @property
    def inspector(self) -> GitHubInspector:
        from rollout.adapters.github.inspection import GitHubInspector

        return GitHubInspector(self.api)

    def pages(self) -> Pages:
        from rollout.rendering.signoff_issue import Pages

        server = self.api.address.server_url
        return Pages(f"{server}/{self.api.repository}", f"{server}/{self.listing.product}")

    @contextmanager
    def scratch_copy(self) -> Iterator[ScratchCopy]:
        """Yields copies of state and product, for as long as a rehearsal lasts."""
        from rollout.adapters.github.product_clone import ProductClone
        from rollout.adapters.rehearsal import github_copy

        home, server, product = self.api.repository, self.api.address.server_url, self._train.product()
        clone = ProductClone(server, product.repository or home, self.api.token_for, whole=True)
        yield github_copy(clone, home, self._train.branch(), product)

    def _state(self) -> StatePaths:
        """Returns what is state on the product's branch, which has no `state/` in a repository of its own."""
        is_home = self.listing.product == self.api.repository
        return StatePaths(STATE if is_home else None, self._train.flag_files())

    def _product_clone(self, repository: str) -> ProductClone:
        """Returns one of each repository, so that what was fetched for one question answers the next."""
        from rollout.adapters.github.product_clone import ProductClone

        if repository not in self._clones:
            server = self.api.address.server_url
            self._clones[repository] = ProductClone(server, repository, self.api.token_for)
        return self._clones[repository]

    def silent_schedule(self) -> str:
        """Returns what to do where the schedule is switched off;
        empty where it is not, or GitHub does not say.
        """
        from rollout.adapters.github.runs import workflow_state
        from rollout.core.workflow_pin import SCHEDULE_WORKFLOW, why_disabled

        why = why_disabled(workflow_state(self.api, SCHEDULE_WORKFLOW))
        page = f"{self.api.address.server_url}/{self.api.repository}/actions/workflows/{SCHEDULE_WORKFLOW}"
        return (
            f"{SCHEDULE_WORKFLOW} was disabled {why}, so nothing is read by itself:"
            f" gh workflow enable {SCHEDULE_WORKFLOW}, or the button on {page}"
            if why
            else ""
        )

    @cached_property
    def configured_branch(self) -> str | None:
        """The state branch that the repository's settings name, which jobs are given anyway."""
        from rollout.adapters.github.runs import variable

        if self._is_job:
            return None
        return variable(self.api, STATE_BRANCH_VARIABLE) or None

    def asked_at(self) -> datetime | None:
        """Returns when the run was created that carries out a person's word; None outside of Actions.

        A re-run repeats what was asked then. Raises OutsideError where GitHub does not say when that was.
        """
        run = self._environment.get("GITHUB_RUN_ID")
        if not run:
            return None
        from rollout.adapters.github.runs import created_at

        asked = created_at(self.api, run)
        if asked is None and self.is_rerun:
            raise OutsideError(
                "GitHub does not tell when this run was asked for first, so it may be about another release",
                hint="dispatch it anew",
            )
        return asked

    @property
    def is_rerun(self) -> bool:
        """Whether this carries out once more what a person asked for earlier."""
        return self._environment.get("GITHUB_RUN_ATTEMPT", "1") != "1"
