"""Works out, in the object database alone, what reverting a release does to a branch.

Reverting a commit is a merge of three trees: the commit's is the base, the branch's is ours, the parent's is
theirs. This git merges commits, not trees, so commits are made up around the trees, in a scratch repository.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from rollout.adapters.git.formats import LogEntry, Merge, TreeEntry, tree_body
from rollout.adapters.git.repository import Git
from rollout.adapters.yaml_store import message_text
from rollout.core.state import CommitMessage, Release
from rollout.errors import RefusedError
from rollout.ports import RevertOutcome, RevertPreview

_WORKFLOWS = ".github/workflows/"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_SHOWN = 5
_DEEPEN = "fetch all of it with `git fetch --unshallow`"


@dataclass(frozen=True)
class Undone:
    """One commit's revert: the tree after it."""

    commit: str
    parent: str | None
    """Of a merge, the parent that it is reverted to."""
    tree: str

    @property
    def line(self) -> str:
        """As git says it, so that whoever looks for it finds it."""
        reversing = f", reversing changes made to {self.parent}" if self.parent else ""
        return f"This reverts commit {self.commit}{reversing}."


@dataclass(frozen=True)
class Revert:
    """A revert that is worked out and not made."""

    preview: RevertPreview
    undone: tuple[Undone, ...] = ()
    """Newest first, as the commits are to follow one another."""


