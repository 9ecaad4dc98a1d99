"""Many user agents at once: right counts, no failures, and slow ones harm nobody."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import Queue
from pathlib import Path

import httpx
import pytest

import servers
from dicomweb import BOUNDARY, JSON, store, values
from samples import encode, make_dataset, noise

pytestmark = pytest.mark.prove

PROCESSES, CLIENTS_EACH, INSTANCES = 4, 8, 2000
STALLED = 200
# Those of a worker at rest and its pool; none for a peer.
_MOST_THREADS = 60


def _store_share(url: str, study: str, share: range, longest: Queue[tuple[float, list[int]]]) -> None:
    """Store a share of one study's instances over eight connections, searching now and then."""

    def work(numbers: range) -> tuple[float, list[int]]:
        slowest, bad = 0.0, []
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            for number in numbers:
                dataset = make_dataset(
                    StudyInstanceUID=study,
                    SeriesInstanceUID=f"{study}.{number % 7 + 1}",
                    SOPInstanceUID=f"{study}.9.{number}",
                    InstanceNumber=number,
                )
                start = time.perf_counter()
                status = store(client, encode(dataset)).status_code
                slowest = max(slowest, time.perf_counter() - start)
                if status != 200:
                    bad.append(status)
                if number % 10 == 0:
                    status = client.get(f"/studies/{study}/series", headers=JSON).status_code
                    if status not in (200, 204):
                        bad.append(status)
        return slowest, bad

    with ThreadPoolExecutor(CLIENTS_EACH) as pool:
        for outcome in pool.map(work, [share[at::CLIENTS_EACH] for at in range(CLIENTS_EACH)]):
            longest.put(outcome)


def test_32_clients_store_into_one_study_through_4_workers(tmp_path: Path, index_url: str) -> None:
    settings = {"INDEX_URL": index_url}
    study = make_dataset().StudyInstanceUID[:40].rstrip(".")
    context = multiprocessing.get_context("spawn")
    with servers.running(tmp_path / "data", workers=4, settings=settings) as server:
        outcomes = context.Queue()
        processes = [
            context.Process(target=_store_share, args=(server.url, study, range(at, INSTANCES, PROCESSES), outcomes))
            for at in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        results = [outcomes.get(timeout=300) for _ in range(PROCESSES * CLIENTS_EACH)]
        for process in processes:
            process.join(60)
        with server.client() as client:
            (found,) = client.get(f"/studies?StudyInstanceUID={study}", headers=JSON).json()
            series = client.get(f"/studies/{study}/series", headers=JSON).json()
        log = server.log.read_text(errors="replace")

    assert [bad for _, bad in results if bad] == []
    assert max(slowest for slowest, _ in results) < 1.0
    assert values(found, "00201208") == [INSTANCES]
    assert values(found, "00201206") == [7]
    assert sum(values(item, "00201209")[0] for item in series) == INSTANCES
    assert "Traceback" not in log


def _threads_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("Threads:")).split()[1])


def _stall_upload(port: int) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", port))
    head = (
        f"POST /dicomweb/studies HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\nContent-Length: 1000000\r\n"
        f'Content-Type: multipart/related; type="application/dicom"; boundary={BOUNDARY}\r\n\r\n'
        f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n"
    )
    peer.sendall(head.encode() + bytes(3000))
    return peer


def _stall_download(port: int, path: str) -> socket.socket:
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", port))
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    peer.sendall(f"GET /dicomweb{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: {accept}\r\n\r\n".encode())
    return peer


@pytest.fixture
def study(tmp_path: Path) -> Iterator[tuple[servers.Server, str]]:
    with servers.running(tmp_path / "data", workers=2) as server:
        with server.client() as client:
            first = make_dataset()
            for number in range(20):
                dataset = make_dataset(
                    StudyInstanceUID=first.StudyInstanceUID, Rows=1024, Columns=1024, BitsAllocated=16, BitsStored=16,
                    HighBit=15, PixelData=noise(1024, 1024, number),
                )  # fmt: skip
                dataset["PixelData"].VR = "OW"
                assert store(client, encode(dataset)).status_code == 200
        yield server, f"/studies/{first.StudyInstanceUID}"


def test_200_stalled_uploads_and_downloads_leave_searches_fast(study: tuple[servers.Server, str]) -> None:
    server, path = study
    peers = [_stall_upload(server.port) for _ in range(STALLED)]
    peers += [_stall_download(server.port, path) for _ in range(STALLED)]
    time.sleep(3)
    try:
        latencies: list[float] = []
        with server.client() as client:
            for _ in range(100):
                start = time.perf_counter()
                assert client.get("/studies?limit=10", headers=JSON).status_code == 200
                latencies.append(time.perf_counter() - start)
        threads = [_threads_of(pid) for pid in servers.descendants(server.process.pid)]
    finally:
        for peer in peers:
            peer.close()

    assert max(latencies) < 0.1
    assert max(threads) < _MOST_THREADS
