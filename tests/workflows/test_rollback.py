"""Rollbacks by the real workflows: from each trigger, by dispatch to the end, and against a promotion.

What stands in the way of one, and how it goes on when runs die, is in test_rollback_hardships.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from fakehub.hub import Hub
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from rollout.core.observation import HealthState
from tests.workflows.rollback_town import incident, observe, roll_back, steps, to_canary
from tests.workflows.town import CHECK, CONTRACT, STEADY, Town, build, keys

_CONTRACT, _, _ = CONTRACT.partition("triggers:")
_MAP = "{health_state: state, updated_unix_ms: at}"
_WHOLE = _MAP[:-1] + ", fields: {streak: streak}, counters: counters, timeline: timeline}"
POLICY = (
    _CONTRACT.replace(_MAP, _WHOLE)
    + """\
triggers:
  - {name: regression, kind: health_regression, states: [failing], checks: 2, actions: [freeze, rollback]}
  - {name: streak, kind: threshold, field: streak, at_least: 3, actions: [freeze, rollback]}
  - {name: errors, kind: new_counter, counters: [failed], actions: [freeze, rollback, capture_evidence]}
  - {name: browser, kind: timeline_error, actions: [freeze, rollback, known_good_lane]}
  - name: validation
    kind: validation_failure
    checks: Live smoke
    actions: [freeze, rollback, block_signoff]
rollback:
  evidence: [probe.sh, .gitignore, .tau/gone.log]
"""
)
"""The town's contract with the five triggers of the runbook, and evidence."""
FINE: Mapping[str, object] = {"streak": 0, "counters": {"failed": 0}, "timeline": []}
BAD = {
    "regression": {**FINE, "state": "failing"},
    "streak": {**FINE, "streak": 3},
    "errors": {**FINE, "counters": {"failed": 1}},
    "browser": {**FINE, "timeline": [{"id": "open", "status": "failed", "error": "E1"}]},
    "validation": FINE,
}
"""Trigger -> what the surface voice prints when it fires."""


@pytest.fixture
def town(hub: Hub, tmp_path: Path) -> Town:
    town = build(hub, tmp_path, app=True, contract=POLICY)
    town.feel(voice=FINE, memory=FINE)
    to_canary(town)
    return town


@pytest.mark.parametrize("trigger", BAD)
def test_each_trigger_freezes_by_itself(town: Town, trigger: str) -> None:
    if trigger == "regression":
        observe(town, HealthState.FAILING)
        town.hub.outbox.clear()
    if trigger == "validation":
        town.repo.add_check(town.release, CHECK, "failure")
    town.feel(voice=BAD[trigger], memory=FINE)
    pull = town.open_pull()
    assert keys(town.tick()) == STEADY
    desired = town.state()
    assert (desired["outcome"], desired["canary_percent"]) == ("rolling_back", 0)
    assert desired["frozen"]["reason"].startswith(trigger)
    assert town.status(town.release) == "failure"
    assert pull.state == "closed"
    assert desired["lanes"] == ({"voice": "known_good"} if trigger == "browser" else {})
    assert town.state("signoff")["blocked"] == desired["frozen"]["incident"]
    (issue,) = (thread for thread in town.repo.threads.values() if thread.pull is None)
    assert (issue.state, issue.title.startswith("tau: rolling back v0.1.5")) == ("open", True)


def test_a_re_run_means_the_release_of_its_time(hub: Hub, tmp_path: Path) -> None:
    town = build(hub, tmp_path, app=True, contract=POLICY)
    old = roll_back(town, reason="users complain", version=" v0.1.5 ")
    assert old.job("rollback").summary.startswith("**Refused:** tau is idle: there is nothing to roll back")
    hub.clock.forward(hours=1)
    to_canary(town)
    before = town.head()
    again = hub.engine.rerun(town.repo, old)
    assert again.conclusion == "failure"
    summary = again.job("rollback").summary
    assert summary.startswith(
        "**Refused:** tau is at v0.1.5 now, and this was asked before v0.1.5 began: nothing was done"
    )
    assert "rollout rollback --version v0.1.5" in summary
    assert town.head() == before


def test_a_dispatch_is_taken_to_its_end(town: Town) -> None:
    assert keys(roll_back(town, reason="users complain")) == ["rollback"]
    assert town.state()["frozen"]["reason"].endswith("users complain")
    assert incident(town)["started_by"] == "alice"
    # The freeze is a push, and the run that it starts captures the evidence and proposes the revert.
    town.hub.clock.forward(minutes=1)
    assert STEADY in [keys(run) for run in town.settle()["rollout-reconcile"]]
    assert steps(town)["capture_evidence"] == "done"
    index = {one["path"]: one["state"] for one in incident(town)["evidence"]}  # type: ignore[attr-defined]
    assert index == {".gitignore": "taken", ".tau/gone.log": "missing", "probe.sh": "taken"}
    folders = [town.hub.engine.artifact_folder(run) for run in town.repo.runs]
    (kept,) = (found for folder in folders for found in folder.glob("rollout-incident-*.zip"))
    assert sorted(zipfile.ZipFile(kept).namelist()) == [".gitignore", "probe.sh"]
    pull = town.open_pull()
    assert pull.title.startswith("Revert v0.1.5")
    assert keys(roll_back(town, reason="me too")) == ["rollback"]
    assert len([event for event in town.events() if event == "rollback"]) == 1
    town.merge(minutes=1)
    town.settle()
    assert keys(town.tick()) == STEADY
    landed = incident(town)["revert"]["landed"]  # type: ignore[index]
    town.repo.add_check(landed, CHECK, "success")
    for _ in range(3):
        if town.state()["outcome"] == "rolling_back":
            assert keys(town.tick()) == STEADY
    assert town.state()["outcome"] == "rolled_back"
    # Nobody applied the target: the contract has no command for it.
    assert {step for step, state in steps(town).items() if state != "done"} == {"apply_metadata"}
    assert steps(town)["apply_metadata"] == "skipped"
    assert town.state("quarantine")["releases"][0]["commit"] == town.release
    (issue,) = (thread for thread in town.repo.threads.values() if thread.pull is None)
    assert issue.state == "closed"
    assert "src.txt" not in town.repo.bare.git("ls-tree", "--name-only", "main").splitlines()
    assert verify(YamlStore(Git(town.repo.bare.path), "main"), "tau", None).problems == []


def test_it_wins_over_a_promotion_merged_in_the_same_minute_and_can_be_called_off(town: Town) -> None:
    pull = town.open_pull()

    def merge() -> None:
        town.repo.merge(town.alice, pull.number)

    town.hub.before("POST /graphql createCommitOnBranch", merge)
    assert keys(roll_back(town, reason="users complain")) == ["rollback"]
    desired = town.state()
    assert (desired["phase"], desired["canary_percent"]) == ("canary-1", 0)
    assert (desired["outcome"], desired["frozen"]["incident"] is not None) == ("rolling_back", True)
    # It was a false alarm, and an empty reason is none.
    assert keys(roll_back(town, reason="it was the network", cancel="true")) == ["rollback"]
    desired = town.state()
    assert (desired["outcome"], desired["phase"]) == ("in_progress", "canary-1")
    refused = roll_back(town, reason="  ")
    assert refused.conclusion == "failure"
    assert refused.job("rollback").summary.startswith("**Refused:**")
    assert verify(YamlStore(Git(town.repo.bare.path), "main"), "tau", None).problems == []
