"""Prometheus' HTTP API, instant queries: https://prometheus.io/docs/prometheus/latest/querying/api/"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlencode

from rollout.adapters.metrics.http_client import MAX_BODY, WHOLE, HttpAnswer
from rollout.core.surfaces.metrics.answers import Answer, Point
from rollout.core.surfaces.metrics.questions import Question
from rollout.core.surfaces.payload import MalformedError, a_list, an_object, decode, number, shown
from rollout.core.text import inert
from rollout.core.values import JsonValue, from_unix

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|Inf)|NaN")
_REJECTED = ("bad_data", "execution")
_MAX_INFOS = 5


def path(question: Question, at: datetime | None) -> str:
    """Returns what is requested below the base address; `at`: the time to answer for, else the server's."""
    fields = {"query": question.text}
    if at is not None:
        fields["time"] = str(int(at.timestamp()))
    return f"/api/v1/query?{urlencode(fields)}"


def read(found: HttpAnswer) -> Answer:
    """Returns the series of an answer. Raises MalformedError for what is none."""
    document = an_object(decode(found.body, MAX_BODY), "the answer")
    if document.get("status") != "success":
        return Answer(why=_error(document) or "the server says: an error without words")
    if warnings := _texts(document.get("warnings")):
        return Answer(why=f"the server warns: {warnings[0]}")
    if document.get("isPartial") is True:
        return Answer(why="a partial answer: not every storage node took part")
    points = _points(an_object(document.get("data"), "data"))
    return Answer(points, at=found.date, infos=_texts(document.get("infos")))


def error(found: HttpAnswer) -> str:
    """Returns what the server says of an error; empty where it has no words. Raises MalformedError."""
    return _error(an_object(decode(found.body, MAX_BODY), "the answer"))


def _error(document: dict[str, JsonValue]) -> str:
    kind, words = document.get("errorType"), document.get("error")
    if not isinstance(words, str) or not words:
        return ""
    told = inert(words, WHOLE)
    return f"the query is rejected: {told}" if kind in _REJECTED else f"the server says: {told}"


def _texts(value: JsonValue) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(_text, a_list(value, "warnings or infos")[:_MAX_INFOS]))


def _text(value: JsonValue) -> str:
    return inert(value, WHOLE) if isinstance(value, str) else shown(value, WHOLE)


def _points(data: dict[str, JsonValue]) -> tuple[Point, ...]:
    kind = data.get("resultType")
    if kind == "scalar":
        return (_point(data.get("result")),)
    if kind != "vector":
        raise MalformedError(f"gives a {_text(kind)}, not an instant vector of numbers")
    series = [an_object(each, "a series") for each in a_list(data.get("result"), "result")]
    if any("histogram" in each for each in series):
        raise MalformedError("gives a histogram, not a number; take a quantile of it")
    return tuple(_point(each.get("value")) for each in series)


def _point(pair: JsonValue) -> Point:
    if not isinstance(pair, list) or len(pair) != 2:
        raise MalformedError("a value is not a pair of time and number")
    seconds, text = number(pair[0]), pair[1]
    if seconds is None or isinstance(pair[0], bool):
        raise MalformedError(f"a time is not a number: {shown(pair[0], WHOLE)}")
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise MalformedError(f"a value is not a number in quotes: {shown(text, WHOLE)}")
    return Point(float(text), from_unix(seconds))
