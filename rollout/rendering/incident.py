"""What people read of an incident: its issue, and the pull request and commits that revert the release.

Nothing here moves with the clock: equal state gives an equal body.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote

from rollout.core.contract import RollbackStep
from rollout.core.evidence_index import NOT_COPIED, EvidenceEntry
from rollout.core.rollback.validation import gates_of, was_validated
from rollout.core.state import (
    MOST_COMMITS,
    CommitMessage,
    Incident,
    IncidentStep,
    Outcome,
    RollbackTarget,
    StepState,
    TrainState,
)
from rollout.core.values import to_utc_seconds
from rollout.rendering.by_hand import frozen_at, reached
from rollout.rendering.gates import count, release_name
from rollout.rendering.inert import Markdown, code, cut, plain, prose, text, title
from rollout.rendering.markdown import commit_link, not_holding, render
from rollout.rendering.ranges import changes, commit_lines, comparison, markdown_rows
from rollout.rendering.rollback import SYMBOLS, TITLES, causes, joined_line, next_steps

_MOST_EVIDENCE = 60
_DIGEST = 12
"""Digits of a digest that are shown; the record has all of them."""


def incident_title(incident: Incident) -> str:
    """Returns `tau: rolling back v0.1.6 from canary-2`."""
    words = {None: "rolling back", "rolled_back": "rolled back", "cancelled": "rollback cancelled:"}
    how = words[incident.ended.how if incident.ended else None]
    return title(f"{incident.train}: {how} {release_name(incident.release)} from {incident.phase}")


def incident_body(template: str, state: TrainState, pull_request: str = "", product_page: str = "") -> str:
    """Returns the body of the incident's issue; `template` is the text of incident.md.j2.

    `pull_request` names the open pull request that reverts the release, as GitHub links it. `product_page` is
    the address of the product's repository; empty on the local forge.
    """
    incident = state.incident
    assert incident is not None
    revert = f"pull request {pull_request}" if pull_request else ""
    values = {
        **_state_line(state, incident),
        "to_do": [_item(each, pull_request) for each in _to_do(state, incident, revert)],
        **_happened(incident, pull_request, product_page),
        "lanes": ", ".join(surface for surface, lane in state.rollout.lanes.items() if lane == "known_good"),
        **_evidence(state, incident),
        "gates": not_holding(incident.gates),
        "commit": commit_link(incident.commit, product_page),
        "record": code(f"state/{incident.train}/incidents/{incident.id}.yaml"),
    }
    return cut(render(template, values).strip() + "\n")


# --- one line of state -----------------------------------------------------------------------------------

_OUTCOMES = {
    None: "is being rolled back",
    "rolled_back": "was rolled back",
    "cancelled": "was not rolled back",
}


def _state_line(state: TrainState, incident: Incident) -> dict[str, object]:
    target = _target(incident)
    return {
        "release": release_name(incident.release),
        "train": incident.train,
        "outcome": _OUTCOMES[incident.ended.how if incident.ended else None],
        "target": f"{release_name(target.version)} on {target.channel}" if target else "",
        "step": _current_step(incident),
        "causes": text(_sentences("; ".join(causes(incident))), 1000),
        "standing": _standing(state, incident),
    }


def _target(incident: Incident) -> RollbackTarget | None:
    """Returns where it goes; once it is over, where it went."""
    if incident.ended is not None:
        return reached(incident) if incident.ended.how == "rolled_back" else None
    has_none = incident.step(RollbackStep.INSPECT_TARGET).state in (StepState.FAILED, StepState.BLOCKED)
    return None if has_none else incident.target


def _current_step(incident: Incident) -> str:
    """Returns `step 5 of 6, revert`."""
    waits = incident.current
    if incident.ended is not None or waits is None:
        return ""
    number = 1 + [step.step for step in incident.steps].index(waits.step)
    person = ", waits for a person" if waits.state is StepState.BLOCKED else ""
    return f"step {number} of {len(incident.steps)}, {TITLES[waits.step]}{person}"


def _standing(state: TrainState, incident: Incident) -> str:
    if incident.ended is not None and incident.ended.how == "cancelled":
        return "It was a false alarm, and the rollback was called off."
    percent = frozen_at(state.contract, state.rollout, state.status, incident)
    if any(f"{state.rollout.canary_percent} %" in item for item in _to_do(state, incident, "")):
        percent = ""  # what is to be done about it says so
    if incident.ended is None:
        return _sentences(percent)
    was = "What is there now was" if was_validated(incident) else "Nothing was"
    return _sentences(f"{was} validated; the release is in quarantine", percent)


def _sentences(*parts: str) -> str:
    return " ".join(f"{part}." for part in parts if part)


def _to_do(state: TrainState, incident: Incident, revert: str) -> list[str]:
    found = next_steps(state, revert)
    if incident.ended is not None and incident.ended.how == "cancelled":
        found.append("when it is safe to go on: rollout unfreeze --reason WHY")
    elif state.rollout.outcome is Outcome.ROLLED_BACK:
        found.append("once the cause is fixed: rollout reopen --reason WHY")
    return found or ["nothing"]


def _item(sentence: str, pull_request: str) -> Markdown:
    """Renders an item with its pull request as a live reference; commands are never cut off."""
    is_command = sentence.startswith("rollout ")
    shown = prose(sentence if is_command else sentence[:1].upper() + sentence[1:], 500)
    return Markdown(shown.replace(text(pull_request), pull_request)) if pull_request else shown


# --- what happened when ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    at: datetime | None
    """None: not yet."""
    what: str | Markdown
    result: str | Markdown


def _happened(incident: Incident, pull_request: str, product_page: str) -> dict[str, object]:
    rows = [
        _Row(incident.started_at, f"started by {incident.started_by}", f"in {incident.phase}"),
        *(_Row(one.at, "joined", joined_line(one)) for one in incident.joined),
        *(
            _step(number, step, pull_request, product_page)
            for number, step in enumerate(incident.steps, start=1)
        ),
    ]
    if incident.ended is not None:
        rows.append(_Row(incident.ended.at, incident.ended.how.replace("_", " "), incident.ended.reason))
    day = incident.started_at.date()
    rows.sort(key=lambda row: row.at or datetime.max.replace(tzinfo=UTC))
    return {
        "day": day.isoformat(),
        "happened": [
            {"time": Markdown(_time(row.at, day)), "what": row.what, "result": row.result} for row in rows
        ],
    }


def _step(number: int, step: IncidentStep, pull_request: str, product_page: str) -> _Row:
    mark = SYMBOLS[step.state].strip()
    what = Markdown(f"{mark}&nbsp;{number} {TITLES[step.step]}" if mark else f"{number} {TITLES[step.step]}")
    told = f"{step.result} (attempt {step.attempts})" if step.attempts > 1 else step.result
    result = text(told, 500)
    if step.state in (StepState.BLOCKED, StepState.FAILED, StepState.SKIPPED):
        bold = step.state.value if step.state is StepState.SKIPPED else f"**{step.state.value}**"
        result = Markdown(f"{bold}: {result}" if told else bold)
    links = _links(step, pull_request, product_page)
    shown = Markdown(f"{result} ({links})" if result and links else result or links)
    return _Row(step.finished_at or step.started_at, what, shown)


def _links(step: IncidentStep, pull_request: str, product_page: str) -> str:
    """Returns the pull request, or its branch, and the commit that landed."""
    shown = []
    for link in step.links:
        if _ID.fullmatch(link):
            shown.append(commit_link(link, product_page))
        elif pull_request:
            shown.append(Markdown(pull_request))
        elif product_page:
            shown.append(Markdown(f"[branch]({product_page.rstrip('/')}/tree/{quote(link)})"))
    return ", ".join(shown)


_ID = re.compile("[0-9a-f]{40,64}")


def _time(at: datetime | None, day: date) -> str:
    """Returns the time of day; with the date where it is another than the table's."""
    if at is None:
        return ""
    found = to_utc_seconds(at)
    return found.strftime("%H:%M" if found.date() == day else "%m-%d %H:%M")


