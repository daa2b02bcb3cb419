"""The product side's answers to the channel: they wait for no rollout, and none waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.channel.requests import IDS, answered
from rollout.core.decide.step import Step
from rollout.core.observation import Evidence, Results
from rollout.core.state import Event, StateChange, TrainState


def answer(item: Evidence, state: TrainState) -> Step | None:
    """Returns the commit that records the channel's answer in that evidence; None when it has none."""
    if not isinstance(item, Results) or item.train != state.train:
        return None
    channel = answered(state.channel, item.results)
    if channel is None or channel.request is None or channel.request.result is None:
        return None
    result = channel.request.result
    how = "done" if result.ok else "failed"
    detail = f"{channel.request.version} {how}, {result.detail}"
    return Step(Event.CHANNEL, StateChange(channel=channel), detail)


def left_over(state: TrainState, item: Evidence) -> Iterator[str]:
    """Yields why an answer to the channel was not used, for each, once `answer` is done."""
    if not isinstance(item, Results) or item.train != state.train:
        return
    asked = state.channel.request if state.channel is not None else None
    for result in item.results:
        if result.request.startswith(IDS) and (asked is None or asked.result != result):
            yield f"result of {result.request} ignored: it answers no pending request of the channel"
