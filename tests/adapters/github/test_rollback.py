"""A whole rollback over GitHub's API and git's protocol, killed after every single thing that it writes.

The run that is killed may write once; whatever it tries after that is refused. So every state in which a
machine can die is gone through, one after the other, and in the end each thing has been done once.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fakehub import faults
from fakehub.entities import Thread
from fakehub.fixtures import hub
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.reconcile.incident import Responder
from rollout.commands.reconcile.reconciler import Reconciler
from rollout.commands.reconcile.report import Report
from rollout.commands.verify import verify
from rollout.core.contract import Product
from rollout.core.observation import Evidence, HealthState
from rollout.core.state import (
    CommitMessage,
    IncidentStep,
    Outcome,
    Quarantine,
    QuarantinedRelease,
    StateChange,
    StepState,
)
from rollout.errors import RolloutError
from rollout.files.state_files import files_of
from tests.adapters.github.world import GitHubWorld, seed
from tests.world import CHECKS, OLD_VERSION, TAU, contract, incident_body, promotion_body

__all__ = ["hub"]

FAILING = {"memory": {"health_state": HealthState.FAILING}}
KILLED = {
    "POST /graphql createCommitOnBranch",
    "POST /repos/acme/tau/statuses/*",
    "POST /acme/tau.git/git-receive-pack",
    "POST /repos/acme/tau/pulls",
    "PATCH /repos/acme/tau/issues/*",
    "POST /repos/acme/tau/issues/*/comments",
}
"""What runs wrote last before they were killed; after the last write of all there is nothing to kill."""


def is_write(call: str) -> bool:
    method, path, *operation = call.split(" ")
    if path.endswith("/git-upload-pack") or method == "GET":
        return False
    return not operation or operation[0].startswith("create")


@dataclass
class Death:
    """Lets a run write `left` times and refuses all that follows."""

    left: int
    written: list[str] = field(default_factory=list)

    def __call__(self, call: str) -> bool:
        if not is_write(call):
            return self.left < 0
        self.left -= 1
        if self.left >= 0:
            self.written.append(call)
        return self.left < 0


class Rollback(GitHubWorld):
    """A release in canary-1 on the fake hub, and everybody who works on its rollback."""

    killed: list[str]
    """What was written last by each run that was killed."""

    def reconcile(self, *evidence: Evidence, dry_run: bool = False) -> Report:
        run = self.run()
        responder = Responder(run.reverter, run.issues(), incident_body, pushes_workflows=False)
        return Reconciler(
            run.store, run.forge, self.clock, promotion_body, responder=responder, dry_run=dry_run
        ).run(TAU, evidence)

    def round(self, death: Callable[[], Death | None]) -> None:
        """A run with new evidence, and when it is killed, runs that catch up with it, killed as well."""
        self.clock.forward(minutes=6)
        results = self.perform()
        evidence: list[Evidence] = [results] if results.results else []
        if not self.has_ended:
            observed = self.observe(FAILING if self.state.incident is None else None)
            checkout = self.home.bare.id_of("main")
            evidence.append(observed.model_copy(update={"product_head": checkout}))
        while self.dies(death(), evidence):
            evidence = []

    def dies(self, death: Death | None, evidence: list[Evidence]) -> bool:
        if death is None:
            self.reconcile(*evidence)
            return False
        self.hub.fail(death, faults.BAD_CREDENTIALS, times=-1)
        with contextlib.suppress(RolloutError):
            self.reconcile(*evidence)
        self.hub.heal()
        if death.left < 0:
            self.killed += death.written
        return death.left < 0

    @property
    def has_ended(self) -> bool:
        incident = self.state.incident
        return incident is not None and incident.ended is not None

    def everybody(self) -> None:
        """People merge what is proposed; CI and the harness are green where the revert has landed."""
        for thread in self.home.pulls():
            if thread.state == "open" and thread.pull and thread.pull.head.startswith("rollout-revert/"):
                self.home.merge(self.hub.person("alice", self.home), thread.number)
        landed = self.landed
        if landed is not None and not any(check.sha == landed for check in self.home.checks):
            self.validate(landed)

    def validate(self, commit: str, *, passed: int = 5) -> None:
        """CI and the harness run on the product's commit."""
        for name in CHECKS:
            self.home.add_check(commit, name, "success")
        self.clock.forward(minutes=1)
        self.run_harness(passed)

    @property
    def home(self) -> Repo:
        """Where the product is."""
        return self.hub.repos[self.product.repository or self.repo.full_name]

    def step(self, name: str) -> IncidentStep:
        """A step of the incident, as it stands."""
        incident = self.state.incident
        assert incident is not None
        return next(step for step in incident.steps if step.step == name)

    @property
    def landed(self) -> str | None:
        incident = self.state.incident
        return incident.revert.landed if incident and incident.revert else None

    @property
    def outcome(self) -> Outcome:
        return self.state.rollout.outcome

    def issue(self) -> Thread:
        (found,) = (thread for thread in self.repo.threads.values() if thread.pull is None)
        return found

    def play(self, death: Callable[[], Death | None]) -> None:
        """From two failing checks to the end of the incident, and on until nothing is left to do."""
        self.killed = []
        for _ in range(20):
            before, ended = self.calls_that_write(), self.has_ended
            self.round(death)
            if ended:
                assert self.calls_that_write() == before, "what has ended is left alone"
                return
            self.everybody()
        raise AssertionError(f"does not end: {self.state.incident}")

    def calls_that_write(self) -> int:
        return sum(is_write(str(call)) for call in self.hub.calls() + self.hub.calls(git=True))


