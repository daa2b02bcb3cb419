"""Pages whose `console` blocks are typed into a shell, to see that they print what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fakehub import warm

BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
END = "=== end of command ==="

# What differs from run to run: commits, times, and the seconds that a person's machine takes.
VARYING = (
    (re.compile(r"\b\d{13}\b"), "MILLISECONDS"),
    (re.compile(r"\b[0-9a-f]{40}\b|\b[0-9a-f]{7,12}\b"), "COMMIT"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z| UTC)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+s\b"), "SECONDS"),
    (re.compile(r" +"), " "),
)


def commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def at_a_persons_pace(program: Path, quick: Path) -> None:
    """Writes a `rollout` whose time is a minute further with each merge: a phase that is entered in the same
    second in which a surface was last heard has news.
    """
    merges = program.with_name("merges")
    merges.touch()
    program.write_text(
        f"""#!/bin/sh
test "$1 $2" != "local merge" || echo >> {merges}
now=$(($(date +%s) + 60 * $(wc -l < {merges})))
case "$*" in *--help* | *--version* | *--now*) exec {quick} "$@" ;; esac
exec {quick} "$@" --now "$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)"
""",
        encoding="utf-8",
    )
    program.chmod(0o755)


Pace = Callable[[Path, Path], None]
"""Writes the `rollout` that is typed, by a quick one, and decides about its clock."""


def run_all(typed: list[str], folder: Path, programs: Path, pace: Pace) -> list[str]:
    """What one shell prints for each command, errors and all."""
    script = "\n".join(f"{command}\necho; echo '{END}'" for command in typed)
    # To import everything takes most of a command's time: this `rollout` forks a process that has.
    warm.install(programs / "quick", warm.serve())
    pace(programs / "rollout", programs / "quick" / "rollout")
    path = os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [text.strip("\n") for text in done.stdout.split(END)[: len(typed)]]


def transcript(typed: list[str], printed: list[str]) -> str:
    return "\n".join(
        f"$ {command}" + (f"\n{text}" if text else "") for command, text in zip(typed, printed, strict=True)
    )


def steady(text: str) -> str:
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


def at_the_clocks_pace(program: Path, quick: Path) -> None:
    """Writes a `rollout` that goes by the clock, as a metrics server does, with a second between ticks."""
    program.write_text(
        f"""#!/bin/sh
test "$1" != tick || sleep 1.1
exec {quick} "$@"
""",
        encoding="utf-8",
    )
    program.chmod(0o755)


def check_page(
    path: Path,
    folder: Path,
    *,
    pace: Pace = at_a_persons_pace,
    steady: Callable[[str], str] = steady,
    given: tuple[str, str] = ("", ""),
) -> None:
    """Types all blocks of the page into one shell in a new `folder`; fails where one prints something else.

    `given` is what the page names that is another here, such as an address, and what it is. UPDATE_README
    writes what is printed now into the page.
    """
    named, here = given
    page = path.read_text(encoding="utf-8")
    blocks = BLOCK.findall(page)
    typed = [command for block in blocks for command in commands(block)]
    (folder / "typed").mkdir(exist_ok=True)
    here_typed = [command.replace(named, here) if named else command for command in typed]
    printed = iter(run_all(here_typed, folder / "typed", folder / "programs", pace))
    real = [transcript(commands(block), [next(printed) for _ in commands(block)]) for block in blocks]
    real = [text.replace(here, named) if here else text for text in real]
    if os.environ.get("UPDATE_README"):
        replacements = iter(real)
        page = BLOCK.sub(lambda _: f"```console\n{next(replacements)}\n```", page)
        path.write_text(page, encoding="utf-8")
        blocks = BLOCK.findall(page)
    assert len(typed) > 5
    for block, expected in zip(blocks, real, strict=True):
        assert steady(block.strip()) == steady(expected)
