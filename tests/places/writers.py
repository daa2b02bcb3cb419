"""Commands that write state, and where nothing is in their way."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from rollout.cli import main
from rollout.core.files import QUARANTINE, state_path
from rollout.core.values import format_instant
from tests.brake.broken import on_its_way
from tests.places.places import git
from tests.world import OTHER_COMMIT, TAU

STOP = "rollback --reason stop --by ada"
LISTED = state_path(TAU, QUARANTINE)


@dataclass(frozen=True)
class Writer:
    """A command that writes state, where nothing is in its way."""

    command: str
    before: tuple[str, ...] = ()
    """Commands that lead to where it may be given."""
    is_new: bool = False
    """Whether it is for a train on which nobody is exposed."""


WRITERS = {
    "unfreeze": Writer("unfreeze --reason seen", ("freeze --reason stop",)),
    "cancel": Writer("rollback --cancel --reason false --by ada", (STOP,)),
    "declare": Writer("rollback --reverted HEAD^{} --reason seen --by ada", (STOP,)),
    "quarantine add": Writer("quarantine add v1.1.0 --reason leaks --by ada", is_new=True),
    "quarantine lift": Writer(f"quarantine lift {OTHER_COMMIT} --reason fixed --by ada"),
    "signoff record": Writer(
        "signoff record trigger-matrix-reviewed src/app.txt --by ada",
        ("start --version v1.1.0",),
        is_new=True,
    ),
    "start": Writer("start --version v1.1.0", is_new=True),
    "withdraw": Writer("withdraw --reason wrong --by ada", ("start --version v1.1.0",), is_new=True),
    "channel set": Writer("channel set beta", is_new=True),
    "channel plan": Writer("channel plan", is_new=True),
    "channel apply": Writer("channel apply --target v1.1.0", is_new=True),
    "channel cache refresh": Writer("channel cache refresh", is_new=True),
}


def words(folder: Path, command: str) -> list[str]:
    """The command with `NAME^{}` as the commit that it is."""
    return [git(folder, "rev-parse", word) if word.endswith("^{}") else word for word in command.split()]


def run(folder: Path, command: str) -> tuple[int, str]:
    """Its exit code and what it says on stderr."""
    now = format_instant(on_its_way()[2].finished_at)
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        code = main([*words(folder, command), "--repo", str(folder), "--now", now])
    return code, said.getvalue()


def make_new(folder: Path) -> None:
    """A train that is idle at v1.0.0; `topic` conflicts with main in the product's file."""
    git(folder.parent, "init", "--quiet", "--initial-branch=main", str(folder))
    (folder / "src").mkdir()
    for version in ("v1.0.0", "v1.1.0"):
        (folder / "src" / "app.txt").write_text(version)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", f"--message={version}")
        git(folder, "tag", version)
    assert run(folder, "init --profile tau --train tau --current-version v1.0.0")[0] == 0
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=adopt")
    for branch in ("topic", "main"):
        git(folder, "checkout", "--quiet", "-B", branch)
        (folder / "src" / "app.txt").write_text(branch)
        git(folder, "commit", "--quiet", "--all", f"--message={branch}")
        git(folder, "checkout", "--quiet", "-B", "main", "HEAD~1" if branch == "topic" else "HEAD")
