"""The known name that somebody meant."""

from __future__ import annotations

from collections.abc import Iterable


def near(word: str, known: Iterable[str]) -> str | None:
    """Returns the known word that is most like it; None when none is."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1)), None)


def suggest(word: str, known: Iterable[str], otherwise: str) -> str:
    """Returns `did you mean WORD?` with the nearest known word; where none is near, all after `otherwise`."""
    words = list(known)
    if nearest := near(word, words):
        return f"did you mean {nearest}?"
    return f"{otherwise}{', '.join(words) or 'none'}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns what `suggest` says, as the end of a message; empty when nothing is known."""
    words = list(known)
    return f"; {suggest(word, words, 'known here: ')}" if words else ""
