"""Writes the reference pages and the contract's schema from the code: `make docs`.

A test fails when one is out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from rollout.cli import app
from rollout.commands.contract_schema import contract_schema, schema_text
from rollout.core.files import SCHEMA
from rollout.core.values import JsonValue

ROOT = Path(__file__).resolve().parent.parent
Schema = Mapping[str, JsonValue]
"""A part of a JSON Schema."""

SHARED = ("train", "repo", "as_json", "now", "state_branch", "forge")
"""Options that nearly every command has, told once."""
PATTERNS = {
    "^([0-9]+[smhd])+$": "duration, such as `1h30m`",
    "^[a-z0-9][a-z0-9._-]{0,62}$": "name of small letters, digits, `.`, `_`, `-`",
    "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$": "name",
}


COMPLETION = (
    "",
    "## Completion",
    "",
    "The shell completes commands and options once its start-up file has this line:",
    "",
    "| shell | file | line |",
    "| --- | --- | --- |",
    *(
        f"| {shell} | `{file}` | `{line}` |"
        for shell, file, line in (
            ("bash 4.4 or newer", "~/.bashrc", 'eval "$(_ROLLOUT_COMPLETE=bash_source rollout)"'),
            ("zsh", "~/.zshrc", 'eval "$(_ROLLOUT_COMPLETE=zsh_source rollout)"'),
            (
                "fish",
                "~/.config/fish/completions/rollout.fish",
                "_ROLLOUT_COMPLETE=fish_source rollout \\| source",
            ),
        )
    ),
)


def command_reference() -> str:
    """Returns Markdown: each command with its arguments and options, as `--help` knows them."""
    context = click.Context(app, info_name="rollout")
    commands = list(_commands(context, app))
    shared = {option.name: option for _, command in commands for option in _options(command)}
    lines = [
        "# Commands",
        "",
        "Written by `make docs` from the command line itself. `rollout COMMAND --help` says the same.",
        "",
        "Options that nearly every command has:",
        "",
        *_option_table([shared[name] for name in SHARED if name in shared]),
    ]
    for path, command in commands:
        usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
        lines += ["", f"## {path}", "", _sentences(command.help), "", f"`{path} {usage}`"]
        if own := [option for option in _options(command) if option.name not in SHARED]:
            lines += ["", *_option_table(own)]
    return "\n".join([*lines, *COMPLETION]) + "\n"


def _commands(context: click.Context, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Yields each command below the group with the words that call it; a group that acts alone is one too."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield below.command_path, command
            yield from _commands(below, command)
        else:
            yield below.command_path, command


def _options(command: click.Command) -> list[click.Option]:
    context = click.Context(command)
    return [
        option
        for option in command.get_params(context)
        if isinstance(option, click.Option) and not option.hidden and "--help" not in option.opts
    ]


def _option_table(options: list[click.Option]) -> list[str]:
    return ["| option | what it does |", "| --- | --- |", *(_option_row(each) for each in options)]


def _option_row(option: click.Option) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('any')))}"
    required = " Required." if option.required else ""
    return f"| {_code(names + value)} | {_cell(option.help or '')}{required} |"


def _sentences(text: str | None) -> str:
    return "\n\n".join(" ".join(part.replace("\b", "").split()) for part in (text or "").split("\n\n"))


def contract_reference() -> str:
    """Returns Markdown: each section of a contract with its keys, from the JSON Schema."""
    schema = contract_schema()
    lines = [
        "# Contract reference",
        "",
        "Written by `make docs` from the contract's models. `rollout contract schema` prints the same for",
        "editors; [the contract](../contract.md) explains what is not obvious.",
        "",
        "## contract.yaml",
        "",
        *_key_table(schema),
    ]
    for name in _in_order_of_use(schema):
        part = schema["$defs"][name]
        lines += ["", f"## {name}"]
        if description := _text(part, "description"):
            lines += ["", description]
        if "properties" in part:
            lines += ["", *_key_table(part)]
        elif "enum" in part:
            lines += ["", "One of " + ", ".join(_code(str(each)) for each in part["enum"]) + "."]
    return "\n".join(lines) + "\n"


def _in_order_of_use(schema: Schema) -> list[str]:
    found: list[str] = []
    waiting = list(_references(schema["properties"]))
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found.append(name)
            waiting = [*_references(schema["$defs"][name]), *waiting]
    return found


def _references(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _key_table(part: Schema) -> list[str]:
    required = part.get("required", ())
    return [
        "| key | value | default | |",
        "| --- | --- | --- | --- |",
        *(_key_row(key, value, key in required) for key, value in part["properties"].items()),
    ]


def _key_row(key: str, part: Schema, required: bool) -> str:
    default = part.get("default")
    shown = "required" if required else "" if default is None or default == [] else _code(_literal(default))
    return f"| `{key}` | {_value(part)} | {shown} | {_cell(_text(part, 'description'))} |"


def _value(part: Schema) -> str:
    """Returns what a key takes, in a few words, with links to the sections that it leads to."""
    if reference := _text(part, "$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in part:
        return _code(_literal(part["const"]))
    if "enum" in part:
        return " or ".join(_code(_literal(each)) for each in part["enum"])
    if choices := part.get("anyOf", part.get("oneOf")):
        return " or ".join(dict.fromkeys(_value(each) for each in choices if each.get("type") != "null"))
    match _text(part, "type"):
        case "array":
            return f"list of {_value(part['items'])}"
        case "object" if "patternProperties" in part:
            return f"map of {_value(next(iter(part['patternProperties'].values())))}"
        case "string":
            return PATTERNS.get(_text(part, "pattern"), "text")
        case "integer" | "number" as number:
            return number + _bounds(part)
        case "boolean":
            return "`true` or `false`"
        case other:
            return other or "any value"


def _bounds(part: Schema) -> str:
    least, most = part.get("minimum", part.get("exclusiveMinimum")), part.get("maximum")
    if least is None and most is None:
        return ""
    return f" from {least}" + ("" if most is None else f" to {most}")


def _literal(value: JsonValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(part: Schema, key: str) -> str:
    return str(part.get(key, ""))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return "`" + _cell(text) + "`"


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/commands.md": command_reference,
    "docs/reference/contract.md": contract_reference,
    SCHEMA: schema_text,
}
"""Path from the top of the repository -> its text."""


def main() -> None:
    for name, page in PAGES.items():
        (ROOT / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
