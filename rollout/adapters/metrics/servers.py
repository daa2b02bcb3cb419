"""Metrics servers, asked over HTTP: who is asked how, with which secrets, and until when."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from rollout.adapters.metrics import datadog, json_api, prometheus
from rollout.adapters.metrics.http_client import (
    MOST_CONNECTIONS,
    WHOLE,
    HttpAnswer,
    HttpClient,
    Lookup,
    NoAnswerError,
    addresses_of,
)
from rollout.core.contract import Auth, Datadog, JsonApi, Metrics, Prometheus
from rollout.core.surfaces.metrics.answers import Answer
from rollout.core.surfaces.metrics.questions import Question
from rollout.core.surfaces.payload import MalformedError
from rollout.core.text import inert
from rollout.core.values import format_duration
from rollout.ports import Clock

_BLOTTED = "***"
_SHORTEST_SECRET = 4
"""Characters; a shorter one is part of too many words."""
_REFUSED = (401, 403)
_FOUND = 200
_REDIRECTS = range(300, 400)


class _Secrets:
    """What the variables of a contract hold, and the headers that they make."""

    def __init__(self, auth: Auth | None, environment: Mapping[str, str]) -> None:
        """Raises NoAnswerError for a variable that is not set, or holds what no header can carry."""
        self._environment = environment
        self._values: list[str] = []
        self.headers: dict[str, str] = {}
        self.names = auth.variables if auth is not None else ()
        if auth is None:
            return
        if auth.bearer_env is not None:
            self.headers["Authorization"] = f"Bearer {self._value(auth.bearer_env)}"
        if auth.basic_env is not None:
            pair = b64encode(self._value(auth.basic_env).encode()).decode()
            self._values.append(pair)
            self.headers["Authorization"] = f"Basic {pair}"
        for header, variable in auth.header_env.items():
            self.headers[header] = self._value(variable)

    def _value(self, variable: str) -> str:
        value = self._environment.get(variable, "").strip()
        if not value:
            raise NoAnswerError(f"the variable {variable} is not set")
        if not (value.isascii() and value.isprintable()):
            raise NoAnswerError(f"the variable {variable} holds a character that no header can carry")
        self._values.append(value)
        return value

    def blotted(self, text: str) -> str:
        """Returns the text without the secrets: a server may repeat what it was sent."""
        parts = {part for value in self._values for part in (value, value.partition(":")[2])}
        for value in sorted(parts, key=len, reverse=True):
            if len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, _BLOTTED)
        return text


class HttpMetricsServers:
    """Fills the `MetricsServers` port."""

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Clock,
        *,
        at: datetime | None = None,
        lookup: Lookup = addresses_of,
    ) -> None:
        """`at`: the moment of `--now`, which a server is asked to answer for; None for its own time.

        `lookup` gives the addresses of a host.
        """
        self._environment = environment
        self._clock = clock
        self._at = at
        self._lookup = lookup
        self._clients: set[HttpClient] = set()
        self._is_stopped = False

    def stop(self) -> None:
        """Ends every request and begins no other."""
        self._is_stopped = True
        for client in tuple(self._clients):
            client.end()

    def ask(
        self, metrics: Metrics, questions: Sequence[Question], *, timeout: int
    ) -> Mapping[Question, Answer]:
        """Returns the answer to each question; one that could not be had says why."""
        try:
            secrets = _Secrets(metrics.auth, self._environment)
        except NoAnswerError as problem:
            return dict.fromkeys(questions, Answer(why=str(problem)))
        paths = {question: self._path(metrics, question) for question in questions}
        client = HttpClient(
            metrics.url, secrets.headers, self._lookup, insecure=metrics.insecure_http, timeout=timeout
        )
        self._clients.add(client)
        if self._is_stopped:
            client.end()
        try:
            pages = _fetched(client, list(dict.fromkeys(paths.values())), timeout)
        finally:
            self._clients.discard(client)
            client.close()
        return {question: _read(metrics, question, pages[path], secrets) for question, path in paths.items()}

    def _path(self, metrics: Metrics, question: Question) -> str:
        match metrics:
            case Prometheus():
                return prometheus.path(question, self._at)
            case Datadog():
                return datadog.path(question, self._clock.now())
            case JsonApi():
                return json_api.path(question)
            case _:
                assert_never(metrics)


_Page = HttpAnswer | NoAnswerError


def _fetched(client: HttpClient, paths: Sequence[str], timeout: float) -> dict[str, _Page]:
    """Returns what each path brought, at most `MOST_CONNECTIONS` at a time, within so many seconds in all."""
    late = NoAnswerError(f"no answer within {format_duration(timeout)}")
    opening = Future[None]()
    pool = ThreadPoolExecutor(max_workers=MOST_CONNECTIONS)
    try:
        opening = pool.submit(client.open)
        gets = {path: pool.submit(_get, client, opening, path) for path in paths}
        ended = wait(gets.values(), timeout=timeout).done
        return {path: get.result() if get in ended else late for path, get in gets.items()}
    finally:
        client.end()  # wakes those that still wait, so that their threads end
        pool.shutdown(wait=False, cancel_futures=True)


def _get(client: HttpClient, opening: Future[None], path: str) -> _Page:
    try:
        opening.result()
        return client.get(path)
    except NoAnswerError as problem:
        return problem


def _read(metrics: Metrics, question: Question, page: _Page, secrets: _Secrets) -> Answer:
    """Returns what a page answers; its words without secrets."""
    try:
        if isinstance(page, NoAnswerError):
            raise page
        answer = _answer(metrics, question, page, secrets)
    except (NoAnswerError, MalformedError) as problem:
        answer = Answer(why=str(problem))
    return replace(
        answer, why=secrets.blotted(answer.why), infos=tuple(secrets.blotted(each) for each in answer.infos)
    )


def _answer(metrics: Metrics, question: Question, page: HttpAnswer, secrets: _Secrets) -> Answer:
    if page.status in _REDIRECTS:
        where = f" to {inert(page.location, WHOLE)}" if page.location else ""
        raise NoAnswerError(f"answered {page.status}, a redirect{where}; write the last address into `url`")
    if page.status in _REFUSED:
        said = f"the secret in {', '.join(secrets.names)} is not accepted" if secrets.names else "add `auth`"
        raise NoAnswerError(f"answered {page.status}: {said}")
    if page.status != _FOUND:
        raise NoAnswerError(_with_words(metrics, question, page))
    return _of_provider(metrics, question, page)


def _with_words(metrics: Metrics, question: Question, page: HttpAnswer) -> str:
    """Returns the status, and the server's own words where it has any."""
    try:
        words = "" if isinstance(metrics, JsonApi) else _of_provider(metrics, question, page).why
    except MalformedError:
        words = ""
    return f"answered {page.status}: {words}" if words else f"answered {page.status}"


def _of_provider(metrics: Metrics, question: Question, page: HttpAnswer) -> Answer:
    match metrics:
        case Prometheus():
            return prometheus.read(page)
        case Datadog():
            return datadog.read(page)
        case JsonApi():
            return json_api.read(page, question)
        case _:
            assert_never(metrics)
