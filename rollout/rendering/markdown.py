"""Bodies of pull requests. Equal facts give an equal body: it says when a decision ends, not its age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from rollout.core.contract import Contract, Phase, RunsSoak
from rollout.core.decide.revision import heads_read
from rollout.core.state import (
    Decision,
    Facts,
    GateFinding,
    Release,
    ReleaseRange,
    Result,
    Rollout,
    Status,
    Verdict,
)
from rollout.core.values import format_duration, format_instant
from rollout.rendering.gates import (
    GateRow,
    Silence,
    count,
    day_and_time,
    listed,
    progress,
    release_name,
    soak_bar,
    symbol,
    word,
)
from rollout.rendering.inert import DOCUMENT_LIMIT, Markdown, cut, finalize, marker_value
from rollout.rendering.ranges import SHORT, comparison, markdown_rows, no_target

if TYPE_CHECKING:
    from jinja2 import Template

MARKER = "<!-- rollout:promotion train={train} release={release} phase={phase} -->"


def promotion_marker(train: str, release: str, phase: str) -> str:
    """The hidden comment by which the pull request of a promotion to `phase` is found again."""
    return MARKER.format(train=marker_value(train), release=marker_value(release), phase=marker_value(phase))


def promotion_body(
    template: str,
    *,
    contract: Contract,
    rollout: Rollout,
    status: Status,
    to: Phase,
    decided_at: str,
    needs_person: str = "",
    product_page: str = "",
) -> str:
    """The body of the pull request that promotes to `to`.

    `product_page` is the address of the product's repository; empty on the local forge.
    `needs_person` is why a rollback of the release would need a person; empty when it would not.

    `template` is the text of promotion-pr.md.j2. `decided_at` is the state commit that the branch was made
    on (`PullRequest.base_sha`); with the head instead the body would change at every observation.
    Raises ValueError when the rollout has no release.
    """
    if rollout.release is None:
        raise ValueError("a promotion needs a release")
    marker = promotion_marker(rollout.train, release_name(rollout.release.version), to.name)
    values = _values(contract, rollout, status, to, decided_at, rollout.release.commit)
    values |= _range(rollout.release, status.release_range, product_page)
    body = render(template, values | {"needs_person": needs_person})
    return f"{cut(body.strip(), DOCUMENT_LIMIT - len(marker) - 2)}\n\n{marker}"


def render(template: str, values: Mapping[str, object]) -> str:
    """A template filled in; each value that is not Markdown on purpose is shown as a code span.

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


# --- values of the promotion template --------------------------------------------------------------------


def _values(
    contract: Contract, rollout: Rollout, status: Status, to: Phase, decided_at: str, commit: str
) -> dict[str, object]:
    phase = contract.phase(status.phase)
    target = rollout.rollback_target
    refusal = _refusal(rollout, status.decision, to)
    return {
        "train": rollout.train,
        "release": release_name(status.release),
        "commit": commit,
        "from_phase": phase.name,
        "from_percent": phase.canary_percent,
        "to_phase": to.name,
        "to_percent": to.canary_percent,
        "verdict": Markdown(status.decision.verdict.value),
        "refusal": refusal,
        "reasons": [reason for reason in status.decision.reasons if reason != refusal],
        "soak": soak_bar(progress(phase, status)),
        "gates": gate_rows(status.gates),
        "evaluated_since": _evaluated_since(status),
        "product_heads": heads_read(status.observation) if status.observation else {},
        "harness": _harness(status),
        "checks": _checks(status.facts),
        "decided_at": decided_at,
        "rollback_target": f"{release_name(target.version)} on {target.channel}" if target else "",
        "no_target": Markdown(f"{no_target(rollout).capitalize()}."),
        "next_soak": _soak(to),
        "holds_until": day_and_time(status.decision.at + timedelta(seconds=contract.max_gap(phase))),
        "max_gap": format_duration(contract.max_gap(phase)),
        "by_hand": contract.apply is None,
    }


def _range(release: Release, found: ReleaseRange | None, product_page: str) -> dict[str, object]:
    return {
        "commits": markdown_rows(found) if found else [],
        "size": Markdown(count(found.total, "commit")) if found else "",
        "base": release.base[:SHORT] if release.base else "",
        "comparison": comparison(release, product_page),
    }


def _refusal(rollout: Rollout, decision: Decision, to: Phase) -> str:
    """Why merging is wrong now; empty when it is right."""
    if rollout.frozen is not None:
        return f"frozen: {rollout.frozen.reason}"
    if decision.verdict is Verdict.PROMOTE and decision.to == to.name:
        return ""
    return decision.reasons[0] if decision.reasons else f"the decision is {decision.verdict} now"


def gate_rows(findings: Iterable[GateFinding], *, holding: bool = True) -> list[dict[str, object]]:
    """The table of the gates, worst first: a row for each that holds, and for each reason why one does not.

    What a holding surface shows is left out: it moves from one observation to the next. Without `holding`
    so are the gates that hold.
    """
    shown = [each for each in listed(findings) if holding or isinstance(each, Silence) or not each.holds]
    return [entry for each in shown for entry in _gate_rows(each)]


def _gate_rows(row: GateRow | Silence) -> list[dict[str, object]]:
    if isinstance(row, Silence):
        return [_table_row(", ".join(row.gates), Result.UNKNOWN, row.seen, "", row.surfaces)]
    if not row.holds:
        return [_table_row(f.gate, f.result, f.seen, f.wanted, f.surface or "") for f in row.open]
    surfaces = [finding for finding in row.findings if finding.surface and finding.result is Result.SATISFIED]
    seen = "" if any(finding.surface for finding in row.findings) else row.findings[0].seen
    where: str | Markdown = Markdown(count(len(surfaces), "surface")) if surfaces else ""
    return [_table_row(row.gate, row.result, seen, row.findings[0].wanted, where)]


def _table_row(gate: str, result: Result, seen: str, wanted: str, surface: str) -> dict[str, object]:
    return {
        "gate": gate,
        "symbol": Markdown(symbol(result)),
        "result": Markdown(word(result)),
        "seen": seen,
        "wanted": wanted,
        "surface": surface,
    }


def _evaluated_since(status: Status) -> str:
    """When the last gate became what it is: it stays the same for as long as nothing changes."""
    moments: list[datetime] = [finding.since for finding in status.gates]
    return format_instant(max(moments, default=status.decided_at))


def _harness(status: Status) -> str:
    report = status.observation.harness if status.observation else None
    if report is None:
        return ""
    if report.unknown is not None:
        return f"unknown: {report.unknown}"
    started = f", started {format_instant(report.started_at)}" if report.started_at else ""
    return f"total={report.total} passed={report.passed} failed={report.failed}{started}"


def _checks(facts: Facts) -> str:
    """`6 success, 1 skipped`."""
    if facts.checks is None:
        return facts.reading.in_words if facts.reading else "could not be asked for"
    found = Counter(check.conclusion for check in facts.checks)
    parts = [f"{number} {conclusion}" for conclusion, number in sorted(found.items())]
    return ", ".join([*parts, *([facts.reading.in_words] if facts.reading else [])])


def _soak(phase: Phase) -> str:
    if isinstance(phase.soak, RunsSoak):
        return count(phase.soak.runs, "complete run")
    return format_duration(phase.soak) if phase.soak else ""
