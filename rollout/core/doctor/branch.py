"""The state branch: is it there, can state commits land on it, does a red promotion stay unmerged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from rollout.core.decide.effects import is_in_the_way
from rollout.core.doctor.facts import ONE_TRAIN, RULESETS, Bypass, Rule, TrainFacts, UnknownFact, Who, World
from rollout.core.doctor.finding import Finding, cannot_tell, ok, problem, warning
from rollout.core.files import CONTRACT
from rollout.core.text import inert

_STOPS_COMMITS = {
    "pull_request": "wants a pull request",
    "required_status_checks": "wants green statuses",
    "merge_queue": "wants the merge queue",
    "update": "forbids updates",
    "required_deployments": "wants deployments",
    "workflows": "wants workflows to pass",
    "code_scanning": "wants code scanning",
}
_MAY_STOP_COMMITS = frozenset(
    {
        "commit_message_pattern",
        "commit_author_email_pattern",
        "committer_email_pattern",
        "file_path_restriction",
    }
)
CHECK = "rollout-check"
"""The check run that every pull request gets."""
PRICE = "state commits put open pull requests behind, and their `[skip ci]` silences workflows on that commit"
"""Of state on the default branch."""
_MOVE = "move state to a branch of its own: docs/design/state-branch.md of rollout"
_WITHOUT_APP = "a run's own token may not, so while the App is away only people freeze (docs/on-call.md)"


def state_branch(world: World) -> Iterator[Finding]:
    """Yields whether there is a branch with trains that load."""
    if world.settings.archived:
        yield problem("state branch", "the repository is archived: nothing can be written", "unarchive it")
    if world.branch_problem:
        fix = "push the branch that carries state/, or name another: ROLLOUT_STATE_BRANCH"
        yield problem("state branch", world.branch_problem, world.branch_fix or fix)
        return
    if not world.trains:
        says = f"no train on {world.state_branch}"
        yield problem("state branch", says, "rollout init, commit what it wrote, and push it")
    else:
        yield _carries(world)
    for train in world.trains:
        if train.problem:
            yield unreadable(train)
        else:
            yield ok("contract", f"{train.name}: good")


def _carries(world: World) -> Finding:
    names = ", ".join(train.name for train in world.trains)
    says, rules = f"{world.state_branch} carries {names}", world.settings.rules
    strict = [rule for rule in rules if rule.strict] if not isinstance(rules, UnknownFact) else []
    if not world.has_own_branch:
        says = f"{says}, and is the default branch: {PRICE}"
        return (
            warning("state branch", f"{says}; a rule wants them up to date", _MOVE)
            if strict
            else ok("state branch", says)
        )
    if strict:
        says = f"{says}; {strict[0].ruleset} wants pull requests up to date, and each observation puts a"
        fix = f"{strict[0].place} > Require status checks: untick `Require branches to be up to date`"
        return warning("state branch", f"{says} promotion behind: it has to be updated before its merge", fix)
    return ok("state branch", says)


def trains(world: World) -> Iterator[Finding]:
    """Yields whether runs know which train they are about: with two and none named each of them fails."""
    topic, named, names = "trains", world.train_of_runs, [train.name for train in world.trains]
    listed = ", ".join(names)
    if isinstance(named, UnknownFact):
        if len(names) > 1:
            says = f"whether {ONE_TRAIN} names one of {listed}: variables are not shown to this token"
            yield cannot_tell(topic, says, f"gh variable list shows whether {ONE_TRAIN} is set")
    elif named and names and named not in names:
        says = f"{ONE_TRAIN} is {inert(named)}, and there is no such train: runs fail, the rollback's too"
        yield problem(topic, says, set_train(names))
    elif not named and len(names) > 1:
        says = f"more than one train ({listed}) and no {ONE_TRAIN}: runs fail, the rollback's too"
        yield problem(topic, says, set_train(names))
    elif len(names) > 1:
        others = ", ".join(name for name in names if name != named)
        says = f"{ONE_TRAIN} is {named}: nothing reads or decides for {others} at fixed times"
        fix = "run collect, perform and reconcile --forge github --train T from a scheduler of your own"
        yield warning(topic, says, fix)


def set_train(names: Sequence[str]) -> str:
    """Returns how to say which train workflows are about."""
    body = names[0] if len(names) == 1 else f"TRAIN, one of {', '.join(names)}"
    return f"gh variable set {ONE_TRAIN} --body {body}"


def branch_names(world: World) -> Iterator[Finding]:
    """Yields whether a branch has a name below which the tool makes branches: git allows only one of both."""
    for name in sorted(world.settings.named_like_ours):
        if any(is_in_the_way(name, train.name) for train in world.trains):
            says = f"a branch is called {inert(name)}: no branch {inert(name)}/... can be made"
            yield problem("branch names", says, f"rename it: {_renaming(world.settings.repository, name)}")


def _renaming(repository: str, name: str) -> str:
    """Returns the command that gives a branch another name on GitHub (REST reference, "Rename a branch")."""
    place = f"repos/{repository}/branches/{quote(name, safe='')}/rename"
    return f"gh api -X POST {place} -f new_name=old-{quote(name.replace('/', '-'))}"


def unreadable(train: TrainFacts) -> Finding:
    """Returns a train that does not load: people fix a contract, and take back what they did to the tool's
    files.
    """
    if f"/{CONTRACT}" in train.problem or "/" not in train.problem:
        return problem("contract", train.problem, f"rollout contract check --train {train.name}")
    find = f"git log -3 -- state/{train.name}/ names the commit that broke it"
    return problem("state", train.problem, f"{find}: take it back with git revert")


def state_commits(world: World) -> Iterator[Finding]:
    """Yields whether rules let the tool commit to the state branch."""
    topic, rules = "state commits", world.settings.rules
    if isinstance(rules, UnknownFact) and rules.plan:
        yield ok(topic, f"{world.state_branch} has no rules: {rules.why}")
        return
    if isinstance(rules, UnknownFact):
        yield cannot_tell(topic, f"the rules of {world.state_branch}: {rules.why}", f"look at {RULESETS}")
        return
    stopping = [rule for rule in rules if rule.kind in _STOPS_COMMITS]
    yield from (_stopping(world, rule) for rule in _one_each(stopping))
    for rule in rules:
        if rule.kind in _MAY_STOP_COMMITS:
            fix = f"{rule.place}: let commits of the tool pass"
            yield warning(
                topic, f"{rule.ruleset} restricts commits ({rule.kind}); it may refuse the tool's", fix
            )
    classic = world.settings.classic
    if isinstance(classic, UnknownFact):
        fix = "look at Settings > Branches; the tool needs a ruleset that it may bypass instead"
        yield cannot_tell(topic, f"classic branch protection: {classic.why}", fix)
    elif classic is not None:
        fix = f"remove it in Settings > Branches; make a ruleset with the App on its bypass list ({RULESETS})"
        yield problem(topic, f"classic protection of {world.state_branch}: an App cannot bypass it", fix)
    elif not stopping:
        yield ok(topic, f"no rule of {world.state_branch} is in the way")


def _one_each(rules: list[Rule]) -> list[Rule]:
    """Returns each ruleset once: its bypass list is one, whatever it wants."""
    return list({rule.ruleset: rule for rule in reversed(rules)}.values())[::-1]


def _stopping(world: World, rule: Rule) -> Finding:
    topic, wants = "state commits", _STOPS_COMMITS[rule.kind]
    where = f"{rule.place} > Bypass list"
    add = f"{where}: add the App, always"
    if world.uses_app is False:
        fix = f"take the rule away ({rule.place}), or use an App and add it to the bypass list"
        return problem(topic, f"{rule.ruleset} {wants}, and a run's own token cannot bypass it", fix)
    if rule.bypass is Bypass.YES and world.settings.who is Who.APP:
        return ok(topic, f"{rule.ruleset} {wants}, and the App may bypass it; {_WITHOUT_APP}")
    if rule.bypass is Bypass.SOME_APP:
        return ok(
            topic,
            f"{rule.ruleset} {wants}, and an App may bypass it: see that it is the one of the tool;"
            f" {_WITHOUT_APP}",
        )
    if rule.bypass is Bypass.HIDDEN:
        return cannot_tell(
            topic, f"{rule.ruleset} {wants}; who may bypass it is not shown to this token", add
        )
    return problem(topic, f"{rule.ruleset} {wants}, and the App may not bypass it", add)


def required_status(world: World) -> Iterator[Finding]:
    """Yields whether a promotion that is not legal, or turned red, can be merged anyway.

    Promotions alone get the train's own status, so on a branch that takes other pull requests too, only the
    check that reports on each of them can be required. On a state branch of its own those others are changes
    of the contract, so there both can be: who may bypass the status merges them.
    """
    rules, classic = world.settings.rules, world.settings.classic
    if isinstance(rules, UnknownFact):
        return
    required = {context for rule in rules for context in rule.contexts}
    required |= set(classic) if isinstance(classic, tuple) else set()
    shared = not world.has_own_branch
    for train in world.trains:
        yield _required(world, f"rollout/{train.name}", required, shared=shared)


def _required(world: World, status: str, required: set[str], *, shared: bool) -> Finding:
    topic, branch = "required status", world.state_branch
    if shared and status in required:
        says = f"{status} is required on {branch}: pull requests that are no promotion wait indefinitely"
        return problem(topic, says, f"{RULESETS}: require {CHECK} instead")
    if status in required:
        return ok(
            topic,
            f"{status} is required: a red promotion cannot be merged, and a change of the contract only by"
            " those who may bypass the rule",
        )
    if CHECK in required:
        return ok(
            topic, f"{CHECK} is required; a promotion that turns red after it is undone when it is merged"
        )
    if world.uses_app is False:
        return ok(topic, f"{CHECK} is not required, as it has to be without an App: merges are judged after")
    fix = f"{RULESETS} > New branch ruleset: target {branch}, require {CHECK}, bypass list: the App, always"
    return warning(
        topic, f"{CHECK} is not required: an illegal promotion can be merged, and is undone after", fix
    )
