"""The answer to what an apply asked of the product side. Read by `advance`, so it brings nothing along."""

from __future__ import annotations

from rollout.core.observation import WorkResult, is_ahead
from rollout.core.state import Channel


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
