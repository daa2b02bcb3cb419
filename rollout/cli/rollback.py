"""`rollout rollback`: start one, join it, declare its revert done, or call it off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollout.cli.help import Command
from rollout.cli.options import BY, REASON, Call, brake_options
from rollout.cli.output import progress, warn
from rollout.errors import InputError, RolloutError

if TYPE_CHECKING:
    from rollout.commands.commit_state import CommandResult


@click.command(cls=Command)
@REASON
@click.option("--target", metavar="V", help="Where to go back to; else what was fixed at the start.")
@click.option(
    "--version", metavar="V", help="The release that is meant; else the one under way when this was asked."
)
@click.option("--cancel", "is_cancel", is_flag=True, help="A false alarm: call the rollback off.")
@click.option(
    "--reverted", metavar="COMMIT", help="Declare the revert done at COMMIT, where rollout cannot see it."
)
@BY
@brake_options
def rollback(
    call: Call,
    reason: str,
    target: str | None,
    version: str | None,
    is_cancel: bool,
    reverted: str | None,
    by: str | None,
) -> None:
    """Roll back the current release, or the last completed one; joins a rollback that is under way."""
    from rollout.commands.rollback import (
        Declaration,
        Dispatch,
        ReleaseChoice,
        cancel,
        declare_reverted,
        roll_back,
    )
    from rollout.ports import Place

    space = call.workspace
    given = {"--cancel": is_cancel, "--target": target, "--reverted": reverted}
    if len(both := [option for option, value in given.items() if value]) > 1:
        raise InputError(f"{' and '.join(both)} contradict each other", hint="give one of them")
    decides = space.decider if is_cancel or reverted else space.decider_for_brake
    who = by if by is not None else decides()
    meant = ReleaseChoice(version or None, space.asked_at())
    if reverted:
        declared = Declaration(reverted, reason, who)
        train = call.train

        def is_there(commit: str) -> bool:
            return space.history.place(commit) is not Place.MISSING

        changed = declare_reverted(space.store, space.clock, train, declared, is_there, meant=meant)
        answer(call, changed, "the revert is recorded as done; the next reconcile goes on")
        return
    if is_cancel:
        changed = cancel(space.store, space.clock, call.train, reason, who, meant=meant)
        answer(call, changed, "cancelled, frozen where it stood; to go on: rollout unfreeze --reason WHY")
        return
    dispatch, targets = Dispatch(reason, who, target or None), space.target_lookup()
    changed = roll_back(
        space.store,
        space.clock,
        call.train,
        dispatch,
        targets.known,
        held_back=targets.held_back,
        meant=meant,
    )
    changed = _percent_first(call, changed)
    told = "nothing to do: the rollback is under way, and this reason is recorded already"
    answer(call, changed, _what_was_done(changed, target or None), told)


def _percent_first(call: Call, changed: CommandResult) -> CommandResult:
    """Writes the rollback's percent in the contract's flag file at once: `perform` may come before the next
    reconcile, which reads it back, and tries again what failed.
    """
    from dataclasses import replace

    from rollout.commands.commit_state import take
    from rollout.commands.reconcile.percent import Settled
    from rollout.core.decide.applying import due

    if due(changed.state) is None:
        return changed
    space = call.workspace
    try:
        settled = space.percent_writer().settle(
            changed.state, lambda state, step: take(space.store, state, step, call.now), call.now
        )
    except RolloutError as error:
        # The freeze is committed, and nothing here may hide that.
        settled = Settled(changed.state, failure=error.message)
    if settled.failure:
        note = f"the percent was not written, and is tried again by the next reconcile: {settled.failure}"
        progress(f"note: {note}")
        warn(note)
    return replace(changed, state=settled.state)


def _what_was_done(changed: CommandResult, target: str | None) -> str:
    """Returns what asking for the rollback did: it started one, or joined the one that was under way."""
    from rollout.core.contract import RollbackStep
    from rollout.core.state import StepState
    from rollout.rendering.gates import release_name

    incident, goes_on = changed.state.incident, "the next reconcile goes on with it"
    if incident is None or not incident.joined:
        release = changed.state.rollout.release
        what = f"rolling back {release_name(release.version)}" if release else "rolling back"
        inspected = incident.step(RollbackStep.INSPECT_TARGET) if incident is not None else None
        left = f"; {inspected.result}" if inspected and inspected.state is StepState.FAILED else ""
        return f"frozen, and {what}; {goes_on}{left}"
    joined = f"joined incident {incident.id}, which is under way"
    if target is not None:
        return f"{joined}: it goes back to {target}; {goes_on}"
    is_anew = incident.revert is not None and incident.step(RollbackStep.REVERT).state is StepState.PENDING
    return f"{joined}: {f'the revert is proposed anew; {goes_on}' if is_anew else 'the reason is recorded'}"


def answer(
    call: Call, changed: CommandResult, done: str, nothing: str = "nothing to do: that is recorded already"
) -> None:
    incident = changed.state.incident
    call.summarize(changed.state, [{"kind": "commit", "event": "rollback"}] if changed.commit else [])
    call.answer(
        lambda: {
            **changed_document(call.train, changed),
            "incident": incident.id if incident else None,
            "joined": len(incident.joined) if incident else 0,
        },
        lambda: f"{done} ({changed.commit[:10]})" if changed.commit else nothing,
    )


def changed_document(train: str, changed: CommandResult) -> dict[str, object]:
    return {
        "train": train,
        "commit": changed.commit,
        "changed": changed.commit is not None,
        "outcome": changed.state.rollout.outcome.value,
    }
