"""Whole stories: people, product and machine in any order, then a time in which everybody helps.

Every story ends complete, rolled back, withdrawn or idle, and a clean release follows. `STORIES=200` tells
that many; `STORY=17` the one of that seed, which a failure names.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from tests.examples import seeds
from tests.stories.helpers import ENDED, bring_to_an_end, release_once_more
from tests.stories.history import History
from tests.stories.people import ACTS, a_release_starts
from tests.stories.town import Kind, Town

SEEDS = [int(os.environ["STORY"])] if "STORY" in os.environ else seeds("STORIES", 3, 100)


def tell(town: Town, history: History, seed: int) -> None:
    """A story of people, product and machine; each act has its own chance, so that one can be left out."""
    story = Random(seed)
    acts = story.choices(list(ACTS), list(ACTS.values()), k=story.randint(8, 22))
    for act in [a_release_starts, *acts]:
        chance = Random(story.random())
        town.told.append(f"-- {act.__name__}")
        act(town, chance)
        history.look()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_story_ends_and_a_clean_release_follows(seed: int, tmp_path: Path) -> None:
    chance = Random(-seed - 1)
    kind = Kind(
        applies=chance.random() < 0.3,
        pushes=chance.random() < 0.3,
        has_harness=chance.random() < 0.6,
        has_ci=chance.random() < 0.8,
    )
    if not kind.applies and chance.random() < 0.4:
        kind = replace(kind, flags_by=chance.choice(["commit", "pull_request"]))
    town = Town(tmp_path / "town", kind)
    history = History(town)
    try:
        tell(town, history, seed)
        assert bring_to_an_end(town) in ENDED
        history.look()
        release_once_more(town)
        history.look()
    except BaseException as error:
        error.add_note("\n".join([f"STORY={seed}, {kind}", *town.told]))
        raise
