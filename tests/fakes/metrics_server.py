"""A metrics server on the loopback: answers what a test lays out, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fakehub.clock import NOON


@dataclass(frozen=True)
class Page:
    """What one request is answered with."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0
    """Seconds before the answer."""
    stream: Callable[[BufferedIOBase], None] | None = None
    """Writes the answer itself, the status line included."""


def document(content: object, status: int = 200) -> Page:
    """A JSON document."""
    return Page(json.dumps(content).encode(), status)


def vector(*values: object, at: datetime = NOON, **more: object) -> Page:
    """Prometheus' answer with one series for each value."""
    series = [{"metric": {"n": str(n)}, "value": [at.timestamp(), each]} for n, each in enumerate(values)]
    return document({"status": "success", "data": {"resultType": "vector", "result": series}, **more})


class MetricsServer:
    """What the server says, by the text of the query, else by the path."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.otherwise = vector()
        self.date: datetime | None = NOON
        """The server's clock; None for a server that states none."""
        self.asked: list[str] = []
        """Queries, or paths where there is no query."""
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.stopping = Event()
        self._lock = Lock()
        handler = type("Handler", (_Handler,), {"server_": self})
        self._http = _Http(("127.0.0.1", 0), handler)
        self.port: int = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def speak_tls(self, certificate: Path) -> None:
        """Speaks TLS from now on, with the key and certificate in that file."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)

    def page(self, path: str, headers: dict[str, str]) -> Page:
        query = parse_qs(urlsplit(path).query).get("query")
        key = query[0] if query else path
        with self._lock:
            self.asked.append(key)
            self.paths.append(path)
            self.headers.append(headers)
        return self.pages.get(key, self.otherwise)

    def connected(self) -> None:
        with self._lock:
            self.connections += 1

    @contextmanager
    def serving(self) -> Iterator[MetricsServer]:
        thread = Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    server_: MetricsServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server_.connected()

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing."""

    def do_GET(self) -> None:
        page = self.server_.page(self.path, dict(self.headers.items()))
        if page.stream is not None:
            self.close_connection = True
            page.stream(self.wfile)
            return
        if page.delay:
            self.server_.stopping.wait(page.delay)
        self.send_response_only(page.status)
        if self.server_.date is not None:
            self.send_header("Date", format_datetime(self.server_.date, usegmt=True))
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)
