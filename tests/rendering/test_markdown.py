"""The body of a promotion pull request."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from rollout.core.contract import RunsSoak
from rollout.core.state import Freeze, GateFinding, Result, Rollout, Soak, Status
from rollout.rendering.inert import DOCUMENT_LIMIT
from rollout.rendering.markdown import promotion_body, promotion_marker
from tests import builders as build
from tests.rendering.goldens import check_golden

TEMPLATE = (Path(__file__).parents[2] / "templates" / "promotion-pr.md.j2").read_text(encoding="utf-8")
MARKER = "<!-- rollout:promotion train=tau release=v0.1.5 phase=canary-3 -->"


def body(status: Status, rollout: Rollout | None = None) -> str:
    contract = build.contract()
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
    status = build.status(decision=build.promote(), soak=Soak(earned_seconds=3600))
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
    reasons = build.hold("health_state is degraded on memory", "voice cannot be read")
    return build.status(decision=reasons, soak=Soak(), changed=changed)


def test_a_promotion() -> None:
    check_golden("promotion.md", body(ready()))


def test_a_surface_that_cannot_be_read_is_one_row() -> None:
    gates = ("health_state", "failure_streak", "queue_depth")
    changed: build.Edits = {(gate, "memory"): (Result.UNKNOWN, "exit 101") for gate in gates}
    rows = [row for row in body(build.status(changed=changed)).splitlines() if "exit 101" in row]
    assert rows == ["| `health_state, failure_streak, queue_depth` | ? unknown | `exit 101` |  | `memory` |"]


def test_a_promotion_whose_gates_regressed() -> None:
    check_golden("promotion-regressed.md", body(regressed()))


@pytest.mark.parametrize(
    ("status", "rollout", "first"),
    [
        (
            ready(),
            None,
            "Merging this moves `v0.1.5` of `tau` from `canary-2` at 25 % to `canary-3` at 50 %.",
        ),
        (regressed(), None, "**DO NOT MERGE:** `health_state is degraded on memory`"),
        (
            ready(),
            build.rollout(frozen=Freeze(reason="notes", at=build.NOW)),
            "**DO NOT MERGE:** `frozen: notes`",
        ),
        (
            build.status(decision=build.promote("canary-1")),
            None,
            "**DO NOT MERGE:** `every gate holds and the soak is full`",
        ),
    ],
)
def test_the_first_line_says_what_merging_does(status: Status, rollout: Rollout | None, first: str) -> None:
    assert body(status, rollout).splitlines()[0] == first


def test_a_refusal_without_a_reason_names_the_decision() -> None:
    silent = build.status(decision=build.hold().model_copy(update={"reasons": ()}))
    assert body(silent).startswith("**DO NOT MERGE:** `the decision is hold now`")


def test_a_steady_promote_keeps_its_body() -> None:
    later = ready(later=timedelta(hours=3))
    gates = tuple(
        finding.model_copy(update={"seen": "1"}) if finding.gate == "queue_depth" else finding
        for finding in later.gates
    )
    shown, before = body(later.model_copy(update={"gates": gates})), body(ready())
    changed = [line for line in shown.splitlines() if line not in before.splitlines()]
    # until when the decision holds moves with each decision, and nothing else does
    assert [line.partition("`; each")[0] for line in changed] == [
        "This decision holds until `2026-11-23 17:30 UTC"
    ]
    assert shown.replace("17:30", "14:30") == before


def test_a_checkout_that_is_further_on_is_said_so_in_plain_words() -> None:
    observation = build.observe()
    further = {
        name: sample.model_copy(update={"product_head": "a" * 40, "holds_release": True})
        for name, sample in observation.samples.items()
    }
    read = observation.model_copy(update={"samples": further})
    shown = body(ready().model_copy(update={"observation": read})).splitlines()
    at = shown.index(f"- Product checkout observed: `{'a' * 40}`, ahead of the release")
    assert shown[at + 1].startswith("- ")


def test_what_is_missing_is_said_or_left_out() -> None:
    status = ready().model_copy(update={"observation": None})
    status = status.model_copy(update={"facts": status.facts.model_copy(update={"checks": None})})
    rollout = build.rollout().model_copy(update={"rollback_target": None})
    shown = body(status, rollout)
    assert "harness" not in shown
    assert "Product checkout" not in shown
    assert "CI checks of the release commit: `could not be asked for`" in shown
    assert "No version to return to; a rollback reverts only" in shown


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
    assert "Validation harness: `unknown: gone`" in shown
    assert "its soak of `2 complete runs` starts" in shown
    shown = promotion_body(
        TEMPLATE,
        contract=contract,
        rollout=build.rollout(),
        status=status,
        to=to.model_copy(update={"soak": 0}),
        decided_at=build.STATE_COMMIT,
    )
    assert "it asks for no soak" in shown


def test_commits_that_are_not_listed_are_counted_and_compared() -> None:
    long = ready().model_copy(update={"release_range": build.release_range(25)})
    assert "25 commits since `2222222222`, newest first" in body(long)
    assert "- and 23 more" in body(long)
    link = f"[compare](https://github.com/acme/tau/compare/{build.BASE}...{build.COMMIT})"
    assert link in body(long)


def test_a_release_of_one_commit_links_to_it() -> None:
    alone = build.rollout().model_copy(update={"release": build.release().model_copy(update={"base": None})})
    one = ready().model_copy(update={"release_range": build.release_range(1)})
    assert f"1 commit, newest first ([show](https://github.com/acme/tau/commit/{build.COMMIT}))" in body(
        one, alone
    )


def test_a_rollout_that_started_before_ranges_were_recorded_lists_none() -> None:
    assert "### Commits" not in body(ready().model_copy(update={"release_range": None}))


def test_it_needs_a_release() -> None:
    with pytest.raises(ValueError, match="needs a release"):
        body(ready(), build.idle())


def test_the_marker_is_hidden_and_cannot_be_left() -> None:
    assert body(ready()).splitlines()[-1] == MARKER
    assert promotion_marker("tau", "1 --> <b>", "p") == (
        "<!-- rollout:promotion train=tau release=1%20-%2D%3E%20%3Cb%3E phase=p -->"
    )


def test_hostile_text_makes_no_markup() -> None:
    hostile = "| `x` <b> **@root** [a](http://e) \n# #1 \u202e"
    # A frozen rollout, so that the same first line is there for both.
    frozen = build.rollout(frozen=Freeze(reason=hostile, at=build.NOW))
    status = regressed()
    poisoned = tuple(f.model_copy(update={"seen": hostile, "wanted": hostile}) for f in status.gates)
    clean = tuple(f.model_copy(update={"seen": "x", "wanted": "x"}) for f in status.gates)
    parse = MarkdownIt("commonmark").enable("table").parse

    def shape(gates: tuple[GateFinding, ...], rollout: Rollout, reason: str) -> list[str]:
        decision = status.decision.model_copy(update={"reasons": (reason,)})
        tokens = parse(body(status.model_copy(update={"gates": gates, "decision": decision}), rollout))
        return [part.type for token in tokens for part in (token, *(token.children or ()))]

    plain = build.rollout(frozen=Freeze(reason="x", at=build.NOW))
    assert shape(poisoned, frozen, hostile) == shape(clean, plain, "x")


def test_a_body_too_long_for_github_is_cut_and_keeps_its_marker() -> None:
    status = regressed()
    # Short rows, so that the cut comes close to the limit.
    many = [
        GateFinding(gate=f"g{number}", result=Result.UNKNOWN, seen="x", since=build.NOW)
        for number in range(3000)
    ]
    shown = body(status.model_copy(update={"gates": tuple(many)}))
    assert DOCUMENT_LIMIT - 100 < len(shown) <= DOCUMENT_LIMIT
    assert "_Cut here: " in shown
    assert shown.endswith(MARKER)
