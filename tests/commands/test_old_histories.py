"""Histories that earlier versions wrote stay readable, verify by the rules of their time, and go on."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import verify
from rollout.core.decide.advance import advance
from rollout.core.observation import Observation, Sample
from rollout.core.state import Event, Status
from rollout.rendering.commits import message

HISTORIES = Path(__file__).parent.parent / "histories"
TRAIN = "shop"
STATUS = f"state/{TRAIN}/status.yaml"


@pytest.fixture(scope="module")
def first_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of 80 state commits with `schema: 1`.

    A release that reached everybody past a reset, an illegal step and a changed contract, one that was
    rolled back, and a false alarm: v1.3.0 has soaked in canary, and a person has frozen it.
    """
    return imported("first-rules", tmp_path_factory.mktemp("first-rules"))


def imported(history: str, folder: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    with (HISTORIES / f"{history}.fast-export").open("rb") as stream:
        subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, stdin=stream, check=True)
    return folder


@pytest.fixture
def store(first_rules: Path, tmp_path: Path) -> YamlStore:
    """A copy that the test may write to."""
    shutil.copytree(first_rules, tmp_path / "repo")
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.com")):
        subprocess.run(["git", "config", name, value], cwd=tmp_path / "repo", check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=tmp_path / "repo", check=True)
    return YamlStore(Git(tmp_path / "repo"))


def later(status: Status, minutes: int) -> Observation:
    """The last observation once more, every clock moved on."""
    last, on = status.observation, timedelta(minutes=minutes)
    assert last is not None
    samples = {name: _moved(sample, on) for name, sample in last.samples.items()}
    times = {"started_at": last.started_at + on, "finished_at": last.finished_at + on}
    read_at = {"product_head": status.commit, "harness": None}
    return last.model_copy(update={"samples": samples, **times, **read_at})


def _moved(sample: Sample, on: timedelta) -> Sample:
    assert sample.updated_at is not None
    changes = {"updated_at": sample.updated_at + on, "read_at": None}
    return sample.model_copy(update=changes)


def test_a_history_of_schema_1_verifies(first_rules: Path) -> None:
    verified = verify(YamlStore(Git(first_rules)), TRAIN, None)

    assert verified.problems == []
    assert verified.commits == 80


def test_what_is_decided_there_is_recomputed_and_not_merely_read(store: YamlStore, tmp_path: Path) -> None:
    text = store.text(TRAIN, "status.yaml", store.head())
    assert text is not None
    touched = text.replace(b"earned_seconds: 1200", b"earned_seconds: 1140")
    assert touched != text
    repository = tmp_path / "repo"
    (repository / STATUS).write_bytes(touched)
    trailers = "Rollout-Train: shop\nRollout-Event: decide"
    subprocess.run(["git", "commit", "-qam", f"Touch it up\n\n{trailers}"], cwd=repository, check=True)

    assert [problem for _, problem in verify(store, TRAIN, None).problems] != []


def test_the_present_rules_go_on_from_it_and_verify(store: YamlStore) -> None:
    state = store.load(TRAIN, store.head())
    status = state.status
    assert status is not None
    assert status.schema_ == 1
    seen = later(status, 10)

    step = advance(state, seen, status.facts, seen.finished_at)

    assert step is not None
    after = step.change.status
    assert after is not None
    assert after.schema_ == 2
    assert {soak.earned_seconds for soak in after.soak.surfaces.values()} == {1200}
    # The contract does not say what a counter is that nobody has seen; it was 0 by the first rules.
    assert any(
        reason.startswith("no_new.failed (web): failed is not among") for reason in after.decision.reasons
    )
    told = message(step.event, contract=state.contract, rollout=state.rollout, status=after)
    store.commit(TRAIN, step.change, told, parent=state.head, at=seen.finished_at)
    assert verify(store, TRAIN, None).problems == []


def test_merges_that_were_undone_for_what_came_after_them_verify(tmp_path: Path) -> None:
    """Five promotions were merged, and undone for a freeze, a changed contract, a freeze while the merge
    waited, a contract that could not be read, and one without the phase that waited."""
    store = YamlStore(Git(imported("merges-undone", tmp_path)))
    events = [entry.event for entry in store.log(TRAIN)]

    verified = verify(store, TRAIN, None)

    assert (events.count(Event.ILLEGAL_STEP), verified.problems, verified.commits) == (5, [], 40)
