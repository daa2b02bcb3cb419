"""`rollout channel cache`: the releases that were looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rollout.cli.channel.answers import answer
from rollout.cli.help import Group
from rollout.cli.options import Call, command_options, looking_options

if TYPE_CHECKING:
    from rollout.commands.channel.cache import CacheView
    from rollout.commands.channel.record import ChannelResult


@click.group("cache", cls=Group, no_args_is_help=False)
def cache() -> None:
    """The product's releases as they were last looked up."""


@cache.command("show")
@looking_options
def cache_show(call: Call) -> None:
    """What is cached, how old it is, and what each channel would take."""
    from rollout.commands.channel.cache import show

    _answer_cache(call, show(call.workspace.channel_desk(), call.train), None)


@cache.command("refresh")
@command_options
def cache_refresh(call: Call) -> None:
    """Ask for the releases now, and keep them."""
    from rollout.commands.channel.cache import refresh

    view, result = refresh(call.workspace.channel_desk(), call.train)
    _answer_cache(call, view, result)


@cache.command("prune")
@command_options
def cache_prune(call: Call) -> None:
    """Take the cache away when it is stale or cannot be used."""
    from rollout.commands.channel.cache import prune

    _answer_cleaned(call, prune(call.workspace.channel_desk(), call.train), "nothing to prune")


@cache.command("clear")
@command_options
def cache_clear(call: Call) -> None:
    """Take the cache away."""
    from rollout.commands.channel.cache import clear

    _answer_cleaned(call, clear(call.workspace.channel_desk(), call.train), "there is no cache")


def _answer_cache(call: Call, view: CacheView, result: ChannelResult | None) -> None:
    from rollout.rendering.release_cache import cache_document, cache_view

    kept = view.kept
    commit = {"commit": result.commit} if result else {}
    answer(
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


def _answer_cleaned(call: Call, result: ChannelResult, nothing: str) -> None:
    commit, why = result.commit, "; ".join(result.notes)
    answer(
        call,
        lambda: {
            "train": call.train,
            "removed": commit is not None,
            "reason": why or None,
            "commit": commit,
        },
        lambda _: f"cache deleted: {why} ({commit[:10]})" if commit else nothing,
    )
