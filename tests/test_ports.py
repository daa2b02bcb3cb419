"""The ports' package names what its topics hold, and imports a topic only when it is asked for one."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import rollout.ports

TOPICS = sorted(
    path.stem for path in Path(rollout.ports.__file__).parent.glob("*.py") if path.stem != "__init__"
)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_port_and_record_of_a_topic_can_be_had_from_the_package(topic: str) -> None:
    module = import_module(f"rollout.ports.{topic}")
    own = {
        name: each
        for name, each in vars(module).items()
        if getattr(each, "__module__", "") == module.__name__
    }
    assert own
    for name, each in own.items():
        assert getattr(rollout.ports, name) is each


def test_a_name_that_no_topic_holds_is_no_attribute() -> None:
    assert not hasattr(rollout.ports, "Nonsense")
