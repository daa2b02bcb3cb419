"""The release channel in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from rollout.core.state import (
    Channel,
    ChannelAction,
    ChannelApply,
    ChannelPlan,
    ChannelRequest,
    GuardCode,
    LookupSource,
)
from rollout.core.values import format_instant, from_unix_ms, seconds_between
from rollout.rendering.gates import Style, count, day_and_time, no_style, short
from rollout.rendering.inert import Markdown, code, in_columns, line, text
from rollout.rendering.markdown import render

Document = dict[str, object]


def guard_advice(code: GuardCode, commit: str = "COMMIT") -> str:
    """Returns what a person can do about a guard that blocks; empty when none does.

    `commit` is that of the version in quarantine, where it is known.
    """
    match code:
        case GuardCode.INVALID_CURRENT_VERSION:
            return "fix current_version in channel.yaml, as a commit of its own"
        case GuardCode.INVALID_TARGET_VERSION:
            return "write it like v1.2.3 or 1.2.3-beta.1"
        case GuardCode.STABLE_PRERELEASE_DISALLOWED:
            return "to take prereleases: rollout channel set beta"
        case GuardCode.MAJOR_VERSION_JUMP_BLOCKED:
            return "go by a version between, or allow the jump in the contract: channel.max_major_jump"
        case GuardCode.QUARANTINED_RELEASE:
            return (
                f"take a fixed version; if it was not at fault: rollout quarantine lift {commit} --reason WHY"
            )
        case GuardCode.NO_RELEASE_RECORDS:
            return "publish the release first; a rollout needs none: rollout start"
        case GuardCode.OK:
            return ""
        case _:
            assert_never(code)


# --- what --json prints -----------------------------------------------------------------------------------


def channel_document(channel: Channel, *, stored: bool) -> Document:
    """Returns the channel and its rollback hints in the runbook's words, the last plan and apply.

    `stored` tells whether anybody recorded a channel yet; without, it is the default one.
    """
    hints = channel.rollback
    return {
        "train": channel.train,
        "channel": channel.channel.value,
        "source": "store" if stored else "default",
        "current_version": channel.current_version,
        "rollback_channel": hints.channel.value if hints else None,
        "rollback_version": hints.version if hints else None,
        "rollback_reason": hints.reason.value if hints else None,
        "rollback_reference_unix_ms": hints.reference_unix_ms if hints else None,
        "plan": channel.plan and plan_document(channel.plan),
        "apply": channel.apply and apply_document(channel.apply),
        "request": channel.request and channel.request.model_dump(mode="json"),
    }


def plan_document(plan: ChannelPlan) -> Document:
    return plan.model_dump(mode="json")


def check_document(train: str, plan: ChannelPlan, fetched_at: datetime) -> Document:
    """Returns whether there is something newer; `fetched_at` is that of the list it was looked for in."""
    return {
        "train": train,
        "channel": plan.channel.value,
        "current_version": plan.current_version,
        "latest_version": plan.target_version,
        "newer": plan.action is ChannelAction.UPGRADE,
        "action": plan.action.value,
        "guard_code": plan.guard_code.value,
        "guard_reason": plan.guard_reason,
        "lookup_source": plan.lookup_source.value,
        "fetched_at": format_instant(fetched_at),
    }


def apply_document(apply: ChannelApply) -> Document:
    return apply.model_dump(mode="json")


def outcome_document(commit: str | None, pull_request: int | None, diff: str) -> Document:
    """Returns what recording something came to."""
    return {
        "commit": commit,
        "pull_request": pull_request,
        "changed": commit is not None or pull_request is not None,
        "diff": diff or None,
    }


# --- for a person -----------------------------------------------------------------------------------------


def channel_view(channel: Channel, *, stored: bool) -> str:
    """Returns the channel and its rollback hints in the runbook's words, the last plan and apply."""
    hints, request = channel.rollback, channel.request
    rows = [
        ("channel", channel.channel.value),
        ("source", "store" if stored else "default"),
        ("current_version", _version(channel.current_version)),
    ]
    if hints is None:
        rows.append(("rollback", "none recorded"))
    else:
        moment = from_unix_ms(hints.reference_unix_ms)
        rows += [
            ("rollback_channel", hints.channel.value),
            ("rollback_version", _version(hints.version)),
            ("rollback_reason", hints.reason.value),
            ("rollback_reference_unix_ms", f"{hints.reference_unix_ms} ({day_and_time(moment)})"),
        ]
    rows.append(("last plan", _last_plan(channel.plan)))
    rows.append(("last apply", _last_apply(channel.apply)))
    if request is not None:
        rows.append(("apply command", _request(request)))
    return "\n".join(text.strip() for text in in_columns(rows))


def plan_view(plan: ChannelPlan, *, where: str, done: str, diff: str, style: Style = no_style) -> str:
    """Returns what there is to do; `where` says how the target was found, `done` what became of the plan."""
    follow = "next: rollout channel apply" if plan.action is ChannelAction.UPGRADE else ""
    return _view(plan, plan.action.value, where, [follow, done], diff, style)


def apply_view(apply: ChannelApply, *, where: str, done: str, diff: str, style: Style = no_style) -> str:
    """Returns what was done, as `plan_view`."""
    attempts = f"attempt {apply.attempts}" if apply.attempts > 1 else ""
    return _view(apply, apply.status.value, where, [attempts, done], diff, style)


