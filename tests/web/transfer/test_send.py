from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Serve = Callable[[str], int]


@pytest.fixture(scope="module")
def port(serve: Serve) -> int:
    return serve("sending_app:app")


def get(
    port: int, path: str, headers: dict[str, str] | None = None, *, method: str = "GET"
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def state(port: int) -> dict[str, Any]:
    return dict(json.loads(get(port, "/state")[1]))


def wait_for(condition: Callable[[], bool], *, seconds: float = 6) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def seconds_of(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


@pytest.fixture
def raw(port: int) -> Iterator[Callable[..., socket.socket]]:
    """Connections that ask and do not read."""
    opened: list[socket.socket] = []

    def connect(path: str) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def test_a_body_in_chunks_arrives_whole_with_its_length(port: int) -> None:
    response, body = get(port, "/chunks?count=30&size=300000")

    assert response.getheader("content-length") == "9000000"
    assert body == b"".join(bytes([65 + number % 26]) * 300_000 for number in range(30))
    assert state(port)["opened"] == state(port)["closed"]


def test_a_body_of_unknown_length_arrives_whole(port: int) -> None:
    response, body = get(port, "/unknown-length?count=3&size=100000")

    assert response.getheader("transfer-encoding") == "chunked"
    assert body == b"A" * 100_000 + b"B" * 100_000 + b"C" * 100_000


def test_a_body_of_one_chunk_has_a_length_when_its_iterator_ends_with_it(port: int) -> None:
    response, body = get(port, "/chunks?count=1&size=100")

    assert (response.getheader("content-length"), body) == ("100", b"A" * 100)


@pytest.mark.requirement("WADO-07")
@pytest.mark.parametrize(("path", "length"), [("/chunks?count=3&size=9", "27"), ("/unknown-length?count=3", None)])
def test_head_sends_the_headers_alone_and_reads_nothing(port: int, path: str, length: str | None) -> None:
    before = state(port)["yielded"]

    response, body = get(port, path, method="HEAD")

    assert (response.status, response.getheader("content-length"), body) == (200, length, b"")
    assert state(port)["yielded"] == before


@pytest.mark.requirement("HDR-04")
def test_an_answer_without_content_has_no_length(port: int) -> None:
    response, body = get(port, "/no-content")

    assert (response.status, response.getheader("content-length"), body) == (204, None, b"")


@pytest.mark.parametrize(
    "path", ["/failing?count=3", "/failing-unknown-length?count=3", "/short?count=3", "/long?count=3"]
)
def test_a_body_that_breaks_cuts_the_connection(port: int, path: str) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        get(port, path)


@pytest.mark.parametrize("path", ["/failing?count=0", "/long?count=1"])
def test_what_breaks_before_the_first_byte_is_an_error_and_no_body(port: int, path: str) -> None:
    assert get(port, path)[0].status == 500


def test_a_user_agent_that_goes_away_ends_the_reading(port: int, raw: Callable[[str], socket.socket]) -> None:
    before = state(port)
    connection = raw("/chunks?count=1000&size=1000000")
    connection.recv(100)

    connection.close()

    wait_for(lambda: state(port)["closed"] == before["closed"] + 1)
    # Of 1,000 chunks no more than buffers on the way take, and what goes before the news has come.
    assert state(port)["yielded"] - before["yielded"] < 100
    assert state(port)["ahead"] == 0


def test_stalled_downloads_cost_no_thread_little_memory_and_nobody_else_s_time(
    port: int, raw: Callable[[str], socket.socket]
) -> None:
    before = state(port)

    for _ in range(60):
        raw("/chunks?count=100&size=500000")
    time.sleep(1)
    # The best of three: how busy the machine is otherwise is not the question. How fast is one for tests/prove.
    answered_s = min(seconds_of(lambda: state(port)) for _ in range(3))
    during = state(port)

    assert answered_s < 1
    assert during["threads"] <= before["threads"] + 8
    # The chunk in hand, small messages on their way, the buffers of the server below: not five chunks of each.
    assert during["rss_mb"] - before["rss_mb"] < 60 * 2.5
    wait_for(lambda: bool(state(port)["closed"] == state(port)["opened"]))
    assert state(port)["ahead"] == 0


def test_a_stalled_user_agent_is_given_up_and_its_connection_cut(
    port: int, raw: Callable[[str], socket.socket]
) -> None:
    before = state(port)["stalled"]
    connection = raw("/chunks?count=100&size=1000000")

    wait_for(lambda: state(port)["stalled"] == before + 1)
    wait_for(lambda: state(port)["closed"] == state(port)["opened"])
    received = 0
    while data := connection.recv(1_000_000):
        received += len(data)

    assert received < 50_000_000


@pytest.mark.requirement("NEG-21")
def test_text_is_compressed_for_those_who_want_it(port: int) -> None:
    response, body = get(port, "/json", {"Accept-Encoding": "gzip"})
    plain, plain_body = get(port, "/json")

    assert gzip.decompress(body) == plain_body
    assert (response.getheader("content-encoding"), plain.getheader("content-encoding")) == ("gzip", None)
    assert int(response.getheader("content-length") or 0) == len(body) < len(plain_body) // 10
    assert response.getheader("vary") == plain.getheader("vary") == "Accept-Encoding"
    assert (response.getheader("etag"), plain.getheader("etag")) == ('"tag-gzip"', '"tag"')


@pytest.mark.requirement("HDR-03")
def test_text_in_chunks_is_compressed_on_the_way(port: int) -> None:
    response, body = get(port, "/json-chunks?count=50", {"Accept-Encoding": "gzip"})

    assert (response.getheader("content-encoding"), response.getheader("content-length")) == ("gzip", None)
    assert gzip.decompress(body) == get(port, "/json-chunks?count=50")[1]


def test_head_of_a_compressed_answer_names_its_coding(port: int) -> None:
    response, _ = get(port, "/json", {"Accept-Encoding": "gzip"}, method="HEAD")

    assert (response.getheader("content-encoding"), response.getheader("etag")) == ("gzip", '"tag-gzip"')


def test_objects_are_not_compressed(port: int) -> None:
    response, _ = get(port, "/chunks?count=3&size=9000", {"Accept-Encoding": "gzip"})

    assert (response.getheader("content-encoding"), response.getheader("content-length")) == (None, "27000")


@pytest.mark.requirement("HDR-09")
def test_not_modified_names_the_tag_that_the_user_agent_knows(port: int) -> None:
    response, body = get(port, "/not-modified", {"If-None-Match": '"x", "tag-gzip"'})

    assert (response.status, response.getheader("etag"), body) == (304, '"tag-gzip"', b"")
