"""Effects: what the forge should look like for a recorded state, as the changes that lead there.

Planned from the state and what the forge shows, so that planning again after carrying them out gives none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from rollout.core.contract import CiChecksGate, Contract, HarnessGate
from rollout.core.effects import (
    ClosePullRequest,
    OpenPullRequest,
    PullRequestEffect,
    SetStatus,
    UpdatePullRequest,
)
from rollout.core.files import ROLLOUT, state_path
from rollout.core.forge import PullRequest, StatusState
from rollout.core.state import Outcome, Result, Rollout, Status, TrainState, Verdict
from rollout.core.text import inert, shortened

CHANNEL_BRANCHES = "rollout-channel/"
"""Where the branches of pull requests that change a channel begin."""
_PARTS = {"rollout": 3, "rollout-channel": 2, "rollout-revert": 2, "rollout-apply": 2}
"""Parts of a branch's name behind its root: train, version and phase; train and what; train and incident."""
DESCRIPTION_LIMIT = 60
"""Characters of a commit status's description: what GitHub shows beside the check without a click."""
_LONGEST_STEP = 40
"""Of them, version and step: the rest says what is about it."""
_CLOSED_TOO_OFTEN = 2
_FIRST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 4
_LAST_IN_STATUS = 0xFFFF
_NAMED_PATHS = 2
_LONGEST_PATH = 44
"""Of a path that is named: two of them leave room for the words around."""


MOVING = ("<!-- moving -->", "<!-- /moving -->")
"""Around the parts of a body whose figures move from one observation to the next."""
_MOVING = re.compile(rf"(?ms)^{MOVING[0]}\r?$.*?(?:^{MOVING[1]}\r?$|\Z)")
_FIGURE = re.compile(r"(?P<address>\]\([^)\n]*\))|\b(?:\d[\w.:%-]*|[0-9a-f]{10}\b)")
_CONTRACT_CHANGED = "The contract changed; the promotion is proposed anew once its gates hold."


def promotion_branch(train: str, version: str, phase: str) -> str:
    """Returns the natural key of a promotion pull request."""
    return f"{promotion_prefix(train)}{version}/{phase}"


def promotion_prefix(train: str) -> str:
    return f"rollout/{train}/"


def channel_branch(train: str, what: str) -> str:
    """Returns the natural key of a pull request that changes the channel;
    `what` is `set-beta` or `apply-v1.2.3`.
    """
    return f"{channel_prefix(train)}{what}"


def channel_prefix(train: str) -> str:
    return f"{CHANNEL_BRANCHES}{train}/"


def blocks(name: str, branch: str) -> bool:
    """Returns whether git cannot hold both branches, since the name of one would be a folder of the
    other's.
    """
    return branch.startswith(f"{name}/") or name.startswith(f"{branch}/")


def is_in_the_way(name: str, train: str) -> bool:
    """Returns whether a branch forbids some that the tool makes for the train."""
    root, *below = name.split("/")
    parts = _PARTS.get(root, 0)
    return len(below) < parts and below[:1] in ([], [train])


def description(text: str) -> str:
    """Returns one line that fits a commit status. GitHub refuses characters above U+FFFF there: they are left
    out.
    """
    return inert(_shown_in_status(text), DESCRIPTION_LIMIT)


def not_as_proposed(differs: str) -> str:
    """Returns the description of a branch that differs so; the check of the pull request tells all of it."""
    return shortened(_shown_in_status(f"not as proposed: {differs}"), DESCRIPTION_LIMIT)


def _shown_in_status(text: str) -> str:
    return "".join(char for char in text if ord(char) <= _LAST_IN_STATUS)


def _where(status: Status, to: str = "") -> str:
    """Returns `v0.1.5 canary-2`, or `v0.1.5 canary-2 -> canary-3`, whole or with shortened words."""
    return shortened(f"{status.release} {status.phase}{f' -> {to}' if to else ''}", _LONGEST_STEP)


def status_context(train: str) -> str:
    """Returns the context that a branch protection can require."""
    return f"rollout/{train}"


