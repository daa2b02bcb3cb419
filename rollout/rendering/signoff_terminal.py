"""The checklist as the terminal shows it."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.contract import Contract, SignoffItem
from rollout.core.signoff import counting, states
from rollout.core.state import Rollout, Signoff
from rollout.rendering.gates import Style, count, day_and_time, no_style
from rollout.rendering.inert import line
from rollout.rendering.signoff import strangers, what_is_gone, what_it_takes
from rollout.rendering.terminal import hanging, section


def signoff_view(
    contract: Contract, rollout: Rollout, signoff: Signoff | None, *, columns: int, style: Style = no_style
) -> str:
    """Returns the checklist by section: signed by whom with what evidence, or who has to sign and how."""
    items = states(contract, signoff, rollout)
    signed = sum(1 for _, state in items if state == "signed")
    parts = [style(f"{signed} of {count(len(items), 'item')} signed", bold=True)]
    if signoff is not None and signoff.blocked is not None:
        parts.append(style(f"BLOCKED by incident {signoff.blocked}: no signature counts", fg="red"))
    for each in dict.fromkeys(item.section for item, _ in items):
        lines = []
        for item, state in items:
            if item.section == each:
                mark, colour = ("✓", "green") if state == "signed" else ("✗", "red")
                title = f"{item.id}: {line(item.title)} (before {item.before})"
                lines.append(hanging(f"  {mark} ", [title], columns).replace(mark, style(mark, fg=colour), 1))
                told = _signoff_item(item, state, contract, rollout, signoff)
                lines += [hanging("      ", [text], columns) for text in told]
        parts.append(section(line(each), lines, style))
    gone = strangers(contract, signoff)
    if gone:
        parts.append(f"signed, but not in the contract any more: {', '.join(gone)}")
    return "\n\n".join(parts)


def _signoff_item(
    item: SignoffItem, state: str, contract: Contract, rollout: Rollout, signoff: Signoff | None
) -> Iterator[str]:
    for one in counting(item, contract, signoff, rollout):
        yield f"{line(one.by, 60)}, {day_and_time(one.at)}: {line(one.evidence)}"
    if state == "signed":
        return
    yield from (line(gone, 300) for gone in what_is_gone(item, contract, signoff, rollout))
    how = "" if item.proof else f": rollout signoff record {item.id} EVIDENCE"
    yield line(what_it_takes(item, contract, signoff, rollout), 300) + how
