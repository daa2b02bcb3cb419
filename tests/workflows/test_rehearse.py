"""rollout-rehearse.yml under act: what goes through is recorded, what needs a person fails."""

from __future__ import annotations

import pytest

from fakehub.entities import Run
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from tests.workflows.town import VERSION, Town, keys


def rehearse(town: Town) -> Run:
    return town.hub.dispatch(town.repo, "rollout-rehearse.yml", by="alice")


@pytest.mark.parametrize("mode", ["town", "plain_town"])
def test_it_is_recorded_and_nothing_else_is_changed(mode: str, request: pytest.FixtureRequest) -> None:
    town: Town = request.getfixturevalue(mode)
    town.start()
    threads, statuses = len(town.repo.threads), len(town.repo.statuses)
    run = rehearse(town)
    assert keys(run) == ["rehearse"]
    assert run.job("rehearse").summary.startswith(f"**a rollback of {VERSION} would go through**")
    recorded = town.state("rehearsal")
    assert (recorded["commit"], recorded["by"]) == (town.release, "alice")
    assert town.repo.bare.git("diff", "--name-only", "main^", "main") == "state/tau/rehearsal.yaml"
    assert (len(town.repo.threads), len(town.repo.statuses)) == (threads, statuses)
    assert verify(YamlStore(Git(town.repo.bare.path), "main"), "tau", None).problems == []


def test_it_fails_where_a_person_would_be_needed(town: Town) -> None:
    town.start()
    town.repo.commit_on_branch(town.alice, "main", town.head(), "On top of it", [("src.txt", b"newer\n")], [])
    before = town.world()
    run = rehearse(town)
    assert run.conclusion == "failure"
    first, _, rest = run.job("rehearse").summary.partition("\n")
    assert first.startswith(f"**a rollback of {VERSION} would need a person: revert: ")
    assert "    nothing outside was touched" in rest.splitlines()
    assert town.world() == before
