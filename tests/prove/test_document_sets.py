"""A long document set by SOAP: memory that does not grow with it, and the speed of WADO-RS."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
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


def _drain(response: httpx.Response) -> int:
    assert response.status_code == 200
    return sum(len(chunk) for chunk in response.iter_raw())


@pytest.mark.requirement("WS-22")
def test_2000_documents_come_at_half_the_speed_of_wado_rs_or_better(server: servers.Server) -> None:
    places = [(STUDY, SERIES, f"{SERIES}.{100000 + number}") for number in range(COUNT)]
    message = envelope(documents_body(places), DOCUMENTS)
    seconds: dict[str, list[float]] = {"soap": [], "rest": []}
    with AnonymousMemory(server) as memory, server.client() as client:
        for _ in range(3):
            begun = time.perf_counter()
            with client.stream(
                "POST", f"{server.origin}/wado-ws", content=message, headers={"Content-Type": PLAIN}
            ) as response:
                received = _drain(response)
            seconds["soap"].append(time.perf_counter() - begun)
            begun = time.perf_counter()
            with client.stream("GET", f"/studies/{STUDY}/series/{SERIES}", headers=OBJECTS) as response:
                expected = _drain(response)
            seconds["rest"].append(time.perf_counter() - begun)

    figures = {name: f"{received / min(times) / 1e6:.0f} MB/s" for name, times in seconds.items()}
    print(f"{received / 1e6:.0f} MB: {figures}, {memory.highest_mb:.0f} MB RssAnon")  # noqa: T201 - the figures are the result
    assert received > expected * 0.99
    assert min(seconds["soap"]) < min(seconds["rest"]) * _LONGEST_SLOWDOWN
    assert memory.highest_mb < _MOST_MEMORY_MB
