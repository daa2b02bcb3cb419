"""Every way a command can end: exit code, a line and a hint on stderr, an annotation, a document."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
import pytest

from rollout.cli import app, main
from rollout.cli.boundary import run
from rollout.errors import ContractError, InputError, OutsideError, RefusedError
from tests.adapters.scratch import Existing, Repository
from tests.shared import made_once


@dataclass(frozen=True)
class End:
    code: int
    out: str
    err: str


@pytest.fixture
def end(capsys: pytest.CaptureFixture[str]) -> Ends:
    return Ends(capsys)


class Ends:
    """Runs a command that ends in one way."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def of(self, error: BaseException, *arguments: str) -> End:
        """How `rollout fail ARGUMENTS` ends when this is raised in it."""

        @click.group()
        def group() -> None: ...

        @group.command()
        @click.option("--json", "as_json", is_flag=True)
        def fail(as_json: bool) -> NoReturn:
            raise error

        return self._ended(run(group, ["fail", *arguments]))

    def rollout(self, *arguments: str) -> End:
        return self._ended(main(list(arguments)))

    def _ended(self, code: int) -> End:
        printed = self._capsys.readouterr()
        return End(code, printed.out, printed.err)


# --- exit codes, lines and hints -------------------------------------------------------------------------

EXPECTED = [
    (InputError("state.yaml: what: is wrong", hint="fix it"), 2, "state.yaml: what: is wrong", "fix it"),
    (RefusedError("tau is frozen", hint="see: rollout status"), 3, "tau is frozen", "see: rollout status"),
    (OutsideError("git broke", hint="run it again"), 4, "git broke", "run it again"),
    (
        OSError(28, "No space left on device", "state/tau"),
        4,
        "state/tau: No space left on device",
        "make room or fix the permissions, and try again",
    ),
    (PermissionError("no"), 4, "no", "make room or fix the permissions, and try again"),
    (
        KeyboardInterrupt(),
        130,
        "interrupted",
        "run it again: what was committed stays, the rest is done then",
    ),
    (click.UsageError("No such thing."), 2, "No such thing.", "see: rollout fail --help"),
]


@pytest.mark.parametrize(("error", "code", "line", "hint"), EXPECTED)
def test_an_expected_end_is_one_line_and_a_hint(
    end: Ends, error: BaseException, code: int, line: str, hint: str
) -> None:
    assert end.of(error) == End(code, "", f"error: {line}\nhint: {hint}\n")


def test_a_bug_says_so_with_its_trace(end: Ends) -> None:
    ended = end.of(ZeroDivisionError("by nothing"))
    assert (ended.code, ended.out) == (1, "")
    assert "Traceback (most recent call last)" in ended.err
    assert ended.err.endswith(
        "error: a bug in rollout: ZeroDivisionError: by nothing\n"
        "hint: please report it with the lines above\n"
    )


def test_every_problem_of_a_contract_has_its_line(end: Ends) -> None:
    ended = end.of(ContractError(("c.yaml: a: no", "c.yaml: b: no"), hint="fix both", file="c.yaml"))
    assert ended == End(2, "", "error: c.yaml: a: no\nerror: c.yaml: b: no\nhint: fix both\n")


def test_what_a_product_or_person_wrote_is_shown_inert_and_cut(end: Ends) -> None:
    ended = end.of(RefusedError("frozen: \x1b[31mred\x1b[0m\u202e\a" + "x" * 5_000_000))
    assert ended.err.startswith("error: frozen: redxxx")
    assert len(ended.err) < 2100


