"""Payload parsers: what a surface printed -> a normalized sample. One adapter a file, dispatched here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never

from rollout.core.contract import Adapter, Surface
from rollout.core.observation import Sample, with_possible_time
from rollout.core.surfaces.json_mapping import parse_json
from rollout.core.surfaces.payload import MalformedError
from rollout.core.surfaces.tau_browser_summary import parse_tau_browser_summary
from rollout.core.surfaces.tau_status import parse_tau_status
from rollout.core.surfaces.tau_transport_health import parse_tau_transport_health
from rollout.core.text import inert


def parse(surface: Surface, payload: bytes, read_at: datetime) -> Sample:
    """Returns the sample in a payload; an unknown one, with the reason in one line, when there is none in it.

    `read_at` is the file's modification time or the command's end, where the payload has no time of
    its own. Counters and their reason both None: the surface's events log has to be counted.
    """
    try:
        assert surface.adapter is not None  # metrics have no payload
        return with_possible_time(_parser(surface.adapter)(surface, payload, read_at))
    except MalformedError as problem:
        return Sample(unknown=inert(str(problem)))


def _parser(adapter: Adapter) -> Callable[[Surface, bytes, datetime], Sample]:
    match adapter:
        case Adapter.TAU_STATUS:
            return parse_tau_status
        case Adapter.TAU_TRANSPORT_HEALTH:
            return parse_tau_transport_health
        case Adapter.TAU_BROWSER_SUMMARY:
            return parse_tau_browser_summary
        case Adapter.JSON:
            return parse_json
        case _:
            assert_never(adapter)
