"""What GitHub shows beside a run and in its summary: files at fault, what could not be read, why it froze."""

from __future__ import annotations

from fakehub.entities import JobResult
from tests.workflows.town import Town, keys


def test_a_broken_contract_is_shown_at_its_line(plain_town: Town) -> None:
    town, path = plain_town, "state/tau/contract.yaml"
    broken = town.repo.bare.text(f"main:{path}").replace("soak: {runs: 1}", "soak: soon") + "\n"
    town.repo.commit_on_branch(town.alice, "main", town.head(), "by hand", [(path, broken.encode())], [])
    (run,) = town.settle()["rollout-reconcile"]
    # The contract before it decides, so that the brake works; the run says at its end what is wrong.
    reconcile = run.job("reconcile")
    assert (reconcile.conclusion, run.conclusion) == ("failure", "failure")
    told = reconcile.annotations[0]
    assert told.startswith(f"error file={path}: {path}: phases.0.soak: ")
    assert f"- fix the contract: {path}: phases.0.soak: " in reconcile.summary


def titled(job: JobResult) -> list[str]:
    """What rollout says; actions warn too, of artifacts without files for one."""
    return [text for text in job.annotations if text.startswith("warning title=")]


def test_what_cannot_be_read_is_a_warning_and_why_it_froze_too(plain_town: Town) -> None:
    town = plain_town
    town.start()
    town.tick()
    town.merge()
    town.settle()
    town.feel(voice="odd", memory="failing")
    town.tick()
    collected = [run for run in town.repo.runs if run.workflow.endswith("rollout-collect.yml")]
    (unknown,) = titled(collected[-1].job("product"))
    assert unknown.startswith("warning title=voice is unknown: health_state is not one of ")
    frozen = town.tick().job("reconcile")
    assert titled(frozen) == ["warning title=tau is frozen: failing (memory): failing, 2 checks in a row"]
    assert frozen.summary.startswith("**Frozen, rolling back v0.1.5:** failing (memory): ")
    assert keys(town.tick())
