"""Commands of the release channel: look, switch, plan, apply, and its cache."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollout.cli.common import Call, command_options, looking_options
from rollout.cli.output import progress, style

if TYPE_CHECKING:
    from rollout.commands.channel.caching import CacheView, Cleaned
    from rollout.commands.channel.desk import Recorded
    from rollout.commands.channel.lookup import Looked
    from rollout.core.state import ChannelPlan
    from rollout.rendering.gates import Style

_TARGET = click.option(
    "--target", metavar="V", help="This version; else the last plan's, or the newest of the channel."
)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")


@click.group(no_args_is_help=False)
def channel() -> None:
    """The release channel, its version and its rollback hints."""


@channel.command("show")
@looking_options
def show(call: Call) -> None:
    """Channel, current version, rollback hints, last plan and apply."""
    from rollout.core.state import Channel
    from rollout.rendering.channel import channel_document, channel_view

    state = call.workspace.load(call.named_train)
    stored = state.channel is not None
    shown = state.channel or Channel(train=state.train)
    _answer(
        call, lambda: channel_document(shown, stored=stored), lambda _: channel_view(shown, stored=stored)
    )


@channel.command("set")
@click.argument("to", type=click.Choice(["stable", "beta", "dev"]), metavar="stable|beta|dev")
@_DRY_RUN
@command_options
def set_(call: Call, to: str, dry_run: bool) -> None:
    """Switch the channel; refused during a rollout."""
    from rollout.commands.channel.switching import set_channel
    from rollout.core.state import ChannelName

    recorded = set_channel(call.workspace.channel_desk(), call.train, ChannelName(to), dry_run=dry_run)
    _done(call, recorded, f"channel is {to}", f"channel is {to} already", dry_run=dry_run)


@channel.command("check")
@command_options
def check(call: Call) -> None:
    """Is there something newer on the channel? Touches nothing."""
    from rollout.commands.channel.planning import check as look
    from rollout.rendering.channel import check_document, check_view

    plan, looked = look(call.workspace.channel_desk(), call.train)
    _note(looked)
    _answer(
        call,
        lambda: check_document(call.train, plan, looked.fetched_at),
        lambda paint: check_view(plan, where=_where(call, plan, looked), style=paint),
    )


@channel.command("plan")
@_TARGET
@_DRY_RUN
@command_options
def plan(call: Call, target: str | None, dry_run: bool) -> None:
    """Record what there is to do about a version. A version that a guard blocks is an answer too."""
    from rollout.commands.channel.planning import make_plan
    from rollout.rendering.channel import outcome_document, plan_document, plan_view

    planned = make_plan(call.workspace.channel_desk(), call.train, target, dry_run=dry_run)
    made, recorded = planned.plan, planned.recorded
    _note(planned.looked)
    _answer(
        call,
        lambda: {"train": call.train, **plan_document(made), **outcome_document(*_outcome(recorded))},
        lambda paint: plan_view(
            made,
            where=_where(call, made, planned.looked),
            done=_said(recorded),
            diff=recorded.diff,
            style=paint,
        ),
    )


@channel.command("apply")
@_TARGET
@_DRY_RUN
@command_options
def apply(call: Call, target: str | None, dry_run: bool) -> None:
    """Make a version the current one; exit 3 when a guard blocks it."""
    from rollout.commands.channel.applying import make_apply
    from rollout.errors import RefusedError
    from rollout.rendering.channel import apply_document, apply_view, guard_advice, outcome_document

    space = call.workspace
    asked_at = None if target else space.asked_at()
    done = make_apply(
        space.channel_desk(),
        call.train,
        target,
        dry_run=dry_run,
        asked_at=asked_at,
        is_rerun=space.is_rerun,
    )
    made, recorded = done.apply, done.recorded
    _note(done.looked)
    _answer(
        call,
        lambda: {"train": call.train, **apply_document(made), **outcome_document(*_outcome(recorded))},
        lambda paint: apply_view(
            made,
            where=_where(call, made, done.looked),
            done=_said(recorded),
            diff=recorded.diff,
            style=paint,
        ),
    )
    if done.blocked:
        error = RefusedError(
            f"{call.train}: {made.guard_code}: {made.guard_reason}", hint=guard_advice(made.guard_code)
        )
        error.documented = True
        raise error


@channel.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR")
@_DRY_RUN
@command_options
def import_(call: Call, folder: Path, dry_run: bool) -> None:
    """Take over the release metadata that the product keeps in DIR, such as .tau."""
    from rollout.adapters.product_metadata import read_documents
    from rollout.commands.channel.importing import import_channel
    from rollout.core.channel.product_metadata import FILES

    documents = read_documents(folder, FILES)
    imported = import_channel(call.workspace.channel_desk(), call.train, documents, dry_run=dry_run)
    for note in imported.notes:
        progress(f"note: {note}")
    said = f"{imported.channel.channel} at {imported.channel.current_version or 'no version'}"
    _done(call, imported.recorded, f"took over {said}", "nothing to take over", dry_run=dry_run)


# --- the cache --------------------------------------------------------------------------------------------


@channel.group("cache", no_args_is_help=False)
def cache() -> None:
    """The product's releases as they were last looked up."""


