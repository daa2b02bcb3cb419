"""A product in memory: files are bytes, and commands are answered by their first argument."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from fakehub.clock import NOON
from rollout.core.contract import Surface
from rollout.core.evidence_index import CaptureState, EvidenceEntry, path_matches
from rollout.ports import Checkout, CommandRun, Reading


class FakeProduct:
    """Fills the `Product` port. What is neither a file nor an answer cannot be read."""

    def __init__(self, commit: str | None = "c" * 40, updated_at: datetime = NOON) -> None:
        self.commit = commit
        self.holds_release: bool | None = True
        self.modified: str | None = None
        self.moves_to: str | None = None
        """What is checked out once everything was read."""
        self.updated_at = updated_at
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, Reading | Exception] = {}
        """What reading a surface with this command gives."""
        self.endings: dict[str, CommandRun] = {}
        """How running this command ends; well, when it is not named here."""
        self.ran: list[tuple[tuple[str, ...], str, int]] = []
        self.inodes: dict[str, int] = {}
        """Of files that are not the first."""
        self.kept: dict[str, bytes] = {}
        self.stopped = False

    def prints(self, command: str, payload: bytes) -> None:
        """The command succeeds and prints this."""
        self.answers[command] = Reading(payload, self.updated_at)

    def fails(self, command: str, error: str) -> None:
        self.answers[command] = Reading(b"", self.updated_at, error)

    def head(self) -> str | None:
        return self.commit

    def checkout(self, release: str) -> Checkout:
        return Checkout(self.moves_to or self.commit, self.holds_release, self.modified)

    def read(self, surface: Surface) -> Reading:
        if surface.command is None:
            return self.read_file(surface.file or "", 4_000_000)
        answer = self.answers.get(surface.command[0], Reading(b"", self.updated_at, "no such command"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def read_file(self, path: str, limit: int) -> Reading:
        if path not in self.files:
            return Reading(b"", self.updated_at, f"{path}: No such file or directory", missing=True)
        if len(self.files[path]) > limit:
            return Reading(b"", self.updated_at, f"{path}: larger than {limit} bytes")
        return Reading(self.files[path], self.updated_at)

    def log_lines(self, path: str, offset: int) -> Iterator[bytes]:
        yield from self._log(path)[offset:].splitlines(keepends=True)

    def log_head(self, path: str, size: int) -> bytes:
        return self._log(path)[:size]

    def log_inode(self, path: str) -> int:
        self._log(path)
        return self.inodes.get(path, 1)

    def run(self, command: Sequence[str], workdir: str, timeout: int) -> CommandRun:
        self.ran.append((tuple(command), workdir, timeout))
        return self.endings.get(command[0], CommandRun(ok=True, detail="exit 0", stdout=b""))

    def keep(self, name: str, output: bytes) -> str:
        self.kept[name] = output
        return f"evidence/{name}.txt"

    def capture(self, patterns: Sequence[str], in_git: Sequence[str]) -> tuple[EvidenceEntry, ...]:
        index = []
        for pattern in patterns:
            paths = [path for path in sorted(self.files) if path_matches(path, pattern)]
            index += [self._captured(path, in_git) for path in paths]
            if not paths:
                index.append(EvidenceEntry(path=pattern, state=CaptureState.MISSING, at=self.updated_at))
        return tuple(index)

    def _captured(self, path: str, in_git: Sequence[str]) -> EvidenceEntry:
        content = self.files[path]
        wanted = any(path_matches(path, pattern) for pattern in in_git)
        return EvidenceEntry(
            path=path,
            state=CaptureState.TAKEN,
            at=self.updated_at,
            bytes=len(content),
            sha256=sha256(content).hexdigest(),
            body=b64encode(content).decode() if wanted else None,
        )

    def stop(self) -> None:
        self.stopped = True

    def _log(self, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]
