"""The body of a promotion pull request."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from rollout.core.contract import Apply, FlagFile, RunsSoak
from rollout.core.decide.effects import MOVING, says_the_same
from rollout.core.state import Freeze, GateFinding, ReleaseRange, Result, Rollout, Soak, Status
from rollout.core.state.revert_fact import RevertFact, RevertOutcome
from rollout.rendering.inert import DOCUMENT_LIMIT, text
from rollout.rendering.markdown import for_terminal
from rollout.rendering.promotion import promotion_body, promotion_marker
from tests import builders as build
from tests.rendering.github import as_html
from tests.rendering.goldens import check_golden

TEMPLATE = (Path(__file__).parents[2] / "templates" / "promotion-pr.md.j2").read_text(encoding="utf-8")
MARKER = "<!-- rollout:promotion train=tau release=v0.1.5 phase=canary-3 -->"


def body(status: Status, rollout: Rollout | None = None, apply: Apply | None = None) -> str:
    contract = build.contract().model_copy(update={"apply": apply})
    return promotion_body(
        TEMPLATE,
        contract=contract,
        rollout=rollout or build.rollout(),
        status=status,
        to=contract.phase("canary-3"),
        decided_at=build.STATE_COMMIT,
        product_page="https://github.com/acme/tau",
    )


def ready(**later: timedelta) -> Status:
    changed: build.Edits = {("queue_depth", "memory"): (Result.SATISFIED, "1")}
    status = build.status(decision=build.promote(), soak=Soak(earned_seconds=3600), changed=changed)
    revert = RevertFact(tip="c" * 40, outcome=RevertOutcome.CLEAN, total=3)
    status = status.model_copy(update={"facts": status.facts.model_copy(update={"revert": revert})})
    at = build.NOW + later.get("later", timedelta())
    observation = build.observe(at=at)
    decision = status.decision.model_copy(update={"at": at})
    return status.model_copy(update={"observation": observation, "decision": decision, "decided_at": at})


def regressed() -> Status:
    changed: build.Edits = {
        ("health_state", "memory"): (Result.UNSATISFIED, "degraded"),
        ("queue_depth", "voice"): (Result.UNKNOWN, "timed out after 2m"),
        ("queue_depth", "browser-automation"): (Result.NOT_APPLICABLE, "never reported here"),
    }
    reasons = build.hold(
        "health_state (memory): degraded, wanted healthy",
        "queue_depth (voice): timed out after 2m, wanted <= 1",
        "soak: 0s of 1h",
    )
    return build.status(decision=reasons, soak=Soak(), changed=changed)


def test_a_promotion() -> None:
    check_golden("promotion.md", body(ready()))


def test_a_promotion_in_a_terminal() -> None:
    check_golden("promotion.txt", for_terminal(body(ready())))


def test_a_terminal_shows_what_looks_hidden_as_it_was_written() -> None:
    subject = "a <!-- b --> <details> *c* \\d 1. #2 @e $f"
    assert for_terminal(text(subject)) == subject


def test_a_promotion_whose_gates_regressed() -> None:
    check_golden("promotion-regressed.md", body(regressed()))


STAYS = "**DO NOT MERGE. v0.1.5 of tau stays in canary-2 at 25 %.**"
UNDONE = "A merge now would be undone, and the train frozen."


@pytest.mark.parametrize(
    ("status", "rollout", "first"),
    [
        (
            ready(),
            None,
            "**v0.1.5 of tau: canary-2 at 25 % → canary-3 at 50 %.** 50 % of users get the 3 commits below;"
            " until now 25 % did.",
        ),
        (regressed(), None, f"{STAYS} {UNDONE}"),
        (
            ready(),
            build.rollout(frozen=Freeze(reason="see #7", at=build.NOW)),
            f"{STAYS} The train is frozen: see #&#8203;7. {UNDONE}",
        ),
        (
            build.status(decision=build.promote("canary-1")),
            None,
            f"{STAYS} The decision is to go to canary-1. {UNDONE}",
        ),
    ],
)
def test_the_first_line_says_what_merging_does(status: Status, rollout: Rollout | None, first: str) -> None:
    assert body(status, rollout).splitlines()[0] == first


@pytest.mark.parametrize(
    ("before", "after", "users"),
    [
        ("preflight", "canary-1", "5 % of users get the 3 commits below; until now nobody did."),
        ("canary-3", "general-availability", "Everybody gets the 3 commits below; until now 50 % did."),
    ],
)
def test_it_says_how_many_users_get_what(before: str, after: str, users: str) -> None:
    contract = build.contract()
    shown = promotion_body(
        TEMPLATE,
        contract=contract,
        rollout=build.rollout(before),
        status=build.status(before, decision=build.promote(after)),
        to=contract.phase(after),
        decided_at=build.STATE_COMMIT,
    )
    assert shown.splitlines()[0].endswith(f"** {users}")


def later_by_three_hours(status: Status) -> Status:
    """Three hours on: other figures, and nothing that a reviewer has to judge."""
    at = build.NOW + timedelta(hours=3)
    observation = build.observe(at=at)
    assert observation.harness is not None
    report = observation.harness.model_copy(update={"started_at": at})
    gates = tuple(
        finding.model_copy(update={"seen": "10"}) if finding.seen == "1" else finding
        for finding in status.gates
    )
    changes = {
        "observation": observation.model_copy(update={"harness": report}),
        "decision": status.decision.model_copy(update={"at": at}),
        "gates": gates,
        "decided_at": at,
    }
    return status.model_copy(update=changes)


def test_a_steady_promote_keeps_its_body() -> None:
    before, shown = body(ready()), body(later_by_three_hours(ready()))
    assert shown != before
    assert says_the_same(before, shown)


def test_text_of_a_product_is_no_mark_of_a_moving_part() -> None:
    begin, end = (text(mark) for mark in MOVING)
    beside = f"- {begin} subject\n\n5 of 5 gates hold\n{MOVING[0]}\n- 7\n{MOVING[1]}\n"
    assert not says_the_same(beside, beside.replace("5 of 5", "1 of 5"))
    inside = f"{MOVING[0]}\n- build: {end}\n- at 12:00\n{MOVING[1]}\n"
    assert says_the_same(inside, inside.replace("12:00", "12:10"))


def test_a_steady_hold_keeps_its_body() -> None:
    before, later = regressed(), later_by_three_hours(regressed())
    reasons = (*later.decision.reasons[:-1], "soak: 1h30m of 24h")
    later = later.model_copy(update={"decision": later.decision.model_copy(update={"reasons": reasons})})
    assert says_the_same(body(before), body(later))


@pytest.mark.parametrize(
    "edit",
    [
        ("50 % of users", "5 % of users"),
        ("3 commits", "1 commit"),
        ("Retry a failed", "Retry another failed"),
        ("of at most 1", "of at least 1"),
        ("5 success", "5 skipped"),
        ("commit/1111", "commit/1112"),
        ("goes back", "falls back"),
        ("<!-- /moving -->\n\n</details>\n\n<details>\n<summary>Ev", "</details>\n\n<details>\n<summary>Ev"),
    ],
)
def test_a_body_that_somebody_edits_is_written_anew(edit: tuple[str, str]) -> None:
    shown = body(ready(), build.rollout()).replace("reverts 3", "goes back, reverts 3")
    assert edit[0] in shown
    assert not says_the_same(shown.replace(*edit), shown)


@pytest.mark.parametrize(("via", "verb"), [("commit", "writes"), ("pull_request", "proposes")])
def test_what_the_merge_leads_to_names_the_flag_file(
    via: Literal["commit", "pull_request"], verb: str
) -> None:
    flag = FlagFile(path="flags.json", format="json_pointer", pointer="/tau/percent", via=via)
    shown = body(ready(), apply=Apply(flag_file=flag))
    assert f"- `rollout reconcile` then {verb} 50 % in `flags.json` at `/tau/percent`.\n" in shown
    assert "by hand" not in shown


def test_a_checkout_that_is_further_on_is_said_so_in_plain_words() -> None:
    observation = build.observe()
    further = {
        name: sample.model_copy(update={"product_head": "a" * 40, "holds_release": True})
        for name, sample in observation.samples.items()
    }
    read = observation.model_copy(update={"samples": further})
    shown = body(ready().model_copy(update={"observation": read})).splitlines()
    assert "- Read in a checkout that is ahead of the release, and holds it" in shown


def test_what_is_missing_is_said_or_left_out() -> None:
    status = ready().model_copy(update={"observation": None})
    status = status.model_copy(update={"facts": status.facts.model_copy(update={"checks": None})})
    rollout = build.rollout().model_copy(update={"rollback_target": None})
    shown = body(status, rollout)
    assert "Harness" not in shown
    assert "Read in" not in shown
    assert f"[could not be asked for](https://github.com/acme/tau/commit/{build.COMMIT}/checks)" in shown
    assert "- No version to return to; a rollback reverts only" in shown
    asked = status.model_copy(update={"facts": status.facts.model_copy(update={"checks": ()})})
    assert "CI of the release commit" not in body(asked, rollout), "no gate asks for any"


def test_a_harness_that_could_not_be_read_and_a_soak_in_runs() -> None:
    observation = build.observe()
    assert observation.harness is not None
    unread = observation.model_copy(
        update={"harness": observation.harness.model_copy(update={"unknown": "gone"})}
    )
    contract = build.contract()
    to = contract.phase("canary-3").model_copy(update={"soak": RunsSoak(runs=2)})
    status = ready().model_copy(update={"observation": unread})
    shown = promotion_body(
        TEMPLATE,
        contract=contract,
        rollout=build.rollout(),
        status=status,
        to=to,
        decided_at=build.STATE_COMMIT,
    )
    assert "Harness: unknown, gone" in shown
    assert "Its soak of 2 complete runs starts" in shown
    shown = promotion_body(
        TEMPLATE,
        contract=contract,
        rollout=build.rollout(),
        status=status,
        to=to.model_copy(update={"soak": 0}),
        decided_at=build.STATE_COMMIT,
    )
    assert "It asks for no soak." in shown


def test_commits_that_are_not_listed_are_counted_and_compared() -> None:
    long = ready().model_copy(update={"release_range": build.release_range(25)})
    assert f"### 25 commits since [2222222222](https://github.com/acme/tau/commit/{build.BASE})" in body(long)
    assert "- and 23 more" in body(long)
    link = f"[Compare all of it](https://github.com/acme/tau/compare/{build.BASE}...{build.COMMIT})"
    assert link in body(long)


def test_a_release_of_one_commit_links_to_it() -> None:
    alone = build.rollout().model_copy(update={"release": build.release().model_copy(update={"base": None})})
    one = ready().model_copy(update={"release_range": build.release_range(1)})
    shown = body(one, alone)
    assert "### 1 commit\n" in shown
    assert f"[Show all of it](https://github.com/acme/tau/commit/{build.COMMIT})" in shown


@pytest.mark.parametrize(("base", "command"), [(build.BASE, "log -p 2222222222.."), (None, "show ")])
def test_without_a_page_there_is_a_command(base: str | None, command: str) -> None:
    release = build.release().model_copy(update={"base": base})
    contract = build.contract()
    shown = promotion_body(
        TEMPLATE,
        contract=contract,
        rollout=build.rollout().model_copy(update={"release": release}),
        status=ready(),
        to=contract.phase("canary-3"),
        decided_at=build.STATE_COMMIT,
    )
    assert f"All of it: `git {command}1111111111`" in shown
    assert "](" not in shown


def test_a_rollout_that_started_before_ranges_were_recorded_lists_none() -> None:
    shown = body(ready().model_copy(update={"release_range": None}))
    assert "### Release\n" in shown
    assert "50 % of users get it; until now 25 % did." in shown


def test_it_needs_a_release() -> None:
    with pytest.raises(ValueError, match="needs a release"):
        body(ready(), build.idle())


def test_the_marker_is_hidden_and_cannot_be_left() -> None:
    assert body(ready()).splitlines()[-1] == MARKER
    assert promotion_marker("tau", "1 --> <b>", "p") == (
        "<!-- rollout:promotion train=tau release=1%20-%2D%3E%20%3Cb%3E phase=p -->"
    )


def test_hostile_text_makes_no_markup() -> None:
    hostile = "| `x` <b> **@root** [a](http://e) www.e.com #1 \n# GH-2 :tada: \u202e"

    def shape(words: str) -> list[str]:
        status = regressed()
        gates = tuple(f.model_copy(update={"seen": words, "wanted": words}) for f in status.gates)
        commits = tuple(
            each.model_copy(update={"subject": words, "author": words})
            for each in build.release_range().commits
        )
        changes = {
            "gates": gates,
            "decision": status.decision.model_copy(update={"reasons": (words,)}),
            "release_range": ReleaseRange(commits=commits, total=2),
        }
        frozen = build.rollout(frozen=Freeze(reason=words, at=build.NOW))
        html = as_html(body(status.model_copy(update=changes), frozen), commits={})
        return re.findall("<[^>]*>", html.replace("<span>$</span>", "$"))

    assert shape(hostile) == shape("x")


def test_a_body_too_long_for_github_is_cut_and_keeps_its_marker() -> None:
    status = regressed()
    # Short rows, so that the cut comes close to the limit.
    many = [
        GateFinding(gate=f"g{number}", result=Result.SATISFIED, seen="x", since=build.NOW)
        for number in range(6000)
    ]
    shown = body(status.model_copy(update={"gates": tuple(many)}))
    assert DOCUMENT_LIMIT - 100 < len(shown) <= DOCUMENT_LIMIT
    assert "_Cut here: " in shown
    assert shown.count("\n<details>") == shown.count("\n</details>")
    assert shown.endswith(MARKER)
