"""State as YAML in git: what is written comes back equal, and what does not fit together is named."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.adapters.git import Git
from rollout.adapters.git.formats import message_text
from rollout.adapters.yaml_store import YamlStore
from rollout.core.contract import Contract
from rollout.core.state import (
    Channel,
    ChannelName,
    CommitMessage,
    Outcome,
    Rollout,
    Signature,
    SignedItem,
    Signoff,
    StateChange,
    Status,
    TrainState,
    UnusableFile,
)
from rollout.errors import ContractError, HeadMovedError, InputError, OutsideError
from rollout.files.state_files import UPGRADE, check_consistency, files_of, read_contract, read_model
from rollout.files.yaml_text import load_yaml
from tests import builders
from tests.adapters.scratch import NOON, Repository

MESSAGE = CommitMessage(
    subject="rollout(tau): observe v0.1.5 canary-2",
    body="All five surfaces are healthy.",
    trailers=(("Rollout-Train", "tau"), ("Rollout-Event", "observe")),
)
SIGNATURE = Signature(evidence="#7", by="ana", at=NOON, commit=builders.COMMIT)
EVERYTHING = StateChange(
    contract=builders.contract(),
    rollout=builders.frozen_rollout(),
    status=builders.status(),
    channel=Channel(train="tau", channel=ChannelName.BETA, current_version="v0.1.4"),
    signoff=Signoff(
        train="tau",
        release="v0.1.5",
        commit=builders.COMMIT,
        items={"final-approval": SignedItem(signatures=(SIGNATURE,))},
    ),
    incident=builders.incident(),
)


def texts(change: StateChange = EVERYTHING, train: str = "tau") -> dict[str, str]:
    return {path: content.decode() for path, content in files_of(train, change).items() if content}


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo", {**texts(), "state/README": "not a train\n"})


@pytest.fixture
def store(repo: Repository) -> Iterator[YamlStore]:
    git = Git(repo.path)
    yield YamlStore(git)
    git.close()


# --- reading and writing -----------------------------------------------------------------------------------


def test_what_is_written_is_loaded_equal(store: YamlStore) -> None:
    head = store.head()
    state = store.load("tau", head)
    assert state == TrainState(
        train="tau",
        head=head,
        contract=builders.contract(),
        contract_digest=state.contract_digest,
        rollout=builders.frozen_rollout(),
        status=builders.status(),
        channel=EVERYTHING.channel,
        signoff=EVERYTHING.signoff,
        incident=builders.incident(),
    )


def test_files_are_laid_out_for_people_and_for_merges() -> None:
    files = texts()
    assert set(files) == {
        "state/tau/contract.yaml",
        "state/tau/rollout.yaml",
        "state/tau/status.yaml",
        "state/tau/channel.yaml",
        "state/tau/signoff.yaml",
        f"state/tau/incidents/{builders.INCIDENT}.yaml",
    }
    assert all(text.startswith("schema: ") for text in files.values())
    keys = list(load_mapping(files["state/tau/rollout.yaml"]))
    assert keys[:3] == ["schema", "train", "release"]
    assert keys[3:] == ["phase", "canary_percent", "frozen", "outcome", "rollback_target", "lanes"]
    assert "started_at: 2026-11-23T10:00:00Z\n" in files["state/tau/rollout.yaml"]
    assert "frozen: null\n" in texts(StateChange(rollout=builders.rollout()))["state/tau/rollout.yaml"]
    assert "null" not in files["state/tau/status.yaml"]


def load_mapping(text: str) -> dict[str, Any]:
    data = load_yaml(text, file="f")
    assert isinstance(data, dict)
    return data


def test_an_empty_change_writes_no_file() -> None:
    assert files_of("tau", StateChange()) == {}


def test_a_train_that_never_ran_has_a_contract_and_a_rollout(tmp_path: Path) -> None:
    idle = StateChange(contract=builders.contract(), rollout=builders.idle())
    store = YamlStore(Git(Repository(tmp_path / "repo", texts(idle)).path))
    state = store.load("tau", store.head())
    assert state.rollout == builders.idle()
    assert (state.status, state.channel, state.signoff, state.incident) == (None, None, None, None)


def test_trains_are_the_folders_of_state(store: YamlStore, repo: Repository) -> None:
    head = store.head()
    repo.commit({"state/alpha/contract.yaml": "x"})
    assert store.trains(head) == ("tau",)
    assert store.trains(store.head()) == ("alpha", "tau")


def test_the_state_branch_can_be_another_one(repo: Repository) -> None:
    repo.git("checkout", "--quiet", "-b", "rollout-state")
    moved = repo.commit({"README": "x"})
    repo.git("checkout", "--quiet", "main")
    assert YamlStore(Git(repo.path), "rollout-state").head() == moved
    assert YamlStore(Git(repo.path)).head() == repo.head("main")


def test_a_branch_that_is_not_there_is_bad_input(repo: Repository) -> None:
    with pytest.raises(InputError, match="there is no branch nowhere"):
        YamlStore(Git(repo.path), "nowhere").head()


def test_commit_writes_one_commit_with_its_message(store: YamlStore, repo: Repository) -> None:
    parent = store.head()
    change = StateChange(rollout=builders.rollout(), status=builders.status())
    new = store.commit("tau", change, MESSAGE, parent=parent, at=NOON)
    assert (store.head(), repo.head(f"{new}^")) == (new, parent)
    assert repo.status() == []
    assert store.load("tau", new).rollout == builders.rollout()
    assert repo.git("log", "-1", "--format=%B") == (
        "rollout(tau): observe v0.1.5 canary-2\n\nAll five surfaces are healthy.\n\n"
        "Rollout-Train: tau\nRollout-Event: observe"
    )


def test_a_stale_commit_is_refused_and_leaves_nothing(store: YamlStore, repo: Repository) -> None:
    stale = store.head()
    moved = repo.commit({"README": "x"})
    with pytest.raises(HeadMovedError):
        store.commit("tau", StateChange(rollout=builders.rollout()), MESSAGE, parent=stale, at=NOON)
    assert (store.head(), repo.status()) == (moved, [])


def test_log_tells_what_changed_below_the_train(store: YamlStore, repo: Repository) -> None:
    first = store.head()
    observed = store.commit(
        "tau", StateChange(status=builders.status("canary-1")), MESSAGE, parent=first, at=NOON
    )
    repo.commit({"README": "x"})
    entries = list(store.log("tau"))
    assert [(entry.commit, entry.parent) for entry in entries] == [(observed, first), (first, None)]
    assert entries[0].paths == ("status.yaml",)
    assert (entries[0].at, entries[0].subject) == (NOON, MESSAGE.subject)
    assert entries[0].trailers == {"Rollout-Train": "tau", "Rollout-Event": "observe"}
    assert f"incidents/{builders.INCIDENT}.yaml" in entries[1].paths
    assert [entry.commit for entry in store.log("tau", since=first[:10])] == [observed]
    assert list(store.log("ta")) == []
    with pytest.raises(InputError, match="there is no commit deadbeef"):
        list(store.log("tau", since="deadbeef"))


def test_load_many_gives_a_stand_in_for_what_does_not_parse(store: YamlStore, repo: Repository) -> None:
    good = store.head()
    bad = repo.commit({"state/tau/status.yaml": "schema: 1\ntrain: [\n"})
    states = list(store.load_many("tau", [good, bad, good]))
    assert states[0] == states[2] == store.load("tau", good)
    assert isinstance(states[1], TrainState)
    assert states[1].status == store.load("tau", good).status
    assert [each.name for each in states[1].broken] == ["status.yaml"]


def test_load_many_goes_on_after_a_commit_that_cannot_be_read(store: YamlStore, repo: Repository) -> None:
    good = store.head()
    bad = repo.commit({"state/tau/status.yaml": "schema: 9\ntrain: tau\n"})
    states = list(store.load_many("tau", [bad, good]))
    assert isinstance(states[0], InputError)
    assert states[0].file == "state/tau/status.yaml"
    assert states[1] == store.load("tau", good)


def test_a_damaged_repository_is_not_a_missing_file(store: YamlStore, repo: Repository) -> None:
    blob = repo.head("main:state/tau/status.yaml")
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(OutsideError, match=f"git object {blob} is missing or damaged"):
        list(store.load_many("tau", [store.head()]))


# --- what does not parse -----------------------------------------------------------------------------------


def test_a_folder_that_never_held_state_is_no_train(store: YamlStore, repo: Repository) -> None:
    repo.commit({"state/notes/README.md": "x", "state/calendar.yaml/x.yaml": "x", "state/tau.md": "x"})
    assert store.trains(store.head()) == ("tau",)
    repo.commit({"state/rho/incidents/one.yaml": "x"})
    assert store.trains(store.head()) == ("rho", "tau")


def test_a_train_that_is_not_there(store: YamlStore) -> None:
    with pytest.raises(InputError, match="there is no train rho") as error:
        store.load("rho", store.head())
    assert error.value.hint == "trains there: tau"


def test_a_repository_without_state(tmp_path: Path) -> None:
    store = YamlStore(Git(Repository(tmp_path / "repo").path))
    assert store.trains(store.head()) == ()
    with pytest.raises(InputError) as error:
        store.load("tau", store.head())
    assert "rollout init" in error.value.hint


@pytest.mark.parametrize("name", ["rollout.yaml", "status.yaml", f"incidents/{builders.INCIDENT}.yaml"])
def test_a_file_that_is_gone_is_told_with_the_way_back(store: YamlStore, repo: Repository, name: str) -> None:
    before = store.head()[:10]
    repo.git("rm", "--quiet", f"state/tau/{name}")
    did = repo.commit({})[:10]
    repo.commit({"README": "something else"})
    path = f"state/tau/{name}"
    with pytest.raises(InputError, match=f"{path} is missing") as error:
        store.load("tau", store.head())
    assert error.value.file == path
    assert error.value.hint == (
        f"commit {did} by Rollout Tests took it away; fix it, or take that back:"
        f" git checkout {before} -- {path}, then commit"
    )


def test_a_file_that_does_not_parse_is_told_with_the_way_back(store: YamlStore, repo: Repository) -> None:
    before = store.head()[:10]
    did = repo.commit({"state/tau/status.yaml": "schema: 1\n"})[:10]
    repo.commit({"state/tau/status.yaml": "schema: 1\ntrain: tau\n"})
    with pytest.raises(InputError) as error:
        store.load("tau", store.head())
    assert error.value.hint.startswith(f"commit {did} by Rollout Tests changed it;")
    assert f"git checkout {before} -- state/tau/status.yaml" in error.value.hint


def test_a_train_that_never_had_a_rollout_file_is_told_what_it_holds(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "other")
    repo.commit({"state/tau/contract.yaml": texts()["state/tau/contract.yaml"]})
    store = YamlStore(Git(repo.path))
    with pytest.raises(InputError, match=r"rollout\.yaml is missing") as error:
        store.load("tau", store.head())
    assert error.value.hint == "an idle train's file has two lines: schema: 1 and train: tau"


@pytest.mark.parametrize("path", sorted(set(texts()) - {"state/tau/contract.yaml"}))
def test_a_newer_schema_asks_for_an_upgrade(store: YamlStore, repo: Repository, path: str) -> None:
    repo.commit({path: re.sub("^schema: .", "schema: 3\nbrand_new: true", texts()[path])})
    with pytest.raises(InputError, match=f"{path}: schema: 3 was written by a newer rollout") as error:
        store.load("tau", store.head())
    assert error.value.hint == UPGRADE


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    text = b"schema: 1\ntrain: tau\nphase: [x]\ncanary_percent: 120\nfrozn: null\n"
    with pytest.raises(InputError) as error:
        read_model(Rollout, text, "state/tau/rollout.yaml")
    lines = error.value.message.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["state/tau/rollout.yaml", field] for field in ("phase", "canary_percent", "frozn")
    ]
    assert "state/tau/rollout.yaml" in error.value.hint


def test_an_empty_file_is_told_apart() -> None:
    with pytest.raises(InputError, match=r"^status\.yaml: must be a mapping"):
        read_model(Status, b"", "status.yaml")


# --- the contract ------------------------------------------------------------------------------------------

CONTRACT = texts()["state/tau/contract.yaml"].encode()


def test_the_digest_is_of_the_content() -> None:
    contract, digest = read_contract(CONTRACT, "f")
    assert contract == builders.contract()
    assert read_contract(b"# a comment\n\n" + CONTRACT, "f") == (contract, digest)
    lines = CONTRACT.splitlines(keepends=True)
    assert lines[1] == b"train: tau\n"
    assert read_contract(b"".join([lines[0], *lines[2:], lines[1]]), "f") == (contract, digest)
    assert len(digest) == 64
    other = CONTRACT.replace(b"soak: 30m", b"soak: 31m")
    assert read_contract(other, "f")[1] != digest


def test_the_digest_leaves_out_keys_that_only_have_a_default() -> None:
    data = load_yaml(CONTRACT, file="f")
    assert isinstance(data, dict)
    contract, digest = read_contract(CONTRACT, "f")
    assert "streak_gap" not in data.get("sampling", {})
    assert contract.sampling.streak_gap == 21600
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(canonical.encode()).hexdigest()


def test_every_mistake_of_types_is_told() -> None:
    broken = CONTRACT.replace(b"soak: 30m", b"soak: 30").replace(b"train: tau", b"train: T A U")
    with pytest.raises(ContractError) as error:
        read_contract(broken, "state/tau/contract.yaml")
    assert len(error.value.problems) == 2
    assert error.value.problems[0].startswith("state/tau/contract.yaml: train: ")
    assert error.value.problems[1].startswith("state/tau/contract.yaml: phases.1.soak: ")
    assert error.value.file == "state/tau/contract.yaml"


def test_every_mistake_of_the_whole_is_told() -> None:
    broken = CONTRACT.replace(b"inherit: canary-1", b"inherit: nowhere").replace(
        b"percent: 5\n", b"percent: 0\n"
    )
    with pytest.raises(ContractError) as error:
        read_contract(broken, "c.yaml")
    assert any(problem.startswith("c.yaml: phases.2.inherit: ") for problem in error.value.problems)
    assert any(problem.startswith("c.yaml: phases.1.canary_percent: ") for problem in error.value.problems)


PATH = "state/tau/contract.yaml"
UNUSABLE = {
    "a mistake": ("schema: 1\n", f"{PATH}: train: is missing"),
    "no YAML": ("phases: [", f"{PATH}:2: not YAML"),
    "newer": ("schema: 3\n", f"{PATH}: schema: 3 was written by a newer rollout"),
    "another train's": (CONTRACT.decode().replace("train: tau", "train: pi"), f"{PATH}: train: is pi"),
    "gone": (None, f"{PATH} is missing"),
}


@pytest.mark.parametrize(("text", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_the_contract_before_stands_in_for_one_that_cannot_be_used(
    store: YamlStore, repo: Repository, text: str | None, problem: str
) -> None:
    good = store.load("tau", store.head())
    if text is None:
        repo.git("rm", "--quiet", PATH)
    did = repo.commit({PATH: text} if text else {})
    told: list[UnusableFile] = []
    state = YamlStore(Git(repo.path), tell=told.append).load("tau", did)
    assert (state.contract, state.contract_digest) == (good.contract, good.contract_digest)
    assert state.unusable is not None
    assert state.unusable.problem.startswith(problem)
    assert did[:10] in state.unusable.hint or state.unusable.hint == UPGRADE
    assert told == [state.unusable]


def test_a_release_stands_in_no_phase_that_the_contract_lacks(store: YamlStore, repo: Repository) -> None:
    good, renamed = store.load("tau", store.head()), CONTRACT.decode().replace("canary-2", "second")
    repo.commit({PATH: renamed})
    state = store.load("tau", store.head())
    # A rollback goes on by the contract that the release was released by; there is nothing to hold.
    assert (state.contract, state.unusable) == (good.contract, None)
    on_its_way = files_of("tau", StateChange(rollout=builders.rollout(), status=builders.status()))
    repo.commit({path: (text or b"").decode() for path, text in on_its_way.items()})
    state = store.load("tau", store.head())
    assert state.contract == good.contract
    assert state.unusable is not None
    assert state.unusable.problem == f"{PATH}: phases: there is no canary-2, where v0.1.5 stands"


def test_the_contract_of_the_last_decision_stands_in(store: YamlStore, repo: Repository) -> None:
    """Not a newer one that no run has decided by, as the history of a merged branch may hold."""
    pinned = CONTRACT.decode()
    digest = read_contract(CONTRACT, PATH)[1]
    status = texts()["state/tau/status.yaml"].replace(builders.DIGEST, digest)
    repo.commit({"state/tau/status.yaml": status})
    repo.commit({PATH: pinned.replace("soak: 30m", "soak: 31m")})
    repo.commit({PATH: "schema: 1\n"})
    assert store.load("tau", store.head()).contract_digest == digest


def test_what_has_ended_needs_no_phase_of_the_contract(store: YamlStore, repo: Repository) -> None:
    ended = builders.rollout().model_copy(update={"outcome": Outcome.COMPLETE})
    complete = files_of("tau", StateChange(rollout=ended, status=status(legal=ended)))
    renamed = CONTRACT.decode().replace("canary-2", "second")
    repo.commit({PATH: renamed, **{path: (text or b"").decode() for path, text in complete.items()}})
    state = store.load("tau", store.head())
    assert state.unusable is None
    assert [phase.name for phase in state.contract.phases][2] == "second"


def test_a_train_without_any_contract_that_can_be_used(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "other")
    repo.commit({**texts(), PATH: "schema: 1\n"})
    store = YamlStore(Git(repo.path))
    with pytest.raises(ContractError, match="train: is missing"):
        store.load("tau", store.head())


# --- contradictions ----------------------------------------------------------------------------------------


def state(**changed: Any) -> TrainState:
    return replace(builders.train(builders.rollout(), builders.status()), **changed)


def rollout(**changed: Any) -> Rollout:
    return builders.rollout().model_copy(update=changed)


def status(**changed: Any) -> Status:
    return builders.status().model_copy(update=changed)


def other_contract() -> Contract:
    return builders.contract().model_copy(update={"train": "rho"})


CONTRADICTIONS: dict[str, tuple[TrainState, str]] = {
    "no release": (state(rollout=rollout(release=None)), "rollout.yaml: release: "),
    "no phase": (state(rollout=rollout(phase=None)), "rollout.yaml: phase: "),
    "no status": (state(status=None), "status.yaml is missing, and rollout.yaml is in_progress"),
    "unknown legal phase": (
        state(status=status(legal=rollout(phase="canary-9"))),
        "status.yaml: legal.phase: canary-9 is not in",
    ),
    "status of another version": (state(status=status(release="v0.1.4")), "status.yaml: release: is v0.1.4"),
    "status of another commit": (
        state(status=status(commit="3" * 40)),
        "status.yaml: commit: is 333333333333",
    ),
    "contract of another train": (state(contract=other_contract()), "contract.yaml: train: is rho"),
    "rollout of another train": (state(rollout=rollout(train="rho")), "rollout.yaml: train: is rho"),
    "status of another train": (state(status=status(train="rho")), "status.yaml: train: is rho"),
    "channel of another train": (state(channel=Channel(train="rho")), "channel.yaml: train: is rho"),
    "sign-off of another train": (
        state(signoff=Signoff(train="rho", release="v0.1.5", commit=builders.COMMIT)),
        "signoff.yaml: train: is rho",
    ),
    "incident that is not there": (
        state(rollout=builders.frozen_rollout()),
        f"incidents/{builders.INCIDENT}.yaml is missing, and rollout.yaml names it",
    ),
    "incident of another train": (
        state(
            rollout=builders.frozen_rollout(),
            incident=builders.incident().model_copy(update={"train": "rho"}),
        ),
        f"incidents/{builders.INCIDENT}.yaml: train: is rho",
    ),
    "incident of another name": (
        state(
            rollout=builders.frozen_rollout(),
            incident=builders.incident().model_copy(update={"id": "other"}),
        ),
        f"incidents/{builders.INCIDENT}.yaml: id: is other",
    ),
}


@pytest.mark.parametrize(("contradictory", "problem"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_names_file_and_field(contradictory: TrainState, problem: str) -> None:
    with pytest.raises(InputError) as error:
        check_consistency(contradictory)
    assert error.value.message.startswith(f"state/tau/{problem}")
    assert problem.startswith(error.value.file.removeprefix("state/tau/"))
    assert error.value.hint


@pytest.mark.parametrize(
    "consistent",
    [
        state(),
        state(rollout=rollout(canary_percent=7)),
        state(rollout=builders.idle()),
        state(rollout=builders.idle(), status=None),
        state(rollout=rollout(outcome=Outcome.COMPLETE)),
        state(rollout=builders.frozen_rollout(), incident=builders.incident()),
        state(signoff=Signoff(train="tau", release="v0.1.4", commit="3" * 40)),
    ],
    ids=["running", "other percent", "idle", "never ran", "complete", "frozen", "old sign-off"],
)
def test_what_is_consistent_passes(consistent: TrainState) -> None:
    check_consistency(consistent)


def test_several_contradictions_are_told_at_once_by_load(store: YamlStore, repo: Repository) -> None:
    edited = StateChange(rollout=rollout(train="rho"), status=status(legal=rollout(phase="canary-9")))
    repo.commit(texts(edited))
    with pytest.raises(InputError) as error:
        store.load("tau", store.head())
    assert [line.split(": ")[1] for line in error.value.message.splitlines()] == ["train", "legal.phase"]


# --- messages ----------------------------------------------------------------------------------------------


def trailers_of(message: CommitMessage, repo: Repository) -> dict[str, str]:
    git = Git(repo.path)
    commit = git.write_commit({"a": b"b"}, parent=repo.head(), message=message_text(message), at=NOON)
    (entry,) = git.log(commit, ["a"], since=repo.head())
    git.close()
    return dict(entry.trailers)


@pytest.mark.parametrize(
    "body",
    [
        "Rollout-Event: promote",
        "text\n\nRollout-Event: promote",
        "text\n\n---\nRollout-Event: promote\n",
        "Rollout-Event: promote\r\n\r\n\x00\x1b[31m",
        "",
    ],
)
def test_a_body_cannot_pose_as_trailers(repo: Repository, body: str) -> None:
    assert trailers_of(replace(MESSAGE, body=body), repo) == dict(MESSAGE.trailers)


def test_neither_can_a_subject_or_a_value(repo: Repository) -> None:
    message = replace(
        MESSAGE,
        subject="subject\n\nRollout-Event: promote",
        trailers=(("Rollout-Train", "tau\nRollout-Event: promote"), ("Rollout-Event", "observe")),
    )
    found = trailers_of(message, repo)
    assert found == {"Rollout-Train": "tau Rollout-Event: promote", "Rollout-Event": "observe"}


@given(st.text(), st.text(), st.text())
def test_messages_hold_no_control_characters(subject: str, body: str, value: str) -> None:
    text = message_text(CommitMessage(subject=subject, body=body, trailers=(("Rollout-Event", value),)))
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in text)
    assert text.splitlines()[-1].startswith("Rollout-Event:")
    text.encode()


@pytest.mark.parametrize(
    ("there", "quiet", "says"),
    [
        (None, True, False),
        (".github/workflows/rollout-check.yml", True, False),
        (".github/workflows/ci.yml", True, True),
        (".github/workflows/ci.yml", False, False),
        (".gitlab-ci.yml", True, True),
    ],
)
def test_only_other_peoples_ci_is_told_to_skip(
    repo: Repository, there: str | None, quiet: bool, says: bool
) -> None:
    if there:
        repo.commit({there: "name: x\n"})
    store = YamlStore(Git(repo.path))
    note = CommitMessage("rollout(tau): observe", "Hold", (("Rollout-Train", "tau"),), quiet)
    change = StateChange(rollout=Rollout(train="tau", outcome=Outcome.COMPLETE))
    made = store.commit("tau", change, note, parent=store.head(), at=NOON)
    skip = "[skip ci]\n\n" if says else ""
    said = repo.git("log", "-1", "--format=%B", made)
    assert said == f"rollout(tau): observe\n\nHold\n\n{skip}Rollout-Train: tau"
