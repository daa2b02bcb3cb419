"""Queries of metrics that cannot be asked, or do not measure what they seem to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rollout.core.contract import Contract
from rollout.core.contract.metrics import Datadog, Metrics, Part, Pick, Prometheus, Query
from rollout.core.placeholders import named
from rollout.core.surfaces.expressions import constant_doubt, constant_problem, expression_problem
from rollout.core.surfaces.metrics import promql, url_path
from rollout.core.surfaces.metrics.holes import NAMES
from rollout.core.surfaces.metrics.questions import holes_in, usual_window
from rollout.core.values import format_duration, parse_duration

_COUNTED = (Part.GOOD, Part.TOTAL)


class _QueryPart(NamedTuple):
    """One part of one query."""

    where: str
    """The field of the contract."""
    metrics: Metrics
    query: Query
    part: Part
    asked: str | Pick
    further: tuple[int, ...] = ()
    """Seconds of each window that a gate or trigger asks it over, beside its own."""

    @property
    def text(self) -> str:
        return self.asked.path if isinstance(self.asked, Pick) else self.asked

    @property
    def text_field(self) -> str:
        return f"{self.where}.path" if isinstance(self.asked, Pick) else self.where


def metric_problems(contract: Contract) -> Iterator[str]:
    """Yields each mistake that can be seen without the server, as `field: message`."""
    for name, surface in contract.surfaces.items():
        if surface.metrics is not None and surface.timeout == 0:
            yield f"surfaces.{name}.timeout: 0s ends the queries before they begin; did you mean 10s?"
    for each in _parts(contract):
        if isinstance(each.metrics, Datadog) and not each.text.strip():
            yield f"{each.text_field}: asks nothing; write a query"
        for hole in holes_in(each.metrics, each.text):
            if hole.mistake:
                yield f"{each.text_field}: {hole.mistake}{_as_text(each, hole.name)}"
        if isinstance(each.metrics, Prometheus):
            yield from (f"{each.text_field}: {mistake}" for mistake in promql.mistakes(each.text))
        if isinstance(each.asked, Pick):
            yield from (f"{each.text_field}: {mistake}" for mistake in url_path.mistakes(each.text))
            yield from _of_expression(f"{each.where}.pick", each.asked.pick)


def _as_text(each: _QueryPart, name: str) -> str:
    """Returns how to write a brace that is no placeholder, where the word is none."""
    is_string = isinstance(each.metrics, Prometheus) and name not in NAMES
    return "; a brace of a string itself is written \\x7b" if is_string else ""


def _of_expression(where: str, expression: str) -> Iterator[str]:
    problem = expression_problem(expression) or constant_problem(expression, "the server answers")
    if problem:
        yield f"{where}: {problem}"
        return
    for word in named(expression):
        if word in NAMES:
            yield f"{where}: {{{word}}} is not filled in here; placeholders belong in path"


def metric_doubts(contract: Contract) -> Iterator[str]:
    """Yields what may be meant, as `field: message`."""
    for name, surface in contract.surfaces.items():
        if surface.metrics is not None and surface.metrics.insecure_http:
            where = f"surfaces.{name}.metrics.insecure_http"
            yield f"{where}: whoever is between here and the server can change what it measures"
    for each in _parts(contract):
        if isinstance(each.asked, Pick) and (doubt := constant_doubt(each.asked.pick)):
            yield f"{each.where}.pick: {doubt}"
        own = each.query.window or usual_window(each.metrics, each.query, contract.sampling.interval)
        if each.part in _COUNTED:
            yield from _of_counts(each, own)
        if isinstance(each.metrics, Datadog):
            yield from _of_buckets(each, max((own, *each.further)), contract.sampling.max_age)


_MOVING = re.compile(r"\bmoving_rollup\s*\(")
_SUMMED = re.compile(r"\.rollup\(\s*['\"]?sum\b")
_BY_WINDOW = re.compile(r"\.rollup\([^)]*\{window\}")


def _of_buckets(each: _QueryPart, window: int, max_age: int) -> Iterator[str]:
    """Yields why the newest point of Datadog may not count the window.

    `rollup` cuts time at whole multiples of its interval: its newest point is as old as the beginning of one.
    """
    is_count = each.part in _COUNTED or bool(each.further)
    advice = "write moving_rollup(QUERY.rollup(sum, 60), {window}, 'sum')"
    if _MOVING.search(each.text):
        return
    if is_count and not _SUMMED.search(each.text):
        yield f"{each.where}: its newest point counts a part of the window; {advice}"
    elif window > max_age and (is_count or _BY_WINDOW.search(each.text)):
        old, most = format_duration(window), format_duration(max_age)
        if not is_count:
            advice = "moving_rollup() reads the last {window} at every point"
        yield f"{each.where}: its newest point is up to {old} old, and sampling.max_age is {most}; {advice}"


def _of_counts(each: _QueryPart, window: int) -> Iterator[str]:
    """Yields why a part of a proportion may not count what happened in its window."""
    if isinstance(each.metrics, Prometheus):
        if promql.counts_by_rate(each.text):
            yield f"{each.where}: rate() gives no counts, which good and total are; use increase()"
        for found in _ranges(each.text):
            if found != window:
                yield (
                    f"{each.where}: looks back {format_duration(found)}, and its window is"
                    f" {format_duration(window)}; write [{{window}}]"
                )


_RANGE = re.compile(r"\[([0-9smhd]+)\]")


def _ranges(query: str) -> Iterator[int]:
    for text in dict.fromkeys(_RANGE.findall(query)):
        try:
            yield parse_duration(text)
        except ValueError:
            continue  # the server says what is wrong with it


def _parts(contract: Contract) -> Iterator[_QueryPart]:
    asked_over = contract.windows
    for name, surface in contract.surfaces.items():
        if surface.metrics is None:
            continue
        further = asked_over.get(name, {})
        for field, query in surface.metrics.queries.items():
            where = f"surfaces.{name}.metrics.queries.{field}"
            for part, asked in query.parts.items():
                windows = further.get(field, ()) if part is Part.VALUE else ()
                yield _QueryPart(f"{where}{_key(part, asked)}", surface.metrics, query, part, asked, windows)


def _key(part: Part, asked: str | Pick) -> str:
    if part is not Part.VALUE:
        return f".{part}"
    return "" if isinstance(asked, Pick) else ".query"
