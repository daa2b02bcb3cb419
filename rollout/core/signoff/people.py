"""Who may sign what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rollout.core.contract import SignoffItem, SignoffPolicy

MACHINE = "rollout"
"""Who signs what the machine proved; no person counts under that name."""
NOBODY_KNOWS = "nobody knows whether the release is by somebody else"


@dataclass(frozen=True)
class Writers:
    """Who wrote a part of a release, by the names that comments carry."""

    logins: tuple[str, ...] = ()
    """Those of its newest commit first; empty when of a part nobody knows."""
    unknown: str = ""
    """Why nobody knows, such as `commit 1234567890 belongs to no account`."""


def same(one: str, other: str) -> bool:
    """Returns whether two logins are one person: GitHub does not look at their case."""
    return one.casefold() == other.casefold()


def has_role(item: SignoffItem, policy: SignoffPolicy, login: str) -> bool:
    """Returns whether the contract lets that person sign the item; a role that names nobody is anybody's."""
    named = policy.roles.named(item.role)
    return not named or any(same(login, each) for each in named)


def is_named(policy: SignoffPolicy, login: str) -> bool:
    """Returns whether the contract gives that person any role, or leaves one to anybody who may write."""
    roles = policy.roles
    if not all(roles.named(item.role) for item in policy.items if item.proof is None):
        return True
    return any(same(login, each) for each in roles.everybody)


def why_not(item: SignoffItem, policy: SignoffPolicy, writers: Collection[str], login: str) -> str:
    """Returns why that person's signature does not count for the item; empty when it does.

    `writers` wrote the release; empty when that is not known.
    """
    if not login:
        return "whose account it was is not known any more"
    if same(login, MACHINE):
        return f"{MACHINE} is the tool's own name"
    if not has_role(item, policy, login):
        return f"{item.role} of this release: {', '.join(policy.roles.named(item.role))}"
    if item.role != "approver" or policy.author_may_approve == "always":
        return ""
    return _why_not_writer(policy, writers, login)


def _why_not_writer(policy: SignoffPolicy, writers: Collection[str], login: str) -> str:
    named = policy.roles.approver
    is_alone = bool(named) and all(same(each, login) for each in named)
    if policy.author_may_approve == "alone" and is_alone:
        return ""
    if not writers:
        return NOBODY_KNOWS
    wrote = any(same(each, login) for each in writers)
    return "who wrote the release does not approve it" if wrote else ""
