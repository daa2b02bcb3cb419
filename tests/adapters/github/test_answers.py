"""Answers of GitHub with a null at each step of a path: None where that says something, else a fault."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from rollout.adapters.github.answers import (
    CountedNodes,
    Document,
    Nodes,
    Oid,
    Page,
    PassingError,
    parsed,
    parsed_or_none,
    within,
)
from rollout.adapters.github.checks_documents import Suite
from rollout.adapters.github.documents import ProductView, Pull
from rollout.adapters.github.evidence import _Artifact, _digest, _Review, _Run
from rollout.adapters.github.store_documents import Branch, Commit, Version, trains_of

PAGE = {"hasNextPage": False, "endCursor": None}
COMMIT = {
    "oid": "c1",
    "parents": {"nodes": [{"oid": "c0"}]},
    "tree": {"entries": [{"name": "state"}]},
    "workflows": {"object": {"entries": [{"name": "ci.yml"}]}},
    "file": {"object": {"entries": [{"name": "tau", "object": {"entries": [{"name": "rollout.yaml"}]}}]}},
}
PULL = {
    "number": 1,
    "title": "t",
    "body": "",
    "state": "MERGED",
    "headRefName": "h",
    "headRefOid": "c1",
    "baseRefName": "main",
    "isCrossRepository": False,
    "mergeCommit": {"oid": "c2"},
    "labels": {"nodes": [{"name": "rollout"}]},
    "begin": {"nodes": [{"commit": {"parents": {"nodes": [{"oid": "c0"}]}}}]},
    "end": {"nodes": [{"commit": {"oid": "c1", "status": {"contexts": []}}}]},
    "files": {"totalCount": 1, "nodes": [{"path": "state/tau/rollout.yaml"}]},
    "head": {"nodes": [{"commit": {"oid": "c1", "file": {"mode": 1, "oid": "b", "object": {"text": "x"}}}}]},
}
SUITE = {
    "id": "s",
    "createdAt": "2026-01-01T00:00:00Z",
    "app": {"slug": "github-actions"},
    "workflowRun": {"workflow": {"resourcePath": "/a/b/actions/workflows/ci.yml"}},
    "checkRuns": {"nodes": [], "pageInfo": PAGE},
}
VERSION = {"oid": "c", "author": {"name": "ada"}, "file": {"object": {"text": "x", "isTruncated": False}}}
PRODUCT = {"object": {"oid": "c"}, "ref": {"target": {"oid": "c", "tree": {"entries": []}}}, "before": None}

FAULT = "fault"


def nulled(document: Any, *path: str | int) -> Any:
    """The document with null at the end of that path."""
    if not path:
        return None
    step, *rest = path
    if isinstance(document, list):
        return [nulled(each, *rest) if at == step else each for at, each in enumerate(document)]
    return {**document, step: nulled(document[str(step)], *rest)}


ROWS: list[tuple[type[Document], Any, str, tuple[str | int, ...], object]] = [
    # what is read of it, where the null is, and what it then is
    (Commit, COMMIT, "parents", ("parents",), FAULT),
    (Commit, COMMIT, "parents", ("parents", "nodes"), FAULT),
    (Commit, COMMIT, "parents", ("parents", "nodes", 0), FAULT),
    (Commit, COMMIT, "root", ("tree",), None),
    (Commit, COMMIT, "root", ("tree", "entries"), None),
    (Commit, COMMIT, "root", ("tree", "entries", 0), FAULT),
    (Commit, COMMIT, "workflows", ("workflows",), None),
    (Commit, COMMIT, "workflows", ("workflows", "object"), None),
    (Commit, COMMIT, "workflows", ("workflows", "object", "entries"), None),
    (Commit, COMMIT, "folders", ("file",), None),
    (Commit, COMMIT, "folders", ("file", "object"), None),
    (Commit, COMMIT, "folders", ("file", "object", "entries"), None),
    (Commit, COMMIT, "folders", ("file", "object", "entries", 0), FAULT),
    (Pull, PULL, "merge_commit", ("mergeCommit",), None),
    (Pull, PULL, "merge_commit", ("mergeCommit", "oid"), FAULT),
    (Pull, PULL, "label_names", ("labels",), frozenset()),
    (Pull, PULL, "label_names", ("labels", "nodes"), FAULT),
    (Pull, PULL, "begin", ("begin",), FAULT),
    (Pull, PULL, "begin", ("begin", "nodes", 0), FAULT),
    (Pull, PULL, "begin", ("begin", "nodes", 0, "commit", "parents"), FAULT),
    (Pull, PULL, "end", ("end", "nodes", 0, "commit"), FAULT),
    (Pull, PULL, "files", ("files",), None),
    (Pull, PULL, "files", ("files", "nodes"), FAULT),
    (Pull, PULL, "rollout_file", ("head", "nodes", 0, "commit", "file"), None),
    (Pull, PULL, "rollout_file", ("head", "nodes", 0, "commit"), FAULT),
    (Suite, SUITE, "app", ("app",), None),
    (Suite, SUITE, "workflow", ("workflowRun",), None),
    (Suite, SUITE, "workflow", ("workflowRun", "workflow"), FAULT),
    (Suite, SUITE, "check_runs", ("checkRuns", "pageInfo"), FAULT),
    (Version, VERSION, "by", ("author",), "somebody"),
    (Version, VERSION, "by", ("author", "name"), "somebody"),
    (Version, VERSION, "blob", ("file",), None),
    (Version, VERSION, "blob", ("file", "object"), None),
    (ProductView, PRODUCT, "object", ("object",), None),
    (ProductView, PRODUCT, "tip", ("ref",), None),
    (ProductView, PRODUCT, "tip", ("ref", "target"), FAULT),
    (Branch, {"name": "b", "target": {"file": {"object": None}}}, "trains", ("target", "file"), ()),
    (Branch, {"name": "b", "target": {"file": {"object": None}}}, "trains", ("target",), FAULT),
]


@pytest.mark.parametrize(
    ("kind", "document", "field", "path", "wanted"),
    ROWS,
    ids=[f"{row[0].__name__}.{'.'.join(map(str, row[3]))}" for row in ROWS],
)
def test_a_null_on_the_way(
    kind: type[Document], document: Any, field: str, path: tuple[str | int, ...], wanted: object
) -> None:
    parsed(kind, document)
    cut = nulled(document, *path)
    if wanted == FAULT:
        with pytest.raises(PassingError, match="makes no sense"):
            parsed(kind, cut)
    else:
        assert getattr(parsed(kind, cut), field) == wanted


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"repository": {"object": {"history": {"nodes": [{"oid": "c"}], "pageInfo": PAGE}}}}, ("c",)),
        ({"repository": {"object": {"history": None}}}, None),
        ({"repository": {"object": {}}}, None),
        ({"repository": {"object": None}}, None),
        ({"repository": None}, FAULT),
        ({}, FAULT),
        (None, FAULT),
        ([], FAULT),
        ({"repository": {"object": {"history": {"nodes": [{"oid": 7}], "pageInfo": PAGE}}}}, FAULT),
    ],
)
def test_what_may_be_missing(answer: object, wanted: object) -> None:
    path = ("repository", "object", "history")
    if wanted == FAULT:
        with pytest.raises(PassingError, match="an answer that makes no sense: repository"):
            parsed_or_none(Page[Oid], answer, *path)
    else:
        found = parsed_or_none(Page[Oid], answer, *path)
        assert (found and found.nodes) == wanted


@pytest.mark.parametrize("answer", [{"node": None}, {}])
def test_a_node_that_is_gone(answer: object) -> None:
    assert parsed_or_none(CountedNodes[str], answer, "node") is None


def test_where_it_makes_no_sense() -> None:
    answer = {"repository": {"pullRequest": {**PULL, "title": None}}}
    with pytest.raises(PassingError, match=r"repository\.pullRequest\.title: Input should be a valid string"):
        parsed(Pull, answer, "repository", "pullRequest")
    with pytest.raises(PassingError, match=r"nodes\.0: oid is missing"):
        parsed(Nodes[Annotated[str, within("oid")]], {"nodes": [{}]})


def test_a_folder_without_a_train_is_none() -> None:
    entries = [
        {"name": "tau", "object": {"entries": [{"name": "rollout.yaml"}, {"name": "contract.yaml"}]}},
        {"name": "notes", "object": {"entries": [{"name": "README.md"}]}},
        {"name": "calendar.yaml", "object": {}},
        {"name": "link", "object": None},
    ]
    commit = parsed(Commit, {**COMMIT, "file": {"object": {"entries": entries}}})
    assert list(trains_of(commit.folders)) == ["tau"]


def test_the_digests_that_signatures_hold() -> None:
    """Recorded signatures rest on them: another form of the same answer would end each of them."""
    run = {"id": 7, "head_sha": "c", "status": "completed", "conclusion": "success", "run_attempt": 2}
    artifact = {"id": 7, "expired": False, "size_in_bytes": 9, "digest": None, "workflow_run": {"id": 5}}
    review = {
        "id": 7,
        "node_id": "n",
        "state": "APPROVED",
        "body": "ok",
        "commit_id": "c",
        "user": {"login": "ada"},
    }
    assert _digest(parsed(_Run, run)) == "6fed52fe821abe4f03c84f7c6da51baa326df87c48d780e6fa264cce6f6e3b2b"
    assert (
        _digest(parsed(_Artifact, artifact))
        == "69591f14f1e5b9c8aa2253734a5c3667e891420c948644bd4201509a19d685c6"
    )
    assert (
        _digest(parsed(_Review, review)) == "4f8d4c099075497b7c64a898d7658ff327500d0690c3ce4473ed7e14eaefc92c"
    )
