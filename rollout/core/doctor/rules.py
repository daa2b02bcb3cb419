"""Rules of the branches that the tool writes beside the state branch, and what a plan has no rules for.

A revert is worked out by git, so its commits have no signature; commits by the API have GitHub's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rollout.core.doctor.facts import RULESETS, BranchInUse, Bypass, Rule, UnknownFact, Use, Who, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem, warning

_TOPIC = "other branches"
_COMMITS = {
    "creation": "forbids new branches",
    "update": "forbids updates",
    "pull_request": "wants a pull request",
    "required_status_checks": "wants green statuses",
    "merge_queue": "wants the merge queue",
    "required_deployments": "wants deployments",
    "workflows": "wants workflows to pass",
    "code_scanning": "wants code scanning",
}
_SIGNED = {"required_signatures": "wants signed commits"}
_STOPPING = {
    Use.PROMOTION: _COMMITS,
    Use.REVERT: {**_COMMITS, **_SIGNED},
    Use.PRODUCT: {},
    Use.PUSHED: {**_COMMITS, **_SIGNED},
}
"""What keeps the tool from doing what it does there."""
_HARDER = {
    Use.PROMOTION: {"deletion": "keeps the branches of what was merged"},
    Use.REVERT: {"deletion": "keeps the branches of what was merged"},
    Use.PRODUCT: {**_SIGNED, "update": "lets nobody else merge"},
    Use.PUSHED: {},
}
"""What makes more work for people."""
_PATTERNS = frozenset(
    {
        "branch_name_pattern",
        "commit_message_pattern",
        "commit_author_email_pattern",
        "committer_email_pattern",
        "file_path_restriction",
        "max_file_path_length",
        "max_file_size",
        "file_extension_restriction",
    }
)
_MEANS = {
    Use.PROMOTION: "no promotion can be opened",
    Use.REVERT: "no revert can be proposed, so a rollback stops at step 5",
    Use.PRODUCT: "only who may bypass it merges a revert",
    Use.PUSHED: "no revert can be pushed, so a rollback stops at step 5",
}


def other_branches(world: World) -> Iterator[Finding]:
    """Yields whether promotions and reverts can be made."""
    found = [finding for branch in world.settings.branches for finding in _of_branch(world, branch)]
    yield from found
    if world.settings.branches and not found:
        names = ", ".join(dict.fromkeys(branch.name for branch in world.settings.branches))
        yield ok(_TOPIC, f"no rule is in the way of {names}")


def _of_branch(world: World, branch: BranchInUse) -> Iterator[Finding]:
    is_home = branch.repository == world.settings.repository
    if isinstance(branch.rules, UnknownFact):
        # Of the plan, and of a repository out of reach, other findings tell.
        if is_home and not branch.rules.plan:
            says = f"the rules of {branch.name}: {branch.rules.why}"
            yield cannot_tell(_TOPIC, says, f"look at {RULESETS}")
        return
    if not is_home and world.uses_app is False:
        return  # A run's own token writes nothing there.
    where = branch.name if is_home else f"{branch.name} of {branch.repository}"
    stopping, harder = _STOPPING[branch.use], _HARDER[branch.use]
    for rule in _one_each(branch.rules, stopping):
        yield from _stopped(world, branch.use, where, rule, stopping[rule.kind])
    for rule in _one_each(branch.rules, harder):
        if not _passes(world, rule):
            yield _harder(branch.use, where, rule, harder[rule.kind])
    if branch.use is not Use.PRODUCT:
        for rule in _one_each(branch.rules, _PATTERNS):
            says = f"{where}: {rule.ruleset} restricts commits ({rule.kind}); it may refuse the tool's"
            yield warning(_TOPIC, says, f"{rule.place}: let commits of the tool pass")


def _one_each(rules: Iterable[Rule], kinds: Iterable[str]) -> list[Rule]:
    """Returns the first rule of these kinds of each ruleset: a ruleset has one bypass list."""
    wanted = frozenset(kinds)
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.kind in wanted:
            found.setdefault(rule.place, rule)
    return list(found.values())


def _passes(world: World, rule: Rule) -> bool:
    """Returns whether the tool is, as far as can be told, not bound by the rule."""
    if world.uses_app is False:
        return False
    return rule.bypass is Bypass.SOME_APP or (rule.bypass is Bypass.YES and world.settings.who is Who.APP)


def _stopped(world: World, use: Use, where: str, rule: Rule, wants: str) -> Iterator[Finding]:
    says = f"{where}: {rule.ruleset} {wants}"
    add = f"{rule.place} > Bypass list: add the App, always; or leave {where} out of its targets"
    if _passes(world, rule):
        return
    if rule.bypass is Bypass.HIDDEN and world.uses_app is not False:
        yield cannot_tell(_TOPIC, f"{says}; who may bypass it is not shown to this token", add)
    elif use is Use.PUSHED:
        fix = f"rollback.revert: pull_request in the contract, or {rule.place} > Bypass list: add the App"
        yield problem(_TOPIC, f"{says}: {_MEANS[use]}", fix)
    elif world.uses_app is False:
        yield problem(_TOPIC, f"{says}: {_MEANS[use]}", f"{rule.place}: leave {where} out of its targets")
    else:
        yield problem(_TOPIC, f"{says}, and the App may not bypass it: {_MEANS[use]}", add)


def _harder(use: Use, where: str, rule: Rule, does: str) -> Finding:
    says = f"{where}: {rule.ruleset} {does}"
    if use is Use.PRODUCT:
        signed = "; the revert's commit has none" if rule.kind in _SIGNED else ""
        fix = f"{rule.place} > Bypass list: add who is on call"
        return warning(_TOPIC, f"{says}{signed}: {_MEANS[use]}", fix)
    return warning(_TOPIC, f"{says}: delete them yourself", f"{rule.place}: leave {where} out of its targets")


def plan(world: World) -> Iterator[Finding]:
    """Yields what the plan of a private repository lacks."""
    rules = world.settings.rules
    if not isinstance(rules, UnknownFact) or not rules.plan:
        return
    says = (
        "private repositories have no rulesets and no environment secrets on this plan: nothing keeps an"
        " illegal promotion from being merged (it is undone after), and whoever may push reads the App's key"
    )
    yield warning("plan", says, "GitHub Pro, Team or Enterprise; or a public repository for state")
