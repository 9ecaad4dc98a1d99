"""What a worker process does before it serves."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess

from starlette.types import ASGIApp

from hilum.app import create_app
from hilum.config import Settings


def load_application(settings: Settings) -> ASGIApp:
    """Return the application of this worker, which ends when the process that started it does."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), name="parent", daemon=True).start()
    return create_app(settings)


def _end_with(parent: BaseProcess) -> None:
    """End this process once `parent` has: a worker without one would keep the port and the data folder."""
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
