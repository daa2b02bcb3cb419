"""Help pages with shared options in a section of their own and whole sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import click

from rollout.errors import InputError

_MOST_SUGGESTED = 3


class CommonOption(click.Option):
    """An option that every command has; help lists these last."""


class Command(click.Command):
    """A command whose help shows its own options before the common ones, and that takes no option twice."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given = list(args)
        rest = super().parse_args(ctx, args)
        _refuse_repeated(self.make_parser(ctx).parse_args(given)[2])
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)


class Group(click.Group):
    """A group whose help cuts no sentence, and that suggests the nearest command for a mistyped one."""

    command_class = Command
    group_class = type

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.list_commands(ctx) and not name.startswith("-"):
            hint = f"{_suggestion(name, self, ctx)}: {ctx.command_path} --help"
            raise InputError(f"No such command '{name}'.", hint=hint)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(found)) for name, found in commands.items() if found])


def _suggestion(name: str, group: click.Group, ctx: click.Context) -> str:
    """Returns the command that was meant: that very verb in another group, else one spelt like it."""
    from rollout.core.nearest import near

    root = ctx.find_root()
    assert isinstance(root.command, click.Group)
    elsewhere = list(_paths(root.command, root, root.command_path))
    meant = [path for path in elsewhere if path.rpartition(" ")[2] == name]
    if not meant and (nearest := near(name, group.list_commands(ctx))):
        meant = [nearest]
    if not meant and (nearest := near(name, [path.rpartition(" ")[2] for path in elsewhere])):
        meant = [path for path in elsewhere if path.rpartition(" ")[2] == nearest]
    nearest_first = sorted(meant, key=lambda path: path.count(" "))[:_MOST_SUGGESTED]
    return f"did you mean {' or '.join(nearest_first)}? All commands" if meant else "see"


def _paths(group: click.Group, ctx: click.Context, path: str) -> Iterator[str]:
    """Yields each command below the group with the words that call it, such as `rollout local merge`."""
    for name in group.list_commands(ctx):
        yield f"{path} {name}"
        command = group.get_command(ctx, name)
        if isinstance(command, click.Group):
            yield from _paths(command, ctx, f"{path} {name}")


def _refuse_repeated(order: Iterable[click.Parameter]) -> None:
    """Raises InputError for an option that is given twice: nobody could tell which value counts."""
    once = (each for each in order if isinstance(each, click.Option) and not (each.multiple or each.is_flag))
    for option, times in Counter(once).items():
        if times > 1:
            raise InputError(f"{' / '.join(option.opts)} is given {times} times", hint="give it once")


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    own: list[tuple[str, str]] = []
    common: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None and not isinstance(parameter, click.Argument):
            is_common = isinstance(parameter, CommonOption) or "--help" in parameter.opts
            (common if is_common else own).append(record)
    for title, rows in (("Options", own), ("Common options", common)):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _sentence(command: click.Command) -> str:
    """Returns the first sentence of its help, whole."""
    return command.get_short_help_str(limit=1000)
