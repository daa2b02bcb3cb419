"""Whole releases by the workflows alone: people start, and merge."""

from __future__ import annotations

from itertools import pairwise

from fakehub.entities import TokenKind
from tests.workflows.town import COLLECTED, PHASES, STEADY, VERSION, Town, keys


def test_an_app_carries_a_release_through_all_phases(town: Town) -> None:
    assert keys(town.start()) == ["start"]
    # The App's commit is a push to desired state, and starts the first round.
    runs = town.settle()
    first = runs.pop("rollout-reconcile")
    assert [keys(run) for run in first] == [STEADY, STEADY], "the push asks for a reading, which is folded in"
    assert [keys(run) for run in runs.pop("rollout-collect")] == [COLLECTED]
    reconciled: list[list[str]] = []
    for before, after in pairwise(PHASES):
        assert town.phase == before
        pull = town.open_pull()
        title = f"rollout(tau): promote {VERSION} {before} -> {after}"
        short = f"rollout(tau): promote {VERSION} -> {after}"
        assert pull.title == (title if len(title) <= 60 else short)
        assert pull.author.login == "rollout-app[bot]"
        assert [keys(run) for run in runs["rollout-check"]] == [["check"]]
        town.merge()
        runs = town.settle()
        # The push runs; that the pull request closed is the same news, and runs nothing.
        reconciled = [keys(run) for run in runs["rollout-reconcile"]]
        assert (reconciled[:2], [keys(run) for run in runs["rollout-closed"]]) == ([STEADY, STEADY], [[]])
        assert [keys(run) for run in runs["rollout-collect"]] == [COLLECTED], "a merge asks at once"
    # Completing changes desired state, so it is a push once more, to an idle train.
    assert reconciled[2:] == [STEADY]
    assert (town.phase, town.state()["outcome"]) == ("general-availability", "complete")
    assert town.state("channel")["current_version"] == VERSION
    assert all(thread.state == "closed" for thread in town.repo.pulls())
    assert runs["rollout-reconcile"][-1].job("reconcile").summary.startswith("**Complete.**")


def test_a_run_with_a_plain_token_goes_on_by_schedule(plain_town: Town) -> None:
    town = plain_town
    assert keys(town.start()) == ["start"]
    assert town.settle() == {}, "what a run's own token does starts nothing"
    first = town.tick()
    assert keys(first) == STEADY
    pull = town.open_pull()
    assert pull.author.login == "github-actions[bot]"
    assert first.job("reconcile").summary.startswith("**Ready for** canary-1")
    assert {call.token for call in town.hub.calls()} == {TokenKind.RUN}

    # A bot of the repository merges with a run's own token: no event at all.
    token = town.hub.run_token(town.repo, {"contents": "write", "pull_requests": "write"}, "merger")
    town.merge(token)
    assert town.settle() == {}
    assert (town.phase, town.state("status")["legal"]["phase"]) == ("canary-1", "preflight")
    assert keys(town.tick()) == STEADY
    assert town.state("status")["legal"]["phase"] == "canary-1"
    assert "enter" in town.events()


def test_reconciling_again_changes_nothing(plain_town: Town) -> None:
    town = plain_town
    town.start()
    assert keys(town.tick()) == STEADY
    before = town.world()
    town.hub.forget_calls()
    run = town.hub.dispatch(town.repo, "rollout-reconcile.yml", by="alice")
    assert keys(run) == STEADY
    assert town.read() == [], "what was read just now is not read again"
    assert town.world() == before
    assert not [call for call in town.hub.calls() if "createCommitOnBranch" in call.operation]
    assert "nothing had to change" in run.job("reconcile").summary


def test_yesterdays_run_again_changes_nothing(plain_town: Town) -> None:
    town = plain_town
    town.start()
    old = town.tick()
    assert keys(old) == STEADY
    town.hub.clock.forward(minutes=10)
    town.merge()
    town.settle()
    before, events, pulls = town.state(), town.events(), len(town.repo.pulls())
    # The old commit and event; the artifacts that it folded in are there too.
    assert old.payload["inputs"]["run"]
    assert keys(town.hub.engine.rerun(town.repo, old)) == STEADY
    assert town.state() == before
    assert set(town.events()[len(events) :]) <= {"observe"}
    assert len(town.repo.pulls()) == pulls


def test_an_idle_train_writes_nothing_and_runs_no_product(town: Town) -> None:
    before = town.world()
    assert keys(town.tick()) == STEADY
    assert [run.workflow for run in town.repo.runs] == [".github/workflows/rollout-schedule.yml"]
    assert town.world() == before
