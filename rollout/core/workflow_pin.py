"""Which rollout the workflows of a repository call: a repository on GitHub, and one commit of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rollout.errors import InputError

FOLDER = ".github/actions/rollout"
"""Where the composite action lies in the tool's own repository."""
WORKFLOWS = ".github/workflows"
"""Where GitHub looks for workflows."""
NESTED = (
    "actions/cache/restore",
    "actions/cache/save",
    "actions/checkout",
    "actions/create-github-app-token",
)
"""What that action uses itself, which GitHub judges too (actions/runner#1040, #1250)."""
LOCAL = f"./{FOLDER}"
"""How a workflow of the tool's own repository calls it."""
CHECK_WORKFLOW = "rollout-check.yml"
"""Judges pull requests."""
CLOSED_WORKFLOW = "rollout-closed.yml"
"""Asks for a reconcile after what closed pull requests, and pushes to a state branch of its own, change."""

RECONCILE_WORKFLOW = "rollout-reconcile.yml"
"""Decides."""
COLLECT_WORKFLOW = "rollout-collect.yml"
"""Reads surfaces on one runner, and does there what was asked for."""
METRICS_WORKFLOW = "rollout-metrics.yml"
"""Asks metrics servers from one runner, with their secrets and without the product's code."""
READING_WORKFLOWS = (COLLECT_WORKFLOW, METRICS_WORKFLOW)
"""Whose runs hand evidence over."""
SCHEDULE_WORKFLOW = "rollout-schedule.yml"
"""Decides at fixed times; GitHub switches a file with a schedule off after 60 days without activity."""

_OTHER_CI = frozenset(
    {
        ".circleci",
        ".gitlab-ci.yml",
        ".travis.yml",
        "Jenkinsfile",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
    }
)
"""Where other systems that know `[skip ci]` are set up."""
_PIN = re.compile(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40}|[0-9a-f]{64})")
_ADDRESS = re.compile(
    r"(?:\w+://(?:[^/@]*@)?(?P<host>[\w.-]+)(?::\d+)?/|(?:[^/@]*@)?(?P<short>[\w.-]+):)"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
PUBLIC_HOST = "github.com"
_DATA_RESIDENCY = ".ghe.com"
"""Enterprise Cloud with data residency: `ENTERPRISE.ghe.com`, the same software as github.com."""
_ALSO_PUBLIC = ("ssh.github.com", "www.github.com")
_HINT = (
    "write it as OWNER/REPO@SHA, the whole id of a commit of rollout's repository;"
    " git ls-remote https://github.com/OWNER/REPO HEAD prints one"
)


@dataclass(frozen=True)
class ActionPin:
    repository: str
    """`owner/name` of the tool's repository."""
    commit: str
    """Its whole id: a branch or a tag could be moved to other code."""

    def uses(self, version: str) -> str:
        """Returns what a step says after `uses:`, with the version for people and update bots."""
        return f"{self.repository}/{FOLDER}@{self.commit} # v{version}"

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit}"


def why_disabled(state: str) -> str:
    """Returns why a workflow of that state (GitHub's word) does not run;
    empty when it does, or that is not known.
    """
    if not state.startswith("disabled"):
        return ""
    return "after 60 days without activity" if state == "disabled_inactivity" else "by somebody"


def has_other_ci(root: Collection[str], workflows: Collection[str]) -> bool:
    """Returns whether a branch starts more than the tool's workflows.

    `root`: names in its top folder; `workflows`: those in `.github/workflows`.
    """
    files = (name for name in workflows if name.endswith((".yml", ".yaml")))
    return not _OTHER_CI.isdisjoint(root) or any(not name.startswith("rollout-") for name in files)


def parse_pin(text: str) -> ActionPin:
    """Parses `OWNER/REPO@SHA`. Raises InputError for anything else, a short commit id too."""
    match = _PIN.fullmatch(text)
    if match is None:
        raise InputError(f"--action {text}: not a repository at a commit", hint=_HINT)
    return ActionPin(match[1], match[2])


def unknown_pin() -> InputError:
    """Returns the error for workflows without the version of rollout that they are to call."""
    return InputError("which rollout the workflows are to call is not known", hint=f"--action: {_HINT}")


@dataclass(frozen=True)
class RepositoryPlace:
    """Where a repository is on GitHub."""

    host: str
    """Of its pages and of git, in lower case."""
    name: str
    """`owner/name`"""

    @property
    def is_enterprise_server(self) -> bool:
        """Whether it is a server that a company runs, which lacks newer things of Actions."""
        return self.host != PUBLIC_HOST and not self.host.endswith(_DATA_RESIDENCY)

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"


def place_on_github(url: str, server: str = "") -> RepositoryPlace | None:
    """Parses a repository's address, in any of git's forms; None when it is not on GitHub.

    `server` is the host of an Enterprise Server, which no address shows to be one.
    """
    place = _place(url)
    if place is None:
        return None
    is_known = place.host in (PUBLIC_HOST, server.lower()) or place.host.endswith(_DATA_RESIDENCY)
    return place if is_known else None


def is_same_place(url: str, other: str) -> bool:
    """Returns whether two addresses, in any of git's ways to write them, are of one repository."""
    one, two = _place(url), _place(other)
    return one is not None and two is not None and str(one).lower() == str(two).lower()


def _place(url: str) -> RepositoryPlace | None:
    match = _ADDRESS.fullmatch(url.strip())
    if match is None:
        return None
    host = (match["host"] or match["short"]).lower()
    return RepositoryPlace(PUBLIC_HOST if host in _ALSO_PUBLIC else host, match["name"])


def name_on_github(url: str) -> str | None:
    """Returns `owner/name` of a repository on the public GitHub; None when it is elsewhere."""
    place = place_on_github(url)
    return place.name if place is not None and place.host == PUBLIC_HOST else None
