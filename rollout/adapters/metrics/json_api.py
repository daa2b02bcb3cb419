"""Any HTTP server that answers in JSON; a JMESPath expression finds the number."""

from __future__ import annotations

from rollout.adapters.metrics.http_client import MAX_BODY, WHOLE, HttpAnswer
from rollout.core.surfaces import expressions
from rollout.core.surfaces.metrics.answers import Answer, Point
from rollout.core.surfaces.metrics.questions import Question
from rollout.core.surfaces.payload import MalformedError, decode, number, shown
from rollout.core.text import inert
from rollout.core.values import JsonValue


def path(question: Question) -> str:
    """Returns what is requested below the base address."""
    return question.text


def read(found: HttpAnswer, question: Question) -> Answer:
    """Returns the number or the list of numbers that the question picks. Raises MalformedError for others.

    Only an empty list is an answer without a series. Nothing at all is what an error inside of an answer
    looks like too, so it is never 0.
    """
    document = decode(found.body, MAX_BODY)
    try:
        picked = expressions.evaluated(question.pick, document)
    except expressions.FailedError as error:
        raise MalformedError(f"pick fails on the answer: {inert(str(error), WHOLE)}") from None
    if picked is None:
        raise MalformedError("picks nothing: the answer lacks what pick names")
    values = picked if isinstance(picked, list) else [picked]
    return Answer(tuple(Point(_value(each), found.date) for each in values), at=found.date)


def _value(picked: JsonValue) -> int | float:
    if isinstance(picked, str) and _reads_as_number(picked):
        raise MalformedError(f"picks text: {shown(picked, WHOLE)}; to_number() reads it")
    value = None if isinstance(picked, bool) else number(picked)
    if value is None:
        raise MalformedError(f"picks no number: {shown(picked, WHOLE)}")
    return value


def _reads_as_number(text: str) -> bool:
    """Returns whether the text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
