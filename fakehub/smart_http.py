"""Clone, fetch and push: git's own server, with the rules of branches in front of it.

What a fetch asks before anything is sent is answered here (git's gitprotocol-v2), without a process. So is
actions/checkout, which a run begins with: its stub gets a list of objects on this machine's disk.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import urllib.parse
from typing import TYPE_CHECKING

from fakehub.bare import NOBODY
from fakehub.entities import Token
from fakehub.errors import ApiError
from fakehub.routing import allowed, visible

if TYPE_CHECKING:
    from fakehub.hub import Hub
    from fakehub.repo import Repo

_PATH = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<service>info/refs|git-upload-pack|git-receive-pack|fakehub-checkout)"
)

Response = tuple[int, dict[str, str], bytes]


def is_git(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


def serve(
    hub: Hub, method: str, path: str, query: str, body: bytes, headers: dict[str, str], token: Token | None
) -> Response:
    """Answers one request of git's protocol. Raises ApiError when the token may not."""
    match = _PATH.fullmatch(path)
    assert match is not None
    if token is None:
        return 401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"Repository not found."
    moved = hub.moved.get(match["name"])
    if moved is not None and visible(token, moved):
        new = f"{hub.url}/{moved.full_name}.git/{match['service']}"
        return 301, {"Location": f"{new}?{query}" if query else new}, b""
    repo = hub.named(match["name"])
    if repo is None or not visible(token, repo) or not allowed(token, repo, "contents:read"):
        raise ApiError(404, "Repository not found.")
    if match["service"] == "fakehub-checkout":
        return _checkout(repo, dict(urllib.parse.parse_qsl(query)))
    pushes = "git-receive-pack" in (match["service"], query.removeprefix("service="))
    if pushes and not allowed(token, repo, "contents:write"):
        raise ApiError(403, f"Permission to {repo.full_name}.git denied to {token.account.login}.")
    if pushes and repo.archived:
        # In other words than the API's (sourcegraph/sourcegraph-public-snapshot#36201).
        return 403, {"Content-Type": "text/plain"}, b"This repository was archived so it is read-only.\n"
    plain = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
    if pushes and method == "POST":
        return _push(repo, token, plain, headers)
    if "version=2" in headers.get("Git-Protocol", "") and not pushes:
        return _fetch(repo, method, plain)
    return _backend(repo, method, match["service"], query, body, headers)


