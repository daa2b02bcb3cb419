"""What a run asks of the product's branch for a rollback."""

from __future__ import annotations

import pytest

from rollout.commands.reconcile.revert_facts import RevertFinder
from rollout.core.state import RevertOutcome
from tests.world import World

CI = ".github/workflows/ci.yml"


@pytest.mark.parametrize(("pushes", "paths"), [(True, ()), (False, (CI,))])
def test_workflow_files_are_named_where_the_tool_may_not_push_them(
    pushes: bool, paths: tuple[str, ...]
) -> None:
    world = World().play_to("canary-1")
    world.reverter.workflows = (CI,)
    world.reverter.move("a" * 40)
    fact = RevertFinder(world.reverter, pushes_workflows=pushes).fact(world.state)
    assert fact is not None
    assert (fact.outcome, fact.paths, fact.workflows) == (RevertOutcome.CLEAN, paths, bool(paths))
