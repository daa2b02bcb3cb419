"""The views that commands print, by golden files and by what must always hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from click import style, unstyle

from rollout.core.contract import Contract
from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.signoff import block, for_release, sign
from rollout.core.signoff.checklist import end
from rollout.core.state import (
    Ending,
    Freeze,
    Outcome,
    Request,
    Result,
    SignatureEnd,
    Soak,
    TrainState,
    TriggerFinding,
    TriggerState,
    Verdict,
    Work,
)
from rollout.ports import LoggedCommit
from rollout.rendering.signoff_terminal import signoff_view
from rollout.rendering.terminal import (
    decision_view,
    effects_view,
    history_view,
    pull_requests_view,
    reconciled_view,
    status_view,
    verify_view,
)
from tests import builders as build
from tests.rendering.goldens import check_golden

HOSTILE = "\x1b[31m# @root\x1b]0;title\x07 [x](http://e)\n\u202eevil\u200b" + "x" * 5_000_000


def degraded() -> TrainState:
    """Memory is degraded, voice cannot be read."""
    unread = "timed out after 2m: " + "waiting for the lock of the build directory " * 4
    changed: build.Edits = {
        (gate, "voice"): (Result.UNKNOWN, unread) for gate in ("health_state", "queue_depth")
    }
    changed["health_state", "memory"] = (Result.UNSATISFIED, "degraded")
    changed["queue_depth", "browser-automation"] = (Result.NOT_APPLICABLE, "never reported here")
    changed["no_trigger", None] = (Result.UNKNOWN, "cannot tell: health_regression")
    unknown = TriggerFinding(
        trigger="health_regression",
        state=TriggerState.UNKNOWN,
        surface="voice",
        seen=unread,
        wanted="fires at 2 consecutive checks degraded or failing",
        since=build.NOW,
    )
    samples = {"voice": build.sample(unknown=unread), "memory": build.sample(health_state="degraded")}
    status = build.status(
        decision=build.hold("health_state is degraded on memory", "voice cannot be read", earliest=None),
        soak=Soak(),
        changed=changed,
        triggers=(unknown, *build.quiet()[1:]),
        observation=build.observe(changed=samples),
    )
    return build.train(build.rollout(), status)


def frozen() -> TrainState:
    status = build.status(
        decision=build.rollback("health_regression fired on memory"),
        soak=Soak(),
        changed={("health_state", "memory"): (Result.UNSATISFIED, "degraded")},
        triggers=(build.fired(), *build.quiet()[1:]),
        observation=build.observe(changed={"memory": build.sample(health_state="degraded")}),
    )
    return build.train(build.frozen_rollout(), status, incident=build.incident())


def preflight() -> TrainState:
    """The harness has been asked for, and one CI check has not finished."""
    request = Request(
        id="harness-preflight-0-1",
        work=Work.HARNESS,
        phase="preflight",
        canary_percent=0,
        attempt=1,
        requested_at=build.NOW,
    )
    changed: build.Edits = {
        ("harness", None): (Result.UNKNOWN, "the last run started before the rollout did"),
        ("ci_checks", None): (Result.UNKNOWN, "not finished: Live smoke (voice)"),
    }
    status = build.status(
        "preflight", decision=build.hold("harness is unknown", earliest=None), soak=Soak(), changed=changed
    )
    return build.train(build.rollout("preflight"), status.model_copy(update={"requests": (request,)}))


def checklist() -> TrainState:
    """canary-3 has soaked, and waits for one person's signature."""
    missing = (Result.UNSATISFIED, "1 missing: trigger-matrix-reviewed")
    status = build.status(
        "canary-3",
        decision=build.hold("signoff.general-availability: 1 missing", earliest=None),
        soak=Soak(earned_seconds=7200),
        changed={("signoff.general-availability", None): missing},
    )
    return build.train(build.rollout("canary-3"), status)


def promotable() -> TrainState:
    status = build.status(decision=build.promote(), soak=Soak(earned_seconds=3600))
    return build.train(build.rollout(), status)


def merged() -> TrainState:
    return build.train(build.rollout("canary-3"), build.status(decision=build.promote()))


def frozen_by_hand() -> TrainState:
    freeze = Freeze(reason="release notes are wrong", at=build.NOW - timedelta(days=1))
    return build.train(build.rollout(frozen=freeze), build.status())


def complete() -> TrainState:
    done = build.rollout("general-availability", outcome=Outcome.COMPLETE)
    status = build.status("general-availability", soak=Soak(earned_seconds=86_400))
    decision = status.decision.model_copy(update={"verdict": "complete", "reasons": ("every gate holds",)})
    return build.train(done, status.model_copy(update={"decision": decision}))


