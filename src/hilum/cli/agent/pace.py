"""A limit on bytes a second, shared by all threads of a command."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator


class Pace:
    """Lets bytes through no faster than agreed."""

    def __init__(self, bytes_per_s: float) -> None:
        """Begin; 0 sets no limit."""
        self._bytes_per_s = bytes_per_s
        self._lock = threading.Lock()
        self._free_at = time.monotonic()

    def wait(self, size: int) -> None:
        """Wait until `size` more bytes may pass."""
        if not self._bytes_per_s:
            return
        with self._lock:
            now = time.monotonic()
            begins = max(self._free_at, now)
            self._free_at = begins + size / self._bytes_per_s
        if begins > now:
            time.sleep(begins - now)

    def through(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield `chunks` at this pace."""
        for chunk in chunks:
            self.wait(len(chunk))
            yield chunk
