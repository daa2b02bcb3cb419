"""Surfaces and payloads that the parser tests share."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rollout.core.contract import Adapter, JsonMapping, Surface

SAMPLES = Path(__file__).parent.parent.parent / "samples" / "tau"
READ_AT = datetime(2026, 2, 14, 0, 30, tzinfo=UTC)
UPDATED = {
    "healthy": datetime(2026, 2, 14, 0, 0, tzinfo=UTC),
    "degraded": datetime(2026, 2, 14, 0, 10, tzinfo=UTC),
    "failing": datetime(2026, 2, 14, 0, 20, tzinfo=UTC),
}


def surface(adapter: Adapter, *, events: str | None = None, mapping: JsonMapping | None = None) -> Surface:
    return Surface(adapter=adapter, command=("health",), events=events, map=mapping)


def sample_payload(mood: str, name: str) -> bytes:
    return (SAMPLES / mood / name).read_bytes()


def document(mood: str, name: str) -> Any:
    return json.loads(sample_payload(mood, name))


def payload(value: Any) -> bytes:
    return json.dumps(value).encode()
