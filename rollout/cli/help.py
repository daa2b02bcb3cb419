"""Help pages with shared options in a section of their own and whole sentences."""

from __future__ import annotations

import click

from rollout.errors import InputError


class CommonOption(click.Option):
    """An option that every command has; help lists these last."""


class Command(click.Command):
    """A command whose help shows its own options before the common ones."""

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
            from rollout.core.nearest import near

            nearest = near(name, self.list_commands(ctx))
            suggested = f"did you mean {nearest}? All commands" if nearest else "see"
            hint = f"{suggested}: {ctx.command_path} --help"
            raise InputError(f"No such command '{name}'.", hint=hint)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        with formatter.section("Commands"):
            formatter.write_dl([(name, _sentence(found)) for name, found in commands.items() if found])


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
