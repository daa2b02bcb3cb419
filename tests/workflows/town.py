"""A repository on the fake hub with a small product, its contract, and this project's own workflow files."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakehub.entities import Event, Run, Thread, Token
from fakehub.hub import Hub
from fakehub.repo import Repo, person
from rollout.core.workflow_pin import READING_WORKFLOWS
from rollout.files.yaml_text import load_yaml
from tests.adapters.scratch import Repository

ROOT = Path(__file__).parents[2]
CHECK = "Live smoke"
VERSION, OLD_VERSION = "v0.1.5", "v0.1.4"
STATUS = "rollout/tau"
PHASES = ("preflight", "canary-1", "canary-2", "canary-3", "general-availability")
STEADY = ["reconcile"]
"""The jobs of a run that decides."""
COLLECTED = ["product", "report"]
"""Those of a run that reads on one runner."""
MEASURED = ["metrics", "report"]
"""Those of a run that asks metrics servers."""

CONTRACT = """\
schema: 1
train: tau
surfaces:
  voice:
    adapter: json
    command: [sh, probe.sh, voice]
    map: {health_state: state, updated_unix_ms: at}
  memory:
    adapter: json
    command: [sh, probe.sh, memory]
    map: {health_state: state, updated_unix_ms: at}
harness:
  command: [sh, probe.sh, harness]
  report: .tau/report.json
  manifest: .tau/manifest.json
sampling: {interval: 10m, min_interval: 5m, max_age: 20m, max_gap: 30m}
phases:
  - name: preflight
    canary_percent: 0
    soak: {runs: 1}
    gates:
      - {kind: harness, total: 1, passed: 1, failed: 0}
      - {kind: ci_checks, checks: "Live smoke", at_least: 1}
      - {kind: rollback_target}
  - name: canary-1
    canary_percent: 5
    soak: {runs: 1}
    gates: [{kind: health_state, is: healthy}]
  - {name: canary-2, canary_percent: 25, soak: {runs: 1}, inherit: canary-1}
  - {name: canary-3, canary_percent: 50, soak: {runs: 1}, inherit: canary-1}
  - {name: general-availability, canary_percent: 100, soak: {runs: 1}, inherit: canary-1}
triggers:
  - {name: failing, kind: health_regression, states: [failing], checks: 2, actions: [freeze, rollback]}
"""

PROBE = """\
# The product: prints how a surface is, as the test wants it, and leaves a report of its harness.
set -eu
split() { IFS=-T:Z; set -- $1; IFS=' '; echo "$1 ${2#0} ${3#0} ${4#0} ${5#0} ${6#0}"; }
set -- "$1" $(split "$ROLLOUT_NOW")
# Days since 1970, of years that begin in March.
year=$(($2 - ($3 < 3))) month=$((($3 + 9) % 12))
days=$((365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + $4 - 719469))
at=$(((((days * 24 + $5) * 60 + $6) * 60 + $7) * 1000))
case $1 in voice | harness)
    mkdir -p .tau
    run='"schema_version": 1, "overall": {"status": "passed", "total_surfaces": 1, "passed_surfaces": 1, '
    run="$run"'"failed_surfaces": 0}'
    echo "{$run, \\"surface_status\\": {\\"voice\\": {\\"status\\": \\"passed\\"}}}" >.tau/report.json
    echo "{$run, \\"started_unix_ms\\": $at}" >.tau/manifest.json ;;
esac
felt='"state": "healthy"'
if [ -f "$TOWN_HEALTH/$1" ]; then read -r felt <"$TOWN_HEALTH/$1"; fi
printf '%s\\n' "{$felt, \\"at\\": $at}"
leaked=$(export -p | while IFS== read -r name _; do
    case $name in *TOKEN* | *" GITHUB_"*) echo "$name" ;; esac
