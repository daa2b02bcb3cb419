"""The documents of `--json`: the keys that scripts rely on."""

from __future__ import annotations

import json

from rollout.core.forge import PullRequest, PullRequestKind, PullRequestState
from rollout.core.signoff import for_release, sign
from rollout.core.state import Result, Soak
from rollout.ports import LoggedCommit
from rollout.rendering.documents import (
    evaluate_document,
    history_document,
    local_prs_document,
    reconcile_document,
    status_document,
    verify_document,
)
from rollout.rendering.signoff import signoff_document
from tests import builders as build
from tests.rendering.goldens import check_golden


def pretty(document: object) -> str:
    return json.dumps(document, indent=2, allow_nan=False)


def test_status() -> None:
    changed: build.Edits = {("health_state", "memory"): (Result.UNSATISFIED, "degraded")}
    status = build.status(changed=changed, triggers=(build.fired(), *build.quiet()[1:]))
    state = build.train(build.frozen_rollout(), status, incident=build.incident())
    check_golden("status.json.txt", pretty(status_document(state, now=build.NOW, pull_request=None)))


def test_status_of_an_idle_train_has_all_keys_too() -> None:
    idle = status_document(build.train(build.idle(), None), now=build.NOW, pull_request=None)
    busy = status_document(build.train(build.rollout(), build.status()), now=build.NOW, pull_request=3)
    assert idle.keys() == busy.keys()
    assert idle["soak"] == {"required_seconds": 0, "earned_seconds": 0}
    assert idle["release"] is idle["frozen"] is idle["decision"] is None
    assert busy["pull_request"] == 3


def test_a_merged_step_stands_beside_the_phase_that_was_entered() -> None:
    merged = {"phase": "canary-3", "canary_percent": 50, "merged_at": None, "waits_for": None, "until": None}
    seen = {
        "merged_at": "2026-11-23T13:55:00Z",
        "waits_for": "a reading",
        "until": "2026-11-23T14:25:00Z",
    }
    for status, step in ((build.status(), merged), (build.waiting(), merged | seen)):
        state = build.train(build.rollout("canary-3"), status)
        document = status_document(state, now=build.NOW, pull_request=None)
        assert (document["phase"], document["canary_percent"]) == ("canary-2", 25)
        assert document["merged_step"] == step
        assert evaluate_document(state.rollout, status)["merged_step"] == step
    assert (
        status_document(build.train(build.rollout(), build.status()), now=build.NOW, pull_request=None)[
            "merged_step"
        ]
        is None
    )


def test_a_soak_in_runs() -> None:
    state = build.train(build.rollout("preflight"), build.status("preflight", soak=Soak(runs=1)))
    document = status_document(state, now=build.NOW, pull_request=None)
    assert document["soak"] == {
        "required_seconds": 0,
        "earned_seconds": 0,
        "required_runs": 1,
        "earned_runs": 1,
    }


def test_evaluate() -> None:
    document = evaluate_document(build.rollout(), build.status(triggers=(build.fired(),)))
    assert document["release"] == "v0.1.5"
    assert document["decision"] == "hold"
    assert document["effects"] == []
    assert document["gates"][0] == {  # type: ignore[index]
        "gate": "health_state",
        "result": "satisfied",
        "surface": "voice",
        "seen": "healthy",
        "wanted": "healthy",
        "since": "2026-11-23T13:40:00Z",
    }
    assert document["triggers"] == [
        {
            "trigger": "health_regression",
            "fired": True,
            "surface": "memory",
            "state": "fired",
            "seen": "2 consecutive checks degraded",
            "wanted": "fires at 2 consecutive checks degraded or failing",
        }
    ]


def test_reconcile() -> None:
    document = reconcile_document(build.idle(), None, [{"kind": "commit", "commit": "abc"}], dry_run=True)
    assert document == {
        "train": "tau",
        "release": None,
        "phase": None,
        "outcome": "idle",
        "decision": None,
        "to": None,
        "merged_step": None,
        "reasons": [],
        "earliest": None,
        "gates": [],
        "triggers": [],
        "effects": [{"kind": "commit", "commit": "abc"}],
        "dry_run": True,
    }


def test_history() -> None:
    trailers = {"Rollout-Event": "enter", "Rollout-Release": "v0.1.5", "Rollout-Phase": "canary-2"}
    ours = LoggedCommit("c" * 40, (), build.NOW, "rollout", "rollout(tau): enter", trailers, ())
    theirs = LoggedCommit("e" * 40, (), build.NOW, "Ann", "by hand", {}, ())
    keys = ("commit", "at", "event", "release", "phase", "subject")
    rows = [
        ("c" * 40, "2026-11-23T14:00:00Z", "enter", "v0.1.5", "canary-2", "rollout(tau): enter"),
        ("e" * 40, "2026-11-23T14:00:00Z", None, None, None, "by hand"),
    ]
    assert history_document([ours, theirs]) == [dict(zip(keys, row, strict=True)) for row in rows]


def test_signoff() -> None:
    rollout = build.rollout("canary-3")
    empty = for_release(rollout).model_copy(update={"author": "olga"})
    signoff = sign(empty, "final-approval", "docs/approval.md", "ann", build.NOW)
    document = signoff_document(build.contract(), rollout, signoff)
    assert document["complete"] is False
    assert [(item["id"], item["before"], item["state"]) for item in document["items"]] == [  # type: ignore[attr-defined]
        ("unified-harness", "general-availability", "missing"),
        ("canary-2-soaked", "general-availability", "missing"),
        ("trigger-matrix-reviewed", "general-availability", "missing"),
        ("final-approval", "complete", "signed"),
    ]
    for item in build.contract().signoff.items:
        signoff = sign(signoff, item.id, "seen", "rollout" if item.proof else "ann", build.NOW)
    assert signoff_document(build.contract(), rollout, signoff)["complete"] is True
    blocked = signoff.model_copy(update={"blocked": build.INCIDENT})
    assert signoff_document(build.contract(), rollout, blocked)["complete"] is False


def test_local_prs() -> None:
    pull = PullRequest(
        number=3,
        kind=PullRequestKind.PROMOTION,
        title="Promote",
        head="rollout/tau/v0.1.5/canary-3",
        base="main",
        state=PullRequestState.OPEN,
        body="",
        head_sha="e" * 40,
        base_sha="f" * 40,
    )
    assert local_prs_document([pull]) == [
        {
            "number": 3,
            "kind": "promotion",
            "title": "Promote",
            "head": "rollout/tau/v0.1.5/canary-3",
            "base": "main",
            "state": "open",
        }
    ]


def test_verify() -> None:
    assert verify_document(12, [("b" * 40, "edited")], [("c" * 40, "begins late")], "d" * 40) == {
        "commits": 12,
        "findings": [{"commit": "b" * 40, "problem": "edited"}],
        "remarks": [{"commit": "c" * 40, "problem": "begins late"}],
        "cut": "d" * 40,
    }
    assert verify_document(12, []) == {"commits": 12, "findings": []}
