"""Texts for people, each from its template, which is read when the text is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.core.signoff.window import IssueText
    from rollout.core.state import Channel, TrainState
    from rollout.rendering.signoff_issue import Pages


def _template(name: str) -> str:
    from rollout.adapters.resources import templates_dir

    return (templates_dir() / f"{name}.md.j2").read_text(encoding="utf-8")


def promotion_body(product_page: Callable[[], str] = str) -> Callable[[TrainState, str], str]:
    """Returns the body of a promotion pull request, of a train and the state commit that its branch is made
    on.

    `product_page` gives the address of the product's repository; empty on the local forge.
    """
    from rollout.core.rollback.readiness import why_person_needed
    from rollout.rendering.promotion import promotion_body as rendered

    def body(state: TrainState, decided_at: str) -> str:
        assert state.status is not None
        to = state.contract.next_phase(state.status.phase)
        if to is None:
            return ""
        return rendered(
            _template("promotion-pr"),
            contract=state.contract,
            rollout=state.rollout,
            status=state.status,
            to=to,
            decided_at=decided_at,
            needs_person=why_person_needed(state),
            product_page=product_page(),
        )

    return body


def incident_body(product_page: Callable[[], str] = str) -> Callable[[TrainState, str], str]:
    """Returns the body of an incident's issue, of a train and the revert's pull request as GitHub links
    it.
    """
    from rollout.rendering.incident import incident_body as rendered

    return lambda state, pull_request: rendered(_template("incident"), state, pull_request, product_page())


def channel_body(before: Channel, after: Channel) -> str:
    """Returns the body of the pull request that changes the channel."""
    from rollout.rendering.channel import channel_body as rendered

    return rendered(_template("channel-pr"), before, after)


def signoff_issue(pages: Callable[[], Pages]) -> Callable[[TrainState], IssueText]:
    """Returns title and body of the checklist's issue; `pages` is called when it is shown."""
    from rollout.rendering.signoff_issue import issue_text

    return lambda state: issue_text(_template("signoff-issue"), state, pages())
