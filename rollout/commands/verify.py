"""`rollout verify`: recompute each state commit from the one before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rollout.commands import sides as merged
from rollout.commands.forgeries import Forgeries
from rollout.core import edits
from rollout.core.channel.by_hand import is_by_command, is_correction, what_changed
from rollout.core.contract import FlagFile
from rollout.core.decide import applying
from rollout.core.decide.legality import changed_keys
from rollout.core.files import (
    CHANNEL,
    CONTRACT,
    INCIDENTS,
    QUARANTINE,
    REHEARSAL,
    RELEASE_CACHE,
    ROLLOUT,
    SIGNOFF,
    STATUS,
)
from rollout.core.replay.recompute import differences, expected, shown_by
from rollout.core.state import Event, Rollout, TrainState
from rollout.errors import InputError, RolloutError
from rollout.files.flag_text import number_in, with_number
from rollout.ports import LoggedCommit, StateFiles, StateStore
from rollout.rendering import claims

_PARTS = frozenset({ROLLOUT, STATUS, CHANNEL, SIGNOFF, QUARANTINE, REHEARSAL})
_KNOWN = _PARTS | {CONTRACT, RELEASE_CACHE}
_BEGINS_LATE = "history begins here, with decisions in it already (a squash, or a copy of another repository)"
_NOT_RECOMPUTED = "they cannot be recomputed"


@dataclass(frozen=True)
class CommitFinding:
    """A state commit that does not follow from the one before it, or that has to be known."""

    commit: str
    at: datetime
    author: str
    problem: str


@dataclass(frozen=True)
class Verification:
    commits: int
    """How many were recomputed."""
    findings: tuple[CommitFinding, ...]
    remarks: tuple[CommitFinding, ...] = ()
    """What changes no decision, but has to be known, such as a file that no command reads."""
    cut: str | None = None
    """The commit at which a shallow clone ends: neither it nor what came before can be recomputed."""

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Commit and what is wrong with it."""
        return [(finding.commit, finding.problem) for finding in self.findings]


def verify(
    store: StateStore, train: str, since: str | None, *, files: StateFiles | None = None
) -> Verification:
    """Checks every state commit of the train after `since` (all when None), oldest first.

    `files` reads what is kept of releases; without it, whether that can be read is not asked.

    Raises RefusedError when the branch does not hold `since`.
    """
    logged = list(store.log(train, since=since))[::-1]
    verifier = _Verifier(store, train, files)
    for link in _links(store, train, logged):
        verifier.look_at(link)
    verifier.look_for_lone_applies(since)
    return verifier.verified()


# --- the commits and what they grew from -------------------------------------------------------------------


@dataclass(frozen=True)
class _Link:
    """A commit, the train as it leaves it, and as its parents left it."""

    entry: LoggedCommit
    before: tuple[TrainState, ...]
    """Of the parents that hold the train; empty where it begins."""
    after: TrainState | Exception


def _links(store: StateStore, train: str, logged: Sequence[LoggedCommit]) -> Iterator[_Link]:
    own = {entry.commit for entry in logged}
    children = Counter(parent for entry in logged for parent in entry.parents)
    wanted = [
        commit for entry in logged for commit in (*(p for p in entry.parents if p not in own), entry.commit)
    ]
    states = store.load_many(train, wanted)
    known: dict[str, TrainState | Exception] = {}
    last: TrainState | None = None
    for entry in logged:
        found = [known[parent] if parent in known else next(states) for parent in entry.parents]
        after = next(states)
        before = [state for state in found if not isinstance(state, Exception)]
        is_first = not found or isinstance(found[0], Exception)
        if is_first and last is not None and last.head in store.forks(last.head, entry.commit):
            # What does not load is fixed by people, and has to lead on from what was there before it.
            before.insert(0, replace(last, head=entry.parent or last.head))
        yield _Link(entry, tuple(before), after)
        if children[entry.commit]:
            known[entry.commit] = after
        for parent in entry.parents:
            children[parent] -= 1
            if not children[parent]:
                known.pop(parent, None)
        last = last if isinstance(after, Exception) else after


# --- one commit after the other --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edit:
    """A change of desired state that no decision allowed, and that reconcile has yet to judge."""

    entry: LoggedCommit
    rollout: Rollout
    """Desired state as it is with the change."""
    why: str


