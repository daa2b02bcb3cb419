"""Summaries, outputs, and the files that other jobs hand over."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.adapters.actions import MAX_FILES, handed_over, write_outputs, write_summary
from rollout.errors import InputError


def put(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}", encoding="utf-8")


def test_artifacts_lie_one_folder_deep(tmp_path: Path) -> None:
    put(tmp_path, "b/observation.json", "a/results.json", "a/observation.json")
    names = [str(path.relative_to(tmp_path)) for path in handed_over(tmp_path)]
    assert names == ["a/observation.json", "a/results.json", "b/observation.json"]
    assert handed_over(tmp_path / "nothing") == []


@pytest.mark.parametrize("path", ["observation.json", "a/deep/observation.json", "a/notes.txt", "a/.json"])
def test_other_files_are_refused(tmp_path: Path, path: str) -> None:
    put(tmp_path, path)
    with pytest.raises(InputError, match="no such file of evidence"):
        handed_over(tmp_path)


def test_links_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/secret")
    (tmp_path / "in" / "a").mkdir(parents=True)
    (tmp_path / "in" / "a" / "observation.json").symlink_to(tmp_path / "elsewhere" / "secret")
    with pytest.raises(InputError, match="evidence is expected"):
        handed_over(tmp_path / "in")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    put(tmp_path, *(f"{number}/observation.json" for number in range(MAX_FILES + 1)))
    with pytest.raises(InputError, match=f"at most {MAX_FILES}"):
        handed_over(tmp_path)


def test_summary_and_outputs_go_where_actions_says(tmp_path: Path) -> None:
    environment = {
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    write_summary("# One\n\n", environment)
    write_summary("two", environment)
    write_outputs({"branch": "main", "runners": ["a"]}, environment)
    assert (tmp_path / "summary").read_text() == "# One\ntwo\n"
    assert (tmp_path / "output").read_text() == 'branch=main\nrunners=["a"]\n'
    write_summary("nowhere", {})
