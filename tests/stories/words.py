"""Texts say only what somebody carried out: no percent applied and nothing validated that nobody did."""

from __future__ import annotations

import re

from tests.stories.town import Town

_NOT_CLAIMED = re.compile(
    r"recorded|by hand|you apply it|not applied|not been applied|no longer|apply command", re.IGNORECASE
)
_NOT_VALIDATED = re.compile(r"not(?:hing)?\b[^.|]*\bvalid|skipped|no harness", re.IGNORECASE)


def say_only_what_was_done(town: Town) -> None:
    """Looks through the status and every issue."""
    texts = [town.rollout("status").out]
    listed = town.rollout("local", "issues", "--json")
    for issue in listed.json if listed.code == 0 else []:
        texts.append(town.rollout("local", "issues", "show", str(issue["number"])).out)
    for text in texts:
        _percents_were_applied(town, text)
        _validations_ran(town, text)


def _percents_were_applied(town: Town, text: str) -> None:
    """Without a command for it, a rollback brings the product to no percent."""
    if town.kind.flags_by and re.search(r"(?m)^0 % was applied at ", text):
        assert town.percent == 0
    if town.kind.flags_by or town.kind.applies or ("rolling back" not in text and "rolled back" not in text):
        return
    for line in text.splitlines():
        if re.search(r"\b0 %|\bapplied\b", line):
            assert _NOT_CLAIMED.search(line), f"nobody applied it: {line}"


def _validations_ran(town: Town, text: str) -> None:
    if town.kind.has_ci or town.kind.has_harness:
        return
    for line in text.splitlines():
        if re.search(r"\bvalidated\b", line):
            assert _NOT_VALIDATED.search(line), f"nobody validated it: {line}"
