"""A repository that adopts the tool: what `rollout init` writes into it, and the action from elsewhere."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fakehub import inside
from fakehub.hub import Hub
from rollout.core.files import STATE_BRANCH
from tests.adapters.scratch import Repository
from tests.workflows.town import CHECK, CONTRACT, OLD_VERSION, PROBE, ROOT, VERSION, Town, install_app

TOOL, PIN = "tools/rollout", "5" * 40
"""The tool's own repository, and the commit of it that workflows name."""


def rollout(folder: Path, *arguments: str) -> str:
    """What the program prints there."""
    code, printed = inside.call_rollout(arguments, os.environ.copy(), folder)
    assert code == 0, printed
    return printed


def initialised(folder: Path, *options: str) -> Repository:
    """A clone of a product's repository on GitHub right after `rollout init`."""
    seed = Repository(folder, {"probe.sh": PROBE, ".gitignore": ".tau/\n"})
    seed.git("remote", "add", "origin", "https://github.com/acme/tau.git")
    named = ("--current-version", OLD_VERSION, "--action", f"{TOOL}@{PIN}")
    rollout(seed.path, "init", "--profile", "tau", *named, *options)
    return seed


def tool_repository(folder: Path) -> Path:
    """What GitHub fetches of the tool for the action."""
    shutil.copytree(ROOT / ".github" / "actions", folder / ".github" / "actions")
    shutil.copy(ROOT / "requirements.lock", folder)
    return folder


def adopt(hub: Hub, folder: Path, *, app: bool, branch: str = STATE_BRANCH, contract: str = CONTRACT) -> Town:
    """A town whose repository holds a product, and of the tool nothing but what `init` wrote.

    `branch` carries state: without a choice, the one that `init` makes. With another contract than the usual
    one, `init` is asked once more for the workflows that it needs.
    """
    if branch == STATE_BRANCH:
        seed = initialised(folder / "seed")
        seed.git("worktree", "add", "--quiet", str(folder / "beside"), branch)
        (folder / "beside/state/tau/contract.yaml").write_text(contract, encoding="utf-8")
        seed.git("-C", str(folder / "beside"), "commit", "--quiet", "--all", "--message", "Our contract")
    else:
        seed = initialised(folder / "seed", "--state-branch", branch)
        seed.write("state/tau/contract.yaml", contract)
    if contract != CONTRACT:
        rollout(seed.path, "init", "--workflows", "--action", f"{TOOL}@{PIN}")
    seed.commit({}, "Adopt rollout")
    release = seed.commit({"src.txt": "new\n"}, f"Release {VERSION}")
    repo = hub.repo("acme/tau", seed=seed.path)
    repo.add_check(release, CHECK, "success")
    hub.engine.actions[f"{TOOL}@{PIN}"] = tool_repository(folder / "tool")
    town = Town(hub, repo, release, hub.person("alice", repo), folder / "health", branch)
    town.feel()
    hub.engine.env["TOWN_HEALTH"] = str(town.health)
    if app:
        install_app(town)
    return town
