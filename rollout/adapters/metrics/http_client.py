"""HTTP for metrics: one host at addresses that were looked at, bounded in bytes, connections and time.

No error holds a header that was sent.
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from threading import Lock
from typing import cast
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, SSLError, TimeoutError
from urllib3.util import Retry, Timeout

import rollout as tool
from rollout.core.contract.address import is_forbidden, is_loopback
from rollout.core.text import inert

MAX_BODY = 1024 * 1024
"""Bytes of one answer, unpacked."""
MOST_CONNECTIONS = 8
WHOLE = 2000
"""Characters of a server's words."""
_CONNECTING = 10
"""Seconds for one address of the host."""
_CHUNK = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
"""zlib's word for the format of gzip."""


Lookup = Callable[[str, int], Sequence[str]]
"""Gives the addresses of a host and port. Raises OSError."""


def addresses_of(host: str, port: int) -> list[str]:
    """Returns what the system's name service says."""
    return [str(where[0]) for *_, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class NoAnswerError(Exception):
    """The server gave no answer that can be used: the message is one line and says why."""


@dataclass(frozen=True)
class HttpAnswer:
    """What the server sent."""

    status: int
    body: bytes
    date: datetime | None
    """The server's clock, as the header `Date` has it."""
    location: str = ""
    """Where it would have us go."""


class Sockets:
    """The connections of one round, made only to the addresses that were looked at, and ended together."""

    def __init__(self, addresses: Sequence[str], port: int) -> None:
        self._addresses = addresses
        self._port = port
        self._lock = Lock()
        self._ended = False
        self._open: list[socket.socket] = []

    def connect(self, timeout: float) -> socket.socket:
        """Returns a connection to the first address that takes one. Raises OSError."""
        problem = OSError("no address")
        for address in self._addresses:
            self._refuse_when_ended()
            try:
                made = socket.create_connection((address, self._port), timeout)
            except OSError as error:
                problem = error
                continue
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A copy of the handle: TLS takes the socket itself over, and can hang in its first steps too.
            with self._lock:
                self._open.append(made.dup())
            if self._ended:
                made.close()
            self._refuse_when_ended()
            return made
        raise problem

    def _refuse_when_ended(self) -> None:
        if self._ended:
            raise OSError("ended")

    def end(self) -> None:
        """Wakes whoever waits for a server, and makes no further connection."""
        with self._lock:
            self._ended = True
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets go of the copies of the handles."""
        with self._lock:
            for each in self._open:
                each.close()
            self._open = []


class _Plain(HTTPConnection):
    sockets: Sockets | None = None

    def _new_conn(self) -> socket.socket:
        return _connected(self, self.sockets)


class _Secure(HTTPSConnection):
    sockets: Sockets | None = None

    def _new_conn(self) -> socket.socket:
        return _connected(self, self.sockets)


def _connected(connection: HTTPConnection, sockets: Sockets | None) -> socket.socket:
    assert sockets is not None
    try:
        return sockets.connect(_CONNECTING)
    except OSError as error:
        raise NewConnectionError(connection, error.strerror or str(error)) from error


class HttpClient:
    """Asks one server, over at most `MOST_CONNECTIONS` connections that are used again."""

    def __init__(
        self, url: str, headers: Mapping[str, str], lookup: Lookup, *, insecure: bool, timeout: float
    ) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._is_secure = parts.scheme == "https"
        self._base = parts.path.rstrip("/")
        self._headers = {**headers, "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._headers["User-Agent"] = f"rollout/{tool.__version__}"
        self._lookup = lookup
        self._insecure = insecure
        self._timeout = timeout
        self._sockets: Sockets | None = None
        self._pool: urllib3.HTTPConnectionPool | None = None
        self._ended = False

    def open(self) -> None:
        """Looks the host up, once for all requests. Raises NoAnswerError."""
        self._sockets = Sockets(self._addresses(), self._port)
        if self._ended:
            self._sockets.end()
        kind: type[urllib3.HTTPConnectionPool]
        kind = urllib3.HTTPSConnectionPool if self._is_secure else urllib3.HTTPConnectionPool
        self._pool = kind(self._host, self._port, maxsize=MOST_CONNECTIONS, block=True)
        connection = _Secure if self._is_secure else _Plain
        own = type(connection.__name__, (connection,), {"sockets": self._sockets})
        self._pool.ConnectionCls = cast("type[HTTPConnection]", own)

    def _addresses(self) -> list[str]:
        try:
            found = self._lookup(self._host, self._port)
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else ""
            raise NoAnswerError(f"{self._host} cannot be looked up: {inert(why or str(error))}") from None
        addresses = list(dict.fromkeys(address.partition("%")[0] for address in found))
        for address in map(ip_address, addresses):
            if is_forbidden(address):
                raise NoAnswerError(f"{self._host} is {address}, a link-local or metadata address")
            if not self._is_secure and not self._insecure and not is_loopback(address):
                raise NoAnswerError(f"{self._host} is {address}, which is not loopback; use https")
        return addresses

    def get(self, path: str) -> HttpAnswer:
        """Returns the answer, whatever its status. Follows no redirect. Raises NoAnswerError."""
        assert self._pool is not None
        try:
            response = self._pool.request(
                "GET",
                f"{self._base}{path}",
                headers=self._headers,
                redirect=False,
                # The server may have closed a connection that was kept open; asking again changes nothing.
                retries=Retry(total=1, status=0, redirect=0, respect_retry_after_header=False),
                timeout=Timeout(connect=_CONNECTING, read=self._timeout),
                preload_content=False,
                assert_same_host=False,
            )
            with response:
                return HttpAnswer(
                    response.status,
                    _body(response),
                    _date(response.headers.get("Date", "")),
                    response.headers.get("Location", ""),
                )
        except (HTTPError, OSError, ValueError) as error:
            # ValueError: http.client's word for a header or path that cannot be sent.
            raise NoAnswerError(self._in_words(error)) from None

    def _in_words(self, error: Exception) -> str:
        cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        if isinstance(cause, SSLError):
            return f"TLS with {self._host} failed: {inert(str(cause), 160)}"
        if isinstance(cause, NewConnectionError):
            return f"cannot connect to {self._host}:{self._port}: {inert(_last_words(cause), 120)}"
        if isinstance(cause, TimeoutError):
            return "no answer in time"
        if isinstance(cause, ValueError) and not isinstance(cause, HTTPError):
            return "the request cannot be sent: a header or the path holds a character that HTTP has not"
        return f"the connection broke: {inert(type(cause).__name__, 60)}"

    def end(self) -> None:
        """Wakes whoever waits for this server, and asks nothing more."""
        self._ended = True
        if self._sockets is not None:
            self._sockets.end()

    def close(self) -> None:
        """Closes all connections."""
        if self._pool is not None:
            self._pool.close()
        if self._sockets is not None:
            self._sockets.close()


def _last_words(error: Exception) -> str:
    return str(error).rpartition(": ")[2]


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    """Returns the unpacked body. Raises NoAnswerError for one that is too large, or packed in another way."""
    chunks: Iterator[bytes] = response.stream(_CHUNK, decode_content=False)
    match response.headers.get("Content-Encoding", "identity").strip().lower():
        case "gzip" | "x-gzip":
            chunks = _unpacked(chunks)
        case "identity" | "":
            pass
        case _:
            raise NoAnswerError("the answer is packed in another way than gzip")
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY:
            response.close()
            raise NoAnswerError(f"the answer is larger than {MAX_BODY // 1024} KiB")
    return bytes(body)


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields what gzip holds, in bounded pieces. Raises NoAnswerError where it is broken or lacks its end.

    urllib3 unpacks too, and takes a body without an end, where the checksum is, for a whole one.
    """
    unpacker = zlib.decompressobj(_GZIP)
    is_empty = True
    try:
        for chunk in chunks:
            packed, is_empty = chunk, False
            while packed:
                if unpacker.eof:  # another member follows
                    unpacker = zlib.decompressobj(_GZIP)
                yield unpacker.decompress(packed, _CHUNK)
                packed = unpacker.unconsumed_tail or unpacker.unused_data
    except zlib.error:
        raise NoAnswerError("the answer says that it is gzip, and is not") from None
    if not (unpacker.eof or is_empty):
        raise NoAnswerError("the answer ends before its gzip does")


def _date(header: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(header)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (ValueError, OverflowError):  # beyond the calendar
        return None
