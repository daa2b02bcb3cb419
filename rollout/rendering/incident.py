"""What people read of an incident: its issue, and the pull request and commits that revert the release.

Nothing here moves with the clock: equal state gives an equal body.
"""

from __future__ import annotations

from datetime import datetime

from rollout.core.contract import RollbackStep
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
from rollout.rendering.by_hand import frozen_at, reached
from rollout.rendering.gates import count, day_and_time, release_name
from rollout.rendering.inert import Markdown, code, cut, plain
from rollout.rendering.markdown import gate_rows, render
from rollout.rendering.ranges import comparison, markdown_rows
from rollout.rendering.rollback import SYMBOLS, TITLES, causes, joined_line, next_steps

_MOST_EVIDENCE = 60


def incident_title(incident: Incident) -> str:
    """`tau: rolling back v0.1.6 from canary-2`."""
    words = {None: "rolling back", "rolled_back": "rolled back", "cancelled": "rollback cancelled:"}
    how = words[incident.ended.how if incident.ended else None]
    return plain(f"{incident.train}: {how} {release_name(incident.release)} from {incident.phase}", 120)


def incident_body(template: str, state: TrainState, pull_request: str = "") -> str:
    """The body of the incident's issue; `template` is the text of incident.md.j2.

    `pull_request` names the open pull request that reverts the release, as GitHub links it.
    """
    incident = state.incident
    assert incident is not None
    return cut(render(template, _values(state, incident, pull_request)).strip() + "\n")


def _values(state: TrainState, incident: Incident, pull_request: str) -> dict[str, object]:
    revert = f"pull request {pull_request}" if pull_request else ""
    target = _target(incident)
    shown = incident.evidence[:_MOST_EVIDENCE]
    return {
        "outcome": Markdown(_OUTCOMES[incident.ended.how if incident.ended else None]),
        "standing": Markdown(_standing(state, incident)),
        "train": incident.train,
        "release": release_name(incident.release),
        "commit": incident.commit,
        "target": f"{release_name(target.version)} on {target.channel}" if target else "",
        "pull_request": Markdown(pull_request),
        # A command that is cut off helps nobody.
        "to_do": [code(item, 500) for item in _to_do(state, incident, revert)],
        "causes": causes(incident),
        "joined": [{"at": _at(one.at), "what": joined_line(one)} for one in incident.joined],
        "started": _at(incident.started_at),
        "started_by": incident.started_by,
        "ended": _at(incident.ended.at) if incident.ended else "",
        "how": Markdown((incident.ended.how if incident.ended else "").replace("_", " ")),
        "why_ended": incident.ended.reason if incident.ended else "",
        "steps": [_step(number, step) for number, step in enumerate(incident.steps, start=1)],
        "evidence": [
            {
                "path": one.path,
                "state": Markdown(one.state.value),
                "bytes": Markdown("" if one.bytes is None else str(one.bytes)),
                "sha256": (one.sha256 or "")[:16],
                "at": _at(one.at),
                "why": one.why,
            }
            for one in shown
        ],
        "more_evidence": len(incident.evidence) - len(shown),
        "copies": Markdown(_COPIES[state.contract.rollback.evidence_copies]),
        "lanes": [surface for surface, lane in state.rollout.lanes.items() if lane == "known_good"],
        "gates": gate_rows(incident.gates, holding=False),
        "record": f"state/{incident.train}/incidents/{incident.id}.yaml",
    }


_COPIES = {
    "always": (
        "What was copied is in the artifact `rollout-incident-RUNNER` of the workflow run,"
        " for 90 days at most. **In a public repository anybody can download it.**"
        " With `rollback.evidence_copies: never` only these digests are kept."
    ),
    "never": (
        "The contract has no copies made: `rollback.evidence_copies` is `never`."
        " A digest tells whether a file is still the same."
    ),
}
_OUTCOMES = {
    None: "is being rolled back",
    "rolled_back": "was rolled back",
    "cancelled": "was not rolled back",
}


