"""The checklist's issue, as people see it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from rollout.adapters.resources import templates_dir
from rollout.core.contract import Roles
from rollout.core.signoff import block, for_release, sign
from rollout.core.signoff.checklist import end
from rollout.core.signoff.window import IssueText, is_as_written, sealed
from rollout.core.state import Ending, Outcome, Signature, SignatureEnd, Signoff, TrainState
from rollout.rendering.signoff_issue import Pages, issue_text, refusal_text
from tests import builders as build
from tests.rendering.github import as_html
from tests.rendering.goldens import GOLDEN, check_golden

PAGE = "https://github.com/acme/tau"
PAGES = Pages(PAGE, PAGE)
PAGE_ABOUT_SIGNING = Path(__file__).parents[2] / "docs" / "signing.md"
HOSTILE = "](javascript:x) @everyone #1 <img src=x> <!-- --> `$(id)` | closes https://github.com/a/b/issues/1"


def state(signoff: Signoff | None = None, **outcome: object) -> TrainState:
    rollout = build.rollout("canary-3").model_copy(update=outcome)
    contract = build.contract()
    roles = Roles(owner=("olga",), reviewer=("rita", "rob"), approver=("grace",))
    policy = contract.signoff.model_copy(update={"roles": roles})
    contract = contract.model_copy(update={"signoff": policy})
    return replace(build.train(rollout, None), contract=contract, signoff=signoff or signed())


def signed() -> Signoff:
    empty = for_release(build.rollout("canary-3")).model_copy(update={"author": "olga"})
    proved = sign(empty, "unified-harness", "state commit " + "a" * 40, "rollout", build.NOW)
    reviewed = sign(
        proved,
        "trigger-matrix-reviewed",
        f"{PAGE}/actions/runs/42",
        "rita",
        build.NOW,
        url=f"{PAGE}/issues/7#issuecomment-12",
    )
    approved = sign(reviewed, "final-approval", "docs/approval.md", "grace", build.NOW)
    gone = SignatureEnd(how=Ending.LAPSED, by="rollout", at=build.NOW, reason="its comment was deleted")
    return end(approved, "final-approval", {"grace": gone})


def text(of: TrainState, pages: Pages = PAGES) -> IssueText:
    template = (templates_dir() / "signoff-issue.md.j2").read_text(encoding="utf-8")
    return issue_text(template, of, pages)


def visible(body: str) -> str:
    return re.sub(r"\n*<!--.*?-->", "", body)


def test_as_a_person_sees_it() -> None:
    shown = text(state())
    assert shown.title == "Sign-off: tau v0.1.5"
    check_golden("signoff-issue.md", visible(shown.body))
    check_golden("signoff-missing.md", shown.missing)


def test_the_page_about_signing_shows_the_issue_as_it_is() -> None:
    golden = (GOLDEN / "signoff-issue.md").read_text(encoding="utf-8")
    assert golden.strip() in PAGE_ABOUT_SIGNING.read_text(encoding="utf-8")


def test_on_the_local_forge_there_are_no_links() -> None:
    local = text(state(), Pages())
    own = local.body.replace(f"[comment]({PAGE}", "").replace(f"[actions/runs/42]({PAGE}", "")
    assert "](" not in own
    assert "EVIDENCE is a path in the release" in local.body


def test_blocked_and_finished() -> None:
    blocked = state(block(signed(), build.INCIDENT, build.NOW), outcome=Outcome.ROLLING_BACK)
    assert text(blocked).body.startswith(f"**BLOCKED** by incident {build.INCIDENT}")
    assert "/signoff final-approval" in text(state()).body
    assert "/signoff final-approval" not in text(blocked).body
    assert text(blocked).missing.startswith("**Blocked**")
    assert "what was signed is withdrawn" in text(blocked).summary
    complete = state(outcome=Outcome.COMPLETE)
    assert text(complete).summary.startswith("v0.1.5 is complete: 2 of 4 items signed, by rita")


def test_a_role_that_lists_nobody_is_told_as_what_it_means() -> None:
    contract = state().contract
    policy = contract.signoff.model_copy(update={"roles": Roles()})
    shown = text(replace(state(), contract=contract.model_copy(update={"signoff": policy}))).body
    assert "| Approvers | nobody listed: anyone with write access |" in shown
    assert "(`final-approval`): approver (anyone with write access) signs with `/signoff" in shown


def test_the_same_records_give_the_same_text_and_a_hand_edit_shows() -> None:
    first, again = text(state()), text(state())
    assert first == again
    assert is_as_written(first.body)
    assert not is_as_written(first.body.replace("- [ ]", "- [x]", 1))
    assert not is_as_written("mine")
    assert is_as_written(sealed("an older view"))


def test_what_people_wrote_is_text() -> None:
    empty = for_release(build.rollout("canary-3")).model_copy(update={"author": "olga"})
    hostile = sign(empty, "trigger-matrix-reviewed", HOSTILE[:500], "rita", build.NOW, url="javascript:x")
    body = visible(text(state(hostile)).body)
    reply = refusal_text(HOSTILE, [HOSTILE])
    html = as_html(f"{body}\n\n{reply}", commits={})
    assert "<img" not in html
    assert re.findall(r'<a class="(\w+)', html) == []
    links = re.findall(r'href="([^"]*)"', html)
    assert all(link.startswith(PAGE) for link in links)


def test_only_pages_of_numbers_become_links() -> None:
    odd = Signature(by="rita", at=build.NOW, evidence="https://github.com/a/b/pull/1", commit=build.COMMIT)
    assert odd.url == ""
    empty = for_release(build.rollout("canary-3")).model_copy(update={"author": "olga"})
    shown = text(state(sign(empty, "trigger-matrix-reviewed", odd.evidence, "rita", build.NOW))).body
    assert "`https://github.com/a/b/pull/1`" in shown
