"""The one door to git.

Reads go through one `git cat-file --batch` that stays open. Commits are made in the object database and the
branch moves last, by compare-and-swap; neither depends on how much history there is.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import IO, Never

from rollout.adapters.git_pack import Pack
from rollout.core.text import inert
from rollout.errors import HeadMovedError, InputError, OutsideError, RefusedError

_CONFIG = (
    "core.hooksPath=/dev/null",
    "i18n.commitEncoding=UTF-8",
    "log.showSignature=false",
    "log.showRoot=true",
)
_OPTIONS = tuple(part for setting in _CONFIG for part in ("-c", setting))

# Of `git rev-parse --local-env-vars`, what would point git elsewhere when a hook or alias runs us.
_REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_FALLBACK_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "rollout"), ("EMAIL", "rollout@localhost"))
}
_LITERAL = {"GIT_LITERAL_PATHSPECS": "1"}
_NOTHING: Mapping[str, str] = {}
_Done = subprocess.CompletedProcess[bytes]

_TRAILERS = "%(trailers:only=yes,unfold=yes,key_value_separator=%x1f,separator=%x1e)"
_FILE, _FOLDER = "100644", "40000"
_HEADS = "refs/heads/"
_HEAD_ON_BRANCH, _HEAD_ELSEWHERE = "ref: refs/heads/", "ref: refs/heads/.invalid"
_REMOTE_HEADS = "refs/remotes/origin/"
_OWN_BRANCHES = "rollout/"
_USUAL_BRANCHES = ("main", "master")
_RETRY_HINT = "run the command again; if it stays, look at the repository with `git status` and `git fsck`"


@dataclass(frozen=True)
class GitObject:
    id: str
    kind: str
    """`commit`, `tree`, `blob` or `tag`."""
    body: bytes


@dataclass(frozen=True)
class TreeEntry:
    mode: str
    id: str

    @property
    def is_folder(self) -> bool:
        return self.mode == _FOLDER


@dataclass(frozen=True)
class LogEntry:
    commit: str
    parents: tuple[str, ...]
    at: datetime
    author: str
    subject: str
    trailers: Mapping[str, str]
    paths: tuple[str, ...]
    """Changed against the first parent, of those asked for."""


class Git:
    """A repository. Not for use by several threads at once; give each its own."""

    _objects: subprocess.Popen[bytes] | None
    _stop: Callable[[], object]

    def __init__(self, repo: Path) -> None:
        """`repo` is the repository or a folder in it.

        Raises InputError when it is neither, OutsideError when there is no git.
        """
        asked = (
            "--absolute-git-dir",
            "--path-format=absolute",
            "--git-common-dir",
            "--is-inside-work-tree",
            "--symbolic-full-name",
            f"--glob={_REMOTE_HEADS}[H]EAD",  # without a wildcard git would add one
            "--show-cdup",
        )
        self._environment = _environment()
        finder = _start(repo, ("rev-parse", *asked), self._environment)
        self._read_objects(repo)  # comes up while the other answers
        done = _finish(finder, asked, b"")
        if done.returncode:
            self.close()
            raise InputError(
                f"{repo} is not a git repository: {_last_line(done.stderr)}",
                hint="run it inside a clone, or name one with --repo",
            )
        git_dir, common_dir, has_worktree, *others = os.fsdecode(done.stdout).splitlines()
        remote = [line for line in others if line.startswith(_REMOTE_HEADS)]
        up = others[len(remote) :]
        self.git_dir = Path(git_dir)
        """This worktree's own git directory."""
        self.common_dir = Path(common_dir)
        """The git directory that all worktrees share."""
        self.worktree = repo.joinpath(*up).resolve() if has_worktree == "true" else None
        """The top folder; None for a bare repository."""
        self.home = self.worktree or self.git_dir
        """Where git is run."""
        self._remote_default = remote[0].removeprefix(_REMOTE_HEADS) if remote else None

    def close(self) -> None:
        """End the process that reads objects; the next read starts another."""
        self._stop()
        self._objects = None

    # --- reading -----------------------------------------------------------------------------------------

    def read(self, spec: str) -> GitObject | None:
        """What `spec` names: `<id>`, `refs/heads/x`, `<commit>:<path>`; None when there is no such object."""
        if "\n" in spec:
            return None
        try:
            return self._ask(spec)
        except OSError as error:
            self.close()
            raise OutsideError(f"git cat-file stopped: {error.strerror}", hint=_RETRY_HINT) from error

    def resolve(self, name: str) -> str | None:
        """The id of the commit that `name` leads to; None when it leads to none."""
        found = self.read(f"{name}^{{commit}}")
        return found.id if found else None

    def tip(self, branch: str) -> str | None:
        """The commit at the tip of a local branch; None when there is no such branch."""
        return self.resolve(_HEADS + branch)

    def tree(self, spec: str) -> dict[str, TreeEntry]:
        """Name -> entry of the tree that `spec` names; empty when it names none."""
        found = self.read(spec)
        return dict(_tree_entries(found)) if found and found.kind == "tree" else {}

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether `commit` is `of` or can be reached from it."""
        done = self._try("merge-base", "--is-ancestor", commit, of)
        if done.returncode == 1:
            return False
        _output("merge-base", done)
        return True

    def current_branch(self) -> str | None:
        """The branch that HEAD is on, even one without commits; None when HEAD is detached."""
        # The file saves a process; where it does not tell (detached, a link, reftable), git does.
        head = (self.git_dir / "HEAD").read_bytes().decode(errors="surrogateescape").rstrip("\n")
        if head.startswith(_HEAD_ON_BRANCH) and head != _HEAD_ELSEWHERE:
            return head.removeprefix(_HEAD_ON_BRANCH)
        done = self._try("symbolic-ref", "--quiet", "HEAD")
        return (
            None
            if done.returncode == 1
            else _output("symbolic-ref", done).decode().strip().removeprefix(_HEADS)
        )

    def default_branch(self) -> str:
        """What origin calls its default, else `init.defaultBranch`, main or master, else the current branch.

        A branch that is only checked out comes last: a freeze made on it would not reach the rollout.

        The tool's own branches do not count as current: a person may look into a pull request's branch.
        """
        if self._remote_default:
            return self._remote_default
        configured = self._try("config", "init.defaultBranch").stdout.decode().strip()
        for usual in filter(None, (configured, *_USUAL_BRANCHES)):
            if self.tip(usual):
                return usual
        current = self.current_branch()
        if current and not current.startswith(_OWN_BRANCHES):
            return current
        return configured or _USUAL_BRANCHES[0]

    def tags(self) -> tuple[str, ...]:
        """The names of all tags."""
        return tuple(_output("tag", self._try("tag", "--list")).decode("utf-8", "replace").splitlines())

    def origin(self) -> str | None:
        """The address of the remote `origin`; None when there is no such remote."""
        return self._try("config", "remote.origin.url").stdout.decode("utf-8", "replace").strip() or None

    def is_pushed(self, commit: str) -> bool:
        """Whether a branch of a remote, as it was last seen, holds the commit."""
        shown = self._try("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes")
        return bool(_output("for-each-ref", shown))

    def person(self) -> str:
        """The name that git signs this person's commits with. Raises OutsideError when it knows none."""
        ident = _output("var", self._try("var", "GIT_AUTHOR_IDENT")).decode("utf-8", "replace")
        return ident.partition(" <")[0]

    def changed_paths(self, old: str | None, new: str) -> tuple[str, ...]:
        """Paths of files that differ between two commits or trees; `old` None is `new`'s first parent."""
        between = (old, new) if old else ("--root", "--no-commit-id", "-m", "--first-parent", new)
        out = self._run("diff-tree", "-r", "-z", "--name-only", "--no-renames", *between)
        return tuple(os.fsdecode(path) for path in out.split(b"\0") if path)

    def log(self, tip: str, paths: Sequence[str], *, since: str | None = None) -> Iterator[LogEntry]:
        """First-parent commits that touched one of the paths, newest first, down to and without `since`.

        Streams: a caller that stops early does not pay for the rest.
        """
        pretty = "%x00".join(("", "%H", "%P", "%ct", "%an", "%s", _TRAILERS))
        shown = ("--first-parent", "--diff-merges=first-parent", "--no-renames", "--name-only")
        span = f"{since}..{tip}" if since else tip
        arguments = ("log", "-z", *shown, f"--format={pretty}", span, "--", *paths)
        with self._start(arguments, _LITERAL) as process:
            try:
                yield from _log_entries(_nul_separated(_pipe(process.stdout)))
                _output("log", _finish(process, arguments, b""))
            finally:
                process.kill()

    # --- writing objects: nothing that anybody can see changes -------------------------------------------

    def write_commit(self, files: Mapping[str, bytes], *, parent: str, message: str, at: datetime) -> str:
        """A commit that writes `files` (path -> content) over `parent`'s; equal input gives an equal id."""
        pack = Pack(len(parent))
        blobs = {path: pack.add("blob", content) for path, content in files.items()}
        tree = self._add_tree(pack, f"{parent}^{{tree}}", blobs)
        _output("unpack-objects", self._try("unpack-objects", "-q", stdin=bytes(pack)))
        return self.commit_tree(tree, (parent,), message=message, at=at)

    def commit_tree(self, tree: str, parents: Iterable[str], *, message: str, at: datetime) -> str:
        """A commit of that tree by the configured identity, else by `rollout <rollout@localhost>`."""
        date = f"{int(at.timestamp())} +0000"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        flags = [part for parent in parents for part in ("-p", parent)]
        # useConfigOnly: a name that git guesses from the machine is no configured identity.
        arguments = ("-c", "user.useConfigOnly=true", "commit-tree", tree, *flags)
        done = self._try(*arguments, stdin=message.encode(), env=dates)
        if done.returncode:
            done = self._try(*arguments, stdin=message.encode(), env={**dates, **_FALLBACK_IDENTITY})
        return _output("commit-tree", done).decode().strip()

    def merged_tree(self, ours: str, theirs: str) -> str:
        """The tree of a merge of two commits. Raises RefusedError when they conflict."""
        done = self._try("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
        if done.returncode == 1:
            paths = sorted({os.fsdecode(path) for path in done.stdout.split(b"\0")[1:] if path})
            raise RefusedError(
                f"merge conflict in {', '.join(paths)}",
                hint="both sides changed the same lines; close the pull request or mend its branch by hand",
            )
        return _output("merge-tree", done).split(b"\0")[0].decode().strip()

    # --- moving branches ---------------------------------------------------------------------------------

    def commit(
        self, branch: str, files: Mapping[str, bytes], *, parent: str, message: str, at: datetime
    ) -> str:
        """Commit `files` on top of `branch`, which must be at `parent`; return the new commit.

        Other files, staged or not, stay as they are. Where `branch` is checked out, index and worktree follow
        for these files alone. Raises HeadMovedError when the branch has moved, InputError when one of the
        files has uncommitted changes, OutsideError when git or the disk fails; the branch has not moved then,
        unless the message says so.
        """
        return self.advance(
            branch,
            lambda: self.write_commit(files, parent=parent, message=message, at=at),
            old=parent,
            paths=files,
        )

    def advance(self, branch: str, make: Callable[[], str], *, old: str, paths: Collection[str]) -> str:
        """Move `branch` from `old` to the commit that `make` gives, which differs from it in `paths` alone.

        For the worktree and what is raised see `commit`.
        """
        with locked(self.git_dir / "rollout" / "lock"):
            if self.tip(branch) != old:
                _head_moved(branch, old)
            here = self.worktree is not None and self.current_branch() == branch
            if here:
                self._catch_up_with_a_killed_run()
                self._refuse_local_changes(paths, old)
            new = make()
            if here:
                self._behind.write_text(new, encoding="ascii")
            self.set_branch(branch, new, old=old)
            if here:
                self._bring_up_to_date(new, paths)
                self._behind.unlink()
            return new

    def set_branch(self, branch: str, new: str, *, old: str | None) -> None:
        """Point `branch` at `new` by compare-and-swap; `old` None makes it. The worktree is not touched.

        Raises HeadMovedError when the branch is not at `old`.
        """
        done = self._try("update-ref", _HEADS + branch, new, old or "0" * len(new))
        self._check_swap(branch, old, done)

    def delete_branch(self, branch: str, *, old: str) -> None:
        """Delete it by compare-and-swap, unless it is checked out. Raises as `set_branch`."""
        if self.current_branch() != branch:
            self._check_swap(branch, old, self._try("update-ref", "-d", _HEADS + branch, old))

    def _check_swap(self, branch: str, old: str | None, done: _Done) -> None:
        if done.returncode and self.tip(branch) != old:
            _head_moved(branch, old)
        _output("update-ref", done)

    # --- the worktree ------------------------------------------------------------------------------------

    @property
    def _behind(self) -> Path:
        """Holds the commit that index and worktree are about to follow, for as long as they have not."""
        return self.git_dir / "rollout" / "behind"

    def _refuse_local_changes(self, paths: Iterable[str], commit: str) -> None:
        if (self.git_dir / "index.lock").exists():
            raise OutsideError("another git process holds index.lock", hint="let it finish, then run again")
        suspects = [path for path in paths if self._differs_here(path, commit)]
        if not suspects:
            return
        # Line ends and filters make files differ that git calls clean, so git has the last word.
        options = ("--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored")
        out = self._run("status", *options, "--", *suspects, env={**_LITERAL, "GIT_OPTIONAL_LOCKS": "0"})
        dirty = [os.fsdecode(entry[3:]) for entry in out.split(b"\0") if entry]
        if dirty:
            raise InputError(
                f"{', '.join(dirty)}: dirty: uncommitted changes would be overwritten",
                hint=f"commit or discard them first: git diff -- {dirty[0]}",
                file=dirty[0],
            )

    def _differs_here(self, path: str, commit: str) -> bool:
        committed = self.read(f"{commit}:{path}")
        try:
            here = (self.home / path).read_bytes()
        except FileNotFoundError:
            return committed is not None
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written: {error.strerror}",
                hint="move away what stands in its place",
                file=path,
            ) from error
        return committed is None or here != committed.body

    def _bring_up_to_date(self, commit: str, paths: Iterable[str]) -> None:
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        if not listed:
            return
        options = ("--staged", "--worktree", "--pathspec-from-file=-", "--pathspec-file-nul")
        done = self._try("restore", f"--source={commit}", *options, stdin=listed, env=_LITERAL)
        if done.returncode:
            raise OutsideError(
                f"{commit} is committed, but the worktree could not follow: {_complaint(done)}",
                hint="mend that; the next run brings the worktree up to date",
            )

    def _catch_up_with_a_killed_run(self) -> None:
        """Finish what a run left that was stopped between moving the branch and writing the worktree."""
        try:
            commit = self._behind.read_text(encoding="ascii")
        except FileNotFoundError:
            return
        if self.resolve("HEAD") == commit:
            before = f"{commit}^1"
            stale = [p for p in self.changed_paths(before, commit) if not self._differs_here(p, before)]
            self._bring_up_to_date(commit, stale)
        self._behind.unlink()

    # --- running git -------------------------------------------------------------------------------------

    def _start(self, arguments: Sequence[str], env: Mapping[str, str] = _NOTHING) -> subprocess.Popen[bytes]:
        return _start(self.home, arguments, {**self._environment, **env})

    def _try(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] = _NOTHING) -> _Done:
        return _finish(self._start(arguments, env), arguments, stdin)

    def _run(self, command: str, *arguments: str, env: Mapping[str, str] = _NOTHING) -> bytes:
        return _output(command, self._try(command, *arguments, env=env))

    def _read_objects(self, folder: Path) -> subprocess.Popen[bytes]:
        process = _start(folder, ("cat-file", "--batch"), self._environment)
        self._objects = process
        self._stop = weakref.finalize(self, _end, process)
        return process

    def _ask(self, spec: str) -> GitObject | None:
        process = self._objects or self._read_objects(self.home)
        questions, answers = _pipe(process.stdin), _pipe(process.stdout)
        questions.write(spec.encode(errors="surrogateescape") + b"\n")
        questions.flush()
        header = answers.readline().rsplit(b" ", 2)
        if header[-1] in (b"missing\n", b"ambiguous\n"):
            return None
        body = answers.read(int(header[2]) + 1) if len(header) == 3 else b""
        if not body.endswith(b"\n"):
            raise BrokenPipeError(0, _last_line(_pipe(process.stderr).read()))
        return GitObject(header[0].decode(), header[1].decode(), body[:-1])

    def _add_tree(self, pack: Pack, spec: str | None, blobs: Mapping[str, str]) -> str:
        """The tree `spec` with these blobs in it (path -> id)."""
        entries = self.tree(spec) if spec else {}
        folders: dict[str, dict[str, str]] = {}
        for path, blob in blobs.items():
            name, _, rest = path.partition("/")
            if rest:
                folders.setdefault(name, {})[rest] = blob
            else:
                entries[name] = TreeEntry(_FILE, blob)
        for name, inside in folders.items():
            there = entries.get(name)
            known = there.id if there and there.is_folder else None
            entries[name] = TreeEntry(_FOLDER, self._add_tree(pack, known, inside))
        return pack.add("tree", _tree_body(entries))


