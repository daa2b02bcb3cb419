"""A contract with neutral pieces in place of the wrong ones.

The whole can only be judged once its types are right. So that one typing error does not hide an unknown phase
elsewhere, wrong pieces are replaced, and what their replacement would blur is not reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from rollout.core.contract_check.mistakes import Mistake, Place


@dataclass(frozen=True)
class _StandIn:
    place: tuple[str, ...]
    """`*` is any key or index; it stands in for whatever is wrong there or below."""
    value: object = None
    """None takes the piece away."""
    blurs: str = "(?!)"
    """A regular expression: lines that say nothing while this stands in."""


_REPORTS = r".*: no surface reports |.* (?:does|do) not report "
"""What is said of names that surfaces do not have."""

_STAND_INS = (
    _StandIn(("train",), "train"),
    _StandIn(("product",)),
    _StandIn(("state",)),
    _StandIn(("surfaces", "*"), {"adapter": "tau-status", "file": "x"}, blurs=_REPORTS),
    _StandIn(("harness",), {"report": "x", "manifest": "x"}, blurs=r".*\.refresh: "),
    _StandIn(("apply",)),
    _StandIn(("prepare",)),
    _StandIn(("sampling",), blurs=r".*\.soak: |.* shorter than the interval "),
    _StandIn(
        ("phases", "*", "canary_percent"), 100, blurs=r".*\.canary_percent: |.* would be left at its first "
    ),
    _StandIn(("phases", "*", "soak"), {"runs": 1}),
    _StandIn(("phases", "*", "max_gap"), blurs=r".*\.soak: |.* shorter than the interval "),
    _StandIn(("phases", "*", "inherit"), blurs=r".* has no gate|.* no gate reads "),
    _StandIn(
        ("phases", "*", "gates", "*"),
        {"kind": "no_trigger", "name": "stand-in"},
        blurs=r".* duplicate name stand-in|.* no gate waits |.* no gate (?:that )?reads ",
    ),
    _StandIn(
        ("triggers", "*"),
        {
            "kind": "validation_failure",
            "harness": False,
            "checks": "*",
            "name": "stand-in",
            "actions": ["freeze", "rollback"],
        },
        blurs=r".* duplicate name stand-in|.* no gate (?:that )?reads ",
    ),
    _StandIn(("rollback",)),
    _StandIn(("signoff", "items", "*", "proof")),
    _StandIn(("signoff", "items", "*", "role")),
)


class Repair:
    """`data` is a copy of the contract's, with a stand-in for each mistake that has one."""

    def __init__(self, data: object, mistakes: Sequence[Mistake]) -> None:
        self.data = deepcopy(data)
        used = [stand_in for mistake in mistakes if (stand_in := _fix(self.data, mistake))]
        self._blurred = re.compile("|".join(stand_in.blurs for stand_in in used) or "(?!)")

    def blurs(self, problem: str) -> bool:
        """Returns whether that line may be about a stand-in, and so says nothing about the contract."""
        return self._blurred.match(problem) is not None


def _fix(data: object, mistake: Mistake) -> _StandIn | None:
    if mistake.is_unknown_key:
        _put(data, mistake.place, None)
        return None
    for stand_in in _STAND_INS:
        place = mistake.place[: len(stand_in.place)]
        if len(place) == len(stand_in.place) and all(map(_fits, stand_in.place, place)):
            _put(data, place, stand_in.value)
            return stand_in
    return None


def _fits(wanted: str, part: str | int) -> bool:
    return wanted in ("*", part)


def _put(data: object, place: Place, value: object) -> None:
    """Sets what is at the place, or takes it away; nothing when an earlier stand-in took its holder away."""
    *above, last = place
    for part in above:
        data = _within(data, part)
    if isinstance(data, dict):
        if value is None:
            data.pop(last, None)
        else:
            data[last] = value
    elif isinstance(data, list) and isinstance(last, int):
        data[last] = value


def _within(data: object, part: str | int) -> object:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) else None
