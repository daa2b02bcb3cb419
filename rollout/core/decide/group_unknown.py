"""A surface that cannot be read makes many gates unknown for one and the same reason: telling it once."""

from __future__ import annotations

from collections.abc import Iterable

from rollout.core.state import GateFinding, Result


def told_once(findings: Iterable[GateFinding]) -> list[tuple[GateFinding, tuple[str, ...]]]:
    """Returns each finding with its gate; of those that one surface makes unknown alike the first, with all
    gates.
    """
    told: dict[tuple[object, ...], tuple[GateFinding, list[str]]] = {}
    for finding in findings:
        is_silent = finding.result is Result.UNKNOWN and finding.surface is not None
        key = ("", finding.surface, finding.seen) if is_silent else (finding.gate, finding.surface, "")
        told.setdefault(key, (finding, []))[1].append(finding.gate)
    return [(finding, tuple(gates)) for finding, gates in told.values()]
