"""The secrets that metrics servers are sent, and whether one of them is in what came back."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import unquote

from rollout.adapters.metrics.http_client import NoAnswerError
from rollout.core.contract.metrics import Auth

_PART = 8
"""Characters of a secret that give it away; a shorter secret is looked for as a whole."""
_SHORTEST = 4
"""Characters; a shorter secret is part of too many words."""
_ROUNDS = 3
"""How often an escape may itself be escaped."""
_ESCAPE = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2}))")
_BASE64_GROUP = 3
"""Bytes that become four characters: a secret inside of a longer text can begin at each of them."""


class Secrets:
    """What the variables of a contract hold, and the headers that they make."""

    def __init__(self, auth: Auth | None, environment: Mapping[str, str]) -> None:
        """Raises NoAnswerError for a variable that is not set, or holds what no header can carry."""
        self._environment = environment
        self._values: list[str] = []
        self.headers: dict[str, str] = {}
        self.names = auth.variables if auth is not None else ()
        if auth is not None:
            self._fill(auth)
        self._parts = frozenset(part for value in self._values for part in _parts(value))

    def _fill(self, auth: Auth) -> None:
        if auth.bearer_env is not None:
            token = self._value(auth.bearer_env)
            self._values.append(token)
            self.headers["Authorization"] = f"Bearer {token}"
        if auth.basic_env is not None:
            pair = self._value(auth.basic_env)
            encoded = b64encode(pair.encode()).decode()
            # The user's name alone is no secret: servers have it in honest words.
            self._values += (pair.partition(":")[2] or pair, encoded)
            self.headers["Authorization"] = f"Basic {encoded}"
        for header, variable in auth.header_env.items():
            self.headers[header] = self._value(variable)
            self._values.append(self.headers[header])

    def _value(self, variable: str) -> str:
        value = self._environment.get(variable, "").strip()
        if not value:
            raise NoAnswerError(f"the variable {variable} is not set")
        if not (value.isascii() and value.isprintable()):
            raise NoAnswerError(f"the variable {variable} holds a character that no header can carry")
        return value

    def are_in(self, text: str) -> bool:
        """Returns whether the text holds a part of a secret, in any usual spelling.

        Text has to be whole and as it came: text that was cut or cleaned can hold a part that is not found.
        """
        plain = _spelled_out(text) if self._parts else ""
        return any(part in plain for part in self._parts)

    def are_number(self, value: float | int) -> bool:
        """Returns whether the number is a secret of digits, or holds a part of one."""
        digits = (str(value), f"{value:f}")
        return any(part in each for part in self._parts if len(part) == _PART for each in digits) or any(
            each.isdecimal() and len(each) < _PART and int(each) == value for each in self._values
        )


def _parts(value: str) -> Iterator[str]:
    """Yields what must not be in a text: each few characters of each spelling."""
    for spelling in map(_spelled_out, _spellings(value)):
        if _SHORTEST <= len(spelling) < _PART:
            yield spelling
        for start in range(len(spelling) - _PART + 1):
            yield spelling[start : start + _PART]


def _spellings(value: str) -> Iterator[str]:
    yield value
    raw = value.encode()
    if len(raw) < _PART:
        return
    yield raw.hex()
    for before in range(_BASE64_GROUP):
        # Bits of the neighbours are in the first and the last characters.
        encoded = b64encode(b"\0" * before + raw).decode().rstrip("=")[before + (before > 0) : -1]
        yield encoded
        yield encoded.translate(str.maketrans("+/", "-_"))


def _spelled_out(text: str) -> str:
    """Returns the text in lower case without escapes, quotes, white space and what is not seen."""
    for _ in range(_ROUNDS):
        text = unquote(unescape(_ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)))
    return "".join(sign for sign in text.casefold() if sign.isprintable() and sign not in " \\\"'")
