"""Nothing that a run leaves behind holds a token or a key; the fake masks no logs, so that it shows."""

from __future__ import annotations

import pytest

from fakehub.engine import artifact_files
from fakehub.hub import Hub
from tests.workflows.town import Town

KEY = "-----BEGIN RSA PRIVATE KEY----- of the App"


def left_behind(town: Town) -> str:
    """Logs, summaries, annotations, artifacts, threads, statuses, and every commit with its files."""
    jobs = [job for run in town.repo.runs for job in run.jobs]
    parts = [text for job in jobs for text in (job.log, job.summary, *job.annotations)]
    parts += [
        content.decode("utf-8", "replace")
        for artifact in town.repo.artifacts
        for content in artifact_files(artifact).values()
    ]
    for thread in town.repo.threads.values():
        parts += [thread.title, thread.body or "", *(comment.body for comment in thread.comments)]
    parts += [status.description or "" for status in town.repo.statuses]
    parts.append(town.repo.bare.git("log", "--all", "--patch", "--no-color"))
    return "\n".join(parts)


@pytest.mark.parametrize("app", [True, False], ids=["app", "plain token"])
def test_no_token_and_no_key_is_left_anywhere(hub: Hub, app: bool, request: pytest.FixtureRequest) -> None:
    town: Town = request.getfixturevalue("town" if app else "plain_town")
    hub.engine.secrets["ROLLOUT_APP_PRIVATE_KEY"] = KEY
    hub.engine.secrets["ROLLOUT_PRODUCT_TOKEN"] = town.alice.value
    town.start()
    town.settle()
    town.tick()
    town.feel(voice="failing")
    town.start(version="refused, since one is running")
    town.tick()
    left = left_behind(town)
    assert town.release in left
    for secret in (KEY, "ghs_run_", "ghs_app_", "ghp_"):
        assert secret not in left, secret
