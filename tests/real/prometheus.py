"""A real Prometheus on free ports of the loopback, which scrapes a small exporter."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import urllib3

SCRAPES = "250ms"
PER_SCRAPE = 400
"""Requests that each version has answered since the scrape before."""
_PATIENCE = 400
_STEP = 0.05
CONFIGURATION = """\
global: {{scrape_interval: {scrapes}, scrape_timeout: {scrapes}}}
scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]
"""


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
        self.port = int(self._http.server_address[1])

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


@contextmanager
def prometheus(exporter: Exporter, folder: Path) -> Iterator[str]:
    """Yields the address of a Prometheus that is ready; `make real` installs it."""
    program = shutil.which("prometheus")
    assert program is not None, "prometheus is missing: run these tests by `make real`"
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(scrapes=SCRAPES, port=exporter.port))
    port = _free_port()
    arguments = (
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen((program, *arguments), stdout=log, stderr=log)
        try:
            _await_ready(port, process, folder / "prometheus.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _await_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    pool, waiting = urllib3.HTTPConnectionPool("127.0.0.1", port, retries=False), Event()
    for _ in range(_PATIENCE):
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            if pool.request("GET", "/-/ready").status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        waiting.wait(_STEP)
    raise AssertionError(f"prometheus is not ready: {log.read_text(errors='replace')}")
