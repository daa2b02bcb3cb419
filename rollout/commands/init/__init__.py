"""`rollout init`: contract, first state and workflows in somebody's repository, to look at and commit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from rollout.commands.commit_state import CommandResult, change_state
from rollout.commands.contract import contract_file
from rollout.commands.contract_schema import schema_text
from rollout.commands.init.workflows import WorkflowFiles, Workflows, install_workflows, missing
from rollout.core import versions
from rollout.core.channel.guards import bare, quarantined
from rollout.core.contract import Product, StateBranch
from rollout.core.contract_check.mistakes import describe
from rollout.core.doctor.branch import PRICE, set_train
from rollout.core.files import OWN_ROOTS, SCHEMA, STATE_BRANCH
from rollout.core.state import (
    UNDER_WAY,
    Channel,
    CommitMessage,
    Event,
    Rollout,
    StateChange,
    TrainState,
)
from rollout.core.values import Model
from rollout.core.workflow_pin import WORKFLOWS
from rollout.errors import InputError, RefusedError
from rollout.ports import Clock, StateStore, Worktree
from rollout.rendering.commits import message

Dump = Callable[[object], str]
"""Plain data -> YAML that ends its last line."""

_TRAIN = re.compile(r"^train: (.+)\n", re.MULTILINE)
_PRODUCT = re.compile(r"^product:", re.MULTILINE)
_NO_PRODUCT = re.compile(r"^# product:\n(?:#   .+\n)+", re.MULTILINE)
_NO_STATE_BRANCH = re.compile(r"^# state:\n#   branch: .+\n", re.MULTILINE)
_LATER = (
    "workflows: none yet; once this is on GitHub: rollout init --workflows --action OWNER/REPO@SHA"
    " (rollout's repository and a commit of it)"
)
_BY_OWN_SCHEDULER = (
    "workflows: none run there; a scheduler of your own gives the three commands of `Enterprise Server` in"
    " docs/github.md of rollout"
)
_UNKNOWN_VERSION = (
    "unknown; record what users run with `rollout init --train {train} --current-version V`, or begin the"
    " product's very first release with `rollout start --first --reason WHY`"
)


@dataclass(frozen=True)
class InitOptions:
    """What the person asked for; None is what they left out."""

    train: str | None = None
    channel: str = "stable"
    current_version: str | None = None
    state_branch: str | None = None
    product_branch: str | None = None
    """The branch that the worktree stands on; None where that is not known."""
    default_branch: str | None = None
    """Of the repository on GitHub; None for one that is not there."""
    is_enterprise_server: bool = False
    """Whether it is on a GitHub that runs no workflows of ours."""


@dataclass(frozen=True)
class OwnBranch:
    """A branch that carries nothing but state, and the workflows that its events start."""

    name: str
    files: Worktree
    workflows: Workflows | None
    """None where the rollout that they would call is not known."""


@dataclass(frozen=True)
class InitResult:
    """What `init` wrote."""

    train: str
    current_version: str | None
    files: tuple[str, ...]
    """In the worktree."""
    installed: WorkflowFiles | None = None
    state_branch: str | None = None
    """As asked for."""
    on_branch: tuple[str, ...] | None = None
    """What it committed to a state branch of its own; None where state lies in the worktree."""
    installed_there: WorkflowFiles | None = None
    default_branch: str | None = None
    """Of the repository on GitHub; None for one that is not there."""
    beside: tuple[str, ...] = ()
    """The trains that were there before."""
    is_enterprise_server: bool = False

    @property
    def next_commands(self) -> tuple[str, ...]:
        return self._next_here if self.on_branch is None else self._next_beside

    @property
    def _next_beside(self) -> tuple[str, ...]:
        branch, main, train = self.state_branch, self.default_branch, self.train
        owners = f"/state/{train}/contract.yaml @OWNERS and /.github/ @OWNERS"
        add = f"git add {WORKFLOWS} && git commit -m 'Add the workflows of rollout'"
        return (
            f"git worktree add ../{branch} {branch}",
            f"make ../{branch}/state/{train}/contract.yaml yours, and commit it there",
            f"rollout contract check --train {train} --repo ../{branch}",
            *self._name_one,
            # A push of the state branch dispatches a workflow of the default branch.
            *((f"{add}, then push it to {main}",) if self.installed and self.installed.written else ()),
            f"git push origin {branch}",
            *(() if branch == STATE_BRANCH else (f"gh variable set ROLLOUT_STATE_BRANCH --body {branch}",)),
            self._protect,
            f"put its owners into CODEOWNERS on {branch}: {owners}",
            "once both are pushed: rollout doctor --forge github",
        )

    @property
    def _protect(self) -> str:
        rules = f"protect {self.state_branch}: a ruleset that requires a pull request"
        if self.is_enterprise_server:
            bypass = "with the account that runs rollout on its bypass list"
            return f"{rules} and review from code owners, {bypass}"
        return (
            f"{rules}, review from code owners and the check rollout-check,"
            " with the App on its bypass list (docs/github.md of rollout)"
        )

    @property
    def _next_here(self) -> tuple[str, ...]:
        folders = f"state/{self.train}" + (f" {SCHEMA}" if SCHEMA in self.files else "")
        workflows = self.installed is not None and self.installed.written
        if workflows:
            folders += f" {WORKFLOWS}"
        branch = self.state_branch
        return (
            f"rollout contract check --train {self.train}",
            *(self._name_one if workflows or self.default_branch else ()),
            f"git add {folders} && git commit -m 'rollout({self.train}): init'",
            *((f"git branch {branch}",) if branch and branch != self.default_branch else ()),
            *((f"gh variable set ROLLOUT_STATE_BRANCH --body {branch}",) if branch and workflows else ()),
            *(("once it is pushed: rollout doctor --forge github",) if workflows else ()),
        )

    @property
    def _name_one(self) -> tuple[str, ...]:
        """Runs that are not told which of two trains they are about fail: first of all, the variable."""
        if not self.beside:
            return ()
        return (f"before you push: {set_train((*self.beside, self.train))}; without it every run fails",)

    @property
    def text(self) -> str:
        """For a person, without a line end."""
        current = self.current_version or _UNKNOWN_VERSION.format(train=self.train)
        installed = [each for each in (self.installed_there, self.installed) if each]
        lines = [
            *(f"wrote {file} on {self.state_branch}" for file in self.on_branch or ()),
            *(f"wrote {file}" for file in self.files),
            *(line for each in installed for line in each.lines),
            *self._about_the_branch,
            f"current version: {current}",
            *(() if self.installed else (_BY_OWN_SCHEDULER if self.is_enterprise_server else _LATER,)),
            "next:",
            *(f"  {command}" for command in self.next_commands),
        ]
        return "\n".join(lines)

    @property
    def branch_document(self) -> dict[str, object]:
        """What is on the state branch of its own, for scripts."""
        return {"branch": self.state_branch, "files": list(self.on_branch or ())}

    @property
    def _about_the_branch(self) -> list[str]:
        branch = self.state_branch
        if self.on_branch is not None:
            return [f"state branch: {branch}, committed, not checked out, with a history of its own"]
        if self.default_branch is not None and branch == self.default_branch:
            return [f"state branch: {branch}: {PRICE}; without --state-branch init makes {STATE_BRANCH}"]
        return []


def init(
    worktree: Worktree,
    profile_text: str,
    dump: Dump,
    wishes: InitOptions,
    workflows: Workflows | None = None,
    own: OwnBranch | None = None,
) -> InitResult:
    """Writes a new train, and the workflows that are missing, into the worktree; nothing is committed.

    With a state branch of its own the train is committed there, and the worktree gets workflows alone.
    Where no version is given, the newest tag is taken for a first train's; a tag may be of any train
    otherwise. Raises InputError for a bad name, channel or version, and RefusedError, before anything is
    written, when one of the train's files is there already.
    """
    before = tuple(path.split("/")[1] for path in (own.files if own else worktree).contracts())
    current = wishes.current_version
    if current is None and not before:
        current = versions.newest(worktree.tags())
    plan = plan_init(profile_text, dump, wishes, current)
    files = {path: _as_text(content, dump) for path, content in plan.items()}
    if not (own.files if own else worktree).exists(SCHEMA):
        files[SCHEMA] = schema_text()
    train = train_of(profile_text, wishes)
    made = InitResult(
        train,
        current,
        (),
        None,
        wishes.state_branch,
        default_branch=wishes.default_branch,
        beside=before,
        is_enterprise_server=wishes.is_enterprise_server,
    )
    if own is not None:
        there, texts = _with_missing(own.files, own.workflows, files)
        own.files.write_new(texts)
        here = install_workflows(worktree, workflows) if workflows else None
        written = here.written if here else ()
        return replace(made, files=written, installed=here, on_branch=tuple(texts), installed_there=there)
    installed, texts = _with_missing(worktree, workflows, files)
    worktree.write_new(texts)
    return replace(made, files=tuple(texts), installed=installed)


def _with_missing(
    place: Worktree, workflows: Workflows | None, files: Mapping[str, str]
) -> tuple[WorkflowFiles | None, dict[str, str]]:
    """Returns the files and the workflows that are missing beside them."""
    if workflows is None:
        return None, dict(files)
    installed = missing(place, workflows)
    return installed, {**files, **{path: workflows.files[path] for path in installed.written}}


def record_current_version(store: StateStore, clock: Clock, train: str, version: str) -> CommandResult:
    """Commits what users run now to a train that does not know it; saying the same again changes
    nothing.

    Raises InputError for what is no version. Raises RefusedError during a rollout, for a train that knows
    another version, and for a version in quarantine.
    """
    _refuse_non_version(version)
    now = clock.now()

    def decide(state: TrainState) -> tuple[StateChange, CommitMessage] | None:
        channel = state.channel or Channel(train=train)
        if channel.current_version is not None and bare(channel.current_version) == bare(version):
            return None
        _refuse_another_version(state, channel, version)
        after = channel.model_copy(update={"current_version": version})
        detail = f"current version {version}"
        text = message(Event.INIT, contract=state.contract, rollout=state.rollout, detail=detail)
        return StateChange(channel=after), text

    return change_state(store, train, decide, now)


def _refuse_another_version(state: TrainState, channel: Channel, version: str) -> None:
    if channel.current_version is not None:
        raise RefusedError(
            f"{state.train}: {channel.current_version} is the current version already",
            hint="record an upgrade: rollout channel apply --target V",
        )
    if state.rollout.outcome in UNDER_WAY:
        raise RefusedError(
            f"{state.train} is {state.rollout.outcome.replace('_', ' ')}: its version stays as it is",
            hint="name where a rollback leads: rollout rollback --target V --reason WHY",
        )
    why = quarantined(state.quarantine).get(bare(version))
    if why is not None:
        raise RefusedError(
            f"{state.train}: {version} {why}",
            hint="name another version; if it was not at fault: rollout quarantine lift COMMIT --reason WHY",
        )


def plan_init(
    profile_text: str, dump: Dump, wishes: InitOptions, current_version: str | None
) -> dict[str, str | Model]:
    """Returns path -> text or model of each file of a new, idle train; the contract keeps the profile's
    comments.

    Raises InputError for a bad train, channel, version or branch.
    """
    train = train_of(profile_text, wishes)
    _refuse_own_names(wishes.state_branch or "")
    if current_version is not None:
        _refuse_non_version(current_version)
    channel = {"train": train, "channel": wishes.channel, "current_version": current_version}
    states = {"rollout": _valid(Rollout, {"train": train}), "channel": _valid(Channel, channel)}
    return {
        contract_file(train): _contract_text(
            profile_text, dump, train, wishes.state_branch, wishes.product_branch
        ),
        **{f"state/{train}/{name}.yaml": model for name, model in states.items()},
    }


def train_of(profile_text: str, wishes: InitOptions) -> str:
    """Returns the name of the train that a profile makes, unless the person named another."""
    return _TRAIN.findall(profile_text)[0] if wishes.train is None else wishes.train


def _refuse_own_names(branch: str) -> None:
    """Raises where the tool could not make its branches: git allows none below the name of another."""
    root = branch.partition("/")[0]
    if root in OWN_ROOTS:
        raise InputError(
            f"--state-branch {branch}: {root} and what lies below it is for the branches that rollout makes",
            hint=f"take another name, such as {STATE_BRANCH}",
        )


def _refuse_non_version(text: str) -> None:
    try:
        versions.parse(text)
    except ValueError as error:
        raise InputError(f"--current-version: {error}", hint="give the release that users run now") from None


def _valid(model: type[Model], data: dict[str, str | None]) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InputError("\n".join(describe(error, model)), hint="see: rollout init --help") from None


def _with_product_branch(text: str, dump: Dump, branch: str | None) -> str:
    """Returns the contract with that branch of the product, where it names none and the branch is unusual."""
    if branch in (None, Product().branch) or _PRODUCT.search(text):
        return text
    product = dump({"product": _valid(Product, {"branch": branch}).model_dump(exclude_none=True)})
    if _NO_PRODUCT.search(text):
        return _NO_PRODUCT.sub(lambda _: product, text, count=1)
    return _TRAIN.sub(lambda train: f"{train[0]}\n{product}", text, count=1)


def _contract_text(
    profile_text: str, dump: Dump, train: str, branch: str | None, product_branch: str | None
) -> str:
    text = _TRAIN.sub(lambda _: dump({"train": train}), profile_text, count=1)
    text = _with_product_branch(text, dump, product_branch)
    if branch is None:
        return text
    state = _valid(StateBranch, {"branch": branch}).model_dump()
    return _NO_STATE_BRANCH.sub(lambda _: dump({"state": state}), text, count=1)


def _as_text(content: str | Model, dump: Dump) -> str:
    return content if isinstance(content, str) else dump(content.model_dump(mode="json", by_alias=True))
