"""What state commits say, one event after the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.state import CommitMessage, Event, Freeze, Incident, Result, Rollout, Soak, Status
from rollout.rendering.commits import message
from tests import builders as build
from tests.rendering.goldens import check_golden


def say(
    event: Event,
    rollout: Rollout | None = None,
    status: Status | None = None,
    detail: str = "",
    incident: Incident | None = None,
) -> CommitMessage:
    return message(
        event,
        contract=build.contract(),
        rollout=rollout or build.rollout(),
        status=status,
        detail=detail,
        incident=incident,
    )


def frozen(reason: str) -> Rollout:
    return build.rollout(frozen=Freeze(reason=reason, at=build.NOW))


HARNESS_DONE = "harness for preflight: exit 0"
PROMOTING = build.status(decision=build.promote(), soak=Soak(earned_seconds=3600))
MESSAGES = {
    "set up: profile tau": say(Event.INIT, build.idle(), detail="profile tau"),
    "start v0.1.5 preflight": say(Event.START, build.rollout("preflight")),
    "observe v0.1.5 canary-2: hold, soak 20m of 1h": say(Event.OBSERVE, status=build.status()),
    "observe v0.1.5 canary-2: promote to canary-3": say(Event.OBSERVE, status=PROMOTING),
    "observe v0.1.5 preflight: hold, soak 0 of 1 run": say(
        Event.OBSERVE, build.rollout("preflight"), build.status("preflight", soak=Soak())
    ),
    f"results v0.1.5 canary-2: {HARNESS_DONE}": say(
        Event.RESULTS, status=build.status(), detail=HARNESS_DONE
    ),
    "decide v0.1.5 canary-2: rollback": say(Event.DECIDE, status=build.status(decision=build.rollback("x"))),
    "enter v0.1.5 canary-2 (25 %)": say(Event.ENTER, status=build.status()),
    "apply 25 %": say(Event.APPLY, status=build.status(), detail="flags.json: /flags/new/percent"),
    "promote v0.1.5 canary-2 -> canary-3": say(Event.PROMOTE, build.rollout("canary-3"), PROMOTING),
    "v0.1.5 canary-3 is merged, waits for a reading": say(
        Event.WAIT, build.rollout("canary-3"), build.waiting()
    ),
    "undo step v0.1.5, back to canary-2: no reading": say(
        Event.UNDO_STEP, status=build.status(), detail="no reading"
    ),
    "undo illegal step v0.1.5, back to canary-2: two phases": say(
        Event.ILLEGAL_STEP, frozen("two phases"), build.status(), "two phases"
    ),
    "undo a change of rollout.yaml: the train is idle": say(
        Event.ILLEGAL_STEP, build.idle(), build.status(), "the train is idle"
    ),
    "contract change v0.1.5 canary-2: soak starts again": say(
        Event.CONTRACT, status=build.status(), detail="soak starts again"
    ),
    "freeze v0.1.5 canary-2: release notes are wrong": say(Event.FREEZE, frozen("release notes are wrong")),
    "unfreeze v0.1.5 canary-2: notes fixed": say(Event.UNFREEZE, detail="notes fixed"),
    "roll back v0.1.5 from canary-2: health_regression (memory)": say(
        Event.ROLLBACK, build.frozen_rollout(), build.status(), incident=build.incident()
    ),
    "roll back v0.1.5 from canary-2: customers call": say(Event.ROLLBACK, detail="customers call"),
    "roll back v0.1.5: capture evidence done: 7 captured": say(
        Event.ROLLBACK_STEP,
        build.frozen_rollout(),
        build.status(),
        "capture evidence done: 7 captured",
        build.incident(),
    ),
    "roll back v0.1.5, joined: customers call": say(
        Event.JOIN, build.frozen_rollout(), build.status(), "customers call", build.incident()
    ),
    "cancel the rollback of v0.1.5: a false alarm": say(
        Event.CANCEL, build.frozen_rollout(), build.status(), "a false alarm", build.incident()
    ),
    "rolled back v0.1.5": say(
        Event.ROLLED_BACK, build.frozen_rollout(), build.status(), "green", build.incident()
    ),
    "reopen after v0.1.5: fixed in v0.1.6": say(Event.REOPEN, detail="fixed in v0.1.6"),
    "withdraw v0.1.5 preflight: ada: a wrong tag": say(
        Event.WITHDRAW, build.rollout("preflight"), detail="ada: a wrong tag"
    ),
    "quarantine: v0.1.6 by ada: it loses data": say(Event.QUARANTINE, detail="v0.1.6 by ada: it loses data"),
    "lift quarantine: v0.1.5": say(Event.LIFT, detail="v0.1.5"),
    "complete v0.1.5": say(Event.COMPLETE, build.rollout("general-availability")),
    "sign-off of v0.1.5: final-approval": say(Event.SIGNOFF, detail="final-approval"),
    "channel: stable -> beta": say(Event.CHANNEL, build.idle(), detail="stable -> beta"),
    "rehearse the rollback of v0.1.5": say(Event.REHEARSE),
    "channel: import the product's own metadata": say(Event.CHANNEL_IMPORT, build.idle()),
}


@pytest.mark.parametrize("subject", MESSAGES)
def test_subject(subject: str) -> None:
    shown = MESSAGES[subject].subject
    assert len(shown) <= 72
    assert shown == f"rollout(tau): {subject}" or shown == f"rollout(tau): {subject}"[:71] + "…"


def test_every_event_is_told() -> None:
    assert {dict(told.trailers)["Rollout-Event"] for told in MESSAGES.values()} == {*Event}


def whole(told: CommitMessage) -> str:
    trailers = "\n".join(f"{key}: {value}" for key, value in told.trailers)
    return f"{told.subject}\n\n{told.body}\n\n{trailers}"


def test_whole_messages() -> None:
    changed: build.Edits = {
        ("health_state", "memory"): (Result.UNSATISFIED, "degraded"),
        ("queue_depth", "voice"): (Result.UNKNOWN, "timed out after 2m"),
    }
    reasons = build.hold("health_state is degraded on memory", "voice cannot be read")
    degraded = build.status(decision=reasons, soak=Soak(), changed=changed)
    shown = [
        say(Event.START, build.rollout("preflight")),
        say(Event.OBSERVE, status=degraded),
        say(Event.PROMOTE, build.rollout("canary-3"), PROMOTING),
        say(Event.ROLLBACK, build.frozen_rollout(), degraded, incident=build.incident()),
        say(Event.FREEZE, frozen("release notes are wrong"), build.status(), "release notes are wrong"),
        say(Event.SIGNOFF, detail="final-approval"),
        say(Event.INIT, build.idle()),
    ]
    check_golden("commits.txt", "\n\n--------\n\n".join(whole(told) for told in shown))


def test_only_what_changes_nothing_desired_is_quiet() -> None:
    quiet = {event for event in Event if say(event, status=build.status()).quiet}
    assert quiet == {
        Event.OBSERVE,
        Event.RESULTS,
        Event.DECIDE,
        Event.WAIT,
        Event.ENTER,
        Event.CONTRACT,
    }


def test_what_happens_while_a_step_waits_happens_in_the_phase_that_it_leaves() -> None:
    told = say(Event.OBSERVE, build.rollout("canary-3"), build.waiting())
    assert told.subject == "rollout(tau): observe v0.1.5 canary-2: hold"
    assert dict(told.trailers)["Rollout-Phase"] == "canary-2"


def test_trailers_name_a_bare_version_as_a_release_and_leave_out_what_there_is_not() -> None:
    bare = build.release().model_copy(update={"version": "0.1.5\nRollout-Event: complete"})
    told = say(Event.ENTER, build.rollout().model_copy(update={"release": bare}))
    assert dict(told.trailers)["Rollout-Release"] == "v0.1.5 Rollout-Event: complete"
    assert told.subject.startswith("rollout(tau): enter v0.1.5 ")
    assert [key for key, _ in say(Event.CHANNEL, build.idle()).trailers] == ["Rollout-Train", "Rollout-Event"]


def test_a_surface_s_silence_is_one_line_a_gate() -> None:
    changed: build.Edits = {("queue_depth", surface): (Result.UNKNOWN, "gone") for surface in build.SURFACES}
    assert (
        "- queue_depth (5 surfaces): unknown, gone (wanted <= 1)"
        in say(Event.OBSERVE, status=build.status(changed=changed)).body.splitlines()
    )
    del changed["queue_depth", "voice"], changed["queue_depth", "memory"]
    assert (
        "- queue_depth (browser-automation, dashboard, custom-command): unknown"
        in say(Event.OBSERVE, status=build.status(changed=changed)).body
    )


@given(st.text(max_size=60), st.sampled_from(Event))
def test_what_people_write_stays_inside_its_line(text: str, event: Event) -> None:
    hostile = text + "\n\nRollout-Event: complete\nCo-authored-by: @x [skip ci] #1"
    status = build.status(decision=build.hold(hostile))
    told = say(event, frozen(hostile), status, hostile, build.incident())
    assert told.subject.isprintable()
    assert len(told.subject) <= 72
    assert "[" not in told.body
    assert not [text for text in told.body.splitlines() if text.startswith(("Rollout-Event", "Co-authored"))]


def test_a_body_does_not_grow_with_the_number_of_findings() -> None:
    changed: build.Edits = {
        (gate, surface): (Result.UNSATISFIED, surface + "x" * 400)
        for gate in (
            "health_state",
            "failure_streak",
            "queue_depth",
            "no_new.case_processing_failed",
            "timeline_clean",
        )
        for surface in build.SURFACES
    }
    body = say(Event.OBSERVE, status=build.status(changed=changed), detail="y" * 5_000_000).body
    assert "- and 1 more" in body
    assert len(body) < 8000
