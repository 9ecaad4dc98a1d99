"""Who may use a data folder as its server, and who may prepare it.

A lock goes with the process that holds it, so none is left behind by a crash.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hilum.cli.invocation.failures import CommandFailed

_PREPARATION_LOCK: Final = "prepare.lock"
_SERVER_LOCK: Final = "server.lock"


@contextmanager
def preparation(data: Path) -> Iterator[None]:
    """Wait until nobody prepares the data folder, then be the one who does. Taken before the server's lock."""
    descriptor = _opened(data / _PREPARATION_LOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def server_lock(data: Path) -> Iterator[None]:
    """Hold the data folder as its one server.

    Raises:
        CommandFailed: another server holds it.
    """
    descriptor = _opened(data / _SERVER_LOCK)
    try:
        if not _locked(descriptor):
            raise CommandFailed(f"Another server already uses the data folder {data}{_holder(descriptor)}.")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def without_server(data: Path) -> Iterator[bool]:
    """Keep servers out of the data folder; yields False if one runs already. Inside `preparation`."""
    descriptor = _opened(data / _SERVER_LOCK)
    try:
        yield _locked(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise CommandFailed(f"The lock file {path} cannot be opened: {error.strerror}.") from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0).strip()
    return f" (process {text.decode()})" if text.isdigit() else ""
