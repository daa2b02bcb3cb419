"""How many requests each kind of tick makes to GitHub: the whole command, counted on the tests' local one."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from benchmarks.table import Count
from fakehub.entities import Access, Call, Pull
from fakehub.hub import Hub
from fakehub.repo import Repo
from rollout.cli import main
from rollout.core.contract import Contract, SignoffPolicy
from rollout.core.doctor.limits import requests_a_run
from rollout.core.observation import HealthState, Observation, Results
from rollout.core.state import CheckFact, Verdict
from rollout.files.evidence import write_evidence
from tests.adapters.github.world import NAME, GitHubWorld, seed
from tests.workflows.town import CHECK, Town, build
from tests.workflows.town import CONTRACT as TOWN
from tests.world import CHECKS, PHASES, contract

STEADY, OPENING, NOTHING, WAITING, FOREIGN = 4, 8, 3, 5, 0
"""What is allowed: 3 reads and 1 commit; 8 calls; only the reads; two more, incident and revert; none."""
CHECKS_OF_CROWD = 3
"""Requests for CI in one tick, of which a commit with few checks takes one."""
_MOST_TICKS = 20
_METRICS = """\
  shop:
    metrics:
      {provider: prometheus, url: "https://p.invalid", auth: {bearer_env: UNSET}, queries: {up: {query: up}}}
"""
"""Its secret is not set, so no server is asked."""
_TURNS = ("", "", "failure", "success", "")
"""How CI ends before each of some ticks."""


def steady() -> Count:
    """Counts one more healthy observation, and nothing else to do: in a phase whose soak is not full."""
    with _world() as world:
        world.play_to("canary-1")
        _settle(world)
        world.clock.forward(minutes=10)
        return _requests(world, world.observe())


def opening(*, signed: bool = False) -> Count:
    """Counts an opened promotion; with `signed`, items of the checklist are signed with it."""
    with _world(None if signed else _nothing_to_sign()) as world:
        world.play_to("canary-1")
        _settle(world)
        return _until(world, lambda: world.verdict is Verdict.PROMOTE)


def opening_and_signing() -> Count:
    return opening(signed=True)


def entering() -> Count:
    with _world() as world:
        world.play_to("canary-1")
        _settle(world)
        world.soak()
        world.merge()
        world.clock.forward(minutes=1)
        return _requests(world)


def freezing() -> Count:
    """Counts a trigger that fires while a promotion is open."""
    with _world() as world:
        world.play_to("canary-1")
        _settle(world)
        return _fire(world)


def rolling_back() -> Count:
    """Counts a run without news while the incident's issue and the revert's pull request are open."""
    with _world() as world:
        _to_the_revert(world)
        return _requests(world)


def waiting_for_ci() -> Count:
    """Counts a run without news while CI runs on the merge of the revert, below later state commits."""
    with _world() as world:
        _to_the_revert(world)
        world.merge()
        merge = world.repo.bare.git("rev-parse", "main").strip()
        world.ci(None, commit=merge)
        for _ in range(2):
            world.clock.forward(minutes=5)
            _requests(world, world.observe())
        assert world.repo.bare.git("rev-parse", "main").strip() != merge
        assert world.status.facts.checked == merge
        return _requests(world)


def _to_the_revert(world: GitHubWorld) -> None:
    """Plays until the pull request that reverts the release is open."""
    world.play_to("canary-1")
    _settle(world)
    _fire(world)
    world.clock.forward(minutes=1)
    _requests(world, world.perform())
    _requests(world)
    heads = [thread.pull.head for thread in world.repo.pulls() if thread.pull and thread.state == "open"]
    assert [head.split("/")[0] for head in heads] == ["rollout-revert"]


def in_a_busy_repository(tick: Callable[[GitHubWorld], Count]) -> Callable[[], Count]:
    """Returns the tick beside 1,000 pull requests of other people and 1,000 closed issues of old releases."""

    def count() -> Count:
        with _world() as world:
            world.play_to("canary-1")
            _settle(world)
            _crowd(world)
            return tick(world)

    return count


def _crowd(world: GitHubWorld) -> None:
    main = world.repo.bare.git("rev-parse", "main").strip()
    head = world.repo.bare.git("commit-tree", "-p", main, "-m", "theirs", f"{main}^{{tree}}").strip()
    for number in range(1000):
        pull = Pull(f"patch-{number}", "main", head, main, from_fork=True)
        world.repo.open_thread(world.alice, "Theirs", None, pull)
        old = world.repo.open_thread(world.token, "Old", f"<!-- rollout:issue old{number} -->")
        old.labels, old.state = ["rollout"], "closed"


def on_a_crowded_commit(tick: Callable[[GitHubWorld], Count]) -> Callable[[], Count]:
    """Returns the tick where 1,300 scheduled runs of the tool itself hang on the release's commit, above its
    CI.
    """

    def count() -> Count:
        with _world() as world:
            world.play_to("canary-1")
            _settle(world)
            pile_up(world, 1300)
            # Whatever came meanwhile is read once, over several ticks.
            for _ in range(_MOST_TICKS):
                world.clock.forward(minutes=20)
                _requests(world, world.observe())
                assert world.calls().count("POST /graphql checks") <= CHECKS_OF_CROWD
                if world.status.facts.reading is None:
                    break
            world.clock.forward(minutes=20)
            found = tick(world)
            assert world.status.facts.checks == tuple(
                CheckFact(name=name, conclusion="success") for name in sorted(CHECKS)
            )
            return found

    return count


def pile_up(world: GitHubWorld, runs: int, *, commit: str = "") -> None:
    """Adds that many runs of the tool to a commit, by default the release's."""
    for _ in range(runs):
        at = commit or world.release
        world.repo.add_check(at, "Reconcile", workflow="rollout-reconcile.yml", anew=True)


