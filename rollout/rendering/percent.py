"""The pull request that brings a percent to a flag file, in words."""

from __future__ import annotations

from rollout.core.contract import FlagFile
from rollout.core.state import Outcome, Request, TrainState
from rollout.rendering.gates import release_name
from rollout.rendering.inert import code, text


def proposal_body(state: TrainState, request: Request, flag: FlagFile) -> str:
    """Returns what a reviewer has to know: the number, what it is for, and what the merge leads to."""
    release, percent = state.rollout.release, request.canary_percent
    version = text(release_name(release.version)) if release else "the release"
    number = f"Sets {code(flag.pointer)} in {code(flag.path)} to {percent}."
    if state.rollout.outcome is Outcome.ROLLING_BACK:
        why = f"{version} is being rolled back. The product keeps its percent until you merge this."
    else:
        why = (
            f"This brings {version} to {percent} % in {text(request.phase)}. Soak starts once you have merged"
            " this and reconcile has read the number back."
        )
    return f"{number}\n\n{why}"