# --- wrong usage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line", "hint"),
    [
        ("frobnicate", "No such command 'frobnicate'.", "see: rollout --help"),
        ("local", "Missing command.", "see: rollout local --help"),
        ("status --frobnicate", "No such option '--frobnicate'.", "see: rollout status --help"),
        (
            "local merge one",
            "Invalid value for 'NUMBER': 'one' is not a valid integer.",
            "see: rollout local merge --help",
        ),
        ("start", "which version to release is missing", "name it: rollout start v1.2.3"),
        ("start v1 --version v2", "--version v2 and v1 contradict each other", "give one of them"),
        ("strat", "No such command 'strat'.", "did you mean start? All commands: rollout --help"),
        (
            "local mrege 1",
            "No such command 'mrege'.",
            "did you mean merge? All commands: rollout local --help",
        ),
        (
            "merge 1",
            "No such command 'merge'.",
            "did you mean rollout local merge? All commands: rollout --help",
        ),
        (
            "prs",
            "No such command 'prs'.",
            "did you mean rollout local prs? All commands: rollout --help",
        ),
        (
            "lift v1.0.0",
            "No such command 'lift'.",
            "did you mean rollout quarantine lift? All commands: rollout --help",
        ),
        (
            "show",
            "No such command 'show'.",
            "did you mean rollout channel show or rollout local show or rollout channel cache show?"
            " All commands: rollout --help",
        ),
        (
            "local start v1.0.0",
            "No such command 'start'.",
            "did you mean rollout start? All commands: rollout local --help",
        ),
        (
            "recrod x",
            "No such command 'recrod'.",
            "did you mean rollout signoff record? All commands: rollout --help",
        ),
        (
            "-C shop status",
            "No such option '-C'.",
            "options come after the command, such as: rollout status --repo DIR",
        ),
        ("freeze", "Missing option '--reason' / '-m'.", "write it like this: rollout freeze --reason WHY"),
        (
            "quarantine lift",
            "Missing argument 'VERSION|COMMIT'.",
            "write it like this: rollout quarantine lift VERSION|COMMIT --reason WHY",
        ),
        ("freeze -m a --reason b", "--reason / -m is given 2 times", "give it once"),
        ("status --repo a --repo b --json --json", "--repo / -C is given 2 times", "give it once"),
        (
            "status --train ../../etc",
            "Invalid value for '--train' / '-t': ../../etc is not a train's name: small letters, digits, dots"
            " and dashes",
            "see: rollout status --help",
        ),
        ("status --now yesterday", "--now yesterday: not a time", "write it like 2026-11-23T10:00:00Z"),
        (
            "status --now 2026-11-23T10:00:00",
            "--now 2026-11-23T10:00:00: has no time zone",
            "write it like 2026-11-23T10:00:00Z",
        ),
        (
            "status --now 0001-01-01T00:00:00+14:00",
            "--now 0001-01-01T00:00:00+14:00: not between 2000 and 2999",
            "write it like 2026-11-23T10:00:00Z",
        ),
        (
            "init --profile magic",
            "Invalid value for '--profile': 'magic' is not one of 'generic', 'tau', 'service'.",
            "see: rollout init --help",
        ),
    ],
)
def test_wrong_usage_is_bad_input(end: Ends, arguments: str, line: str, hint: str) -> None:
    assert end.rollout(*arguments.split()) == End(2, "", f"error: {line}\nhint: {hint}\n")


def test_without_arguments_it_shows_help(end: Ends) -> None:
    assert end.rollout() == end.rollout("--help")
    assert end.rollout("--version").out.startswith("rollout, version ")


def test_every_command_has_help(end: Ends) -> None:
    sections = end.rollout().out.split("Begin:\n")[1]
    commands = [line.split()[0] for line in sections.splitlines() if line.startswith("  ")]
    assert commands == list(app.list_commands(click.Context(app)))
    for command in commands:
        ended = end.rollout(command, "--help")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(f"Usage: rollout {command}")


# --- under Actions ---------------------------------------------------------------------------------------


@pytest.fixture
def under_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


@pytest.mark.usefixtures("under_actions")
def test_errors_are_annotations_too(end: Ends) -> None:
    ended = end.of(ContractError(("c.yaml: a: no", "c.yaml: b: 100% no"), file="state/a,b:c.yaml"))
    assert ended.err.splitlines() == [
        "error: c.yaml: a: no",
        "::error file=state/a%2Cb%3Ac.yaml::c.yaml: a: no",
        "error: c.yaml: b: 100% no",
        "::error file=state/a%2Cb%3Ac.yaml::c.yaml: b: 100%25 no",
    ]


@pytest.mark.usefixtures("under_actions")
def test_no_text_can_pose_as_a_workflow_command(end: Ends) -> None:
    ended = end.of(RefusedError("frozen: because\n::stop-commands::x\r::error::y", hint="look\n::notice::z"))
    assert [line for line in ended.err.splitlines() if line.startswith("::")] == [
        "::error::frozen: because",
        "::error::::stop-commands::x",
        "::error::::error::y",
    ]


