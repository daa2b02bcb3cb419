"""`rollout plan`: which surfaces are read on which runner, and where the product is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollout.core.contract import Contract
from rollout.core.state import Outcome, TrainState
from rollout.core.workflow_pin import COLLECT_WORKFLOW, METRICS_WORKFLOW

_UNDER_WAY = (Outcome.IN_PROGRESS, Outcome.ROLLING_BACK)


RunsOn = str | Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Runner:
    """What the job on one runner has to do."""

    label: str
    """A label, or the name of a runner in the contract."""
    runs_on: RunsOn
    """What a job's `runs-on` says: a label, a set of labels, or a group."""
    surfaces: tuple[str, ...]
    """What it collects; may be empty."""
    performs: bool
    """Whether it carries out requests: harness and apply belong to one runner."""
    harness: bool = False
    """Whether the harness leaves its report there, which is read even where no surface is."""
    measures: bool = False
    """Whether its surfaces are metrics: their own job has their secrets, and runs no code of the product."""

    @property
    def workflow(self) -> str:
        """The file of the workflow whose job it is."""
        return METRICS_WORKFLOW if self.measures else COLLECT_WORKFLOW


@dataclass(frozen=True)
class Plan:
    """What the jobs of one run have to do."""

    runners: tuple[Runner, ...]
    """Empty when no rollout is under way and the channel waits for nothing."""
    product: str
    """`owner/name`."""
    branch: str
    """The product's."""
    submodules: str
    """As actions/checkout takes it: `false`, `true` or `recursive`."""
    lfs: bool
    """Whether the files that Git LFS keeps are fetched."""


def plan(state: TrainState, home: str, runner: str) -> Plan:
    """Plans what to run; `home` is the repository of state, `runner` the label if the contract names none."""
    product = state.contract.product
    usual = product.runner or runner
    runners: tuple[Runner, ...] = ()
    if state.rollout.outcome in _UNDER_WAY:
        # Where the product runs says nothing about who reaches a metrics server.
        measuring = _measuring(state.contract, runner)
        runners = (*_runners(state.contract, _has_work(state), usual), *measuring)
    elif _channel_waits(state):
        runners = (Runner(usual, _runs_on(state.contract, usual), (), performs=True),)
    submodules = str(product.submodules).lower()
    return Plan(runners, product.repository or home, product.branch, submodules, product.lfs)


def _runs_on(contract: Contract, name: str) -> RunsOn:
    explained = contract.runners.get(name)
    if explained is None:
        return name
    if explained.group is None:
        return explained.labels
    return {"group": explained.group, **({"labels": explained.labels} if explained.labels else {})}


def _channel_waits(state: TrainState) -> bool:
    request = state.channel.request if state.channel else None
    return request is not None and request.result is None


def _has_work(state: TrainState) -> bool:
    """Returns whether somebody has to be there for requests: those that may come any time, or one that is
    pending.
    """
    contract, status = state.contract, state.status
    has_command = contract.apply is not None and contract.apply.command is not None
    if has_command or contract.harness is not None or _channel_waits(state):
        return True
    return status is not None and any(request.awaits_product for request in status.requests)


def _runners(contract: Contract, has_work: bool, usual: str) -> tuple[Runner, ...]:
    groups = {usual: [], **_groups(contract, usual, measured=False)}
    return tuple(
        Runner(
            label,
            _runs_on(contract, label),
            tuple(surfaces),
            performs=has_work and label == usual,
            harness=contract.harness is not None and label == usual,
        )
        for label, surfaces in groups.items()
        if surfaces or has_work
    )


def _measuring(contract: Contract, usual: str) -> tuple[Runner, ...]:
    return tuple(
        Runner(label, _runs_on(contract, label), tuple(surfaces), performs=False, measures=True)
        for label, surfaces in _groups(contract, usual, measured=True).items()
    )


def _groups(contract: Contract, usual: str, *, measured: bool) -> dict[str, list[str]]:
    """Maps a runner to the surfaces that are read there: metrics, or those of the product."""
    groups: dict[str, list[str]] = {}
    for name, surface in contract.surfaces.items():
        if (surface.metrics is not None) == measured:
            groups.setdefault(surface.runner or usual, []).append(name)
    return groups
