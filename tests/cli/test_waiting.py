"""The line that says on a terminal what a command is doing."""

from __future__ import annotations

import io

import pytest

from rollout.cli import output
from rollout.cli.waiting import WaitingLine, waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(seconds: int) -> str:
    """What is written until the work ends after so many seconds."""
    left, stream = iter([False] * seconds + [True]), io.StringIO()
    WaitingLine("reading api", stream, lambda _: next(left)).run()
    return stream.getvalue()


def test_the_line_shows_after_two_seconds_counts_on_and_goes_away() -> None:
    assert drawn(1) == ""
    assert drawn(3) == "\r\x1b[Kreading api, 2 s\r\x1b[Kreading api, 3 s\r\x1b[K"


@pytest.mark.parametrize("reason", ["a pipe", "--json", "Actions"])
def test_nobody_but_a_person_at_a_terminal_is_told(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO() if reason == "a pipe" else Terminal()
    if reason == "Actions":
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with waiting("reading api", quiet=reason == "--json", stream=terminal):
        assert output.before_line is output.nothing


def test_what_is_printed_meanwhile_takes_the_line_away_first(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting("reading api", quiet=False, stream=Terminal()):
        assert output.before_line is not output.nothing
        output.progress("api: healthy")
    assert capsys.readouterr().err == "api: healthy\n"
    assert output.before_line is output.nothing
