"""Which commit on GitHub the program came from, by pip's record and the clone that it points to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.adapters.installation import direct_url, installed_from
from rollout.core.workflow_pin import ActionPin
from tests.adapters.scratch import Repository

SHA = "5" * 40


def from_git(url: str) -> str:
    return json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": SHA}})


def from_folder(folder: Path) -> str:
    return json.dumps({"url": folder.as_uri(), "dir_info": {"editable": True}})


@pytest.fixture
def clone(tmp_path: Path) -> Repository:
    """As after `git clone https://github.com/acme/rollout`, in a folder whose name has to be quoted."""
    clone = Repository(tmp_path / "my tools" / "rollout")
    clone.git("remote", "add", "origin", "https://github.com/acme/rollout.git")
    clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return clone


def test_pip_says_which_commit_it_took_from_git() -> None:
    assert installed_from(from_git("https://github.com/acme/rollout.git")) == ActionPin("acme/rollout", SHA)
    assert installed_from(from_git("https://git.example/acme/rollout.git")) is None


def test_a_clone_says_where_it_is(clone: Repository) -> None:
    assert installed_from(from_folder(clone.path)) == ActionPin("acme/rollout", clone.head("main"))


def test_a_commit_that_was_not_pushed_cannot_be_found_by_github(clone: Repository) -> None:
    clone.commit({"more.txt": "\n"}, "Not pushed")
    assert installed_from(from_folder(clone.path)) is None


def test_a_clone_of_elsewhere_is_unknown(clone: Repository) -> None:
    clone.git("remote", "set-url", "origin", "https://git.example/acme/rollout.git")
    assert installed_from(from_folder(clone.path)) is None
    clone.git("remote", "remove", "origin")
    assert installed_from(from_folder(clone.path)) is None


@pytest.mark.parametrize(
    "record", ["", "{}", "[]", "not JSON", '{"url": null}', '{"url": "https://files.example/x.whl"}']
)
def test_anything_else_is_unknown(record: str) -> None:
    assert installed_from(record) is None


def test_a_folder_that_is_gone_is_unknown(tmp_path: Path) -> None:
    assert installed_from(from_folder(tmp_path)) is None
    assert installed_from(from_folder(tmp_path / "gone")) is None


def test_the_running_program_has_a_record_or_none() -> None:
    assert direct_url() == "" or "url" in json.loads(direct_url())
