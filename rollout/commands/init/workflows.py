"""The workflow files of a repository: which branch is to have which, and writing those that are missing.

docs/design/state-branch.md says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rollout.core.contract import Contract
from rollout.core.doctor.facts import METRICS_ENVIRONMENT
from rollout.core.workflow_pin import (
    CHECK_WORKFLOW,
    CLOSED_WORKFLOW,
    METRICS_WORKFLOW,
    RECONCILE_WORKFLOW,
    SCHEDULE_WORKFLOW,
    WORKFLOWS,
    ActionPin,
)
from rollout.core.workflow_pin import FOLDER as ACTION
from rollout.ports import Worktree
from rollout.rendering.workflows import (
    caller_of_state_branch,
    is_as_written,
    thin_caller,
    with_schedule_of,
    with_secrets,
)

_BY_HAND = "move it away, run this again, and put the change back"


@dataclass(frozen=True)
class Workflows:
    """Which workflow files a branch is to have."""

    files: Mapping[str, str]
    """Path -> text."""
    pin: ActionPin | None = None
    """What they call; None for the action in the same repository."""
    branch: str | None = None
    """The state branch, when they are for that one; None for the branch of the worktree."""
    secrets: tuple[str, ...] = ()
    """What the workflow that measures hands on."""
    unneeded: tuple[str, ...] = ()
    """Paths that no contract needs."""


@dataclass(frozen=True)
class WorkflowFiles:
    """What became of the workflows of one branch."""

    workflows: Workflows
    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that were there already, and stay as they are."""
    changed: tuple[str, ...] = ()
    """Files that an update does not write anew, because a person changed them."""
    unneeded: tuple[str, ...] = ()
    """Files that are there, and that no contract needs."""

    @property
    def where(self) -> str:
        """To be put behind a path."""
        return f" on {self.workflows.branch}" if self.workflows.branch else ""

    @property
    def lines(self) -> list[str]:
        """What else a person has to know, beside what was written."""
        kept = [f"kept {path}{self.where}, which was there already" for path in self.kept]
        pin = self.workflows.pin
        calls = (
            [f"workflows{self.where}: they call {pin.repository} at commit {pin.commit}"]
            if pin and self.written
            else []
        )
        changed = [f"kept {path}{self.where}, which somebody changed: {_BY_HAND}" for path in self.changed]
        unneeded = [
            f"{path}{self.where}: no contract has metrics, so nothing needs it: git rm {path}"
            for path in self.unneeded
        ]
        return kept + changed + calls + self._secrets + unneeded

    @property
    def _secrets(self) -> list[str]:
        names = self.workflows.secrets
        if not names or f"{WORKFLOWS}/{METRICS_WORKFLOW}" not in self.written:
            return []
        where = f"the environment {METRICS_ENVIRONMENT}"
        return [f"{METRICS_WORKFLOW} reads secrets of {where}: {', '.join(names)}"]

    @property
    def text(self) -> str:
        """For a person, when nothing but workflows was written; without a line end."""
        lines = [*(f"wrote {path}{self.where}" for path in self.written), *self.lines]
        branch = self.workflows.branch
        if branch and self.written:
            lines.append(f"committed to {branch}: git push origin {branch}")
        return "\n".join(lines or [f"workflows{self.where}: nothing to do"])

    @property
    def document(self) -> dict[str, object]:
        """For scripts."""
        pin, branch = self.workflows.pin, self.workflows.branch
        return {
            **({"branch": branch} if branch else {}),
            "action": str(pin) if pin else None,
            "written": list(self.written),
            "kept": list(self.kept),
            **({"changed": list(self.changed)} if self.changed else {}),
            **({"unneeded": list(self.unneeded)} if self.unneeded else {}),
        }


def install_workflows(files: Worktree, workflows: Workflows) -> WorkflowFiles:
    """Writes the workflows that are missing; one that is there stays as it is."""
    installed = missing(files, workflows)
    files.write_new({path: workflows.files[path] for path in installed.written})
    return installed


