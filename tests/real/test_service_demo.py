"""`rollout demo --service`, by the clock on the wall: what it tells, and what it leaves behind."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from rollout.cli import main

pytestmark = pytest.mark.enable_socket

FIGURES = re.compile(r"errors ([\d.]+) % \(([\d.]+) to ([\d.]+)\) of [\d,]+; p95 ([\d.]+) times")
"""They depend on when Prometheus scrapes; that they are within the profile's limits does not."""
MOST_ERRORS, MOST_TIMES_SLOWER = 1, 1.2
PHASES = ("0.1", "5", "25", "50", "100")


def test_a_canary_reaches_everybody_and_the_next_one_is_rolled_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")  # no line is cut
    assert main(["demo", "--service", "--output", str(tmp_path)]) == 0
    good, bad = capsys.readouterr().out.split("\n== v1.4.0")[1].split("\n== v1.5.0")
    told = iter(good.splitlines())
    for percent in PHASES:
        assert any(line.endswith(f"jobs            flags.json says {percent} %, read back") for line in told)
    assert any("everyone 100 %: complete, users run v1.4.0 now" in line for line in told)
    figures = [FIGURES.search(line) for line in good.splitlines() if "  Prometheus  " in line]
    assert len(figures) == len(PHASES) - 1, "one for each promotion out of a phase with users"
    for found in figures:
        assert found is not None, good
        share, low, high, slower = map(float, found.groups())
        assert low <= share <= high <= MOST_ERRORS
        assert slower <= MOST_TIMES_SLOWER
    assert re.search(r"ROLLBACK: error-budget \(service\): burns \d", bad)
    assert "ROLLED BACK; v1.5.0 is in quarantine" in bad
    assert "state commits recomputed, all as recorded" in bad
    assert json.loads((tmp_path / "flags.json").read_text())["service"]["percent"] == 0
    assert applied(tmp_path) == ["0", "0.1", "0", *reversed(PHASES)]


def applied(repository: Path) -> list[str]:
    """The percents that were written into the flag file, newest first."""
    log = [
        "git",
        "-C",
        str(repository),
        "log",
        "--format=%s",
        "--grep=^rollout(service): apply",
        "flags.json",
    ]
    subjects = subprocess.run(log, check=True, capture_output=True, text=True).stdout.splitlines()
    return [subject.split()[2] for subject in subjects]
