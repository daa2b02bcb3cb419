"""Requests to GitHub: counted, and their faults waited out within a budget, or told with what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urljoin

from rollout.adapters.github.address import Address
from rollout.adapters.github.answers import (
    Document,
    GraphqlError,
    PassingError,
    RefusedByGitHubError,
    foreign,
    graphql_fault,
    moved,
    parsed,
    rest_fault,
)
from rollout.adapters.github.hints import LATER, advice, if_it_passes
from rollout.adapters.github.transport import PAGE, RedirectError, Transport
from rollout.errors import OutsideError
from rollout.ports import PatientClock

__all__ = [
    "PAGE",
    "Api",
    "Document",
    "PageSize",
    "PassingError",
    "RefusedByGitHubError",
    "owner_and_name",
    "parsed",
]

TRIES = 5
STALE = "STALE_DATA"
"""GraphQL's word for a branch that is not where a commit expected it."""

_BY_NAME = re.compile(r"/repos/([^/]+/[^/?]+)")
_BY_NUMBER = re.compile(r"/repositories/\d+")
_PATIENCE = 300.0
_DECORATIVE_TRIES = 2
_DECORATIVE_PATIENCE = 60.0
T = TypeVar("T")
M = TypeVar("M", bound=Document)


class _GraphqlAnswer(Document):
    data: dict[str, object] | None = None
    errors: tuple[GraphqlError, ...] = ()


@dataclass
class PageSize:
    """How many entries one page of a list is asked for; of no use to lists that are paged by number."""

    entries: int = PAGE


@dataclass
class _Patience:
    tries: int
    """Of one request."""
    seconds: float
    """What is left for waiting and for requests that hang, all together."""


