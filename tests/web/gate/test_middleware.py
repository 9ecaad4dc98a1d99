from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from hilum.config import CorsSettings, HttpSettings, Settings
from hilum.errors import OutOfResources, TargetNotFound
from hilum.web.gate.access_log import ACCESS_LOGGER
from hilum.web.gate.metrics import Metrics
from hilum.web.gate.middleware import REQUEST_ID, Gate
from hilum.web.public_url import PublicUrl
from hilum.web.transfer.pool import Pool
from hilum.web.transfer.send import Answer, AnswerResponse, Sender

Serve = Callable[[str], int]


@dataclass
class Reply:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    complete: bool = False

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None


async def ok(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.scope[REQUEST_ID])


async def missing(_: Request) -> PlainTextResponse:
    raise TargetNotFound("The study does not exist.")


async def full(_: Request) -> PlainTextResponse:
    raise OutOfResources("The storage is full.")


async def failing(_: Request) -> PlainTextResponse:
    raise KeyError("Doe^John")


async def torn(request: Request) -> AnswerResponse:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise OSError("the disk is gone")

    return AnswerResponse(Answer(HTTPStatus.OK, {}, chunks(), 10), request.app.state.sender)


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


ROUTES = [
    Route("/studies", ok, methods=["GET", "POST"]),
    Route("/studies/{study}", missing),
    Route("/health/live", ok),
    Route("/full", full),
    Route("/failing", failing),
    Route("/torn", torn),
    WebSocketRoute("/events", echo),
]


@pytest.fixture
def settings() -> Settings:
    return Settings(
        http=HttpSettings(allowed_hosts=("pacs.example.org",)),
        cors=CorsSettings(allowed_origins=("https://viewer.example.org",)),
    )


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    metrics = Metrics(tmp_path / "run")
    yield metrics
    metrics.close()


@pytest.fixture
def gate(settings: Settings, metrics: Metrics) -> Gate:
    return gate_of(settings, metrics)


def gate_of(settings: Settings, metrics: Metrics) -> Gate:
    app = Starlette(routes=ROUTES)
    app.state.sender = Sender(Pool("work", threads=1))
    return Gate(app, settings, public_url=PublicUrl(settings.http), metrics=metrics)


def ask(
    gate: Gate,
    path: str = "/studies",
    method: str = "GET",
    *,
    hosts: tuple[str, ...] = ("localhost:8080",),
    version: str = "1.1",
    body: bytes = b"",
    **headers: str,
) -> Reply:
    reply = Reply()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
        else:
            reply.body += message.get("body", b"")
            reply.complete = not message.get("more_body", False)

    raw = [(b"host", host.encode()) for host in hosts]
    raw += [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    if body:
        raw.append((b"content-length", str(len(body)).encode()))
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": raw,
        "client": ("127.0.0.1", "5000"),
        "server": ("127.0.0.1", "8080"),
        "root_path": "",
    }
    asyncio.run(gate(scope, receive, send))
    return reply


def test_a_request_gets_an_id_and_keeps_a_sane_one(gate: Gate) -> None:
    fresh, given, odd = ask(gate), ask(gate, x_request_id="trace-1/a"), ask(gate, x_request_id="a b\xe9")

    assert fresh.header("x-request-id") == fresh.body.decode() != ""
    assert (given.header("x-request-id"), given.body) == ("trace-1/a", b"trace-1/a")
    assert odd.header("x-request-id") not in (None, "a b\xe9")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "pacs.example.org:443"])
def test_hosts_of_this_server_are_answered(gate: Gate, host: str) -> None:
    assert ask(gate, hosts=(host,)).status == 200


def test_a_forged_host_is_refused(gate: Gate) -> None:
    assert ask(gate, hosts=("evil.example",)).status == 403


@pytest.mark.parametrize("hosts", [(), ("",), ("localhost", "localhost"), ("a b",), ("localhost, evil",)])
def test_a_request_names_one_host(gate: Gate, hosts: tuple[str, ...]) -> None:
    assert ask(gate, hosts=hosts).status == 400


