"""The commands of a contract, and the placeholders that are filled in there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rollout.core.contract import Contract
from rollout.core.nearest import near
from rollout.core.placeholders import alike, named

_OF_APPLY = ("percent", "phase", "version")
_OF_TARGET = ("version", "channel")
_OF_LANE = ("surface", "lane")
_OF_VERSION = ("version", "previous", "channel")
"""What is filled in there."""


@dataclass(frozen=True)
class CommandUse:
    """One command."""

    section: str
    """The section that holds it, such as `rollback.apply`."""
    words: tuple[str, ...]
    timeout: int
    filled: tuple[str, ...] = ()
    """The placeholders that have a value there."""
    needed: tuple[str, ...] = ()
    """Without any of these it cannot know what to do."""

    @property
    def field(self) -> str:
        return f"{self.section}.command"

    def unknown(self) -> Iterator[tuple[str, str]]:
        """Yields each placeholder that stays text, with the field of its word."""
        for index, word in enumerate(self.words):
            # `${name}` is a shell's.
            for name in alike(word.replace("${", "$")):
                if name not in self.filled:
                    yield f"{self.field}.{index}", name


def commands_of(contract: Contract) -> Iterator[CommandUse]:
    """Yields every command, in the contract's order."""
    if contract.prepare is not None:
        yield CommandUse("prepare", contract.prepare.command, contract.prepare.timeout)
    for name, surface in contract.surfaces.items():
        if surface.command is not None:
            yield CommandUse(f"surfaces.{name}", surface.command, surface.timeout)
    if contract.harness is not None and contract.harness.command is not None:
        yield CommandUse("harness", contract.harness.command, contract.harness.timeout)
    apply = contract.apply
    if apply is not None and apply.command is not None:
        yield CommandUse("apply", apply.command, apply.timeout, _OF_APPLY, needed=("percent", "phase"))
    target, lane, version = contract.rollback.apply, contract.rollback.lane, contract.channel.apply
    if target is not None:
        yield CommandUse("rollback.apply", target.command, target.timeout, _OF_TARGET, needed=("version",))
    if lane is not None:
        yield CommandUse("rollback.lane", lane.command, lane.timeout, _OF_LANE, needed=("lane",))
    if version is not None:
        yield CommandUse("channel.apply", version.command, version.timeout, _OF_VERSION, needed=("version",))


def command_problems(contract: Contract) -> Iterator[str]:
    """Yields commands that would run with a placeholder as it is written, or without what they are about."""
    for command in commands_of(contract):
        if not command.filled:
            continue
        for where, name in command.unknown():
            if meant := near(name.casefold(), command.filled):
                yield f"{where}: unknown placeholder {{{name}}}; did you mean {meant}?"
        used = {name for word in command.words for name in named(word)}
        if command.needed and not used & {*command.needed} and not any(_typos(command)):
            names = " nor ".join(f"{{{name}}}" for name in command.needed)
            has = f"has neither {names}" if len(command.needed) > 1 else f"has no {names}"
            yield f'{command.field}: {has}, so it does the same each time; add "{{{command.needed[0]}}}"'


def _typos(command: CommandUse) -> Iterator[str]:
    return (name for _, name in command.unknown() if near(name.casefold(), command.needed))