def check_view(plan: ChannelPlan, *, where: str, style: Style = no_style) -> str:
    """Returns whether there is something newer; `plan` is what a plan would say."""
    follow = "next: rollout channel plan" if plan.action is ChannelAction.UPGRADE else ""
    return _view(plan, _NEWS[plan.action], where, [follow], "", style)


_NEWS = {
    ChannelAction.UPGRADE: "newer",
    ChannelAction.NOOP: "nothing newer",
    ChannelAction.BLOCKED: "blocked",
    ChannelAction.ROLLBACK: "rollback",
}


def found_words(source: LookupSource, fetched_at: datetime | None, now: datetime) -> str:
    """Returns how the target was found; `fetched_at` is that of the list, None for what a plan chose."""
    age = f", {short(max(0, seconds_between(fetched_at, now)))} old" if fetched_at else ""
    match source:
        case LookupSource.LIVE:
            return source.value
        case LookupSource.CACHE_FRESH:
            anew = "; `rollout channel cache refresh` asks anew" if fetched_at else ""
            return f"{source}{age}{anew}"
        case LookupSource.CACHE_STALE_FALLBACK:
            return f"{source}{age}: releases could not be looked up"
        case LookupSource.OVERRIDE:
            return f"{source}, as it was named"
        case _:
            assert_never(source)


def _view(plan: ChannelPlan, outcome: str, where: str, notes: Iterable[str], diff: str, style: Style) -> str:
    dry = "dry run: " if plan.dry_run else ""
    way = f"{_version(plan.current_version)} -> {line(plan.target_version or 'nothing')}"
    advice = guard_advice(plan.guard_code)
    lines = [
        style(f"{dry}{plan.channel}: {way}: {outcome}", fg=_COLOURS[plan.action], bold=True),
        f"{plan.guard_code}: {line(plan.guard_reason)}",
        f"lookup: {where}",
        f"to do: {advice}" if advice else "",
        *notes,
    ]
    return "\n".join([text for text in lines if text] + diff_lines(diff, style))


def diff_lines(diff: str, style: Style = no_style) -> list[str]:
    """Returns a unified diff of state files, line by line."""
    return [style(_with_indent(text), fg=_DIFF.get(text[:1])) for text in diff.splitlines()]


def _with_indent(text: str) -> str:
    rest = text[1:].lstrip(" ")
    return text[: len(text) - len(rest)] + line(rest)


_DIFF = {"+": "green", "-": "red"}
_COLOURS = {
    ChannelAction.UPGRADE: "green",
    ChannelAction.NOOP: None,
    ChannelAction.BLOCKED: "red",
    ChannelAction.ROLLBACK: "yellow",
}


def _version(version: str | None) -> str:
    return line(version) if version else "none recorded"


def _last_plan(plan: ChannelPlan | None) -> str:
    if plan is None:
        return "none recorded"
    return f"{_what(plan)}: {plan.action}{_why(plan)} ({plan.lookup_source}, {day_and_time(plan.planned_at)})"


def _last_apply(apply: ChannelApply | None) -> str:
    if apply is None:
        return "none recorded"
    tries = count(apply.attempts, "attempt")
    when = day_and_time(apply.planned_at)
    return f"{_what(apply)}: {apply.status}{_why(apply)} ({apply.lookup_source}, {when}, {tries})"


def _what(plan: ChannelPlan) -> str:
    return line(plan.target_version or "nothing") + (" (dry run)" if plan.dry_run else "")


def _why(plan: ChannelPlan) -> str:
    return f", {plan.guard_code}" if plan.action is ChannelAction.BLOCKED else ""


def _request(request: ChannelRequest) -> str:
    result = request.result
    if result is None:
        return f"asked for {line(request.version)}; `rollout perform` carries it out"
    how = "done" if result.ok else "FAILED"
    again = "" if result.ok else "; `rollout channel apply` asks again"
    return f"{line(request.version)}: {how}, {line(result.detail)}{again}"


# --- the job's summary ------------------------------------------------------------------------------------


def summary(answer: str) -> str:
    """Returns markdown for GITHUB_STEP_SUMMARY of what was answered: the first line stands out."""
    first, _, rest = answer.partition("\n")
    # Indented lines are code: nothing in them is markup, and nothing can end them.
    block = "\n".join(f"    {each}" for each in rest.splitlines())
    return f"**{text(first)}**\n\n{block}" if block else f"**{text(first)}**"


# --- pull requests ----------------------------------------------------------------------------------------


def channel_body(template: str, before: Channel, after: Channel) -> str:
    """Returns the body of a pull request that changes the channel;
    `template` is the text of channel-pr.md.j2.
    """
    upgrade = after.apply if before.current_version != after.current_version else None
    values: dict[str, object] = {
        "train": after.train,
        "version": after.current_version if upgrade else "",
        "channel": after.channel.value,
        "before": _row(before),
        "after": _row(after),
        "guard": _guard(upgrade) if upgrade else "",
        "request": after.request.version if after.request and after.request != before.request else "",
    }
    return render(template, values).strip()


def _guard(plan: ChannelPlan) -> Markdown:
    """Returns `v0.1.5 is newer than v0.1.4 (ok, lookup live).`"""
    codes = f"{code(plan.guard_code.value)}, lookup {code(plan.lookup_source.value)}"
    return Markdown(f"{text(plan.guard_reason)} ({codes}).")


def _row(channel: Channel) -> dict[str, str]:
    hints = channel.rollback
    return {
        "channel": channel.channel.value,
        "version": _version(channel.current_version),
        "rollback": f"{_version(hints.version)} on {hints.channel}" if hints else "nothing recorded",
    }
