"""Markdown that several documents share: templates filled in, gates and their figures in lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rollout.core.state import GateFinding, Result
from rollout.rendering.gates import GateRow, Silence, listed, rows, symbol
from rollout.rendering.inert import Markdown, finalize, text

if TYPE_CHECKING:
    from jinja2 import Template

_APART = "&#8203;"
SHORT = 10
"""Digits of an id where people read it. GitHub makes a link of it where it knows the commit."""
_LIMIT = re.compile(r"(?P<sign><=|>=) (?P<figure>\S+(?P<unit> (?!and <=).+)?)")
_AT = {"<=": "at most", ">=": "at least"}


def render(template: str, values: Mapping[str, object]) -> str:
    """Returns a template filled in; each value that is not Markdown on purpose is shown as text.

    Raises jinja2.UndefinedError for a name without a value, TypeError for a value that is no text.
    """
    return _compiled(template).render(values)


@lru_cache
def _compiled(template: str) -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, finalize=_finalize, autoescape=False)  # noqa: S701
    return environment.from_string(template)


def _finalize(value: object) -> object:
    from jinja2 import Undefined

    # Left to Jinja, which raises with the name of what is missing.
    return value if isinstance(value, Undefined) else finalize(value)


def commit_link(commit: str, page: str) -> Markdown:
    """Returns the commit's short id, as a link where its repository has a page."""
    shown = commit[:SHORT]
    return Markdown(f"[{shown}]({page.rstrip('/')}/commit/{commit})") if page else Markdown(shown)


_HIDDEN = re.compile(r"(?<!\\)<(?:!--.*?-->\n?|/?details>\n|/?span>)", re.DOTALL)
_SUMMARY = re.compile(r"<summary>(.*?)</summary>")
_ESCAPED = re.compile(r"\\([\\`*_\[\]~|<>#+=&.)-])")
_BLANK = re.compile(r"\n{3,}")


def for_terminal(body: str) -> str:
    """Returns a body as a person reads it without a browser: no hidden marks, folds or escapes."""
    shown = _SUMMARY.sub(r"### \1", _HIDDEN.sub("", body))
    shown = _ESCAPED.sub(r"\1", shown.replace(_APART, "").replace("&nbsp;", " "))
    return _BLANK.sub("\n\n", shown).strip()


# --- gates -----------------------------------------------------------------------------------------------


def not_holding(findings: Iterable[GateFinding]) -> list[Markdown]:
    """Returns a line for each reason why a gate does not hold, failing ones first: `✗ depth (voice): 3`."""
    return [entry for each in listed(findings) for entry in _open_lines(each)]


def _open_lines(row: GateRow | Silence) -> Iterator[Markdown]:
    if isinstance(row, Silence):
        gates = ", ".join(row.gates)
        yield Markdown(f"{symbol(Result.UNKNOWN)} {text(row.surfaces)}: {text(row.seen)} ({text(gates)})")
        return
    for finding in row.open:
        where = f" ({finding.surface})" if finding.surface else ""
        seen = f"unknown, {finding.seen}" if finding.result is Result.UNKNOWN else finding.seen
        subject = f"{symbol(finding.result)} {text(finding.gate + where)}"
        yield Markdown(f"{subject}: {text(seen)}, wanted {_wanted(finding.wanted)}")


def _wanted(wanted: str) -> Markdown:
    found = _LIMIT.fullmatch(wanted)
    return text(f"{_AT[found['sign']]} {found['figure']}" if found else wanted)


def holding(findings: Iterable[GateFinding]) -> list[Markdown]:
    """Returns a line for each gate that holds, with what each surface shows: `✓ queue_depth: 0, 0, 1 of at
    most 1`.

    Surfaces are named where they are not `order_of` all gates.
    """
    found = rows(findings)
    order = order_of(findings)
    return [_holding_line(row, order) for row in found if row.holds]


def order_of(findings: Iterable[GateFinding]) -> tuple[str, ...]:
    """Returns the surfaces of the gate that asks most of them, in the order of its figures."""
    return max((_surfaces(row) for row in rows(findings)), key=len, default=())


def _surfaces(row: GateRow) -> tuple[str, ...]:
    return tuple(f.surface for f in row.findings if f.surface and f.result is Result.SATISFIED)


def _limit(found: re.Match[str]) -> str:
    """Returns ` of at most 1`, after a figure with a unit `, at most 1 %`."""
    return f"{',' if found['unit'] else ' of'} {_AT[found['sign']]} {found['figure']}"


def _holding_line(row: GateRow, order: Sequence[str]) -> Markdown:
    shown = [finding for finding in row.findings if finding.result is Result.SATISFIED]
    if not shown:
        return Markdown(f"{symbol(row.result)} {text(row.gate)}: does not apply")
    surfaces = _surfaces(row)
    figures = ", ".join(finding.seen for finding in shown)
    if len({finding.seen for finding in shown}) == 1 and not any(char.isdigit() for char in shown[0].seen):
        figures = shown[0].seen
    where = f" ({', '.join(surfaces)})" if surfaces and surfaces != tuple(order) else ""
    wanted = shown[0].wanted
    found = _LIMIT.fullmatch(wanted)
    limit = _limit(found) if found else f" ({wanted})"
    limit = "" if not wanted or {finding.seen for finding in shown} == {wanted} else limit
    return Markdown(f"{symbol(row.result)} {text(row.gate + where)}: {text(figures + limit, 500)}")
