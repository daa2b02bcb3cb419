"""`rollout` as a person types it, in this process, with a clock that the test moves."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.cli import main
from rollout.core.values import format_instant
from rollout.demo.product import StandIn
from tests.adapters.scratch import Existing, Repository

BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CHECKS = (
    "Live smoke (voice)",
    "Live smoke (browser)",
    "Live smoke (dashboard)",
    "Live smoke (custom-command)",
    "Live smoke (memory)",
    "Live smoke gate",
)


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Shell:
    """Runs `rollout ... --repo REPO --now NOW` in a repository."""

    def __init__(self, repo: Path, capsys: pytest.CaptureFixture[str], now: datetime = BEGIN) -> None:
        self.repo = repo
        self.now = now
        self._capsys = capsys

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def rollout(self, *arguments: str | Path) -> Said:
        """Whatever it ends with."""
        self._capsys.readouterr()
        options = ("--repo", str(self.repo), "--now", format_instant(self.now))
        code = main([*map(str, arguments), *options])
        printed = self._capsys.readouterr()
        return Said(code, printed.out, printed.err)

    def ok(self, *arguments: str | Path) -> Said:
        """Which has to end well."""
        said = self.rollout(*arguments)
        assert said.code == 0, (arguments, said.err)
        return said

    def json(self, *arguments: str | Path) -> Any:
        """The document of a command that has to end well."""
        return self.ok(*arguments, "--json").json


@dataclass
class Town:
    """A repository with the tau product's stand-in in it, and everybody who works on a release."""

    repository: Repository
    product: StandIn
    shell: Shell

    @property
    def path(self) -> Path:
        return self.repository.path

    def observe(self) -> Path:
        """One round of the surfaces as they are."""
        file = self.path / ".tau" / "observation.json"
        self.shell.ok("collect", "--output", file)
        return file

    def tick(self, minutes: float = 30, failing: frozenset[str] = frozenset()) -> Any:
        """Time goes by, the surfaces move on, the jobs run; what reconcile says."""
        self.shell.wait(minutes=minutes)
        self.product.cycle(self.shell.now, failing)
        return self.reconcile(*self.perform(), self.observe())

    def perform(self) -> list[Path]:
        """The results of what reconcile asked for; none where nothing is pending."""
        results = self.path / ".tau" / "results.json"
        results.unlink(missing_ok=True)
        self.shell.ok("perform", "--output", results)
        return [results] if results.exists() else []

    def reconcile(self, *evidence: Path) -> Any:
        given = [part for file in evidence for part in ("--observation", str(file))]
        return self.shell.json("reconcile", *given)

    def start(self, version: str = "v0.1.5") -> str:
        """A release whose CI is green and whose harness run is done."""
        commit = self.repository.commit({"product.txt": f"{version}\n"}, f"Release {version}")
        self.shell.ok("start", "--version", version, "--commit", commit)
        for check in CHECKS:
            self.shell.ok("local", "check", check, "success")
        self.shell.wait(minutes=5)
        self.product.cycle(self.shell.now)
        self.reconcile(*self.perform())
        return commit

    def merge(self) -> Any:
        """The reviewer merges what is open, and a job notices."""
        (number,) = (pull["number"] for pull in self.shell.json("local", "prs") if pull["state"] == "open")
        self.shell.ok("local", "merge", str(number), "--by", "Ada Reviewer")
        return self.reconcile()

    def advance_to(self, phase: str) -> None:
        """Tick, sign and merge until the phase is entered."""
        while self.shell.json("status")["phase"] != phase:
            said = self.tick()
            if said["decision"] == "hold" and "signoff" in said["reasons"][0]:
                for item in ("trigger-matrix-reviewed", "rollback-rehearsed"):
                    self.shell.ok("signoff", "record", item, "docs/review.md", "--by", "Ada Reviewer")
                said = self.reconcile()
            if said["decision"] == "promote":
                self.merge()

    def keep(self, file: Path) -> None:
        """Writes what is not in its folder: the time, and what the surfaces have counted."""
        kept = (self.shell.now, self.product.counts, self.product.streaks)
        file.write_bytes(pickle.dumps(kept))


def copied(town: Path, kept: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> Town:
    """Returns the town of that folder elsewhere, at the moment at which it was kept."""
    shutil.copytree(town, to)
    now, counts, streaks = pickle.loads(kept.read_bytes())  # noqa: S301  # our own
    return Town(Existing(to), StandIn(to, counts, streaks), Shell(to, capsys, now))


def build(path: Path, capsys: pytest.CaptureFixture[str]) -> Town:
    """A repository with the stand-in product and the contract of `init --profile tau`, committed."""
    repository = Repository(path, {".gitignore": ".tau/\n", "docs/review.md": "Looked at and agreed.\n"})
    product = StandIn(path)
    product.install()
    town = Town(repository, product, Shell(path, capsys))
    town.shell.ok("init", "--profile", "tau", "--current-version", "v0.1.4")
    repository.commit({}, "Add the product and its rollout contract")
    return town
