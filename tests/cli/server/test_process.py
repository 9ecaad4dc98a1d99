from __future__ import annotations

import signal
import time
from pathlib import Path

import httpx
import psutil

import servers
from hilum.cli.server.process import MALLOC_ENVIRONMENT


def workers(server: servers.Server) -> list[psutil.Process]:
    return [child for child in psutil.Process(server.process.pid).children() if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_a_killed_worker_is_replaced_and_the_server_goes_on(data: Path) -> None:
    with servers.running(data, workers=2) as server:
        first, second = workers(server)

        first.kill()
        deadline = time.monotonic() + 15
        while len(workers(server)) < 2 or first in workers(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)

        assert second.is_running()
        while not answers(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def answers(server: servers.Server) -> bool:
    with server.client() as client:
        try:
            return client.get(f"{server.origin}/health/live").status_code == 200
        except httpx.TransportError:
            return False


def test_workers_end_with_a_killed_parent_and_the_next_server_starts(data: Path) -> None:
    with servers.running(data, workers=2) as server:
        old = workers(server)
        server.process.kill()
        server.process.wait()

        gone, alive = psutil.wait_procs(old, timeout=5)

        assert (len(gone), alive) == (2, [])
        with servers.running(data) as following:
            assert following.process.poll() is None


def test_workers_allocate_memory_as_the_server_wants(data: Path) -> None:
    with servers.running(data) as server:
        (worker,) = workers(server)

        assert MALLOC_ENVIRONMENT.items() <= worker.environ().items()


def test_ctrl_c_ends_the_server_well(data: Path) -> None:
    with servers.running(data, workers=2) as server:
        for process in [psutil.Process(server.process.pid), *workers(server)]:
            process.send_signal(signal.SIGINT)

        assert server.process.wait(20) == 0