@pytest.mark.parametrize("hosts", [(), ("",)])
def test_http_1_0_need_not_name_a_host(gate: Gate, hosts: tuple[str, ...]) -> None:
    assert ask(gate, hosts=hosts, version="1").status == 200


def test_probes_may_ask_by_any_name_and_without_a_token(metrics: Metrics, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("secret")
    gate = gate_of(Settings(token_file=file), metrics)

    assert ask(gate, "/health/live", hosts=("10.1.2.3:8080",)).status == 200


@pytest.mark.requirement("HDR-06")
def test_a_token_is_asked_for_and_accepted(metrics: Metrics, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("secret")
    gate = gate_of(Settings(token_file=file), metrics)

    refused = ask(gate, origin="http://localhost:3000", authorization="Bearer guess")

    assert refused.status == 401
    assert refused.header("www-authenticate") == 'Bearer realm="hilum"'
    assert refused.header("access-control-allow-origin") == "http://localhost:3000"
    assert ask(gate, authorization="Bearer secret").status == 200


@pytest.mark.requirement("SEC-05")
@pytest.mark.parametrize("path", ["/studies", "/studies/1.2", "/nowhere", "/failing", "/full"])
@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://viewer.example.org", "http://localhost:8080"])
def test_allowed_pages_may_read_every_answer_also_errors(gate: Gate, path: str, origin: str) -> None:
    reply = ask(gate, path, origin=origin)

    assert reply.header("access-control-allow-origin") == origin
    exposed = (reply.header("access-control-expose-headers") or "").lower().split(", ")
    assert {"location", "content-location", "warning", "etag", "content-range", "retry-after", "x-request-id"} <= set(
        exposed
    )
    assert "Origin" in (reply.header("vary") or "")


def test_every_answer_varies_by_origin(gate: Gate) -> None:
    assert ask(gate).header("vary") == ask(gate, "/nowhere").header("vary") == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_foreign_page_reads_nothing_and_changes_nothing(gate: Gate, origin: str) -> None:
    read = ask(gate, origin=origin)
    stored = ask(gate, method="POST", origin=origin, body=b"x", content_type="text/plain")
    preflight = ask(gate, method="OPTIONS", origin=origin, access_control_request_method="POST")

    assert read.header("access-control-allow-origin") is None
    assert (stored.status, preflight.status) == (403, 403)
    assert preflight.header("access-control-allow-origin") is None


def test_requests_without_an_origin_or_of_the_own_one_may_change_things(gate: Gate) -> None:
    assert ask(gate, method="POST", body=b"x").status == 200
    own = ask(gate, method="POST", body=b"x", hosts=("pacs.example.org:8080",), origin="http://pacs.example.org:8080")
    assert own.status == 200


def test_a_preflight_is_answered_for_any_resource(metrics: Metrics, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("secret")
    gate = gate_of(Settings(token_file=file), metrics)

    reply = ask(
        gate,
        "/studies/1.2",
        "OPTIONS",
        origin="http://localhost:3000",
        access_control_request_method="GET",
        access_control_request_headers="authorization,accept",
    )

    assert (reply.status, reply.body) == (204, b"")
    assert reply.header("access-control-allow-origin") == "http://localhost:3000"
    assert reply.header("access-control-allow-headers") == "authorization,accept"
    assert "POST" in (reply.header("access-control-allow-methods") or "")


@pytest.mark.requirement("STAT-09")
@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/studies/1.2", 404, "The study does not exist."),
        ("/nowhere", 404, "There is no such resource on this origin server."),
        ("/full", 503, "The storage is full. This is temporary: try again in 30 seconds."),
    ],
)
def test_failures_are_explained(gate: Gate, path: str, status: int, text: str) -> None:
    plain, preferring_json = ask(gate, path), ask(gate, path, accept="application/dicom+json")

    assert (plain.status, plain.body.decode()) == (status, text + "\n")
    assert json.loads(preferring_json.body) == {"error": text}


@pytest.mark.requirement("HDR-06")
def test_a_method_that_is_not_supported_tells_which_are(gate: Gate) -> None:
    reply = ask(gate, method="DELETE")

    assert reply.status == 405
    assert set((reply.header("allow") or "").split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.requirement("STAT-17")
def test_head_of_a_failure_has_no_body(gate: Gate) -> None:
    reply = ask(gate, "/nowhere", "HEAD")

    assert (reply.status, reply.body) == (404, b"")


def test_what_nobody_foresaw_is_logged_and_not_told(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    reply = ask(gate, "/failing", x_request_id="id-1")

    assert reply.status == 500
    assert reply.body == b"The origin server failed to carry out the request. Request id: id-1.\n"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "Request id-1 failed."
    assert record.exc_info is not None


def test_an_answer_that_breaks_is_logged_and_not_ended(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    reply = ask(gate, "/torn", x_request_id="id-1")

    assert (reply.status, reply.complete) == (200, False)
    assert any(record.getMessage() == "Request id-1 failed." for record in caplog.records)


def test_a_request_is_logged_without_its_query(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, ACCESS_LOGGER):
        ask(gate, "/studies/1.2?PatientName=Doe", method="GET")

    (record,) = [record for record in caplog.records if record.name == ACCESS_LOGGER]
    exchange = record.__dict__["exchange"]
    assert (exchange.route, exchange.path, exchange.status) == ("/studies/{study}", "/studies/1.2", 404)
    assert (exchange.address, exchange.complete) == ("127.0.0.1", True)
    assert "Doe" not in str(exchange)


def test_requests_are_counted(gate: Gate, metrics: Metrics) -> None:
    for _ in range(3):
        ask(gate, method="POST", body=b"12345")
    ask(gate, "/studies/1.2")

    page = metrics.page()
    assert 'hilum_http_requests_total{route="/studies",method="POST",status="200"} 3\n' in page
    assert 'hilum_http_requests_total{route="/studies/{study}",method="GET",status="404"} 1\n' in page
    assert "hilum_http_requests_in_flight 0\n" in page


def test_payloads_are_counted(gate: Gate, metrics: Metrics) -> None:
    ask(gate, "/nowhere", method="POST", body=b"12345")

    assert "hilum_http_received_bytes_total 5\n" in metrics.page()
    assert "hilum_http_sent_bytes_total 49\n" in metrics.page()


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({"host": "localhost"}, True),
        ({"host": "localhost", "origin": "http://localhost:3000"}, True),
        ({"host": "localhost", "origin": "https://evil.example"}, False),
        ({"host": "evil.example"}, False),
        ({}, False),
    ],
)
def test_websockets_are_held_to_the_same_rules(gate: Gate, headers: dict[str, str], accepted: bool) -> None:
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    scope: dict[str, Any] = {
        "type": "websocket",
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/events",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", "5000"),
        "server": ("127.0.0.1", "8080"),
        "subprotocols": [],
    }
    asyncio.run(gate(scope, receive, send))

    assert sent == (["websocket.accept", "websocket.close"] if accepted else ["websocket.close"])


@pytest.fixture(scope="module")
def port(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("run")
    (folder / "tokens").write_text("secret\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HILUM_TEST_FOLDER", str(folder))
        yield serve("gate_app:app")


def test_an_early_refusal_reaches_a_user_agent_that_sends_all_first(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", "/studies", body=bytes(20_000_000))
        response = connection.getresponse()

        assert response.status == 401


def test_a_broken_body_cuts_the_connection_behind_the_gate(port: int) -> None:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/broken", headers={"Authorization": "Bearer secret"})
        response = connection.getresponse()

        assert (response.status, response.getheader("content-length")) == (200, "5000")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
