"""Datadog's query of timeseries points: https://docs.datadoghq.com/api/latest/metrics/"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from rollout.adapters.metrics.http_client import MAX_BODY, WHOLE, HttpAnswer
from rollout.core.surfaces.metrics.answers import Answer, Point
from rollout.core.surfaces.metrics.questions import Question
from rollout.core.surfaces.payload import MalformedError, a_list, an_object, decode, number, shown
from rollout.core.text import inert
from rollout.core.values import JsonValue, from_unix

_MILLISECONDS = 1000


def path(question: Question, now: datetime) -> str:
    """Returns what is requested below the base address: the question's window until now."""
    until = int(now.timestamp())
    return (
        f"/api/v1/query?{urlencode({'from': until - question.window, 'to': until, 'query': question.text})}"
    )


def read(found: HttpAnswer) -> Answer:
    """Returns the newest point of each series. Raises MalformedError for what is no answer."""
    document = an_object(decode(found.body, MAX_BODY), "the answer")
    words = document.get("error") or document.get("errors")
    if words or document.get("status") not in (None, "ok"):
        return Answer(why=_error(document) or "the server says: an error without words")
    series = [an_object(each, "a series") for each in a_list(document.get("series"), "series")]
    lists = [a_list(each.get("pointlist"), "pointlist") for each in series]
    return Answer(tuple(_newest(each) for each in lists if each), at=found.date)


def error(found: HttpAnswer) -> str:
    """Returns what the server says of an error; empty where it has no words. Raises MalformedError."""
    return _error(an_object(decode(found.body, MAX_BODY), "the answer"))


def _error(document: dict[str, JsonValue]) -> str:
    words = document.get("error") or document.get("errors")
    first = words[0] if isinstance(words, list) and words else words
    return f"the server says: {inert(first, WHOLE)}" if isinstance(first, str) and first else ""


def _newest(points: list[JsonValue]) -> Point:
    return max(map(_point, points), key=lambda point: point.at.timestamp() if point.at else 0)


def _point(pair: JsonValue) -> Point:
    if not isinstance(pair, list) or len(pair) != 2:
        raise MalformedError("a point is not a pair of time and number")
    moment, value = number(pair[0]), number(pair[1])
    if moment is None or isinstance(pair[0], bool):
        raise MalformedError(f"a time is not a number: {shown(pair[0], WHOLE)}")
    if pair[1] is None:
        return Point(float("nan"), from_unix(moment / _MILLISECONDS))
    if value is None or isinstance(pair[1], bool):
        raise MalformedError(f"a value is not a number: {shown(pair[1], WHOLE)}")
    return Point(value, from_unix(moment / _MILLISECONDS))
