"""The pin of the action: what is taken for one, and how addresses name a repository on GitHub."""

import pytest

from rollout.core.workflow_pin import (
    ActionPin,
    RepositoryPlace,
    name_on_github,
    parse_pin,
    place_on_github,
    unknown_pin,
)
from rollout.errors import InputError

SHA = "0123456789abcdef0123456789abcdef01234567"


def test_a_pin_is_a_repository_at_a_whole_commit() -> None:
    pin = parse_pin(f"acme/roll.out-1@{SHA}")
    assert pin == ActionPin("acme/roll.out-1", SHA)
    assert (str(pin), pin.uses("1.2.0")) == (
        f"acme/roll.out-1@{SHA}",
        f"acme/roll.out-1/.github/actions/rollout@{SHA} # v1.2.0",
    )


@pytest.mark.parametrize(
    "text",
    [
        "acme/rollout",
        "acme/rollout@main",
        "acme/rollout@v1",
        f"acme/rollout@{SHA[:12]}",
        f"acme/rollout@{SHA} ",
        f"acme/rollout\n@{SHA}",
        f"acme/rollout/deeper@{SHA}",
        f"rollout@{SHA}",
        f"acme/roll out@{SHA}",
    ],
)
def test_everything_else_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(InputError, match="not a repository at a commit") as refused:
        parse_pin(text)
    assert "git ls-remote" in refused.value.hint
    assert "git ls-remote" in unknown_pin().hint


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/rollout", "acme/rollout"),
        ("https://github.com/acme/rollout.git", "acme/rollout"),
        ("https://github.com/acme/rollout/\n", "acme/rollout"),
        ("https://ada:secret@github.com/acme/rollout.git", "acme/rollout"),
        ("git@github.com:acme/roll.out.git", "acme/roll.out"),
        ("ssh://git@github.com/acme/rollout.git", "acme/rollout"),
        ("https://notgithub.com/acme/rollout", None),
        ("https://github.com.evil.example/acme/rollout", None),
        ("https://git.example/github.com/acme/rollout", None),
        ("https://github.com/acme/rollout/tree", None),
        ("https://github.com/acme", None),
        ("/srv/git/rollout", None),
        ("file:///srv/git/rollout", None),
        ("ssh://git@ssh.github.com:443/acme/rollout.git", "acme/rollout"),
        ("https://www.github.com/acme/rollout", "acme/rollout"),
        ("https://acme.ghe.com/acme/rollout", None),
        ("", None),
    ],
)
def test_addresses_on_github(url: str, name: str | None) -> None:
    assert name_on_github(url) == name


@pytest.mark.parametrize(
    ("url", "server", "host", "is_server"),
    [
        ("https://github.com/acme/tau.git", "", "github.com", False),
        ("https://GitHub.com/acme/tau.git", "git.acme.example", "github.com", False),
        ("git@acme.ghe.com:acme/tau.git", "", "acme.ghe.com", False),
        ("git@git.acme.example:acme/tau.git", "git.acme.example", "git.acme.example", True),
        ("https://git.acme.example:8443/acme/tau", "Git.Acme.example", "git.acme.example", True),
        ("ssh://git@git.acme.example:122/acme/tau.git", "git.acme.example", "git.acme.example", True),
    ],
)
def test_a_place_is_a_host_and_a_name(url: str, server: str, host: str, is_server: bool) -> None:
    place = place_on_github(url, server)
    assert place == RepositoryPlace(host, "acme/tau")
    assert place.is_enterprise_server is is_server


@pytest.mark.parametrize(
    "url", ["https://git.acme.example/acme/tau", "https://ghe.com.evil.example/acme/tau"]
)
def test_a_host_that_nobody_names_is_no_github(url: str) -> None:
    assert place_on_github(url) is None
    assert place_on_github(url, "other.example") is None
