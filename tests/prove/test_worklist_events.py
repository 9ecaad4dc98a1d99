"""Event reports of four server processes under load: each once, in order, soon, and none lost when a process dies."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import select
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

import servers
from hilum.store.database import tables
from hilum.store.database.database import Database
from workitems import HEADERS, WORKLIST, change_state, channel, create, event_uid, new_uid

pytestmark = pytest.mark.prove

CLIENTS, PROCESSES = 16, 4
CHANGES = int(os.environ.get("PROVE_CHANGES", "5000"))
PAUSE_S = float(os.environ.get("PROVE_PAUSE_S", "0.05"))
"""What each client waits between two changes: with 0 they take all the processor there is, and delays show no more
than its queue."""
P99_S = {"sqlite": 0.25, "postgresql": 0.05}
STATES = ("IN PROGRESS", "CANCELED")

Seen = dict[str, list[tuple[str, float]]]


@pytest.fixture
def four_processes(index_url: str, tmp_path: Path) -> Iterator[servers.Server]:
    """Yield a server of four processes over each kind of database."""
    settings = {"LOG__REQUESTS": "false", "INDEX_URL": index_url}
    with servers.running(tmp_path / "data", workers=PROCESSES, settings=settings) as server:
        yield server


def create_many(server: servers.Server, count: int) -> list[str]:
    def some(number: int) -> list[str]:
        with server.client(**HEADERS) as client:
            return [create(client) for _ in range(number)]

    with ThreadPoolExecutor(8) as pool:
        return [uid for share in pool.map(some, [len(range(at, count, 8)) for at in range(8)]) for uid in share]


def _change_all(url: str, uids: list[str]) -> None:
    """Claim and cancel each workitem over sixteen connections; what fails for a dead process is tried again."""

    def work(share: list[str]) -> None:
        with httpx.Client(base_url=url, headers=HEADERS, timeout=60, trust_env=False) as client:
            for uid in share:
                transaction_uid = new_uid()
                for state in STATES:
                    time.sleep(PAUSE_S)
                    while True:
                        with contextlib.suppress(httpx.TransportError):
                            # A repeated claim whose answer was lost is a conflict.
                            assert change_state(client, uid, state, transaction_uid).status_code in (200, 409)
                            break
                        time.sleep(0.05)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, [uids[at::CLIENTS] for at in range(CLIENTS)]))


def changing(server: servers.Server, uids: list[str]) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_change_all, args=(server.url, uids))
    process.start()
    return process


def receive(socket: ClientConnection, seen: Seen, expected: int, patience_s: float = 15.0) -> None:
    """Note every state report until as many have come, or none does for a while."""
    while sum(map(len, seen.values())) < expected:
        try:
            event = json.loads(socket.recv(timeout=patience_s))
        except TimeoutError:
            return
        if "00741000" in event:
            seen[event_uid(event)].append((event["00741000"]["Value"][0], time.time()))


def written(index_url: str) -> dict[tuple[str, str], float]:
    """Return when each state report was written, right before its commit."""
    database = Database(index_url)
    event = tables.event.c
    statement = select(event.sop_instance_uid, event.time, event.detail).where(event.kind == "workitem")
    rows = database.read(lambda session: session.rows(statement, {}))
    database.drop_idle()
    found = {}
    for uid, moment, detail in rows:
        parsed = json.loads(detail)
        if parsed["to"] and "00741000" in parsed["report"]:
            found[uid, parsed["report"]["00741000"]["Value"][0]] = moment
    return found


@pytest.mark.requirement("UPSE-20", "UPSE-21")
def test_every_event_comes_once_in_order_and_soon(
    four_processes: servers.Server, index_url: str, record_property: Callable[[str, object], None]
) -> None:
    uids = create_many(four_processes, CHANGES // 2)
    seen: Seen = defaultdict(list)
    with four_processes.client(**HEADERS) as client:
        assert client.post(f"/workitems/{WORKLIST}/subscribers/WATCH").status_code == 201
        with channel(client, "WATCH") as socket:
            began = time.monotonic()
            process = changing(four_processes, uids)
            receive(socket, seen, 2 * len(uids))
            took_s = time.monotonic() - began
            process.join(60)
            with pytest.raises(TimeoutError):
                socket.recv(timeout=1)

    assert process.exitcode == 0
    assert {uid: [state for state, _ in events] for uid, events in seen.items()} == {uid: list(STATES) for uid in uids}
    moments = written(index_url)
    delays = sorted(received - moments[uid, state] for uid, events in seen.items() for state, received in events)
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    figures = f"{len(delays)} events in {took_s:.1f} s, p50 {p50 * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms"
    sys.stdout.write(f"{index_url.partition(':')[0]}: {figures}\n")
    record_property("figures", figures)
    assert p99 < P99_S[index_url.partition(":")[0]]


def holder_of(server: servers.Server, socket: ClientConnection) -> int:
    """Return the process that holds the other end of a connection."""
    port = socket.socket.getsockname()[1]
    for child in psutil.Process(server.process.pid).children():
        if any(connection.raddr and connection.raddr.port == port for connection in child.net_connections("tcp")):
            return int(child.pid)
    raise AssertionError("No process holds the connection.")


@pytest.mark.requirement("UPSE-07", "IHE-AIW-12")
def test_the_death_of_the_process_that_holds_the_connection_loses_nothing(
    four_processes: servers.Server, index_url: str
) -> None:
    uids = create_many(four_processes, min(CHANGES, 2000) // 2)
    seen: Seen = defaultdict(list)
    kills = 0
    with four_processes.client(**HEADERS) as client:
        client.post(f"/workitems/{WORKLIST}/subscribers/WATCH")
        process = changing(four_processes, uids)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (
            any(not {state for state, _ in seen[uid]} >= set(STATES) for uid in uids)
        ):
            with contextlib.suppress(ConnectionClosed, OSError), channel(client, "WATCH") as socket:
                timer = None
                if kills < 3:
                    kills += 1
                    timer = threading.Timer(1.0, os.kill, (holder_of(four_processes, socket), signal.SIGKILL))
                    timer.start()
                receive(socket, seen, 1 << 30, patience_s=3.0)
                if timer is not None:
                    timer.join()
        process.join(60)

    assert kills == 3
    for uid in uids:
        states = [state for state, _ in seen[uid]]
        assert set(states) == set(STATES), uid
        assert states.index("IN PROGRESS") < states.index("CANCELED")
    assert {(uid, state) for uid in uids for state in STATES} <= set(written(index_url))
