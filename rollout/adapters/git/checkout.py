"""The worktree of a branch that moves: what a person changed in it is never overwritten."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_IXUSR
from typing import TYPE_CHECKING, NamedTuple

from rollout.adapters.git.formats import FILE, LINK, PROGRAM
from rollout.adapters.git.process import LITERAL, complaint, finish, output
from rollout.errors import InputError, OutsideError
from rollout.files.plain_file import opened

if TYPE_CHECKING:
    from rollout.adapters.git.repository import Git


_UNCHANGED, _SKIPPED = "--assume-unchanged", "--skip-worktree"
_INDEX, _BOTH = ("--staged",), ("--staged", "--worktree")
_MOST_ARGUMENTS = 500
"""Of more paths the whole index is read: a command line has an end."""
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-apply/applying": "git am",
}
"""File in the git directory -> what a person has begun and not finished on the branch that is checked out."""


def behind(git_dir: Path) -> Path:
    """Returns the note of a worktree that a killed run may have left behind its branch."""
    return git_dir / "rollout" / "behind"


class _IndexEntry(NamedTuple):
    id: str
    """Of the content; `unmerged` in a conflict."""
    mode: str
    flags: frozenset[str]
    """By which git was told not to look at the file in the worktree."""


class Checkout:
    """The worktree and index of a repository, as far as they follow the branch that is checked out."""

    def __init__(self, git: Git, *, elsewhere: bool = False) -> None:
        """`elsewhere`: it is not the worktree that the command was given, so errors name it."""
        self._git = git
        self._where = f" in the worktree {git.home}" if elsewhere else ""
        self._there = f"-C {git.home} " if elsewhere else ""
        self._behind = behind(git.git_dir)
        """Holds the commit that index and worktree are about to follow, for as long as they have not.

        Then those at which they may still be; where there is none, that is the commit's first parent.
        """
        self._index: Mapping[str, _IndexEntry] = {}
        """Of the paths that were looked at last."""

    def prepare(self, paths: Iterable[str], commit: str) -> None:
        """Finishes what a killed run left.

        Raises InputError when a path's file, or what is staged of it, is not as it is in `commit`, or when a
        folder on the way to it is a link.
        """
        self.catch_up()
        listed = frozenset(paths)
        self._refuse_links(listed, commit)
        self._refuse_local_changes(listed, commit)

    def can_follow(self, path: str, commit: str) -> bool:
        """Returns whether this one file is as it is in `commit`, here and in the index: see `prepare`."""
        known = self._index
        try:
            self.prepare([path], commit)
        except InputError:
            return False
        finally:
            self._index = {**known, **self._index}
        return True

    def how_to_put_back(self, paths: Sequence[str]) -> str:
        """Returns the commands that bring these files, changed here, to what the branch has."""
        back = f"git {self._there}checkout HEAD -- {shlex.join(paths)}"
        return " && ".join([*self._showing(paths), back])

    def _showing(self, paths: Iterable[str]) -> Iterator[str]:
        """Yields the commands that let git look again at those of the paths that it was told not to look at.

        One a flag: of two, git update-index takes the first.
        """
        for flag in (_UNCHANGED, _SKIPPED):
            hidden = [path for path in paths if self._has_flag(path, flag)]
            if hidden:
                yield f"git {self._there}update-index --no-{flag.removeprefix('--')} {shlex.join(hidden)}"

    def operation(self, branch: str) -> str:
        """Returns what a person is in the middle of with the branch here, such as `a merge`;
        empty for nothing.
        """
        if self._git.current_branch() != branch:
            return ""
        return next((what for file, what in _UNDER_WAY.items() if (self._git.git_dir / file).exists()), "")

    @property
    def where(self) -> str:
        return str(self._git.home)

    def expect(self, commit: str, old: str) -> None:
        """Notes down that the branch is about to move from `old` to `commit`."""
        noted = self._noted()
        # What an earlier run has left behind is still there.
        earlier = noted[1:] if noted[:1] == [old] else []
        self._behind.parent.mkdir(exist_ok=True)
        self._behind.write_text(" ".join((commit, old, *earlier)), encoding="ascii")

    def _noted(self) -> list[str]:
        """Returns the commit that is to be followed and where index and worktree may be;
        empty when there is none.
        """
        try:
            commit, *before = self._behind.read_text(encoding="ascii").split()
        except (FileNotFoundError, ValueError):
            return []
        return [commit, *(before or [f"{commit}^1"])]

    def follow(self, commit: str, paths: Iterable[str], kept: Sequence[str] = ()) -> None:
        """Brings what was expected into index and worktree. Raises OutsideError when that fails.

        Files of `kept` stay as they are, and the index follows where nothing of them is staged: so committing
        other files takes nothing back.
        """
        before = self._noted()[1:]
        self._bring_up_to_date(commit, paths)
        self._stage(commit, kept, before)
        self._behind.unlink()

    def _stage(self, commit: str, paths: Sequence[str], before: Sequence[str]) -> None:
        """Brings them into the index alone, but for those of which something else than `before` is staged."""
        if not paths:
            return
        self._index = _index(self._git.runner.run(*self._asking_index(frozenset(paths)), env=LITERAL))
        behind = [path for path in paths if any(self._is_staged_as_in(path, one) for one in before)]
        self._restore(commit, behind, _INDEX)
        self._flag(_UNCHANGED, [path for path in behind if self._has_flag(path, _UNCHANGED)])
        self._flag(_SKIPPED, [path for path in behind if self._has_flag(path, _SKIPPED)])

    def _refuse_links(self, paths: Iterable[str], commit: str) -> None:
        """Raises for links in the way. A link that the commit has is the product's;
        a revert may replace it by a folder.
        """
        folders = {str(folder) for path in paths for folder in list(PurePosixPath(path).parents)[:-1]}
        for folder in sorted(folders):
            if (self._git.home / folder).is_symlink() and not self._is_link_in(commit, folder):
                is_kept = self._git.entry(commit, folder) is not None
                put_back = f"put the folder in its place: git {self._there}checkout HEAD -- {folder}"
                take_away = f"take the link away: rm {self._git.home / folder}"
                raise InputError(
                    f"{folder}: is a link{self._where}; a state commit is not written through it",
                    hint=put_back if is_kept else take_away,
                    file=folder,
                )

    def _is_link_in(self, commit: str, path: str) -> bool:
        entry = self._git.entry(commit, path)
        return entry is not None and entry.mode == LINK

    def _refuse_local_changes(self, listed: frozenset[str], commit: str) -> None:
        self._refuse_lock()
        asking = self._asking_index(listed)
        with self._git.runner.start(asking, LITERAL) as looking_up:
            suspects = [
                path
                for path in sorted(listed)
                if self._differs_here(path, commit, listed) or self._has_other_mode(path, commit)
            ]
            self._index = _index(output("ls-files", finish(looking_up, asking, b"")))
        self._refuse_what_status_does_not_tell(listed, commit)
        if not suspects:
            return
        # Line ends and filters make files differ that git calls clean, so git has the last word.
        dirty = [path for _, path in self._git_says(suspects)]
        if dirty:
            raise InputError(
                f"{', '.join(dirty)}: dirty: uncommitted changes{self._where} would be overwritten",
                hint=f"commit or discard them first: git {self._there}diff -- {dirty[0]}",
                file=dirty[0],
            )

    def _refuse_lock(self) -> None:
        if self._lock.exists():
            raise OutsideError(f"another git process holds index.lock{self._where}", hint=self._unlock)

    @property
    def _lock(self) -> Path:
        return self._git.git_dir / "index.lock"

    @property
    def _unlock(self) -> str:
        return f"let it finish, then run again; where no git process runs any more: rm {self._lock}"

    def _refuse_what_status_does_not_tell(self, listed: frozenset[str], commit: str) -> None:
        """Raises for edits that `git status` hides: staged ones, and those of files it was told to skip."""
        for path in sorted(listed):
            committed, staged = self._git.entry(commit, path), self._index.get(path)
            if committed is not None and committed.is_folder:
                continue
            if not self._is_staged_as_in(path, commit):
                raise InputError(
                    f"{path}: dirty: uncommitted changes{self._where} would be overwritten (staged)",
                    hint=f"commit or discard them first: git {self._there}diff HEAD -- {path}",
                    file=path,
                )
            if staged is not None and staged.flags and not self._is_as_in(path, commit):
                raise InputError(
                    f"{path}: dirty: changes{self._where} that git was told to ignore would be overwritten",
                    hint=f"let git see them: {' && '.join(self._showing([path]))}",
                    file=path,
                )

    def _asking_index(self, paths: frozenset[str]) -> tuple[str, ...]:
        asked = sorted(paths) if len(paths) <= _MOST_ARGUMENTS else []
        return ("ls-files", "-s", "-v", "-z", "--", *asked)

    def _is_as_in(self, path: str, commit: str) -> bool:
        """Returns whether the file would be committed as it is there, as git compares: line ends and filters
        apply.

        One that is not there is as it should be where git was told that it need not be.
        """
        file, committed = self._git.home / path, self._git.entry(commit, path)
        if not os.path.lexists(file):
            return True
        if committed is None or file.is_symlink() or not file.is_file():
            return False
        done = self._git.runner.attempt("hash-object", "--", path)
        return done.returncode == 0 and done.stdout.decode().strip() == committed.id

    def _git_says(self, paths: Iterable[str]) -> list[tuple[str, str]]:
        """Returns each file at or below `paths` that differs: two letters for index and worktree, and its
        path.

        A submodule differs when its checkout is of another commit, or has changes; new files in it are kept.
        """
        shown = ("--untracked-files=all", "--ignored", "--ignore-submodules=untracked")
        options = ("--porcelain", "-z", "--no-renames", *shown)
        env = {**LITERAL, "GIT_OPTIONAL_LOCKS": "0"}
        out = self._git.runner.run("status", *options, "--", *paths, env=env)
        return [(entry[:2].decode(), os.fsdecode(entry[3:])) for entry in out.split(b"\0") if entry]

    def _differs_here(self, path: str, commit: str, changing: frozenset[str]) -> bool:
        """Returns whether the file is not as it is in the commit; True where only git can tell.

        Raises InputError when it cannot be written: a file that is not `changing` is in its folder's place.
        """
        entry = self._git.entry(commit, path)
        committed = self._git.read(entry.id) if entry else None
        try:
            here = _content(self._git.home / path)
        except FileNotFoundError:
            return committed is not None
        except OSError as error:
            if isinstance(error, IsADirectoryError) or _is_below(path, changing):
                return True  # a submodule, or a file in the place of a folder, or the other way round
            raise InputError(
                f"{path}: cannot be written{self._where}: {error.strerror}",
                hint="move away what stands in its place",
                file=path,
            ) from error
        return committed is None or here != committed.body

    def _has_other_mode(self, path: str, commit: str) -> bool:
        """Returns whether the file is a program and the commit's is none, or the other way round."""
        committed, file = self._git.entry(commit, path), self._git.home / path
        if committed is None or committed.mode not in (FILE, PROGRAM) or not file.is_file():
            return False
        return bool(file.lstat().st_mode & S_IXUSR) != (committed.mode == PROGRAM)

    def _bring_up_to_date(self, commit: str, paths: Iterable[str]) -> None:
        listed = list(paths)
        left_out = self._left_out(listed)
        gone = [path for path in listed if self._git.entry(commit, path) is None]
        kept = [path for path in listed if path not in gone]
        # First what goes: a file may come in the place of its folder.
        for part in (gone, kept):
            self._restore(commit, [path for path in part if path not in left_out], _BOTH)
        self._restore(commit, left_out, _INDEX)
        self._flag(_UNCHANGED, [path for path in kept if self._has_flag(path, _UNCHANGED)])
        self._flag(_SKIPPED, [path for path in kept if path in left_out or self._has_flag(path, _SKIPPED)])

    def _left_out(self, paths: Sequence[str]) -> list[str]:
        """Returns those that a sparse checkout does not have;
        a new file goes with those that are there already.
        """
        known = [path for path in paths if path in self._index]
        out = [path for path in known if self._has_flag(path, _SKIPPED) and not self._is_here(path)]
        return list(paths) if known and out == known else out

    def _has_flag(self, path: str, flag: str) -> bool:
        return path in self._index and flag in self._index[path].flags

    def _is_here(self, path: str) -> bool:
        return os.path.lexists(self._git.home / path)

    def _flag(self, flag: str, paths: Sequence[str]) -> None:
        """Tells git again not to look: restoring makes it forget that."""
        if paths:
            listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
            self._git.runner.feed("update-index", flag, "-z", "--stdin", stdin=listed)

    def _restore(self, commit: str, paths: Sequence[str], to: Sequence[str]) -> None:
        if not paths:
            return
        listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
        options = (f"--source={commit}", *to, "--pathspec-from-file=-", "--pathspec-file-nul")
        run = self._git.runner.attempt
        done = run("restore", "--recurse-submodules", *options, stdin=listed, env=LITERAL)
        if done.returncode:
            # A submodule whose commit is not here stays behind, as it does in any pull.
            done = run("restore", *options, stdin=listed, env=LITERAL)
        if done.returncode:
            raise OutsideError(
                f"{commit} is committed, but the worktree could not follow{self._where}: {complaint(done)}",
                hint=self._unlock
                if self._lock.exists()
                else "fix that; the next run brings the worktree up to date",
            )

    def catch_up(self) -> None:
        """Finishes what a run left that was stopped between moving the branch and writing the worktree."""
        noted = self._noted()
        if noted and self._git.resolve("HEAD") == noted[0]:
            self._refuse_lock()
            commit, *before = noted
            changing = frozenset(path for one in before for path in self._git.changed_paths(one, commit))
            self._index = _index(self._git.runner.run(*self._asking_index(changing), env=LITERAL))
            stale = [
                path
                for path in sorted(changing)
                if any(self._is_stale(path, one, changing) for one in before)
            ]
            self._bring_up_to_date(commit, stale)
            self._stage(commit, [path for path in sorted(changing) if path not in stale], before)
        self._behind.unlink(missing_ok=True)

    def _is_stale(self, path: str, commit: str, changing: frozenset[str]) -> bool:
        """Returns whether it is still as it was in that commit, before a run was killed."""
        if not self._differs_here(path, commit, changing) or self._is_only_filtered(path, commit):
            return True
        if self._left_out([path]):
            return self._is_staged_as_in(path, commit)
        return self._has_folder_in_the_way(path) and all(
            state[1] == " " for state, _ in self._git_says([path])
        )

    def _is_staged_as_in(self, path: str, commit: str) -> bool:
        committed, staged = self._git.entry(commit, path), self._index.get(path)
        return (staged and (staged.mode, staged.id)) == (committed and (committed.mode, committed.id))

    def _is_only_filtered(self, path: str, commit: str) -> bool:
        """Returns whether only line ends and the like make the file differ from the commit's."""
        return os.path.lexists(self._git.home / path) and self._is_as_in(path, commit)

    def _has_folder_in_the_way(self, path: str) -> bool:
        """Returns whether a folder or submodule is in the place of the file, or a file in that of its
        folder.
        """
        try:
            return S_ISDIR((self._git.home / path).lstat().st_mode)
        except NotADirectoryError:
            return True
        except FileNotFoundError:
            return False


def _index(listed: bytes) -> dict[str, _IndexEntry]:
    """Returns path -> what `ls-files -s -v -z` says of it."""
    found: dict[str, _IndexEntry] = {}
    for entry in listed.split(b"\0")[:-1]:
        facts, _, path = entry.partition(b"\t")
        tag, mode, blob, stage = facts.decode().split(" ")
        whole = stage == "0"
        unchanged = {_UNCHANGED} if whole and tag.islower() else set()
        skipped = {_SKIPPED} if whole and tag.upper() == "S" else set()
        found[os.fsdecode(path)] = _IndexEntry(
            blob if whole else "unmerged", mode, frozenset(unchanged | skipped)
        )
    return found


def _content(file: Path) -> bytes:
    """Returns what git would keep of it: of a link, where it leads."""
    if file.is_symlink():
        return os.fsencode(os.readlink(file))
    with opened(file) as content:
        return content.read()


def _is_below(path: str, files: frozenset[str]) -> bool:
    return any(str(folder) in files for folder in PurePosixPath(path).parents)