@cache.command("show")
@looking_options
def cache_show(call: Call) -> None:
    """What is cached, how old it is, and what each channel would take."""
    from rollout.commands.channel.caching import show as look

    _answer_cache(call, look(call.workspace.channel_desk(), call.train), None)


@cache.command("refresh")
@command_options
def cache_refresh(call: Call) -> None:
    """Ask for the releases now, and keep them."""
    from rollout.commands.channel.caching import refresh

    view, recorded = refresh(call.workspace.channel_desk(), call.train)
    _answer_cache(call, view, recorded)


@cache.command("prune")
@command_options
def cache_prune(call: Call) -> None:
    """Take the cache away when it is stale or cannot be used."""
    from rollout.commands.channel.caching import prune

    _answer_cleaned(call, prune(call.workspace.channel_desk(), call.train), "nothing to prune")


@cache.command("clear")
@command_options
def cache_clear(call: Call) -> None:
    """Take the cache away."""
    from rollout.commands.channel.caching import clear

    _answer_cleaned(call, clear(call.workspace.channel_desk(), call.train), "there is no cache")


def _answer_cache(call: Call, view: CacheView, recorded: Recorded | None) -> None:
    from rollout.rendering.release_cache import cache_document, cache_view

    kept = view.kept
    commit = {"commit": recorded.commit} if recorded else {}
    _answer(
        call,
        lambda: {
            **cache_document(
                view.train, kept.cache, view.age, view.latest, problem=kept.problem, ttl=view.ttl
            ),
            **commit,
        },
        lambda paint: cache_view(
            kept.cache, view.age, view.latest, problem=kept.problem, ttl=view.ttl, style=paint
        ),
    )


def _answer_cleaned(call: Call, cleaned: Cleaned, nothing: str) -> None:
    commit = cleaned.recorded.commit
    _answer(
        call,
        lambda: {
            "train": call.train,
            "removed": commit is not None,
            "reason": cleaned.why or None,
            "commit": commit,
        },
        lambda _: f"took the cache away: {cleaned.why} ({commit[:10]})" if commit else nothing,
    )


# --- answers ----------------------------------------------------------------------------------------------


def _answer(call: Call, document: Callable[[], object], text: Callable[[Style], str]) -> None:
    """Print it, and under Actions tell the job's summary too."""
    call.answer(document, lambda: text(style))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        from rollout.adapters.actions import write_summary
        from rollout.rendering.channel import summary
        from rollout.rendering.gates import no_style

        write_summary(summary(text(no_style)), os.environ)


def _done(call: Call, recorded: Recorded, done: str, nothing: str, *, dry_run: bool) -> None:
    from rollout.rendering.channel import diff_lines, outcome_document

    def text(paint: Style) -> str:
        if dry_run:
            return "\n".join(["dry run", *diff_lines(recorded.diff, paint)]) if recorded.diff else nothing
        said = _said(recorded)
        return f"{done if recorded.commit else 'proposed'}: {said}" if said else nothing

    _answer(
        call,
        lambda: {"train": call.train, "dry_run": dry_run, **outcome_document(*_outcome(recorded))},
        text,
    )


def _outcome(recorded: Recorded) -> tuple[str | None, int | None, str]:
    return recorded.commit, recorded.pull_request, recorded.diff


def _said(recorded: Recorded) -> str:
    if recorded.pull_request is not None:
        return f"pull request #{recorded.pull_request}: it takes effect when it is merged"
    return f"recorded as {recorded.commit[:10]}" if recorded.commit else ""


def _note(looked: Looked | None) -> None:
    if looked is not None and looked.note:
        progress(f"note: {looked.note}")


def _where(call: Call, made: ChannelPlan, looked: Looked | None) -> str:
    from rollout.rendering.channel import found_words

    if looked is None:
        return found_words(made.lookup_source, None, call.now)
    return found_words(made.lookup_source, looked.fetched_at, call.now)
