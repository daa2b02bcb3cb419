"""Events that the tests' GitHub sends, held to those that GitHub sent.

Two sources, because neither is whole: recorded payloads show which keys really come, but not every action was
recorded; published schemas know each action and which keys may be null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakehub.entities import Event
from fakehub.fixtures import hub
from fakehub.hub import Hub
from fakehub.repo import Repo
from fakehub.workflow_file import WorkflowFile, read
from tests.adapters.scratch import Repository
from tests.real.published import ROOT, Shape, examples, problems, recorded, shape

__all__ = ["hub"]

WORKFLOW = """\
on: {workflow_dispatch: {inputs: {word: {}}}, schedule: [{cron: "7 * * * *"}]}
jobs: {look: {runs-on: ubuntu-24.04, steps: [{run: "true"}]}}
"""
UNRECORDED = re.compile(r"issue\.(state_reason|pull_request)\b|changes\b")
"""Keys that the published schema alone has: nothing was recorded of a pull request's comment or of an edited
title, and recordings are of the years before `state_reason`."""
FREE = ("inputs.", "client_payload.")
"""What whoever dispatches writes."""
NOT_IN_ACTIONS = {"repository_dispatch": ["installation"]}
"""Keys of a webhook that a workflow's event lacks: they name the App to which it was delivered."""
NO_WEBHOOK = {"schedule"}

_READ = re.compile(r"github\.event\.(?P<path>[\w.*]+)")


@pytest.fixture
def repo(hub: Hub, tmp_path: Path) -> Repo:
    files = {"README": "hello\n", ".github/workflows/w.yml": WORKFLOW}
    return hub.repo("acme/tau", seed=Repository(tmp_path / "seed", files).path)


@pytest.fixture
def events(hub: Hub, repo: Repo) -> list[Event]:
    """One of each kind that the local GitHub sends."""
    alice = hub.person("alice", repo)
    _push_and_pull(repo, alice)
    _talk(repo, alice)
    hub.engine.emit_workflow_dispatch(repo, alice, ".github/workflows/w.yml", "main", {"word": "hi"})
    hub.engine.emit_repository_dispatch(repo, alice, "rollout-reconcile", {"run": 1})
    return list(hub.outbox)


def _push_and_pull(repo: Repo, alice: Any) -> None:
    head = repo.bare.branch("main")
    assert head is not None
    for branch in ("side", "other"):
        repo.move(alice, f"refs/heads/{branch}", head)
    tip = repo.commit_on_branch(alice, "side", head, "one", [("a", b"1\n")], [])
    pull = repo.open_pull(alice, "Side", "side", "main", None, draft=False)
    repo.commit_on_branch(alice, "side", tip, "two", [("a", b"2\n"), ("b", b"")], ["README"])
    repo.retarget(alice, pull, "other")
    repo.retarget(alice, pull, "main")
    repo.enqueue(alice, pull.number)
    repo.close(alice, pull)
    repo.reopen(alice, pull)
    repo.merge(alice, pull.number)
    repo.move(alice, "refs/heads/side", None)
    repo.open_fork_pull(alice, "Theirs", "patch", tip)


def _talk(repo: Repo, alice: Any) -> None:
    issue = repo.open_thread(alice, "Sign-off", "The body.")
    issue.labels, issue.assignees = [repo.label("rollout-signoff").name], ["alice"]
    repo.emit_issue(alice, issue, "opened")
    repo.rewrite(alice, issue, {"title": "Signed", "body": "More."})
    comment = repo.comment(alice, issue.number, "/signoff")
    repo.edit_comment(alice, issue, comment, "/signoff x")
    repo.delete_comment(alice, comment.id)
    repo.comment(alice, repo.pulls()[0].number, "Looks good.")
    repo.close(alice, issue)
    repo.take_away(alice, issue.number, "deleted")


def test_every_event_fits_the_published_schema(events: list[Event]) -> None:
    found = {
        f"{event.name} {event.action} {problem}"
        for event in events
        for problem in problems(event.name, _with_installation(event))
    }
    assert "\n".join(sorted(found)) == ""


def _with_installation(event: Event) -> dict[str, Any]:
    keys = NOT_IN_ACTIONS.get(event.name, [])
    return {**event.payload, **{key: examples()[event.name][0][key] for key in keys}}