def build(hub: Hub, folder: Path, *, product: str | None = None) -> Rollback:
    """In canary-1; the product is in the repository of that name, else beside state."""
    repository, release = seed(folder / "repository")
    if product is not None:
        policy = contract().model_copy(update={"product": Product(repository=product)})
        files = files_of(TAU, StateChange(contract=policy))
        repository.commit({path: (text or b"").decode() for path, text in files.items()}, "Say where")
    world = Rollback(hub, repository.path, release)
    if product is not None:
        world.product = Product(repository=product)
        home = hub.repo(product, seed=repository.path)
        for name in CHECKS:
            home.add_check(release, name, "success")
        world.token = hub.app_token(world.repo, home)
    world.play_to("canary-1")
    # The harness run that the phase's entry asks for is over: what follows is the rollback's alone.
    world.clock.forward(minutes=1)
    world.reconcile(world.perform())
    hub.forget_calls()
    return world


def ending(world: Rollback) -> object:
    """All that is left behind, but for ids and times."""
    threads = [
        (thread.title, thread.state, sorted(thread.labels), len(thread.comments), thread.pull is not None)
        for thread in world.repo.threads.values()
    ]
    statuses = {(one.context, one.state) for one in world.repo.statuses if one.sha == world.release}
    state = world.state
    assert state.incident is not None
    return (
        threads,
        statuses,
        sorted(world.branches()),
        (state.rollout.outcome, state.rollout.canary_percent, [step.state for step in state.incident.steps]),
        state.channel and state.channel.current_version,
        world.repo.bare.text("main:src/main.rs"),
    )


