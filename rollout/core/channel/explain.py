"""Does a recorded channel follow from the one before? What `verify` and `check` recompute."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.channel.guards import ListState
from rollout.core.channel.hints import switch
from rollout.core.channel.plan import Target, apply, plan
from rollout.core.channel.requests import answered
from rollout.core.state import Channel, ChannelPlan, GuardCode, TrainState
from rollout.core.values import from_unix_ms


def _targets(made: ChannelPlan | None) -> Iterator[Target]:
    """Yields the targets that it may have been made of.

    What the list of releases said then, and what the target's tag led to, nobody can ask now.
    """
    if made is None:
        return
    yield from (Target(made.target_version, made.lookup_source, listed) for listed in ListState)
    if made.guard_code is GuardCode.QUARANTINED_RELEASE:
        why = made.guard_reason.removeprefix(f"{made.target_version} ")
        yield Target(made.target_version, made.lookup_source, held_back=why)


def follows(before: TrainState, after: Channel | None) -> bool:
    """Returns whether a command of this tool makes `after` of the train before;
    nothing changed is fine too.
    """
    if after is None or after == before.channel:
        return after == before.channel
    return any(after == candidate for candidate in _candidates(before, after))


def _candidates(before: TrainState, after: Channel) -> Iterator[Channel]:
    """Yields what each command would have written, given the inputs that `after` records."""
    channel = before.channel or Channel(train=before.train)
    policy, quarantine = before.contract.channel, before.quarantine
    for target in _targets(after.plan):
        made = after.plan
        assert made is not None
        again = plan(
            channel, target, quarantine=quarantine, policy=policy, at=made.planned_at, dry_run=made.dry_run
        )
        yield channel.model_copy(update={"plan": again})
    for target in _targets(after.apply):
        last = after.apply
        assert last is not None
        yield apply(
            channel, target, quarantine=quarantine, policy=policy, at=last.planned_at, dry_run=last.dry_run
        )
    if after.rollback is not None:
        yield switch(channel, after.channel, from_unix_ms(after.rollback.reference_unix_ms))
    if after.request is not None and after.request.result is not None:
        done = answered(channel, (after.request.result,))
        if done is not None:
            yield done
