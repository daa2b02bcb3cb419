"""The answer to what an apply asked of the product side. `intake` reads it, so it brings nothing along."""

from __future__ import annotations

from rollout.core.observation import Evidence, Results, WorkResult, is_ahead
from rollout.core.state import Channel

IDS = "channel-"
"""How the ids of a channel's requests begin; those of a rollout begin with the kind of work."""


def without_answers(item: Evidence) -> Evidence | None:
    """Returns the evidence without what is the channel's; None when nothing is left of it."""
    if not isinstance(item, Results):
        return item
    left = tuple(result for result in item.results if not result.request.startswith(IDS))
    if len(left) == len(item.results):
        return item
    return item.model_copy(update={"results": left}) if left else None


def answered(channel: Channel | None, results: tuple[WorkResult, ...]) -> Channel | None:
    """Returns the channel with the result that its request waits for; None when none of these is."""
    request = channel.request if channel else None
    if channel is None or request is None or request.result is not None:
        return None
    for result in results:
        # An old run brings old results back: work that began before it was asked for is not the answer.
        if result.request == request.id and not is_ahead(request.requested_at, result.started_at):
            done = request.model_copy(update={"result": result})
            return channel.model_copy(update={"request": done})
    return None
