"""One request to GitHub and what answers it, without a second try.

PyGithub carries it: connection and credentials. Its objects are left out, since they fetch more than is
asked for and calls are budgeted; so are its retries, which know neither GraphQL, where reading is a POST
too, nor that one looks what became of a write before making it again; so is its way with redirects: it drops
the query of a 301, after which each page is the first, and takes a 307 for the answer to a write.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from rollout import __version__
from rollout.adapters.github.address import Address
from rollout.adapters.github.answers import PassingError, foreign
from rollout.core.surfaces.payload import MalformedError, decode
from rollout.core.text import inert
from rollout.errors import OutsideError

if TYPE_CHECKING:
    from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester
    from requests import Response

PAGE = 100
_NOT_MODIFIED = 304
_LONGEST_REASON = 300
_LONGEST_ANSWER = 1 << 26


class RedirectError(Exception):
    """An answer that leads elsewhere."""

    def __init__(self, status: int, location: str) -> None:
        super().__init__(location)
        self.status = status
        self.location = location


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    document: object


class Transport:
    """Requests to one address; `timeout` (seconds) is for each of them."""

    def __init__(self, address: Address, timeout: int) -> None:
        self.calls = 0
        """Requests that were sent, those that failed included."""
        self.was_answered = False
        """Whether the address has answered as GitHub does."""
        self._address = address
        self._timeout = timeout
        self._requesters: dict[str, Requester] = {}

    def send(
        self,
        verb: str,
        url: str,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: dict[str, str] | None = None,
        *,
        token: str,
    ) -> Answer:
        """Raises PassingError, RedirectError; RefusedByGitHubError for a refusal that is not GitHub's."""
        requester = self._requester(token)
        self.calls += 1
        try:
            status, answered, text = requester.requestJson(
                verb, url, dict(query or {}), headers, body, self._connection
            )
        except (OSError, ValueError) as error:
            raise PassingError(self.inert(self._unanswered(error)), foreign=not self.was_answered) from error
        document = self._document(verb, url, Answer(status, answered, text))
        self.was_answered = True
        return Answer(status, answered, document)

    def inert(self, text: str) -> str:
        """Returns the text without the tokens that were sent, safe to show."""
        for token in self._requesters:
            text = text.replace(token, "***")
        return inert(text, _LONGEST_REASON)

    def _unanswered(self, error: Exception) -> str:
        host = urlsplit(self._address.api_url).hostname
        if any(word in str(error) for word in ("NameResolutionError", "getaddrinfo")):
            return f"no host is called {host}, or its name cannot be looked up"
        return f"{type(error).__name__}: {error}"

    def _document(self, verb: str, url: str, answer: Answer) -> object:
        """Raises PassingError, RefusedByGitHubError for what is not JSON, as another server answers."""
        text = str(answer.document)
        kind = answer.headers.get("content-type", "").partition(";")[0] or "nothing that is JSON"
        where = url if url.startswith("http") else f"{self._address.api_url}{url}"
        why = f"{verb} {where} answered {answer.status} with {inert(kind, 60)}"
        try:
            document = decode(text.encode(), _LONGEST_ANSWER) if text else None
        except MalformedError as error:
            if answer.status >= 500:
                return None
            if answer.status >= 400:
                raise foreign(f"{why}, which is not GitHub's API") from error
            raise PassingError(f"{why}, which is not GitHub's API: {error}", foreign=True) from error
        if 400 <= answer.status < 500 and text and not (isinstance(document, dict) and "message" in document):
            raise foreign(f"{why} and no message, which is not GitHub's API")
        return document

    def _requester(self, token: str) -> Requester:
        if not token:
            raise OutsideError(
                f"{self._address.repository} is not asked without a token", hint="log in: gh auth login"
            )
        if token not in self._requesters:
            self._requesters[token] = self._connected(token)
        return self._requesters[token]

    def _connected(self, token: str) -> Requester:
        from github import Auth, Github

        return Github(
            base_url=self._address.api_url,
            auth=Auth.Token(token),
            user_agent=f"rollout/{__version__}",
            per_page=PAGE,
            timeout=self._timeout,
            retry=None,
            # A run makes a handful of calls; GitHub asks for pauses between hundreds.
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
        ).requester

    @cached_property
    def _connection(self) -> HTTPRequestsConnectionClass | HTTPSRequestsConnectionClass:
        from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass

        server = urlsplit(self._address.api_url)
        kind = HTTPSRequestsConnectionClass if server.scheme == "https" else HTTPRequestsConnectionClass
        made = kind(server.hostname or "", server.port, timeout=self._timeout)
        made.session.hooks["response"].append(_stop_at_redirect)
        weakref.finalize(self, made.session.close)
        return made


def _stop_at_redirect(response: Response, *_: object, **__: object) -> None:
    """Raises RedirectError. PyGithub would follow a 301 and take other redirects for success."""
    if 300 <= response.status_code < 400 and response.status_code != _NOT_MODIFIED:
        response.close()
        raise RedirectError(response.status_code, response.headers.get("location", ""))