def plan_pulls(
    rollout: Rollout,
    status: Status,
    contract: Contract,
    pulls: Sequence[PullRequest],
    body_for: Callable[[str], str],
    *,
    contract_changed: bool = False,
) -> list[PullRequestEffect]:
    """Plans changes to pull requests: one open for a promotion, none that leads anywhere else.

    `body_for` gives the body of one whose branch was made on that state commit.

    One whose gates fail again stays open, says so in its body, and turns red by `plan_statuses`: the
    conversation on it is worth keeping. It is closed when the rollout stops or moves on, and when the
    contract changed: its branch may propose a percent that the new one does not have.
    """
    wanted = _wanted_branch(rollout, status, contract)
    effects: list[PullRequestEffect] = []
    kept = [pull for pull in pulls if pull.head == wanted and not contract_changed]
    for pull in pulls:
        if pull not in kept:
            why = _CONTRACT_CHANGED if pull.head == wanted else _why_closed(rollout, status)
            effects.append(ClosePullRequest(pull.number, why))
            continue
        body = body_for(pull.base_sha)
        if not says_the_same(pull.body, body):
            effects.append(UpdatePullRequest(pull.number, body))
    after = contract.next_phase(status.phase)
    if wanted and after and not kept and status.decision.verdict is Verdict.PROMOTE:
        effects.append(OpenPullRequest(wanted, after.name, after.canary_percent))
    return effects


def says_the_same(shown: str, wanted: str) -> bool:
    """Returns whether two bodies differ in nothing but the figures of their moving parts.

    Each write of a body starts workflows, and figures move with each observation. An address is no figure.
    """
    return shown == wanted or _without_figures(shown) == _without_figures(wanted)


def _without_figures(body: str) -> str:
    return _MOVING.sub(lambda part: _FIGURE.sub(lambda one: one["address"] or "0", part[0]), body)


def opens_again_at(closings: Sequence[datetime]) -> datetime | None:
    """Returns when a promotion that somebody else keeps closing may be proposed again; None for at once.

    `closings` are oldest first. After the second the next one waits for an hour, after each further one twice
    as long, at most 16 hours.
    """
    if len(closings) < _CLOSED_TOO_OFTEN:
        return None
    doublings = min(len(closings) - _CLOSED_TOO_OFTEN, _MOST_DOUBLINGS)
    return closings[-1] + _FIRST_PAUSE * (1 << doublings)


def plan_statuses(
    rollout: Rollout,
    status: Status,
    contract: Contract,
    pulls: Sequence[PullRequest],
    differs: Mapping[int, str],
    shown: Mapping[str, Mapping[str, tuple[str, str]]],
) -> list[SetStatus]:
    """Returns commit statuses that are not as they should be.

    `differs`: number of a pull request -> how its branch differs from what was proposed.
    `shown`: commit -> context -> (state, description).
    """
    context = status_context(rollout.train)
    wanted = {pull.head_sha: _pull_status(status, differs.get(pull.number, "")) for pull in pulls}
    wanted[status.commit] = _release_status(rollout, status, contract)
    return [
        SetStatus(commit, context, state, description)
        for commit, (state, description) in wanted.items()
        if shown.get(commit, {}).get(context) != (state, description)
    ]


def proposed(rollout: Rollout, phase: str, canary_percent: float) -> Rollout:
    """Returns desired state as a promotion pull request makes it: two lines differ, nothing else."""
    return rollout.model_copy(update={"phase": phase, "canary_percent": canary_percent})


def promotion_of(state: TrainState) -> Rollout | None:
    """Returns desired state as the next promotion makes it; None in the last phase."""
    after = state.contract.next_phase(state.status.phase) if state.status else None
    return proposed(state.rollout, after.name, after.canary_percent) if after else None


def besides(
    paths: Sequence[str], own: Collection[str], *, unlisted: int = 0, named: int = _NAMED_PATHS
) -> str:
    """Returns how a branch that changes these paths changes more than its own; empty when it does not.

    `unlisted` counts the paths that it changes beside these. At most `named` of them are named.
    """
    others = [inert(path, _LONGEST_PATH) for path in paths if path not in own]
    if unlisted and len(others) == len(paths):
        unlisted -= 1  # its own is one of them
    shown, more = others[:named], len(others[named:]) + unlisted
    if not more:
        return f"it also changes {' and '.join(shown)}" if shown else ""
    return f"it also changes {', '.join(shown)} and {more} more"


