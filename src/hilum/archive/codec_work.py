"""The bound on work that codecs do at once, and the cores that it may use."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class CodecWork:
    """Held by a thread while a codec runs: so many threads at once as there are slots, on any of the cores.

    A worker's threads stay on one core, which is cheap for Python, where one runs at a time; codecs run beside it.
    """

    __slots__ = ("_cores", "_home", "_slots")

    def __init__(self, *, slots: int, cores: frozenset[int]) -> None:
        """Prepare the slots.

        Args:
            slots: threads that may hold one at once.
            cores: for the thread that holds a slot; afterwards it is back where this process is.
        """
        self._slots = threading.BoundedSemaphore(slots)
        self._cores = cores
        self._home = frozenset(os.sched_getaffinity(0))

    def __enter__(self) -> None:
        """Wait for a slot and take it."""
        self._slots.acquire()
        if self._cores != self._home:
            os.sched_setaffinity(0, self._cores)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the slot back."""
        if self._cores != self._home:
            os.sched_setaffinity(0, self._home)
        self._slots.release()
