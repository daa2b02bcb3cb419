"""What commands import. `make bench` holds the time that it takes; this names the module that is too much."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from rollout.core.values import format_instant
from tests.e2e.shell import Town

# What the command prints, then the modules that are there when it is done.
RUN = """
import json, sys
from rollout.__main__ import main
try:
    main()
finally:
    print()
    print(json.dumps(list(sys.modules)))
"""

PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
READ = """import sys; from datetime import datetime
from rollout.core.signoff.comments import Comment, commands
def read(text): return commands(Comment("1", "ada", text, datetime(2026, 1, 1)))
"""

HELP = {
    "rollout",
    "rollout.__main__",
    "rollout.cli",
    "rollout.cli.boundary",
    "rollout.cli.help",
    "rollout.cli.output",
    "rollout.errors",
}

OF_EVALUATE = {
    "rollout.adapters": {"clock", "git", "local", "worktree", "yaml_store"},
    "rollout.adapters.local": {"forge", "records"},
    "rollout.cli": {"boundary", "evaluate", "help", "options", "output"},
    "rollout.commands": {"commit_state", "evaluate", "reconcile"},
    "rollout.commands.reconcile": {"facts"},
    "rollout.files": {"plain_file", "state_files", "train", "yaml_text"},
    "rollout.ports": {"forge", "store"},
    "rollout.rendering": {"gates", "inert", "terminal"},
    "rollout.wiring": {"local", "state_branch", "texts", "workspace"},
}
"""Rooms of which it needs few modules; the others belong to other commands, which import them when called."""

NOT_WHEN_ALL_IS_WELL = {
    "rollout.core.contract_check.repair",
    "rollout.core.decide.effects",
    "rollout.core.contract_check.mistakes",
    "rollout.core.contract.address",
    "rollout.core.contract.metrics",
    "rollout.core.decide.gates.burn_rate",
    "rollout.core.decide.gates.proportion",
}
"""What explains a mistake, what acts on a decision, and what only contracts with metrics need."""

SLOW = {
    "asyncio",
    "concurrent",
    "difflib",
    "github",
    "http",
    "jinja2",
    "jmespath",
    "logging",
    "markdown_it",
    "requests",
    "semver",
}
"""Packages with which other commands do their work."""


def imported(*arguments: str) -> set[str]:
    """The modules of a new process once the command has ended well."""
    command = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_neither_a_command_nor_a_model() -> None:
    names = imported("--help")
    assert {name for name in names if name.startswith("rollout")} <= HELP
    assert names.isdisjoint({"pydantic", "subprocess", "yaml", *SLOW})


@pytest.mark.parametrize(("comment", "found"), [("Looks good to me.", 0), ("/signoff a x", 1)])
def test_only_a_comment_that_may_hold_a_command_loads_the_parser(comment: str, found: int) -> None:
    program = (
        f"{READ}print('markdown_it' in sys.modules, len(read({comment!r})), 'markdown_it' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", str(found), str(bool(found))]


def test_evaluate_imports_no_other_command(town: Town) -> None:
    town.start()
    names = imported("evaluate", "--repo", str(town.path), "--now", format_instant(town.shell.now))
    for room, few in OF_EVALUATE.items():
        inside = {name.removeprefix(f"{room}.") for name in names if name.startswith(f"{room}.")}
        assert {name.split(".")[0] for name in inside} <= few
    assert names.isdisjoint(NOT_WHEN_ALL_IS_WELL)
    assert names.isdisjoint(SLOW)


@pytest.mark.parametrize(("given", "kept"), [({}, "__all__"), ({PLUGINS: "logfire"}, "logfire")])
def test_a_command_looks_for_no_plugins_unless_somebody_says_which(given: dict[str, str], kept: str) -> None:
    """The search reads the metadata of all that is installed, at each start."""
    others = {name: value for name, value in os.environ.items() if name != PLUGINS}
    command = [sys.executable, "-c", f"{RUN}    print(__import__('os').environ[{PLUGINS!r}])", "--help"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**others, **given})
    assert done.stdout.splitlines()[-1] == kept
