"""Works out, in the object database alone, what reverting a release does to a branch.

The revert is the inverse of the difference between the release's base and its commit, applied to a commit of
the branch as one three-way merge: the release's tree is the ancestor, the branch's is ours, the base's is
theirs. The shape of history does not matter. `git merge-tree` takes commits, so they are made around the
trees in a scratch repository, as files: a process for each would take most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property

from rollout.adapters.git.formats import FOLDER, Merge, TreeEntry, message_text, nul_separated, tree_body
from rollout.adapters.git.objects import LooseObjects
from rollout.adapters.git.process import finish, output, pipe
from rollout.adapters.git.repository import Git
from rollout.core.files import StatePaths
from rollout.core.rollback.undone import LaterCommit, ReleaseFacts, ReleaseStanding, standing_at
from rollout.core.state import CommitMessage, Release, RevertFact, RevertOutcome
from rollout.core.text import inert
from rollout.errors import RefusedError
from rollout.ports import LoggedCommit

_WORKFLOWS = ".github/workflows/"
_ANYBODY = tuple(f"{role} rollout <rollout@localhost> 0 +0000" for role in ("author", "committer"))
_SHOWN = 5
_MOST_COMMITS = 20
_MOST_PATHS = 10
"""Commits and paths that a fact names: state keeps the first ones."""
_DEEPEN = "fetch all of it with `git fetch --unshallow`"


class ReleaseRevert:
    """Reverts of one release. What only touches state is no part of it, and is never reverted."""

    def __init__(self, git: Git, release: Release, state: StatePaths) -> None:
        """`git` is a scratch repository that has the branch; `state` says what is state there."""
        self._git = git
        self._release = release
        self._state = state
        self._merges: dict[str, Merge] = {}

    def work_out(self, tip: str, merged: str | None = None, recorded: str | None = None) -> RevertFact:
        """Returns what reverting the release on that commit would do; for `merged` and `recorded` see the
        port.

        Raises OutsideError.
        """
        if missing := self._why_missing(tip):
            return fact_of(RevertOutcome.MISSING, missing, tip)
        if cut := self._cut_off().intersection(entry.commit for entry in self._entries):
            return fact_of(RevertOutcome.MISSING, f"history is cut off at {min(cut)[:12]}: {_DEEPEN}", tip)
        if not self._parts:
            return fact_of(RevertOutcome.NOTHING, "no commit of the release touches the product", tip)
        if self._changes_nothing(tip):
            return fact_of(RevertOutcome.NOTHING, "the branch holds nothing of the release any more", tip)
        standing = self._standing(tip, merged, recorded)
        if standing.is_undone:
            why = f"{standing.by[:12]} reverted the release; later commits build on that"
            return fact_of(RevertOutcome.NOTHING, why, tip)
        return self._onto(tip, standing, merged)

    def commit(self, tip: str, message: CommitMessage, at: datetime) -> str:
        """Makes the commit on top of a tip on which the revert is clean, with a line for each commit of the
        release, in git's words: a search for its id finds them.
        """
        lines = "\n".join(f"This reverts commit {entry.commit}." for entry in self._parts)
        body = "\n\n".join(part for part in (lines, message.body) if part)
        text = message_text(CommitMessage(message.subject, body, message.trailers))
        return self._git.commit_tree(self._merge(tip).tree, (tip,), message=text, at=at)

    def is_free(self, commit: str, recorded: str | None = None) -> bool:
        """Returns whether the commit holds nothing of the release; False when that cannot be told.

        `recorded` is the commit at which state says that the release is undone.
        """
        if self._git.resolve(commit) is None:
            return False
        known = self._git.resolve(self._release.commit)
        if known is None or not self._git.is_ancestor(known, commit):
            return not self._cut_off()
        return self._changes_nothing(commit) or self._standing(commit, None, recorded).is_undone

    # --- which commits -----------------------------------------------------------------------------------

    def _why_missing(self, tip: str) -> str:
        commit, base = self._release.commit, self._release.base
        advice = f", or history does not reach back to it: {_DEEPEN}" if self._cut_off() else ""
        if self._git.resolve(commit) is None or not self._git.is_ancestor(commit, tip):
            return f"the release's commit {commit[:12]} is not on the branch{advice}"
        if base is not None and self._is_base_missing:
            return f"there is no commit {base[:12]}, which is the release's base{advice}"
        return ""

    def _cut_off(self) -> frozenset[str]:
        """Returns commits whose parents a shallow clone left out."""
        return self._git.cut_at()

    @cached_property
    def _base(self) -> str | None:
        """The commit before the release; None when the release is the first commit of all."""
        return self._git.resolve(self._release.base or f"{self._release.commit}^")

    @property
    def _is_base_missing(self) -> bool:
        return self._release.base is not None and self._base is None

    @cached_property
    def _entries(self) -> tuple[LoggedCommit, ...]:
        """Newest first; all that the release's commit holds and its base does not."""
        since = self._base or self._git.resolve(f"{self._release.commit}^")
        return tuple(self._git.log(self._release.commit, [], since=since, whole=True))

    @cached_property
    def _parts(self) -> tuple[LoggedCommit, ...]:
        return tuple(entry for entry in self._entries if not self._is_decision(entry))

    def _is_decision(self, entry: LoggedCommit) -> bool:
        """Returns whether the commit touches nothing but state."""
        return bool(entry.paths) and all(map(self._state.holds, entry.paths))

    # --- merging -----------------------------------------------------------------------------------------

    def _onto(self, tip: str, standing: ReleaseStanding, merged: str | None) -> RevertFact:
        merge = self._merge(tip)
        if merge.conflicts:
            outcome, shown = RevertOutcome.CONFLICT, merge.conflicts
            detail = "reverting the release conflicts with what came after it"
        else:
            paths = self._git.changed_paths(self._tree(tip), merge.tree)
            outcome, shown = RevertOutcome.CLEAN, tuple(path for path in paths if path.startswith(_WORKFLOWS))
            detail = f"{_counted(len(self._parts), 'commit')} to revert, {_counted(len(paths), 'file')}"
        changes = {
            "commits": tuple(entry.commit for entry in self._parts[:_MOST_COMMITS]),
            "total": len(self._parts),
            "paths": tuple(inert(path) for path in shown[:_MOST_PATHS]),
            "workflows": outcome is RevertOutcome.CLEAN and bool(shown),
            "merged": merged if merged and self._holds(tip, merged) else None,
            "taken_back": standing.by if standing.is_back else None,
        }
        return fact_of(outcome, detail, tip).model_copy(update=changes)

    def _holds(self, tip: str, commit: str) -> bool:
        return self._git.resolve(commit) is not None and self._git.is_ancestor(commit, tip)

    def _changes_nothing(self, commit: str) -> bool:
        """Returns whether reverting the release on that commit would change nothing."""
        if self._is_base_missing:
            return False
        merge = self._merge(commit)
        return not merge.conflicts and merge.tree == self._tree(commit)

    def _is_gone(self, commit: str) -> bool:
        """Returns the same for a commit that is said to revert the release: each file by itself may show it.

        Where a file of the release was removed and another one is like it, git takes the file for moved.
        """
        if self._is_base_missing:
            return False
        return self._changes_nothing(commit) or all(self._lacks(commit, path) for path in self._paths)

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        """The files that the release changed."""
        base = self._tree(self._base) if self._base is not None else self._write({})
        changed = self._git.changed_paths(base, self._tree(self._release.commit))
        return tuple(path for path in changed if not self._state.holds(path))

    def _lacks(self, commit: str, path: str) -> bool:
        """Returns whether reverting that one file would change nothing, wherever else its content may be."""
        ours = self._git.entry(commit, path)
        base = self._git.entry(self._base, path) if self._base is not None else None
        released = self._git.entry(self._release.commit, path)
        if ours in (base, released):
            return ours == base
        alone = [self._write({"file": entry} if entry else {}) for entry in (released, ours, base)]
        ancestor = self._made_up(alone[0])
        merge = self._git.merge(self._made_up(alone[1], ancestor), self._made_up(alone[2], ancestor))
        return not merge.conflicts and merge.tree == alone[1]

    def _merge(self, commit: str) -> Merge:
        """Returns the commit's tree with the release taken out; its state stays."""
        if commit not in self._merges:
            ours = self._tree(commit)
            state = {path: self._git.entry(ours, path) for path in self._state.roots}
            base = self._tree(self._base) if self._base is not None else self._write({})
            ancestor = self._made_up(self._with_state(self._tree(self._release.commit), state))
            theirs = self._made_up(self._with_state(base, state), ancestor)
            self._merges[commit] = self._git.merge(self._made_up(ours, ancestor), theirs)
        return self._merges[commit]

    def _made_up(self, tree: str, *parents: str) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), *_ANYBODY, "", "made up", ""]
        return self._objects.add("commit", "\n".join(lines).encode())

    def _with_state(self, tree: str, state: Mapping[str, TreeEntry | None]) -> str:
        """Returns the tree with that state in the place of its own: what was decided since stays decided."""
        for path, entry in state.items():
            if self._git.entry(tree, path) != entry:
                tree = self._with_entry(tree, path, entry)
        return tree

    def _with_entry(self, tree: str, path: str, entry: TreeEntry | None) -> str:
        """Returns the tree with that entry at the path; None takes it away."""
        name, _, rest = path.partition("/")
        entries = self._git.tree(tree)
        below = entries.pop(name, None)
        if rest:
            inside = below.id if below is not None and below.is_folder else self._write({})
            folder = self._with_entry(inside, rest, entry)
            entry = TreeEntry(FOLDER, folder) if self._git.tree(folder) else None
        if entry is not None:
            entries[name] = entry
        return self._write(entries)

    def _write(self, entries: dict[str, TreeEntry]) -> str:
        return self._objects.add("tree", tree_body(entries))

    @cached_property
    def _objects(self) -> LooseObjects:
        return LooseObjects(self._git.common_dir / "objects", len(self._tree(self._release.commit)))

    def _tree(self, commit: str) -> str:
        found = self._git.read(f"{commit}^{{tree}}")
        assert found is not None
        return found.id

    # --- history since the release -----------------------------------------------------------------------

    def _standing(self, tip: str, merged: str | None, recorded: str | None) -> ReleaseStanding:
        parts = {entry.commit: entry.subject for entry in self._parts}
        known = ReleaseFacts(self._release.commit, parts, recorded, merged)
        return standing_at(tip, known, self._later(tip), self._is_gone)

    def _later(self, tip: str) -> Iterator[LaterCommit]:
        """Yields the commits from the release to `tip`, parents before children."""
        span = ("--ancestry-path", f"{self._release.commit}..{tip}")
        arguments = ("log", "-z", "--topo-order", "--reverse", "--format=%H%x00%P%x00%B", *span)
        with self._git.runner.start(arguments) as process:
            try:
                tokens = nul_separated(pipe(process.stdout))
                for commit in tokens:
                    yield LaterCommit(commit, tuple(next(tokens).split()), next(tokens))
                output("log", finish(process, arguments, b""))
            finally:
                process.kill()


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def fact_of(outcome: RevertOutcome, detail: str, tip: str | None = None) -> RevertFact:
    """Returns what a revert would come to on that tip; None where the branch is not there."""
    return RevertFact(tip=tip, outcome=outcome, detail=inert(detail, 300))


def refuse_unless_clean(fact: RevertFact) -> None:
    """Raises RefusedError when the revert is anything but clean."""
    if fact.outcome is RevertOutcome.CLEAN:
        return
    why = fact.detail
    if fact.outcome is RevertOutcome.CONFLICT:
        more = " and more" if len(fact.paths) > _SHOWN else ""
        why += f", in {', '.join(fact.paths[:_SHOWN])}{more}"
    raise RefusedError(
        f"the release cannot be reverted: {why}",
        hint="revert it by hand; the next run notices when nothing of the release is left",
    )
