"""Real servers for tests: `hilum serve` in processes of its own, on a free port and a fresh data folder."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

_START_TIMEOUT_S = 60.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    log: Path
    root: str

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Base URL of the RESTful services."""
        return self.origin + self.root

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0, trust_env=False)

    def stop(self) -> int:
        """End the server in order, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """End the server and its workers at once, as a power cut does."""
        for pid in [self.process.pid, *descendants(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(60)


def descendants(pid: int) -> list[int]:
    """Return the processes below `pid`."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def start(
    data: Path,
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Server:
    """Start a server and wait until it is ready.

    Args:
        data: its data folder.
        workers: its worker processes.
        settings: `HILUM_*` variables without the prefix.
        options: further options of `hilum serve`.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HILUM_")}
    environment |= {f"HILUM_{name}": value for name, value in (settings or {}).items()}
    data.mkdir(parents=True, exist_ok=True)
    log = data.with_name(data.name + ".log")
    command = [sys.executable, "-m", "hilum", "serve", "--port", str(port), "--data", str(data)]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*command, "--workers", str(workers), *options],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
    server = Server(process, port, data, log, (settings or {}).get("HTTP__DICOMWEB_ROOT", "/dicomweb"))
    _wait_until_ready(server)
    return server


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.origin}/health/ready", trust_env=False).status_code == 200:
                return
        time.sleep(0.05)
    server.kill()
    raise RuntimeError(f"The server did not start: {server.log.read_text(errors='replace')[-3000:]}")


@contextlib.contextmanager
def running(
    data: Path,
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """Run a server for the length of the context."""
    server = start(data, workers=workers, settings=settings, options=options)
    try:
        yield server
    finally:
        server.stop()
