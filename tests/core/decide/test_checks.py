from datetime import datetime, timedelta

import pytest

from rollout.core.decide.checks import globs, newest
from rollout.core.forge import CheckRun
from rollout.core.state import CheckFact
from tests.core.world import START, contract_of

LATER = START + timedelta(minutes=1)


def attempt(
    name: str, conclusion: str | None, started_at: datetime | None, number: int, source: str = ""
) -> CheckRun:
    status = "completed" if conclusion else "in_progress"
    return CheckRun(name, status, conclusion, started_at, number, source)


def conclusions(*attempts: CheckRun) -> dict[str, str]:
    return {fact.name: fact.conclusion for fact in newest(attempts, ["Live smoke *"])}


def test_globs_are_asked_for_once() -> None:
    assert globs(contract_of()) == ("Live smoke *",)


def test_a_contract_without_checks_asks_for_none() -> None:
    gates = [{"kind": "rollback_target"}]
    phases = [
        {"name": "none", "canary_percent": 0, "soak": "0s", "gates": gates},
        {"name": "all", "canary_percent": 100, "soak": "0s", "gates": gates},
    ]
    triggers = [{"name": "run", "kind": "validation_failure", "actions": ["freeze", "rollback"]}]
    assert globs(contract_of(phases=phases, triggers=triggers)) == ()


def test_only_checks_that_are_asked_for_are_facts_by_name() -> None:
    attempts = [
        attempt(name, "success", START, 1)
        for name in ("Live smoke b", "build", "Live smoke a", "live smoke a")
    ]
    assert newest(attempts, ["Live smoke *", "Live*"]) == (
        CheckFact(name="Live smoke a", conclusion="success"),
        CheckFact(name="Live smoke b", conclusion="success"),
    )


def test_the_newest_attempt_counts_in_whatever_order_they_come() -> None:
    old, new = (
        attempt("Live smoke a", "failure", START, 9),
        attempt("Live smoke a", "success", LATER, 2),
    )
    assert conclusions(old, new) == conclusions(new, old) == {"Live smoke a": "success"}


def test_of_attempts_that_began_together_the_higher_id_counts() -> None:
    first, second = (
        attempt("Live smoke a", "failure", START, 1),
        attempt("Live smoke a", "success", START, 2),
    )
    assert conclusions(second, first) == {"Live smoke a": "success"}


def test_an_attempt_that_waits_to_start_is_the_newest() -> None:
    failed, queued = (
        attempt("Live smoke a", "failure", LATER, 1),
        attempt("Live smoke a", None, None, 2),
    )
    assert conclusions(failed, queued) == conclusions(queued, failed) == {"Live smoke a": "pending"}


def test_an_attempt_that_runs_is_pending() -> None:
    assert conclusions(attempt("Live smoke a", None, START, 1)) == {"Live smoke a": "pending"}


def test_a_name_that_is_too_long_for_a_fact_is_cut() -> None:
    (fact,) = newest([attempt("Live smoke " + "x" * 600, "success", START, 1)], ["Live*"])
    assert len(fact.name) == 500


SMOKE = "Live smoke a"


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("success", "success", "success"),
        ("success", "failure", "failure"),
        ("success", "skipped", "skipped"),
        ("success", None, "pending"),
        (None, "cancelled", "cancelled"),
        ("cancelled", "timed_out", "timed_out"),
    ],
)
def test_a_name_is_as_bad_as_the_worst_of_its_sources(one: str | None, other: str | None, both: str) -> None:
    """Two workflows with a job of that name, whichever ran last."""
    first, last = attempt(SMOKE, one, START, 1, "ci.yml"), attempt(SMOKE, other, LATER, 2, "nightly.yml")
    assert conclusions(first, last) == conclusions(last, first) == {SMOKE: both}
    swapped = attempt(SMOKE, other, START, 1, "ci.yml"), attempt(SMOKE, one, LATER, 2, "nightly.yml")
    assert conclusions(*swapped) == {SMOKE: both}


def test_a_newer_run_of_the_same_workflow_takes_the_place_of_the_older() -> None:
    old, new = attempt(SMOKE, "failure", START, 1, "ci.yml"), attempt(SMOKE, "success", LATER, 2, "ci.yml")
    assert conclusions(new, old) == {SMOKE: "success"}