def test_every_key_that_is_sent_was_recorded_with_that_type(events: list[Event]) -> None:
    found = {f"{event.name} {event.action}: {problem}" for event in events for problem in _unrecorded(event)}
    assert "\n".join(sorted(found)) == ""


def _unrecorded(event: Event) -> Iterator[str]:
    """Null is left to the schema, and so is what no recording goes into."""
    known = recorded(event.name)
    for path, kinds in shape(event.payload).items():
        if UNRECORDED.match(path) or path.startswith(FREE) or _is_unseen(path, known):
            continue
        seen = known.get(path, set()) - {"null"}
        if path not in known:
            yield f"{path} was never recorded"
        elif seen and not kinds - {"null"} <= seen:
            yield f"{path} is {kinds} here and was {seen}"


def _is_unseen(path: str, known: Shape) -> bool:
    """Whether it lies in something that is null, or a list that is empty, in all recordings."""
    steps = [match.start() for match in re.finditer(r"\.|\[\]", path)]
    return any(
        known.get(path[:step]) == {"null"}
        or (
            path[step:].startswith("[]")
            and "array" in known.get(path[:step], ())
            and f"{path[:step]}[]" not in known
        )
        for step in steps
    )


# --- what workflows read ---------------------------------------------------------------------------------


def _sources() -> dict[str, set[str]]:
    """Workflow -> paths of the event that it, or this project's action, reads."""
    action = _paths(ROOT / ".github/actions/rollout/action.yml")
    return {
        file.name: _paths(file) | (action if "actions/rollout" in file.read_text(encoding="utf-8") else set())
        for file in sorted((ROOT / ".github/workflows").glob("*.yml"))
    }


def _paths(file: Path) -> set[str]:
    return {match["path"].replace(".*", "[]") for match in _READ.finditer(file.read_text(encoding="utf-8"))}


def _triggers(name: str) -> set[str]:
    text = (ROOT / ".github/workflows" / name).read_text(encoding="utf-8")
    return set(WorkflowFile("", read(text.encode())).triggers)


@pytest.mark.parametrize("name", sorted(_sources()))
def test_every_key_that_a_workflow_reads_was_recorded(name: str) -> None:
    events = _triggers(name) - NO_WEBHOOK
    missing = {
        path
        for path in _sources()[name]
        if not UNRECORDED.match(path) and not any(path in recorded(event) for event in events)
    }
    assert missing - _of_others(name) == set()


def _of_others(name: str) -> set[str]:
    """What only the action reads, which answers events that this workflow does not have."""
    own = _paths(ROOT / ".github/workflows" / name)
    everything = {event for other in _sources() for event in _triggers(other) - NO_WEBHOOK}
    others = _sources()[name] - own
    return {path for path in others if any(path in recorded(event) for event in everything)}


def test_every_key_that_workflows_read_is_sent(events: list[Event]) -> None:
    """By each event that has it, so that no test goes by a null which GitHub does not send."""
    sent: dict[str, Shape] = {}
    for event in events:
        for path, kinds in shape(event.payload).items():
            sent.setdefault(event.name, {}).setdefault(path, set()).update(kinds)
    missing = {
        f"{name}: {event} lacks {path}"
        for name, paths in _sources().items()
        for event in _triggers(name) - NO_WEBHOOK
        for path in paths
        if (path in recorded(event) or UNRECORDED.match(path)) and path not in sent[event]
    }
    assert missing == set()


def test_every_trigger_of_a_workflow_is_sent(hub: Hub, repo: Repo, events: list[Event]) -> None:
    named = {
        (event, action)
        for name in _sources()
        for event, filters in _all_triggers(name)
        for action in filters.get("types") or [""]
        if event not in (*NO_WEBHOOK, "repository_dispatch")
    }
    sent = {(event.name, action) for event in events for action in ("", event.action)}
    assert named - sent == set()


def _all_triggers(name: str) -> list[tuple[str, dict[str, Any]]]:
    text = (ROOT / ".github/workflows" / name).read_text(encoding="utf-8")
    triggers = WorkflowFile("", read(text.encode())).triggers
    return [(event, filters if isinstance(filters, dict) else {}) for event, filters in triggers.items()]
