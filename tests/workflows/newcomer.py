"""Somebody who follows docs/github.md from an empty repository: its commands, typed as they stand there.

git and `rollout` are real. `gh` is a stand-in that notes what it is asked for; the local GitHub then does it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fakehub import warm
from fakehub.entities import Access, Environment, Ruleset, Run
from fakehub.hub import Hub
from fakehub.schemas import model
from tests.workflows.adopter import PIN, TOOL, tool_repository
from tests.workflows.town import ROOT, Town

PAGE = ROOT / "docs" / "github.md"
OWN, APP = "own", "app"
"""The two tokens; a block of commands that says neither is for both."""
_SECTION = re.compile(r"^## From an empty repository.*?(?=^## )", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(sh|text) ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WORDS = {"OWNER/rollout": TOOL, "SHA": PIN, "@ada": "@alice", "CLIENT_ID": "Iv23liExample", "APP_ID": "17"}
_SETTING = "repos/{owner}/{repo}/"

_GH = """\
#!{python}
import json, subprocess, sys
reads = "--input" in sys.argv or sys.argv[1] == "secret"
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], sys.stdin.read() if reads else ""]) + "\\n")
if sys.argv[1:3] == ["repo", "create"]:
    name = sys.argv[3]
    folder = name.split("/")[1]
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    address = "https://github.com/" + name + ".git"
    subprocess.run(["git", "-C", folder, "remote", "add", "origin", address], check=True)
"""
# pip's record of an installation names the commit to call; this program was not installed by pip.
# What acts on the train on GitHub is told where that is; everything else sees a clone of github.com.
_ROLLOUT = """\
#!/bin/sh
case "$*" in init*--action*) ;; init*) set -- "$@" --action {pin} ;; esac
case "$1" in doctor | status | freeze) ;; *) exec {program} "$@" ;; esac
before=$(git config remote.origin.url)
git config remote.origin.url {url}/acme/shop.git
GITHUB_SERVER_URL={url} GITHUB_API_URL={url} GITHUB_TOKEN={token} {program} "$@"
ended=$?
git config remote.origin.url "$before"
exit $ended
"""


@dataclass(frozen=True)
class Block:
    """Commands of the page, and lines that it says they print."""

    token: str
    commands: str
    prints: tuple[str, ...]


def section() -> str:
    """The page's way from an empty repository to the first promotion."""
    found = _SECTION.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


def blocks(text: str) -> Iterator[Block]:
    """A block `text` tells what the commands before it print."""
    for word, written in _WORDS.items():
        text = re.sub(rf"(?<!\w){re.escape(word)}\b", written, text)
    found = _FENCE.findall(text)
    for (kind, token, commands), after in zip(found, [*found[1:], ("", "", "")], strict=True):
        if kind == "sh":
            yield Block(token, commands, tuple(after[2].splitlines()) if after[0] == "text" else ())