def _another_look(world: GitHubWorld) -> Count:
    world.clock.forward(minutes=10)
    return _requests(world, world.observe())


def completing() -> Count:
    with _world() as world:
        world.play_to(PHASES[-1])
        world.sign("final-approval")
        _requests(world)
        return _until(world, lambda: not world.is_under_way)


def nothing_to_do() -> Count:
    """Counts a second run right after the first."""
    with _world() as world:
        world.play_to("canary-1")
        world.soak()
        _requests(world)
        return _requests(world)


def idle() -> Count:
    with _world() as world:
        return _requests(world)


def foreign_event() -> Count:
    """Counts both workflows, under act, as somebody else's pull request is opened and closed."""
    with TemporaryDirectory() as folder, Hub(_made(folder, "hub")) as hub:
        town = build(hub, Path(folder), app=True)
        head = town.head()
        town.repo.move(town.alice, "refs/heads/side", head)
        town.repo.commit_on_branch(town.alice, "side", head, "Fix it", [("src.txt", b"fixed\n")], [])
        pull = town.repo.open_pull(town.alice, "Fix it", "side", "main", None, draft=False)
        town.repo.close(town.alice, pull)
        hub.forget_calls()
        runs = town.settle()
        assert set(runs) == {"rollout-check", "rollout-closed"}
        return _counted(hub.calls())


def _settle(world: GitHubWorld) -> None:
    """Observes once, so that what is opened once a release, such as the checklist, is there."""
    world.clock.forward(minutes=10)
    _requests(world, world.observe())


def _fire(world: GitHubWorld) -> Count:
    world.soak()
    failing = {"voice": {"health_state": HealthState.FAILING}}
    world.tick(failing)
    world.clock.forward(minutes=10)
    found = _requests(world, world.observe(failing))
    assert world.rollout.frozen is not None
    return found


# --- counting --------------------------------------------------------------------------------------------


def _until(world: GitHubWorld, is_there: Callable[[], bool]) -> Count:
    """Counts the observation that leads there."""
    for _ in range(_MOST_TICKS):
        world.clock.forward(minutes=10)
        found = _requests(world, world.observe())
        if is_there():
            return found
    raise AssertionError("it does not come to that")


def _requests(world: GitHubWorld, evidence: Observation | Results | None = None) -> Count:
    """Counts one `rollout reconcile`."""
    arguments = ["reconcile", "--forge", "github", "--json"]
    with TemporaryDirectory() as folder:
        if evidence is not None:
            file = Path(folder) / "evidence.json"
            write_evidence(file, evidence)
            arguments += ["--observation", str(file)]
        said, complained = io.StringIO(), io.StringIO()
        environment = mock.patch.dict(os.environ, environment_of(world))
        world.hub.forget_calls()
        with environment, redirect_stdout(said), redirect_stderr(complained):
            code = main([*arguments, "--repo", folder])
    assert code == 0, complained.getvalue()
    return _counted(world.hub.calls())


def environment_of(world: GitHubWorld) -> dict[str, str]:
    """Returns what a job has, at the hub's time."""
    return {
        "GITHUB_API_URL": world.hub.url,
        "GITHUB_GRAPHQL_URL": f"{world.hub.url}/graphql",
        "GITHUB_SERVER_URL": world.hub.url,
        "GITHUB_REPOSITORY": NAME,
        "ROLLOUT_NOW": world.now.isoformat(),
        "ROLLOUT_TOKEN": world.token.value,
    }


