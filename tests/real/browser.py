"""A page in a real browser: Chromium without a window, driven by its DevTools protocol over two pipes.

`BROWSER` in the environment names another Chromium or Chrome, for machines that cannot run the packaged one.
Source of the commands: the Chrome DevTools Protocol's published reference.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

INSTALLED = Path(__file__).parents[2] / ".cache" / "real"
_PACKAGED = INSTALLED / "browser" / "chromium"
_FLAGS = (
    "--headless=shell",
    "--no-sandbox",  # root has none; only our own pages are shown
    "--no-zygote",
    "--in-process-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-features=AudioServiceOutOfProcess,IsolateOrigins,site-per-process",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_TO_BROWSER, _FROM_BROWSER = 3, 4
"""The file descriptors on which Chromium reads and writes."""


class Page:
    """One tab. Commands wait for their answer; the time-out is pytest's."""

    def __init__(self, writes: int, reads: int) -> None:
        self._writes, self._reads = writes, reads
        self._sent, self._buffer = 0, b""
        self._session: str | None = None
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def show(self, html: str, width: int, height: int) -> None:
        """Lays the document out in a window of that size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._send("Emulation.setDeviceMetricsOverride", **size)
        frame = self._send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._send("Page.setDocumentContent", frameId=frame, html=html)

    def evaluate(self, javascript: str) -> Any:
        """What the expression gives, as JSON."""
        found = self._send("Runtime.evaluate", expression=javascript, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"]["value"]

    def screenshot(self, to: Path) -> None:
        """Writes the whole page as a PNG, for people to look at."""
        shot = self._send("Page.captureScreenshot", captureBeyondViewport=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(base64.b64decode(shot["data"]))

    def _send(self, method: str, **params: object) -> Any:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._sent:
                assert "error" not in answer, f"{method}: {answer}"
                return answer["result"]

    def _read(self) -> Any:
        while b"\0" not in self._buffer:
            part = os.read(self._reads, 1 << 16)
            assert part, "the browser has ended: run it by hand to see why"
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A browser with one page; `profile` is a folder of its own. It ends with the context."""
    program = Path(os.environ.get("BROWSER", _PACKAGED))
    assert program.is_file(), f"{program} is missing: run these tests by `make real`"
    ours, theirs = os.pipe(), os.pipe()
    environment = {**os.environ, "HOME": str(profile), **_libraries(program)}
    arguments = [str(program), *_FLAGS, f"--user-data-dir={profile}"]
    # A shell puts the pipes where Chromium looks for them.
    placed = f'exec "$@" {_TO_BROWSER}<&{ours[0]} {_FROM_BROWSER}>&{theirs[1]}'
    process = subprocess.Popen(
        ["bash", "-c", placed, "bash", *arguments],
        pass_fds=(ours[0], theirs[1]),
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        yield Page(ours[1], theirs[0])
    finally:
        process.kill()
        process.wait()
        os.close(ours[1])
        os.close(theirs[0])


def _libraries(program: Path) -> dict[str, str]:
    """The packaged browser carries libraries that some machines lack."""
    if program != _PACKAGED:
        return {}
    needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if "not found" not in needed.stdout:
        return {}
    return {"LD_LIBRARY_PATH": str(program.parent / "al2023" / "lib")}
