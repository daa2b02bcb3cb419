"""A product, its train and a local forge in one real repository, and `rollout` as a person types it."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from rollout.cli import main
from rollout.core.values import format_instant, unix_ms
from rollout.files.yaml_text import dump_yaml, load_yaml

TRAIN = "shop"
STATE = f"state/{TRAIN}"
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CURRENT = "v1.0.0"
CHECK = "test"
SURFACES = ("api", "worker")
FLAGS = "flags.json"
CODE = ("app.txt", "docs/guide.md")
"""Files of the product that releases change."""


@dataclass(frozen=True)
class Kind:
    """What differs between the trains of two stories."""

    applies: bool = False
    """The contract has a command that brings the percent to the product."""
    pushes: bool = False
    """A rollback pushes its revert instead of proposing it."""
    has_harness: bool = True
    has_ci: bool = True
    """Without both nothing validates a rollback."""
    own_branch: bool = False
    """State lives on a branch of its own."""
    flags_by: Literal["", "commit", "pull_request"] = ""
    """How the percent gets into a flag file; empty where it is no number there."""


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit code."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def hint(self) -> str:
        """Of an error; empty when there is none."""
        return "\n".join(
            line.removeprefix("hint: ") for line in self.err.splitlines() if line.startswith("hint: ")
        )

    def __str__(self) -> str:
        words = " ".join(self.arguments)
        return f"$ rollout {words}   [exit {self.code}]\n{self.err if self.code else ''}".rstrip()


class Town:
    """Everything that a story happens to. `told` is the whole story so far, for whoever reads a failure."""

    def __init__(self, path: Path, kind: Kind) -> None:
        self.path = path
        self.kind = kind
        self.now = BEGIN
        self.told: list[str] = []
        self.tried: Counter[str] = Counter()
        """How often helpers did what a text says."""
        self.failing_commits: set[str] = set()
        """Commits of the product whose CI is red."""
        self.checked: set[str] = set()
        """Commits that CI has run on."""
        self.moods = dict.fromkeys(SURFACES, "healthy")
        self.totals = {name: {"served": 100, "failed": 0} for name in SURFACES}
        self.harness_passes = True
        self.applied: list[int] = []
        self._made = 0
        self._found()

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    # --- commands ----------------------------------------------------------------------------------------

    def rollout(self, *arguments: str) -> Said:
        """Whatever it ends with; a bug of the tool ends the story."""
        printed, errors = io.StringIO(), io.StringIO()
        options = ("--repo", str(self.path), "--now", format_instant(self.now))
        with redirect_stdout(printed), redirect_stderr(errors):
            code = main([*arguments, *options])
        said = Said(arguments, code, printed.getvalue(), errors.getvalue())
        self.told.append(f"{self.now:%d %H:%M} {said}")
        assert code in (0, 2, 3, 4), said
        assert code == 0 or said.err.startswith("error: ") or "\nerror: " in f"\n{said.err}", said
        return said

    def git(self, *arguments: str) -> str:
        at = f"{self.now.timestamp():.0f} +0000"
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at},
        )
        return done.stdout.strip()

    # --- the product's repository ------------------------------------------------------------------------

    def commit(self, files: dict[str, str | None], message: str) -> str:
        """A commit of a person on main; None takes a file away."""
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_text(content, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        self.told.append(f"{self.now:%d %H:%M} commit {message}: {', '.join(files)}")
        return self.tip

    def develop(self, file: str = CODE[0], *, works: bool = True) -> str:
        """Another line of code on main; its CI is red where it does not work."""
        self._made += 1
        path = self.path / file
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        commit = self.commit({file: f"{before}line {self._made}\n"}, f"Feature {self._made}")
        if not works:
            self.failing_commits.add(commit)
        return commit

    @property
    def tip(self) -> str:
        return self.git("rev-parse", "HEAD")

    @property
    def version(self) -> str:
        """One that no release had."""
        return f"v1.0.{self._made + 1}"

    def code_commits(self) -> list[str]:
        """First-parent commits of main that touch more than state, newest first: CI runs on these."""
        marked = self.git("log", "--first-parent", "-m", "--name-only", "--format=@%H", "-n", "60")
        touched: dict[str, list[str]] = {}
        for line in marked.splitlines():
            if line.startswith("@"):
                touched.setdefault(line[1:], [])
            elif line:
                touched[next(reversed(touched))].append(line)
        return [
            commit
            for commit, paths in touched.items()
            if any(not path.startswith("state/") and path != FLAGS for path in paths)
        ]

    @property
    def percent(self) -> float:
        """What the flag file says."""
        return float(json.loads(self.git("show", f"HEAD:{FLAGS}"))["percent"])

    def read_state(self, name: str) -> Any:
        """A file of state as the worktree has it; None when it is not there or is no YAML."""
        file = self.path / STATE / name
        try:
            return load_yaml(file.read_bytes(), file=name)
        except Exception:  # noqa: BLE001 - a person broke it
            return None

    def write_state(self, name: str, document: Any, message: str) -> None:
        """A person edits a file of state and commits it."""
        self.commit({f"{STATE}/{name}": None if document is None else dump_yaml(document)}, message)

    # --- the product's processes -------------------------------------------------------------------------

    def print_health(self) -> None:
        """Every surface says how it is now; a silent one has not said anything for an hour."""
        for name, mood in self.moods.items():
            file = self.path / "health" / f"{name}.json"
            self.totals[name]["served"] += 7
            if mood == "counting failures":
                self.totals[name]["failed"] += 1
            if mood == "silent":
                continue
            state = mood if mood in ("degraded", "failing") else "healthy"
            document = {
                "state": state,
                "at": unix_ms(self.now),
                "errors": 9 if mood == "failing" else 0,
                "totals": self.totals[name],
            }
            file.parent.mkdir(exist_ok=True)
            file.write_text("Segmentation fault" if mood == "garbage" else json.dumps(document))
        failed = 0 if self.harness_passes else 1
        overall = {
            "status": "failed" if failed else "passed",
            "total_surfaces": 1,
            "passed_surfaces": 1 - failed,
            "failed_surfaces": failed,
        }
        by_surface = {"surface_status": {"api": {"status": overall["status"]}}}
        for name, more in (("report", by_surface), ("manifest", {})):
            document = {"schema_version": 1, "started_unix_ms": unix_ms(self.now), "overall": overall, **more}
            (self.path / "next").mkdir(exist_ok=True)
            (self.path / "next" / f"{name}.json").write_text(json.dumps(document))

    # --- founding ----------------------------------------------------------------------------------------

    def _found(self) -> None:
        (self.path / "jobs").mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(
            {
                ".gitignore": "health/\nnext/\nout/\njobs/\n",
                "app.txt": "line 0\n",
                "docs/guide.md": "A guide.\n",
                "docs/minutes.md": "Looked at and agreed.\n",
                "validate.sh": "mkdir -p out && cp next/report.json next/manifest.json out/\n",
                FLAGS: '{"percent": 0}\n',
                "apply.sh": "mkdir -p out && echo $1 >> out/applied\n",
            },
            "The product",
        )
        self.git("tag", CURRENT)
        branch = ("--state-branch", "rollout-state") if self.kind.own_branch else ()
        made = self.rollout(
            "init", "--profile", "generic", "--train", TRAIN, "--current-version", CURRENT, *branch
        )
        assert made.code == 0, made
        self.write_state("contract.yaml", contract(self.kind), "Write the contract")
        assert self.rollout("contract", "check").code == 0


def contract(kind: Kind) -> dict[str, Any]:
    """Two surfaces in files, three phases, short soaks."""
    mapping = {
        "health_state": "state",
        "updated_unix_ms": "at",
        "fields": {"errors": "errors"},
        "counters": "totals",
    }
    first_gates: list[dict[str, Any]] = [
        *([{"kind": "ci_checks", "checks": CHECK}] if kind.has_ci else []),
        {"kind": "rollback_target"},
        {"kind": "health_state"},
    ]
    validation: list[dict[str, Any]] = [
        {
            "name": "validation",
            "kind": "validation_failure",
            "harness": kind.has_harness,
            **({"checks": CHECK} if kind.has_ci else {}),
            "actions": ["freeze", "rollback", "block_signoff"],
        }
    ]
    document: dict[str, Any] = {
        "schema": 1,
        "train": TRAIN,
        "surfaces": {
            name: {"adapter": "json", "file": f"health/{name}.json", "map": mapping} for name in SURFACES
        },
        "sampling": {"interval": "10m", "min_interval": "5m", "max_age": "20m", "max_gap": "30m"},
        "phases": [
            {"name": "preflight", "canary_percent": 0, "soak": {"runs": 1}, "gates": first_gates},
            {
                "name": "canary",
                "canary_percent": 10,
                "soak": "20m",
                "gates": [
                    {"kind": "health_state"},
                    {"kind": "threshold", "field": "errors", "max": 0},
                    {"kind": "no_new", "counter": "failed"},
                    {"kind": "no_trigger"},
                ],
            },
            {
                "name": "everyone",
                "canary_percent": 100,
                "soak": "20m",
                "inherit": "canary",
                "gates": [{"kind": "signoff", "before": "complete"}],
            },
        ],
        "triggers": [
            {
                "name": "regression",
                "kind": "health_regression",
                "states": ["degraded", "failing"],
                "checks": 2,
                "actions": ["freeze", "rollback"],
            },
            {
                "name": "errors",
                "kind": "threshold",
                "field": "errors",
                "at_least": 5,
                "actions": ["freeze", "rollback"],
            },
            *(validation if kind.has_harness or kind.has_ci else []),
        ],
        "rollback": {
            "evidence": ["health/*.json"],
            "revert": "push" if kind.pushes else "pull_request",
        },
        "signoff": {
            "items": [
                {
                    "id": "agreed",
                    "section": "General availability",
                    "title": "The owner agrees",
                    "before": "complete",
                    "role": "owner",
                }
            ]
        },
    }
    if kind.has_harness:
        document["harness"] = {
            "command": ["sh", "validate.sh"],
            "report": "out/report.json",
            "manifest": "out/manifest.json",
        }
        first_gates.append({"kind": "harness", "total": 1, "passed": 1, "failed": 0})
    if kind.applies:
        document["apply"] = {"command": ["sh", "apply.sh", "{percent}"]}
    if kind.flags_by:
        where = {"path": FLAGS, "format": "json_pointer", "pointer": "/percent"}
        document["apply"] = {"flag_file": {**where, "via": kind.flags_by}}
    return document
