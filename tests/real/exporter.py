"""A small exporter that a real Prometheus scrapes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

PER_SCRAPE = 400
"""Requests that each version has answered since the scrape before."""


class Exporter:
    """A service of several versions that says how many requests went well."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}
        """Version -> how many of its requests between two scrapes fail."""
        self._counts: dict[str, list[int]] = {}
        self._lock = Lock()
        self.scraped = Event()
        handler = type("Handler", (_Handler,), {"exporter": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.target = f"127.0.0.1:{self._http.server_address[1]}"

    def page(self) -> str:
        with self._lock:
            for version, errors in self.errors.items():
                good, total = self._counts.get(version, [0, 0])
                self._counts[version] = [good + PER_SCRAPE - errors, total + PER_SCRAPE]
            self.scraped.set()
            return "".join(
                f'good_total{{version="{_label(version)}"}} {good}\n'
                f'requests_total{{version="{_label(version)}"}} {total}\n'
                for version, (good, total) in self._counts.items()
            )

    @contextmanager
    def serving(self) -> Iterator[Exporter]:
        thread = Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


def _label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class _Handler(BaseHTTPRequestHandler):
    exporter: Exporter

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing."""

    def do_GET(self) -> None:
        body = self.exporter.page().encode()
        self.send_response_only(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