done)
if [ -n "$leaked" ]; then echo "the product sees $leaked" >&2; exit 1; fi
"""


@dataclass
class Town:
    """The hub with one train on it, and everybody who works on a release."""

    hub: Hub
    repo: Repo
    release: str
    alice: Token
    health: Path
    """A file for each surface that is not just healthy."""
    branch: str = "main"
    """The state branch."""
    train: str = "tau"

    # --- what happens ------------------------------------------------------------------------------------

    def start(self, **inputs: str) -> Run:
        given = {"version": VERSION, "commit": self.release, **inputs}
        return self.hub.dispatch(self.repo, "rollout-start.yml", given, by="alice")

    def tick(self, minutes: int = 10) -> Run:
        """Time goes by, the schedule runs, and what it asks for is read; the run that decided last."""
        self.hub.clock.forward(minutes=minutes)
        run = self.hub.tick_schedule(self.repo, "rollout-schedule.yml")
        return ([run] + [one for one in self.read() if "reconcile" in one.workflow])[-1]

    def read(self) -> list[Run]:
        """The runs that read what was asked for, and those that fold it in; other events wait."""
        runs: list[Run] = []
        while readings := [event for event in self.hub.outbox if _is_of_a_reading(event)]:
            for event in readings:
                self.hub.outbox.remove(event)
                runs += self.hub.engine.deliver(event)
        return runs

    def settle(self) -> dict[str, list[Run]]:
        """Workflow -> the runs that events led to."""
        runs: dict[str, list[Run]] = {}
        for run in self.hub.settle():
            runs.setdefault(Path(run.workflow).stem, []).append(run)
        return runs

    def merge(self, by: Token | None = None, minutes: int = 10) -> None:
        """A person reviews for a while and presses the button."""
        self.hub.clock.forward(minutes=minutes)
        self.repo.merge(by or self.alice, self.open_pull().number)

    def edit(self, changes: Mapping[str, str], branch: str, *, by: Token | None = None) -> None:
        """Somebody replaces words in rollout.yaml on a branch."""
        path, head = f"state/{self.train}/rollout.yaml", self.head(branch)
        text = self.repo.bare.text(f"{branch}:{path}") + "\n"
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        self.repo.commit_on_branch(by or self.alice, branch, head, "by hand", [(path, text.encode())], [])

    def merge_base_into(self, branch: str) -> None:
        """The button "Update branch" of a pull request."""
        bare, head, base = self.repo.bare, self.head(branch), self.head()
        tree = bare.merged_tree(head, base)
        assert tree is not None
        message = f"Merge branch '{self.branch}' into {branch}"
        merge = bare.write_commit(tree, [head, base], message, person(self.alice), self.hub.clock.now())
        self.repo.move(self.alice, f"refs/heads/{branch}", merge)

    def feel(self, **states: str | Mapping[str, object]) -> None:
        """From now on surfaces are so, or print this."""
        shutil.rmtree(self.health, ignore_errors=True)
        self.health.mkdir(parents=True)
        for surface, felt in states.items():
            whole = {"state": "healthy", **({"state": felt} if isinstance(felt, str) else felt)}
            (self.health / surface).write_text(f"{json.dumps(whole)[1:-1]}\n", encoding="utf-8")

    # --- looking -----------------------------------------------------------------------------------------

    def head(self, branch: str = "") -> str:
        return self.repo.bare.id_of(branch or self.branch)

    def state(self, name: str = "rollout") -> Any:
        text = self.repo.bare.text(f"{self.branch}:state/{self.train}/{name}.yaml")
        return load_yaml(text.encode(), file=name)

    @property
    def phase(self) -> str:
        return str(self.state()["phase"])

    def events(self) -> list[str]:
        """What each commit of the state branch records, oldest first; empty for those of people."""
        form = "--format=%(trailers:key=Rollout-Event,valueonly,separator=%x2C)"
        return self.repo.bare.git("log", "--first-parent", "--reverse", form, self.branch).splitlines()

    def committer(self) -> str:
        """Whose token made the newest commit of the state branch."""
        return self.repo.bare.git("log", "-1", "--format=%an", self.branch)

    def open_pull(self) -> Thread:
        (pull,) = (thread for thread in self.repo.pulls() if thread.state == "open")
        return pull

    def status(self, sha: str) -> str | None:
        """The newest state of the tool's status on a commit."""
        found = [
            one.state
            for one in self.repo.statuses
            if (one.sha, one.context) == (sha, f"rollout/{self.train}")
        ]
        return found[-1] if found else None

    def world(self) -> object:
        """Everything that a run could change."""
        pulls = [(t.number, t.state, t.body, t.labels, len(t.comments)) for t in self.repo.pulls()]
        return self.repo.bare.refs("refs/heads/"), pulls, len(self.repo.statuses)


