"""A long document set by SOAP: memory that does not grow with it, and the speed of WADO-RS."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

import servers
from command_line import part10
from dicomweb import OBJECTS, store
from memory import AnonymousMemory
from samples import noise
from soap_messages import DOCUMENTS, PLAIN, documents_body, envelope

pytestmark = pytest.mark.prove

COUNT, SIDE = 2000, 512
STUDY, SERIES = "1.2.7.8", "1.2.7.8.1"
_LONGEST_SLOWDOWN = 2.0
_MOST_MEMORY_MB = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.running(tmp_path_factory.mktemp("sets") / "data") as running:
        first = f"{SERIES}.100000"
        template = part10(first, study=STUDY, series=SERIES, pixels=noise(SIDE, SIDE))
        with running.client() as client:
            for start in range(0, COUNT, 50):
                uids = [f"{SERIES}.{100000 + number}" for number in range(start, start + 50)]
                objects = [template.replace(first.encode(), uid.encode()) for uid in uids]
                assert store(client, *objects).status_code == 200
        yield running


def _fetch(port: int, request: bytes) -> tuple[int, float]:
    """Return how many bytes come and in how many seconds; no library of user agents is measured beside the server."""
    received, buffer = 0, bytearray(1 << 20)
    begun = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(request)
        while size := connection.recv_into(buffer):
            assert received or buffer.startswith(b"HTTP/1.1 200 ")
            received += size
    return received, time.perf_counter() - begun


def _message(method: str, path: str, body: bytes, **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.requirement("WS-22")
def test_2000_documents_come_at_half_the_speed_of_wado_rs_or_better(server: servers.Server) -> None:
    places = [(STUDY, SERIES, f"{SERIES}.{100000 + number}") for number in range(COUNT)]
    message = envelope(documents_body(places), DOCUMENTS)
    requests = {
        "soap": _message("POST", "/wado-ws", message, Content_Type=PLAIN),
        "rest": _message("GET", f"/dicomweb/studies/{STUDY}/series/{SERIES}", b"", **OBJECTS),
    }
    seconds: dict[str, list[float]] = {"soap": [], "rest": []}
    sizes: dict[str, int] = {}
    with AnonymousMemory(server) as memory:
        for _ in range(3):
            for name, request in requests.items():
                sizes[name], elapsed = _fetch(server.port, request)
                seconds[name].append(elapsed)

    figures = {name: f"{sizes[name] / min(times) / 1e6:.0f} MB/s" for name, times in seconds.items()}
    print(f"{sizes['soap'] / 1e6:.0f} MB: {figures}, {memory.highest_mb:.0f} MB RssAnon")  # noqa: T201 - the figures are the result
    assert sizes["soap"] > sizes["rest"] * 0.99
    assert min(seconds["soap"]) < min(seconds["rest"]) * _LONGEST_SLOWDOWN
    assert memory.highest_mb < _MOST_MEMORY_MB
