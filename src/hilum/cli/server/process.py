"""The server process: granian with one worker a core, respawned when one dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from granian.constants import HTTPModes, Interfaces, Loops, SSLProtocols
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from hilum.cli.invocation.failures import ExitStatus
from hilum.cli.server.status import before_end
from hilum.cli.server.worker import load_application
from hilum.config import Settings
from hilum.web.gate.access_log import configure_logging

_CONNECTIONS: Final = 4096
"""Backlog, and open connections of one worker."""
_HEADER_TIMEOUT_MS: Final = 5_000
_EARLY_S: Final = 15.0
"""Workers that fail this soon after the start would fail for ever."""
_MOST_RESTARTS: Final = 5
_RESTARTS_WITHIN_S: Final = 600.0
_ANNOUNCE_PATIENCE_S: Final = 60.0
_ANNOUNCE_PAUSE_S: Final = 0.1

MALLOC_ENVIRONMENT: Final = {
    # Objects of some hundred kilobytes come and go with each request: by default each would be a mapping of
    # its own, whose pages the kernel zeroes again and again.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(64 * 1024 * 1024),
}
"""Read by the C library when a process starts; workers are fresh processes, so they get it from their parent."""

_LOGS_LIKE_OURS: Final = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}
"""granian's own lines go where those of `hilum` go, and look like them."""

_log = logging.getLogger(__name__)


def run_server(
    settings: Settings, *, address: str, announce: Callable[[], None], farewell: Callable[[], None]
) -> ExitStatus:
    """Serve until SIGTERM or SIGINT; return what the process should exit with.

    A worker that dies is respawned. Where granian gives up, because one died again within seconds, the
    workers start afresh: an object that kills its worker must not stop the server.

    Args:
        settings: passed to the workers as they are.
        address: what `settings.host` stands for.
        announce: called once the port answers.
        farewell: called when a signal ends the server, while its workers still serve.
    """
    configure_logging(settings.log)
    # Fork would copy locks that other threads of this process hold at that moment.
    multiprocessing.set_start_method("spawn", force=True)
    for name, value in MALLOC_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    threading.Thread(
        target=_announce_when_up, args=(address, settings.port, announce), name="announce", daemon=True
    ).start()
    restarts: list[float] = []
    while True:
        server = _granian(settings, address)
        # Once granian has set its own handlers of signals.
        server.on_startup(partial(before_end, farewell))
        started = time.monotonic()
        if _served_to_the_end(server, settings):
            return ExitStatus.SUCCESS
        now = time.monotonic()
        restarts = [moment for moment in restarts if now - moment < _RESTARTS_WITHIN_S]
        if now - started < _EARLY_S or len(restarts) >= _MOST_RESTARTS:
            _log.error("The workers do not stay alive: giving up.")
            return ExitStatus.INCOMPLETE
        restarts.append(now)
        _log.error("Workers died in quick succession: starting them afresh.")


def _served_to_the_end(server: MPServer, settings: Settings) -> bool:
    """Run the server; return whether a signal ended it, and not the death of workers."""
    try:
        server.serve(target_loader=partial(load_application, settings), wrap_loader=False)
    except SystemExit:
        # Ctrl-C reaches the workers too: one that ends before it is told to counts as failed.
        return server.interrupt_signal
    return True


def _granian(settings: Settings, address: str) -> MPServer:
    return MPServer(
        "hilum",
        address=address,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers or len(os.sched_getaffinity(0)),
        loop=Loops.uvloop,
        # Over plain TCP nobody but attackers speaks HTTP/2; with TLS the handshake chooses.
        http=HTTPModes.auto if settings.tls_cert else HTTPModes.http1,
        websockets=True,
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_TIMEOUT_MS),
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        ssl_protocol_min=SSLProtocols.tls12,
        respawn_failed_workers=True,
        workers_kill_timeout=settings.shutdown_timeout_s,
        log_level=LogLevels.warning,
        log_dictconfig=_LOGS_LIKE_OURS,
    )


def _announce_when_up(address: str, port: int, announce: Callable[[], None]) -> None:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - a name, not a binding
    deadline = time.monotonic() + _ANNOUNCE_PATIENCE_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((reachable, port), timeout=1.0).close()
        except OSError:
            time.sleep(_ANNOUNCE_PAUSE_S)
        else:
            announce()
            return
