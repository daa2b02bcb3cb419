"""A status that was decided by the first rules, as the present ones go on from it."""

from __future__ import annotations

from rollout.core.state import CURRENT_RULES, Soak, Status, SurfaceSoak, TrainState


def migrated(state: TrainState, status: Status) -> Status:
    """Returns the status by the present rules; credit is kept, in the time of each surface.

    When the phase was entered was not kept, so the start of its first observation stands for it, or the
    last decision where there was none yet.
    """
    is_same = state.contract_digest == status.contract_digest
    return status.model_copy(
        update={
            "schema_": CURRENT_RULES,
            "entry": status.entered_at or status.decided_at,
            "health_digest": state.contract.health_digest if is_same else None,
            "soak": _in_surfaces_time(state, status),
        }
    )


def _in_surfaces_time(state: TrainState, status: Status) -> Soak:
    soak, observation = status.soak, status.observation
    if observation is None or soak.held_at is None:
        held = {}
    else:
        held = {name: sample.updated_at for name, sample in observation.samples.items()}
    surfaces = {
        name: SurfaceSoak(earned_seconds=soak.earned_seconds, held_at=updated)
        for name, updated in held.items()
        if updated is not None and name in state.contract.surfaces
    }
    kept = soak.earned_seconds if surfaces else 0
    return Soak(earned_seconds=kept, runs=soak.runs, last_run_at=soak.last_run_at, surfaces=surfaces)
