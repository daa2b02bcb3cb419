"""Summaries and outputs."""

from __future__ import annotations

from pathlib import Path

from rollout.adapters.actions import add_to_summary, write_outputs, write_summary


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


def test_what_the_app_refused_is_told_once(tmp_path: Path) -> None:
    refused = {"ROLLOUT_APP": "failure", "ROLLOUT_APP_BRAKE": "success", "ROLLOUT_APP_PRODUCT": "failure"}
    environment = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), **refused}
    write_summary("**Frozen.**", environment)
    add_to_summary("### Not shown on GitHub", environment)
    said, *warned, more = (tmp_path / "summary").read_text().split("\n\n")
    assert (said, more.splitlines()[-1]) == ("**Frozen.**", "### Not shown on GitHub")
    assert "every permission" in warned[0]
    assert (tmp_path / "summary").read_text().count("**Warning:** The App") == 2
