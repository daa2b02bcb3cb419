"""The token that GitHub's own command line program, `gh`, keeps for a person."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

_SECONDS = 20
"""A keyring that is locked asks its owner first."""


def gh_token(host: str, environment: Mapping[str, str], *, seconds: float = _SECONDS) -> str:
    """Returns the token for that host; empty where `gh` is missing, logged out there, or does not answer in
    time.
    """
    try:
        done = subprocess.run(
            ["gh", "auth", "token", "--hostname", host],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    token = done.stdout.decode("ascii", "replace").strip()
    is_token = token.isascii() and token.isprintable() and " " not in token
    return token if not done.returncode and is_token else ""
