"""The product's checkout on this machine: runs the contract's commands and reads the product's files."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import IO, BinaryIO

from rollout import NO_PLUGINS
from rollout.adapters.git.process import NO_GRAFTS
from rollout.core.contract import Surface
from rollout.core.evidence_index import EvidenceEntry
from rollout.core.excerpt import Excerpt, error_excerpt
from rollout.core.surfaces.event_log import MAX_LINE
from rollout.core.surfaces.payload import MAX_PAYLOAD
from rollout.core.text import inert
from rollout.core.values import format_duration, from_unix, to_utc_seconds
from rollout.ports import Checkout, Clock, CommandRun, Failure, Reading

_OF_ACTIONS = ("GITHUB_", "ACTIONS_", "INPUT_", "RUNNER_")
_SECRET = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_KEY|ASKPASS|^GIT_CONFIG|^SSH_AUTH_SOCK$|(^|_)PAT$|(^|_)KEY$"
)
_KEY_OF_A_PRODUCT = re.compile(r"_API_KEY$")
_GIT_TIMEOUT = 120
_GIT_OPTIONS = (
    *("-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.useReplaceRefs=false"),
)
_GIT_ENV = {
    "LC_ALL": "C",
    "GIT_GRAFT_FILE": NO_GRAFTS,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_DETAIL = 250
"""Characters of an error in one line."""
_MAX_KEPT = MAX_PAYLOAD // 2
"""Bytes of each end of a stream that are kept."""
_MAX_LISTED = 64 * MAX_PAYLOAD
"""Bytes of git's list of all tracked files: some millions of them."""
_CHUNK = 64 * 1024
_OBJECT_ID = re.compile(rb"[0-9a-f]{40}([0-9a-f]{24})?")


def product_environment(environment: Mapping[str, str], withheld: Collection[str] = ()) -> dict[str, str]:
    """Returns what the contract's commands inherit: the environment without what could write to a forge.

    Left out, in any case of letters: `GITHUB_*`, `ACTIONS_*`, `INPUT_*`, `RUNNER_*`; names that
    contain TOKEN, SECRET, PASSWORD, PASSWD, CREDENTIAL, PRIVATE_KEY or ASKPASS; names that end in the
    word PAT or KEY, except `*_API_KEY`, which is how products name the keys of services that they
    call themselves; `GIT_CONFIG*` and `SSH_AUTH_SOCK`, which carry credentials too; `NO_PLUGINS`,
    which this process set for itself; and what is `withheld` by name.
    """
    own = {name: value for name, value in environment.items() if (name, value) != NO_PLUGINS}
    return {
        name: value for name, value in own.items() if name not in withheld and not _is_withheld(name.upper())
    }


def _is_withheld(name: str) -> bool:
    if name.startswith(_OF_ACTIONS):
        return True
    return bool(_SECRET.search(_KEY_OF_A_PRODUCT.sub("", name)))


