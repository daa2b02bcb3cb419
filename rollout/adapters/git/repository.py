"""A repository.

Reads go through one `git cat-file --batch` that stays open. Commits are made in the object database and the
branch moves last, by compare-and-swap; neither depends on how much history there is.
"""

from __future__ import annotations

import os
import re
import subprocess
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Never

from rollout.adapters.git.formats import (
    FILE,
    FOLDER,
    PROGRAM,
    GitObject,
    Merge,
    TreeEntry,
    log_entries,
    nul_separated,
    tree_body,
    tree_entries,
)
from rollout.adapters.git.objects import LooseObjects
from rollout.adapters.git.process import (
    LITERAL,
    RETRY_HINT,
    TOOL_IDENTITY,
    Done,
    Runner,
    complaint,
    end,
    error_line,
    finish,
    output,
    pipe,
    start,
    usual_environment,
)
from rollout.core.files import is_peoples
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError
from rollout.ports import LoggedCommit

_FIRST_PARENT = "--diff-merges=first-parent"
"""`-m --first-parent` would have `diff-tree` show a merge against each parent."""
_IMMUTABLE = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])")
"""What begins with an object's whole id names the same indefinitely."""
_MOST_KNOWN = 64
HEADS = "refs/heads/"
_NO_REPOSITORY = "is not a git repository"
_HINT_CLONE = "run it inside a clone, or name one with --repo; a new one begins with: git init -b main"
_HEAD_ON_BRANCH, _HEAD_ELSEWHERE = "ref: refs/heads/", "ref: refs/heads/.invalid"
MOVE = ("update-ref", "-z", "--stdin")
_REMOTE_HEADS = "refs/remotes/origin/"
USUAL_BRANCHES = ("main", "master")


def _why(stderr: bytes) -> str:
    """Returns what git adds to there being no repository; empty where it only says so."""
    said = error_line(stderr)
    return "" if said.startswith("not a git repository (or any") else f": {said}"


class Layout(NamedTuple):
    """Where the parts of a repository are, and which branches it has."""

    git_dir: Path
    common_dir: Path
    worktree: Path | None = None
    """The top folder; None for a bare repository."""
    refs: tuple[str, ...] = ()
    """Its branches, and what origin's HEAD leads to."""


