"""What a rehearsal acts on: the real steps, over scratch copies of a train and its product."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rollout.adapters.rehearsal import ScratchCopy
from rollout.adapters.yaml_store import YamlStore
from rollout.commands.reconcile.incident import Responder
from rollout.commands.rehearse import RehearsalStage
from rollout.core.files import StatePaths
from rollout.ports import Product
from rollout.wiring.local import Local


def stage_on(
    copy: ScratchCopy, responder: Responder, product: Product, flag_files: tuple[str, ...]
) -> RehearsalStage:
    """Returns the stage. Pull requests and issues are records in the copy; `product` is the real one."""
    there = Local(
        copy.git,
        lambda: copy.state_branch,
        lambda: copy.product_branch,
        lambda: StatePaths(copy.state_folder, flag_files),
    )
    forge = there.forge

    def merge(branch: str, at: datetime) -> None:
        pull = forge.pull_request(branch)
        if pull is not None:
            forge.merge(pull.number, at=at, merged_by="rehearsal", admin=True)

    return RehearsalStage(
        YamlStore(copy.git, copy.state_branch),
        forge,
        replace(responder, reverter=there.reverter, issues=there.issues, pushes_workflows=True),
        product,
        there.state_branch,
        there.product_branch,
        merge,
        lambda commit, name, at: forge.record_check(commit, name, "success", at=at),
    )
