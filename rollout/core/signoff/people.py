"""Who may sign what."""

from __future__ import annotations

from rollout.core.contract import SignoffItem, SignoffPolicy

MACHINE = "rollout"
"""Who signs what the machine proved; no person counts under that name."""


def same(one: str, other: str) -> bool:
    """Whether two logins are one person: GitHub does not look at their case."""
    return one.casefold() == other.casefold()


def has_role(item: SignoffItem, policy: SignoffPolicy, login: str) -> bool:
    """Whether the contract lets that person sign the item; a role that names nobody is anybody's."""
    named = policy.roles.named(item.role)
    return not named or any(same(login, each) for each in named)


def is_named(policy: SignoffPolicy, login: str) -> bool:
    """Whether the contract gives that person any role, or leaves one to anybody who may write."""
    roles = policy.roles
    if not all(roles.named(item.role) for item in policy.items if item.proof is None):
        return True
    return any(same(login, each) for each in roles.everybody)


def why_not(item: SignoffItem, policy: SignoffPolicy, author: str | None, login: str) -> str:
    """Why that person's signature does not count for the item; empty when it does.

    `author` wrote the release commit, None when that is not known.
    """
    if not login:
        return "whose account it was is not known any more"
    if same(login, MACHINE):
        return f"{MACHINE} is the tool's own name"
    if not has_role(item, policy, login):
        return f"{item.role} of this release: {', '.join(policy.roles.named(item.role))}"
    if item.role != "approver" or policy.author_may_approve == "always":
        return ""
    return _why_not_author(policy, author, login)


def _why_not_author(policy: SignoffPolicy, author: str | None, login: str) -> str:
    named = policy.roles.approver
    is_alone = bool(named) and all(same(each, login) for each in named)
    if policy.author_may_approve == "alone" and is_alone:
        return ""
    if not author:
        return "nobody knows whether the release is by somebody else: its commit belongs to no account"
    return "who wrote the release does not approve it" if same(author, login) else ""