def withdrawn() -> TrainState:
    return build.train(build.withdrawn_rollout(), build.status("preflight"))


STATES = {
    "hold": build.train(build.rollout(), build.status()),
    "promote": promotable(),
    "merged": merged(),
    "waiting": build.train(build.rollout("canary-3"), build.waiting()),
    "rolled-back": build.train(build.rollout(outcome=Outcome.ROLLED_BACK), build.status()),
    "degraded": degraded(),
    "frozen": frozen(),
    "frozen-by-hand": frozen_by_hand(),
    "preflight": preflight(),
    "sign-off": checklist(),
    "complete": complete(),
    "idle": build.train(build.idle(), None),
    "reopened": build.train(build.rollout(outcome=Outcome.IDLE), build.status()),
    "withdrawn": withdrawn(),
    "started": build.train(build.rollout("preflight"), None),
}


def show(state: TrainState, *, columns: int = 100, colour: bool = False, **more: timedelta) -> str:
    now = build.NOW + more.get("later", timedelta(minutes=2))
    number = 3 if state is STATES["promote"] else None
    if colour:
        return status_view(state, now=now, pull_request=number, columns=columns, style=style)
    return status_view(state, now=now, pull_request=number, columns=columns)


@pytest.mark.parametrize("name", STATES)
def test_status(name: str) -> None:
    check_golden(f"status-{name}.txt", show(STATES[name]))


@pytest.mark.parametrize(
    ("verdict", "said"), [("rollback", "to be rolled back"), ("complete", "ready to complete")]
)
def test_the_header_names_the_verdict(verdict: str, said: str) -> None:
    status = build.status()
    decision = status.decision.model_copy(update={"verdict": Verdict(verdict)})
    state = build.train(build.rollout(), status.model_copy(update={"decision": decision}))
    assert show(state).splitlines()[0] == f"tau: v0.1.5 in canary-2 at 25 % (you apply it), {said}"


def test_status_in_a_narrow_terminal() -> None:
    check_golden("status-degraded-narrow.txt", show(STATES["degraded"], columns=60))


@pytest.mark.parametrize("name", ["promote", "hold", "degraded", "frozen", "complete", "idle"])
def test_reconcile_ends_as_status_begins(name: str) -> None:
    state, how = STATES[name], "rollout local merge 3"
    ends = reconciled_view(state, [], now=build.NOW, pull_request=3, columns=100, merge=how)
    shown = status_view(state, now=build.NOW, pull_request=3, columns=100, merge=how)
    begins = [part for part in shown.split("\n\n") if part.startswith(("To do", "Next"))]
    assert ends.endswith("\n\n".join(begins))
    assert (how in ends) == (name == "promote")


def test_a_reason_is_told_once() -> None:
    """By the gates and the bar of the soak, or as a reason."""
    for name in ("degraded", "hold", "sign-off"):
        text = show(STATES[name])
        assert "\nWhy" not in text or "soak: " not in text
    assert "Why" not in show(STATES["hold"])


def test_status_says_that_nothing_was_observed_for_long() -> None:
    text = show(STATES["hold"], later=timedelta(hours=13))
    assert "nothing observed since 2026-11-23 14:00 UTC, 13h ago: is the schedule running?" in text.replace(
        "\n    ", " "
    )


def test_status_says_that_a_clock_ahead_decided() -> None:
    lines = show(STATES["promote"], later=timedelta(minutes=-25)).splitlines()
    assert lines[0] == "tau: v0.1.5 in canary-2 at 25 % (you apply it), on hold"
    text = " ".join(each.strip() for each in lines)
    assert "the last observation is of 2026-11-23T14:00:00Z, by a clock that ran ahead" in text
    assert "merge pull request" not in text


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_status_keeps_to_the_width(name: str, columns: int) -> None:
    # The two lines of the header are facts that a person copies: they are never wrapped.
    body = show(STATES[name], columns=columns).split("\n\n", 1)[-1]
    too_long = [text for text in body.splitlines() if len(text) > columns and "soak [" not in text]
    assert too_long == []


@pytest.mark.parametrize("name", STATES)
def test_colour_changes_only_the_colour(name: str) -> None:
    coloured = show(STATES[name], colour=True)
    assert "\x1b[" in coloured
    assert unstyle(coloured) == show(STATES[name])


def test_hostile_text_is_inert_and_cut() -> None:
    text = HOSTILE[:500]
    changed: build.Edits = {("health_state", "memory"): (Result.UNSATISFIED, text)}
    status = build.status(
        decision=build.hold(text),
        changed=changed,
        triggers=(build.fired().model_copy(update={"seen": HOSTILE}),),
        observation=build.observe(changed={"memory": build.sample(unknown=text)}),
    )
    freeze = Freeze(reason=text, at=build.NOW)
    shown = show(build.train(build.rollout(frozen=freeze), status))
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert len(shown) < 6000


