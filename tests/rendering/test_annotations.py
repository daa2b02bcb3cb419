"""Workflow commands that we give, and text that must not become one."""

import pytest

from rollout.rendering.annotations import LONGEST, annotation, error_annotation, tamed


def test_a_command_has_what_is_known_of_the_place() -> None:
    assert annotation("warning", "late") == "::warning::late"
    assert annotation("error", "no", file="a.yaml", line="3", title="tau") == (
        "::error file=a.yaml,line=3,title=tau::no"
    )


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("state/tau/contract.yaml: phases: missing", "::error file=state/tau/contract.yaml::{0}"),
        ("state/tau/contract.yaml:7: not YAML", "::error file=state/tau/contract.yaml,line=7::{0}"),
        ("state/tau/incidents/x-v1.yaml:12: no", "::error file=state/tau/incidents/x-v1.yaml,line=12::{0}"),
        ("tau: merging this would be undone", "::error file=given.yaml::{0}"),
        ("see state/tau/contract.yaml: no", "::error file=given.yaml::{0}"),
        ("/etc/passwd: no", "::error file=given.yaml::{0}"),
    ],
)
def test_an_error_is_shown_at_the_file_and_line_that_it_names(text: str, command: str) -> None:
    assert error_annotation(text, "given.yaml") == command.format(text)


def test_nothing_in_a_text_ends_the_command_or_begins_another() -> None:
    hostile = "100%\n::error file=x::y\r\x1b[31m"
    assert annotation("error", hostile, title=hostile, file="a,b:c%\n") == (
        "::error file=a%2Cb%3Ac%25%0A,title=100%25%0A%3A%3Aerror file=x%3A%3Ay%0D\x1b[31m"
        "::100%25 ::error file=x::y"
    )
    assert len(annotation("notice", "x" * 9000)) < LONGEST + 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::no", ": :error::no"),
        ("fine\n   ::stop-commands::x\n", "fine\n   : :stop-commands::x\n"),
        ("seen ##[error]no", "seen ## [error]no"),
        ('{"a": "b::c"}', '{"a": "b::c"}'),
        ("a ::b", "a ::b"),
    ],
)
def test_what_is_printed_is_no_command_wherever_a_line_begins(text: str, shown: str) -> None:
    assert tamed(text) == shown
