"""What can be known without GitHub."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.doctor.branch import unreadable
from rollout.core.doctor.contracts import left_to_people
from rollout.core.doctor.facts import Laptop
from rollout.core.doctor.finding import Finding, ok, problem, warning

IDENTIFY = "git config user.name NAME && git config user.email ADDRESS"


def laptop(facts: Laptop) -> Iterator[Finding]:
    """Checks contracts, state branch, and who commits."""
    for mistake in facts.contract_problems:
        yield problem("contract", mistake, "fix it, then look again: rollout contract check")
    if facts.branch_problem:
        fix = facts.branch_fix or "rollout init, then commit what it wrote"
        yield problem("state branch", facts.branch_problem, fix)
    elif not facts.trains:
        says = f"no train on {facts.state_branch}"
        yield problem("state branch", says, "rollout init, then commit what it wrote")
    else:
        names = ", ".join(train.name for train in facts.trains)
        yield ok("state branch", f"{facts.state_branch} carries {names}")
    for train in facts.trains:
        if train.problem:
            if train.problem not in facts.contract_problems:
                yield unreadable(train)
        elif not train.missing:
            yield ok("contract", f"{train.name}: good")
        for missing in train.missing:
            yield problem("contract", f"{train.name}: {missing}", f"fix state/{train.name}/contract.yaml")
    yield from left_to_people(facts.trains)
    for train in facts.trains:
        for variable in train.variables:
            if variable in facts.unset:
                says = f"{train.name}: {variable} is not set here, so its queries are unknown"
                yield problem("metrics", says, f"export {variable}=VALUE before rollout collect or tick")
    if facts.person is None:
        yield warning("git identity", "git does not know who you are: sign-offs need --by", IDENTIFY)
    else:
        yield ok("git identity", f"commits are by {facts.person}")
    yield ok("schedule", "none on the local forge: collect and reconcile run by hand")
