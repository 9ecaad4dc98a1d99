"""What goes around every request, as one ASGI application: the fewer layers, the less a request costs.

Request id, Host, origin, bearer token; then the resources; then errors, the log line and the counters.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from hilum.config import Settings
from hilum.errors import Forbidden, InvalidRequest, NotAuthenticated, TransactionError
from hilum.web.errors import framework_answer, transaction_answer, unforeseen_answer
from hilum.web.gate.access_log import Exchange, log_exchange, path_of
from hilum.web.gate.authentication import TokenFile, with_token_of_protocols
from hilum.web.gate.cors import SAFE_METHODS, CorsPolicy, Headers, origin_of_url
from hilum.web.gate.hosts import HostRule
from hilum.web.gate.metrics import BYTES_IN, BYTES_OUT, IN_FLIGHT, Metrics
from hilum.web.public_url import PublicUrl
from hilum.web.transfer.receive import Inflow
from hilum.web.transfer.send import Answer, PeerStalled, encode_headers
from hilum.wire.forwarded import parse_host

_logger = logging.getLogger(__name__)

REQUEST_ID: Final = "hilum.request_id"
"""Key of the request id in the scope."""

_SANE_REQUEST_ID: Final = re.compile(rb"[0-9A-Za-z._:/+=@-]{1,128}")
# Probes of an orchestrator ask by address and without a token; these answers tell nothing of what is stored.
_OPEN_PATHS: Final = ("/health/",)
# The page is the same for all, and where a person enters the token; all that it shows is asked for with it.
_PAGE: Final = "/"
_PAGE_ASSETS: Final = "/page/"
_SINGLE_HEADERS: Final = (b"origin", b"authorization")
_VARY_ORIGIN: Final = (b"vary", b"Origin")


class Gate:
    """The application that the server runs."""

    def __init__(self, app: Starlette, settings: Settings, *, public_url: PublicUrl, metrics: Metrics) -> None:
        """Put the rules of `settings` around `app`.

        Requests go straight to the router of `app`: what its own layers do about errors is done here.

        Raises:
            OSError: the token file cannot be read.
        """
        self._app = app
        self._public_url = public_url
        self._metrics = metrics
        self._hosts = HostRule(settings, public_url.host)
        self._cors = CorsPolicy(settings.cors)
        self._tokens = TokenFile(settings.token_file) if settings.token_file else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand on what is none."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self._hand_on(scope, receive, send)

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self._app
        await self._app.router(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        outflow = _Outflow(send, _request_id(headers))
        scope[REQUEST_ID] = outflow.request_id
        inflow = Inflow(receive) if _has_payload(headers) else None
        self._metrics.add(IN_FLIGHT, (), 1)
        try:
            await self._carry_out(scope, headers, inflow or receive, outflow)
            if inflow is not None and outflow.complete and outflow.status >= HTTPStatus.BAD_REQUEST:
                await inflow.drain()
        finally:
            self._metrics.add(IN_FLIGHT, (), -1)
            self._record(scope, outflow, time.perf_counter() - began, inflow.bytes_read if inflow else 0)

    async def _carry_out(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, outflow: _Outflow) -> None:
        """Let the resources answer; turn what fails into an answer, or into a cut connection if one has begun."""
        accept = headers.get(b"accept", b"").decode("latin-1")
        try:
            if not await self._admit(scope, headers, outflow):
                await self._hand_on(scope, receive, outflow)
        except TransactionError as error:
            await self._fail(transaction_answer(error, accept), scope, outflow)
        except HTTPException as error:
            await self._fail(framework_answer(error, accept), scope, outflow)
        except PeerStalled:
            _logger.info("The user agent of request %s took nothing any more.", outflow.request_id)
        except Exception:
            _logger.exception("Request %s failed.", outflow.request_id)
            await self._fail(unforeseen_answer(outflow.request_id, accept), scope, outflow)

    async def _fail(self, answer: Answer, scope: Scope, outflow: _Outflow) -> None:
        # After the first byte nothing can be said any more: an answer that does not end cuts the connection.
        if outflow.status == 0:
            body = answer.body if isinstance(answer.body, bytes) else b""
            headers = encode_headers({**answer.headers, "Content-Length": str(len(body))})
            await outflow.answer(answer.status, headers, b"" if scope["method"] == "HEAD" else body)

    async def _admit(self, scope: Scope, headers: dict[bytes, bytes], outflow: _Outflow) -> bool:
        """Check who asks whom; True: the request was a preflight and is answered.

        Raises:
            InvalidRequest: the request names no host, or not one host.
            Forbidden: the host is not this server's, or a foreign page wants to change something.
            NotAuthenticated: it carries no valid token.
        """
        _check_single(scope, headers)
        is_open = scope["path"].startswith(_OPEN_PATHS)
        if not is_open:
            self._check_host(scope)
        origin = headers.get(b"origin")
        is_preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in headers
        if origin is not None:
            allowed = self._allows_origin(scope, origin)
            if allowed:
                outflow.extra_headers = [_VARY_ORIGIN, *self._cors.answer_headers(origin)]
            elif is_preflight or scope["method"] not in SAFE_METHODS:
                raise Forbidden("Pages of this origin may not use this origin server.")
            if is_preflight:
                requested = headers.get(b"access-control-request-headers", b"")
                outflow.extra_headers = []
                await outflow.answer(HTTPStatus.NO_CONTENT, self._cors.preflight_headers(origin, requested), b"")
                return True
        if not is_open and not _is_page(scope["path"]):
            self._check_token(headers)
        return False

    def _check_host(self, scope: Scope) -> None:
        values = [value for name, value in scope["headers"] if name == b"host"]
        # A request of HTTP/1.0 need not name a host. No browser sends one, so nothing is to be feared from it.
        if values in ([], [b""]) and scope["http_version"].startswith("1") and scope["http_version"] != "1.1":
            return
        host = parse_host(values[0].decode("latin-1")) if len(values) == 1 else None
        if host is None:
            raise InvalidRequest("The request must name one host.")
        if not self._hosts.allows(host):
            raise Forbidden("This origin server does not answer for the host that the request names.")

    def _allows_origin(self, scope: Scope, origin: bytes) -> bool:
        own_origin = origin_of_url(self._public_url.of_scope(scope))
        return self._cors.allows(origin.decode("latin-1"), own_origin=own_origin)

    def _check_token(self, headers: dict[bytes, bytes]) -> None:
        if self._tokens is None:
            return
        if not self._tokens.accepts(headers.get(b"authorization", b"").decode("latin-1")):
            raise NotAuthenticated("The request must carry a valid bearer token.")

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold a WebSocket's handshake to the same rules; a browser sends it from any page, without a preflight."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        try:
            _check_single(scope, headers)
            self._check_host(scope)
            if origin is not None and not self._allows_origin(scope, origin):
                raise Forbidden("Pages of this origin may not use this origin server.")
            self._check_token(with_token_of_protocols(headers))
        except TransactionError:
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._hand_on(scope, receive, send)

    def _record(self, scope: Scope, outflow: _Outflow, seconds: float, bytes_in: int) -> None:
        route: str = getattr(scope.get("route"), "path", "")
        method: str = scope["method"]
        metrics = self._metrics
        metrics.count_request(route=route, method=method, status=outflow.status, seconds=seconds)
        metrics.add(BYTES_IN, (), bytes_in)
        metrics.add(BYTES_OUT, (), outflow.bytes_sent)
        log_exchange(
            Exchange(
                request_id=outflow.request_id,
                address=self._public_url.user_agent_address(scope),
                method=method,
                route=route,
                path=path_of(scope),
                status=outflow.status,
                milliseconds=round(seconds * 1000, 3),
                bytes_in=bytes_in,
                bytes_out=outflow.bytes_sent,
                complete=outflow.complete,
            )
        )


class _Outflow:
    """`send` of one request: adds the headers that every answer carries and remembers what went out."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.extra_headers: Headers = [_VARY_ORIGIN]
        self.status = 0
        self.bytes_sent = 0
        self.complete = False

    async def __call__(self, message: Message) -> None:
        """Send one message of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                (b"x-request-id", self.request_id.encode("ascii")),
                *self.extra_headers,
            ]
            await self._send(message)
            return
        await self._send(message)
        self.bytes_sent += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)

    async def answer(self, status: HTTPStatus, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self({"type": "http.response.start", "status": int(status), "headers": headers})
        await self({"type": "http.response.body", "body": body})


def _check_single(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Check that what decides about a request is said once.

    Raises:
        InvalidRequest: it is not.
    """
    names = [key for key, _ in scope["headers"]]
    if len(headers) < len(names) and any(names.count(name) > 1 for name in _SINGLE_HEADERS):
        raise InvalidRequest("Origin and Authorization are given once.")


def _is_page(path: str) -> bool:
    return path == _PAGE or path.startswith(_PAGE_ASSETS)


def _request_id(headers: dict[bytes, bytes]) -> str:
    """Return the request's own id if it is one word of sane length, else a fresh one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode("ascii") if _SANE_REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _has_payload(headers: dict[bytes, bytes]) -> bool:
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
