"""Workflows, their settings and their runs."""

from __future__ import annotations

from datetime import datetime

from rollout.adapters.github.answers import PassingError, RefusedByGitHubError, parsed
from rollout.adapters.github.api import Api


def workflow_state(api: Api, file: str) -> str:
    """Returns GitHub's word for it, such as `active` or `disabled_inactivity`;
    empty when GitHub does not say.

    Asked once: it is only told.
    """
    try:
        found = api.rest("GET", f"/repos/{api.repository}/actions/workflows/{file}")
        return parsed(str, found, "state")
    except (PassingError, RefusedByGitHubError):
        return ""


def variable(api: Api, name: str) -> str:
    """Returns a variable of the repository; empty when it has none, or GitHub does not say.

    Asked once: a freeze waits for the answer. ("Get a repository variable" shows none of the organization.)
    """
    try:
        found = api.rest("GET", f"/repos/{api.repository}/actions/variables/{name}")
        return parsed(str, found, "value").strip()
    except (PassingError, RefusedByGitHubError):
        return ""


def created_at(api: Api, run: str) -> datetime | None:
    """Returns when the run was requested, however often and late it runs; None when GitHub does not say.

    Asked once: a freeze waits for the answer.
    """
    try:
        found = api.rest("GET", f"/repos/{api.repository}/actions/runs/{run}")
        return parsed(datetime, found, "created_at")
    except (PassingError, RefusedByGitHubError):
        return None
