"""Where GitHub is, which repository is meant, and with what token, as Actions sets the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from rollout.core.text import inert
from rollout.errors import InputError

API_URL = "GITHUB_API_URL"
SERVER_URL = "GITHUB_SERVER_URL"
_PUBLIC_API = "https://api.github.com"
_PUBLIC_SERVER = "https://github.com"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_VISIBLE = re.compile(r"[!-~]*")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Address:
    repository: str
    """`owner/name` of the repository that carries state."""
    api_url: str = _PUBLIC_API
    graphql_url: str = f"{_PUBLIC_API}/graphql"
    server_url: str = _PUBLIC_SERVER
    """Where git clones from."""
    named_by: str = ""
    """What `api_url` comes from: a variable, or the clone's remote; empty for the public GitHub."""


def address(environment: Mapping[str, str], *, server_from: str = SERVER_URL) -> Address:
    """Reads GITHUB_REPOSITORY, GITHUB_API_URL, GITHUB_GRAPHQL_URL and GITHUB_SERVER_URL. Raises InputError.

    `server_from` is what has named the last of them.
    """
    repository = environment.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise InputError(
            f"GITHUB_REPOSITORY is {repository or 'not set'}",
            hint="set it to OWNER/NAME, as GitHub Actions does",
        )
    api_url = _url(environment, "GITHUB_API_URL") or _api_of(environment)
    graphql_url = _url(environment, "GITHUB_GRAPHQL_URL") or api_url.removesuffix("/v3") + "/graphql"
    if _host(api_url) != _host(graphql_url):
        # The token goes to both, so both have to be the same party.
        raise InputError(
            f"GITHUB_API_URL and GITHUB_GRAPHQL_URL name different hosts: {api_url}, {graphql_url}",
            hint="leave both to GitHub Actions, or set both to the same server",
        )
    named_by = API_URL if environment.get(API_URL) else server_from
    if api_url == _PUBLIC_API:
        named_by = ""
    return Address(repository, api_url, graphql_url, _server(environment, api_url), named_by)


def _server(environment: Mapping[str, str], api_url: str) -> str:
    named = _url(environment, "GITHUB_SERVER_URL")
    scheme, host = _host(api_url)
    usual = f"{scheme}://{host.removeprefix('api.')}"
    if named and _host(named) != _host(usual):
        # The token goes there too.
        raise InputError(
            f"GITHUB_API_URL and GITHUB_SERVER_URL name different hosts: {api_url}, {named}",
            hint="leave both to GitHub Actions, or set both to the same server",
        )
    return named or usual


def _api_of(environment: Mapping[str, str]) -> str:
    """Returns the API of the server that is named, or of the public GitHub.

    An Enterprise Server has its API below its pages, Enterprise Cloud at a host of its own
    (GitHub's documentation, "Getting started with the REST API").
    """
    scheme, host = _host(_url(environment, "GITHUB_SERVER_URL"))
    if not host:
        return _PUBLIC_API
    is_cloud = host == urlsplit(_PUBLIC_SERVER).netloc or host.endswith(".ghe.com")
    return f"{scheme}://api.{host}" if is_cloud else f"{scheme}://{host}/api/v3"


def server_host(environment: Mapping[str, str]) -> str:
    """Returns the host of the GitHub that GITHUB_SERVER_URL, or GH_HOST as `gh` knows it, names; else empty.

    Raises InputError for an address that is none.
    """
    return urlsplit(_url(environment, "GITHUB_SERVER_URL")).hostname or environment.get("GH_HOST", "")


def token(environment: Mapping[str, str]) -> str:
    """Returns ROLLOUT_TOKEN (an App's), else GITHUB_TOKEN. Raises InputError without a usable one."""
    found = _secret(environment, "ROLLOUT_TOKEN") or _secret(environment, "GITHUB_TOKEN")
    if not found:
        raise InputError(
            "there is no token for GitHub",
            hint="set ROLLOUT_TOKEN to the token of a GitHub App, or GITHUB_TOKEN to that of the run",
        )
    return found


def person_token(environment: Mapping[str, str], found: Address) -> str:
    """Returns what `token` finds, else GH_TOKEN, else what `gh` keeps for that host;
    empty when there is none.
    """
    from rollout.adapters.github.gh import gh_token

    names = ("ROLLOUT_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
    given = next(filter(None, (_secret(environment, name) for name in names)), "")
    return given or gh_token(_hostname(found), environment)


def no_token(found: Address) -> InputError:
    """Returns what to tell a person who has none."""
    host = _hostname(found)
    login = "gh auth login" + ("" if found.server_url == _PUBLIC_SERVER else f" --hostname {host}")
    return InputError(
        f"there is no token for the train on GitHub, {host}/{found.repository}",
        hint=f"{login}, or set GITHUB_TOKEN, or play on this clone alone with --forge local",
    )


def _hostname(found: Address) -> str:
    return urlsplit(found.server_url).hostname or ""


def product_token(environment: Mapping[str, str]) -> str:
    """Returns ROLLOUT_PRODUCT_TOKEN, of a product in another repository; empty if one token is for both."""
    return _secret(environment, "ROLLOUT_PRODUCT_TOKEN")


def state_token(environment: Mapping[str, str]) -> str:
    """Returns ROLLOUT_STATE_TOKEN, of an App that may commit and little else;
    empty where one token is for all.
    """
    return _secret(environment, "ROLLOUT_STATE_TOKEN")


def run_token(environment: Mapping[str, str]) -> str:
    """Returns ROLLOUT_RUN_TOKEN, of the run itself, which may dispatch; empty where one token is for all."""
    return _secret(environment, "ROLLOUT_RUN_TOKEN")


def default_branch(environment: Mapping[str, str]) -> str:
    """Returns ROLLOUT_DEFAULT_BRANCH, as the event names it. Raises InputError when it is not set."""
    found = environment.get("ROLLOUT_DEFAULT_BRANCH", "")
    if not found:
        raise InputError(
            "ROLLOUT_DEFAULT_BRANCH is not set", hint="set it to the repository's, as the action does"
        )
    return found


def is_on_loopback(environment: Mapping[str, str]) -> bool:
    """Returns whether GITHUB_API_URL names this machine: a GitHub that stands in for the real one in
    tests.
    """
    return urlsplit(_url(environment, "GITHUB_API_URL")).hostname in _LOOPBACK


def _secret(environment: Mapping[str, str], name: str) -> str:
    """Returns the token of that name, without blanks around it; empty when it is not set.

    Raises InputError, which does not show it, for what no header can carry.
    """
    found = environment.get(name, "").strip()
    if not _VISIBLE.fullmatch(found):
        raise InputError(
            f"{name} holds no token: there are blanks, line breaks or other characters in it",
            hint=f"set {name} again, to the token alone",
        )
    return found


def _url(environment: Mapping[str, str], name: str) -> str:
    """Returns the address of that name, without a slash at its end; empty when it is not set.
    Raises InputError.
    """
    found = environment.get(name, "").strip().rstrip("/")
    try:
        parts = urlsplit(found)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        is_one = False
    if found and not is_one:
        raise InputError(
            f"{name} is {inert(found, 200)}, which is no address", hint="write it like https://github.com"
        )
    return found


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
