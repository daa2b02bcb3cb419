"""Workflow files as they are on a branch: name, triggers, jobs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from fakehub.repo import Repo

FOLDER = ".github/workflows"


class Yaml12(yaml.CSafeLoader):
    """As GitHub reads it: `on`, `off`, `yes` and `no` are words."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if first in "tTfF" or not tag.endswith(":bool")]
        for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@cache
def read(text: bytes) -> Any:
    """Parses a document as GitHub does. It is cached: change nothing in it."""
    return yaml.load(text, Loader=Yaml12)  # noqa: S506 a SafeLoader


@dataclass(frozen=True)
class WorkflowFile:
    path: str
    document: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.document.get("name") or self.path)

    @property
    def triggers(self) -> dict[str, Any]:
        """Event -> its filters ({} for none)."""
        raw = self.document.get("on")
        if isinstance(raw, str):
            return {raw: {}}
        if isinstance(raw, list):
            return {str(name): {} for name in raw}
        return {name: filters or {} for name, filters in (raw or {}).items()}


def workflow_files(repo: Repo, revision: str) -> list[WorkflowFile]:
    """Returns every workflow at that commit or branch, by path."""
    try:
        entries = repo.bare.tree(f"{revision}:{FOLDER}")
    except subprocess.CalledProcessError:
        return []
    files = []
    for entry in entries:
        if entry.type == "blob" and entry.path.endswith((".yml", ".yaml")):
            files.append(WorkflowFile(f"{FOLDER}/{entry.path}", read(repo.bare.blob(entry.sha))))
    return files
