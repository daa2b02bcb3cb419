"""Metrics servers, asked over HTTP: who is asked how, with which secrets, and until when."""

from __future__ import annotations

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
from rollout.adapters.metrics.secrets import Secrets
from rollout.core.contract.metrics import Datadog, JsonApi, Metrics, Prometheus
from rollout.core.surfaces.metrics.answers import Answer
from rollout.core.surfaces.metrics.questions import Question
from rollout.core.surfaces.payload import MalformedError
from rollout.core.text import inert
from rollout.core.values import format_duration
from rollout.ports import Clock

_REFUSED = (401, 403)
_FOUND = 200
_HIDDEN = "the answer holds a part of a secret that was sent, so it is not shown"
_REDIRECTS = range(300, 400)


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
            secrets = Secrets(metrics.auth, self._environment)
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
        answers = {
            question: _read(metrics, question, pages[path], secrets) for question, path in paths.items()
        }
        if self._at is None or isinstance(metrics, JsonApi):  # which tells its state of now alone
            return answers
        return {question: replace(answer, at=self._at) for question, answer in answers.items()}

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


def _read(metrics: Metrics, question: Question, page: _Page, secrets: Secrets) -> Answer:
    """Returns what a page answers; nothing of its words where they may hold a secret."""
    if isinstance(page, NoAnswerError):
        return Answer(why=_HIDDEN if secrets.are_in(str(page)) else str(page))
    try:
        answer = _answer(metrics, question, page, secrets)
    except (NoAnswerError, MalformedError) as problem:
        answer = Answer(why=str(problem))
    if any(secrets.are_number(point.value) for point in answer.points):
        return Answer(why=_HIDDEN)
    has_words = bool(answer.why or answer.infos) and page.status not in _REFUSED
    if not has_words or not secrets.are_in(
        f"{page.body.decode(errors='replace')} {page.location} {answer.why}"
    ):
        return answer
    if not answer.why:
        return replace(answer, infos=(_HIDDEN,))
    return Answer(why=_HIDDEN if page.status == _FOUND else f"answered {page.status}: {_HIDDEN}")


def _answer(metrics: Metrics, question: Question, page: HttpAnswer, secrets: Secrets) -> Answer:
    if page.status in _REDIRECTS:
        where = f" to {inert(page.location, WHOLE)}" if page.location else ""
        raise NoAnswerError(f"answered {page.status}, a redirect{where}; write the last address into `url`")
    if page.status in _REFUSED:
        said = f"the secret in {', '.join(secrets.names)} is not accepted" if secrets.names else "add `auth`"
        raise NoAnswerError(f"answered {page.status}: {said}")
    if page.status != _FOUND:
        raise NoAnswerError(_with_words(metrics, page))
    return _of_provider(metrics, question, page)


def _with_words(metrics: Metrics, page: HttpAnswer) -> str:
    """Returns the status, and the server's own words where it has any."""
    try:
        words = _error(metrics, page)
    except MalformedError:
        words = ""
    return f"answered {page.status}: {words}" if words else f"answered {page.status}"


def _error(metrics: Metrics, page: HttpAnswer) -> str:
    match metrics:
        case Prometheus():
            return prometheus.error(page)
        case Datadog():
            return datadog.error(page)
        case JsonApi():
            return ""
        case _:
            assert_never(metrics)


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
