"""`verify` names every commit that lies, and no other, whatever shape people give to a history.

`TAMPERED=500` tries that many; `CASE=17` the one of that seed, which a failure names.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollout.adapters.channel_files import YamlFiles
from rollout.adapters.git import Git
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.verify import Verification, verify
from tests.examples import seeds
from tests.property.tampered import Case, copied, lived, told
from tests.stories.town import TRAIN, Town

BASES = 3
SEEDS = [int(os.environ["CASE"])] if "CASE" in os.environ else seeds("TAMPERED", 8, 200)


@pytest.fixture(scope="module")
def known() -> dict[int, Town]:
    """Stories that were told already, by their seed: each takes seconds, and many cases grow from it."""
    return {}


@pytest.fixture
def base(seed: int, known: dict[int, Town], tmp_path_factory: pytest.TempPathFactory) -> Town:
    number = seed % BASES
    if number not in known:
        known[number] = told(tmp_path_factory.mktemp("base") / "town", number)
    return known[number]


def names(case: Case, found: Verification) -> str:
    """What differs from what was done: what was missed, and who is named for nothing."""
    findings = {each.commit: each.problem for each in found.findings}
    remarks = {each.commit: each.problem for each in found.remarks if "was rebased" not in each.problem}
    told_of = findings | remarks
    missed = [f"missed {commit[:10]}: {what}" for commit, what in case.lies.items() if commit not in told_of]
    false = [
        f"false {commit[:10]}: {why}"
        for commit, why in told_of.items()
        if commit not in {*case.lies, *case.beside}
    ]
    return "\n".join([*missed, *false])


@pytest.mark.parametrize("seed", SEEDS)
def test_verify_names_who_lied_and_nobody_else(seed: int, base: Town, tmp_path: Path) -> None:
    case = lived(copied(base, tmp_path / "town", seed))
    # Somebody else verifies, whose clone has nothing but the branch.
    case.git("clone", "-q", "--no-local", "--single-branch", ".", str(tmp_path / "clone"))
    found = verify(YamlStore(Git(tmp_path / "clone")), TRAIN, None, files=YamlFiles())
    wrong = names(case, found)
    assert not wrong, "\n".join([f"CASE={seed}", *case.acts, wrong])
