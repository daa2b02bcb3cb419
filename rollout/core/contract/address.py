"""What a contract says in HTTP's words: addresses of one literal host, paths, headers, names of secrets.

Imported only for a contract that has metrics. No message repeats what may be a secret.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

IpAddress = IPv4Address | IPv6Address

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LIKE_A_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)\.?")
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data"})
_METADATA = tuple(
    map(
        ip_network,
        ("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "64:ff9b:1::/48"),
    )
)
"""Where clouds hand out credentials to whoever asks from inside, beside the link-local addresses.

The last one is for translation inside a network (RFC 8215), which can lead to any of them.
"""
_NAT64 = ip_network("64:ff9b::/96")


def is_forbidden(address: IpAddress) -> bool:
    """Returns whether no metrics server can be there: link-local, a cloud's metadata, no host's address."""
    inner = _embedded(address)
    if inner is not None and is_forbidden(inner):
        return True
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or any(address.version == net.version and address in net for net in _METADATA)
    )


def is_loopback(address: IpAddress) -> bool:
    """Returns whether the address is this machine's own."""
    inner = _embedded(address)
    return address.is_loopback or (inner is not None and inner.is_loopback)


def _embedded(address: IpAddress) -> IPv4Address | None:
    """Returns the IPv4 address that an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None or address.sixtofour is not None:
        return address.ipv4_mapped or address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def literal_address(host: str) -> IpAddress | None:
    """Returns the address that the host is, None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def names_loopback(host: str) -> bool:
    """Returns whether the host is loopback by its name or its literal address."""
    address = literal_address(host)
    if address is not None:
        return is_loopback(address)
    return host.rstrip(".").lower() == "localhost" or host.rstrip(".").lower().endswith(".localhost")


def checked_address(url: str) -> str:
    """Returns the address, `https://host[:port][/path]`. Raises ValueError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not an address; write https://prometheus.example") from None
    problem = _problem(url, parts, host, port)
    if problem:
        raise ValueError(problem)
    return url


def _problem(url: str, parts: SplitResult, host: str, port: int | None) -> str:
    """Returns why it is no address, without repeating it: it may hold a secret."""
    if "@" in parts.netloc:
        return "holds user information; name a variable with auth: {basic_env: NAME} instead"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with https:// and a host"
    if "?" in url or "#" in url:
        return "must end with the path; a query string or fragment has no place in it"
    if not re.fullmatch(r"[!-~]+", url) or set('\\{}<>"^`|') & set(url) or port == 0:
        return "holds a character that no address has; placeholders are not filled in here"
    address = literal_address(host)
    if "*" in host:
        return "must name one host; a wildcard is none"
    if address is None and (not _HOST.fullmatch(host) or _LIKE_A_NUMBER.fullmatch(host.split(".")[-1])):
        return f"{host[:80]} is no host; write a name or an address in full"
    if host.rstrip(".").lower() in _METADATA_NAMES or (address is not None and is_forbidden(address)):
        return f"{host[:80]} is a link-local or metadata address, where no metrics server is"
    return ""


def why_no_address(url: str, *, insecure: bool, has_secrets: bool) -> str:
    """Returns why nothing may be asked there, as `field: message`; empty where it may.

    Plain http is for loopback, and where the contract allows it for addresses without secrets.
    """
    if insecure and has_secrets:
        return "insecure_http: not beside auth, which everybody on the way would read; use https"
    parts = urlsplit(url)
    if parts.scheme == "https" or insecure or names_loopback(parts.hostname or ""):
        return ""
    return "url: must be https; http is for loopback, or for `insecure_http: true` without auth"


_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
_TAKEN = re.compile(
    r"(?:GITHUB|GH|ACTIONS|RUNNER|INPUT)_.*|ROLLOUT_(?:.*_)?(?:TOKEN|KEY)|PATH|HOME|COMMAND|OPTIONS"
)
"""Variables of the system, of GitHub and of the tool: a contract must not send their tokens to a server."""
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")
_PATH = re.compile(r"/[!-~]*")
_NO_PATH_SIGNS = frozenset("\\#")


def checked_variable(given: object) -> str:
    """Returns the name of an environment variable. Raises ValueError for what may be its value instead, and
    for one that holds something else.
    """
    if isinstance(given, str) and _VARIABLE.fullmatch(given):
        if _TAKEN.fullmatch(given):
            raise ValueError(f"{given} holds something else; name another variable, such as PROM_TOKEN")
        return given
    raise ValueError(
        "must be the name of an environment variable, such as PROM_TOKEN; write the secret into that"
        " variable, never into the contract"
    )


def why_no_header(given: object) -> str:
    """Returns why it is not the name of a header, without repeating it; empty where it is one."""
    is_name = isinstance(given, str) and _HEADER.fullmatch(given)
    return "" if is_name else "a key is not the name of a header; use letters, digits and dashes"


def checked_path(given: str) -> str:
    """Returns the path of an address, with its query string. Raises ValueError."""
    if _PATH.fullmatch(given) and not _NO_PATH_SIGNS & set(given):
        return given
    raise ValueError("is not a path: begin with /, and write a space as %20")