@pytest.mark.usefixtures("under_actions")
def test_wrong_usage_is_an_annotation_too(end: Ends) -> None:
    assert "::error::No such command 'frob'." in end.rollout("frob").err.splitlines()


# --- documents -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "document"),
    [
        (RefusedError("no", hint="h"), {"error": "no", "hint": "h", "exit_code": 3}),
        (OutsideError("no", hint="h"), {"error": "no", "hint": "h", "exit_code": 4}),
        (
            OSError(28, "No space left on device"),
            {
                "error": "No space left on device",
                "hint": "make room or fix the permissions, and try again",
                "exit_code": 4,
            },
        ),
    ],
)
def test_with_json_exits_3_and_4_are_documents(
    end: Ends, error: BaseException, document: dict[str, object]
) -> None:
    ended = end.of(error, "--json")
    assert json.loads(ended.out) == document
    assert ended.err.startswith("error: ")


@pytest.mark.parametrize("error", [InputError("no"), ValueError("no"), KeyboardInterrupt()])
def test_with_json_nothing_else_prints_a_document(end: Ends, error: BaseException) -> None:
    assert end.of(error, "--json").out == ""


def test_a_command_that_printed_its_own_document_prints_no_second(end: Ends) -> None:
    error = RefusedError("no")
    error.documented = True
    assert end.of(error, "--json").out == ""


def test_without_json_there_is_no_document(end: Ends) -> None:
    assert end.of(RefusedError("no")).out == ""


# --- as a real process -----------------------------------------------------------------------------------


