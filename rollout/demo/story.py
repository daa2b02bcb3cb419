"""The demo's story: v0.1.5 reaches everybody, v0.1.6 degrades at 25 % and is rolled back."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollout.adapters.resources import profile_text
from rollout.commands.collect import collect
from rollout.commands.init import InitOptions, init
from rollout.commands.perform import perform
from rollout.commands.reconcile.report import Report
from rollout.commands.reopen import reopen
from rollout.commands.start import StartOptions, start
from rollout.commands.verify import verify
from rollout.core.forge import PullRequest, PullRequestState
from rollout.core.observation import Evidence
from rollout.core.signoff.window import key_of
from rollout.core.state import Event, Outcome, Status, TrainState, Verdict
from rollout.core.values import format_instant
from rollout.demo.product import SURFACES, TOOLS, StandIn
from rollout.demo.rollback import asked_for, beats, landed
from rollout.demo.telling import CI, JOBS, Narrator, Say
from rollout.errors import OutsideError, RefusedError
from rollout.files.yaml_text import dump_yaml
from rollout.rendering.gates import progress
from rollout.rendering.inert import line
from rollout.rendering.terminal import status_view, verify_view
from rollout.wiring import Workspace

TRAIN = "tau"
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TICK = timedelta(minutes=10)
SLOW_TICK = timedelta(hours=2)
"""At 100 % the contract allows gaps of two hours."""
CHECKS = [f"Live smoke ({name})" for name in ("voice", "browser", "dashboard", "custom-command", "memory")]
OWNER, REVIEWER, APPROVER = "Olga Owner", "Ada Reviewer", "Grace Approver"
SIGNATURES = {
    "canary-3": {
        "trigger-matrix-reviewed": (REVIEWER, "docs/trigger-review.md"),
        "rollback-rehearsed": (OWNER, "docs/rehearsal.md"),
    },
    "general-availability": {"final-approval": (APPROVER, "docs/approval.md")},
}
"""Phase -> what people sign in it -> who, with what evidence."""


class DemoClock:
    """Simulated time: it moves when the story says so."""

    def __init__(self) -> None:
        self.moment = BEGIN

    def now(self) -> datetime:
        return self.moment


def tell(output: Path | None, say: Say, columns: int) -> Path:
    """Plays the story in `output`, a new temporary folder when None, and returns where that is.

    Raises RefusedError when it is not an empty folder.
    """
    story = Story(_folder(output), Narrator(say, columns))
    story.set_up()
    story.release("v0.1.5")
    story.release("v0.1.6", degrades="memory", at_phase="canary-2")
    story.look_back(columns)
    return story.root


def _folder(output: Path | None) -> Path:
    if output is None:
        return Path(tempfile.mkdtemp(prefix="rollout-demo-"))
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise RefusedError(f"{output} is not an empty folder", hint="name a folder that is not there yet")
    output.mkdir(parents=True, exist_ok=True)
    return output.resolve()


class Story:
    def __init__(self, root: Path, telling: Narrator) -> None:
        self.root = root
        self.clock = DemoClock()
        self.product = StandIn(root)
        self.space = Workspace(root, clock=self.clock, environment=self.product.environment())
        self._telling = telling

    # --- the stage ----------------------------------------------------------------------------------------

    def set_up(self) -> None:
        self._telling.heading("a product with five surfaces, and its release contract")
        self._git("init", "--quiet", "--initial-branch", "main")
        for setting in (f"user.name {OWNER}", "user.email owner@example.com", "commit.gpgsign false"):
            self._git("config", *setting.split(" ", 1))
        self.product.install()
        self._write(".gitignore", ".tau/\n")
        for _, evidence in (signature for items in SIGNATURES.values() for signature in items.values()):
            self._write(evidence, "Looked at and agreed.\n")
        wishes = InitOptions(train=TRAIN, channel="stable", current_version="v0.1.4")
        init(self.space.worktree, profile_text(TRAIN), dump_yaml, wishes)
        self._commit_all("Add the product and its rollout contract")
        self._telling.text(f"in {self.root}")
        self._tell(OWNER, "commits the contract; v0.1.4 is what users run")

    # --- a release ----------------------------------------------------------------------------------------

    def release(self, version: str, *, degrades: str = "", at_phase: str = "") -> None:
        end = f"{degrades} degrades in {at_phase}" if degrades else "healthy from 0 to 100 %"
        self._telling.heading(f"{version}: {end}")
        self._write("product.txt", f"{version}\n")
        commit = self._commit_all(f"Release {version}")
        state = start(
            self.space.store, self.space.history, self.clock, TRAIN, StartOptions(version, commit)
        ).state
        self._tell(OWNER, f"starts {version}, commit {commit[:10]}")
        self._ci(commit)
        while state.rollout.outcome is Outcome.IN_PROGRESS:
            is_bad = state.rollout.phase == at_phase and _soaked(state) >= timedelta(minutes=20)
            failing = {degrades} if is_bad or degrades in self._failing() else set()
            state = self._tick(state, frozenset(failing))
        self._roll_back(state)

    def _roll_back(self, state: TrainState) -> None:
        """Plays a frozen rollout to its end, with the revert merged at once; the train is free afterwards."""
        checked: set[str] = set()
        while state.rollout.outcome is Outcome.ROLLING_BACK:
            revision = landed(state)
            if revision is not None and revision not in checked:
                self._ci(revision)
                checked.add(revision)
            state = self._tick(state, frozenset())
        if state.rollout.outcome is Outcome.ROLLED_BACK:
            reopen(self.space.store, self.clock, TRAIN, "the leak is understood; v0.1.7 fixes it")
            self._tell(OWNER, "reopens the train: the leak is understood; v0.1.7 fixes it")

    def _ci(self, commit: str) -> None:
        for check in [*CHECKS, "Live smoke gate"]:
            self.space.local_forge.record_check(commit, check, "success", at=self.clock.now())
        self._tell(CI, f"reports {len(CHECKS) + 1} checks green of {commit[:10]}")

    def _failing(self) -> set[str]:
        return {surface for surface in SURFACES if self.product.streaks[surface]}

    def _tick(self, state: TrainState, failing: frozenset[str]) -> TrainState:
        is_last = state.contract.next_phase(state.rollout.phase or "") is None
        self.clock.moment += SLOW_TICK if is_last else TICK
        self.product.cycle(self.clock.now(), failing)
        report = self._reconcile([*self._perform(state), self._collect(state)])
        if self._sign(report.state):
            report = self._reconcile([])
        if self._merge():
            report = self._reconcile([])
        return report.state

    # --- what jobs do -------------------------------------------------------------------------------------

    def _perform(self, state: TrainState) -> list[Evidence]:
        product = self.space.product(None, self.space.git.common_dir / "evidence")
        results = perform(
            state.contract, state.rollout, state.status, product, self.clock, _quiet, copies=True
        )
        if results is None:
            return []
        for work in asked_for(state):
            self._tell(JOBS, work)
        return [results]

    def _collect(self, state: TrainState) -> Evidence:
        return collect(
            state.contract,
            state.contract_digest,
            state.rollout,
            state.status,
            self.space.product(None),
            self.clock,
            surfaces=None,
            round_id=None,
            workers=4,
            progress=_quiet,
        )

    def _reconcile(self, evidence: list[Evidence]) -> Report:
        self.space.train(TRAIN)
        report = self.space.reconciler().run(TRAIN, evidence)
        self._report(report)
        return report

    def _report(self, report: Report) -> None:
        rollout, status = report.state.rollout, report.state.status
        assert status is not None
        events = {taken.step.event for taken in report.steps}
        where = f"{rollout.phase} {rollout.canary_percent} %"
        decision = status.decision
        soak = progress(report.state.contract.phase(status.phase), status).share
        if rollout.outcome is Outcome.COMPLETE:
            self._tell(JOBS, f"{where}: complete, users run {status.release} now")
        elif rollout.outcome is not Outcome.IN_PROGRESS:
            for beat in beats(report):
                self._tell(JOBS, beat)
        elif decision.verdict is Verdict.PROMOTE:
            self._tell(JOBS, f"{where}: every gate holds; open #{self._open_pull().number} to {decision.to}")
        elif Event.ENTER in events:
            self._tell(JOBS, f"enter {where}")
        elif _only_waits(status):
            self._telling.wait(self.clock.now(), where, soak)
        elif decision.reasons[0].startswith("signoff."):
            self._tell(JOBS, f"{where}: soak {soak}; signatures are missing")
        else:
            self._tell(JOBS, f"{where}: hold; {decision.reasons[0]}")

    # --- what people do -----------------------------------------------------------------------------------

    def _sign(self, state: TrainState) -> bool:
        """Signs for people once only their signatures are missing."""
        status, signoff = state.status, state.signoff
        if (
            status is None
            or status.decision.verdict is not Verdict.HOLD
            or _only_waits(status)
            or self._failing()
        ):
            return False
        signed = signoff.items if signoff else {}
        wanted = {item: how for item, how in SIGNATURES.get(status.phase, {}).items() if item not in signed}
        issue = self.space.local_issues.find_open(key_of(state.rollout)) if wanted else None
        for item, (who, evidence) in wanted.items():
            assert issue is not None, "reconcile has opened it"
            said = f"/signoff {item} {evidence}"
            self.space.local_issues.comment(issue.number, who, said, at=self.clock.now())
            self._tell(who, f"comments on #{issue.number}: {said}")
        return bool(wanted)

    def _merge(self) -> bool:
        pulls = self._open_pulls()
        for pull in pulls:
            self.space.local_forge.merge(pull.number, at=self.clock.now(), merged_by=REVIEWER)
            self._tell(REVIEWER, f"merges #{pull.number}")
        return bool(pulls)

    def _open_pulls(self) -> list[PullRequest]:
        return [pull for pull in self.space.forge.pull_requests("") if pull.state is PullRequestState.OPEN]

    def _open_pull(self) -> PullRequest:
        return self._open_pulls()[0]

    # --- looking back -------------------------------------------------------------------------------------

    def look_back(self, columns: int) -> None:
        store = self.space.store
        checked = verify(store, TRAIN, None)
        state = store.load(TRAIN, store.head())
        say = self._telling
        say.heading("the decisions, newest first: git log --oneline --first-parent state/tau/rollout.yaml")
        decisions = self._git("log", "--oneline", "--first-parent", f"state/{TRAIN}/rollout.yaml")
        say.text("\n".join(line(decision, columns) for decision in decisions.splitlines()))
        say.heading("every state commit recomputed from the one before: rollout verify")
        say.text(verify_view(checked.commits, checked.problems, columns=columns))
        say.heading("where it stands: rollout status")
        say.text(status_view(state, now=self.clock.now(), pull_request=None, columns=columns))
        say.heading("look around")
        say.text(
            _LOOK_AROUND.format(
                root=shlex.quote(str(self.root)), path=_path(), now=format_instant(self.clock.now())
            )
        )
        say.heading("do the same by hand, in a repository of your own")
        say.text(_BY_HAND)

    def _tell(self, who: str, what: str) -> None:
        self._telling.line(self.clock.now(), who, what)

    # --- plumbing -----------------------------------------------------------------------------------------

    def _write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def _commit_all(self, message: str) -> str:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--no-verify", "--message", message)
        return self._git("rev-parse", "HEAD")

    def _git(self, *arguments: str) -> str:
        moment = format_instant(self.clock.now())
        environment = {**self.product.environment(), "GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
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


def _soaked(state: TrainState) -> timedelta:
    return timedelta(seconds=state.status.soak.earned_seconds if state.status else 0)


def _only_waits(status: Status) -> bool:
    return status.decision.reasons[0].startswith("soak: ")


def _quiet(_line: str) -> None:
    """Reports no progress: the demo tells its own story."""


def _path() -> str:
    """Returns what goes before PATH, so that the commands below find the stand-in and this very rollout."""
    program = Path(sys.executable).parent / "rollout"
    is_there_already = shutil.which("rollout") == str(program)
    return f'"$PWD/{TOOLS}"' + ("" if is_there_already else f":{shlex.quote(str(program.parent))}")


_LOOK_AROUND = """cd {root}
export PATH={path}:"$PATH"
rollout status --now {now}
rollout history --release v0.1.6
rollout local show 7
rollout local issues
rollout quarantine list
rollout signoff check
rollout local issues show 1
cat state/tau/incidents/*.yaml"""

_BY_HAND = """cd "$(mktemp -d)" && git init --quiet --initial-branch main
git config user.name Ada && git config user.email ada@example.com
printf 'health.json\\nworker-health.json\\n' > .gitignore
rollout init --current-version v1.0.0
git add . && git commit --quiet --message "Add the rollout contract" && git tag v1.0.0
echo 1.1 > version && git add . && git commit --quiet --message "Release v1.1.0"
rollout start v1.1.0
echo '{"status": "ok", "errors": 0, "requests": {}}' > health.json
echo '{"health_state": "healthy", "queue_depth": 0, "updated_unix_ms": '$(date +%s)000'}' > worker-health.json
rollout tick
rollout local merge 1
rollout tick"""
