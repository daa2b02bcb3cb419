"""A train as its files tell it.

What their history tells is imported when a file is found wrong, which is seldom.
"""

from __future__ import annotations

from contextlib import suppress

from rollout.core.consistency import why_behind
from rollout.core.contract import Contract
from rollout.core.contract_fit import why_misfit
from rollout.core.files import CHANNEL, INCIDENTS, QUARANTINE, REHEARSAL, ROLLOUT, SIGNOFF, STATUS, state_path
from rollout.core.state import (
    Channel,
    Incident,
    Quarantine,
    Rehearsal,
    Rollout,
    Signoff,
    Status,
    TrainState,
    UnusableFile,
)
from rollout.errors import InputError
from rollout.files.state_files import (
    EDITED_HINT,
    M,
    TrainFiles,
    check_consistency,
    contract_at,
    missing,
)


def read_train(train: str, at: str, files: TrainFiles, *, for_brake: bool = False) -> TrainState:
    """Returns the train as its files tell it.

    Where contract.yaml cannot be used, the one that decided before does; with `for_brake` that is so for
    every file. Raises InputError when another file is missing or does not parse, or they contradict each
    other; it names the commit that did it.
    """
    try:
        if not files.has(ROLLOUT):
            hint = f"an idle train's file has two lines: schema: 1 and train: {train}"
            raise missing(train, ROLLOUT, hint)
        rollout = files.model(Rollout, ROLLOUT)
        status = _optional(files, Status, STATUS)
        contract, digest, unusable = _deciding_contract(train, files, rollout, status)
        state = TrainState(
            train=train,
            head=at,
            contract=contract,
            contract_digest=digest,
            rollout=rollout,
            status=status,
            channel=_optional(files, Channel, CHANNEL),
            signoff=_optional(files, Signoff, SIGNOFF),
            quarantine=_optional(files, Quarantine, QUARANTINE),
            rehearsal=_optional(files, Rehearsal, REHEARSAL),
            incident=_incident(files, rollout),
            unusable=unusable,
        )
        check_consistency(state)
        if for_brake and (why := why_behind(rollout, status, state.incident)):
            path = state_path(train, STATUS)
            raise InputError(f"{path}: {why}", hint=EDITED_HINT.format(file=path), file=path)
    except InputError as error:
        if for_brake:
            from rollout.files.stand_ins import with_stand_ins

            return with_stand_ins(error, train, at, files)
        from rollout.files.way_back import with_way_back

        raise with_way_back(error, train, files) from error
    return state


def _deciding_contract(
    train: str, files: TrainFiles, rollout: Rollout, status: Status | None
) -> tuple[Contract, str, UnusableFile | None]:
    """Returns the contract that decides, its digest, and why it is not the one at this commit."""
    with suppress(InputError):
        contract, digest = contract_at(train, files)
        if why_misfit(contract, train, rollout, status) is None:
            return contract, digest, None
    from rollout.files.contract_history import deciding_contract

    return deciding_contract(train, files, rollout, status)


def _incident(files: TrainFiles, rollout: Rollout) -> Incident | None:
    named = rollout.frozen.incident if rollout.frozen else None
    return _optional(files, Incident, f"{INCIDENTS}/{named}.yaml") if named else None


def _optional(files: TrainFiles, model: type[M], name: str) -> M | None:
    return files.model(model, name) if files.has(name) else None
