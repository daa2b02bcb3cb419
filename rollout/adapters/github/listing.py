"""What is open in a repository, and which statuses are shown: asked for once a command, in one query."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from rollout.adapters.github.answers import Page, parsed, parsed_or_none
from rollout.adapters.github.api import PAGE, Api, PageSize, RefusedByGitHubError, owner_and_name
from rollout.adapters.github.documents import (
    OPEN_PULLS,
    PRODUCT,
    STATUSES_OF_COMMIT,
    OpenPulls,
    ProductView,
    Pull,
    RootCommit,
    ShownStatuses,
    StatusCommit,
)
from rollout.adapters.github.issue_documents import ISSUES_OF_PAGE, IssueDocument
from rollout.adapters.github.pull_requests import LABEL, head_changes, newest_pull, shown_pull
from rollout.core.contract import Product
from rollout.core.files import ROLLOUT, state_path
from rollout.core.forge import PullRequest, StatusState
from rollout.errors import OutsideError
from rollout.ports import HeadChanges


@dataclass
class Overview:
    """What the query told, with what this run has changed since."""

    repository_id: str = ""
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    changes: dict[int, HeadChanges] = field(default_factory=dict)
    """Of each pull request that GitHub could tell them of."""
    branches: frozenset[str] = frozenset()
    """Names of all that begin as those that the tool makes."""
    unlabelled: set[int] = field(default_factory=set)
    issues: Page[IssueDocument] | None = None
    """The newest open ones that have the label; None when they were not asked for, or refused."""
    label: str = LABEL
    """How the repository spells it."""
    product_tip: str | None = None
    """Of the product's branch; None when it was not asked for, or there is no such branch."""
    product_now: RootCommit | None = None
    product_before: RootCommit | None = None
    """The branch's tip, and an earlier commit to compare it with."""