def _counted(calls: Sequence[Call]) -> Count:
    kinds = Counter(map(_kind, calls))
    said = [f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in kinds.items()]
    return Count(len(calls), ", ".join(said) or "none")


def _kind(call: Call) -> str:
    if call.operation == "createCommitOnBranch":
        return "commit"
    is_query = call.path == "/graphql" and not call.operation.startswith("create")
    return "read" if call.method == "GET" or is_query else "write"


def _nothing_to_sign() -> Contract:
    phases = tuple(
        phase.model_copy(update={"gates": tuple(gate for gate in phase.gates if gate.kind != "signoff")})
        for phase in contract().phases
    )
    return contract().model_copy(update={"signoff": SignoffPolicy(), "phases": phases})


@contextmanager
def _world(policy: Contract | None = None) -> Iterator[GitHubWorld]:
    """Yields an idle train on a local GitHub of its own."""
    with TemporaryDirectory() as folder:
        repository, release = seed(Path(folder) / "repository", policy)
        with Hub(_made(folder, "hub")) as hub:
            yield GitHubWorld(hub, repository.path, release)


def whole_tick(*, is_product_apart: bool = False, measures: bool = False) -> Count:
    """Returns the costliest of some ticks, in all jobs: of a sample, and of CI that turns red and green
    again.
    """
    product = "acme/product" if is_product_apart else ""
    policy = TOWN + (f"product: {{repository: {product}, branch: trunk}}\n" if product else "")
    if measures:
        policy = policy.replace("harness:\n", f"{_METRICS}harness:\n", 1)
    with TemporaryDirectory() as folder, Hub(_made(folder, "hub")) as hub:
        town = build(hub, Path(folder), app=True, contract=policy, branch="rollout-state", product=product)
        home = hub.repos[product or "acme/tau"]
        hub.engine.secrets["ROLLOUT_PRODUCT_TOKEN"] = hub.person("reader", home, Access.READ).value
        town.start()
        town.settle()
        return max((_whole(town, home, conclusion) for conclusion in _TURNS), key=lambda found: found.value)


def whole_tick_of_a_product_apart() -> Count:
    return whole_tick(is_product_apart=True)


def whole_tick_with_metrics() -> Count:
    return whole_tick(measures=True)


def _whole(town: Town, home: Repo, conclusion: str) -> Count:
    """Counts one tick with a promotion open, after CI has ended so; as before where that is empty."""
    if conclusion:
        home.add_check(town.release, CHECK, conclusion)
    town.hub.forget_calls()
    town.tick()
    assert town.open_pull().state == "open"
    return _counted(town.hub.calls())


def _made(folder: str, name: str) -> Path:
    made = Path(folder) / name
    made.mkdir()
    return made


_APART = requests_a_run(is_product_apart=True)
_MEASURED = requests_a_run(is_product_apart=False, measures=True)
TICKS: tuple[tuple[str, int | None, Callable[[], Count]], ...] = (
    ("a healthy observation that changes nothing else", STEADY, steady),
    ("one that opens a promotion", OPENING, opening),
    ("one that opens a promotion and signs items of the checklist", None, opening_and_signing),
    ("nothing new", NOTHING, nothing_to_do),
    ("an idle train", NOTHING, idle),
    ("an event that is no concern of ours", FOREIGN, foreign_event),
    ("a healthy observation, in a busy repository", STEADY + 2, in_a_busy_repository(_another_look)),
    ("nothing new, in a busy repository", NOTHING + 2, in_a_busy_repository(_requests)),
    ("a healthy observation, 1,300 own runs on its commit", STEADY + 2, on_a_crowded_commit(_another_look)),
    ("nothing new, 1,300 own runs on its commit", NOTHING + 2, on_a_crowded_commit(_requests)),
    ("a whole tick, all jobs", requests_a_run(is_product_apart=False), whole_tick),
    ("a whole tick, all jobs, the product in a repository apart", _APART, whole_tick_of_a_product_apart),
    ("a whole tick, all jobs, metrics beside the product", _MEASURED, whole_tick_with_metrics),
    ("a promotion that was merged", None, entering),
    ("a trigger that fires while a promotion is open", None, freezing),
    ("nothing new, a rollback's issue and revert open", WAITING, rolling_back),
    ("nothing new, CI runs on the merge of a revert", WAITING, waiting_for_ci),
    ("the last observation of a release", None, completing),
)
