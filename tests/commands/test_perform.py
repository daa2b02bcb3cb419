from datetime import timedelta
from typing import Any

import pytest

from fakehub.clock import NOON
from rollout.commands.perform import perform
from rollout.core.contract import Contract
from rollout.core.observation import Results, WorkResult
from rollout.core.state import Decision, Outcome, Release, Request, Rollout, Status, Verdict, Work
from rollout.ports import CommandRun, Failure
from tests.fakes.clock import SteppingClock
from tests.fakes.product import FakeProduct

RELEASE = Release(version="v0.1.5", commit="a" * 40, started_at=NOON)
ROLLOUT = Rollout(
    train="tau", release=RELEASE, phase="canary-1", canary_percent=5, outcome=Outcome.IN_PROGRESS
)
APPLY = {"command": ["deploy", "--percent={percent}", "{phase}"], "workdir": "ops", "timeout": "5m"}
HARNESS = {"command": ["validate"], "report": "report.json", "manifest": "manifest.json", "timeout": "30m"}


def contract(**sections: Any) -> Contract:
    return Contract.model_validate(
        {
            "schema": 1,
            "train": "tau",
            "surfaces": {"voice": {"adapter": "tau-status", "command": ["voice"]}},
            "phases": [
                {"name": "canary-1", "canary_percent": 5, "soak": "1h", "gates": [{"kind": "health_state"}]},
                {"name": "all", "canary_percent": 100, "soak": "1h", "inherit": "canary-1"},
            ],
            **sections,
        }
    )


def request(work: Work, name: str = "r1", result: WorkResult | None = None, **more: Any) -> Request:
    return Request(
        id=name,
        work=work,
        phase="canary-1",
        canary_percent=5,
        attempt=1,
        requested_at=NOON,
        result=result,
        **more,
    )


def status(*requests: Request, release: Release = RELEASE) -> Status:
    return Status(
        train="tau",
        release=release.version,
        commit=release.commit,
        legal=ROLLOUT,
        decided_at=NOON,
        contract_digest="d" * 64,
        decision=Decision(verdict=Verdict.HOLD, at=NOON),
        requests=requests,
    )


def performed(
    asked: Status | None,
    product: FakeProduct,
    *,
    rollout: Rollout = ROLLOUT,
    said: list[str] | None = None,
    **sections: Any,
) -> Results | None:
    progress = (said if said is not None else []).append
    return perform(contract(**sections), rollout, asked, product, SteppingClock(), progress, copies=True)


def test_applies_the_percent_with_the_placeholders_filled_in() -> None:
    product = FakeProduct()
    results = performed(status(request(Work.APPLY)), product, apply=APPLY)
    assert product.ran == [(("deploy", "--percent=5", "canary-1"), "ops", 300)]
    assert results == Results(
        train="tau",
        release="v0.1.5",
        commit="a" * 40,
        finished_at=NOON + timedelta(seconds=2),
        results=(
            WorkResult(
                request="r1",
                ok=True,
                detail="exit 0",
                started_at=NOON,
                finished_at=NOON + timedelta(seconds=1),
            ),
        ),
    )


def test_runs_the_harness() -> None:
    product = FakeProduct()
    performed(status(request(Work.HARNESS)), product, harness=HARNESS)
    assert product.ran == [(("validate",), ".", 1800)]


def test_the_harness_runs_on_a_prepared_checkout() -> None:
    product, said = FakeProduct(), list[str]()
    asked = status(request(Work.APPLY), request(Work.HARNESS, "r2"), request(Work.HARNESS, "r3"))
    performed(asked, product, said=said, apply=APPLY, harness=HARNESS, prepare={"command": ["build"]})
    assert [command[0] for command, _, _ in product.ran] == ["deploy", "build", "validate", "validate"]
    assert product.ran[1] == (("build",), ".", 1800)
    assert "prepare: exit 0" in said


def test_where_prepare_fails_the_harness_does_not_run_and_all_else_does() -> None:
    product, said = FakeProduct(), list[str]()
    printed = Failure(("error: no such package",), b"all of it")
    product.endings["build"] = CommandRun(False, "exit 101: error: no such package", b"", printed)
    asked = status(request(Work.HARNESS), request(Work.APPLY, "r2"))
    results = performed(
        asked, product, said=said, apply=APPLY, harness=HARNESS, prepare={"command": ["build"]}
    )
    assert [command[0] for command, _, _ in product.ran] == ["build", "deploy"]
    assert results is not None
    assert [(result.ok, result.detail) for result in results.results] == [
        (False, "prepare failed: exit 101: error: no such package"),
        (True, "exit 0"),
    ]
    assert product.kept == {"prepare": b"all of it"}


def test_the_output_of_a_command_that_fails_is_kept_under_the_requests_name() -> None:
    product, said = FakeProduct(), list[str]()
    printed = Failure(("error: no route", "to the host"), b"all of it")
    product.endings["deploy"] = CommandRun(False, "exit 3: error: no route to the host", b"", printed)
    performed(status(request(Work.APPLY)), product, said=said, apply=APPLY)
    assert said[1:] == [
        "apply for canary-1: exit 3: error: no route to the host",
        "  | error: no route",
        "  | to the host",
        "  whole output: evidence/r1.txt",
    ]
    assert product.kept == {"r1": b"all of it"}


