"""Commands about a rollback: start or call off one, reopen the train after it, and lift a quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollout.cli.common import Call, brake_options, command_options, looking_options
from rollout.cli.output import columns, style
from rollout.errors import InputError

if TYPE_CHECKING:
    from rollout.commands.changing import Changed

_REASON = click.option("--reason", required=True, metavar="R", help="Why, for whoever reads the history.")
_BY = click.option("--by", metavar="WHO", help="Who decides; else who git says you are.")


@click.command()
@_REASON
@click.option("--target", metavar="V", help="Where to go back to; else what was fixed at the start.")
@click.option(
    "--version", metavar="V", help="The release that is meant; else the one under way when this was asked."
)
@click.option("--cancel", "is_cancel", is_flag=True, help="A false alarm: call the rollback off.")
@click.option(
    "--reverted", metavar="COMMIT", help="Declare the revert done at COMMIT, where rollout cannot see it."
)
@_BY
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
    """Roll back the release that is on its way, or that completed last; joins a rollback that runs."""
    from rollout.commands.rollback import Declaration, Dispatch, Meant, cancel, declare_reverted, roll_back
    from rollout.ports import Place

    space = call.workspace
    given = {"--cancel": is_cancel, "--target": target, "--reverted": reverted}
    if len(both := [option for option, value in given.items() if value]) > 1:
        raise InputError(f"{' and '.join(both)} contradict each other", hint="give one of them")
    decides = space.decider if is_cancel or reverted else space.decider_for_brake
    who = by if by is not None else decides()
    meant = Meant(version or None, space.asked_at())
    if reverted:
        declared = Declaration(reverted, reason, who)
        train = call.train

        def is_there(commit: str) -> bool:
            return space.history.place(commit) is not Place.MISSING

        changed = declare_reverted(space.store, space.clock, train, declared, is_there, meant=meant)
        _answer(call, changed, "the revert is recorded as done; `rollout reconcile` takes it on from here")
        return
    if is_cancel:
        changed = cancel(space.store, space.clock, call.train, reason, who, meant=meant)
        _answer(call, changed, "cancelled, frozen where it stood; to go on: rollout unfreeze --reason WHY")
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
    told = "nothing to do: the rollback is under way, and this reason is recorded already"
    _answer(call, changed, _what_was_done(changed, target or None), told)


@click.command()
@_REASON
@command_options
def reopen(call: Call, reason: str) -> None:
    """Make the train idle again after a finished rollback."""
    from rollout.commands.rollback import reopen as free
    from rollout.core.state import TrainState

    space, train = call.workspace, call.train

    def finish(state: TrainState) -> None:
        responder = space.responder()

        def tell() -> None:
            for effect in responder.plan_issue(state):
                responder.tell(effect, space.clock.now())

        space.decorations.attempt(tell)

    changed = free(space.store, space.clock, train, reason, finish)
    told = "reopened; the next release: rollout start --version VERSION --commit SHA"
    _answer(call, changed, told, "nothing to do: the train is idle")


@click.command()
@_REASON
@_BY
@command_options
def withdraw(call: Call, reason: str, by: str | None) -> None:
    """End a release that nobody has been exposed to: no incident, no quarantine."""
    from rollout.commands.withdraw import withdraw as end

    space = call.workspace
    changed = end(space.store, space.clock, call.train, reason, by if by is not None else space.decider())
    call.summarize(changed.state, [{"kind": "commit", "event": "withdraw"}] if changed.commit else [])
    call.answer(
        lambda: _document(call.train, changed),
        lambda: (
            f"withdrawn ({changed.commit[:10]}); `rollout reconcile` closes what is open for it"
            if changed.commit
            else "withdrawn already"
        ),
    )


def _what_was_done(changed: Changed, target: str | None) -> str:
    """What asking for the rollback did: it started one, or joined the one that was under way."""
    from rollout.core.contract import RollbackStep
    from rollout.core.state import StepState
    from rollout.rendering.gates import release_name

    incident, goes_on = changed.state.incident, "`rollout reconcile` takes it on from here"
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


def _answer(
    call: Call, changed: Changed, done: str, nothing: str = "nothing to do: that is recorded already"
) -> None:
    incident = changed.state.incident
    call.summarize(changed.state, [{"kind": "commit", "event": "rollback"}] if changed.commit else [])
    call.answer(
        lambda: {
            **_document(call.train, changed),
            "incident": incident.id if incident else None,
            "joined": len(incident.joined) if incident else 0,
        },
        lambda: f"{done} ({changed.commit[:10]})" if changed.commit else nothing,
    )


def _document(train: str, changed: Changed) -> dict[str, object]:
    return {
        "train": train,
        "commit": changed.commit,
        "changed": changed.commit is not None,
        "outcome": changed.state.rollout.outcome.value,
    }


@click.group(no_args_is_help=False)
def quarantine() -> None:
    """Releases that nothing chooses: rolled back, or put there by a person, until a person lifts it."""


@quarantine.command("list")
@looking_options
def quarantine_list(call: Call) -> None:
    """Every release that was ever in quarantine, why, and who lifted it."""
    from rollout.rendering.quarantine import quarantine_document, quarantine_view

    state = call.workspace.load(call.named_train)
    call.answer(
        lambda: quarantine_document(state.quarantine),
        lambda: quarantine_view(state.quarantine, columns=columns(), style=style),
    )


@quarantine.command("add")
@click.argument("named", metavar="VERSION|COMMIT")
@_REASON
@_BY
@command_options
def quarantine_add(call: Call, named: str, reason: str, by: str | None) -> None:
    """Put a release in quarantine, by its version or its commit."""
    from rollout.commands.quarantine import ProductLookup, add
    from rollout.core.versions import is_valid
    from rollout.ports import Place

    space, train = call.workspace, call.train
    product = ProductLookup(
        space.history.tagged,
        space.history.versions_at,
        lambda commit: space.history.place(commit) is not Place.MISSING,
        lambda commit, release: not space.reverter.is_free_of(commit, release),
    )
    what = named if is_valid(named) else space.whole_id(named)
    who = by if by is not None else space.decider()
    changed = add(space.store, space.clock, train, what, reason, who, product)
    call.answer(
        lambda: {"train": train, "commit": changed.commit, "changed": changed.commit is not None},
        lambda: (
            f"quarantined {named} ({changed.commit[:10]}): nothing that holds it starts until it is lifted"
            if changed.commit
            else f"{named} is in quarantine already"
        ),
    )


@quarantine.command("lift")
@click.argument("commit")
@_REASON
@_BY
@command_options
def quarantine_lift(call: Call, commit: str, reason: str, by: str | None) -> None:
    """Let the release of COMMIT be chosen again."""
    from rollout.commands.quarantine import lift

    space = call.workspace
    changed = lift(
        space.store, space.clock, call.train, commit, reason, by if by is not None else space.decider()
    )
    call.answer(
        lambda: {"train": call.train, "commit": changed.commit, "changed": changed.commit is not None},
        lambda: f"lifted {commit} ({changed.commit[:10]})" if changed.commit else "lifted already",
    )
