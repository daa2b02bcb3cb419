"""The text of the checklist's issue and what is said on it. Equal records give an equal text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rollout.core.contract import Contract, Proof, SignoffItem
from rollout.core.signoff import counting, is_signed
from rollout.core.signoff.window import IssueText, sealed
from rollout.core.state import Outcome, Signature, TrainState
from rollout.core.values import format_instant
from rollout.rendering.gates import count, day_and_time, release_name
from rollout.rendering.inert import (
    DOCUMENT_LIMIT,
    Markdown,
    code,
    cut,
    link,
    prose,
    text,
    title,
)
from rollout.rendering.markdown import SHORT, commit_link, render
from rollout.rendering.signoff import state_commit, strangers, what_is_gone, what_it_takes

_MARKER_ROOM = 400
_OWN_PAGE = re.compile(
    r"https?://[A-Za-z0-9.:-]+/[\w.-]+/[\w.-]+/(?:actions/runs/\d+(?:/(?:job|artifacts)/\d+)?"
    r"|commit/[0-9a-f]{40,64}|(?:pull|issues)/\d+#(?:pullrequestreview|issuecomment)-\d+)"
)
"""The only addresses that become links: they are built of numbers."""


@dataclass(frozen=True)
class Pages:
    """Where things can be looked at; all empty on the local forge, where ids are shown instead."""

    state: str = ""
    """The repository that carries state, such as `https://github.com/acme/tau`."""
    product: str = ""


def issue_text(template: str, state: TrainState, pages: Pages) -> IssueText:
    """Returns all that the issue of the rollout shows. `template` is the text of signoff-issue.md.j2.

    Raises ValueError when the train has no release.
    """
    release = state.rollout.release
    if release is None:
        raise ValueError("a checklist needs a release")
    name = release_name(release.version)
    body = re.sub(r"\n{3,}", "\n\n", render(template, _values(state, name, pages)))
    return IssueText(
        title=title(f"Sign-off: {state.train} {name}"),
        body=sealed(cut(body, DOCUMENT_LIMIT - _MARKER_ROOM)),
        missing=_missing(state),
        summary=_summary(state, name),
    )


def refusal_text(by: str, refusals: Sequence[str]) -> str:
    """Returns what is said to a comment that does not count."""
    lines = "\n".join(f"- {prose(why, 500)}" for why in refusals)
    return f"{text(by)}, this does not count:\n\n{lines}\n\nMend it, and say it again in a new comment."


# --- the body ----------------------------------------------------------------------------------------------


def _values(state: TrainState, name: str, pages: Pages) -> dict[str, object]:
    contract, rollout, signoff = state.contract, state.rollout, state.signoff
    assert rollout.release is not None
    roles = contract.signoff.roles
    channel = rollout.rollback_target.channel if rollout.rollback_target else ""
    items = contract.signoff.items
    return {
        "train": state.train,
        "release": name,
        "commit": commit_link(rollout.release.commit, pages.product),
        "date": Markdown(format_instant(rollout.release.started_at)[:10]),
        "owner": _people(roles.owner),
        "reviewers": _people(roles.reviewer),
        "approvers": _people(roles.approver),
        "author_rule": Markdown(_AUTHOR_RULES[contract.signoff.author_may_approve]),
        "channel": channel,
        "state": Markdown(_standing(state)),
        "blocked": (signoff.blocked or "") if signoff else "",
        "signed": Markdown(str(sum(1 for item in items if is_signed(item, contract, signoff, rollout)))),
        "total": Markdown(str(len(items))),
        "sections": [
            {
                "name": section,
                "items": [_item(item, state, pages) for item in items if item.section == section],
            }
            for section in dict.fromkeys(item.section for item in items)
        ],
        "strangers": Markdown(", ".join(code(name) for name in strangers(contract, signoff))),
        "is_local": not pages.state,
    }


_AUTHOR_RULES = {
    "always": "The release author may approve it",
    "never": "The release author never approves it",
    "alone": "The release author may approve only if no other approver is listed",
}


def _people(logins: Sequence[str]) -> Markdown:
    return text(", ".join(logins), 1000) if logins else Markdown("nobody listed: anyone with write access")


def _standing(state: TrainState) -> str:
    match state.rollout.outcome:
        case Outcome.COMPLETE:
            return "complete"
        case Outcome.ROLLING_BACK | Outcome.ROLLED_BACK:
            return "rolled back"
        case Outcome.WITHDRAWN:
            return "withdrawn"
        case _:
            return "frozen" if state.rollout.frozen else "in progress"


def _item(item: SignoffItem, state: TrainState, pages: Pages) -> dict[str, object]:
    return {
        "box": Markdown("x" if is_signed(item, state.contract, state.signoff, state.rollout) else " "),
        "id": code(item.id),
        "title": item.title,
        "told": Markdown("; ".join(_told(item, state, pages)) or "not signed"),
    }


def _told(item: SignoffItem, state: TrainState, pages: Pages) -> Iterator[str]:
    """Yields who has signed it and on what, whose signatures are gone, who may sign."""
    contract, signoff, rollout = state.contract, state.signoff, state.rollout
    for one in counting(item, contract, signoff, rollout):
        yield _signature(one, item, state, pages)
    if is_signed(item, contract, signoff, rollout):
        return
    if signoff is None or signoff.blocked is None:
        how = "" if item.proof else f" with {code(f'/signoff {item.id} EVIDENCE')}"
        yield f"{prose(what_it_takes(item, contract, signoff, rollout))}{how}"
    for gone in what_is_gone(item, contract, signoff, rollout):
        yield text(gone, 500)


def _signature(one: Signature, item: SignoffItem, state: TrainState, pages: Pages) -> str:
    at = day_and_time(one.at)
    proof = state_commit(one)
    if proof:
        return f"proved {at}, {_proof_links(proof, item, state, pages)}"
    said = f" ([comment]({one.url}))" if _OWN_PAGE.fullmatch(one.url) else ""
    return f"signed by {text(one.by)} {at}{said}, {_evidence(one.evidence)}"


def _proof_links(commit: str, item: SignoffItem, state: TrainState, pages: Pages) -> str:
    if not pages.state or not re.fullmatch("[0-9a-f]{40,64}", commit):
        return f"state commit {text(commit[:SHORT])}"
    links = [
        f"state commit {commit_link(commit, pages.state)}",
        link("status.yaml", f"{pages.state}/blob/{commit}/state/{state.train}/status.yaml"),
    ]
    if item.proof is not None and item.proof.kind is Proof.CI_CHECKS and state.rollout.release is not None:
        links.append(link("checks", f"{pages.product}/commit/{state.rollout.release.commit}/checks"))
    return ", ".join(links)


def _evidence(evidence: str) -> str:
    if not _OWN_PAGE.fullmatch(evidence):
        return code(evidence, 300)
    shown = evidence.split("/", 5)[5].replace("#", " ")
    return link(shown, evidence)


# --- what is said ------------------------------------------------------------------------------------------


def _missing(state: TrainState) -> str:
    contract, signoff, rollout = state.contract, state.signoff, state.rollout
    if signoff is not None and signoff.blocked is not None:
        return f"**Blocked** by incident {text(signoff.blocked)}: nothing that was signed counts."
    parts = []
    for before in dict.fromkeys(item.before for item in contract.signoff.items):
        items = [item for item in contract.signoff.items if item.before == before]
        left = [item for item in items if not is_signed(item, contract, signoff, rollout)]
        parts += _left(before, items, left, contract, state)
    return "\n".join(parts).strip()


def _left(
    before: str,
    items: Sequence[SignoffItem],
    left: Sequence[SignoffItem],
    contract: Contract,
    state: TrainState,
) -> list[str]:
    where = f"before {text(before)}"
    if not left:
        return [f"Nothing is missing {where}: {len(items)} of {count(len(items), 'item')} signed.", ""]
    lines = [f"**{len(left)} of {count(len(items), 'item')}** missing {where}:", ""]
    for item in left:
        needs = what_it_takes(item, contract, state.signoff, state.rollout)
        how = "" if item.proof else f" with {code(f'/signoff {item.id} EVIDENCE')}"
        lines.append(f"- {text(item.title)}: {prose(needs)}{how}")
    return [*lines, ""]


def _summary(state: TrainState, name: str) -> str:
    contract, signoff, rollout = state.contract, state.signoff, state.rollout
    items = contract.signoff.items
    signed = [item for item in items if is_signed(item, contract, signoff, rollout)]
    if rollout.outcome is Outcome.WITHDRAWN:
        return f"{text(name)} was withdrawn; what was signed counts for no later start."
    if rollout.outcome is not Outcome.COMPLETE:
        incident = f" by incident {text(signoff.blocked)}" if signoff and signoff.blocked else ""
        return f"{text(name)} was rolled back{incident}; what was signed is withdrawn."
    people = {
        one.by for item in signed if not item.proof for one in counting(item, contract, signoff, rollout)
    }
    by = text(", ".join(sorted(people)), 1000)
    return (
        f"{text(name)} is complete: {len(signed)} of {count(len(items), 'item')} signed"
        f"{f', by {by}' if by else ''}. The record is `state/{state.train}/signoff.yaml` in git."
    )
