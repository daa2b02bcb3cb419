"""The body of a promotion pull request.

Equal facts give an equal body: docs/design/bodies.md says what of it changes when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rollout.core.contract import Contract, Phase, RunsSoak
from rollout.core.decide.effects import MOVING
from rollout.core.decide.readings import heads_read
from rollout.core.state import Decision, Facts, Rollout, Status, Verdict
from rollout.core.state.revert_fact import RevertOutcome
from rollout.core.values import format_duration
from rollout.rendering.by_hand import NO_APPLY
from rollout.rendering.gates import count, day_and_time, release_name, rows
from rollout.rendering.inert import DOCUMENT_LIMIT, Markdown, code, cut, marker_value, prose, text
from rollout.rendering.markdown import SHORT, commit_link, holding, order_of, render
from rollout.rendering.ranges import changes, comparison, markdown_rows, no_target

MARKER = "<!-- rollout:promotion train={train} release={release} phase={phase} -->"
_EVERYBODY = 100


def promotion_marker(train: str, release: str, phase: str) -> str:
    """Returns the hidden comment by which the pull request of a promotion to `phase` is found again."""
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
    """Returns the body of the pull request that promotes to `to`.

    `product_page` is the address of the product's repository; empty on the local forge.
    `needs_person` is why a rollback of the release would need a person; empty when it would not.

    `template` is the text of promotion-pr.md.j2. `decided_at` is the state commit that the branch was made
    on (`PullRequest.base_sha`); with the head instead the body would change at every observation.
    Raises ValueError when the rollout has no release.
    """
    if rollout.release is None:
        raise ValueError("a promotion needs a release")
    marker = promotion_marker(rollout.train, release_name(rollout.release.version), to.name)
    values = {
        **_step(contract, rollout, status, to, needs_person),
        **_release(rollout, status, product_page),
        **_folded(contract, rollout, status, to, needs_person),
        "commits_read": [
            Markdown(f"Release commit: {commit_link(rollout.release.commit, product_page)}"),
            Markdown(f"Decided at state commit {text(decided_at[:SHORT])}"),
        ],
        "evidence": list(_evidence(rollout, status, product_page)),
        "moving_begins": Markdown(MOVING[0]),
        "moving_ends": Markdown(MOVING[1]),
    }
    body = render(template, values)
    return f"{cut(body.strip(), DOCUMENT_LIMIT - len(marker) - 2)}\n\n{marker}"


# --- the first screen ------------------------------------------------------------------------------------


def _step(
    contract: Contract, rollout: Rollout, status: Status, to: Phase, needs_person: str
) -> dict[str, object]:
    phase = contract.phase(status.phase)
    return {
        "train": rollout.train,
        "release": release_name(status.release),
        "from_phase": phase.name,
        "from_percent": phase.canary_percent,
        "to_phase": to.name,
        "to_percent": to.canary_percent,
        "stays": _why_it_stays(rollout, status.decision, to),
        "verdict": status.decision.verdict.value,
        "reasons": _reasons(status.decision),
        "shown_at": day_and_time(status.decision.at),
        "users": _who_gets_it(phase, to, status),
        "since": day_and_time(_evaluated_since(status)),
        "all_hold": _all_hold(phase, status),
        "max_gap": format_duration(contract.max_gap(phase)),
        "duties": list(_duties(contract, rollout, status, to, needs_person)),
    }


def _why_it_stays(rollout: Rollout, decision: Decision, to: Phase) -> str:
    """Returns why merging is wrong now, in words that no figure moves; empty when it is right."""
    if rollout.frozen is not None:
        why = f"The train is frozen: {rollout.frozen.reason}. "
    elif decision.verdict is Verdict.PROMOTE:
        if decision.to == to.name:
            return ""
        why = f"The decision is to go to {decision.to}. "
    else:
        why = ""
    return f"{why}A merge now would be undone, and the train frozen."


def _reasons(decision: Decision) -> list[Markdown]:
    """Returns what speaks against it."""
    return [] if decision.verdict is Verdict.PROMOTE else [text(each, 500) for each in decision.reasons]


def _who_gets_it(phase: Phase, to: Phase, status: Status) -> str:
    found = status.release_range
    what = "it" if found is None else f"the {count(found.total, 'commit')} below"
    verb = "gets" if to.canary_percent == _EVERYBODY else "get"
    now = f"{phase.canary_percent} % did" if phase.canary_percent else "nobody did"
    if phase.canary_percent == to.canary_percent:
        return "The same users keep it."
    return f"{_users(to)} {verb} {what}; until now {now}."


def _users(phase: Phase) -> str:
    match phase.canary_percent:
        case 0:
            return "No users"
        case 100:
            return "Everybody"
        case percent:
            return f"{percent} % of users"


def _all_hold(phase: Phase, status: Status) -> str:
    gates = len(rows(status.gates))
    hold = {0: "", 1: f"The gate of {phase.name} holds"}.get(gates, f"All {gates} gates of {phase.name} hold")
    soak = f"the soak of {_soak(phase)} is full" if phase.soak else ""
    return f"{', and '.join(part for part in (hold, soak) if part) or 'It asks for nothing'}."


def _duties(
    contract: Contract, rollout: Rollout, status: Status, to: Phase, needs_person: str
) -> Iterator[str | Markdown]:
    found = status.release_range
    what = "The release" if found is None else f"The {count(found.total, 'commit')} below"
    soak = f" for at least {_soak(to)}" if isinstance(to.soak, int) and to.soak else ""
    users = "everybody" if to.canary_percent == _EVERYBODY else _users(to).replace("No users", "no users")
    yield f"{what} may reach {users}{soak}."
    if contract.apply is None:
        yield f"You bring {to.canary_percent} % to the product by hand: {NO_APPLY}."
    elif contract.apply.flag_file is not None:
        flag = contract.apply.flag_file
        verb = "proposes" if flag.via == "pull_request" else "writes"
        percent, reconcile = f"{to.canary_percent} %", code("rollout reconcile")
        yield Markdown(f"{reconcile} then {verb} {percent} in {code(flag.path)} at {code(flag.pointer)}.")
    if needs_person:
        yield Markdown(f"**A rollback would need a person:** {prose(needs_person, 500)}.")
    elif rollout.rollback_target is None:
        yield f"{no_target(rollout).capitalize()}."


def _evaluated_since(status: Status) -> datetime:
    """Returns when the last gate changed, so that the text is stable while nothing changes."""
    moments: list[datetime] = [finding.since for finding in status.gates]
    return max(moments, default=status.decided_at)


def _release(rollout: Rollout, status: Status, product_page: str) -> dict[str, object]:
    found = status.release_range
    assert rollout.release is not None
    return {
        "changes": changes(rollout.release, found, product_page) if found else Markdown("Release"),
        "commits": markdown_rows(found, product_page) if found else [],
        "comparison": comparison(rollout.release, product_page),
        "freeze": code("rollout freeze --reason WHY"),
    }


# --- below, folded ---------------------------------------------------------------------------------------


def _folded(
    contract: Contract, rollout: Rollout, status: Status, to: Phase, needs_person: str
) -> dict[str, object]:
    held, gates = holding(status.gates), len(rows(status.gates))
    soak = f"Its soak of {_soak(to)} starts with the first observation" if to.soak else "It asks for no soak"
    order = ", ".join(order_of(status.gates))
    at = f"Seen at {day_and_time(status.decision.at)}."
    return {
        "holding": held,
        "holding_title": f"{len(held)} of {count(gates, 'gate')} hold, with figures",
        "seen_at": f"{at} Figures are those of {order}, in this order." if "," in order else at,
        "rollback": _rollback(rollout, status, needs_person),
        "next_soak": f"{soak}.",
        "reconcile": code("rollout reconcile"),
    }


def _soak(phase: Phase) -> str:
    if isinstance(phase.soak, RunsSoak):
        return count(phase.soak.runs, "complete run")
    return format_duration(phase.soak)


def _rollback(rollout: Rollout, status: Status, needs_person: str) -> Markdown:
    command, target, fact = (
        code("rollout rollback --reason WHY"),
        rollout.rollback_target,
        status.facts.revert,
    )
    to = f"back to {text(f'{release_name(target.version)} on {target.channel}')}" if target else ""
    if needs_person:
        return Markdown(f"{command} would need a person: {prose(needs_person, 500)}.")
    if fact is None or fact.outcome is not RevertOutcome.CLEAN:
        goes = f"goes {to}" if target else f"reverts only: {text(no_target(rollout))}"
        return Markdown(f"{command} {goes}. Whether its revert is clean is not known yet.")
    size = count(fact.total or len(fact.commits), "commit")
    return Markdown(f"{command} reverts {size} cleanly{', ' if to else ''}{to}.")


def _evidence(rollout: Rollout, status: Status, product_page: str) -> Iterator[Markdown]:
    assert rollout.release is not None
    commit = rollout.release.commit
    for head, is_ahead in (heads_read(status.observation) if status.observation else {}).items():
        if is_ahead:
            # Where state and product share a branch, each observation moves this one.
            yield Markdown("Read in a checkout that is ahead of the release, and holds it")
        else:
            yield Markdown(f"Read in a checkout of {text(head[:SHORT])}")
    if harness := _harness(status):
        yield Markdown(f"Harness: {text(harness)}")
    checks = text(_checks(status.facts))
    if not checks:
        return  # no gate asks for any
    page = f"{product_page.rstrip('/')}/commit/{commit}/checks"
    yield Markdown(f"CI of the release commit: {f'[{checks}]({page})' if product_page else checks}")


def _harness(status: Status) -> str:
    report = status.observation.harness if status.observation else None
    if report is None:
        return ""
    if report.unknown is not None:
        return f"unknown, {report.unknown}"
    started = f", started {day_and_time(report.started_at)}" if report.started_at else ""
    return f"{report.passed} of {report.total} passed, {report.failed} failed{started}"


def _checks(facts: Facts) -> str:
    """Returns `6 success, 1 skipped`."""
    if facts.checks is None:
        return facts.reading.in_words if facts.reading else "could not be asked for"
    found = Counter(check.conclusion for check in facts.checks)
    parts = [f"{number} {conclusion}" for conclusion, number in sorted(found.items())]
    return ", ".join([*parts, *([facts.reading.in_words] if facts.reading else [])])