# --- evidence --------------------------------------------------------------------------------------------

_COPIES = {
    "always": (
        "Copies are in the artifact `rollout-incident-RUNNER` of the workflow run, for 90 days at most."
        " **In a public repository anybody can download them.**"
        " With `rollback.evidence_copies: never` only these digests are kept."
    ),
    "never": (
        "The contract has no copies made: `rollback.evidence_copies` is `never`."
        " A digest tells whether a file is still the same."
    ),
}


def _evidence(state: TrainState, incident: Incident) -> dict[str, object]:
    shown = [_file(one) for one in incident.evidence[:_MOST_EVIDENCE]]
    more = len(incident.evidence) - len(shown)
    if more:
        shown.append(text(f"and {more} more in the record"))
    return {
        "evidence": shown,
        "files": Markdown(count(len(incident.evidence), "file")),
        "copies": Markdown(_copies(state, incident)),
    }


def _copies(state: TrainState, incident: Incident) -> str:
    if any(NOT_COPIED in (step.result or "") for step in incident.steps):
        return "The files were read and not copied: only these digests are kept."
    return _COPIES[state.contract.rollback.evidence_copies]


def _file(one: EvidenceEntry) -> Markdown:
    """Returns `report.json: taken at 14:00, 581 bytes, sha256 aaaaaaaaaaaa`."""
    parts = [f"{one.state.value} at {to_utc_seconds(one.at).strftime('%H:%M')}"]
    parts += [] if one.bytes is None else [count(one.bytes, "byte")]
    parts += [f"sha256 {one.sha256[:_DIGEST]}"] if one.sha256 else []
    parts += [one.why] if one.why else []
    return Markdown(f"{text(one.path)}: {text(', '.join(parts), 500)}")


