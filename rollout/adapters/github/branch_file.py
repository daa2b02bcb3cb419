"""One file of a commit, or of a branch's tip, byte for byte."""

from __future__ import annotations

from rollout.adapters.git import object_id
from rollout.adapters.git.formats import mode_text
from rollout.adapters.github.answers import Document, PassingError, parsed_or_none
from rollout.adapters.github.api import Api, owner_and_name
from rollout.adapters.github.store_documents import Blob
from rollout.errors import InputError
from rollout.files.state_files import refuse_other_kinds
from rollout.ports import BranchFile

_FILE = "file(path: $path) { mode object { ... on Blob { oid text isTruncated } } }"
_OF_COMMIT = f"""query($owner: String!, $name: String!, $oid: GitObjectID!, $path: String!) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner
    object(oid: $oid) {{ ... on Commit {{ oid {_FILE} }} }}
  }}
}}"""
_OF_TIP = f"""query($owner: String!, $name: String!, $ref: String!, $path: String!) {{
  repository(owner: $owner, name: $name) {{ nameWithOwner
    ref(qualifiedName: $ref) {{ target {{ ... on Commit {{ oid {_FILE} }} }} }}
  }}
}}"""


class _Entry(Document):
    mode: int
    object: Blob | None = None


class _Commit(Document):
    oid: str
    file: _Entry | None = None


def file_at(api: Api, path: str, commit: str) -> bytes | None:
    """Returns a file of a commit in the repository of state; None when it is not there.

    Raises InputError for what GitHub does not give byte for byte, OutsideError when it does not answer.
    """
    variables = {**api.owner_and_name, "oid": commit, "path": path}

    def ask() -> _Commit:
        found = parsed_or_none(_Commit, api.graphql(_OF_COMMIT, variables), "repository", "object")
        if found is None:
            raise PassingError(f"GitHub does not show commit {commit[:12]} yet")
        return found

    return _content(api.attempt(f"reading {path} of {commit[:12]}", ask), path)


def file_on(api: Api, repository: str, branch: str, path: str) -> BranchFile | None:
    """Returns a file at the tip of a branch; None when there is no such branch. Raises as `file_at`."""
    variables = {**owner_and_name(repository), "ref": f"refs/heads/{branch}", "path": path}

    def ask() -> _Commit | None:
        return parsed_or_none(_Commit, api.graphql(_OF_TIP, variables), "repository", "ref", "target")

    found = api.attempt(f"reading {path} on {branch} of {repository}", ask)
    return BranchFile(found.oid, _content(found, path)) if found else None


def _content(commit: _Commit, path: str) -> bytes | None:
    if commit.file is None:
        return None
    refuse_other_kinds(mode_text(commit.file.mode), path)
    blob = commit.file.object
    content = None if blob is None or blob.text is None or blob.is_truncated else blob.text.encode()
    if blob is None or content is None or object_id("blob", content, len(blob.oid)) != blob.oid:
        hint = f"see who changed it: git log -p -- {path}"
        raise InputError(
            f"{path}: GitHub does not give it whole: too long, or no UTF-8 text", hint=hint, file=path
        )
    return content