def update_workflows(files: Worktree, workflows: Workflows) -> WorkflowFiles:
    """Writes those that are missing or of another version; of a schedule the times stay.

    A file that a person changed otherwise is kept, and named.
    """
    written: dict[str, str] = {}
    changed = []
    for path, text in workflows.files.items():
        if not files.exists(path):
            written[path] = _with_times_of_before(files, path, text)
            continue
        old = files.read(path).decode(errors="replace")
        new = with_schedule_of(old, text)
        if old == new:
            continue
        if is_as_written(old):
            written[path] = new
        else:
            changed.append(path)
    files.write(written)
    return WorkflowFiles(workflows, tuple(written), (), tuple(changed), _unneeded(files, workflows))


def _unneeded(files: Worktree, workflows: Workflows) -> tuple[str, ...]:
    return tuple(filter(files.exists, workflows.unneeded))


def _with_times_of_before(files: Worktree, path: str, text: str) -> str:
    """Returns the schedule with the times of rollout-reconcile, which had one before it got a file of its
    own.
    """
    before = f"{WORKFLOWS}/{RECONCILE_WORKFLOW}"
    if path != f"{WORKFLOWS}/{SCHEDULE_WORKFLOW}" or not files.exists(before):
        return text
    return with_schedule_of(files.read(before).decode(errors="replace"), text)


def missing(files: Worktree, workflows: Workflows) -> WorkflowFiles:
    """Returns what `install_workflows` is about to do."""
    kept = tuple(path for path in workflows.files if files.exists(path))
    written = tuple(path for path in workflows.files if path not in kept)
    return WorkflowFiles(workflows, written, kept, unneeded=_unneeded(files, workflows))


def is_own_repository(worktree: Worktree) -> bool:
    """Returns whether the worktree is of the tool itself, whose workflows call the action beside them."""
    return worktree.exists(f"{ACTION}/action.yml")


def secrets_of_metrics(contracts: Iterable[Contract]) -> tuple[str, ...] | None:
    """Returns the secrets that metrics of any contract need, sorted; None where no contract has metrics."""
    measuring = [contract for contract in contracts if contract.measures]
    if not measuring:
        return None
    return tuple(sorted({name for contract in measuring for name in contract.variables}))


def plan_workflows(
    texts: Mapping[str, str],
    pin: ActionPin | None,
    state_branch: str | None = None,
    secrets: Sequence[str] | None = None,
) -> Workflows:
    """Plans the files; `texts`: file name -> this project's own workflow. Without a pin they stay unchanged.

    A state branch of its own has `rollout-check` for itself. `secrets` are those of metrics: None, where no
    contract has metrics, leaves their workflow out, as one that nothing needs.
    """
    if pin is None:
        return Workflows({f"{WORKFLOWS}/{name}": text for name, text in texts.items()})
    left_out = {
        *([CHECK_WORKFLOW] if state_branch is not None else []),
        *([METRICS_WORKFLOW] if secrets is None else []),
    }
    files = {
        f"{WORKFLOWS}/{name}": thin_caller(
            with_secrets(text, secrets or ()) if name == METRICS_WORKFLOW else text, pin
        )
        for name, text in texts.items()
        if name not in left_out
    }
    unneeded = [METRICS_WORKFLOW] if secrets is None and METRICS_WORKFLOW in texts else []
    return Workflows(
        files,
        pin,
        secrets=tuple(secrets or ()),
        unneeded=tuple(f"{WORKFLOWS}/{name}" for name in unneeded),
    )


def plan_for_state_branch(texts: Mapping[str, str], pin: ActionPin, branch: str) -> Workflows:
    """Returns those that events of a state branch of its own start. `texts` as for `plan_workflows`."""
    names = (CHECK_WORKFLOW, CLOSED_WORKFLOW)
    files = {f"{WORKFLOWS}/{name}": caller_of_state_branch(texts[name], pin, branch) for name in names}
    return Workflows(files, pin, branch)