class Newcomer:
    """alice, in a folder of her own, with nothing on GitHub yet."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self.folder = folder
        repo = hub.repo("acme/shop")
        repo.actions_may_open_pulls = False
        alice = hub.person("alice", repo, Access.ADMIN)
        self.town = Town(hub, repo, "", alice, folder / "health", "rollout-state", "shop")
        self.doctor = ""
        """What `rollout doctor` said last."""
        self.runs: list[Run] = []
        """Those that she began, and those that came of them."""
        hub.engine.actions[f"{TOOL}@{PIN}"] = tool_repository(folder / "tool")
        self._install()

    def follow(self, token: str) -> None:
        """Types every command of the page that is for this token."""
        hub, repo = self.town.hub, self.town.repo
        if token == APP:
            hub.engine.app = hub.app_token(repo)
        for block in blocks(section()):
            if block.token in ("", token):
                printed = self._type(block.commands)
                missing = [line for line in block.prints if line not in printed]
                assert not missing, f"{block.commands}\n{printed}"
                self._press()

    def follow_readme(self) -> None:
        """Types what README has under "On GitHub", in a clone of a product that has been released before."""
        first = next(blocks(section()))
        self._type(first.commands)
        self._type("git tag v1.3.0 && git push -q origin v1.3.0")
        part = (ROOT / "README.md").read_text(encoding="utf-8").partition("## On GitHub")[2]
        (block,) = blocks(part.partition("\n## ")[0])
        self._type(block.commands)
        self._press()

    def prints(self, heading: str) -> tuple[str, str]:
        """What the page says that its command under that heading prints, and what it does print."""
        part = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        (block,) = re.findall(r"^```text\n\$ (.*?)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
        printed = self._type(f"{{ {block[0]}; }} 2>&1")
        return block[1], printed.replace(urlsplit(self.town.hub.url).hostname or "", "github.com")

    def _install(self) -> None:
        programs, hub, token = self.folder / "bin", self.town.hub, self.town.alice.value
        programs.mkdir()
        # To import everything takes most of a command's time: this program forks a process that has.
        warm.install(self.folder / "warm", warm.serve())
        values = {
            "python": sys.executable,
            "program": str(self.folder / "warm" / "rollout"),
            "url": hub.url,
            "token": token,
            "log": str(self.folder / "asked"),
            "pin": f"{TOOL}@{PIN}",
        }
        scripts = {
            "gh": _GH.format(**values),
            "rollout": _ROLLOUT.format(**values),
            "python3": "#!/bin/sh\n",
        }
        for name, script in scripts.items():
            (programs / name).write_text(script, encoding="utf-8")
            (programs / name).chmod(0o755)
        pushes = hub.url.replace("//", f"//alice:{token}@")
        config = f'[user]\nname = Alice\nemail = alice@acme.example\n[url "{pushes}/"]\n'
        config += "pushInsteadOf = https://github.com/\n"
        (self.folder / "gitconfig").write_text(config, encoding="utf-8")

    def _type(self, commands: str) -> str:
        """What one shell prints; fails the test at the first command that fails."""
        shop = self.folder / "shop"
        if shop.is_dir():
            (shop / "KEY.pem").write_text("a key", encoding="utf-8")
        env = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GH_"))}
        done = subprocess.run(
            ["bash", "-ec", commands],
            cwd=shop if shop.is_dir() else self.folder,
            env={
                **env,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{env['PATH']}",
                "GIT_CONFIG_GLOBAL": str(self.folder / "gitconfig"),
                "COLUMNS": "100",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        if "rollout doctor" in commands:
            self.doctor = done.stdout
        return done.stdout

    def _press(self) -> None:
        """Does on GitHub what `gh` was asked for since, and waits until it is quiet there."""
        asked = self.folder / "asked"
        lines = asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []
        asked.write_text("", encoding="utf-8")
        self.runs += self.town.hub.settle()
        for line in lines:
            arguments, given = json.loads(line)
            self._ask(arguments, given)
            self.runs += self.town.hub.settle()

    def _ask(self, arguments: list[str], given: str) -> None:
        town, engine = self.town, self.town.hub.engine
        match arguments:
            case ["auth", "login"] | ["repo", "create", *_] | ["pr", "list", "--base", "rollout-state"]:
                pass
            case ["api", *rest]:
                self._set(rest, given)
            case ["variable", "set", name, "--body", value]:
                engine.variables[name] = value
            case ["secret", "set", name, "--env", environment]:
                engine.secrets[name] = given
                town.repo.environments[environment].secrets |= {name}
            case ["workflow", "run", file, *fields]:
                inputs = dict(field.split("=", 1) for field in fields if field != "-f")
                town.hub.clock.forward(minutes=1)
                self.runs.append(town.hub.dispatch(town.repo, file, inputs, by="alice"))
            case ["pr", "diff", branch] | ["pr", "merge", branch, "--merge"]:
                pull = town.open_pull()
                assert pull.pull is not None
                assert (pull.pull.head, pull.pull.base) == (branch, town.branch)
                if arguments[1] == "merge":
                    town.merge()
            case _:
                raise AssertionError(f"the local GitHub does not know gh {' '.join(arguments)}")

    def _set(self, arguments: list[str], given: str) -> None:
        repo = self.town.repo
        path = next(one for one in arguments if one.startswith(_SETTING)).removeprefix(_SETTING)
        match path, arguments[-1]:
            case "actions/permissions/workflow", "can_approve_pull_request_reviews=true":
                repo.actions_may_open_pulls = True
            case "environments/rollout", "-":
                assert json.loads(given)["deployment_branch_policy"]["custom_branch_policies"] is True
                repo.environments["rollout"] = Environment()
            case "environments/rollout/deployment-branch-policies", "name=main":
                repo.environments["rollout"].restricted = True
            case "rulesets", "-":
                repo.rulesets.append(_ruleset(json.loads(given)))
            case _:
                raise AssertionError(f"the local GitHub does not know gh api {' '.join(arguments)}")


def _ruleset(asked: dict[str, Any]) -> Ruleset:
    """As GitHub's schema has it; the App is the only one that may bypass it."""
    model("ReposOwnerRepoRulesetsPostBody").model_validate(asked)
    rules = {rule["type"]: rule["parameters"] for rule in asked["rules"]}
    (pattern,) = asked["conditions"]["ref_name"]["include"]
    (actor,) = asked["bypass_actors"]
    assert (actor["actor_type"], actor["bypass_mode"]) == ("Integration", "always")
    checks = rules["required_status_checks"]["required_status_checks"]
    return Ruleset(
        1,
        asked["name"],
        pattern,
        required_statuses=tuple(check["context"] for check in checks),
        pull_request="pull_request" in rules,
        bypass=frozenset({"rollout-app[bot]"}),
        enforcement=asked["enforcement"],
    )