def start(
    *arguments: str,
    stdout: int = subprocess.PIPE,
    signals: Mapping[signal.Signals, signal.Handlers] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts the tool with default signal handling, whatever this run inherited, except for `signals`."""
    left = {signal.SIGINT: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    left |= signals or {}
    return subprocess.Popen(
        [sys.executable, "-m", "rollout", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=dict(os.environ),  # without COLUMNS, which readline sets behind Python's back
        preexec_fn=lambda: _leave(left),
    )


def _leave(signals: Mapping[signal.Signals, signal.Handlers]) -> None:
    for number, handler in signals.items():
        signal.signal(number, handler)


@pytest.fixture
def nobody() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.fixture
def repository(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """With an idle train."""
    made = made_once(tmp_path_factory, "boundary", lambda folder: make(folder / "repo"))
    shutil.copytree(made / "repo", tmp_path / "repo")
    return Existing(tmp_path / "repo")


def make(path: Path) -> None:
    repository = Repository(path)
    init = ("init", "--profile", "generic", "--current-version", "v0.9.0")
    assert main([*init, "--repo", str(path)]) == 0
    repository.commit({}, "state")


def test_the_process_ends_with_the_code(tmp_path: Path) -> None:
    with start("status", "--repo", str(tmp_path)) as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert err.splitlines()[0].startswith(b"error: ")
    assert err.splitlines()[1].startswith(b"hint: ")


def test_a_reader_that_stops_reading_is_no_error(repository: Repository, nobody: int) -> None:
    with start("contract", "schema", "--repo", str(repository.path), stdout=nobody) as process:
        _, err = process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_narrow_terminal_gets_no_line_that_is_too_wide(
    repository: Repository, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    release = repository.commit({"product.txt": "1\n"}, "release")
    started = main(["start", "--version", "v1.0.0", "--commit", release, "--repo", str(repository.path)])
    assert started == 0
    terminal, screen = os.openpty()
    termios.tcsetwinsize(screen, (24, columns))
    with start("status", "--repo", str(repository.path), stdout=screen) as process:
        os.close(screen)
        shown = b"".join(iter(lambda: _read(terminal), b"")).decode()
        process.communicate()
    os.close(terminal)
    assert (process.returncode, "To do" in shown) == (0, True)
    lines = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    assert [line for line in lines if len(line) > columns] == []


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux's way to say that nobody writes any more
        return b""


def test_a_reader_that_stops_reading_hides_no_refusal(repository: Repository, nobody: int) -> None:
    freeze = ("freeze", "--reason", "flu", "--json", "--repo", str(repository.path))
    with start(*freeze, stdout=nobody) as process:
        _, err = process.communicate()
    assert process.returncode == 3
    said = [
        b"error: product has no rollout in progress: it is idle",
        b"hint: start a release: rollout start VERSION",
    ]
    assert err.splitlines() == said


SURFACE_TIMEOUT = 60
"""Seconds. Who interrupts does not wait for it."""


@dataclass(frozen=True)
class Hanging:
    """A release whose only surface prints its process id into a FIFO, then waits for a word."""

    repository: Repository
    began: Path
    word: Path

    def collect(self, **signals: signal.Handlers) -> subprocess.Popen[bytes]:
        """With the surface running."""
        left = {signal.Signals[name]: handler for name, handler in signals.items()}
        return start("collect", "--json", "--repo", str(self.repository.path), signals=left)


@pytest.fixture
def hanging(repository: Repository, tmp_path: Path) -> Hanging:
    hanging = Hanging(repository, tmp_path / "began", tmp_path / "word")
    os.mkfifo(hanging.began)
    os.mkfifo(hanging.word)
    hangs = f'[sh, -c, "echo $$ > {hanging.began}; exec cat {hanging.word}"]'
    contract = repository.path / "state" / "product" / "contract.yaml"
    contract.write_text(
        contract.read_text().replace("[cat, health.json]", hangs).replace("10s", f"{SURFACE_TIMEOUT}s")
    )
    repository.commit({}, "a surface that hangs")
    release = repository.commit({"product.txt": "1\n"}, "release")
    begun = main(["start", "--version", "v1.0.0", "--commit", release, "--repo", str(repository.path)])
    assert begun == 0, "nothing would open the FIFO, and the test would wait for it"
    return hanging


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, b"interrupted"),
        (signal.SIGTERM, 143, b"stopped by SIGTERM"),
        (signal.SIGHUP, 129, b"stopped by SIGHUP"),
    ],
)
def test_an_interrupted_person_gets_no_trace(
    hanging: Hanging, number: signal.Signals, code: int, said: bytes
) -> None:
    with hanging.collect() as process:
        surface = int(hanging.began.read_bytes())
        process.send_signal(number)
        out, err = process.communicate(timeout=SURFACE_TIMEOUT / 2)
    assert (process.returncode, out) == (code, b"")
    hint = b"run it again: what was committed stays, the rest is done then"
    assert err.endswith(b"error: %s\nhint: %s\n" % (said, hint))
    assert b"Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.kill(surface, 0)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_that_the_shell_ignores_for_a_job_stops_nothing(hanging: Hanging, name: str) -> None:
    with hanging.collect(**{name: signal.SIG_IGN}) as process:
        hanging.began.read_bytes()
        process.send_signal(signal.Signals[name])
        hanging.word.write_bytes(b"{}")
        out, _ = process.communicate()
    assert (process.returncode, json.loads(out)["release"]) == (0, "v1.0.0")


def test_names_that_are_no_text_are_shown_all_the_same(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    commit = repository.git("cat-file", "commit", "HEAD").encode() + b" in a caf\xe9\n"
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=repository.path,
        input=commit,
        check=True,
        capture_output=True,
    )
    repository.git("update-ref", "refs/heads/main", made.stdout.decode().strip())
    with start("history", "--repo", str(repository.path), "--json") as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)[0]["subject"] == "state in a caf?"


# --- an output that takes nothing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 4), (["--version"], 4), (["freeze", "--help"], 4), (["history", "--help"], 4), ([], 4)],
)
def test_a_full_standard_output_is_an_outside_failure(arguments: list[str], code: int) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rollout", *arguments], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr.count(b"error: ")) == (code, 1)
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", ">&- 2>&- <&-", "<&- >&-"])
@pytest.mark.parametrize("arguments", ["--help", "demo --help", "contract schema"])
def test_a_closed_standard_output_is_as_a_full_one(arguments: str, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -m rollout {arguments} {closed}', sys.executable],
        capture_output=True,
        check=False,
    )
    said = b"" if "2>" in closed else b"error: "
    assert (done.returncode, done.stdout, said in done.stderr) == (4, b"", True)
    assert b"Traceback" not in done.stderr


def test_a_closed_standard_error_stops_nothing() -> None:
    command = ["sh", "-c", 'exec "$0" -m rollout --version 2>&-', sys.executable]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout != b"") == (0, True)


def test_a_full_standard_error_stops_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "rollout", "status", "--repo", "/dev/null"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, check=False)
    assert done.returncode == 2