def _checkout(repo: Repo, asked: dict[str, str]) -> Response:
    """Answers what a clone needs of `want`, a ref or commit, `depth` commits deep; all refs for 0.

    Raises ApiError 404 where there is no such thing.
    """
    bare, want = repo.bare, asked["want"]
    name = f"refs/heads/{repo.default_branch}" if want == "HEAD" else want
    places = (name, f"refs/{name}", f"refs/tags/{name}", f"refs/heads/{name}")
    ref = next((place for place in places if bare.ref(place)), "")
    commit = bare.commit_of((ref and bare.ref(ref)) or want)
    if commit is None or not (ref or commit == want):
        raise ApiError(404, f"couldn't find remote ref {want}")
    depth = int(asked["depth"])
    refs = {} if depth else {**bare.refs("refs/heads/"), **bare.refs("refs/tags/")}
    needed, cut = bare.needed([commit, *refs.values()], depth)
    document = {
        "commit": commit,
        "branch": ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") and want != "HEAD" else "",
        "refs": refs,
        "cut": cut,
        "folder": str(bare.path / "objects"),
        "objects": sorted(needed),
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()


def _fetch(repo: Repo, method: str, body: bytes) -> Response:
    """Answers one request of a fetch by version 2 of the protocol."""
    if method == "GET":
        return 200, _of_upload_pack("advertisement"), _ADVERTISED
    if b"command=ls-refs" in body[:30]:
        return 200, _of_upload_pack("result"), _listed(repo, body)
    # It exits with 1, and tells the client, when that asks for a commit which is not there.
    done = subprocess.run(
        ["git", "upload-pack", "--stateless-rpc", str(repo.bare.path)],
        input=body,
        env=_environment("version=2"),
        capture_output=True,
        check=False,
    )
    return 200, _of_upload_pack("result"), done.stdout


def _of_upload_pack(what: str) -> dict[str, str]:
    return {"Content-Type": f"application/x-git-upload-pack-{what}", "Cache-Control": "no-cache"}


def _packet(line: str) -> bytes:
    return f"{len(line) + 5:04x}{line}\n".encode()


_CAPABILITIES = (
    "version 2",
    "agent=fakehub",
    "ls-refs=unborn",
    "fetch=shallow wait-for-done filter",
    "server-option",
    "object-format=sha1",
)
_ADVERTISED = b"".join([*map(_packet, _CAPABILITIES), b"0000"])


def _listed(repo: Repo, body: bytes) -> bytes:
    """Answers `ls-refs`: HEAD and the requested refs, with what annotated tags lead to."""
    asked = {line.split(b"=")[0].decode() for line in _packets(body)}
    wanted = [line.split(b" ", 1)[1].decode() for line in _packets(body) if line.startswith(b"ref-prefix ")]
    refs = repo.bare.refs()
    head = f"refs/heads/{repo.default_branch}"
    lines = [] if head in refs or "unborn" not in asked else [_packet(f"unborn HEAD symref-target:{head}")]
    for name, sha in {**({"HEAD": refs[head]} if head in refs else {}), **refs}.items():
        if wanted and not name.startswith(tuple(wanted)):
            continue
        line = f"{sha} {name}"
        line += f" symref-target:{head}" if name == "HEAD" and "symrefs" in asked else ""
        peeled = repo.bare.commit_of(sha) if name.startswith("refs/tags/") and "peel" in asked else sha
        line += f" peeled:{peeled}" if peeled not in (None, sha) else ""
        lines.append(_packet(line))
    return b"".join([*lines, b"0000"])


def _packets(body: bytes) -> list[bytes]:
    """Returns the lines of a request; marks between them have no content."""
    lines, at = [], 0
    while at < len(body):
        size = max(4, int(body[at : at + 4], 16))
        lines.append(body[at + 4 : at + size].rstrip(b"\n"))
        at += size
    return lines


def _push(repo: Repo, token: Token, body: bytes, headers: dict[str, str]) -> Response:
    with repo.bare.lock:
        before = repo.bare.refs()
        _refuse(repo, token, body)
        headers = {name: value for name, value in headers.items() if name != "Content-Encoding"}
        response = _backend(repo, "POST", "git-receive-pack", "", body, headers)
        after = repo.bare.refs()
        for ref in sorted(before.keys() | after.keys()):
            old, new = before.get(ref), after.get(ref)
            if old == new:
                continue
            try:
                if new:
                    repo.refuse_workflow_change(token, old, new)
            except ApiError:
                # Only now are the objects here to look at; nobody has seen them, since the lock is held.
                repo.bare.update_ref(ref, old) if old else repo.bare.delete_ref(ref)
                raise
            repo.ref_moved(token, ref, old, new)
        return response


def _refuse(repo: Repo, token: Token, body: bytes) -> None:
    """Raises ApiError 403 when a rule forbids one of the updates."""
    for old, new, ref in _commands(body):
        branch = ref.removeprefix("refs/heads/")
        if branch == ref or NOBODY in (old, new):
            continue
        if found := repo.violations(token, branch, new, by_merge=False):
            raise ApiError(403, f"GH013: Repository rule violations found for {ref}. {' '.join(found)}")


def _commands(body: bytes) -> list[tuple[str, str, str]]:
    """Returns (old, new, ref) of each update at the head of a push.

    A shallow clone tells first where it ends (git's gitprotocol-pack, "Reference Update Request").
    """
    commands, at = [], 0
    while (size := int(body[at : at + 4], 16)) > 0:
        line = body[at + 4 : at + size].split(b"\0")[0].decode().strip()
        at += size
        if line.startswith("shallow "):
            continue
        old, new, ref = line.split(" ", 2)
        commands.append((old, new, ref))
    return commands


def _backend(
    repo: Repo, method: str, service: str, query: str, body: bytes, headers: dict[str, str]
) -> Response:
    env = {
        **_environment(headers.get("Git-Protocol", "")),
        "GIT_PROJECT_ROOT": str(repo.bare.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/{service}",
        "QUERY_STRING": query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
        "HTTP_GIT_PROTOCOL": headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    # It exits with 1, and tells the client, when that asks for a commit which is not there.
    done = subprocess.run(["git", "http-backend"], input=body, env=env, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(fields.pop("Status", "200").split()[0]), fields, content


def _environment(protocol: str) -> dict[str, str]:
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**known, "GIT_CONFIG_NOSYSTEM": "1", "GIT_PROTOCOL": protocol}
