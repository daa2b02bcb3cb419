"""What the tool needs of the outside, as Protocols. Adapters fill them; tests bring hand-written fakes."""

from rollout.ports.clock import Clock, PatientClock
from rollout.ports.forge import CheckRun, Forge, PullRequest, PullRequestKind, PullRequestState, StatusState
from rollout.ports.issues import (
    OWN_LABEL,
    Comment,
    Conversation,
    Issue,
    Issues,
    IssueState,
    Permission,
    Reaction,
)
from rollout.ports.product import Product, Ran, Reading
from rollout.ports.reverts import Reverter, RevertOutcome, RevertPreview
from rollout.ports.store import LoggedCommit, StateStore
from rollout.ports.worktree import Worktree

__all__ = [
    "OWN_LABEL",
    "CheckRun",
    "Clock",
    "Comment",
    "Conversation",
    "Forge",
    "Issue",
    "IssueState",
    "Issues",
    "LoggedCommit",
    "PatientClock",
    "Permission",
    "Product",
    "PullRequest",
    "PullRequestKind",
    "PullRequestState",
    "Ran",
    "Reaction",
    "Reading",
    "RevertOutcome",
    "RevertPreview",
    "Reverter",
    "StateStore",
    "StatusState",
    "Worktree",
]
