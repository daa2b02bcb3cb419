"""GraphQL that the state branch is asked with, and the parts of the answers that are used."""

from __future__ import annotations

from rollout.adapters.github.api import Document
from rollout.adapters.github.issue_documents import PageInfo
from rollout.adapters.yaml_store import FileVersion
from rollout.core.files import STATE_BRANCH, is_train

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
    entries: tuple[_File, ...] | None = None


class _Train(Document):
    name: str
    object: _Folder | None = None


class _StateFolder(Document):
    entries: tuple[_Train, ...] | None = None


class _StateEntry(Document):
    object: _StateFolder | None = None

    @property
    def trains(self) -> dict[str, _Folder]:
        """The folders that hold a train, by its name."""
        entries = self.object.entries if self.object else None
        folders = {entry.name: entry.object for entry in entries or () if entry.object}
        return {
            name: each for name, each in folders.items() if is_train(file.name for file in each.entries or ())
        }


class _Oid(Document):
    oid: str


class _Oids(Document):
    nodes: tuple[_Oid, ...] = ()


class _Name(Document):
    name: str


class _Names(Document):
    entries: tuple[_Name, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self.entries or ())


class _NamesEntry(Document):
    object: _Names | None = None


class Commit(Document):
    oid: str
    parents: _Oids
    tree: _Names = _Names()
    workflows: _NamesEntry | None = None
    file: _StateEntry | None = None


class Ref(Document):
    name: str
    target: Commit


class Repository(Document):
    ref: Ref | None = None
    own: Ref | None = None
    default_branch_ref: Ref | None = None
    object: Commit | None = None


class Answer(Document):
    repository: Repository


class _FileRepository(Document):
    object: Blob | None = None


class FileAnswer(Document):
    repository: _FileRepository


class _Author(Document):
    name: str | None = None


class _Content(Document):
    object: Blob | None = None


class _Version(Document):
    oid: str
    author: _Author | None = None
    file: _Content | None = None
    parents: _Oids = _Oids()

    @property
    def by(self) -> str:
        return (self.author.name if self.author else None) or "somebody"

    @property
    def of_file(self) -> FileVersion:
        blob = self.file.object if self.file else None
        is_whole = blob is not None and blob.text is not None and not blob.is_truncated
        text = (blob.text or "").encode() if blob and is_whole else None
        return FileVersion(self.oid, self.by, text, blob is not None)


class History(Document):
    nodes: tuple[_Version, ...]
    page_info: PageInfo


class _HistoryCommit(Document):
    history: History


class _HistoryRepository(Document):
    object: _HistoryCommit | None = None


class HistoryAnswer(Document):
    repository: _HistoryRepository


class _Carrier(Document):
    file: _StateEntry | None = None


class Branch(Document):
    name: str
    target: _Carrier = _Carrier()

    @property
    def trains(self) -> tuple[str, ...]:
        return tuple(self.target.file.trains) if self.target.file else ()


class _Branches(Document):
    nodes: tuple[Branch, ...] = ()
    page_info: PageInfo


class _BranchesRepository(Document):
    refs: _Branches | None = None


class BranchesAnswer(Document):
    repository: _BranchesRepository


class _Leaf(Blob):
    entries: tuple[_File, ...] | None = None


class _Entry(Document):
    name: str
    object: _Leaf | None = None


class _WholeFolder(Document):
    entries: tuple[_Entry, ...] = ()

    def texts(self, folder: str) -> dict[str, bytes]:
        """Path -> content, of what GitHub gives whole."""
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


class _FolderRepository(Document):
    object: _WholeFolder | None = None


class FolderAnswer(Document):
    repository: _FolderRepository
