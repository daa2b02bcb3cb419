"""The files of state as models, in the key order in which they are written."""

from rollout.core.state.channel import Channel, RollbackHints, RollbackReason
from rollout.core.state.desired import ChannelName, Freeze, Outcome, Release, RollbackTarget, Rollout
from rollout.core.state.incident import Incident, IncidentStep, StepState
from rollout.core.state.observed import (
    CheckFact,
    CounterTrack,
    Decision,
    Facts,
    GateFinding,
    Request,
    Result,
    Soak,
    Status,
    Streak,
    TriggerFinding,
    TriggerState,
    Verdict,
    Work,
)
from rollout.core.state.quarantine import Lift, Quarantine, QuarantinedRelease
from rollout.core.state.signoff import SignedItem, Signoff
from rollout.core.state.train import CommitMessage, Event, StateChange, TrainState

__all__ = [
    "Channel",
    "ChannelName",
    "CheckFact",
    "CommitMessage",
    "CounterTrack",
    "Decision",
    "Event",
    "Facts",
    "Freeze",
    "GateFinding",
    "Incident",
    "IncidentStep",
    "Lift",
    "Outcome",
    "Quarantine",
    "QuarantinedRelease",
    "Release",
    "Request",
    "Result",
    "RollbackHints",
    "RollbackReason",
    "RollbackTarget",
    "Rollout",
    "SignedItem",
    "Signoff",
    "Soak",
    "StateChange",
    "Status",
    "StepState",
    "Streak",
    "TrainState",
    "TriggerFinding",
    "TriggerState",
    "Verdict",
    "Work",
]
