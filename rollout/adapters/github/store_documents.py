"""GraphQL that the state branch is asked with, and the parts of the answers that are used."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from rollout.adapters.github.answers import Document, Name, Nodes, Oid, within
from rollout.core.files import STATE_BRANCH, is_train
from rollout.files.state_files import FileVersion

_STATE_OF_COMMIT = """fragment state on Commit {
  oid
  parents(first: 1) { nodes { oid } }
  tree { entries { name } }
  workflows: file(path: ".github/workflows") { object { ... on Tree { entries { name } } } }
  file(path: "state") { object { ... on Tree { entries { name object { ... on Tree { entries {
    name mode object { ... on Blob { oid text isTruncated } }
  } } } } } } }
}"""
TIP = (
    """query($owner: String!, $name: String!, $ref: String!, $named: Boolean!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    ref(qualifiedName: $ref) @include(if: $named) { name target { ...state } }
    own: ref(qualifiedName: "refs/heads/"""
    + STATE_BRANCH
    + """") @skip(if: $named) { name target { ...state } }
    defaultBranchRef @skip(if: $named) { name target { ...state } }
  }
}
"""
    + _STATE_OF_COMMIT
)
COMMIT = (
    """query($owner: String!, $name: String!, $oid: GitObjectID!) {
  repository(owner: $owner, name: $name) { nameWithOwner object(oid: $oid) { ...state } }
}
"""
    + _STATE_OF_COMMIT
)
FILE = """query($owner: String!, $name: String!, $place: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner
    object(expression: $place) { ... on Blob { text isTruncated } } }
}"""


HISTORY = """query($owner: String!, $name: String!, $oid: GitObjectID!, $path: String!, $after: String) {
  repository(owner: $owner, name: $name) { nameWithOwner object(oid: $oid) { ... on Commit {
    history(path: $path, first: 20, after: $after) {
      nodes { oid author { name } file(path: $path) { object { ... on Blob { text isTruncated } } } }
      pageInfo { hasNextPage endCursor }
    }
  } } }
}"""


TAKEN_AWAY = """query($owner: String!, $name: String!, $oid: GitObjectID!, $path: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner object(oid: $oid) { ... on Commit {
    history(path: $path, first: 20) { nodes { oid author { name } parents(first: 1) { nodes { oid } } }
      pageInfo { hasNextPage endCursor } }
  } } }
}"""
CARRIERS = """query($owner: String!, $name: String!, $after: String) {
  repository(owner: $owner, name: $name) { nameWithOwner
    refs(refPrefix: "refs/heads/", first: 100, after: $after) {
      nodes { name target { ... on Commit {
        file(path: "state") { object { ... on Tree { entries {
          name object { ... on Tree { entries { name } } } } } } } } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""
FOLDER = """query($owner: String!, $name: String!, $place: String!) {
  repository(owner: $owner, name: $name) { nameWithOwner object(expression: $place) { ... on Tree {
    entries { name object {
      ... on Blob { text isTruncated }
      ... on Tree { entries { name object { ... on Blob { text isTruncated } } } }
    } }
  } } }
}"""
"""A train's folder with those in it, such as its incidents."""


class Blob(Document):
    text: str | None = None
    is_truncated: bool = False
    oid: str = ""
    """Where the query asks."""
    mode: int = 0o100644


class _File(Document):
    name: str
    object: Blob | None = None
    mode: int = 0o100644
    """Where the query asks."""

    @property
    def blob(self) -> Blob | None:
        """None for a folder."""
        return self.object.model_copy(update={"mode": self.mode}) if self.object else None


class _Folder(Document):
    name: str
    files: Annotated[tuple[_File, ...] | None, within("entries", or_none=True)] | None = Field(
        default=None, alias="object"
    )
    """None of what is no folder."""


_Folders = tuple[_Folder, ...]
_Names = tuple[Name, ...]


def trains_of(folders: Iterable[_Folder] | None) -> dict[str, tuple[_File, ...]]:
    """Returns name -> files of the folders that hold a train."""
    files = {folder.name: folder.files or () for folder in folders or ()}
    return {name: each for name, each in files.items() if is_train(file.name for file in each)}


class Commit(Document):
    oid: str
    parents: Nodes[Oid]
    root: Annotated[_Names | None, within("entries", or_none=True)] | None = Field(default=None, alias="tree")
    """Names of what lies there."""
    workflows: Annotated[_Names | None, within("object", "entries", or_none=True)] | None = None
    folders: Annotated[_Folders | None, within("object", "entries", or_none=True)] | None = Field(
        default=None, alias="file"
    )
    """Those in `state/`."""


class Ref(Document):
    name: str
    target: Commit


class Repository(Document):
    ref: Ref | None = None
    own: Ref | None = None
    default_branch_ref: Ref | None = None
    object: Commit | None = None


class Version(Document):
    """A commit of a file's history."""

    oid: str
    author: Annotated[str | None, within("name", or_none=True)] | None = None
    blob: Annotated[Blob | None, within("object", or_none=True)] | None = Field(default=None, alias="file")
    parents: Nodes[Oid] | None = None

    @property
    def by(self) -> str:
        return self.author or "somebody"

    @property
    def of_file(self) -> FileVersion:
        blob = self.blob
        is_whole = blob is not None and blob.text is not None and not blob.is_truncated
        text = (blob.text or "").encode() if blob and is_whole else None
        return FileVersion(self.oid, self.by, text, blob is not None)


class Branch(Document):
    name: str
    folders: Annotated[_Folders | None, within("file", "object", "entries", or_none=True)] = Field(
        default=None, alias="target"
    )

    @property
    def trains(self) -> tuple[str, ...]:
        return tuple(trains_of(self.folders))


class _Leaf(Blob):
    entries: tuple[_File, ...] | None = None


class _Entry(Document):
    name: str
    object: _Leaf | None = None


class Folder(Document):
    """A folder with those in it."""

    entries: tuple[_Entry, ...] = ()

    def texts(self, folder: str) -> dict[str, bytes]:
        """Returns path -> content, of what GitHub gives whole."""
        blobs: list[tuple[str, Blob | None]] = [(entry.name, entry.object) for entry in self.entries]
        blobs += [
            (f"{entry.name}/{file.name}", file.object)
            for entry in self.entries
            for file in (entry.object and entry.object.entries) or ()
        ]
        return {
            f"{folder}/{name}": blob.text.encode()
            for name, blob in blobs
            if blob is not None and blob.text is not None and not blob.is_truncated
        }