EFFECTS: list[Mapping[str, object]] = [
    {"kind": "commit", "event": "observe", "commit": "c" * 40, "detail": ""},
    {"kind": "commit", "event": "signoff", "commit": "", "detail": "canary-2-soaked"},
    {
        "kind": "open_pull_request",
        "branch": "rollout/tau/v0.1.5/canary-3",
        "to_phase": "canary-3",
        "canary_percent": 50,
    },
    {"kind": "update_pull_request", "number": 3},
    {"kind": "close_pull_request", "number": 2, "reason": "The rollout is in canary-2."},
    {
        "kind": "set_status",
        "commit": "1" * 40,
        "context": "rollout/tau",
        "state": "pending",
        "description": "in progress",
    },
]


def decide(state: TrainState, contract: Contract, **options: bool) -> str:
    assert state.status is not None
    return decision_view(
        state.rollout,
        state.status,
        contract=contract,
        now=build.NOW,
        columns=100,
        effects=EFFECTS if options else (),
        dry_run=options.get("dry_run", False),
    )


def test_evaluate() -> None:
    check_golden("evaluate-degraded.txt", decide(degraded(), build.contract()))


def test_reconcile() -> None:
    check_golden("reconcile-promote.txt", decide(promotable(), build.contract(), dry_run=True))


def test_effects_are_inert_and_nothing_is_no_section() -> None:
    assert effects_view([], columns=80) == ""
    assert effects_view([{"kind": "other", "text": "a\x1b[2J\nb"}], columns=80) == "Done\n  - other: text a b"


def logged(subject: str, event: str | None, author: str = "rollout") -> LoggedCommit:
    trailers = {"Rollout-Event": event} if event else {}
    return LoggedCommit("c" * 40, (), build.NOW, author, subject, trailers, ("status.yaml",))


def test_history() -> None:
    commits = [
        logged("rollout(tau): promote v0.1.5 canary-1 -> canary-2", "promote"),
        logged("rollout(tau): observe v0.1.5 canary-1: hold, soak 10m of 30m", "observe"),
        logged("Raise queue_depth\x1b[2J for everybody, " + "really " * 40, None, "Ann @ops"),
    ]
    check_golden("history.txt", history_view(commits, columns=100))
    assert history_view([], columns=100) == "no state commit matches"
    cut = replace(logged("rollout(tau): start v0.1.5 preflight", "start"), is_cut=True)
    assert "this clone is shallow" in history_view([cut], columns=100)


def test_signoff() -> None:
    rollout = build.rollout("canary-3")
    empty = for_release(rollout).model_copy(update={"author": "olga"})
    signed = sign(empty, "unified-harness", "state commit " + "a" * 40, "rollout", build.NOW)
    signed = sign(signed, "final-approval", "docs/approval.md", "grace", build.NOW)
    ended = SignatureEnd(how=Ending.LAPSED, by="rollout", at=build.NOW, reason="its comment was deleted")
    signed = end(signed, "final-approval", {"grace": ended})
    signed = sign(signed, "renamed-item", "docs/x.md", "ada", build.NOW)
    check_golden("signoff.txt", signoff_view(build.contract(), rollout, signed, columns=100))
    blocked = block(signed, build.INCIDENT, build.NOW)
    check_golden("signoff-blocked.txt", signoff_view(build.contract(), rollout, blocked, columns=60))


def test_verify() -> None:
    assert verify_view(1, [], columns=80) == "✓ 1 state commit recomputed, all as recorded"
    problems = [("b" * 40, "status.yaml: soak.earned_seconds is 3600, recomputed 600\x1b[2J")]
    check_golden("verify.txt", verify_view(120, problems, columns=80))
    shallow = verify_view(3, [], [], "a" * 40, columns=80)
    assert shallow.splitlines() == [
        "✗ 3 state commits recomputed, as recorded; what came before is missing",
        "  aaaaaaaaaa  this clone is shallow, and history ends here; get the rest with:",
        "              git fetch --unshallow",
    ]


def test_pull_requests() -> None:
    pulls = [
        PullRequest(
            number=number,
            kind=PullRequestKind.PROMOTION,
            title=f"Promote v0.1.5 to {phase}",
            head=f"rollout/tau/v0.1.5/{phase}",
            base="main",
            state=state,
            body="",
            head_sha="e" * 40,
            base_sha="f" * 40,
        )
        for number, phase, state in (
            (9, "canary-2", PullRequestState.MERGED),
            (10, "canary-3", PullRequestState.OPEN),
        )
    ]
    check_golden("pull-requests.txt", pull_requests_view(pulls))
    assert pull_requests_view([]) == "no pull requests"
