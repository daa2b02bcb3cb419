"""Scratch copies of a train and its product, to rehearse a rollback on: nothing leads out of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rollout.adapters.git import Git
from rollout.adapters.git.scratch import scratch
from rollout.adapters.github.product_clone import ProductClone
from rollout.core.contract import Product
from rollout.core.files import STATE
from rollout.errors import InputError

_STATE_ELSEWHERE = "rehearsal-state"


@dataclass(frozen=True)
class ScratchCopy:
    """A repository with both branches in it."""

    git: Git
    state_branch: str
    product_branch: str
    state_folder: str | None
    """Of the product's branch; None when state came from another repository."""


@contextmanager
def local_copy(git: Git, state_branch: str, product_branch: str) -> Iterator[ScratchCopy]:
    """Yields a copy of a repository's branches; its objects are borrowed, not copied. Raises OutsideError."""
    with scratch(beside=git) as work:
        for branch in dict.fromkeys((state_branch, product_branch)):
            tip = git.tip(branch)
            if tip is not None:
                work.set_branch(branch, tip, old=None)
        yield ScratchCopy(work, state_branch, product_branch, STATE)


def github_copy(clone: ProductClone, home: str, state_branch: str, product: Product) -> ScratchCopy:
    """Copies the product's branch, and the state branch of the repository `home`, as GitHub has them now.

    Raises InputError when a branch is not there, OutsideError when it cannot be fetched.
    """
    if clone.fetch(product.branch) is None:
        raise InputError(
            f"there is no branch {product.branch} in {product.repository or home}",
            hint="name the product's branch in the contract, as product.branch",
        )
    if product.repository in (None, home):
        clone.fetch(state_branch)
        return ScratchCopy(clone.git, state_branch, product.branch, STATE)
    clone.fetch_from(home, state_branch, _STATE_ELSEWHERE)
    return ScratchCopy(clone.git, _STATE_ELSEWHERE, product.branch, None)