class Reverting:
    """Reverts of one release. What only touches `state_folder` is no part of it, and is never reverted."""

    def __init__(self, git: Git, release: Release, state_folder: str | None) -> None:
        """`git` is a scratch repository that has the branch; `state_folder` None where state is elsewhere."""
        self._git = git
        self._release = release
        self._folder = state_folder

    def work_out(self, tip: str) -> Revert:
        """What reverting the release on that commit would do. Raises OutsideError."""
        nothing = RevertPreview(outcome=RevertOutcome.NOTHING, tip=tip, commits=())
        if missing := self._why_missing(tip):
            return Revert(replace(nothing, outcome=RevertOutcome.MISSING, detail=missing))
        entries = self._entries()
        if cut := self._cut_off().intersection(entry.commit for entry in entries):
            why = f"history is cut off at {min(cut)[:12]}: {_DEEPEN}"
            return Revert(replace(nothing, outcome=RevertOutcome.MISSING, detail=why))
        parts = [entry for entry in entries if self._is_part(entry)]
        if not parts:
            return Revert(replace(nothing, detail="no commit of the release touches the product"))
        if self._is_gone(parts, tip):
            return Revert(replace(nothing, detail="the branch holds nothing of the release any more"))
        return self._one_by_one(parts, tip)

    def commit(self, revert: Revert, message_for: Callable[[Undone], str], at: datetime) -> str:
        """Make the commits on top of the tip; the last of them."""
        newest = revert.preview.tip
        for undone in revert.undone:
            newest = self._git.commit_tree(undone.tree, (newest,), message=message_for(undone), at=at)
        return newest

    def is_free(self, commit: str) -> bool:
        """Whether the commit holds nothing of the release; False when that cannot be told."""
        if self._git.resolve(commit) is None:
            return False
        known = self._git.resolve(self._release.commit)
        if known is None or not self._git.is_ancestor(known, commit):
            return not self._cut_off()
        return self.work_out(commit).preview.outcome is RevertOutcome.NOTHING

    # --- which commits -----------------------------------------------------------------------------------

    def _why_missing(self, tip: str) -> str:
        commit, base = self._release.commit, self._release.base
        advice = f", or history does not reach back to it: {_DEEPEN}" if self._cut_off() else ""
        if self._git.resolve(commit) is None or not self._git.is_ancestor(commit, tip):
            return f"the release's commit {commit[:12]} is not on the branch{advice}"
        if base is not None and (self._git.resolve(base) is None or not self._git.is_ancestor(base, commit)):
            return f"the release's base {base[:12]} does not lead to its commit {commit[:12]}{advice}"
        return ""

    def _cut_off(self) -> frozenset[str]:
        """Commits whose parents a shallow clone left out."""
        file = self._git.git_dir / "shallow"
        return frozenset(file.read_text(encoding="ascii").split()) if file.exists() else frozenset()

    def _entries(self) -> list[LogEntry]:
        entries = self._git.log(self._release.commit, [], since=self._release.base)
        return list(entries if self._release.base is not None else islice(entries, 1))

    def _is_part(self, entry: LogEntry) -> bool:
        return any(not self._is_state(path) for path in entry.paths)

    def _is_state(self, path: str) -> bool:
        return self._folder is not None and path.startswith(f"{self._folder}/")

    # --- merging -----------------------------------------------------------------------------------------

    def _is_gone(self, parts: Sequence[LogEntry], tip: str) -> bool:
        """Also where all of it was reverted at once, of which no single commit's revert would be clean."""
        merge = self._merge(parts[0].commit, self._tree(tip), self._before(parts[-1], parts[0].commit))
        return not merge.conflicts and merge.tree == self._tree(tip)

    def _one_by_one(self, parts: Sequence[LogEntry], tip: str) -> Revert:
        preview = RevertPreview(RevertOutcome.CLEAN, tip, tuple(entry.commit for entry in parts))
        tree, undone = self._tree(tip), []
        for entry in parts:
            merge = self._merge(entry.commit, tree, self._before(entry, entry.commit))
            if merge.conflicts:
                detail = f"reverting {entry.commit[:12]} conflicts with what came after it"
                conflict = RevertOutcome.CONFLICT
                return Revert(replace(preview, outcome=conflict, conflicts=merge.conflicts, detail=detail))
            if merge.tree != tree:
                parent = entry.parents[0] if len(entry.parents) > 1 else None
                undone.append(Undone(entry.commit, parent, merge.tree))
                tree = merge.tree
        if not undone:
            return Revert(
                replace(preview, outcome=RevertOutcome.NOTHING, detail="all of it is reverted already")
            )
        paths = self._git.changed_paths(self._tree(tip), tree)
        workflows = tuple(path for path in paths if path.startswith(_WORKFLOWS))
        detail = f"{len(undone)} of {len(parts)} commits to revert, {len(paths)} files"
        return Revert(replace(preview, workflows=workflows, detail=detail), tuple(undone))

    def _merge(self, base: str, ours: str, theirs: str) -> Merge:
        """Merge two trees that both came from the tree of a commit."""
        root = self._made_up(self._tree(base))
        return self._git.merge(self._made_up(ours, root), self._made_up(theirs, root))

    def _made_up(self, tree: str, *parents: str) -> str:
        return self._git.commit_tree(tree, parents, message="made up", at=_ANY_TIME)

    def _before(self, entry: LogEntry, like: str) -> str:
        """The tree before that commit, with the state of another: what decided meanwhile stays decided."""
        parent = self._git.read(f"{entry.parents[0]}^{{tree}}") if entry.parents else None
        entries = dict(self._git.tree(parent.id)) if parent else {}
        if self._folder is None:
            return parent.id if parent else self._write({})
        state = self._git.tree(f"{like}^{{tree}}").get(self._folder)
        if parent is not None and entries.get(self._folder) == state:
            return parent.id
        entries.pop(self._folder, None)
        if state is not None:
            entries[self._folder] = state
        return self._write(entries)

    def _write(self, entries: dict[str, TreeEntry]) -> str:
        options = ("-t", "tree", "-w", "--stdin")
        return self._git.runner.feed("hash-object", *options, stdin=tree_body(entries)).decode().strip()

    def _tree(self, commit: str) -> str:
        found = self._git.read(f"{commit}^{{tree}}")
        assert found is not None
        return found.id


def refused_unless_clean(revert: Revert) -> Revert:
    """The revert. Raises RefusedError when it is anything but clean."""
    preview = revert.preview
    if preview.outcome is RevertOutcome.CLEAN:
        return revert
    why = preview.detail
    if preview.outcome is RevertOutcome.CONFLICT:
        more = " and more" if len(preview.conflicts) > _SHOWN else ""
        why += f", in {', '.join(preview.conflicts[:_SHOWN])}{more}"
    raise RefusedError(
        f"the release cannot be reverted: {why}", hint="revert it by hand; the next run notices"
    )


def message_with(message: CommitMessage) -> Callable[[Undone], str]:
    """The text of each commit: the message, and which commit it reverts."""

    def text(undone: Undone) -> str:
        body = "\n\n".join(part for part in (undone.line, message.body) if part)
        return message_text(CommitMessage(message.subject, body, message.trailers))

    return text