class _Verifier:
    """Collects what is wrong with a history, commit by commit, oldest first."""

    def __init__(self, store: StateStore, train: str, files: StateFiles | None) -> None:
        self._store = store
        self._train = train
        self._files = files
        self._order: dict[str, int] = {}
        self._findings: dict[str, CommitFinding] = {}
        self._remarks: list[CommitFinding] = []
        self._edits: list[_Edit] = []
        self._unread: set[str] = set()
        self._before_broken: str | None = None
        """The parent of the last commit that broke a file."""
        self._forgeries = Forgeries(store, train)
        self._beginnings: list[tuple[LoggedCommit, TrainState]] = []
        """Commits with which history begins though they hold decisions, and the train there."""
        self._checked = 0
        self._cut: str | None = None
        self._flag_files: set[str] = set()
        """Those that a contract has let reconcile write by a commit."""

    def look_at(self, link: _Link) -> None:
        entry = link.entry
        self._order[entry.commit] = len(self._order)
        if entry.is_cut:
            self._cut = entry.commit
            return
        self._remark(entry)
        if not isinstance(link.after, Exception) and (flag := _written_by_commit(link.after)):
            self._flag_files.add(flag)
        if not link.before and not isinstance(link.after, Exception) and _holds_decisions(link.after):
            self._beginnings.append((entry, link.after))
            return
        self._checked += 1
        if isinstance(link.after, Exception):
            error = link.after
            self._unread.add(entry.commit)
            self._find(entry, error.message if isinstance(error, RolloutError) else str(error))
        elif broken := self._broken(entry, link.after):
            self._before_broken = entry.parent
            self._find(entry, broken)
        elif link.before:
            if len(link.before) > 1:
                self._doubt_beginnings(entry, link.before)
            self._follow(entry, link.before, link.after)

    def _doubt_beginnings(self, merge: LoggedCommit, sides: Sequence[TrainState]) -> None:
        """Doubts a history that begins with decisions where a merge shows another one beside it."""
        for entry, state in self._beginnings:
            other = merged.contradicting(self._store, state, sides)
            if other is not None:
                why = (
                    f"{_BEGINS_LATE}; merge {merge.commit[:10]} has another history of it, {other.head[:10]}"
                )
                self._find(entry, why)

    def _broken(self, entry: LoggedCommit, state: TrainState) -> str:
        """Returns why a file that the commit wrote cannot be read;
        an earlier version of it stands in, in `state`.
        """
        broken = (each for each in state.broken if each.name in entry.paths)
        return next((each.problem for each in broken if not self._is_a_sides(entry, each.name)), "")

    def look_for_lone_applies(self, since: str | None) -> None:
        """Finds commits in the tool's name that change a flag file and nothing of the train.

        The tool's own change both. On a product's branch they need not, which is no state's history, and the
        merge of a pull request does not either.
        """
        for path in sorted(self._flag_files):
            for entry in self._store.log_of_file(path, since=since):
                if self._is_lone_apply(entry, path):
                    self._order[entry.commit] = len(self._order)
                    self._find(entry, f"{path}: {entry.event} changes nothing else, so it is not reconcile's")

    def _is_lone_apply(self, entry: LoggedCommit, path: str) -> bool:
        if entry.commit in self._order or entry.event is None or entry.parent is None:
            return False
        if entry.trailers.get("Rollout-Train") != self._train or self._file(path, entry.parent) is None:
            return False
        before = next(iter(self._store.load_many(self._train, [entry.parent])))
        return not isinstance(before, Exception) and _written_by_commit(before) == path

    def verified(self) -> Verification:
        for edit in self._edits:
            self._find(edit.entry, f"{ROLLOUT}: {edit.why}; no reconcile has judged it yet")
        doubted = sum(entry.commit in self._findings for entry, _ in self._beginnings)
        begun = (entry for entry, _ in self._beginnings if entry.commit not in self._findings)
        remarks = [
            *self._remarks,
            *(_finding(entry, f"{_BEGINS_LATE}: {_NOT_RECOMPUTED}") for entry in begun),
        ]
        remarks.sort(key=lambda remark: self._order[remark.commit])
        found = sorted(self._findings.values(), key=lambda finding: self._order[finding.commit])
        return Verification(self._checked + doubted, tuple(found), tuple(remarks), self._cut)

    def _find(self, entry: LoggedCommit, problem: str) -> None:
        """Records the first thing that is wrong with a commit; later ones are dropped."""
        self._findings.setdefault(entry.commit, _finding(entry, problem))

    def _follow(self, entry: LoggedCommit, before: Sequence[TrainState], after: TrainState) -> None:
        event = entry.event
        idle = list(merged.idle(self._store, before)) if len(before) > 1 else []
        undone = next((why for each in idle if (why := merged.taken_back(each, after))), "")
        heads = {each.side.head for each in idle}
        before = [side for side in before if side.head not in heads] or before
        if event is not None:
            before = before[:1]
        found = [list(self._wrong(each, after, entry, event, before)) for each in before]
        sides = list(zip(before, found, strict=True))
        # Where neither side explains it, the one that went further is what people should compare with.
        furthest = max(sides, key=lambda side: _went_to(side[0]))
        previous, wrong = next((side for side in sides if not side[1]), furthest)
        self._forgeries.add(entry, {path for path, _ in wrong})
        problem = undone or next((why for _, why in wrong), "")
        if problem and not undone and len(entry.parents) > 1:
            problem = f"a merge whose state is neither side's: {problem}"
        elif event is None and not problem:
            self._remark_channel(entry, before, previous, after)
            self._remark_text(entry, previous, after)
        problem = problem or claims.problem(entry.subject, entry.trailers, event, after)
        if problem:
            self._find(entry, problem)
        self._judge(entry, previous, after, is_tools=event not in (None, Event.PROMOTE) and not problem)

    # --- what a commit should hold ------------------------------------------------------------------------

    def _wrong(
        self,
        previous: TrainState,
        state: TrainState,
        entry: LoggedCommit,
        event: Event | None,
        sides: Sequence[TrainState],
    ) -> Iterator[tuple[str, str]]:
        """Yields each file that is not as the commit should have left it, and why."""
        if event is None:
            wanted: TrainState | None = self._without_forgeries(_edited(previous, state, sides), state, entry)
        else:
            previous = self._as_rebased(previous, state, entry, event)
            wanted = expected(previous, state, event)
        if wanted is None:
            why = f"{event} records a step that does not follow from the commit before"
            yield from ((path, why) for path in entry.paths or ("",))
            return
        if event is Event.CHANNEL and wanted.channel != state.channel:
            yield CHANNEL, f"{CHANNEL} is not what a channel command makes of the commit before"
        # Which incident a train shows is up to rollout.yaml: an edit there makes one come and go.
        if not any(path.startswith(f"{INCIDENTS}/") for path in entry.paths):
            wanted = replace(wanted, incident=state.incident)
        for part, why in differences(wanted, state):
            yield _file_of(part, state), why
        if event is not None:
            yield from self._written(previous, entry, event)
        yield from self._touched(wanted, state, entry, event)

    def _written(self, previous: TrainState, entry: LoggedCommit, event: Event) -> Iterator[tuple[str, str]]:
        """Yields the flag file where the state branch has it, and the commit left it otherwise than the event
        does: a commit that applies a percent by itself writes that number, and any other one nothing.
        """
        flag = previous.contract.flag_file
        if flag is None or entry.parent is None:
            return
        before, after = (self._file(flag.path, commit) for commit in (entry.parent, entry.commit))
        due = applying.due(previous) if event is Event.APPLY and flag.via == "commit" else None
        if due is None or before is None:
            if after != before:
                yield flag.path, f"{flag.path}: {event} does not write it"
            return
        why = _why_not_written(previous, flag, due[0].canary_percent, before, after)
        if why:
            yield flag.path, f"{flag.where}: {why}"

    def _file(self, path: str, commit: str) -> bytes | None:
        """Returns a file; None also for what is no file, in which nothing can be written."""
        try:
            return self._store.file(path, commit)
        except InputError:
            return None

    def _without_forgeries(self, wanted: TrainState, state: TrainState, entry: LoggedCommit) -> TrainState:
        """Returns the state before forgeries: whoever takes one back writes that."""
        for path in entry.paths:
            part = path.removesuffix(".yaml")
            if path in _PARTS and self._forgeries.is_undone_by(entry, path):
                wanted = replace(wanted, **{part: getattr(state, part)})
            elif path.startswith(f"{INCIDENTS}/") and self._forgeries.is_undone_by(entry, path):
                wanted = replace(wanted, incident=state.incident)
        return wanted

    def _as_rebased(
        self, previous: TrainState, state: TrainState, entry: LoggedCommit, event: Event
    ) -> TrainState:
        """Returns the train before, at the commit that a signature names where history was rebased since.

        Rebasing gives each commit a new name, and leaves the old one in what the machine signed.
        """
        if event is not Event.SIGNOFF:
            return previous
        others = shown_by(previous, state) - {previous.head, *self._order}
        if len(others) != 1:
            return previous
        (other,) = others
        rebased = f"{SIGNOFF}: names state commit {other[:10]}, which is not on the branch: it was rebased"
        self._remarks.append(_finding(entry, rebased))
        return replace(previous, head=other)

    def _touched(
        self, wanted: TrainState, state: TrainState, entry: LoggedCommit, event: Event | None
    ) -> Iterator[tuple[str, str]]:
        """Yields what the commit changed beside the files that are recomputed, and must not have."""
        allowed = {f"{INCIDENTS}/{wanted.incident.id}.yaml"} if wanted.incident else set()
        if event is None:
            allowed |= {CONTRACT}
        if event is Event.CHANNEL or (event is None and CHANNEL in entry.paths):
            allowed |= {RELEASE_CACHE}
        for path in entry.paths:
            if path in _PARTS or path in allowed or self._is_a_sides(entry, path):
                continue
            if event is not None and self._is_put_back(entry, path):
                continue
            if event is not None:
                yield path, f"{path}: {event} does not write it"
            elif _is_tools(path) and not self._forgeries.is_undone_by(entry, path):
                is_over = path.startswith(f"{INCIDENTS}/") and self._was_there(entry, path)
                why = "the incident is over, and nothing writes it" if is_over else "only the tool writes it"
                yield path, f"{path}: {why}"

    def _is_put_back(self, entry: LoggedCommit, path: str) -> bool:
        """Returns whether the train's whole folder was gone, and the commit has the file as it was before
        that.
        """
        parent, before = entry.parent, self._before_broken
        if parent is None or before is None:
            return False
        text = self._store.text
        is_gone = all(text(self._train, name, parent) is None for name in (CONTRACT, ROLLOUT, STATUS))
        return is_gone and text(self._train, path, entry.commit) == text(self._train, path, before)

    def _was_there(self, entry: LoggedCommit, path: str) -> bool:
        return entry.parent is not None and self._store.text(self._train, path, entry.parent) is not None

    def _is_a_sides(self, entry: LoggedCommit, path: str) -> bool:
        """Returns whether a merge has the file from one of its parents."""
        return len(entry.parents) > 1 and self._is_a_parents(entry, path)

    def _is_a_parents(self, entry: LoggedCommit, path: str) -> bool:
        text = self._store.text
        found = text(self._train, path, entry.commit)
        return any(text(self._train, path, parent) == found for parent in entry.parents)

    def _remark(self, entry: LoggedCommit) -> None:
        if len(entry.parents) > 1:
            return  # each of its sides says so itself
        unknown = [] if entry.event else [path for path in entry.paths if not _is_known(path)]
        told = [f"{path}: a file that the tool does not know" for path in unknown]
        told += [f"{path}: {_KINDS.get(mode, f'mode {mode}')}" for path, mode in entry.modes.items()]
        if RELEASE_CACHE in entry.paths:
            told += [problem for problem in [self._unreadable(entry.commit)] if problem]
        self._remarks += [_finding(entry, problem) for problem in told]

    def _remark_channel(
        self, entry: LoggedCommit, sides: Sequence[TrainState], previous: TrainState, after: TrainState
    ) -> None:
        if any(side.channel == after.channel for side in sides) or is_by_command(previous, after.channel):
            return
        if self._forgeries.is_undone_by(entry, CHANNEL):
            return
        self._remarks.append(
            _finding(entry, f"{CHANNEL}: changed by hand, {what_changed(previous, after.channel)}")
        )

    def _remark_text(self, entry: LoggedCommit, previous: TrainState, after: TrainState) -> None:
        """Remarks a comment, or the like, which the tool removes when it writes the file again."""
        if entry.parent in self._unread:
            return
        broken = {each.name for each in previous.broken}
        for path in entry.paths:
            part = "incident" if path.startswith(f"{INCIDENTS}/") else path.removesuffix(".yaml")
            is_same = _is_tools(path) and path != RELEASE_CACHE and getattr(previous, part) is not None
            if not is_same or path in broken or self._forgeries.is_undone_by(entry, path):
                continue
            if getattr(previous, part) == getattr(after, part) and not self._is_a_parents(entry, path):
                told = "its text was changed by hand, and says the same"
                self._remarks.append(_finding(entry, f"{path}: {told}"))
                self._forgeries.add(entry, [path])

    def _unreadable(self, commit: str) -> str:
        if self._files is None:
            return ""
        try:
            text = self._store.text(self._train, RELEASE_CACHE, commit)
            if text is not None:
                self._files.release_cache(self._train, text)
        except InputError as error:
            return error.message.splitlines()[0]
        return ""

    # --- changes of desired state ---------------------------------------------------------------------------

    def _judge(self, entry: LoggedCommit, before: TrainState, after: TrainState, *, is_tools: bool) -> None:
        """Keeps account of what people changed and no decision allowed, until reconcile has judged it."""
        status = after.status
        mine = [edit for edit in self._edits if edit.rollout == before.rollout]
        if is_tools:
            is_settled = status is not None and after.rollout == status.legal
            for edit in mine:
                self._edits.remove(edit)
                if not is_settled:
                    self._edits.append(replace(edit, rollout=after.rollout))
            return
        if before.rollout == after.rollout:
            return
        still = False
        for edit in mine:
            self._edits.remove(edit)
            if status is not None and edits.persists(edit.rollout, after.rollout, status.legal):
                self._edits.append(replace(edit, rollout=after.rollout))
                still = True
            else:
                self._find(edit.entry, f"{ROLLOUT}: {edit.why}; no reconcile judged it")
        why = edits.why_not(before, after.rollout)
        if why and not (still and changed_keys(before.rollout, after.rollout) == {"frozen"}):
            self._edits.append(_Edit(entry, after.rollout, why))


