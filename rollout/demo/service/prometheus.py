"""A real Prometheus, for as long as a demo or a test lasts."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rollout.errors import InputError, OutsideError
from rollout.ports import PatientClock

_CONFIG = """\
global: {{scrape_interval: {every}, scrape_timeout: {every}}}
scrape_configs:
  - job_name: service
    static_configs: [{{targets: ["{target}"]}}]
"""
_PATIENCE = 30
"""Seconds that the server has to get ready."""


@contextmanager
def prometheus(target: str, clock: PatientClock, *, every: str = "1s") -> Iterator[str]:
    """Yields the address of a server that scrapes `host:port`; its data goes away with it.

    Raises InputError where Prometheus is not installed, OutsideError where it does not get ready.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise InputError(
            "this needs a real Prometheus, and there is no `prometheus` on PATH",
            hint="install it: apt-get install prometheus on Debian, brew install prometheus on macOS",
        )
    with TemporaryDirectory(prefix="rollout-prometheus-") as folder:
        config, log = Path(folder) / "prometheus.yml", Path(folder) / "log"
        config.write_text(_CONFIG.format(every=every, target=target), encoding="utf-8")
        address = f"127.0.0.1:{_free_port()}"
        arguments = (
            f"--config.file={config}",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address={address}",
            "--log.level=error",
        )
        with (
            log.open("wb") as output,
            subprocess.Popen([program, *arguments], stdout=output, stderr=output) as server,  # noqa: S603
        ):
            try:
                _wait_until_ready(server, address, clock, log)
                yield f"http://{address}"
            finally:
                server.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: subprocess.Popen[bytes], address: str, clock: PatientClock, log: Path) -> None:
    for _ in range(_PATIENCE * 10):
        if server.poll() is not None:
            break
        if _is_ready(address):
            return
        clock.wait(0.1)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    why = said[-1][:300] if said else "it said nothing"
    raise OutsideError(
        f"Prometheus does not get ready: {why}", hint="see whether it runs: prometheus --version"
    )


def _is_ready(address: str) -> bool:
    asking = http.client.HTTPConnection(address, timeout=1)
    try:
        asking.request("GET", "/-/ready")
        return asking.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        asking.close()
