"""Other set-ups: two runners, a product of its own, a state branch of its own, bad artifacts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from tests.fakehub.engine import artifact_files
from tests.fakehub.hub import Hub
from tests.workflows.town import CONTRACT, STEADY, Town, build, keys


def test_surfaces_on_two_runners(hub: Hub, tmp_path: Path) -> None:
    two = CONTRACT.replace("probe.py, memory]", "probe.py, memory]\n    runner: rack-7")
    hub.engine.labels.append("rack-7")
    town = build(hub, tmp_path, app=False, contract=two)
    town.start()
    run = town.tick()
    assert keys(run) == ["plan", "product", "product", "reconcile"]
    assert sorted(job.matrix["label"] for job in run.jobs if job.key == "product") == [
        "rack-7",
        "ubuntu-24.04",
    ]
    assert sorted(town.state("status")["observation"]["samples"]) == ["memory", "voice"]
    assert town.open_pull().number == 1
    names = {artifact.name for artifact in town.repo.artifacts}
    assert names == {"rollout-evidence-rack-7", "rollout-evidence-ubuntu-24.04"}


def test_a_runner_that_fails_hides_nothing(hub: Hub, tmp_path: Path) -> None:
    two = CONTRACT.replace("probe.py, memory]", "absent-program]\n    runner: rack-7")
    hub.engine.labels.append("rack-7")
    town = build(hub, tmp_path, app=False, contract=two)
    town.start()
    assert keys(town.tick()) == ["plan", "product", "product", "reconcile"]
    samples = town.state("status")["observation"]["samples"]
    assert samples["voice"]["health_state"] == "healthy"
    assert samples["memory"]["unknown"]


def test_an_artifact_that_is_none_of_ours_is_refused(plain_town: Town) -> None:
    town = plain_town
    town.start()
    assert keys(town.tick()) == STEADY
    (old,) = town.repo.artifacts
    climbing = io.BytesIO()
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../observation.json", artifact_files(old)["observation.json"])
    for content, why in (
        (old.content, f"of round {old.run_id}-1, not of run"),
        (climbing.getvalue(), "../observation.json: no such file of evidence is expected"),
    ):
        before = town.world()

        def plant(content: bytes = content) -> None:
            folder = town.hub.engine.artifact_folder(town.repo.runs[-1])
            (folder / "rollout-evidence-x.zip").write_bytes(content)

        town.hub.before("POST /graphql *", plant)
        run = town.tick()
        assert [job.key for job in run.jobs if job.conclusion == "failure"] == ["reconcile"]
        first = run.job("reconcile").summary.splitlines()[0]
        assert first.startswith("**Refused:** `")
        assert why in first
        assert town.world() == before
