"""GraphQL as GitHub publishes it: what the adapters send, and the excerpt that the tests' GitHub serves."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path

import graphql
import pytest

import rollout.adapters.github
from fakehub.graphql_api import SCHEMA
from fakehub.hub import Hub
from tests.adapters.github.fixtures import hub, origin
from tests.adapters.github.test_inspection import FULL, inspect
from tests.adapters.github.test_routes import ACTS, ready
from tests.real.published import schema

__all__ = ["hub", "origin"]


def problems(documents: Iterable[str]) -> list[str]:
    return [message for document in documents for message in _problems(document)]


@functools.cache
def _problems(document: str) -> list[str]:
    return [error.message for error in graphql.validate(schema(), graphql.parse(document))]


def sent(hub: Hub) -> set[str]:
    return {call.document for call in hub.calls() if call.document}


@pytest.mark.parametrize("name", ACTS)
def test_what_a_method_sends_is_valid(hub: Hub, origin: tuple[Path, str], name: str) -> None:
    world = ready(hub, origin, ACTS[name])
    ACTS[name].do(world.run())
    assert problems(sent(hub)) == []


def test_what_doctor_sends_is_valid(hub: Hub, origin: tuple[Path, str]) -> None:
    repo = hub.repo("acme/tau", seed=origin[0])
    inspect(repo, hub.app_token(repo, permissions=FULL), "main")
    assert len(sent(hub)) > 0
    assert problems(sent(hub)) == []


def test_documents_that_are_written_whole_are_valid() -> None:
    """Those too that no method above happens to send."""
    modules = pkgutil.iter_modules(rollout.adapters.github.__path__, "rollout.adapters.github.")
    documents = {
        text
        for module in modules
        for text in vars(importlib.import_module(module.name)).values()
        if isinstance(text, str) and text.startswith(("query", "mutation"))
    }
    assert len(documents) > 15
    assert problems(documents) == []


def test_the_excerpt_promises_nothing_that_github_does_not() -> None:
    """What is valid against the excerpt is valid against the whole, and answers have the same types."""
    excerpt = graphql.build_schema(SCHEMA.read_text(encoding="utf-8"))
    changes = graphql.find_breaking_changes(excerpt, schema())
    dangers = graphql.find_dangerous_changes(excerpt, schema())
    defaults = [one for one in dangers if one[0] is graphql.DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE]
    assert "\n".join(description for _, description in [*changes, *defaults]) == ""
