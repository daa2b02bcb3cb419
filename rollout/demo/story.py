"""The demo's story: v0.1.5 reaches everybody, v0.1.6 degrades at 25 % and is rolled back."""

from __future__ import annotations

import shlex
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollout.adapters.resources import profile_text
from rollout.commands.collect import collect
from rollout.commands.perform import perform
from rollout.commands.reopen import reopen
from rollout.commands.start import StartOptions, start
from rollout.core.observation import Evidence
from rollout.core.signoff.window import key_of
from rollout.core.state import Outcome, TrainState, Verdict
from rollout.core.values import format_instant
from rollout.demo.product import SURFACES, TOOLS, StandIn
from rollout.demo.rollback import asked_for, landed
from rollout.demo.stage import OWNER, REVIEWER, Stage, folder_for, only_waits, quiet
from rollout.demo.telling import CI, JOBS, Narrator, Say

TRAIN = "tau"
BEGIN = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TICK = timedelta(minutes=10)
SLOW_TICK = timedelta(hours=2)
"""At 100 % the contract allows gaps of two hours."""
CHECKS = [f"Live smoke ({name})" for name in ("voice", "browser", "dashboard", "custom-command", "memory")]
APPROVER = "Grace Approver"
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
    story = Story(folder_for(output), Narrator(say, columns))
    story.set_up()
    story.release("v0.1.5")
    story.release("v0.1.6", degrades="memory", at_phase="canary-2")
    story.look_back(columns)
    return story.stage.root


class Story:
    def __init__(self, root: Path, telling: Narrator) -> None:
        self.clock = DemoClock()
        self.product = StandIn(root)
        self.stage = Stage(root, TRAIN, self.clock, self.product.environment(), telling)
        self.space = self.stage.space

    # --- the stage ----------------------------------------------------------------------------------------

    def set_up(self) -> None:
        stage = self.stage
        stage.telling.heading("a product with five surfaces, and its release contract")
        stage.begin()
        self.product.install()
        stage.write(".gitignore", ".tau/\n")
        for _, evidence in (signature for items in SIGNATURES.values() for signature in items.values()):
            stage.write(evidence, "Looked at and agreed.\n")
        stage.add_train(profile_text(TRAIN), "v0.1.4")
        stage.commit_all("Add the product and its rollout contract")
        stage.telling.text(f"in {stage.root}")
        stage.tell(OWNER, "commits the contract; v0.1.4 is what users run")

    # --- a release ----------------------------------------------------------------------------------------

    def release(self, version: str, *, degrades: str = "", at_phase: str = "") -> None:
        end = f"{degrades} degrades in {at_phase}" if degrades else "healthy from 0 to 100 %"
        self.stage.telling.heading(f"{version}: {end}")
        self.stage.write("product.txt", f"{version}\n")
        commit = self.stage.commit_all(f"Release {version}")
        state = start(
            self.space.store, self.space.history, self.clock, TRAIN, StartOptions(version, commit)
        ).state
        self.stage.tell(OWNER, f"starts {version}, commit {commit[:10]}")
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
            self.stage.tell(OWNER, "reopens the train: the leak is understood; v0.1.7 fixes it")

    def _ci(self, commit: str) -> None:
        for check in [*CHECKS, "Live smoke gate"]:
            self.space.local_forge.record_check(commit, check, "success", at=self.clock.now())
        self.stage.tell(CI, f"reports {len(CHECKS) + 1} checks green of {commit[:10]}")

    def _failing(self) -> set[str]:
        return {surface for surface in SURFACES if self.product.streaks[surface]}

    def _tick(self, state: TrainState, failing: frozenset[str]) -> TrainState:
        is_last = state.contract.next_phase(state.rollout.phase or "") is None
        self.clock.moment += SLOW_TICK if is_last else TICK
        self.product.cycle(self.clock.now(), failing)
        report = self.stage.reconcile([*self._perform(state), self._collect(state)])
        if self._sign(report.state):
            report = self.stage.reconcile([])
        if self.stage.merge():
            report = self.stage.reconcile([])
        return report.state

    # --- what jobs do -------------------------------------------------------------------------------------

    def _perform(self, state: TrainState) -> list[Evidence]:
        product = self.space.product(None, self.space.git.common_dir / "evidence")
        results = perform(
            state.contract, state.rollout, state.status, product, self.clock, quiet, copies=True
        )
        if results is None:
            return []
        for work in asked_for(state):
            self.stage.tell(JOBS, work)
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
            progress=quiet,
        )

    # --- what people do -----------------------------------------------------------------------------------

    def _sign(self, state: TrainState) -> bool:
        """Signs for people once only their signatures are missing."""
        status, signoff = state.status, state.signoff
        if (
            status is None
            or status.decision.verdict is not Verdict.HOLD
            or only_waits(status)
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
            self.stage.tell(who, f"comments on #{issue.number}: {said}")
        return bool(wanted)

    # --- looking back -------------------------------------------------------------------------------------

    def look_back(self, columns: int) -> None:
        self.stage.look_back(columns)
        say, root = self.stage.telling, shlex.quote(str(self.stage.root))
        say.heading("look around")
        say.text(_LOOK_AROUND.format(root=root, path=_path(), now=format_instant(self.clock.now())))
        say.heading("do the same by hand, in a repository of your own")
        say.text(_BY_HAND)


def _soaked(state: TrainState) -> timedelta:
    return timedelta(seconds=state.status.soak.earned_seconds if state.status else 0)


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
