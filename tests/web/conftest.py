from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Served, not collected.
collect_ignore_glob = ["*_app.py"]

Serve = Callable[[str], int]


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    """Serve an ASGI application of this folder with a real server; gives its port."""
    with contextlib.ExitStack() as running:

        def start(target: str) -> int:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            command = [sys.executable, "-m", "granian", target, "--interface", "asgi", "--host", "127.0.0.1"]
            command += ["--port", str(port), "--no-access-log", "--loop", "uvloop", "--working-dir", str(HERE)]
            command += ["--backpressure", "4096", "--workers-kill-timeout", "2"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.callback(process.wait, 10)
            running.callback(process.terminate)
            _wait_until_open(port)
            return port

        yield start


def _wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
