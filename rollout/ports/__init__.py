"""What the tool needs of the outside, as Protocols. Adapters fill them; tests bring hand-written fakes.

A topic is imported when one of its names is first asked for: a command meets few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.ports.clock import Clock as Clock
    from rollout.ports.clock import PatientClock as PatientClock
    from rollout.ports.collecting import ArtifactNames as ArtifactNames
    from rollout.ports.collecting import CollectingRun as CollectingRun
    from rollout.ports.collecting import Collector as Collector
    from rollout.ports.collecting import Stage as Stage
    from rollout.ports.evidence import Evidence as Evidence
    from rollout.ports.files import StateFiles as StateFiles
    from rollout.ports.flag_branch import BranchFile as BranchFile
    from rollout.ports.flag_branch import FlagBranch as FlagBranch
    from rollout.ports.flag_branch import FlagProposal as FlagProposal
    from rollout.ports.forge import CheckedCommit as CheckedCommit
    from rollout.ports.forge import ChecksBefore as ChecksBefore
    from rollout.ports.forge import ChecksUnreadError as ChecksUnreadError
    from rollout.ports.forge import Forge as Forge
    from rollout.ports.forge import HeadChanges as HeadChanges
    from rollout.ports.forge import NewPullRequest as NewPullRequest
    from rollout.ports.history import History as History
    from rollout.ports.history import Place as Place
    from rollout.ports.inspection import Inspector as Inspector
    from rollout.ports.issues import OWN_LABEL as OWN_LABEL
    from rollout.ports.issues import Conversation as Conversation
    from rollout.ports.issues import Issues as Issues
    from rollout.ports.issues import Permission as Permission
    from rollout.ports.issues import Reaction as Reaction
    from rollout.ports.issues import answer_key as answer_key
    from rollout.ports.issues import opened_twice as opened_twice
    from rollout.ports.metrics import MetricsServers as MetricsServers
    from rollout.ports.product import Checkout as Checkout
    from rollout.ports.product import CommandRun as CommandRun
    from rollout.ports.product import Failure as Failure
    from rollout.ports.product import Product as Product
    from rollout.ports.product import Reading as Reading
    from rollout.ports.product import Worker as Worker
    from rollout.ports.releases import FULL_PAGE as FULL_PAGE
    from rollout.ports.releases import Releases as Releases
    from rollout.ports.reverts import Reverter as Reverter
    from rollout.ports.reverts import RevertOutcome as RevertOutcome
    from rollout.ports.store import LoggedCommit as LoggedCommit
    from rollout.ports.store import StateStore as StateStore
    from rollout.ports.worktree import Worktree as Worktree

_TOPICS = {
    "clock": ("Clock", "PatientClock"),
    "collecting": ("Collector", "CollectingRun", "ArtifactNames", "Stage"),
    "evidence": ("Evidence",),
    "files": ("StateFiles",),
    "forge": (
        "CheckedCommit",
        "ChecksBefore",
        "ChecksUnreadError",
        "Forge",
        "HeadChanges",
        "NewPullRequest",
    ),
    "history": ("History", "Place"),
    "inspection": ("Inspector",),
    "issues": (
        "OWN_LABEL",
        "Conversation",
        "Issues",
        "Permission",
        "Reaction",
        "answer_key",
        "opened_twice",
    ),
    "metrics": ("MetricsServers",),
    "product": ("Checkout", "Failure", "Product", "CommandRun", "Reading", "Worker"),
    "flag_branch": ("BranchFile", "FlagBranch", "FlagProposal"),
    "releases": ("FULL_PAGE", "Releases"),
    "reverts": ("Reverter", "RevertOutcome"),
    "store": ("LoggedCommit", "StateStore"),
    "worktree": ("Worktree",),
}
_TOPIC_OF = {name: topic for topic, names in _TOPICS.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _TOPIC_OF:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_TOPIC_OF[name]}"), name)