def _is_of_a_reading(event: Event) -> bool:
    reads = event.workflow.endswith(READING_WORKFLOWS)
    return reads or bool(event.payload.get("inputs", {}).get("run"))


def keys(run: Run) -> list[str]:
    """The jobs that ran, by their keys, sorted; fails the test when one of them failed."""
    assert run.conclusion in ("success", "skipped"), "\n".join(
        [job.log for job in run.jobs if job.conclusion == "failure"] or [str(run)]
    )
    return sorted(job.key for job in run.jobs if job.conclusion != "skipped")


def build(
    hub: Hub,
    folder: Path,
    *,
    app: bool,
    contract: str = CONTRACT,
    branch: str = "main",
    product: str = "",
) -> Town:
    """`contract` is the train's; CI of the release commit is green.

    State lives on `branch`, with nothing of it on main when that is another one; the product in the
    repository `product`, on its branch `trunk`, when one is named.
    """
    seed, source, release = _seeds(contract, branch, is_apart=bool(product))
    repo = hub.repo("acme/tau", seed=seed)
    home = hub.repo(product, seed=source, branch="trunk") if product else repo
    home.add_check(release, CHECK, "success")
    town = Town(hub, repo, release, hub.person("alice", repo), folder / "health", branch)
    town.feel()
    hub.engine.env["TOWN_HEALTH"] = str(town.health)
    if branch != "main":
        hub.engine.variables["ROLLOUT_STATE_BRANCH"] = branch
    if app:
        install_app(town, *([home] if product else []))
    return town


@functools.cache
def _seeds(contract: str, branch: str, *, is_apart: bool) -> tuple[Path, Path, str]:
    """Returns the repositories of state and product, and the release's commit; each is only read from here.

    Like this test process itself they are made once: every town begins with one.
    """
    folder = tempfile.TemporaryDirectory(prefix="seeds-")
    atexit.register(folder.cleanup)
    seed = source = _seed(Path(folder.name) / "seed", contract, branch)
    if is_apart:
        source = Repository(Path(folder.name) / "product", {"probe.sh": PROBE, ".gitignore": ".tau/\n"})
        source.git("branch", "--move", "trunk")
    return seed.path, source.path, source.commit({"src.txt": "new\n"}, f"Release {VERSION}")


def _seed(folder: Path, contract: str, branch: str) -> Repository:
    """A repository with the tool's workflows, a product, and an idle train on the branch."""
    seed = Repository(folder, {"probe.sh": PROBE, ".gitignore": ".tau/\n", "requirements.lock": "\n"})
    for part in ("workflows", "actions"):
        shutil.copytree(ROOT / ".github" / part, seed.path / ".github" / part)
    (seed.path / ".github/workflows/ci.yml").unlink()
    seed.commit({}, "Install rollout")
    if branch != "main":
        seed.git("switch", "--quiet", "--create", branch)
    idle = "schema: 1\ntrain: tau\nphase: null\ncanary_percent: 0\nfrozen: null\noutcome: idle\n"
    channel = f"schema: 1\ntrain: tau\nchannel: stable\ncurrent_version: {OLD_VERSION}\n"
    files = {"contract": contract, "rollout": idle, "channel": channel}
    seed.commit({f"state/tau/{file}.yaml": text for file, text in files.items()}, "Begin a train")
    seed.git("switch", "--quiet", "main")
    return seed


def install_app(town: Town, *more: Repo) -> None:
    """Hands the App's number and key to the repository, as its admin does."""
    engine = town.hub.engine
    engine.app = town.hub.app_token(town.repo, *more)
    engine.variables["ROLLOUT_APP_CLIENT_ID"] = "Iv23liExample"
    engine.secrets["ROLLOUT_APP_PRIVATE_KEY"] = "a key"
