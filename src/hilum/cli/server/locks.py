"""Who may use a data folder: one server, with workers that must all be gone before the next one.

A lock goes with the last process that holds it, so none is left behind by a crash.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hilum.cli.failures import CommandFailed

_SERVER_LOCK: Final = "server.lock"
_WORKERS_LOCK: Final = "workers.lock"
_WORKERS_PATIENCE_S: Final = 10.0
_PAUSE_S: Final = 0.05


@contextmanager
def server_lock(data: Path) -> Iterator[None]:
    """Hold the data folder as its one server.

    Raises:
        CommandFailed: another server holds it, or workers of a killed one do not end.
    """
    descriptor = _opened(data / _SERVER_LOCK)
    try:
        if not _locked(descriptor, patience_s=0.0):
            raise CommandFailed(f"Another server already uses the data folder {data}{_holder(descriptor)}.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        _await_workers_of_killed_server(data)
        yield
    finally:
        os.close(descriptor)


def hold_as_worker(data: Path) -> None:
    """Keep the next server from starting its repairs while this process lives."""
    fcntl.flock(_opened(data / _WORKERS_LOCK), fcntl.LOCK_SH)


def _await_workers_of_killed_server(data: Path) -> None:
    descriptor = _opened(data / _WORKERS_LOCK)
    try:
        if not _locked(descriptor, patience_s=_WORKERS_PATIENCE_S):
            raise CommandFailed(f"Workers of an earlier server still use the data folder {data}: end them first.")
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise CommandFailed(f"The lock file {path} cannot be opened: {error.strerror}.") from error


def _locked(descriptor: int, *, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE_S)
        else:
            return True


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0).strip()
    return f" (process {text.decode()})" if text.isdigit() else ""
