"""The contract: the policy that people write, as typed sections.

Types catch what one field can get wrong. `find_problems` catches what only the whole can show
(an unknown phase in `inherit`, percents that do not rise, a soak that sampling can never earn).
"""

from rollout.core.contract.channel import ApplyVersion, ChannelPolicy
from rollout.core.contract.gates import (
    APPLIED_GATE,
    RESERVED_GATE_NAMES,
    SOAK_GATE,
    AdvancingGate,
    CiChecksGate,
    EqualsGate,
    FlatGate,
    Gate,
    HarnessGate,
    HealthStateGate,
    NoNewGate,
    NoTriggerGate,
    RollbackTargetGate,
    SignoffGate,
    ThresholdGate,
    TimelineGate,
)
from rollout.core.contract.phases import Phase, RunsSoak
from rollout.core.contract.product import (
    Adapter,
    Apply,
    Argument,
    BranchName,
    Command,
    Harness,
    JsonMapping,
    Prepare,
    Product,
    Sampling,
    StateBranch,
    Surface,
)
from rollout.core.contract.rollback import ApplyTarget, Rollback, RollbackStep, SwitchLane
from rollout.core.contract.rules import find_problems
from rollout.core.contract.signoff import COMPLETE, ItemProof, Proof, Roles, SignoffItem, SignoffPolicy
from rollout.core.contract.triggers import (
    Action,
    HealthRegressionTrigger,
    NewCounterTrigger,
    ThresholdTrigger,
    TimelineTrigger,
    Trigger,
    ValidationTrigger,
)
from rollout.core.contract.whole import Contract, matching

__all__ = [
    "APPLIED_GATE",
    "COMPLETE",
    "RESERVED_GATE_NAMES",
    "SOAK_GATE",
    "Action",
    "Adapter",
    "AdvancingGate",
    "Apply",
    "ApplyTarget",
    "ApplyVersion",
    "Argument",
    "BranchName",
    "ChannelPolicy",
    "CiChecksGate",
    "Command",
    "Contract",
    "EqualsGate",
    "FlatGate",
    "Gate",
    "Harness",
    "HarnessGate",
    "HealthRegressionTrigger",
    "HealthStateGate",
    "ItemProof",
    "JsonMapping",
    "NewCounterTrigger",
    "NoNewGate",
    "NoTriggerGate",
    "Phase",
    "Prepare",
    "Product",
    "Proof",
    "Roles",
    "Rollback",
    "RollbackStep",
    "RollbackTargetGate",
    "RunsSoak",
    "Sampling",
    "SignoffGate",
    "SignoffItem",
    "SignoffPolicy",
    "StateBranch",
    "Surface",
    "SwitchLane",
    "ThresholdGate",
    "ThresholdTrigger",
    "TimelineGate",
    "TimelineTrigger",
    "Trigger",
    "ValidationTrigger",
    "find_problems",
    "matching",
]
