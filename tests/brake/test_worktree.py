"""The brake finds the state branch by what is committed, whatever somebody is editing beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.cli import main
from rollout.core.files import CONTRACT, state_path
from rollout.core.values import format_instant
from tests.brake.broken import (
    FOLDER,
    LINK,
    SUBMODULE,
    WAYS,
    Breaks,
    Entry,
    Histories,
    entries,
    on_its_way,
)
from tests.world import TAU

PATH = state_path(TAU, CONTRACT)
STATE_BRANCH = "rollout-state"
EDITS: Mapping[str, Breaks] = {
    **WAYS,
    "another branch": lambda _name, text: Entry(text.replace(STATE_BRANCH.encode(), b"elsewhere")),
    "no branch": lambda _name, text: Entry(text.replace(f"branch: {STATE_BRANCH}".encode(), b"")),
    "a branch that is no name": lambda _name, text: Entry(text.replace(STATE_BRANCH.encode(), b"[a")),
}


def contract() -> bytes:
    return on_its_way()[1][PATH] + f"state:\n  branch: {STATE_BRANCH}\n".encode()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product on main, with the contract that names the state branch, which is not checked out."""
    histories, files = Histories(), dict(on_its_way()[1])
    files[PATH] = contract()
    histories.commit(STATE_BRANCH, entries(files))
    histories.commit("main", entries({"README": b"hello\n", PATH: contract()}))
    for way, edit in EDITS.items():
        histories.commit(way.replace(" ", "-"), {PATH: edit(CONTRACT, contract())}, onto="main")
    folder = tmp_path_factory.mktemp("worktree") / "made"
    histories.write(folder, checkout="main")
    return folder


def freeze(repository: Path, reason: str = "stop") -> int:
    now = format_instant(on_its_way()[2].finished_at)
    return main(["freeze", "--reason", reason, "--repo", str(repository), "--now", now])


def is_frozen(repository: Path) -> bool:
    git = Git(repository)
    store = YamlStore(git, STATE_BRANCH)
    found = store.load_for_brake(TAU, store.head()).rollout.frozen is not None
    git.close()
    return found


def put(path: Path, entry: Entry | None) -> None:
    """What the entry is, on disk, in the place of what is there."""
    path.unlink()
    if entry is None:
        return
    if entry.mode == LINK:
        path.symlink_to(os.fsdecode(entry.body))
    elif entry.mode in (FOLDER, SUBMODULE):
        path.mkdir()
    else:
        path.write_bytes(entry.body)


@pytest.mark.parametrize("way", EDITS)
def test_an_edit_that_is_not_committed_leads_no_brake_elsewhere(made: Path, tmp_path: Path, way: str) -> None:
    here = tmp_path / "here"
    shutil.copytree(made, here, symlinks=True)
    put(here / PATH, EDITS[way](CONTRACT, contract()))
    assert freeze(here) == 0
    assert is_frozen(here)


def test_a_pipe_in_the_place_of_the_contract_is_not_waited_for(made: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    shutil.copytree(made, here, symlinks=True)
    (here / PATH).unlink()
    os.mkfifo(here / PATH)
    assert freeze(here) == 0
    assert is_frozen(here)


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_contract_that_is_committed_still_names_the_branch(
    made: Path, tmp_path: Path, way: str
) -> None:
    here = tmp_path / "here"
    shutil.copytree(made, here, symlinks=True)
    (here / ".git" / "HEAD").write_text(f"ref: refs/heads/{way.replace(' ', '-')}\n")
    if way != "removed":  # then nothing on that branch says that there is a train
        assert freeze(here) == 0
        assert is_frozen(here)


def test_what_nobody_sees_in_a_reason_is_written_out_and_told(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    shutil.copytree(made, here, symlinks=True)
    assert freeze(here, "a\u202eb\u200bc\U000e0041 \u26a0\ufe0f\u3164") == 0
    told = "note: --reason holds invisible characters: they are written as \\uNNNN\n"
    assert capsys.readouterr().err == told
    git = Git(here)
    store = YamlStore(git, STATE_BRANCH)
    frozen = store.load(TAU, store.head()).rollout.frozen
    git.close()
    assert frozen is not None
    assert frozen.reason == "a\\u202eb\\u200bc\\U000e0041 \u26a0\ufe0f\\u3164"


def test_a_reason_in_another_encoding_freezes_and_is_told(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    shutil.copytree(made, here, symlinks=True)
    assert freeze(here, os.fsdecode("défaut à voir".encode("latin-1"))) == 0
    assert capsys.readouterr().err == "note: --reason is not UTF-8: its other bytes are written as \\xNN\n"
    git = Git(here)
    store = YamlStore(git, STATE_BRANCH)
    frozen = store.load(TAU, store.head()).rollout.frozen
    git.close()
    assert frozen is not None
    assert frozen.reason == r"d\xe9faut \xe0 voir"
