"""What stands in the environment in the place of a token or an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rollout.adapters.github import address
from rollout.cli import main
from rollout.errors import InputError

HOME = {"GITHUB_REPOSITORY": "acme/shop"}
SECRET = "ghp_SECRET123"
READERS: dict[str, Callable[[Mapping[str, str]], str]] = {
    "ROLLOUT_TOKEN": address.token,
    "GITHUB_TOKEN": address.token,
    "ROLLOUT_PRODUCT_TOKEN": address.product_token,
    "ROLLOUT_STATE_TOKEN": address.state_token,
    "ROLLOUT_RUN_TOKEN": address.run_token,
}


@pytest.mark.parametrize("name", READERS)
def test_blanks_around_a_token_do_not_count(name: str) -> None:
    assert READERS[name]({name: f" {SECRET}\r\n"}) == SECRET


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", [f"{SECRET}\nx", f"a {SECRET}", f"{SECRET}\N{EURO SIGN}", f"{SECRET}\x00"])
def test_what_is_no_token_is_refused_and_not_shown(name: str, text: str) -> None:
    with pytest.raises(InputError) as refused:
        READERS[name]({name: text})
    assert refused.value.message.startswith(f"{name} holds no token")
    assert SECRET not in f"{refused.value.message} {refused.value.hint}"


def test_a_token_over_two_lines_ends_the_command_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, value in {"GITHUB_ACTIONS": "true", **HOME, "GITHUB_TOKEN": f"{SECRET}\nx"}.items():
        monkeypatch.setenv(key, value)
    assert main(["freeze", "--reason", "stop"]) == 2
    said = capsys.readouterr()
    assert "error: GITHUB_TOKEN holds no token" in said.err
    assert SECRET not in said.out + said.err


def test_blanks_alone_are_no_token(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, value in {"GITHUB_ACTIONS": "true", **HOME, "GITHUB_TOKEN": "  "}.items():
        monkeypatch.setenv(key, value)
    assert main(["freeze", "--reason", "stop"]) == 2
    assert "there is no token for GitHub" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL"])
@pytest.mark.parametrize(
    "text",
    ["ghe.example.com/api/v3", "https://", "not a url", "http://[::1", "https://git.example.com:99999"],
)
def test_what_is_no_address_is_refused(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, value in {"GITHUB_ACTIONS": "true", **HOME, "GITHUB_TOKEN": "x", name: text}.items():
        monkeypatch.setenv(key, value)
    for command in (["freeze", "--reason", "stop"], ["status"], ["doctor"]):
        assert main(command) == 2
        shown = text.rstrip("/")
        assert f"error: {name} is {shown}, which is no address" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["https://git.example.com/", " https://git.example.com "])
def test_an_address_is_taken_without_what_surrounds_it(text: str) -> None:
    assert address.address({**HOME, "GITHUB_SERVER_URL": text}).server_url == "https://git.example.com"