def test_brings_the_rollback_target_to_the_product() -> None:
    product = FakeProduct()
    rollback = {"apply": {"command": ["channel", "--target={version}", "{channel}", "{percent}"]}}
    asked = request(Work.APPLY_TARGET, target="v0.1.4", channel="stable")
    performed(status(asked), product, rollback=rollback)
    assert product.ran == [(("channel", "--target=v0.1.4", "stable", "{percent}"), ".", 600)]


@pytest.mark.parametrize(
    ("work", "lane"), [(Work.KNOWN_GOOD_LANE, "known_good"), (Work.RELEASE_LANE, "release")]
)
def test_sends_a_surface_to_a_lane(work: Work, lane: str) -> None:
    product = FakeProduct()
    rollback = {"lane": {"command": ["lane", "{surface}:{lane}"], "workdir": "ops", "timeout": "1m"}}
    performed(status(request(work, surface="voice")), product, rollback=rollback)
    assert product.ran == [(("lane", f"voice:{lane}"), "ops", 60)]


def test_captures_evidence_and_what_is_missing_is_no_failure() -> None:
    product = FakeProduct()
    product.files = {"logs/a.log": b"a", "logs/b.log": b"b", "other": b"c"}
    rollback = {"evidence": ["logs/**", "gone"], "evidence_in_git": ["logs/b*"]}
    results = performed(status(request(Work.CAPTURE_EVIDENCE)), product, rollback=rollback)
    assert results is not None
    (result,) = results.results
    assert (result.ok, result.detail) == (True, "2 captured, 1 missing")
    assert [(one.path, one.state, one.body) for one in result.captured] == [
        ("logs/a.log", "taken", None),
        ("logs/b.log", "taken", "Yg=="),
        ("gone", "missing", None),
    ]


def test_capturing_nothing_is_done_at_once() -> None:
    results = performed(status(request(Work.CAPTURE_EVIDENCE)), FakeProduct())
    assert results is not None
    assert [(result.ok, result.detail, result.captured) for result in results.results] == [
        (True, "nothing", ())
    ]


@pytest.mark.parametrize(
    ("argument", "filled"),
    [
        ("{version}@{percent}", "v{phase}@5"),
        ("{phase.__class__}", "{phase.__class__}"),
        ("{0} {} {{percent}} {PERCENT} %s", "{0} {} {5} {PERCENT} %s"),
        ('{"percent": {percent}}', '{"percent": 5}'),
    ],
)
def test_only_the_placeholders_are_filled_in_and_only_once(argument: str, filled: str) -> None:
    product = FakeProduct()
    release = RELEASE.model_copy(update={"version": "v{phase}"})
    rollout = ROLLOUT.model_copy(update={"release": release})
    asked = status(request(Work.APPLY), release=release)
    performed(asked, product, rollout=rollout, apply={"command": ["deploy", argument]})
    assert product.ran[0][0] == ("deploy", filled)


def test_does_what_is_pending_in_its_order_and_a_failure_stops_nothing() -> None:
    product = FakeProduct()
    product.endings["deploy"] = CommandRun(ok=False, detail="exit 1: \x1b[31mno\n::error::x", stdout=b"")
    done = WorkResult(request="r0", ok=True, started_at=NOON, finished_at=NOON)
    asked = status(request(Work.HARNESS, "r0", done), request(Work.APPLY, "r1"), request(Work.HARNESS, "r2"))
    results = performed(asked, product, apply=APPLY, harness=HARNESS)
    assert results is not None
    assert [(result.request, result.ok, result.detail) for result in results.results] == [
        ("r1", False, "exit 1: no ::error::x"),
        ("r2", True, "exit 0"),
    ]


def test_says_what_it_does() -> None:
    said: list[str] = []
    performed(status(request(Work.APPLY)), FakeProduct(), apply=APPLY, said=said)
    assert said == ["apply for canary-1: attempt 1 begins", "apply for canary-1: exit 0"]


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (Work.APPLY, "the contract has no apply command"),
        (Work.HARNESS, "the contract has no harness command"),
        (Work.APPLY_TARGET, "the contract has no rollback.apply"),
        (Work.KNOWN_GOOD_LANE, "the contract has no rollback.lane"),
    ],
)
def test_work_that_the_contract_no_longer_knows_fails(work: Work, why: str) -> None:
    results = performed(status(request(work)), FakeProduct())
    assert results is not None
    assert [(result.ok, result.detail) for result in results.results] == [(False, why)]


def test_nothing_pending_is_nothing_done() -> None:
    product = FakeProduct()
    done = WorkResult(request="r1", ok=False, started_at=NOON, finished_at=NOON)
    assert performed(None, product, apply=APPLY) is None
    assert performed(status(), product, apply=APPLY) is None
    assert performed(status(request(Work.APPLY, result=done)), product, apply=APPLY) is None
    assert product.ran == []


def test_what_was_asked_for_another_release_is_not_done() -> None:
    product = FakeProduct()
    other = RELEASE.model_copy(update={"commit": "b" * 40})
    assert performed(status(request(Work.APPLY), release=other), product, apply=APPLY) is None
    idle = Rollout(train="tau")
    assert performed(status(request(Work.APPLY)), product, rollout=idle, apply=APPLY) is None
    assert product.ran == []
