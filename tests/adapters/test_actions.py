"""Summaries and outputs."""

from __future__ import annotations

from pathlib import Path

from rollout.adapters.actions import write_outputs, write_summary


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
