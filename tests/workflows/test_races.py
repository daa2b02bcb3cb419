"""What happens while a run is under way: another run, a push, a promotion's branch that moves."""

from __future__ import annotations

from fakehub.entities import Run
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from tests.workflows.town import STEADY, Town, keys

COMMIT = "POST /graphql createCommitOnBranch"


def test_two_runs_at_once_lose_nothing(plain_town: Town) -> None:
    town, others = plain_town, list[Run]()
    town.start()

    def another_run() -> None:
        # It collected before this one did, and comes to its decision first.
        town.hub.clock.forward(minutes=-6)
        town.hub.dispatch(town.repo, "rollout-collect.yml", {"runner": "ubuntu-24.04"}, by="alice")
        others.extend(town.read()[-1:])
        town.hub.clock.forward(minutes=6)

    town.hub.before(COMMIT, another_run)
    town.hub.forget_calls()
    run = town.tick(16)
    assert [keys(one) for one in (*others, run)] == [STEADY, STEADY]
    asked = [call for call in town.hub.calls() if call.operation == "createCommitOnBranch"]
    made = town.events()[town.events().index("start") + 1 :]
    assert made == ["results", "observe", "observe"]
    assert len(asked) == len(made) + 1, "one was refused"
    pull = town.open_pull()
    assert [thread.number for thread in town.repo.pulls()] == [pull.number]
    assert town.status(town.repo.head_of(pull)) == "success"
    assert verify(YamlStore(Git(town.repo.bare.path), "main"), "tau", None).problems == []

    # Somebody pushes in the very moment of a state commit: both are there.
    def push() -> None:
        town.repo.commit_on_branch(town.alice, "main", town.head(), "Fix it", [("src.txt", b"fixed\n")], [])

    town.hub.before(COMMIT, push)
    assert keys(town.tick()) == STEADY
    assert town.repo.bare.text("main:src.txt") == "fixed"
    assert town.events()[-2:] == ["", "observe"]


def test_a_promotion_whose_branch_moves(town: Town) -> None:
    town.start()
    town.settle()
    pull = town.open_pull()
    assert pull.pull is not None
    old = town.repo.head_of(pull)
    town.repo.commit_on_branch(town.alice, pull.pull.head, old, "Note", [("notes.txt", b"n\n")], [])
    head = town.repo.head_of(pull)
    assert town.status(head) is None
    checked = town.settle()["rollout-check"][-1]
    assert checked.conclusion == "failure"
    assert "not the promotion as proposed: it also changes notes.txt" in checked.job("check").log
    assert keys(town.tick()) == STEADY
    assert (town.status(head), town.open_pull().number) == ("failure", pull.number)

    # taken out again, it is what was proposed, though the state branch has gone on meanwhile
    town.repo.commit_on_branch(town.alice, pull.pull.head, head, "Take it out", [], ["notes.txt"])
    checked = town.settle()["rollout-check"][-1]
    assert keys(checked) == ["check"]
    assert keys(town.tick()) == STEADY
    assert town.status(town.repo.head_of(pull)) == "success"
    town.merge(minutes=5)
    assert STEADY in [keys(run) for run in town.settle()["rollout-reconcile"]]
    assert town.state("status")["legal"]["phase"] == "canary-1"
    assert town.state()["frozen"] is None