# --- processes -------------------------------------------------------------------------------------------


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}


def _start(folder: Path, arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", "-C", str(folder), *_OPTIONS, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
        )
    except FileNotFoundError as error:
        raise OutsideError("git is not installed", hint="install git, or add it to PATH") from error
    except OSError as error:
        raise OutsideError(f"git cannot be started: {error.strerror}", hint=_RETRY_HINT) from error


def _finish(process: subprocess.Popen[bytes], arguments: Sequence[str], stdin: bytes) -> _Done:
    with process:
        out, err = process.communicate(stdin)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        with suppress(OSError):
            _pipe(stream).close()
    process.wait()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream


def _output(command: str, done: _Done) -> bytes:
    if done.returncode:
        raise OutsideError(f"git {command} failed: {_complaint(done)}", hint=_RETRY_HINT)
    return done.stdout


def _complaint(done: _Done) -> str:
    return _last_line(done.stderr) or f"exit code {done.returncode}"


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return inert(lines[-1].removeprefix("fatal: ").removeprefix("error: ")) if lines else ""


def _head_moved(branch: str, expected: str | None) -> Never:
    raise HeadMovedError(
        f"branch {branch} is no longer at {expected or 'nothing'}",
        hint="run again: it reads and decides anew",
    )


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Only one holder at a time goes on; the kernel lets go of a killed one's lock.

    What the disk refuses meanwhile is raised as OutsideError.
    """
    try:
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise OutsideError(
            f"{error.filename or file}: {error.strerror}",
            hint="is the disk full, or the repository read-only?",
        ) from error


# --- formats ---------------------------------------------------------------------------------------------


def _tree_entries(tree: GitObject) -> Iterator[tuple[str, TreeEntry]]:
    size, at, body = len(tree.id) // 2, 0, tree.body
    while at < len(body):
        space, end = body.index(b" ", at), body.index(b"\0", at)
        following = end + 1 + size
        yield (
            os.fsdecode(body[space + 1 : end]),
            TreeEntry(body[at:space].decode(), body[end + 1 : following].hex()),
        )
        at = following


def _tree_body(entries: Mapping[str, TreeEntry]) -> bytes:
    rows = [(os.fsencode(name), entry) for name, entry in entries.items()]
    rows.sort(key=lambda row: row[0] + b"/" if row[1].is_folder else row[0])
    return b"".join(b"%s %s\0%s" % (e.mode.encode(), name, bytes.fromhex(e.id)) for name, e in rows)


def _nul_separated(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := stream.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from (os.fsdecode(each) for each in whole)


def _log_entries(tokens: Iterator[str]) -> Iterator[LogEntry]:
    """Each commit is an empty token, its fields, then its paths, the first after a line break."""
    next(tokens, None)
    while len(fields := list(islice(tokens, 6))) == 6:
        commit, parents, seconds, author, subject, trailers = fields
        paths = tuple(path.removeprefix("\n") for path in takewhile(bool, tokens))
        yield LogEntry(
            commit=commit,
            parents=tuple(parents.split()),
            at=datetime.fromtimestamp(int(seconds), UTC),
            author=author,
            subject=subject,
            trailers=dict(_key_and_value(each) for each in trailers.split("\x1e") if each),
            paths=paths,
        )


def _key_and_value(trailer: str) -> tuple[str, str]:
    key, _, value = trailer.partition("\x1f")
    return key, value
