"""Results of codec work on single frames: the same work is done once, and the latest results are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

_OVERHEAD_BYTES: Final = 512
"""Reckoned for an entry beside its bytes."""


@dataclass(frozen=True, slots=True)
class FrameKey:
    """What a result depends on: blobs never change."""

    blob_id: str
    transfer_syntax_uid: str
    frame_index: int


class FrameResults:
    """Frames as they were decoded or encoded, least recently used ones dropped first. For many threads."""

    def __init__(self, max_bytes: int) -> None:
        """Keep at most `max_bytes` of results; 0: none, but work at the same time is done once still."""
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[FrameKey, bytes] = OrderedDict()
        self._running: dict[FrameKey, Future[bytes]] = {}
        self._lock = threading.Lock()

    @property
    def kept_bytes(self) -> int:
        """Bytes of the results that are kept, with what keeping them costs."""
        return self._bytes

    def get(self, key: FrameKey, work: Callable[[], bytes]) -> bytes:
        """Return the result for `key`: one that is kept, that of a thread that works on it, or that of `work`.

        What `work` raises, every thread that waits for it raises, and nothing is kept.
        """
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
            running = self._running.get(key)
            if running is None:
                mine = self._running[key] = Future()
        if running is not None:
            return running.result()
        try:
            result = work()
        except BaseException as error:
            self._finish(key)
            mine.set_exception(error)
            raise
        self._keep(key, result)
        mine.set_result(result)
        return result

    def _finish(self, key: FrameKey) -> None:
        with self._lock:
            del self._running[key]

    def _keep(self, key: FrameKey, result: bytes) -> None:
        size = len(result) + _OVERHEAD_BYTES
        with self._lock:
            del self._running[key]
            if size > self._max_bytes:
                return
            self._kept[key] = result
            self._bytes += size
            while self._bytes > self._max_bytes:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped) + _OVERHEAD_BYTES
