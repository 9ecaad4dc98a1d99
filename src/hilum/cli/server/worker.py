"""What a worker process does before it serves."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess
from typing import BinaryIO

from starlette.types import ASGIApp

from hilum.app import create_app
from hilum.cli.server.cores import settle
from hilum.config import Settings


def load_application(settings: Settings) -> ASGIApp:
    """Return the application of this worker, which has a core of its own and ends when its parent process does."""
    cores = frozenset(os.sched_getaffinity(0))
    parent = multiprocessing.parent_process()
    if parent is not None:
        core = settle(settings.data / "run")
        threading.Thread(target=_end_with, args=(parent, core), name="parent", daemon=True).start()
    return create_app(settings, codec_cores=cores)


def _end_with(parent: BaseProcess, _core: BinaryIO | None) -> None:
    """End this process once `parent` has: a worker without one would keep the port and the data folder.

    Holds the worker's core until then.
    """
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