def _standing(state: TrainState, incident: Incident) -> str:
    if incident.ended is not None and incident.ended.how == "cancelled":
        return "It was a false alarm, and the rollback was called off."
    percent = frozen_at(state.contract, state.rollout, state.status, incident)
    if incident.ended is not None:
        was = "What is there now was" if was_validated(incident) else "Nothing was"
        return _sentences(f"{was} validated; the release is in quarantine", percent)
    waits = incident.current
    if waits is None:
        return _sentences("Frozen", percent)
    number = 1 + [step.step for step in incident.steps].index(waits.step)
    step = f"step {number} of {len(incident.steps)}: {TITLES[waits.step]}"
    if waits.state is StepState.BLOCKED:
        return _sentences("Frozen", f"**A person has to act:** {step}", percent)
    return _sentences(f"Frozen, in {step}", percent)


def _sentences(*parts: str) -> str:
    return " ".join(f"{part}." for part in parts if part)


def _target(incident: Incident) -> RollbackTarget | None:
    """Where it goes; once it is over, where it went."""
    if incident.ended is not None:
        return reached(incident) if incident.ended.how == "rolled_back" else None
    has_none = incident.step(RollbackStep.INSPECT_TARGET).state in (StepState.FAILED, StepState.BLOCKED)
    return None if has_none else incident.target


def _to_do(state: TrainState, incident: Incident, revert: str) -> list[str]:
    found = next_steps(state, revert)
    if incident.ended is not None and incident.ended.how == "cancelled":
        found.append("when it is safe to go on: rollout unfreeze --reason WHY")
    elif state.rollout.outcome is Outcome.ROLLED_BACK:
        found.append("once the cause is mended: rollout reopen --reason WHY")
    return found or ["nothing"]


def _step(number: int, step: IncidentStep) -> dict[str, object]:
    return {
        "number": number,
        "symbol": Markdown(SYMBOLS[step.state].strip()),
        "title": Markdown(TITLES[step.step]),
        "state": Markdown(step.state.value),
        "since": _at(step.finished_at or step.started_at),
        "result": f"{step.result} (attempt {step.attempts})" if step.attempts > 1 else step.result,
        "links": list(step.links),
    }


def _at(moment: datetime | None) -> Markdown:
    return Markdown(day_and_time(moment) if moment else "")


# --- the revert ------------------------------------------------------------------------------------------


def revert_message(state: TrainState) -> CommitMessage:
    """The message of the commit that reverts the release."""
    incident = state.incident
    assert incident is not None
    release = release_name(incident.release)
    body = [f"Rolled back by incident {incident.id}: state/{incident.train}/incidents/{incident.id}.yaml"]
    body += [f"- {plain(cause, 300)}" for cause in causes(incident)]
    return CommitMessage(
        subject=plain(f"Revert {release} of {incident.train}", 72),
        body="\n".join(body),
        trailers=(("Rollout-Train", incident.train), ("Rollout-Incident", incident.id)),
    )


_REVERT = """Merging this takes {{ release }} of {{ train }} back.

{% for cause in causes -%}
- {{ cause }}
{% endfor %}
Incident {{ incident }}. {{ size }} to revert, newest first ({{ comparison }}):
{% for commit in commits %}
- {{ commit }}
{%- endfor %}

{{ after }} To release these changes again, \
revert this revert first: merging the old branch once more brings nothing back.
"""


_VALIDATED = "After the merge `rollout reconcile` waits until the branch is validated anew."
_NOT_VALIDATED = (
    "Nothing validates the branch after the merge: the contract has neither a harness nor a CI gate."
)


def revert_body(state: TrainState, product_page: str = "") -> str:
    """The body of the pull request that reverts the release.

    `product_page` is the address of the product's repository; empty on the local forge.
    """
    incident, release = state.incident, state.rollout.release
    assert incident is not None
    assert release is not None
    found = state.status.release_range if state.status else None
    # A release that was started before ranges were recorded is listed by the preview of its revert.
    ids = (incident.revert.commits if incident.revert else ()) or (incident.commit,)
    more = " or more" if found is None and len(ids) >= MOST_COMMITS else ""
    values = {
        "release": release_name(incident.release),
        "train": incident.train,
        "incident": incident.id,
        "causes": list(causes(incident)),
        "size": Markdown(count(found.total if found else len(ids), "commit") + more),
        "commits": markdown_rows(found) if found else list(ids),
        "comparison": comparison(release, product_page),
        "after": Markdown(_VALIDATED if gates_of(state.contract) else _NOT_VALIDATED),
    }
    return cut(render(_REVERT, values).strip() + "\n")
