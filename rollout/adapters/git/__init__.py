"""The one door to git."""

from rollout.adapters.git.formats import GitObject, TreeEntry
from rollout.adapters.git.lock import locked
from rollout.adapters.git.objects import object_id
from rollout.adapters.git.repository import Git

__all__ = ["Git", "GitObject", "TreeEntry", "locked", "object_id"]