# --- the revert ------------------------------------------------------------------------------------------


def revert_message(state: TrainState) -> CommitMessage:
    """Returns the message of the commit that reverts the release."""
    incident = state.incident
    assert incident is not None
    release = release_name(incident.release)
    body = [f"Rolled back by incident {incident.id}: state/{incident.train}/incidents/{incident.id}.yaml"]
    body += [f"- {plain(cause, 300)}" for cause in causes(incident)]
    body += ["", *commit_lines(state.status)]
    return CommitMessage(
        subject=title(f"Revert {release} of {incident.train}"),
        body="\n".join(body).strip(),
        trailers=(("Rollout-Train", incident.train), ("Rollout-Incident", incident.id)),
    )


_REVERT = """**Merging this takes {{ release }} of {{ train }} back.** {{ causes }}

### {{ size }}
{% for commit in commits %}
- {{ commit }}
{%- endfor %}

{{ comparison }}

{{ after }} To release these changes again, \
revert this revert first: merging the old branch once more brings nothing back.

Incident {{ incident }}
"""


_VALIDATED = "After the merge `rollout reconcile` waits until the branch is validated anew."
_NOT_VALIDATED = (
    "Nothing validates the branch after the merge: the contract has neither a harness nor a CI gate."
)


def revert_body(state: TrainState, product_page: str = "") -> str:
    """Returns the body of the pull request that reverts the release.

    `product_page` is the address of the product's repository; empty on the local forge.
    """
    incident, release = state.incident, state.rollout.release
    assert incident is not None
    assert release is not None
    found = state.status.release_range if state.status else None
    # A release that was started before ranges were recorded is listed by the preview of its revert.
    ids = (incident.revert.commits if incident.revert else ()) or (incident.commit,)
    more = " or more" if found is None and len(ids) >= MOST_COMMITS else ""
    size = count(found.total if found else len(ids), "commit")
    values = {
        "release": release_name(incident.release),
        "train": incident.train,
        "incident": incident.id,
        "causes": text(_sentences("; ".join(causes(incident))), 1000),
        "size": changes(release, found, product_page) if found else Markdown(size + more),
        "commits": markdown_rows(found, product_page)
        if found
        else [commit_link(each, product_page) for each in ids],
        "comparison": comparison(release, product_page),
        "after": Markdown(_VALIDATED if gates_of(state.contract) else _NOT_VALIDATED),
    }
    return cut(render(_REVERT, values).strip() + "\n")