def _edited(previous: TrainState, state: TrainState, sides: Sequence[TrainState]) -> TrainState:
    """Returns the train before with what people may change of it; desired state is judged by itself."""
    may = (
        any(side.channel == state.channel for side in sides)
        or is_by_command(previous, state.channel)
        or is_correction(previous, state.channel)
    )
    return replace(previous, rollout=state.rollout, channel=state.channel if may else previous.channel)


def _written_by_commit(state: TrainState) -> str:
    """Returns the path of the flag file that the train's commits write; empty for none."""
    flag = state.contract.flag_file
    return flag.path if flag is not None and flag.via == "commit" else ""


def _why_not_written(
    previous: TrainState, flag: FlagFile, percent: float, before: bytes, after: bytes | None
) -> str:
    """Returns why that is not what reconcile makes of a flag file to write the percent; empty when it is."""
    try:
        wanted = with_number(before, flag, percent)
        is_raised = number_in(before, flag).value < percent
    except InputError:
        wanted, is_raised = None, False
    if is_raised and not applying.may_rise(previous):
        return f"was raised to {percent} while a trigger fired"
    if after == before != wanted:
        return f"{percent} was not written"
    return "" if after == wanted else f"more was changed than this number to {percent}"


def _went_to(state: TrainState) -> float:
    return state.status.decided_at.timestamp() if state.status else 0


def _finding(entry: LoggedCommit, problem: str) -> CommitFinding:
    return CommitFinding(entry.commit, entry.at, entry.author, problem)


def _holds_decisions(state: TrainState) -> bool:
    """Returns whether a first commit has more than a train is set up with."""
    set_up = Rollout(train=state.train)
    return state.rollout != set_up or any(
        part is not None for part in (state.status, state.signoff, state.quarantine, state.rehearsal)
    )


_KINDS = {
    "100755": "marked as a program",
    "120000": "a link",
    "160000": "a submodule",
}
"""What git's modes are."""


def _is_known(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return path in _KNOWN if not folder else folder == INCIDENTS and name.endswith(".yaml")


def _is_tools(path: str) -> bool:
    """Returns whether the tool writes the file, and people need not."""
    return _is_known(path) and path != CONTRACT


def _file_of(part: str, state: TrainState) -> str:
    """Returns the file of that part of a train."""
    if part != "incident":
        return f"{part}.yaml"
    return f"{INCIDENTS}/{state.incident.id}.yaml" if state.incident else INCIDENTS
