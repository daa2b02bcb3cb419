"""Closed pull requests: the tool's own start a reconcile, those of forks start and displace nothing."""

from __future__ import annotations

import pytest

from fakehub.entities import Environment, Run
from tests.workflows.town import STEADY, Town, keys

DISPATCHED = ["dispatch"]


def closed_run(runs: dict[str, list[Run]]) -> Run:
    (run,) = runs["rollout-closed"]
    return run


def branch_of_a_person(town: Town, name: str) -> None:
    """A branch of that name with something to merge."""
    town.repo.move(town.alice, f"refs/heads/{name}", town.head("main"))
    town.repo.commit_on_branch(town.alice, name, town.head("main"), "Work", [("work.txt", b"w\n")], [])


def propose(town: Town, name: str) -> int:
    """The number of a pull request from that branch."""
    branch_of_a_person(town, name)
    return town.repo.open_pull(town.alice, "Work", name, "main", None, draft=False).number


def test_a_promotion_that_somebody_closes_is_opened_again_at_once(town: Town) -> None:
    # As docs/github.md sets it up: only the default branch may use it, and no pull request's merge is that.
    town.repo.environments["rollout"] = Environment(frozenset({"ROLLOUT_APP_PRIVATE_KEY"}), restricted=True)
    town.start()
    town.settle()
    first = town.open_pull()
    town.repo.close(town.alice, first)
    runs = town.settle()
    assert keys(closed_run(runs)) == DISPATCHED
    (run,) = runs["rollout-reconcile"]
    assert (run.event, keys(run)) == ("workflow_dispatch", STEADY)
    assert town.open_pull().number == first.number + 1

    # Something closes each one at once: no loop of events.
    bot = town.hub.app_token(town.repo, slug="no-bots")
    town.hub.clock.forward(minutes=5)
    town.repo.close(bot, town.open_pull())
    run = town.settle()["rollout-reconcile"][-1]
    assert keys(run) == STEADY
    assert not [thread for thread in town.repo.pulls() if thread.state == "open"]
    (said,) = run.job("reconcile").annotations
    assert "the pull request to canary-1 is not opened before" in said
    assert "somebody else closed it 2 times" in said
    town.tick(minutes=60)
    assert town.open_pull().number == first.number + 2


@pytest.mark.parametrize(
    "name", ["rollout-revert/tau/v0.1.5", "rollout-channel/tau/set-beta", "rollout-apply/tau/canary-1-5"]
)
@pytest.mark.parametrize("is_merged", [True, False], ids=["merged", "closed"])
def test_reverts_channel_changes_and_percents_do_not_wait_for_the_schedule(
    plain_town: Town, name: str, is_merged: bool
) -> None:
    town = plain_town
    number = propose(town, name)
    town.hub.outbox.clear()
    if is_merged:
        town.repo.merge(town.alice, number)
    else:
        town.repo.close(town.alice, town.repo.pull(number))
    runs = town.settle()
    assert keys(closed_run(runs)) == DISPATCHED
    assert [run.event for run in runs["rollout-reconcile"]] == ["workflow_dispatch"]


def test_other_pull_requests_start_nothing(town: Town) -> None:
    for name in ("rollouts", "fix"):
        town.repo.close(town.alice, town.repo.pull(propose(town, name)))
    runs = town.settle()
    assert [keys(run) for run in runs["rollout-closed"]] == [[], []]
    assert "rollout-reconcile" not in runs


def test_a_forks_pull_request_takes_no_waiting_reconciles_place(town: Town) -> None:
    branch_of_a_person(town, "work")
    mallory = town.hub.person("mallory")
    pulls = [
        town.repo.open_fork_pull(mallory, "Mine", name, town.head("work"))
        for name in ("main", "rollout/tau/v0.1.5/canary-1")
    ]
    town.hub.outbox.clear()
    for kind in ("first", "second"):
        town.hub.engine.emit_repository_dispatch(town.repo, town.alice, "rollout-reconcile", {"is": kind})
    for pull in pulls:
        town.repo.close(mallory, pull)
    runs = town.settle()
    assert [keys(run) for run in runs["rollout-closed"]] == [[], []]
    assert [run.conclusion for run in runs["rollout-reconcile"]] == ["success", "success"]


def test_pushes_to_other_branches_take_no_waiting_reconciles_place(town: Town) -> None:
    path = "state/tau/rollout.yaml"
    text = town.repo.bare.text(f"main:{path}").encode() + b"\n# mine\n"
    for kind in ("first", "second"):
        town.hub.engine.emit_repository_dispatch(town.repo, town.alice, "rollout-reconcile", {"is": kind})
    town.repo.move(town.alice, "refs/heads/side", town.head("main"))
    town.repo.commit_on_branch(town.alice, "side", town.head("main"), "Mine", [(path, text)], [])
    runs = town.settle()["rollout-reconcile"]
    assert [(run.event, run.conclusion) for run in runs] == [
        ("repository_dispatch", "success"),
        ("repository_dispatch", "success"),
        ("push", "skipped"),
    ]


def test_a_fork_does_nothing_unless_its_owner_wants_it(town: Town) -> None:
    town.start()
    town.settle()
    town.repo.is_fork = True
    before = town.world()
    assert keys(town.tick()) == []
    town.edit({"canary_percent: 0": "canary_percent: 5"}, "main")
    assert [keys(run) for run in town.settle()["rollout-reconcile"]] == [[]]
    assert town.world() != before  # the edit alone
    town.hub.engine.variables["ROLLOUT_IN_FORK"] = "true"
    assert keys(town.tick()) == STEADY
    assert town.state()["frozen"] is not None
