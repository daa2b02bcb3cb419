"""The wire: HTTP in, faults, tokens, git's own protocol, schema checks, HTTP out."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
import time
import traceback
import urllib.parse
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from fakehub import graphql_api, pagination, rest, smart_http
from fakehub.entities import Call, Token
from fakehub.errors import ApiError
from fakehub.faults import Fault, When
from fakehub.routing import Answer, Request, demand, find, refuse_archived, visible
from fakehub.schemas import SchemaViolationError, check_request, check_response

if TYPE_CHECKING:
    from fakehub.hub import Hub

assert rest.__all__, "importing it registers the routes"

HANG_SECONDS = 60
_BY_NAME = re.compile(r"/repos/([^/]+/[^/]+)")
_BY_NUMBER = re.compile(r"/repositories/(\d+)")


class Server:
    """Serves one hub on a free port of the loopback, each connection in a thread."""

    def __init__(self, hub: Hub) -> None:
        self.stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": hub, "stopping": self.stopping})
        self._http = _Http(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.end_connections()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Ends those that clients keep for a next request."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that went away, which some tests are about."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    stopping: threading.Event
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent at once

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing to stderr: the hub records calls."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def _answer(self) -> None:
        raw = self._read_body()
        parts = urllib.parse.urlsplit(self.path)
        document = graphql_api.document(raw) if parts.path == "/graphql" else ""
        operation = graphql_api.operation(document)
        token = self._token()
        call = Call(self.command, parts.path, parts.query, token.kind if token else None, operation, document)
        self.hub.record(call)
        self.hub.happen_before(str(call))
        # What happened may have changed what the token reaches.
        reply = self._with_fault(str(call), parts, raw, self._token())
        self.close_connection |= reply.drop
        if not reply.drop:
            call.status = reply.status
            self._send(reply)
            call.ended = time.perf_counter()

    def _with_fault(
        self, name: str, parts: urllib.parse.SplitResult, raw: bytes, token: Token | None
    ) -> Reply:
        fault = self.hub.fault_for(name)
        if fault is None:
            return self._reply(parts, raw, token)
        if fault.when is When.INSTEAD:
            return _fault_reply(fault)
        if fault.when is When.HANG:
            self.stopping.wait(HANG_SECONDS)
        if fault.when is When.DROP_AFTER:
            self._reply(parts, raw, token)
        return Reply(0, drop=True)

    def _reply(self, parts: urllib.parse.SplitResult, raw: bytes, token: Token | None) -> Reply:
        try:
            if smart_http.is_git(parts.path):
                status, headers, body = smart_http.serve(
                    self.hub, self.command, parts.path, parts.query, raw, dict(self.headers.items()), token
                )
                return Reply(status, body, headers)
            return self._api(parts, raw, token)
        except ApiError as error:
            return self._refusal(error)
        except Exception:  # noqa: BLE001 the boundary of the fake: whatever it is, the test must see it
            return self._broken(traceback.format_exc())

    def _api(self, parts: urllib.parse.SplitResult, raw: bytes, token: Token | None) -> Reply:
        if token is None:
            sent = "Authorization" in self.headers
            raise ApiError(401, "Bad credentials" if sent else "Requires authentication")
        body = json.loads(raw) if raw else None
        if parts.path == "/graphql":
            return self._json(200, graphql_api.execute(self.hub, token, body))
        if (moved := self._moved(parts, token)) is not None:
            return moved
        found = find(self.command, self._by_name(parts.path))
        if found is None:
            return self._broken(f"the fake has no route {self.command} {parts.path}", status=404)
        route, params = found
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.hub, self.command, parts.path, query, body, token, params)
        if "repo" in params:
            demand(token, request.repo, route.needs)
            if self.command != "GET":
                refuse_archived(request.repo)
        if route.body:
            check_request(route.body, {} if body is None else body)
        elif body:
            raise SchemaViolationError(f"{self.command} {parts.path} takes no body, and got {body}")
        with self.hub.lock:
            result = route.handler(request)
        if isinstance(result, Answer) and result.raw is not None:
            return Reply(result.status, result.raw, dict(result.headers))
        answer = result if isinstance(result, Answer) else Answer(route.status, result)
        headers = dict(answer.headers)
        document = answer.document
        if (route.many or route.wrap) and isinstance(document, list):
            document, link = pagination.page(self.hub.url, parts.path, query, document, route.wrap)
            headers |= {"Link": link} if link else {}
        if route.answers and document is not None:
            check_response(route.answers, document, many=route.many)
        return self._unless_known(self._json(answer.status, document, headers))

    def _moved(self, parts: urllib.parse.SplitResult, token: Token) -> Reply | None:
        """Returns the redirect from a repository's former name to an address by number."""
        named = _BY_NAME.match(parts.path)
        repo = self.hub.moved.get(named[1]) if named else None
        if named is None or repo is None or not visible(token, repo):
            return None
        place = f"{self.hub.url}/repositories/{repo.id}{parts.path[named.end() :]}"
        place += f"?{parts.query}" if parts.query else ""
        is_read = self.command in ("GET", "HEAD")
        message = "Moved Permanently" if is_read else "Temporary Redirect"
        document = {"message": message, "url": place, "documentation_url": "https://docs.github.com/rest"}
        return self._json(301 if is_read else 307, document, {"Location": place})

    def _by_name(self, path: str) -> str:
        """Returns the path with the repository's name, for one that is requested by number.

        Raises ApiError 404.
        """
        numbered = _BY_NUMBER.match(path)
        if numbered is None:
            return path
        for repo in self.hub.repos.values():
            if str(repo.id) == numbered[1]:
                return f"/repos/{repo.full_name}{path[numbered.end() :]}"
        raise ApiError(404, "Not Found")

    def _unless_known(self, reply: Reply) -> Reply:
        """Adds an ETag; returns 304 without a body to a client that has this version already.

        It is of the body alone: whether a page leads on to another is not in it.
        """
        if self.command != "GET" or reply.status != 200:
            return reply
        etag = f'W/"{hashlib.sha256(reply.body).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            return Reply(304, b"", {"ETag": etag})
        return Reply(reply.status, reply.body, {**reply.headers, "ETag": etag})

    def _json(self, status: int, document: Any, headers: dict[str, str] | None = None) -> Reply:
        if document is None:
            return Reply(status, b"", headers or {})
        kind = {"Content-Type": "application/json; charset=utf-8"}
        return Reply(status, json.dumps(document).encode(), {**kind, **(headers or {})})

    def _refusal(self, error: ApiError) -> Reply:
        document: dict[str, Any] = {
            "message": error.message,
            "documentation_url": "https://docs.github.com/rest",
        }
        document["status"] = str(error.status)
        if error.errors:
            document["errors"] = error.errors
        check_response("ValidationError" if error.errors else "BasicError", document)
        return self._json(error.status, document, error.headers)

    def _broken(self, problem: str, status: int = 500) -> Reply:
        self.hub.violations.append(f"{self.command} {self.path}: {problem}")
        return self._json(status, {"message": f"fakehub: {problem}"})

    def _token(self) -> Token | None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            value = base64.b64decode(value).decode().partition(":")[2]
        return self.hub.tokens.get(value.strip())

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, reply: Reply) -> None:
        headers = {
            "Content-Length": str(len(reply.body)),
            "X-RateLimit-Limit": str(self.hub.rate_limit),
            "X-RateLimit-Remaining": str(max(0, self.hub.rate_limit - self.hub.calls_made())),
            "X-RateLimit-Reset": str(int(self.hub.clock.time.timestamp()) + 3600),
            "X-GitHub-Request-Id": f"FAKE:{self.hub.calls_made()}",
        }
        self.send_response(reply.status)
        for name, value in {**headers, **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and reply.status not in (204, 304):
            self.wfile.write(reply.body)


def _fault_reply(fault: Fault) -> Reply:
    if fault.page:
        kind = {"Content-Type": "text/html; charset=utf-8"}
        return Reply(fault.status, fault.page.encode(), {**kind, **dict(fault.headers)})
    document: dict[str, Any] = {"message": fault.message, "documentation_url": "https://docs.github.com/rest"}
    if fault.graphql_type is not None:
        document = {"data": None, "errors": [{"type": fault.graphql_type, "message": fault.message}]}
    headers = {"Content-Type": "application/json; charset=utf-8", **dict(fault.headers)}
    return Reply(fault.status, json.dumps(document).encode(), headers)
