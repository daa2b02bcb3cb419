"""The summary of a job, as a release manager sees it on the run's page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.core.contract import Contract
from rollout.core.state import Freeze, Outcome, Result, Soak, Status, TrainState
from rollout.rendering.inert import DOCUMENT_LIMIT
from rollout.rendering.summary import Run, job_summary, refusal_summary, timeline
from tests import builders as build
from tests.rendering.github import as_html
from tests.rendering.goldens import check_golden

TEMPLATE = (Path(__file__).parents[2] / "templates" / "job-summary.md.j2").read_text(encoding="utf-8")
PAGE = "https://github.com/acme/tau"
DONE = (
    {"kind": "commit", "event": "observe", "commit": build.STATE_COMMIT, "detail": ""},
    {"kind": "set_status", "state": "pending", "description": "v0.1.5 canary-2: in progress"},
)


def summary(state: TrainState, run: Run | None = None) -> str:
    return job_summary(TEMPLATE, state, run or Run(DONE, calls=4, page=PAGE), now=build.NOW)


def holding() -> TrainState:
    changed: build.Edits = {
        ("health_state", "memory"): (Result.UNSATISFIED, "degraded"),
        ("queue_depth", "voice"): (Result.UNKNOWN, "timed out after 2m"),
    }
    reasons = build.hold("health_state (memory): degraded, wanted healthy", "soak: 0s of 1h")
    return build.train(build.rollout(), build.status(decision=reasons, soak=Soak(), changed=changed))


def ready() -> TrainState:
    return build.train(
        build.rollout(), build.status(decision=build.promote(), soak=Soak(earned_seconds=3600))
    )


def rolling_back() -> TrainState:
    return build.train(
        build.frozen_rollout(),
        build.status(decision=build.rollback("voice is failing")),
        incident=build.incident(),
    )


def idle() -> TrainState:
    return build.train(build.idle(), None)


STATES: Mapping[str, Callable[[], TrainState]] = {
    "hold": holding,
    "promote": ready,
    "rollback": rolling_back,
    "idle": idle,
}


@pytest.mark.parametrize("name", STATES)
def test_as_it_is_seen(name: str) -> None:
    run = Run(DONE, calls=4, page=PAGE, pull_request=12, branch="main")
    check_golden(f"summary-{name}.md", summary(STATES[name](), run))


def first(state: TrainState, **run: object) -> str:
    return summary(state, Run(page=PAGE, **run)).splitlines()[0]  # type: ignore[arg-type]


def test_a_holds_first_line_says_why_and_when_it_can_change() -> None:
    state = holding()
    assert first(state) == (
        "**Hold:** health_state (memory): degraded, wanted healthy."
        " It can change at 2026-11-23 14:40 UTC at the earliest."
    )
    assert state.status is not None
    for earliest in (None, build.NOW - timedelta(hours=1)):
        known = build.hold("a signature is missing", earliest=earliest)
        later = replace(state, status=state.status.model_copy(update={"decision": known}))
        assert first(later) == "**Hold:** a signature is missing"


def test_a_promotions_first_line_leads_to_its_pull_request() -> None:
    assert first(ready(), pull_request=12) == (
        "**Ready for** canary-3. Merge [#12](https://github.com/acme/tau/pull/12)."
    )
    assert first(ready()) == "**Ready for** canary-3"


def test_an_address_that_is_not_plain_is_no_link() -> None:
    for page in ("", "javascript:alert(1)", "https://github.com/acme/tau)](http://evil", "https://x/a"):
        shown = summary(ready(), Run(page=page, pull_request=12)).splitlines()[0]
        assert shown == "**Ready for** canary-3. Merge #12."


def test_other_first_lines() -> None:
    frozen = build.rollout(frozen=Freeze(reason="the venue closes", at=build.NOW))
    assert first(build.train(frozen, None)) == (
        "**Frozen v0.1.5:** the venue closes. Since 2026-11-23 14:00 UTC."
    )
    assert first(rolling_back()).startswith("**Frozen, rolling back v0.1.5:** ")
    done = build.rollout().model_copy(update={"outcome": Outcome.COMPLETE})
    assert first(build.train(done, None)) == "**Complete.**"
    assert first(idle()) == "**Idle.**"
    assert first(build.train(frozen, None), refused="canary-1 -> canary-3 skips") == (
        "**Refused, and frozen:** canary-1 -> canary-3 skips"
    )
    assert first(idle(), refused="rollout.yaml changed") == "**Refused, and undone:** rollout.yaml changed"


def test_a_refusals_first_line_is_the_reason() -> None:
    shown = refusal_summary("--version one: not a version\nand more", "write it like v1.2.3; rollout start")
    assert shown.splitlines() == [
        "**Refused:** `--version` one: not a version",
        "- and more",
        "",
        "What to do: write it like v1.2.3; `rollout start`",
    ]


def test_hostile_text_makes_no_markup() -> None:
    hostile = "| `x` <b> **@root** [a](http://e) \n# #1 \u202e ```mermaid"

    def shape(text: str) -> list[str]:
        status = holding().status
        assert status is not None
        findings = tuple(one.model_copy(update={"seen": text, "wanted": text}) for one in status.gates)
        fired = build.fired().model_copy(update={"seen": text, "wanted": text})
        decision = build.hold(text, f"{text}, too")
        changed = {"gates": findings, "triggers": (fired,), "decision": decision}
        state = build.train(build.rollout(), status.model_copy(update=changed))
        html = as_html(summary(state, Run([{"kind": "commit", "event": text}], refused=text)), commits={})
        return re.findall("<(?!/?code>)[^>]*>", html)

    assert shape(hostile) == shape("x")


def test_a_summary_is_cut() -> None:
    rows = [{"kind": "commit", "event": "observe", "detail": "x" * 300}] * 500
    assert len(summary(holding(), Run(rows))) <= DOCUMENT_LIMIT


# --- the timeline ----------------------------------------------------------------------------------------

PERIOD = re.compile(r"    \d+ % [a-z0-9][a-z0-9._-]*(?: : [^:#;%\n]+)+")
"""What mermaid reads as a period with its events: colons part events, `#` begins a comment."""


@pytest.mark.parametrize("state", STATES.values())
def test_a_timeline_is_what_mermaid_reads(state: Callable[[], TrainState]) -> None:
    train = state()
    lines = timeline(train.contract, train.rollout, train.status).splitlines()
    assert (lines[:2], lines[-1]) == (["```mermaid", "timeline"], "```")
    assert all(PERIOD.fullmatch(line) for line in lines[2:-1]), lines


@pytest.mark.parametrize("name", ["title", "section", "timeline", "acctitle", "end"])
def test_a_phase_may_be_called_like_a_keyword_of_mermaid(name: str) -> None:
    contract: Contract = build.contract()
    phases = (contract.phases[0].model_copy(update={"name": name}), *contract.phases[1:])
    named = contract.model_copy(update={"phases": phases})
    shown = timeline(named, build.rollout(), None).splitlines()
    assert shown[2] == f"    0 % {name} : done"


def test_a_timeline_tells_where_it_is() -> None:
    status: Status = build.status(decision=build.hold("soak"), soak=Soak(earned_seconds=600))
    contract = build.contract()
    lines = timeline(contract, build.rollout(), status).splitlines()[2:-1]
    assert [line.split(" : ")[1] for line in lines] == ["done", "done", "now", "to come", "to come"]
    assert "soak 10m of 1h : until 2026-11-23 14.40 UTC at the earliest" in lines[2]
    complete = build.rollout().model_copy(update={"outcome": Outcome.COMPLETE})
    assert timeline(contract, complete, status).count(" : done") == 5
