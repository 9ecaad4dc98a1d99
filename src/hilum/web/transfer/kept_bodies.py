"""Payloads that are asked for again: made once, kept under their validators."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final


class KeptBodies:
    """Payloads of this process by ETag, the least lately used ones given up first; safe for many threads.

    An ETag names everything that the bytes depend on, so nothing here goes stale.
    """

    def __init__(self, limit_bytes: int) -> None:
        """Keep at most `limit_bytes` of payloads."""
        self._limit: Final = limit_bytes
        self._bodies: Final[OrderedDict[str, bytes]] = OrderedDict()
        self._size = 0
        self._lock: Final = threading.Lock()

    def find(self, etag: str) -> bytes | None:
        """Return the payload with that validator, coding included, None if it is not kept."""
        with self._lock:
            body = self._bodies.get(etag)
            if body is not None:
                self._bodies.move_to_end(etag)
            return body

    def keep(self, etag: str, body: bytes) -> None:
        """Keep a payload under its validator; one that takes more than an eighth of the room is not kept."""
        if len(body) > self._limit // 8:
            return
        with self._lock:
            self._size += len(body) - len(self._bodies.pop(etag, b""))
            self._bodies[etag] = body
            while self._size > self._limit:
                _, oldest = self._bodies.popitem(last=False)
                self._size -= len(oldest)
