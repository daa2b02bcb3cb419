"""A product that cannot be seen: what lies under it is unknown, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.github_calls import environment_of
from fakehub import faults
from fakehub.fixtures import hub
from fakehub.hub import Hub
from rollout.cli import main
from rollout.core.contract import Product
from rollout.errors import OutsideError
from rollout.files.evidence import write_evidence
from tests.adapters.github.test_rollback import FAILING, Rollback, build
from tests.adapters.github.test_routes import KEY, open_issue
from tests.adapters.github.world import GitHubWorld, started
from tests.world import contract

__all__ = ["hub"]

PRODUCT = Product(repository="acme/product")


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    policy = contract().model_copy(update={"product": PRODUCT})
    repository, release = started(tmp_path_factory.mktemp("origin") / "repository", policy)
    return repository.path, release


@pytest.fixture
def world(hub: Hub, origin: tuple[Path, str]) -> GitHubWorld:
    """The release is in preflight; its product is in a repository that the token does not reach."""
    world = GitHubWorld(hub, *origin)
    world.product = PRODUCT
    world.clock.forward(minutes=10)
    return world


def gone(world: GitHubWorld) -> None:
    """Nobody has made it, or it was deleted."""


def unseen(world: GitHubWorld) -> None:
    world.hub.repo("acme/product")


def renamed(world: GitHubWorld) -> None:
    product = world.hub.repo("acme/product", seed=world.repo.bare.path)
    world.token = world.hub.app_token(world.repo, product)
    world.hub.rename(product, "acme/renamed")


@pytest.mark.parametrize("happened", [gone, unseen, renamed])
def test_home_is_read_all_the_same(world: GitHubWorld, happened: Callable[[GitHubWorld], None]) -> None:
    happened(world)
    open_issue(world.run())
    run = world.run()
    with pytest.raises(OutsideError):
        run.forge.check_runs(world.release)
    found = run.issues().find_open(KEY)
    assert found is not None
    assert run.forge.pull_requests("rollout/") == []
    with pytest.raises(OutsideError):
        run.forge.statuses(world.release)


def taken_away(world: Rollback) -> None:
    world.token = world.hub.app_token(world.repo, slug="narrow")


def deleted(world: Rollback) -> None:
    del world.hub.repos["acme/product"]


def moved(world: Rollback) -> None:
    world.hub.rename(world.home, "acme/renamed")


@pytest.mark.parametrize("happened", [taken_away, deleted, moved])
def test_a_trigger_freezes(
    hub: Hub,
    happened: Callable[[Rollback], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = build(hub, tmp_path, product="acme/product")
    checkout = world.home.bare.id_of("main")
    happened(world)
    for name, value in environment_of(world).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "evidence.json"
    for _ in range(2):
        world.clock.forward(minutes=10)
        monkeypatch.setenv("ROLLOUT_NOW", world.now.isoformat())
        observed = world.observe(FAILING).model_copy(update={"product_head": checkout})
        write_evidence(file, observed)
        main(["reconcile", "--forge", "github", "--observation", str(file), "--repo", str(tmp_path)])
    assert world.rollout.frozen is not None


def test_what_fails_elsewhere_too_is_tried_again(world: GitHubWorld) -> None:
    unseen(world)
    run = world.run()
    with pytest.raises(OutsideError):
        run.forge.check_runs(world.release)
    world.hub.fail("POST /graphql repository,repository", faults.graphql())
    assert run.forge.pull_requests("rollout/") == []
    assert world.patience.waited == [1]


def test_a_product_in_sight_comes_with_the_listing(world: GitHubWorld) -> None:
    product = world.hub.repo("acme/product", seed=world.repo.bare.path)
    world.token = world.hub.app_token(world.repo, product)
    run = world.run()
    assert run.forge.check_runs(world.release) == []
    world.hub.forget_calls()
    assert run.reverter.tip() == product.bare.branch("main")
    assert run.forge.statuses(world.release) == {}
    assert world.calls() == ["POST /graphql repository,repository"]
