"""Which branches git cannot hold beside those that the tool makes."""

from __future__ import annotations

import pytest

from rollout.core.decide.effects import blocks, channel_branch, is_in_the_way, promotion_branch
from rollout.core.files import is_peoples

OWN = (promotion_branch("tau", "v1", "canary-1"), channel_branch("tau", "set-beta"), "rollout-revert/tau/one")


@pytest.mark.parametrize("branch", OWN)
def test_each_folder_of_an_own_branch_is_in_the_way(branch: str) -> None:
    parts = branch.split("/")
    for length in range(1, len(parts)):
        name = "/".join(parts[:length])
        assert is_in_the_way(name, "tau")
        assert blocks(name, branch)
        assert blocks(branch, name)
    assert not is_in_the_way(branch, "tau")
    assert not blocks(branch, branch)


@pytest.mark.parametrize("branch", OWN)
def test_a_branch_of_a_pull_request_is_none_of_peoples(branch: str) -> None:
    assert not is_peoples(branch)
    assert is_peoples(branch.partition("/")[0])


@pytest.mark.parametrize("name", ["main", "rollouts", "rollout-state", "rollout/other", "rollout-revert/x/y"])
def test_other_branches_are_in_nobodys_way(name: str) -> None:
    assert is_peoples(name) == (not name.startswith(("rollout/", "rollout-revert/")))
    assert not is_in_the_way(name, "tau")
    assert not any(blocks(name, branch) for branch in OWN)
