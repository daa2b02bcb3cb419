"""The story: v1.4.0 goes from 0.1 % to everybody, v1.5.0 burns its error budget and is rolled back."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from rollout.adapters.clock import SystemClock
from rollout.adapters.resources import profile_text
from rollout.commands.collect import collect
from rollout.commands.reopen import reopen
from rollout.commands.start import StartOptions, start
from rollout.core.contract import FlagFile
from rollout.core.observation import Evidence, Observation
from rollout.core.state import Outcome, Status, TrainState, Verdict, Work
from rollout.demo.rollback import landed
from rollout.demo.service.exporter import serving
from rollout.demo.service.prometheus import prometheus
from rollout.demo.service.traffic import REQUESTS_PER_SECOND, Build, Traffic
from rollout.demo.stage import OWNER, Stage, folder_for, quiet
from rollout.demo.telling import CI, JOBS, Narrator, Say
from rollout.errors import InputError, OutsideError
from rollout.files.flag_text import number_in

TRAIN = "service"
FLAGS = "flags.json"
FLAG = FlagFile(path=FLAGS, format="json_pointer", pointer="/service/percent")
CHECK = "test"
PROMETHEUS = "Prometheus"
FIGURES = {"errors": "errors", "ratio.latency_p95": "p95"}
"""Gates whose figures the story shows, and what it calls them."""
BUILDS = {
    "v1.3.0": Build(errors=0.0005),
    "v1.4.0": Build(errors=0.0004),
    "v1.5.0": Build(errors=0.04),
}
SECONDS_BETWEEN_TICKS = 2
PATIENCE = 60
"""Ticks in one phase, after which the demo gives up: something on this machine is too slow."""

_QUICK = (
    ("interval: 10m", "interval: 4s"),
    ("min_interval: 5m", "min_interval: 1s"),
    ("max_age: 20m", "max_age: 20s"),
    ("max_gap: 30m", "max_gap: 30s"),
    ("soak: 30m", "soak: 4s"),
    ("soak: 1h", "soak: 4s"),
    ("soak: 2h", "soak: 4s"),
    ("soak: 24h", "soak: 4s"),
    ("# - {kind: ci_checks,", "- {kind: ci_checks,"),
    ("{long: 1h, short: 5m, factor: 14.4}", "{long: 10s, short: 4s, factor: 14.4}"),
    ("https://prometheus.example.com", "{url}"),
)
"""How the profile is changed, so that a day lasts seconds."""


def tell(output: Path | None, say: Say, columns: int) -> Path:
    """Plays the story in `output`, a new temporary folder when None, and returns where that is.

    Takes about a minute and a half, by this machine's clock. Raises RefusedError when it is not an empty
    folder, InputError where Prometheus is not installed, OutsideError where it does not answer in time.
    """
    root, clock, traffic = folder_for(output), SystemClock(), Traffic(BUILDS, stable="v1.3.0")
    with serving(traffic, lambda: _percent(root), clock) as target, prometheus(target, clock) as url:
        story = ServiceStory(root, clock, traffic, Narrator(say, columns, clock="%H:%M:%S"))
        story.set_up(url)
        story.release("v1.4.0", "from 0.1 % to everybody")
        story.release("v1.5.0", "4 % of its requests fail")
        story.stage.look_back(columns)
    say(f"\n== look around (Prometheus has ended)\n{_LOOK_AROUND.format(root=shlex.quote(str(root)))}")
    return root


def _percent(root: Path) -> float:
    """Returns what the flag file says, as the service reads it."""
    try:
        return number_in((root / FLAGS).read_bytes(), FLAG).value
    except (OSError, InputError):
        return 0  # not there yet, or just being written


class ServiceStory:
    def __init__(self, root: Path, clock: SystemClock, traffic: Traffic, telling: Narrator) -> None:
        self._clock = clock
        self._traffic = traffic
        self.stage = Stage(root, TRAIN, clock, os.environ, telling)
        self._told: set[str] = set()
        """Requests whose results the story has told."""

    def set_up(self, url: str) -> None:
        stage = self.stage
        stage.telling.heading("a web service, its Prometheus, its flag file and its release contract")
        stage.begin()
        stage.write(FLAGS, json.dumps({"service": {"percent": 0}}, indent=2) + "\n")
        stage.add_train(_contract(url), "v1.3.0")
        stage.commit_all("Add the service, its flag and its rollout contract")
        stage.telling.text(f"in {stage.root}; Prometheus scrapes it each second at {url}")
        stage.tell(OWNER, f"commits the contract; users run v1.3.0, {REQUESTS_PER_SECOND} requests a second")

    def release(self, version: str, what: str) -> None:
        """Plays a release to its end; the train is free afterwards."""
        stage, space = self.stage, self.stage.space
        stage.telling.heading(f"{version}: {what}")
        stage.write("service.txt", f"{version}\n")
        commit = stage.commit_all(f"Release {version}")
        self._traffic.canary = version
        state = start(space.store, space.history, self._clock, TRAIN, StartOptions(version, commit)).state
        stage.tell(OWNER, f"deploys {version} without traffic and starts it, commit {commit[:10]}")
        self._ci(commit)
        state = self._play(state, Outcome.IN_PROGRESS)
        state = self._play(state, Outcome.ROLLING_BACK)
        if state.rollout.outcome is Outcome.ROLLED_BACK:
            reopen(space.store, self._clock, TRAIN, "the cause is found; v1.5.1 fixes it")
            stage.tell(OWNER, "reopens the train: the cause is found; v1.5.1 fixes it")
        else:
            self._traffic.stable = version
        self._traffic.canary = None

    def _play(self, state: TrainState, outcome: Outcome) -> TrainState:
        checked: set[str] = set()
        ticks, phase = 0, state.rollout.phase
        while state.rollout.outcome is outcome:
            ticks, phase = (ticks + 1 if state.rollout.phase == phase else 0), state.rollout.phase
            if ticks > PATIENCE:
                raise OutsideError(
                    f"{phase} is not left after {PATIENCE} ticks: {_why(state)}",
                    hint="is this machine busy? Start the demo again",
                )
            revision = landed(state)
            if revision is not None and revision not in checked:
                self._ci(revision)
                checked.add(revision)
            self._clock.wait(SECONDS_BETWEEN_TICKS)
            state = self._tick(state)
        return state

    def _tick(self, state: TrainState) -> TrainState:
        state = self._reconcile([self._collect(state)])
        if self.stage.merge():
            state = self._reconcile([])
        return state

    def _reconcile(self, evidence: list[Evidence]) -> TrainState:
        report = self.stage.run(evidence)
        state, status = report.state, report.state.status
        assert status is not None
        applied = list(_applied_anew(status, self._told))
        # A rollback writes the percent before anything else; a phase is entered first.
        is_first = state.rollout.outcome is Outcome.ROLLING_BACK
        for told in applied if is_first else ():
            self.stage.tell(JOBS, told)
        self.stage.report(report)
        for told in () if is_first else applied:
            self.stage.tell(JOBS, told)
        figures = [f"{FIGURES[gate.gate]} {gate.seen}" for gate in status.gates if gate.gate in FIGURES]
        if status.decision.verdict is Verdict.PROMOTE and figures:
            self.stage.tell(PROMETHEUS, "; ".join(figures))
        return state

    def _ci(self, commit: str) -> None:
        self.stage.space.local_forge.record_check(commit, CHECK, "success", at=self._clock.now())
        self.stage.tell(CI, f"reports {CHECK} green of {commit[:10]}")

    def _collect(self, state: TrainState) -> Observation:
        return collect(
            state.contract,
            state.contract_digest,
            state.rollout,
            state.status,
            self.stage.space.product(None),
            self._clock,
            surfaces=None,
            round_id=None,
            workers=4,
            progress=quiet,
            measuring=self.stage.space.measuring(state.contract, state.rollout, state.channel),
        )


def _applied_anew(status: Status, told: set[str]) -> Iterator[str]:
    """Yields what has brought a percent to the service; `told` keeps which requests that were."""
    for request in status.requests:
        result = request.result
        if request.work is Work.APPLY and result is not None and result.ok and request.id not in told:
            told.add(request.id)
            yield f"{FLAGS} says {request.canary_percent} %, read back"


def _contract(url: str) -> str:
    """Returns the profile for this Prometheus, with spans of seconds."""
    text = profile_text(TRAIN)
    for usual, quick in _QUICK:
        assert usual in text, usual
        text = text.replace(usual, quick.format(url=url) if quick == "{url}" else quick)
    return text


def _why(state: TrainState) -> str:
    return "; ".join(state.status.decision.reasons[:2]) if state.status else "not observed"


_LOOK_AROUND = """cd {root}
rollout status
rollout history --release v1.5.0
git log --oneline flags.json
rollout local show 1
cat state/service/incidents/*.yaml"""