class LocalProduct:
    """Fills the `Product` port. Nothing outside `product_dir` is read, symlinks or not.

    `grace` is how many seconds the output of a command may stay open after the command's end.
    What is captured is copied below `evidence_dir`.
    """

    def __init__(
        self,
        product_dir: Path,
        environment: Mapping[str, str],
        clock: Clock,
        *,
        grace: float = 2.0,
        evidence_dir: Path | None = None,
        left_out: str | None = None,
        withheld: Collection[str] = (),
    ) -> None:
        """`left_out`: the folder of the repository whose files are not the product's, where state lies.

        `withheld`: variables that commands do not get, beside those of `product_environment`.
        """
        self._root = Path(os.path.realpath(product_dir))
        self._environment = product_environment(environment, withheld)
        self._clock = clock
        self._grace = grace
        self._evidence_dir = evidence_dir
        self._left_out = left_out
        self._running: set[_Process] = set()
        self._stopped = Event()

    def head(self) -> str | None:
        """Returns the commit that is checked out; None when it is not a git checkout, or has no commit."""
        ended = self._git("rev-parse", "--verify", "HEAD")
        found = ended.stdout.strip()
        return found.decode("ascii") if not ended.error and _OBJECT_ID.fullmatch(found) else None

    def checkout(self, release: str) -> Checkout:
        """Returns what is checked out, and whether it holds that commit. Never raises."""
        head = self.head()
        if head is None:
            return Checkout(None)
        return Checkout(head, self._holds(release, head), self._modified())

    def _holds(self, release: str, head: str) -> bool | None:
        """Returns whether `head` is the release or comes after it;
        None when the history here does not tell.
        """
        if head == release:
            return True
        ended = self._git("merge-base", "--is-ancestor", release, head)
        if not ended.error:
            return True
        if not ended.error.startswith("exit "):
            return None
        # Of a clone that was not cut off the answer is no, also where git does not even know the commit.
        whole = self._git("rev-parse", "--is-shallow-repository")
        return False if not whole.error and whole.stdout.strip() == b"false" else None

    def _modified(self) -> str | None:
        """Returns which tracked files are not as the commit has them, or why git cannot tell;
        None when all are.
        """
        pathspecs = (":/", f":(exclude,top){self._left_out}") if self._left_out else (":/",)
        listed = ("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
        changed = (*listed, "--ignore-submodules=untracked", "--", *pathspecs)
        ended = self._git("-c", "core.fileMode=true", *changed)
        if ended.stdout and not self._keeps_modes():
            ended = self._git(*changed)
        if ended.error:
            return inert(f"git status: {ended.error}", 300)
        paths = [os.fsdecode(entry[3:]) for entry in ended.stdout.split(b"\0") if entry]
        return _some(paths) or self._hidden(pathspecs)

    def _hidden(self, pathspecs: Sequence[str]) -> str | None:
        """Returns which files git was told not to look at; None when there are none, as in any fresh clone.

        A sparse checkout marks what it lacks; a file that is marked so and is there can be anything.
        """
        ended = self._git("ls-files", "-v", "-z", "--", *pathspecs, limit=_MAX_LISTED)
        if ended.error:
            return inert(f"git ls-files: {ended.error}", 300)
        marked = [
            (entry[:1], os.fsdecode(entry[2:]))
            for entry in ended.stdout.split(b"\0")
            if entry[:1].islower() or entry[:1] == b"S"
        ]
        paths = [path for mark, path in marked if mark != b"S" or os.path.lexists(self._root / path)]
        found = _some(paths)
        return f"{found}, hidden from git (assume-unchanged or skip-worktree)" if found else None

    def _keeps_modes(self) -> bool:
        """Returns whether files here have an executable bit; on a foreign file system every file has it."""
        ended = self._git("rev-parse", "--git-path", "HEAD")
        head = self._root / os.fsdecode(ended.stdout.rstrip(b"\n"))
        return not ended.error and not os.access(head, os.X_OK)

    def _git(self, *arguments: str, limit: int = MAX_PAYLOAD) -> _ProcessEnd:
        """Asks git about the checkout, whoever owns its files, and lets it neither write nor fetch."""
        kept = {n: v for n, v in self._environment.items() if not n.startswith("GIT_")}
        command = ("git", *_GIT_OPTIONS, *arguments)
        return self._execute(command, ".", _GIT_TIMEOUT, {**kept, **_GIT_ENV}, limit)

    def read(self, surface: Surface) -> Reading:
        """Returns what the surface's command prints or its file holds, at most MAX_PAYLOAD bytes."""
        if surface.command is None:
            return self.read_file(surface.file or ".", MAX_PAYLOAD)
        ended = self._execute(surface.command, surface.workdir, surface.timeout, self._environment)
        return Reading(ended.stdout, self._clock.now(), ended.error, failure=ended.failure)

    def read_file(self, path: str, limit: int) -> Reading:
        """Returns a regular file below the product's folder, at most `limit` bytes."""
        try:
            with self._open(path) as file:
                payload = file.read(limit + 1)
                updated_at = _modified_at(file)
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError)
            return Reading(b"", self._clock.now(), inert(f"{path}: {_why(error)}"), missing)
        if len(payload) > limit:
            return Reading(b"", updated_at, inert(f"{path}: larger than {limit} bytes"))
        return Reading(payload, updated_at)

    def log_lines(self, path: str, offset: int) -> Iterator[bytes]:
        """Yields lines from that byte to what is now the end; one over MAX_LINE comes in pieces.

        Raises FileNotFoundError, OSError.
        """
        with self._open(path) as file:
            left = os.fstat(file.fileno()).st_size - offset
            file.seek(offset)
            while left > 0 and (line := file.readline(min(left, MAX_LINE))):
                left -= len(line)
                yield line

    def log_head(self, path: str, size: int) -> bytes:
        """Returns the first bytes of the log, at most `size`. Raises FileNotFoundError, OSError."""
        with self._open(path) as file:
            return file.read(size)

    def log_inode(self, path: str) -> int:
        """Returns the number of the log's file on this machine. Raises FileNotFoundError, OSError."""
        with self._open(path) as file:
            return os.fstat(file.fileno()).st_ino

    def run(self, command: Sequence[str], workdir: str, timeout: int) -> CommandRun:
        """Runs a command of the contract in the product's folder; `timeout` is in seconds."""
        ended = self._execute(command, workdir, timeout, self._environment)
        return CommandRun(not ended.error, ended.error or "exit 0", ended.stdout, ended.failure)

    def keep(self, name: str, output: bytes) -> str:
        """Writes it to the evidence folder, unless it looks like a secret; says where, or why not."""
        if self._evidence_dir is None:
            return ""
        from rollout.adapters.capture import keep_output

        return keep_output(self._evidence_dir, name, output)

    def capture(self, patterns: Sequence[str], in_git: Sequence[str]) -> tuple[EvidenceEntry, ...]:
        """Copies what the globs find to the evidence folder; returns the index, with what was left alone."""
        from rollout.adapters.capture import Capturer

        return Capturer(self._root, self._evidence_dir, self._clock.now).capture(patterns, in_git)

    def stop(self) -> None:
        """Kills every command that runs and starts no other."""
        self._stopped.set()
        for process in list(self._running):
            process.kill()

    def _execute(
        self,
        command: Sequence[str],
        workdir: str,
        timeout: int,
        environment: Mapping[str, str],
        limit: int = MAX_PAYLOAD,
    ) -> _ProcessEnd:
        """Runs it; `limit`: bytes that it may print."""
        if self._stopped.is_set():
            return _ProcessEnd(b"", "interrupted")
        try:
            process = _Process(command, self._resolve(workdir), environment, limit)
        except (OSError, ValueError) as error:
            return _ProcessEnd(b"", inert(f"cannot run {command[0]} in {workdir}: {_why(error)}"))
        self._running.add(process)
        if self._stopped.is_set():  # while it was being started, when `stop` could not see it yet
            process.kill()
        try:
            return process.wait(timeout, self._grace)
        finally:
            self._running.discard(process)

    def _resolve(self, path: str) -> Path:
        real = Path(os.path.realpath(self._root / path, strict=True))
        if not real.is_relative_to(self._root):
            raise PermissionError("leads out of the product's folder")
        return real

    def _open(self, path: str) -> BinaryIO:
        # without O_NONBLOCK, opening a FIFO would wait for its writer
        descriptor = os.open(self._resolve(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError("not a regular file")
        return os.fdopen(descriptor, "rb")


@dataclass(frozen=True)
class _ProcessEnd:
    stdout: bytes
    error: str
    """Empty when the command succeeded, else one inert line."""
    failure: Failure | None = None


class _Process:
    """One command in a process group of its own, its output drained while it runs."""

    def __init__(
        self, command: Sequence[str], workdir: Path, environment: Mapping[str, str], limit: int
    ) -> None:
        self._process = subprocess.Popen(
            list(command),
            cwd=workdir,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._limit = limit
        self._stdout = bytearray()
        self._stderr = _Output()
        self._overflowed = False
        self._readers = (
            self._drain(self._process.stdout, self._keep_stdout),
            self._drain(self._process.stderr, self._keep_stderr),
        )

    def wait(self, timeout: int, grace: float) -> _ProcessEnd:
        """Waits for its end, at most `timeout` seconds, and `grace` seconds more for the end of its
        output.
        """
        failure = ""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            failure = f"timed out after {format_duration(timeout)}"
        finally:
            if self._process.returncode is None:
                self.kill()
                self._process.wait()
        if not self._output_ended(grace):
            self.kill()
            failure = failure or "left a process behind that holds its output open"
        return self._ended(failure)

    def kill(self) -> None:
        """Ends it and all that it started, as far as that is still in its group."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, or (macOS) only the dead are
            os.killpg(self._process.pid, signal.SIGKILL)

    def _ended(self, failure: str) -> _ProcessEnd:
        code, stdout, stderr = self._process.returncode, bytes(self._stdout), self._stderr.whole()
        if self._overflowed:
            failure = f"printed more than {self._limit} bytes"
        elif not failure and code == 0:
            return _ProcessEnd(stdout, "")
        what = failure or (f"exit {code}" if code > 0 else f"killed by signal {-code}")
        # Scripts complain on either stream. Of a command that itself ended well, stdout is no complaint.
        excerpt = _excerpt(stderr if stderr.strip() or code == 0 else stdout)
        why = "" if self._overflowed else excerpt.in_one_line(_DETAIL)
        return _ProcessEnd(
            stdout,
            f"{what}: {why}" if why else what,
            Failure(excerpt.lines, _printed(stdout, stderr)) if stdout or stderr else None,
        )

    def _output_ended(self, grace: float) -> bool:
        for reader in self._readers:
            reader.join(grace)
        return not any(reader.is_alive() for reader in self._readers)

    def _drain(self, pipe: IO[bytes] | None, keep: Callable[[bytes], None]) -> Thread:
        reader = Thread(target=_read_all, args=(pipe, keep), daemon=True)
        reader.start()
        return reader

    def _keep_stdout(self, chunk: bytes) -> None:
        if len(self._stdout) + len(chunk) <= self._limit:
            self._stdout += chunk
        elif not self._overflowed:
            self._overflowed = True
            self.kill()

    def _keep_stderr(self, chunk: bytes) -> None:
        self._stderr.add(chunk)


class _Output:
    """What a stream printed: of megabytes the beginning, where the cause is, and the end."""

    def __init__(self) -> None:
        self._first = bytearray()
        self._last = bytearray()
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        room = _MAX_KEPT - len(self._first)
        self._first += chunk[:room]
        self._last += chunk[room:]
        over = max(0, len(self._last) - _MAX_KEPT)
        del self._last[:over]
        self._left_out += over

    def whole(self) -> bytes:
        if not self._left_out:
            return bytes(self._first + self._last)
        return b"%s\n[%d bytes left out]\n%s" % (self._first, self._left_out, self._last)


def _some(paths: Sequence[str]) -> str | None:
    """Returns the first path, and how many more there are; None when there is none."""
    if not paths:
        return None
    first = inert(paths[0], 200)
    return f"{first} and {len(paths) - 1} more" if len(paths) > 1 else first


def _excerpt(output: bytes) -> Excerpt:
    return error_excerpt(output.decode("utf-8", "replace"))


def _printed(stdout: bytes, stderr: bytes) -> bytes:
    return b"".join(
        b"--- %s ---\n%s\n" % (name, content)
        for name, content in ((b"stderr", stderr), (b"stdout", stdout))
        if content
    )


def _read_all(pipe: IO[bytes], keep: Callable[[bytes], None]) -> None:
    with pipe:
        while chunk := pipe.read(_CHUNK):
            keep(chunk)


def _modified_at(file: BinaryIO) -> datetime:
    return to_utc_seconds(from_unix(os.fstat(file.fileno()).st_mtime))


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
