"""Other set-ups: two runners, a product of its own, a state branch of its own, bad artifacts."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from fakehub.engine import artifact_files
from fakehub.entities import Access
from fakehub.hub import Hub
from tests.workflows.town import COLLECTED, CONTRACT, STATUS, STEADY, Town, build, keys


def test_surfaces_on_two_runners(hub: Hub, tmp_path: Path) -> None:
    two = CONTRACT.replace("probe.sh, memory]", "probe.sh, memory]\n    runner: rack-7")
    hub.engine.labels.append("rack-7")
    town = build(hub, tmp_path, app=False, contract=two)
    town.start()
    assert keys(town.tick()) == STEADY
    collected = [run for run in town.repo.runs if run.workflow.endswith("rollout-collect.yml")]
    assert [keys(run) for run in collected] == [COLLECTED, COLLECTED]
    assert sorted(run.job("product").labels for run in collected) == [["rack-7"], ["ubuntu-24.04"]]
    assert {tuple(run.job("report").labels) for run in collected} == {("ubuntu-24.04",)}
    assert sorted(town.state("status")["observation"]["samples"]) == ["memory", "voice"]
    assert town.open_pull().number == 1
    names = {artifact.name for artifact in town.repo.artifacts}
    assert names == {"rollout-evidence-rack-7", "rollout-evidence-ubuntu-24.04"}


def test_a_runner_of_a_group_checks_out_what_the_contract_says(hub: Hub, tmp_path: Path) -> None:
    explained = "runners: {bench: {group: big machines, labels: [self-hosted, linux]}}\n"
    contract = f"{CONTRACT}{explained}product: {{runner: bench, submodules: recursive, lfs: true}}\n"
    hub.engine.labels += ["self-hosted", "linux"]
    hub.engine.groups.append("big machines")
    town = build(hub, tmp_path, app=False, contract=contract)
    town.start()
    assert keys(town.tick()) == STEADY
    (collected,) = [run for run in town.repo.runs if run.workflow.endswith("rollout-collect.yml")]
    assert keys(collected) == COLLECTED
    product = collected.job("product")
    assert (product.name, product.labels) == ("product", ["self-hosted", "linux"])
    assert product.log.count("asked for submodules: recursive, lfs: true") == 1
    assert {artifact.name for artifact in town.repo.artifacts} == {"rollout-evidence-bench"}


def test_a_runner_that_fails_hides_nothing(hub: Hub, tmp_path: Path) -> None:
    two = CONTRACT.replace("probe.sh, memory]", "absent-program]\n    runner: rack-7")
    hub.engine.labels.append("rack-7")
    town = build(hub, tmp_path, app=False, contract=two)
    town.start()
    assert keys(town.tick()) == STEADY
    samples = town.state("status")["observation"]["samples"]
    assert samples["voice"]["health_state"] == "healthy"
    assert samples["memory"]["unknown"]


def test_a_state_branch_of_its_own(hub: Hub, tmp_path: Path) -> None:
    contract = f"{CONTRACT}state: {{branch: rollout-state}}\n"
    town = build(hub, tmp_path, app=True, contract=contract, branch="rollout-state")
    main = town.head("main")
    town.start()
    # The push to the state branch runs the workflow file that lies there, with the default branch's tool.
    assert [keys(run) for run in town.settle()["rollout-reconcile"]] == [STEADY, STEADY]
    pull = town.open_pull().pull
    assert pull is not None
    assert pull.base == "rollout-state"
    town.merge()
    assert STEADY in [keys(run) for run in town.settle()["rollout-reconcile"]]
    assert town.state("status")["legal"]["phase"] == "canary-1"
    assert town.head("main") == main


def test_a_product_in_another_repository(hub: Hub, tmp_path: Path) -> None:
    elsewhere = f"{CONTRACT}product: {{repository: acme/product, branch: trunk}}\n"
    town = build(hub, tmp_path, app=True, contract=elsewhere, product="acme/product")
    product = hub.repos["acme/product"]
    hub.engine.secrets["ROLLOUT_PRODUCT_TOKEN"] = hub.person("reader", product, Access.READ).value
    before = product.bare.refs("refs/")
    refused = town.start(commit=town.head())
    assert refused.job("start").summary.startswith(f"**Refused:** `--commit` {town.head()}: no such commit")
    assert keys(town.start()) == ["start"]
    runs = town.settle()
    assert [keys(run) for run in runs["rollout-reconcile"]] == [STEADY, STEADY]
    # The check has a token for this repository alone, and trusts what reconcile recorded of the product's CI.
    assert [keys(run) for run in runs["rollout-check"]] == [["check"]]
    assert town.state("status")["observation"]["product_head"] == town.release
    # What is red or green there is said there; what may be merged here is said here.
    assert {(one.sha, one.context) for one in product.statuses} == {(town.release, STATUS)}
    assert town.status(town.repo.head_of(town.open_pull())) == "success"
    town.merge()
    runs = town.settle()
    assert STEADY in [keys(run) for run in runs["rollout-reconcile"]]
    assert town.state("status")["legal"]["phase"] == "canary-1"
    assert product.bare.refs("refs/") == before


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

        town.hub.before("POST */rollout-reconcile.yml/dispatches", plant)
        run = town.tick()
        assert [job.key for job in run.jobs if job.conclusion == "failure"] == ["reconcile"]
        assert why in run.job("reconcile").summary
        assert town.world() == before, "nothing but facts decided"
