"""Every mistake of a contract at once: what its types refuse, and what only the whole can show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from pydantic import ValidationError

from rollout.core.contract import Adapter, Contract, find_problems
from rollout.core.problems import Mistake, Place, find_mistakes


def examine(data: object) -> tuple[Contract | None, list[str]]:
    """Plain data -> the contract, if its types are right, and every mistake as `field: message`.

    The contract is good when there is no mistake.
    """
    try:
        contract = Contract.model_validate(data)
    except ValidationError as error:
        mistakes = find_mistakes(error, Contract)
        return None, [*(mistake.line for mistake in mistakes), *_behind(mistakes, data)]
    return contract, whole_problems(contract)


def whole_problems(contract: Contract) -> list[str]:
    """What types cannot see, as `field: message`: cross-references, and expressions that do not parse."""
    problems = find_problems(contract)
    if any(surface.adapter is Adapter.JSON for surface in contract.surfaces.values()):
        from rollout.core.surfaces.json_mapping import expression_problems

        problems += expression_problems(contract)
    return problems


# --- looking behind mistakes -----------------------------------------------------------------------------
#
# The whole can only be judged once its types are right. So that one typing error does not hide an unknown
# phase elsewhere, wrong pieces are replaced by neutral ones, and what these would blur is not reported.


@dataclass(frozen=True)
class _StandIn:
    place: tuple[str, ...]
    """`*` is any key or index; it stands in for whatever is wrong there or below."""
    value: object = None
    """None takes the piece away."""
    blurs: str = "(?!)"
    """A regular expression: lines that say nothing while this stands in."""


_STAND_INS = (
    _StandIn(("train",), "train"),
    _StandIn(("product",)),
    _StandIn(("state",)),
    _StandIn(("surfaces", "*"), {"adapter": "tau-status", "file": "x"}),
    _StandIn(("harness",), {"report": "x", "manifest": "x"}),
    _StandIn(("apply",)),
    _StandIn(("sampling",), blurs=r".*\.soak: "),
    _StandIn(("phases", "*", "canary_percent"), 100, blurs=r".*\.canary_percent: "),
    _StandIn(("phases", "*", "soak"), {"runs": 1}),
    _StandIn(("phases", "*", "max_gap"), blurs=r".*\.soak: "),
    _StandIn(("phases", "*", "inherit"), blurs=r".* has no gate"),
    _StandIn(
        ("phases", "*", "gates", "*"),
        {"kind": "no_trigger", "name": "stand-in"},
        blurs=r".* duplicate name stand-in|.* no gate waits ",
    ),
    _StandIn(
        ("triggers", "*"),
        {"kind": "timeline_error", "name": "stand-in", "actions": ["freeze", "rollback"]},
        blurs=r".* duplicate name stand-in",
    ),
    _StandIn(("rollback",)),
    _StandIn(("signoff", "items", "*", "proof")),
    _StandIn(("signoff", "items", "*", "role")),
)


def _behind(mistakes: Sequence[Mistake], data: object) -> list[str]:
    mended = deepcopy(data)
    used = [stand_in for mistake in mistakes if (stand_in := _mend(mended, mistake))]
    try:
        contract = Contract.model_validate(mended)
    except ValidationError:  # something that has no stand-in
        return []
    blurred = re.compile("|".join(stand_in.blurs for stand_in in used) or "(?!)")
    return [problem for problem in whole_problems(contract) if not blurred.match(problem)]


def _mend(data: object, mistake: Mistake) -> _StandIn | None:
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
    """Set what is at the place, or take it away; nothing when an earlier stand-in took its holder away."""
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