def test_killed_after_every_write_it_ends_as_if_never(hub: Hub, tmp_path: Path) -> None:
    world = build(hub, tmp_path)
    world.play(lambda: Death(1))
    with Hub(tmp_path / "elsewhere") as other:
        spared = build(other, tmp_path / "other")
        spared.play(lambda: None)
        assert ending(world) == ending(spared)
    incident = world.state.incident
    assert incident is not None
    assert world.outcome is Outcome.ROLLED_BACK
    states = {step.step.value: step.state for step in incident.steps}
    # tau's contract has no command that brings the version to the product: it is only recorded.
    assert states.pop("apply_metadata") is StepState.SKIPPED
    assert set(states.values()) == {StepState.DONE}
    pulls = [thread for thread in world.repo.pulls() if thread.title.startswith("Revert")]
    issues = [thread for thread in world.repo.threads.values() if thread.pull is None]
    reverts = world.repo.bare.git("log", "--grep=This reverts commit", "--format=%H", "main").splitlines()
    assert (len(pulls), len(issues), len(reverts)) == (1, 1, 1)
    assert world.repo.bare.text("main:src/main.rs") == "0"
    events = world.events()
    first = events.index("rollback")
    assert events.count("rollback") == 1
    assert events[first - 1] == "observe", "nothing is written between the check that fires and the freeze"
    assert verify(YamlStore(Git(world.repo.bare.path), "main"), TAU, None).problems == []
    assert {re.sub(r"[0-9a-f]{40}|\b\d+\b", "*", call) for call in world.killed} == KILLED


# --- what people have to do -------------------------------------------------------------------------------


def rounds(world: Rollback, number: int) -> None:
    for _ in range(number):
        world.round(lambda: None)


def test_a_product_elsewhere_whose_pushes_are_denied_waits_for_the_permission(
    hub: Hub, tmp_path: Path
) -> None:
    world = build(hub, tmp_path, product="acme/product")
    denied = hub.fail("POST /acme/product.git/git-receive-pack", faults.FORBIDDEN, times=-1)
    rounds(world, 5)
    assert denied.hits
    step = world.step("revert")
    assert step.state is StepState.BLOCKED
    assert "pushing rollout-revert/" in step.result
    assert world.home.pulls() == []
    assert world.issue().state == "open"
    hub.heal()
    world.play(lambda: None)
    assert world.outcome is Outcome.ROLLED_BACK
    assert world.home.bare.text("main:src/main.rs") == "0"
    assert world.repo.bare.text("main:src/main.rs") == "1", "what is beside state is not the product"
    assert [thread.state for thread in world.home.pulls()] == ["closed"]


def test_validation_that_is_red_stays_frozen_until_it_is_green(hub: Hub, tmp_path: Path) -> None:
    world = build(hub, tmp_path)
    rounds(world, 4)
    (pull,) = (thread for thread in world.repo.pulls() if thread.state == "open")
    world.repo.merge(world.alice, pull.number)
    rounds(world, 1)
    landed = world.landed
    assert landed is not None
    world.validate(landed, passed=4)
    rounds(world, 1)
    step = world.step("revalidate")
    assert (step.state, step.result.split(":")[0]) == (StepState.BLOCKED, "red, stays frozen")
    assert (world.outcome, world.issue().state) == (Outcome.ROLLING_BACK, "open")
    world.validate(landed)
    rounds(world, 1)
    assert (world.outcome, world.issue().state) == (Outcome.ROLLED_BACK, "closed")


def test_without_a_usable_target_it_proposes_the_revert_and_says_what_is_asked(
    hub: Hub, tmp_path: Path
) -> None:
    world = build(hub, tmp_path)
    bad = QuarantinedRelease(commit="b" * 40, version=OLD_VERSION, incident="earlier", at=world.now)
    run = world.run()
    change = StateChange(quarantine=Quarantine(train=TAU, releases=(bad,)))
    note = CommitMessage("rollout(tau): note", "", ())
    run.store.commit(TAU, change, note, parent=run.store.head(), at=world.now)
    rounds(world, 4)
    step = world.step("inspect_target")
    assert step.state is StepState.FAILED
    assert "rollout rollback --target VERSION" in step.result
    assert world.state.rollout.frozen is not None
    assert world.issue().state == "open"
    (revert,) = [thread for thread in world.repo.pulls() if thread.state == "open"]
    assert revert.title.startswith("Revert")
    assert world.state.channel is not None
    assert world.state.channel.current_version == OLD_VERSION
