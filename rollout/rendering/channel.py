"""The release channel in words."""

from __future__ import annotations

from typing import assert_never

from rollout.core.state import GuardCode


def guard_advice(code: GuardCode) -> str:
    """What a person can do about a guard that blocks; empty when none does."""
    match code:
        case GuardCode.INVALID_CURRENT_VERSION:
            return "mend current_version in channel.yaml, as a commit of its own"
        case GuardCode.INVALID_TARGET_VERSION:
            return "write it like v1.2.3 or 1.2.3-beta.1"
        case GuardCode.STABLE_PRERELEASE_DISALLOWED:
            return "`rollout channel set beta` takes prereleases"
        case GuardCode.MAJOR_VERSION_JUMP_BLOCKED:
            return "go by a version between, or allow the jump in the contract: channel.max_major_jump"
        case GuardCode.QUARANTINED_RELEASE:
            return "take a mended version; `rollout quarantine lift` when it was not at fault"
        case GuardCode.NO_RELEASE_RECORDS:
            return "publish a release, or name the version with --target"
        case GuardCode.OK:
            return ""
        case _:
            assert_never(code)