def difference(
    wanted: Rollout,
    paths: Sequence[str],
    found: Rollout | None,
    *,
    unlisted: int = 0,
    altered: str = "",
) -> str:
    """Returns how a branch differs from one that makes desired state `wanted`; empty when it does not.

    `paths` are those that it changes, `unlisted` counts more of them; `found` is desired state there, None
    when it cannot be read; `altered` is how its file is not as the tool writes it.
    """
    beside = besides(paths, {state_path(wanted.train, ROLLOUT)}, unlisted=unlisted, named=1)
    if beside or found == wanted:
        return beside or altered
    if found is None:
        return f"its {ROLLOUT} cannot be read"
    if (found.phase, found.canary_percent) != (wanted.phase, wanted.canary_percent):
        return f"its {ROLLOUT} says {found.phase} at {found.canary_percent} %"
    return f"it changes other keys of {ROLLOUT}"


def _wanted_branch(rollout: Rollout, status: Status, contract: Contract) -> str | None:
    after = contract.next_phase(status.phase)
    if rollout.outcome is not Outcome.IN_PROGRESS or rollout.frozen is not None or after is None:
        return None
    return promotion_branch(rollout.train, status.release, after.name)


def _why_closed(rollout: Rollout, status: Status) -> str:
    if rollout.outcome is Outcome.WITHDRAWN and rollout.frozen is not None:
        return f"The release was {rollout.frozen.reason}"
    if rollout.frozen is not None:
        return f"The rollout is frozen: {rollout.frozen.reason}"
    if rollout.outcome is not Outcome.IN_PROGRESS:
        return f"The rollout is {rollout.outcome.replace('_', ' ')}."
    return f"The rollout is in {status.phase}; this does not lead on from there."


def _pull_status(status: Status, differs: str) -> tuple[StatusState, str]:
    if differs:
        return StatusState.FAILURE, not_as_proposed(differs)
    if status.decision.verdict is Verdict.PROMOTE:
        return StatusState.SUCCESS, description(
            f"{_where(status, status.decision.to or '')}: every gate holds"
        )
    return StatusState.FAILURE, description(f"{_where(status)}: {_blockers(status)}")


def _release_status(rollout: Rollout, status: Status, contract: Contract) -> tuple[StatusState, str]:
    where = _where(status)
    if rollout.outcome is Outcome.COMPLETE:
        return StatusState.SUCCESS, description(f"{where}: rollout complete")
    if rollout.outcome in (Outcome.ROLLED_BACK, Outcome.IDLE):
        return StatusState.FAILURE, description(f"{where}: rolled back")
    if rollout.outcome is not Outcome.IN_PROGRESS or rollout.frozen is not None:
        reason = rollout.frozen.reason if rollout.frozen else rollout.outcome
        return StatusState.FAILURE, description(f"{where}: {reason}")
    validation = _validation_gates(contract, status.phase)
    for finding in status.gates:
        if finding.gate in validation and finding.result is Result.UNSATISFIED:
            is_lasting = isinstance(validation[finding.gate], CiChecksGate)
            return StatusState.FAILURE, description(
                f"{where}: {finding.gate}: {finding.seen if is_lasting else 'failed'}"
            )
    return StatusState.PENDING, description(f"{where}: in progress")


def _validation_gates(contract: Contract, phase: str) -> dict[str, HarnessGate | CiChecksGate]:
    gates = contract.gates_of(contract.phase(phase))
    return {gate.title: gate for gate in gates if isinstance(gate, HarnessGate | CiChecksGate)}


def _blockers(status: Status) -> str:
    """Returns names of the gates that do not hold, without what was seen.

    A reading changes every few minutes, and GitHub takes 1,000 statuses of one commit and context.
    """
    names = [each.gate for each in status.gates if each.result in (Result.UNSATISFIED, Result.UNKNOWN)]
    unmet = list(dict.fromkeys(names))
    if not unmet:
        return str(status.decision.verdict)
    more = f" and {len(unmet) - 1} more" if len(unmet) > 1 else ""
    return f"{unmet[0]}{more} {'do' if more else 'does'} not hold"
