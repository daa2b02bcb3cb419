"""The requests of a simulated web service, a part of which a flag sends to the canary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

REQUESTS_PER_SECOND = 100_000
"""At 0.1 % the canary gets 100 a second."""
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds of the latency histogram, in seconds."""


@dataclass(frozen=True)
class Build:
    """How a version behaves."""

    errors: float
    """The share of its requests that fail."""
    within: tuple[float, ...] = (0.6, 0.9, 0.985, 0.997, 0.9995)
    """The share of its requests that are answered within each of `BUCKETS`."""


@dataclass
class _Counts:
    """What a version has answered since the service began, shares of a request included."""

    ok: float = 0
    failed: float = 0
    within: list[float] = field(default_factory=lambda: [0.0] * len(BUCKETS))

    @property
    def total(self) -> float:
        return self.ok + self.failed

    def answer(self, requests: float, build: Build) -> None:
        self.failed += requests * build.errors
        self.ok += requests * (1 - build.errors)
        for index, share in enumerate(build.within):
            self.within[index] += requests * share


class Traffic:
    """Counts what each version answers; `builds` says how each behaves."""

    def __init__(self, builds: Mapping[str, Build], stable: str) -> None:
        self.stable = stable
        """What gets the requests that the flag does not send to the canary."""
        self.canary: str | None = None
        self._builds = builds
        self._counts: dict[str, _Counts] = {}

    def run(self, seconds: float, percent: float) -> None:
        """Lets time pass; `percent` of the requests go to the canary, where there is one."""
        requests = REQUESTS_PER_SECOND * seconds
        share = percent / 100 if self.canary is not None else 0
        self._answer(self.stable, requests * (1 - share))
        if self.canary is not None:
            self._answer(self.canary, requests * share)

    def _answer(self, version: str, requests: float) -> None:
        self._counts.setdefault(version, _Counts()).answer(requests, self._builds[version])

    def exposition(self) -> str:
        """Returns the counters as Prometheus reads them (text exposition format 0.0.4)."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "# TYPE http_requests_total counter"
        for version, counts in self._counts.items():
            for code, number in (("200", counts.ok), ("500", counts.failed)):
                yield f'http_requests_total{{version="{version}",code="{code}"}} {int(number)}'
        yield "# TYPE http_request_duration_seconds histogram"
        for version, counts in self._counts.items():
            name, labels = "http_request_duration_seconds", f'version="{version}"'
            for bound, number in zip(BUCKETS, counts.within, strict=True):
                yield f'{name}_bucket{{{labels},le="{bound}"}} {int(number)}'
            yield f'{name}_bucket{{{labels},le="+Inf"}} {int(counts.total)}'
            yield f"{name}_count{{{labels}}} {int(counts.total)}"
