"""Every workflow by act and as it is played, from the same beginning: both end alike.

All other tests of workflows play them, but for what only act can show.
"""

from __future__ import annotations

import re
from pathlib import Path

from fakehub.act import run_act
from fakehub.entities import JobResult, Run
from fakehub.hub import Hub
from tests.workflows.rollback_town import roll_back
from tests.workflows.test_signoff import SHORT, Checklist
from tests.workflows.town import ROOT, build

_VARYING = re.compile(r"\b[0-9a-f]{7,40}\b|127\.0\.0\.1:\d+|/\S+/(job-\d+/temp|cache/\w+/tmp)")
"""Ids of commits, the local GitHub's address, a job's temporary folder."""


def story(hub: Hub, folder: Path) -> list[Run]:
    """Runs of every workflow."""
    town = build(hub, folder, app=True, contract=SHORT)
    checklist = Checklist(town)
    for workflow in ("rollout-schedule.yml", "rollout-rehearse.yml", "rollout-doctor.yml"):
        hub.dispatch(town.repo, workflow, by="alice")
    hub.dispatch(town.repo, "rollout-metrics.yml", {"runner": "ubuntu-24.04"}, by="alice")
    hub.dispatch(town.repo, "rollout-channel.yml", {"do": "plan", "dry-run": "true"}, by="alice")
    for login in ("rita", "rob"):
        checklist.say(login, f"/signoff reviewed {town.release}")
    hub.settle()
    town.feel(memory="degraded")
    town.repo.close(town.alice, town.open_pull())
    hub.settle()
    roll_back(town, reason="a 'quoted' $(reason) & \"more\"")
    hub.settle()
    return town.repo.runs


def told(run: Run) -> tuple[object, ...]:
    return run.workflow, run.event, run.conclusion, sorted(map(_told_of, run.jobs))


def _told_of(job: JobResult) -> tuple[str, ...]:
    summary = _VARYING.sub("*", job.summary)
    annotations = [_VARYING.sub("*", each) for each in job.annotations]
    return job.key, job.conclusion, str(sorted(job.matrix.items())), summary, *annotations, *job.labels


def test_every_workflow_ends_alike_both_ways(hub: Hub, tmp_path: Path) -> None:
    with Hub(tmp_path / "hub") as other:
        other.engine.run_jobs = run_act
        played, by_act = story(hub, tmp_path / "played"), story(other, tmp_path / "act")
    written = {path.name for path in (ROOT / ".github/workflows").glob("rollout-*.yml")}
    assert {Path(run.workflow).name for run in by_act} == written
    for ours, theirs in zip(map(told, played), map(told, by_act), strict=True):
        assert ours == theirs
