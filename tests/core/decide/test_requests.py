from datetime import timedelta

from rollout.core.decide.requests import answer, find, how_it_failed, ignored
from rollout.core.state import Work
from rollout.core.values import format_instant
from tests.core.world import World, contract_of, tau

APPLYING = {"command": ["./set-percent", "{percent}", "{phase}", "{version}"]}


def applying() -> World:
    """Just entered canary-1, whose percent is not applied yet; nothing else is asked for."""
    surfaces = {name: {**surface} for name, surface in tau()["surfaces"].items()}
    for surface in surfaces.values():
        surface.pop("refresh", None)
    return World(contract_of(apply=APPLYING, surfaces=surfaces)).reach("canary-1").wait(minutes=10)


def test_a_result_that_nobody_asked_for_is_ignored() -> None:
    world = applying()
    before = world.status
    world.forget()
    world.offer(world.results(["apply-canary-1-99-1"]))
    assert (world.status, world.ignored, world.events) == (before, 1, [])


def test_a_result_of_an_earlier_run_is_no_answer() -> None:
    world = applying()
    (request,) = world.status.requests
    too_early = request.requested_at - timedelta(minutes=2, seconds=1)
    assert answer((request,), world.results([request.id], started_at=too_early).results, world.now) == (
        request,
    )
    early = request.requested_at - timedelta(minutes=2)
    (answered,) = answer((request,), world.results([request.id], started_at=early).results, world.now)
    assert answered.result is not None


def test_each_result_that_is_not_taken_is_told_with_the_reason() -> None:
    world = applying()
    (request,) = world.status.requests
    (fresh,) = world.results([request.id]).results
    early = request.requested_at - timedelta(hours=1)
    old = fresh.model_copy(update={"started_at": early})
    strange = fresh.model_copy(update={"request": "apply-canary-9-1"})
    assert list(ignored((request,), (old, strange))) == [
        f"result of {request.id} ignored: it began at {format_instant(early)}, and was asked for at"
        f" {format_instant(request.requested_at)}",
        "result of apply-canary-9-1 ignored: it answers no pending request",
    ]
    done = request.model_copy(update={"result": fresh})
    assert list(ignored((done,), (fresh, old))) == [
        f"result of {request.id} ignored: another one was recorded before"
    ]


def test_an_answer_is_not_answered_again() -> None:
    world = applying().perform()
    (request,) = world.status.requests
    assert request.result is not None
    assert request.result.ok
    world.forget()
    world.offer(world.results([request.id], ok=False))
    assert world.status.requests == (request,)
    assert world.ignored == 1


def test_results_of_another_release_are_ignored() -> None:
    world = applying()
    (request,) = world.status.requests
    other = world.results([request.id]).model_copy(update={"release": "v0.1.3", "commit": "3" * 40})
    world.forget()
    world.offer(other)
    assert (world.status.requests, world.ignored) == ((request,), 1)


def test_a_failure_is_recorded_before_it_is_asked_for_again() -> None:
    """Whoever recomputes the commit has to find in it how the request failed."""
    world = applying()
    world.forget()
    world.perform(ok=False)
    results, again = world.steps
    assert (results.event, again.event) == ("results", "decide")
    assert results.change.status is not None
    (failed,) = results.change.status.requests
    assert failed.result is not None
    assert (failed.attempt, failed.result.detail) == (1, "exit 1")
    (asked,) = world.status.requests
    assert (asked.id, asked.attempt, asked.result) == ("apply-canary-1-5-2", 2, None)
    assert asked.failed == "exit 1"


def test_what_failed_without_a_word_is_said_to_have_failed() -> None:
    world = applying()
    (request,) = world.status.requests
    (result,) = world.results([request.id], ok=False).results
    silent = request.model_copy(update={"result": result.model_copy(update={"detail": ""})})
    assert how_it_failed(silent) == "no reason given"


def test_a_run_that_ended_well_leaves_nothing_to_explain() -> None:
    world = World(contract_of())
    world.run = None
    world.perform().wait(minutes=10).observe()
    (request,) = world.status.requests
    assert (request.attempt, request.failed) == (2, "")


def test_find_looks_at_kind_phase_and_percent() -> None:
    world = applying()
    assert find(world.status.requests, Work.APPLY, world.rollout) == world.status.requests[0]
    assert find(world.status.requests, Work.HARNESS, world.rollout) is None
    stopped = world.rollout.model_copy(update={"canary_percent": 0})
    assert find(world.status.requests, Work.APPLY, stopped) is None


def test_an_answer_after_the_end_is_taken_once() -> None:
    world = World(contract_of(apply=APPLYING)).reach("canary-1").perform().wait(minutes=10)
    world.observe({"voice": world.sample("voice", fields={"failure_streak": 3})})
    request = world.status.requests[0]
    assert request.id == "apply-canary-1-0-1"
    world.forget()
    world.offer(world.results([request.id])).offer(world.results([request.id], ok=False))
    assert (world.events, world.ignored) == (["results"], 1)
    assert world.status.requests[0].result is not None
    assert world.status.requests[0].result.ok