class Git:
    """A repository. Not for use by several threads at once; give each its own."""

    _objects: subprocess.Popen[bytes] | None = None
    _stop: Callable[[], object] = staticmethod(lambda: None)

    def __init__(
        self, repo: Path, environment: Mapping[str, str] | None = None, *, layout: Layout | None = None
    ) -> None:
        """`repo` is the repository or a folder in it, `environment` git's, made of this process's when None.
        `layout` is known of a repository that was just made, which saves a process.

        Raises InputError when it is neither, OutsideError when there is no git.
        """
        self.environment = usual_environment() if environment is None else environment
        self._known: dict[str, GitObject] = {}
        # What git said of commits by their ids: a run asks the same before and after it writes.
        self._changes: dict[tuple[str | None, str], tuple[str, ...]] = {}
        self._ancestors: set[tuple[str, str]] = set()
        found = layout or self._found(repo)
        self.git_dir = found.git_dir
        """This worktree's own git directory."""
        self.common_dir = found.common_dir
        """The git directory that all worktrees share."""
        self.worktree = found.worktree
        """The top folder; None for a bare repository."""
        self.home = self.worktree or self.git_dir
        """Where git is run."""
        self.runner = Runner(self.home, self.environment)
        self.note: Callable[[str], None] = lambda _: None
        """Hears what a commit left for the person at the worktree to do."""
        remote = [ref for ref in found.refs if ref.startswith(_REMOTE_HEADS)]
        self.remote_default = remote[0].removeprefix(_REMOTE_HEADS) if remote else None
        """What origin calls its default branch; None without such a remote."""
        self._only_branch = _only_one(ref.removeprefix(HEADS) for ref in found.refs if ref.startswith(HEADS))

    def _found(self, repo: Path) -> Layout:
        """Returns what git says of the repository. Raises as `__init__`."""
        asked = (
            "--absolute-git-dir",
            "--path-format=absolute",
            "--git-common-dir",
            "--is-inside-work-tree",
            "--symbolic-full-name",
            f"--glob={_REMOTE_HEADS}[H]EAD",  # without a wildcard git would add one
            "--branches",
            "--show-cdup",
        )
        finder = start(repo, ("rev-parse", *asked), self.environment)
        self._read_objects(repo)  # comes up while the other answers
        done = finish(finder, asked, b"")
        if done.returncode:
            self.close()
            raise InputError(
                f"{'this folder' if repo == Path() else repo} {_NO_REPOSITORY}{_why(done.stderr)}",
                hint=_HINT_CLONE,
            )
        git_dir, common_dir, has_worktree, *others = os.fsdecode(done.stdout).splitlines()
        refs = tuple(line for line in others if line.startswith("refs/"))
        top = repo.joinpath(*others[len(refs) :]).resolve() if has_worktree == "true" else None
        return Layout(Path(git_dir), Path(common_dir), top, refs)

    def close(self) -> None:
        """Ends the process that reads objects; the next read starts another."""
        self._stop()
        self._objects = None

    # --- reading -----------------------------------------------------------------------------------------

    def read(self, spec: str) -> GitObject | None:
        """Returns what `spec` names: `<id>`, `refs/heads/x`, `<commit>:<path>`;
        None when there is no such object.
        """
        if "\n" in spec:
            return None
        if spec in self._known:
            return self._known[spec]
        try:
            found = self._ask(spec)
        except OSError as error:
            self.close()
            raise OutsideError(f"git cat-file stopped: {error.strerror}", hint=RETRY_HINT) from error
        if found is not None:
            self._remember(spec, found)
        return found

    def _remember(self, spec: str, found: GitObject) -> None:
        """Keeps what no later write can change: a run reads the same trees and files more than once."""
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[found.id] = found
        if _IMMUTABLE.match(spec):
            self._known[spec] = found

    def resolve(self, name: str) -> str | None:
        """Returns the id of the commit that `name` leads to; None when it leads to none."""
        found = self.read(f"{name}^{{commit}}")
        return found.id if found else None

    def tip(self, branch: str) -> str | None:
        """Returns the commit at the tip of a local branch; None when there is no such branch."""
        return self.resolve(HEADS + branch)

    def tree(self, spec: str) -> dict[str, TreeEntry]:
        """Returns name -> entry of the tree that `spec` names; empty when it names none."""
        found = self.read(spec)
        return dict(tree_entries(found)) if found and found.kind == "tree" else {}

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """Returns what a commit has at that path, be it a file, a link, a folder or a submodule."""
        folder, _, name = path.rpartition("/")
        return self.tree(f"{commit}:{folder}").get(name)

    def cut_at(self) -> frozenset[str]:
        """Returns the commits at which a shallow clone ends; empty when the clone is whole."""
        try:
            return frozenset((self.common_dir / "shallow").read_text("ascii").split())
        except FileNotFoundError:
            return frozenset()

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Returns whether `commit` is `of` or can be reached from it."""
        if (commit, of) in self._ancestors:
            return True
        done = self.runner.attempt("merge-base", "--is-ancestor", commit, of)
        if done.returncode == 1:
            return False  # in a shallow clone only for now
        output("merge-base", done)
        if _are_ids(commit, of):
            self._ancestors.add((commit, of))
        return True

    def merge_base(self, one: str, other: str) -> str | None:
        """Returns the newest commit that both hold; None when they have none in common."""
        done = self.runner.attempt("merge-base", one, other)
        if done.returncode == 1:
            return None
        return output("merge-base", done).decode().strip()

    def merge_bases(self, one: str, other: str) -> tuple[str, ...]:
        """Returns the newest commits that both hold: several after merges crosswise, none when they share
        none.
        """
        done = self.runner.attempt("merge-base", "--all", one, other)
        return () if done.returncode == 1 else tuple(output("merge-base", done).decode().split())

    def current_branch(self) -> str | None:
        """Returns the branch that HEAD is on, even one without commits; None when HEAD is detached."""
        # The file saves a process; where it does not tell (detached, a link, reftable), git does.
        head = (self.git_dir / "HEAD").read_bytes().decode(errors="surrogateescape").rstrip("\n")
        if head.startswith(_HEAD_ON_BRANCH) and head != _HEAD_ELSEWHERE:
            return head.removeprefix(_HEAD_ON_BRANCH)
        done = self.runner.attempt("symbolic-ref", "--quiet", "HEAD")
        return (
            None
            if done.returncode == 1
            else output("symbolic-ref", done).decode().strip().removeprefix(HEADS)
        )

    def default_branch(self) -> str:
        """Returns what origin calls its default, else `init.defaultBranch`, main or master, else the current
        branch.

        A branch that is only checked out comes last: a freeze made on it would not reach the rollout.

        The tool's own branches do not count as current: a person may look into a pull request's branch.
        """
        if self.remote_default:
            return self.remote_default
        if self._only_branch in USUAL_BRANCHES:
            return self._only_branch  # whatever is configured; it saves a process
        configured = self.runner.attempt("config", "init.defaultBranch").stdout.decode().strip()
        for usual in filter(None, (configured, *USUAL_BRANCHES)):
            if self.tip(usual):
                return usual
        current = self.current_branch()
        if current and is_peoples(current):
            return current
        return configured or USUAL_BRANCHES[0]

    def branches(self, *places: str) -> dict[str, str]:
        """Maps ref to name, of each branch below the places (`refs/heads/`); a name may be in several."""
        listed = self.runner.run("for-each-ref", "--format=%(refname)", *places).decode("utf-8", "replace")
        refs = (ref for ref in listed.splitlines() if not ref.endswith("/HEAD"))
        return {ref: ref.removeprefix(place) for ref in refs for place in places if ref.startswith(place)}

    def why_uncommittable(self, path: str) -> str:
        """Returns why git does not commit that path of the worktree as a file; empty where it does."""
        if (self.home / path).is_symlink():
            return "is a link, and reconcile writes files only: name the file itself"
        done = self.runner.attempt("check-ignore", "--quiet", "--", path)
        if done.returncode == 0:
            return "is ignored by git: commit it, or name another file"
        return "" if done.returncode == 1 else f"git does not commit it here: {complaint(done)[:200]}"

    def tags(self) -> tuple[str, ...]:
        """Returns the names of all tags."""
        return tuple(
            output("tag", self.runner.attempt("tag", "--list")).decode("utf-8", "replace").splitlines()
        )

    def tags_at(self, commit: str) -> tuple[str, ...]:
        """Returns the tags that lead to the commit, annotated or not."""
        shown = (f"--points-at={commit}", "--format=%(refname:strip=2)", "refs/tags")
        return tuple(self.runner.run("for-each-ref", *shown).decode("utf-8", "replace").splitlines())

    def origin(self) -> str | None:
        """Returns the address of the remote `origin`; None when there is no such remote."""
        found = self.runner.attempt("config", "remote.origin.url").stdout
        return found.decode("utf-8", "replace").strip() or None

    def is_pushed(self, commit: str) -> bool:
        """Returns whether a branch of a remote, as it was last seen, holds the commit."""
        shown = ("--count=1", f"--contains={commit}", "refs/remotes")
        return bool(self.runner.run("for-each-ref", *shown))

    def person(self) -> str:
        """Returns the name that git signs this person's commits with.
        Raises OutsideError when it knows none.
        """
        ident = self.runner.run("var", "GIT_AUTHOR_IDENT").decode("utf-8", "replace")
        return ident.partition(" <")[0]

    def changed_paths(self, old: str | None, new: str) -> tuple[str, ...]:
        """Returns paths of files that differ between two commits or trees;
        `old` None is `new`'s first parent.
        """
        if (old, new) in self._changes:
            return self._changes[old, new]
        between = (old, new) if old else ("--root", "--no-commit-id", _FIRST_PARENT, new)
        out = self.runner.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", *between)
        paths = tuple(os.fsdecode(path) for path in out.split(b"\0") if path)
        if old and _are_ids(old, new):
            self._changes[old, new] = paths
        return paths

    def log(
        self, tip: str, paths: Sequence[str], *, since: str | Sequence[str] | None = None, whole: bool = False
    ) -> Iterator[LoggedCommit]:
        """Yields first-parent commits that touched one of the paths, newest first, without what `since`
        holds.

        `whole` follows every parent, children before parents. Streams: a caller that stops early does not pay
        for the rest.
        """
        pretty = "%x00".join(("", "%H", "%P", "%ct", "%an", "%s", "%B"))
        followed = "--topo-order" if whole else "--first-parent"
        shown = (followed, "--diff-merges=first-parent", "--no-renames", "--raw", "--no-abbrev")
        ends = [since] if isinstance(since, str) else since or ()
        span = (tip, *(f"^{end}" for end in ends))
        arguments = ("log", "-z", *shown, f"--format={pretty}", *span, "--", *paths)
        with self.runner.start(arguments, LITERAL) as process:
            try:
                yield from log_entries(nul_separated(pipe(process.stdout)))
                output("log", finish(process, arguments, b""))
            finally:
                process.kill()

    def first_parents(self, tip: str, without: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
        """Yields each first-parent commit with its parents, newest first, without what `without` holds.
        Streams.
        """
        span = (tip, *(f"^{end}" for end in without))
        arguments = ("rev-list", "--first-parent", "--parents", *span)
        with self.runner.start(arguments) as process:
            try:
                for line in pipe(process.stdout):
                    yield tuple(line.decode().split())
                output("rev-list", finish(process, arguments, b""))
            finally:
                process.kill()

    def rev_list(self, *arguments: str, paths: Sequence[str] = ()) -> tuple[tuple[str, ...], ...]:
        """Returns the ids on each line of `git rev-list`."""
        out = self.runner.run("rev-list", *arguments, "--", *paths, env=LITERAL)
        return tuple(tuple(line.split()) for line in out.decode().splitlines())

    # --- writing objects: nothing that anybody can see changes -------------------------------------------

    def write_commit(
        self,
        files: Mapping[str, bytes | None],
        *,
        parent: str | None,
        message: str,
        at: datetime,
        of_people: Collection[str] = (),
    ) -> str:
        """Returns a commit that writes `files` (path -> content; None removes it) over `parent`'s.

        `parent` None begins a history. Files `of_people` stay programs where they are. Equal input gives an
        equal id.
        """
        some_id = parent or self.runner.run("hash-object", "--stdin").decode().strip()
        objects = LooseObjects(self.common_dir / "objects", len(some_id))
        blobs = {
            path: None
            if content is None
            else TreeEntry(self._mode(parent, path, of_people), objects.add("blob", content))
            for path, content in files.items()
        }
        tree = self._add_tree(objects, f"{parent}^{{tree}}" if parent else None, blobs)
        return self.commit_tree(tree, (parent,) if parent else (), message=message, at=at)

    def _mode(self, parent: str | None, path: str, of_people: Collection[str]) -> str:
        there = self.entry(parent, path) if parent and path in of_people else None
        return PROGRAM if there is not None and there.mode == PROGRAM else FILE

    def commit_tree(self, tree: str, parents: Iterable[str], *, message: str, at: datetime) -> str:
        """Returns a commit of that tree by the configured identity, else by `rollout <rollout@localhost>`."""
        date = f"{int(at.timestamp())} +0000"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        flags = [part for parent in parents for part in ("-p", parent)]
        # useConfigOnly: a name that git guesses from the machine is no configured identity.
        arguments = ("-c", "user.useConfigOnly=true", "commit-tree", tree, *flags)
        done = self.runner.attempt(*arguments, stdin=message.encode(), env=dates)
        if done.returncode:
            known = {**dates, **TOOL_IDENTITY}
            done = self.runner.attempt(*arguments, stdin=message.encode(), env=known)
        return output("commit-tree", done).decode().strip()

    def merged_tree(self, ours: str, theirs: str) -> str:
        """Returns the tree of a merge of two commits. Raises RefusedError when they conflict."""
        merge = self.merge(ours, theirs)
        if merge.conflicts:
            raise RefusedError(
                f"merge conflict in {', '.join(merge.conflicts)}",
                hint="both sides changed the same lines; close the pull request or fix its branch by hand",
            )
        return merge.tree

    def merge(self, ours: str, theirs: str) -> Merge:
        """Returns what merging two commits would give; nothing but objects is written."""
        options = ("--write-tree", "--name-only", "--no-messages", "-z")
        done = self.runner.attempt("merge-tree", *options, ours, theirs)
        if done.returncode not in (0, 1):
            output("merge-tree", done)
        tree, *paths = done.stdout.split(b"\0")
        conflicts = {os.fsdecode(path) for path in paths if path} if done.returncode else set()
        return Merge(tree.decode().strip(), tuple(sorted(conflicts)))

    # --- moving branches ---------------------------------------------------------------------------------

    def other_worktrees(self, branch: str) -> Iterator[Path]:
        """Yields other worktrees that have the branch checked out."""
        if not (self.common_dir / "worktrees").exists():
            return  # the usual case, and it saves a process
        for path, facts in self.worktrees().items():
            if f"branch {HEADS}{branch}" in facts and path != self.worktree:
                yield path

    def worktrees(self) -> dict[Path, list[str]]:
        """Returns every worktree whose folder is there, and what git says of it."""
        listed = os.fsdecode(self.runner.run("worktree", "list", "--porcelain", "-z"))
        records = (record.split("\0") for record in listed.split("\0\0") if record)
        found = {Path(folder.removeprefix("worktree ")): facts for folder, *facts in records}
        return {path: facts for path, facts in found.items() if path.exists() and "bare" not in facts}

    def set_branch(self, branch: str, new: str, *, old: str | None) -> None:
        """Points `branch` at `new` by compare-and-swap; `old` None makes it. The worktree is not touched.

        Raises HeadMovedError when the branch is not at `old`.
        """
        self.move(self.runner.start(MOVE), branch, new, old)

    def move(self, process: subprocess.Popen[bytes], branch: str, new: str, old: str | None) -> None:
        """Moves the branch as `set_branch` does, by a process that was started with `MOVE`."""
        order = "\0".join((f"update {HEADS}{branch}", new, old or "0" * len(new), ""))
        done = finish(process, MOVE, order.encode(errors="surrogateescape"))
        self._check_swap(branch, old, done)

    def delete_branch(self, branch: str, *, old: str) -> None:
        """Deletes it by compare-and-swap, unless it is checked out. Raises as `set_branch`."""
        if self.current_branch() != branch and not any(self.other_worktrees(branch)):
            self._check_swap(branch, old, self.runner.attempt("update-ref", "-d", HEADS + branch, old))

    def _check_swap(self, branch: str, old: str | None, done: Done) -> None:
        if done.returncode and self.tip(branch) != old:
            head_moved(branch, old)
        output("update-ref", done)

    # --- objects ------------------------------------------------------------------------------------------

    def _read_objects(self, folder: Path) -> subprocess.Popen[bytes]:
        process = start(folder, ("cat-file", "--batch"), self.environment)
        self._objects = process
        self._stop = weakref.finalize(self, end, process)
        return process

    def _ask(self, spec: str) -> GitObject | None:
        process = self._objects or self._read_objects(self.home)
        questions, answers = pipe(process.stdin), pipe(process.stdout)
        questions.write(spec.encode(errors="surrogateescape") + b"\n")
        questions.flush()
        header = answers.readline().rsplit(b" ", 2)
        if header[-1] in (b"missing\n", b"ambiguous\n"):
            return None
        body = answers.read(int(header[2]) + 1) if len(header) == 3 else b""
        if not body.endswith(b"\n"):
            raise BrokenPipeError(0, error_line(pipe(process.stderr).read()))
        return GitObject(header[0].decode(), header[1].decode(), body[:-1])

    def _add_tree(
        self, objects: LooseObjects, spec: str | None, blobs: Mapping[str, TreeEntry | None]
    ) -> str:
        """Returns the tree `spec` with these blobs in it (path -> entry; None takes it away)."""
        entries = self.tree(spec) if spec else {}
        folders: dict[str, dict[str, TreeEntry | None]] = {}
        for path, blob in blobs.items():
            name, _, rest = path.partition("/")
            if rest:
                folders.setdefault(name, {})[rest] = blob
            elif blob is None:
                entries.pop(name, None)
            else:
                entries[name] = blob
        for name, inside in folders.items():
            there = entries.get(name)
            known = there.id if there and there.is_folder else None
            entries[name] = TreeEntry(FOLDER, self._add_tree(objects, known, inside))
        return objects.add("tree", tree_body(entries))


def _are_ids(*names: str) -> bool:
    return all(_IMMUTABLE.fullmatch(name) for name in names)


def _only_one(branches: Iterable[str]) -> str | None:
    """Returns the one branch that is not the tool's own; None where there are several or none."""
    others = [branch for branch in branches if is_peoples(branch)]
    return others[0] if len(others) == 1 else None


def head_moved(branch: str, expected: str | None) -> Never:
    """Raises HeadMovedError."""
    raise HeadMovedError(
        f"branch {branch} is no longer at {expected or 'nothing'}",
        hint="run again: it reads and decides anew",
    )
