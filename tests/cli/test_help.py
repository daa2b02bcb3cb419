"""Help pages, and the short ways to type a command."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from rollout.cli import SECTIONS, app, main
from rollout.cli.help import CommonOption


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")


ALL = dict(_commands(app, "rollout"))


def page(path: str) -> str:
    return ALL[path].get_help(click.Context(ALL[path], info_name=path, max_content_width=80))


@pytest.mark.parametrize("path", ALL)
def test_no_page_cuts_a_sentence(path: str) -> None:
    text = " ".join(page(path).split())
    for whole in ("[FILE]...", "[ARGS]...", "skipped, ...)"):
        text = text.replace(whole, "")
    assert "..." not in text


@pytest.mark.parametrize("path", ALL)
def test_common_options_come_last_in_a_section_of_their_own(path: str) -> None:
    common = [each for each in ALL[path].params if isinstance(each, CommonOption)]
    own, found, rest = page(path).partition("Common options:\n")
    assert bool(found) or not common
    starts = [line.split()[0].rstrip(",") for line in own.splitlines() if line.startswith("  -")]
    for option in common:
        assert not set(option.opts) & set(starts)
        assert option.opts[0] in rest


def test_verbs_that_workflows_run_have_a_section() -> None:
    assert {"collect", "perform", "reconcile", "plan", "check"} <= set(SECTIONS["What workflows run"])


@pytest.mark.parametrize(
    ("long", "short"), [("--train", "-t"), ("--repo", "-C"), ("--reason", "-m"), ("--output", "-o")]
)
def test_an_option_has_the_same_short_form_everywhere(long: str, short: str) -> None:
    files = ("--output",) if long == "--output" else ()
    takers = [
        option
        for path, command in ALL.items()
        for option in command.params
        if long in option.opts and not (files and path == "rollout demo")
    ]
    assert takers
    assert [option.opts for option in takers if short not in option.opts] == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("rollout st", {"start", "status"}),
        ("rollout local me", {"merge"}),
        ("rollout start --rea", {"--reason"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    typed: str, words: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the lines of docs/reference/commands.md make it ask."""
    monkeypatch.setenv("_ROLLOUT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    assert main([]) == 0
    assert {line.removeprefix("plain,") for line in capsys.readouterr().out.splitlines()} == words
