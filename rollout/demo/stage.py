"""What every story of the demo plays on: a repository of its own, jobs that reconcile, and a reviewer."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rollout.commands.init import InitOptions, init
from rollout.commands.reconcile.report import Report
from rollout.commands.verify import verify
from rollout.core.forge import PullRequest, PullRequestState
from rollout.core.observation import Evidence
from rollout.core.state import Event, Outcome, Status, Verdict
from rollout.core.values import format_instant
from rollout.demo.rollback import beats
from rollout.demo.telling import JOBS, Narrator
from rollout.errors import OutsideError, RefusedError
from rollout.files.yaml_text import dump_yaml
from rollout.ports import Clock
from rollout.rendering.gates import progress
from rollout.rendering.inert import line
from rollout.rendering.terminal import status_view, verify_view
from rollout.wiring import Workspace

OWNER, REVIEWER = "Olga Owner", "Ada Reviewer"


def folder_for(output: Path | None) -> Path:
    """Returns the folder, a new temporary one for None. Raises RefusedError when it is not an empty one."""
    if output is None:
        return Path(tempfile.mkdtemp(prefix="rollout-demo-"))
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise RefusedError(f"{output} is not an empty folder", hint="name a folder that is not there yet")
    output.mkdir(parents=True, exist_ok=True)
    return output.resolve()


class Stage:
    """A repository with one train in it, and what its jobs and its reviewer do, told as it happens."""

    def __init__(
        self, root: Path, train: str, clock: Clock, environment: Mapping[str, str], telling: Narrator
    ) -> None:
        """`environment` is what git and the contract's commands inherit."""
        self.root = root
        self.train = train
        self.clock = clock
        self.space = Workspace(root, clock=clock, environment=environment)
        self.telling = telling
        self._environment = environment

    def begin(self) -> None:
        """Makes the repository, in which the owner commits."""
        self.git("init", "--quiet", "--initial-branch", "main")
        for setting in (f"user.name {OWNER}", "user.email owner@example.com", "commit.gpgsign false"):
            self.git("config", *setting.split(" ", 1))

    def add_train(self, contract: str, current_version: str) -> None:
        """Writes the contract, given as text, and the train's first state; nothing is committed."""
        wishes = InitOptions(train=self.train, channel="stable", current_version=current_version)
        init(self.space.worktree, contract, dump_yaml, wishes)

    # --- what jobs do -------------------------------------------------------------------------------------

    def reconcile(self, evidence: list[Evidence]) -> Report:
        report = self.run(evidence)
        self.report(report)
        return report

    def run(self, evidence: list[Evidence]) -> Report:
        """Reconciles, and tells nothing of it."""
        self.space.train(self.train)
        return self.space.reconciler().run(self.train, evidence)

    def report(self, report: Report) -> None:
        """Tells what a reconcile did."""
        rollout, status = report.state.rollout, report.state.status
        assert status is not None
        events = {taken.step.event for taken in report.steps}
        where = f"{rollout.phase} {rollout.canary_percent} %"
        decision = status.decision
        soak = progress(report.state.contract.phase(status.phase), status).share
        if rollout.outcome is Outcome.COMPLETE:
            self.tell(JOBS, f"{where}: complete, users run {status.release} now")
        elif rollout.outcome is not Outcome.IN_PROGRESS:
            for beat in beats(report):
                self.tell(JOBS, beat)
        elif decision.verdict is Verdict.PROMOTE:
            pull = self.open_pulls()[0]
            self.tell(JOBS, f"{where}: every gate holds; open #{pull.number} to {decision.to}")
        elif Event.ENTER in events:
            self.tell(JOBS, f"enter {where}")
        elif only_waits(status):
            self.telling.wait(
                self.clock.now(), where, lambda checks: f"{where}: healthy at {checks}, soak {soak}"
            )
        elif decision.reasons[0].startswith("signoff."):
            self.tell(JOBS, f"{where}: soak {soak}; signatures are missing")
        else:
            reason = decision.reasons[0]
            topic = f"{where} {reason.partition(': ')[0]}"
            self.telling.wait(self.clock.now(), topic, lambda _: f"{where}: hold; {reason}")

    # --- what people do -----------------------------------------------------------------------------------

    def merge(self) -> bool:
        """Lets the reviewer merge what is open; returns whether anything was."""
        pulls = self.open_pulls()
        for pull in pulls:
            self.space.local_forge.merge(pull.number, at=self.clock.now(), merged_by=REVIEWER)
            self.tell(REVIEWER, f"merges #{pull.number}")
        return bool(pulls)

    def open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.space.forge.pull_requests("") if pull.state is PullRequestState.OPEN]

    # --- looking back -------------------------------------------------------------------------------------

    def look_back(self, columns: int) -> None:
        """Shows the decisions, their verification and where the train stands."""
        store, say = self.space.store, self.telling
        checked = verify(store, self.train, None)
        state = store.load(self.train, store.head())
        path = f"state/{self.train}/rollout.yaml"
        say.heading(f"the decisions, newest first: git log --oneline --first-parent {path}")
        decisions = self.git("log", "--oneline", "--first-parent", path)
        say.text("\n".join(line(decision, columns) for decision in decisions.splitlines()))
        say.heading("every state commit recomputed from the one before: rollout verify")
        say.text(verify_view(checked.commits, checked.problems, columns=columns))
        say.heading("where it stands: rollout status")
        say.text(status_view(state, now=self.clock.now(), pull_request=None, columns=columns))

    def tell(self, who: str, what: str) -> None:
        self.telling.line(self.clock.now(), who, what)

    # --- plumbing -----------------------------------------------------------------------------------------

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def commit_all(self, message: str) -> str:
        """Commits what is there, as the owner; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "--message", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        moment = format_instant(self.clock.now())
        environment = {**self._environment, "GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        done = subprocess.run(  # noqa: S603 -- fixed arguments
            ["git", *arguments],  # noqa: S607
            cwd=self.root,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            why = line((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1], 300)
            hint = "is the disk full, or does a setting of git forbid it? Fix that and start the demo again"
            raise OutsideError(f"git {arguments[0]} failed: {why}", hint=hint)
        return done.stdout.strip()


def only_waits(status: Status) -> bool:
    """Returns whether nothing but the soak is missing."""
    return status.decision.reasons[0].startswith("soak: ")


def quiet(_line: str) -> None:
    """Reports no progress: the demo tells its own story."""
