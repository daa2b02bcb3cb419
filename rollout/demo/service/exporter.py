"""The simulated service as Prometheus scrapes it: an HTTP server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rollout.demo.service.traffic import Traffic
from rollout.ports import Clock


@contextmanager
def serving(traffic: Traffic, percent: Callable[[], float], clock: Clock) -> Iterator[str]:
    """Yields `host:port` at which the counters are scraped.

    What went by since the last scrape is counted then, at the percent that `percent` reads.
    """
    lock, last = threading.Lock(), clock.now()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal last
            with lock:
                now = clock.now()
                traffic.run((now - last).total_seconds(), percent())
                last = now
                body = traffic.exposition().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: the demo tells its own story."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
