"""How long a run on GitHub takes, with the tests' local one in its place: a workflow's, and a command's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import Ratio, Seconds
from benchmarks.timing import compare, timed
from benchmarks.world import CHECKS, TRAIN, StoppedClock, World
from fakehub.act import run_act
from fakehub.entities import Call, Run
from fakehub.hub import Hub
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.core.observation import Observation
from rollout.core.state import Event
from rollout.wiring import Workspace, texts
from tests.workflows.town import build

_REPOSITORY = "acme/tau"
_COMPOSITE = ("Plan", "Carry out what was asked for", "Collect", "Reconcile")
"""Steps that install the tool, once a job, and run one command."""


def whole_run() -> Seconds:
    """Returns a steady tick of rollout-reconcile under act: three jobs one after the other."""
    with TemporaryDirectory() as folder, Hub(Path(folder)) as hub:
        hub.engine.run_jobs = run_act
        town = build(hub, Path(folder) / "town", app=False)
        town.start()
        town.tick()
        hub.forget_calls()
        found: list[Run] = []
        seconds = timed(lambda: found.append(town.tick()))
        return Seconds(seconds, _split(found[0], hub.calls(), seconds))


def _split(run: Run, calls: list[Call], seconds: float) -> str:
    spent = {step: took for job in run.jobs for step, took in job.seconds.items()}
    commands = {name: spent.get((name, "run"), 0.0) for name in _COMPOSITE}
    installing = sum(spent.get((name,), 0.0) - commands[name] for name in _COMPOSITE)
    first = next(call for call in calls if "create" in call.operation)
    writing = calls[-1].ended - first.began
    parts = {
        "install": installing,
        "collect": commands["Carry out what was asked for"] + commands["Collect"],
        "decide": commands["Plan"] + commands["Reconcile"] - writing,
        "write": writing,
    }
    parts["check-outs, artifacts and act"] = seconds - sum(parts.values())
    return ", ".join(f"{name} {took:.2f} s" for name, took in parts.items())


def over_the_local_forge() -> Ratio:
    """Times one steady reconcile of a new observation in this process, on two copies of one world."""
    with TemporaryDirectory() as folder, _both(Path(folder)) as both:
        return compare(partial(both.reconcile, both.there), partial(both.reconcile, both.here), rounds=40)


@dataclass
class _Both:
    """The same train in a local repository, and on a local GitHub."""

    world: World
    hub: Hub
    token: str

    def here(self) -> Workspace:
        return self.world.space()

    def there(self) -> Workspace:
        environment = {
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_GRAPHQL_URL": f"{self.hub.url}/graphql",
            "GITHUB_SERVER_URL": self.hub.url,
            "GITHUB_REPOSITORY": _REPOSITORY,
            "ROLLOUT_TOKEN": self.token,
        }
        clock = StoppedClock(self.world.now)
        return Workspace(self.world.root, clock=clock, environment=environment, forge_kind="github")

    def reconcile(self, space: Callable[[], Workspace]) -> float:
        observation = self.world.observe()
        opened = space()
        opened.train(TRAIN)
        return timed(partial(_reconcile, opened, observation))


def _reconcile(space: Workspace, observation: Observation) -> None:
    reconciler = Reconciler(space.store, space.forge, space.clock, texts.promotion_body())
    report = reconciler.run(TRAIN, [observation])
    assert [taken.step.event for taken in report.steps] == [Event.OBSERVE]
    space.git.close()


@contextmanager
def _both(folder: Path) -> Iterator[_Both]:
    world = World(folder / "world")
    with Hub(folder) as hub:
        repo = hub.repo(_REPOSITORY, seed=world.root)
        release = world.state().rollout.release
        assert release is not None
        for check in CHECKS:
            repo.add_check(release.commit, f"Live smoke ({check})", "success")
        both = _Both(world, hub, hub.app_token(repo).value)
        both.reconcile(both.there)  # opens what is open here already
        yield both