class Api:
    """GitHub, for one command with one token."""

    def __init__(
        self,
        address: Address,
        token: str,
        clock: PatientClock,
        *,
        elsewhere: str = "",
        committer: str = "",
        by_person: bool = False,
        timeout: int = 20,
        patience: float = _PATIENCE,
    ) -> None:
        """`elsewhere` is the token for other repositories than that of state, `committer` the one that
        commits; empty for the same. `by_person`: the token is of somebody at a laptop.

        `timeout` (seconds) is for one request, `patience` (seconds) for all waiting together.
        """
        self.repository = address.repository
        self.address = address
        self._transport = Transport(address, timeout)
        self._token = token
        self._elsewhere = elsewhere or token
        self._committer = committer or token
        self._by_person = by_person
        self._clock = clock
        self._patience = _Patience(TRIES, patience)
        self._decorative = _Patience(_DECORATIVE_TRIES, _DECORATIVE_PATIENCE)
        self._done: list[str] = []

    @property
    def calls(self) -> int:
        """Requests that were sent, those that failed included."""
        return self._transport.calls

    def now(self) -> datetime:
        """Returns the command's time."""
        return self._clock.now()

    @property
    def owner_and_name(self) -> dict[str, str]:
        """The repository as variables of a query."""
        return owner_and_name(self.repository)

    def token_for(self, repository: str) -> str:
        """Returns what speaks to a repository, `owner/name`."""
        return self._token if repository.lower() == self.repository.lower() else self._elsewhere

    def _committer_for(self, repository: str) -> str:
        is_home = repository.lower() == self.repository.lower()
        return self._committer if is_home else self.token_for(repository)

    def speaks_apart(self, repository: str) -> bool:
        """Returns whether another token than that of the repository of state speaks to it."""
        return self.token_for(repository) != self._token

    # --- one request -------------------------------------------------------------------------------------

    def rest(
        self,
        verb: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        token: str = "",
    ) -> object:
        """Returns the document that answers; `token` speaks, where one is given. Raises PassingError,
        RefusedByGitHubError."""
        return self._exchange(verb, path, query, body, token=token)[1]

    def graphql(self, query: str, variables: Mapping[str, object]) -> object:
        """Returns the data that answers. Raises PassingError, RefusedByGitHubError."""
        data, fault = self.made(query, variables)
        if fault:
            raise fault
        return data

    def graphql_without(self, root: str, query: str, variables: Mapping[str, object]) -> object:
        """Returns the data that answers; `root` of it is None where only what lies under it could not be
        told.

        Raises as `graphql`.
        """
        answer, headers = self._answer(query, variables)
        if any((error.path or ())[:1] != (root,) for error in answer.errors):
            raise graphql_fault(answer.errors, headers, self._clock.now())
        if answer.data is None:
            raise PassingError("an answer without data")
        data = dict(answer.data)
        if answer.errors or self._moved_root(root, data.get(root), variables):
            data[root] = None
        self._refuse_moved(data, variables)
        return data

    def graphql_but(self, field: str, query: str, variables: Mapping[str, object]) -> object:
        """Returns the data that answers, in which fields of that name are None that the token may not read.

        Raises as `graphql`.
        """
        answer, headers = self._answer(query, variables)
        told = [error for error in answer.errors if not error.refuses(field)]
        if told:
            raise graphql_fault(told, headers, self._clock.now())
        if answer.data is None:
            raise PassingError("an answer without data")
        self._refuse_moved(answer.data, variables)
        return answer.data

    def made(
        self, query: str, variables: Mapping[str, object], *, committing_to: str = ""
    ) -> tuple[object, PassingError | RefusedByGitHubError | None]:
        """Returns what a mutation answers, and what failed: a part of it may have been made anyway.

        `committing_to`: the repository of a commit, which the mutation alone does not tell.
        """
        token = self._committer_for(committing_to) if committing_to else ""
        answer, headers = self._answer(query, variables, token)
        self._refuse_moved(answer.data or {}, variables)
        fault = graphql_fault(answer.errors, headers, self._clock.now()) if answer.errors else None
        return answer.data, fault

    def _answer(
        self, query: str, variables: Mapping[str, object], token: str = ""
    ) -> tuple[_GraphqlAnswer, Mapping[str, str]]:
        body = {"query": query, "variables": variables}
        named = "/".join(str(variables[part]) for part in ("owner", "name") if part in variables)
        speaks = token or self.token_for(named or self.repository)
        headers, document = self._exchange("POST", self.address.graphql_url, None, body, token=speaks)
        return parsed(_GraphqlAnswer, document), headers

    def _refuse_moved(self, data: Mapping[str, object], variables: Mapping[str, object]) -> None:
        """Raises RefusedByGitHubError where GraphQL has followed a repository to another name."""
        for root, found in data.items():
            if refusal := self._moved_root(root, found, variables):
                raise refusal

    def _moved_root(
        self, root: str, found: object, variables: Mapping[str, object]
    ) -> RefusedByGitHubError | None:
        names = (variables.get(f"{root}{part}", variables.get(part.lower())) for part in ("Owner", "Name"))
        asked = "/".join(map(str, names))
        answered = found.get("nameWithOwner") if isinstance(found, dict) else None
        if answered is None or str(answered).lower() == asked.lower():
            return None
        return self._moved(asked, str(answered))

    def _moved(self, asked: str, new: str) -> RefusedByGitHubError:
        return moved(asked, new, is_home=asked.lower() == self.repository.lower())

    def changed(
        self, path: str, query: Mapping[str, str | int], etag: str
    ) -> tuple[Mapping[str, str], object] | None:
        """Returns headers and document of a GET; None when it still has this etag. Raises as `rest`."""
        answer = self._exchange("GET", path, query, None, {"If-None-Match": etag} if etag else None)
        return None if etag and answer[1] is None else answer

    def _exchange(
        self,
        verb: str,
        url: str,
        query: Mapping[str, str | int] | None,
        body: object,
        headers: dict[str, str] | None = None,
        *,
        token: str = "",
    ) -> tuple[Mapping[str, str], object]:
        """Sends it with the token of the repository in the path, when no `token` is given."""
        named = _BY_NAME.match(url)
        repository = named[1] if named else ""
        speaks = token or self.token_for(repository or self.repository)
        try:
            status, answered, document = self._transport.send(verb, url, query, body, headers, token=speaks)
        except RedirectError as redirect:
            raise self._redirected(url, repository, redirect) from redirect
        if status >= 400:
            raise rest_fault(status, document, answered, self._clock.now())
        return answered, document

    def _redirected(self, url: str, repository: str, redirect: RedirectError) -> RefusedByGitHubError:
        """Returns what a redirect means: below the API a former name leads to a new one;
        no other is GitHub's.
        """
        place = urljoin(f"{self.address.api_url}/", redirect.location)
        inside = place.startswith(f"{self.address.api_url}/") and repository
        name = self._name_at(place) if inside else ""
        if name:
            return self._moved(repository, name)
        where = f"to {redirect.location}" if redirect.location else "to an address that it does not tell"
        asked = url if url.startswith("http") else f"{self.address.api_url}{url}"
        return foreign(f"{asked} answered {redirect.status} {where}, which GitHub's API does not")

    def _name_at(self, place: str) -> str:
        """Returns name of the repository at an address of the API, the address itself where GitHub does not
        tell.

        Empty where the address is not a repository's.
        """
        path = place.removeprefix(self.address.api_url)
        if named := _BY_NAME.match(path):
            return named[1]
        numbered = _BY_NUMBER.match(path)
        if numbered is None:
            return ""
        try:
            answer = self._transport.send("GET", numbered[0], token=self._token)
            return parsed(str, answer.document, "full_name") if answer.status < 300 else place
        except (PassingError, RefusedByGitHubError, RedirectError):
            return place

    def pages(
        self,
        doing: str,
        path: str,
        model: type[M],
        *,
        query: Mapping[str, str | int] | None = None,
        most: int | None = None,
    ) -> list[M]:
        """Returns every page of a list, or the first `most`, each waited for as `attempt` does."""
        found: list[M] = []
        while True:
            wanted = {**(query or {}), "per_page": PAGE, "page": len(found) + 1}

            def one_page(wanted: Mapping[str, str | int] = wanted) -> tuple[M, bool]:
                headers, document = self._exchange("GET", path, wanted, None)
                return parsed(model, document), 'rel="next"' in headers.get("link", "")

            page, leads_on = self.attempt(doing, one_page)
            found.append(page)
            if not leads_on or len(found) == most:
                return found

    # --- faults ------------------------------------------------------------------------------------------

    def attempt(self, doing: str, first: Callable[[], T], again: Callable[[], T] | None = None) -> T:
        """Returns what `first` gives; after a fault that passes, what `again` gives, or `first` once more.

        So `again` of a write looks what became of it before it writes. Raises OutsideError that says what
        was being done (`doing`, such as `reading main`), why it failed, and what is done already.
        """
        return self._try(doing, first, again or first, self._patience)

    def decorate(self, doing: str, first: Callable[[], T], again: Callable[[], T] | None = None) -> T:
        """Returns the same for a decorative request: tried twice, and little is waited for all of them
        together.

        A job's time is limited, and what is vital needs it.
        """
        if self._decorative.seconds < 0:
            raise self._failed(doing, "not tried: GitHub answers too slowly", LATER)
        return self._try(doing, first, again or first, self._decorative)

    def _try(self, doing: str, first: Callable[[], T], again: Callable[[], T], patience: _Patience) -> T:
        step = first
        for turn in range(1, patience.tries + 1):
            began = self._clock.now()
            try:
                return step()
            except PassingError as fault:
                patience.seconds -= (self._clock.now() - began).total_seconds()
                self._sit_out(doing, fault, turn, patience)
            except RefusedByGitHubError as refusal:
                raise self._failed(doing, str(refusal), self.advice(refusal)) from refusal
            step = again
        raise AssertionError("unreachable: the last fault is raised")

    def attempt_page(self, doing: str, size: PageSize, ask: Callable[[int], T]) -> T:
        """Repeats as `attempt` does, and halves the page where GitHub finds it too much."""

        def one_page() -> T:
            try:
                return ask(size.entries)
            except PassingError as fault:
                if fault.too_much:
                    size.entries = max(1, size.entries // 2)
                raise

        return self.attempt(doing, one_page)

    def advice(self, refusal: RefusedByGitHubError) -> str:
        """Returns what to do about it."""
        return advice(refusal, self.address, by_person=self._by_person)

    def did(self, what: str) -> None:
        """Notes a write, for the message of a later failure."""
        self._done.append(what)

    def _sit_out(self, doing: str, fault: PassingError, turn: int, patience: _Patience) -> None:
        wait = 2.0 ** (turn - 1) if fault.wait is None else fault.wait
        hint = if_it_passes(self.address) if fault.foreign else LATER
        if turn == patience.tries or (fault.wait is None and wait > patience.seconds):
            times = f"{turn} times" if turn > 1 else "once"
            raise self._failed(doing, f"{fault}; tried {times}", hint) from fault
        if wait > patience.seconds:
            raise self._failed(doing, f"{fault}; it asks to wait {wait:.0f}s", hint) from fault
        patience.seconds -= wait
        if wait:
            self._clock.wait(wait)

    def _failed(self, doing: str, why: str, advice: str) -> OutsideError:
        done = f"; done already: {', '.join(self._done)}" if self._done else ""
        return OutsideError(f"{doing} failed: GitHub: {self._inert(why)}", hint=advice + done)

    def _inert(self, text: str) -> str:
        for token in filter(None, {self._token, self._elsewhere, self._committer}):
            text = text.replace(token, "***")
        return self._transport.inert(text)


def owner_and_name(repository: str) -> dict[str, str]:
    owner, _, name = repository.partition("/")
    return {"owner": owner, "name": name}
