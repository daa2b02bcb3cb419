"""The workflow files of a repository: which it is to have, and writing those that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rollout.core.action import FOLDER as ACTION
from rollout.core.action import ActionPin
from rollout.ports import Worktree
from rollout.rendering.workflows import thin_caller

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflows:
    """Which workflow files a repository is to have."""

    files: Mapping[str, str]
    """Path -> text."""
    pin: ActionPin | None = None
    """What they call; None for the action in the same repository."""


@dataclass(frozen=True)
class Installed:
    """What became of the workflows."""

    workflows: Workflows
    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that were there already, and stay as they are."""

    @property
    def lines(self) -> list[str]:
        """What else a person has to know, beside what was written."""
        kept = [f"kept {path}, which was there already" for path in self.kept]
        pin = self.workflows.pin
        calls = (
            [f"workflows: they call {pin.repository} at commit {pin.commit}"] if pin and self.written else []
        )
        return kept + calls

    @property
    def text(self) -> str:
        """For a person, when nothing but workflows was written; without a line end."""
        return "\n".join([*(f"wrote {path}" for path in self.written), *self.lines])

    @property
    def document(self) -> dict[str, object]:
        """For scripts."""
        pin = self.workflows.pin
        return {
            "action": str(pin) if pin else None,
            "written": list(self.written),
            "kept": list(self.kept),
        }


def install_workflows(worktree: Worktree, workflows: Workflows) -> Installed:
    """Write the workflows that are missing; one that is there stays as it is."""
    installed = missing(worktree, workflows)
    worktree.write_new({path: workflows.files[path] for path in installed.written})
    return installed


def missing(worktree: Worktree, workflows: Workflows) -> Installed:
    """What `install_workflows` is about to do."""
    kept = tuple(path for path in workflows.files if worktree.exists(path))
    return Installed(workflows, tuple(path for path in workflows.files if path not in kept), kept)


def is_own_repository(worktree: Worktree) -> bool:
    """Whether the worktree is of the tool itself, whose workflows call the action beside them."""
    return worktree.exists(f"{ACTION}/action.yml")


def plan_workflows(texts: Mapping[str, str], pin: ActionPin | None) -> Workflows:
    """`texts`: file name -> this project's own workflow. Without a pin they stay as they are."""
    files = {f"{FOLDER}/{name}": thin_caller(text, pin) if pin else text for name, text in texts.items()}
    return Workflows(files, pin)
