"""The product's own release metadata (`.tau/release-channel.json`, `release-update-state.json`), taken over.

Its cache of releases is not: the next lookup asks anew.
"""

# No `from __future__ import annotations` here: pydantic would compile each annotation anew at every start.

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rollout.core.state import (
    ApplyStatus,
    Channel,
    ChannelAction,
    ChannelApply,
    ChannelName,
    ChannelPlan,
    GuardCode,
    LookupSource,
    RollbackHints,
    RollbackReason,
)
from rollout.core.text import inert
from rollout.core.values import from_unix_ms, unix_ms

CHANNEL_FILE, UPDATE_FILE = "release-channel.json", "release-update-state.json"
FILES = (CHANNEL_FILE, UPDATE_FILE)
NEWEST_SCHEMA = 2

Milliseconds = Annotated[int, Field(ge=0, le=32_503_680_000_000)]
W = TypeVar("W", bound=StrEnum)


class _Document(BaseModel):
    """What is used of a file; whatever else it holds is the product's business."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)


class _Rollback(_Document):
    previous_channel: str | None = None
    previous_version: str | None = None
    reference_unix_ms: Milliseconds | None = None
    reason: str | None = None


class _ChannelFile(_Document):
    schema_version: int = Field(ge=1)
    release_channel: str
    rollback: _Rollback | None = None
    """Absent in schema 1."""


class _UpdateFile(_Document):
    schema_version: int = 1
    channel: str
    current_version: str | None = None
    target_version: str | None = None
    action: str = ""
    dry_run: bool = False
    lookup_source: str = ""
    guard_code: str = ""
    guard_reason: str = ""
    planned_at_unix_ms: Milliseconds | None = None
    apply_attempts: int = Field(default=0, ge=0)
    last_apply_unix_ms: Milliseconds | None = None
    last_apply_status: str | None = None
    last_apply_target: str | None = None


def read(documents: Mapping[str, object], before: Channel, at: datetime) -> tuple[Channel, list[str]]:
    """Returns the channel as the product's files (name -> parsed JSON) tell it, and what could not be taken
    over.

    What they say nothing about stays. Raises ValueError, its message beginning with the file's name.
    """
    channel = _parsed(_ChannelFile, documents, CHANNEL_FILE)
    update = _parsed(_UpdateFile, documents, UPDATE_FILE)
    notes: list[str] = []
    changes: dict[str, object] = {}
    if update is not None:
        changes |= {"channel": _name(update.channel, UPDATE_FILE)}
        if update.current_version:
            changes |= {"current_version": inert(update.current_version, 128)}
        changes |= _records(update, notes)
    if channel is not None:
        changes |= {"channel": _name(channel.release_channel, CHANNEL_FILE)}
        if channel.rollback is not None:
            changes |= {"rollback": _hints(channel.rollback, at)}
    return before.model_copy(update=changes), notes


M = TypeVar("M", _ChannelFile, _UpdateFile)


def _parsed(model: type[M], documents: Mapping[str, object], name: str) -> M | None:
    if name not in documents:
        return None
    try:
        found = model.model_validate(documents[name])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ValueError(f"{name}: {where}: {first['msg']}") from None
    if found.schema_version > NEWEST_SCHEMA:
        raise ValueError(
            f"{name}: schema_version {found.schema_version} is newer than {NEWEST_SCHEMA}, the newest known"
        )
    return found


def _name(word: str, file: str) -> ChannelName:
    known = _word(ChannelName, word)
    if known is None:
        raise ValueError(f"{file}: channel: {inert(word, 40)} is none of {', '.join(ChannelName)}")
    return known


def _word(words: type[W], word: str | None) -> W | None:
    return words(word) if word in set(words) else None


def _hints(rollback: _Rollback, at: datetime) -> RollbackHints | None:
    channel = _word(ChannelName, rollback.previous_channel)
    if channel is None:
        return None
    return RollbackHints(
        channel=channel,
        version=inert(rollback.previous_version, 128) if rollback.previous_version else None,
        reason=_word(RollbackReason, rollback.reason) or RollbackReason.IMPORT,
        reference_unix_ms=unix_ms(at) if rollback.reference_unix_ms is None else rollback.reference_unix_ms,
    )


def _records(update: _UpdateFile, notes: list[str]) -> dict[str, object]:
    """Returns the last plan and apply, where their words are ours."""
    action = _word(ChannelAction, update.action)
    code, source = _word(GuardCode, update.guard_code), _word(LookupSource, update.lookup_source)
    if update.planned_at_unix_ms is None:
        return {}
    if action is None or code is None or source is None:
        words = ", ".join(filter(None, (update.action, update.guard_code, update.lookup_source)))
        notes.append(f"the last plan is not taken over: unknown words among {inert(words, 120)}")
        return {}
    plan = ChannelPlan(
        channel=_name(update.channel, UPDATE_FILE),
        current_version=inert(update.current_version, 128) if update.current_version else None,
        target_version=inert(update.target_version, 128) if update.target_version else None,
        action=action,
        guard_code=code,
        guard_reason=inert(update.guard_reason, 500),
        dry_run=update.dry_run,
        lookup_source=source,
        planned_at=from_unix_ms(update.planned_at_unix_ms),
    )
    status = _word(ApplyStatus, update.last_apply_status)
    if status is None or update.last_apply_unix_ms is None or not update.apply_attempts:
        return {"plan": plan}
    apply = ChannelApply(
        **{
            **dict(plan),
            "target_version": inert(update.last_apply_target, 128) if update.last_apply_target else None,
            "planned_at": from_unix_ms(update.last_apply_unix_ms),
        },
        status=status,
        attempts=update.apply_attempts,
    )
    return {"plan": plan, "apply": apply}