class Listing:
    """Open pull requests against the state branch, and statuses, as one command sees them.

    Whoever changes something notes it here. A process that works on after others may have written needs a
    new one.
    """

    def __init__(
        self,
        api: Api,
        branch: Callable[[], str],
        product: Callable[[], Product] = Product,
        train: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`branch` tells the state branch, `product` where release commits live, `train` whose desired state
        is read on the branches of pull requests; asked when needed.
        """
        self._train = train
        self._api = api
        self._branch = branch
        self._product_of_train = product
        self._listed: Overview | None = None
        self._shown: dict[str, dict[str, tuple[StatusState, str]]] = {}
        self._watched: str | None = None
        self._before: str | None = None
        self._with_issues = False
        self._without_issues: OutsideError | None = None
        """Why they could not be listed."""

    @property
    def branch(self) -> str:
        """The state branch."""
        return self._branch()

    @property
    def product_branch(self) -> str:
        return self._product_of_train().branch

    @property
    def product(self) -> str:
        """`owner/name` of the repository that release commits live in."""
        return self._product_of_train().repository or self._api.repository

    def watch(self, commit: str) -> None:
        """Has the statuses of a release commit listed too."""
        self._watched = commit

    def want_issues(self) -> None:
        """Has the open issues listed too, which needs a permission that not every job has."""
        if not self._with_issues:
            self._listed, self._with_issues = None, True

    def product_tip(self) -> str | None:
        """Returns the tip of the product's branch, as it was listed beside a release commit;
        None when it was not.
        """
        return self.open().product_tip if self._watched is not None else None

    def product_unchanged_since(self, commit: str, *, but: Collection[str]) -> bool | None:
        """Returns whether the product's branch holds what it held at that commit, except some files and
        folders in its root.

        None when that cannot be told from what was listed.
        """
        if self._watched is None:
            return None
        if self._listed is None:
            self._before = commit
        listed = self.open()
        if commit == listed.product_tip:
            return True
        if self._before != commit or listed.product_now is None or listed.product_tip is None:
            return None
        before = listed.product_before
        return before is not None and before.content(but) == listed.product_now.content(but)

    def note_product_tip(self, tip: str) -> None:
        if self._listed is not None:
            self._listed.product_tip, self._listed.product_now = tip, None

    # --- pull requests -----------------------------------------------------------------------------------

    def open(self) -> Overview:
        """Returns the overview; what is unknown of the product alone is left out. Raises OutsideError."""
        if self._listed is None:
            self._listed = self._read_with_issues() if self._with_issues else self._read(issues=False)
        return self._listed

    def open_issues(self) -> Page[IssueDocument]:
        """Returns the first page of open issues. Raises OutsideError when the token may not read them."""
        page = self.open().issues
        if page is None:
            raise self._without_issues or OutsideError("open issues were not listed")
        return page

    def _read_with_issues(self) -> Overview:
        """Reads it, and again without issues where they are refused: GitHub then answers nothing at all."""
        try:
            return self._read(issues=True)
        except OutsideError as error:
            if not isinstance(error.__cause__, RefusedByGitHubError):
                raise
            self._without_issues = error
        return self._read(issues=False)

    def newest(self, head: str, *, is_new: bool = False) -> PullRequest | None:
        """Returns the newest pull request from that branch of this repository, open or not; asked for anew.

        `is_new`: see `newest_pull`.
        """
        compared = self._compared()
        pull = newest_pull(self._api, self._api.repository, self.branch, head, compared, is_new=is_new)
        if pull is None:
            return None
        if self._listed is not None:
            self._note_changes(pull, self._listed)
        return shown_pull(pull)

    def _compared(self) -> dict[str, object]:
        """Returns variables that ask what the branches of pull requests change."""
        train = self._train()
        return {"compareHeads": train is not None, "rollout": state_path(train or "", ROLLOUT)}

    def _read(self, *, issues: bool) -> Overview:
        listed = Overview()
        has_product = False
        for page in self._pages(issues=issues):
            listed.repository_id = page.repository.id
            listed.branches |= page.repository.branches
            listed.issues = listed.issues or page.repository.issues
            known = page.repository.labels.nodes if page.repository.labels else ()
            listed.label = next((name for name in known if name.lower() == LABEL), listed.label)
            if page.product is not None:
                has_product = True
                self._note_product(page.product, listed)
            for heads in page.repository.heads.values():
                pulls = (one for head in heads.nodes for one in head.pulls.nodes)
                # Where this repository is a fork, its branches can be proposed to the original.
                for pull in (one for one in pulls if not one.is_cross_repository):
                    self._note_pull(pull, listed)
        if self._watched is not None and not has_product:
            self._ask_product(listed)
        return listed

    def _ask_product(self, listed: Overview) -> None:
        """Requests the product's part alone: it needs another token, or only that part failed."""
        variables = {**owner_and_name(self.product), **self._of_product()}

        def ask() -> ProductView | None:
            return parsed_or_none(ProductView, self._api.graphql(PRODUCT, variables), "product")

        with suppress(OutsideError):
            product = self._api.attempt(f"looking at {self.product}", ask)
            if product is not None:
                self._note_product(product, listed)

    def _note_product(self, product: ProductView, listed: Overview) -> None:
        if product.object:
            self._note_statuses(product.object)
        if product.tip:
            listed.product_tip = product.tip.oid
            listed.product_now, listed.product_before = product.tip, product.before

    def _note_pull(self, pull: Pull, listed: Overview) -> None:
        if LABEL not in pull.label_names:
            listed.unlabelled.add(pull.number)
        listed.pulls[pull.number] = shown_pull(pull)
        self._note_changes(pull, listed)
        for commit in pull.end.nodes:
            if commit.oid == pull.head_ref_oid:
                self._note_statuses(commit)

    def _note_changes(self, pull: Pull, listed: Overview) -> None:
        if (changes := head_changes(pull)) is not None:
            listed.changes[pull.number] = changes

    def _of_product(self) -> dict[str, object]:
        return {
            "commit": self._watched,
            "productRef": f"refs/heads/{self.product_branch}",
            "compare": self._before is not None,
            "before": self._before,
        }

    def _pages(self, *, issues: bool) -> Iterator[OpenPulls]:
        product = owner_and_name(self.product)
        variables: dict[str, object] = {
            **self._api.owner_and_name,
            "base": self.branch,
            "issues": issues,
            "watch": self._watched is not None and not self._api.speaks_apart(self.product),
            "productOwner": product["owner"],
            "productName": product["name"],
            **self._of_product(),
            **self._compared(),
        }
        size = PageSize(PAGE)

        def one_page(entries: int) -> OpenPulls:
            sizes = {"first": entries, "firstIssues": min(ISSUES_OF_PAGE, entries)}
            data = self._api.graphql_without("product", OPEN_PULLS, {**variables, **sizes})
            return parsed(OpenPulls, data)

        while True:
            page = self._api.attempt_page("listing open pull requests", size, one_page)
            yield page
            heads = page.repository.heads
            if not any(found.page_info.has_next_page for found in heads.values()):
                return
            variables |= {f"after{kind}": found.page_info.end_cursor for kind, found in heads.items()}
            variables |= {"issues": False, "watch": False}

    # --- statuses ----------------------------------------------------------------------------------------

    def repository_of(self, commit: str) -> str:
        """Returns where a pull request's head or a release commit lives."""
        heads = {pull.head_sha for pull in self._listed.pulls.values()} if self._listed else set()
        return self._api.repository if commit in heads else self.product

    def statuses(self, commit: str) -> ShownStatuses:
        """Returns those of a pull request's head or of a release commit."""
        if commit not in self._shown:
            self._shown[commit] = self.ask_statuses(commit)
        return self._shown[commit]

    def ask_statuses(self, commit: str) -> dict[str, tuple[StatusState, str]]:
        """Requests them as they are now."""
        variables = {**owner_and_name(self.repository_of(commit)), "commit": commit}

        def ask() -> ProductView | None:
            return parsed_or_none(ProductView, self._api.graphql(STATUSES_OF_COMMIT, variables), "product")

        product = self._api.attempt(f"reading the statuses of {commit[:12]}", ask)
        return product.object.shown if product and product.object else {}

    def note_new(self, commit: str) -> None:
        """Remembers a commit that was just made, without statuses."""
        self._shown[commit] = {}

    def note_status(self, commit: str, context: str, state: StatusState, description: str) -> None:
        self._shown.setdefault(commit, {})[context] = (state, description)

    def _note_statuses(self, commit: StatusCommit) -> None:
        self._shown.setdefault(commit.oid, commit.shown)
