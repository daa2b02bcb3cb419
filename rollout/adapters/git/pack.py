"""New git objects as one pack: `git unpack-objects` checks it, takes it apart and stores what it holds."""

from __future__ import annotations

import hashlib
import zlib

_KINDS = {"tree": 2, "blob": 3}
_ALGORITHMS = {40: "sha1", 64: "sha256"}


class Pack:
    """Blobs and trees for a repository whose ids have `id_length` hexadecimal digits."""

    def __init__(self, id_length: int) -> None:
        self._algorithm = _ALGORITHMS[id_length]
        self._entries: list[bytes] = []

    def add(self, kind: str, body: bytes) -> str:
        """Put an object in; its id."""
        self._entries.append(_entry_header(_KINDS[kind], len(body)) + zlib.compress(body, 1))
        return self._digest(f"{kind} {len(body)}\0".encode() + body).hex()

    def __bytes__(self) -> bytes:
        content = b"".join((b"PACK\0\0\0\2", len(self._entries).to_bytes(4, "big"), *self._entries))
        return content + self._digest(content)

    def _digest(self, content: bytes) -> bytes:
        return hashlib.new(self._algorithm, content, usedforsecurity=False).digest()


def _entry_header(kind: int, size: int) -> bytes:
    """Kind and lowest four bits of the size, then seven bits a byte; the top bit says that more follow."""
    header, low, size = bytearray(), kind << 4 | size & 15, size >> 4
    while size:
        header.append(low | 128)
        low, size = size & 127, size >> 7
    header.append(low)
    return bytes(header)
