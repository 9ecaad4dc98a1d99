"""Event reports on their way to the receivers that are connected to this process.

One thread reads the event log as it grows, for all of them; the event loop hands each report to the connections of its
receivers. A connection that is slow holds a bounded number of reports: when it has caught up with those, it reads on
in the log, so it loses nothing and harms nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from hilum.archive.archive import Archive
from hilum.store.worklist.records import Report
from hilum.web.transfer.pool import Pool

_logger = logging.getLogger(__name__)

Cursor = tuple[int, int]

_BATCH: Final = 500
_QUEUED: Final = 1000
"""Most reports that wait in memory for one connection."""
_WAIT_S: Final = 1.0
_KEEP_EVERY_S: Final = 1.0
_RETRY_S: Final = 1.0


class Receiver:
    """One connection; all its methods belong to the event loop."""

    def __init__(self, ae_title: str) -> None:
        """Wait for reports to an AE."""
        self.ae_title: Final = ae_title
        self.sent: Cursor = (0, 0)
        """Position in the log up to which everything has been sent; (0, 0) before the first is known."""
        self.settled: Cursor = (0, 0)
        """The same a while ago: what was sent so long ago has arrived."""
        self.has_overflowed = False
        self.is_closed = False
        self._queue: Final[deque[Report]] = deque()
        self._wake: Final = asyncio.Event()

    def offer(self, report: Report) -> None:
        """Queue a report, or remember that there were too many."""
        if len(self._queue) >= _QUEUED:
            self._queue.clear()
            self.has_overflowed = True
        if not self.has_overflowed:
            self._queue.append(report)
        self._wake.set()

    def skip_to(self, cursor: Cursor) -> None:
        """Know that the log has nothing more for this receiver up to `cursor`."""
        if not self._queue and not self.has_overflowed and self.sent > (0, 0):
            self.sent = max(self.sent, cursor)

    def start_over(self) -> None:
        """Forget what is queued: the log is read from `sent` on."""
        self._queue.clear()
        self.has_overflowed = False

    async def next_report(self) -> Report | None:
        """Return the next report; None if there were too many, or the server ends."""
        while not self._queue:
            if self.has_overflowed or self.is_closed:
                return None
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def close(self) -> None:
        """End once what is queued has been sent."""
        self.is_closed = True
        self._wake.set()


class Feed:
    """The receivers that are connected to this process. One an application; its methods belong to the event loop."""

    def __init__(self, archive: Archive, pool: Pool) -> None:
        """Read the log of `archive`; positions are kept by threads of `pool`."""
        self._archive: Final = archive
        self._pool: Final = pool
        self._receivers: Final[dict[str, set[Receiver]]] = {}
        self._kept: Final[dict[str, Cursor]] = {}
        self._ready: Final = asyncio.Event()
        self._stop: Final = threading.Event()
        self._thread: threading.Thread | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def size(self) -> int:
        """Number of open connections."""
        return sum(map(len, self._receivers.values()))

    async def add(self, ae_title: str) -> Receiver:
        """Return a receiver that gets every report from now on; what is older is read from the log."""
        receiver = Receiver(ae_title)
        self._receivers.setdefault(ae_title, set()).add(receiver)
        if self._thread is None:
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._read, args=(loop,), name="event-feed", daemon=True)
            self._thread.start()
            self._keeper = asyncio.create_task(self._keep_positions())
        await self._ready.wait()
        return receiver

    async def remove(self, receiver: Receiver, *, arrived: Cursor) -> None:
        """Forget a connection, and keep how far its receiver has got."""
        connections = self._receivers.get(receiver.ae_title, set())
        connections.discard(receiver)
        if not connections:
            self._receivers.pop(receiver.ae_title, None)
        if arrived > (0, 0):
            await self._pool.run(self._archive.index.worklist.keep_positions, {receiver.ae_title: arrived})

    async def close(self) -> None:
        """End all connections and the reading of the log."""
        self._stop.set()
        for receivers in self._receivers.values():
            for receiver in receivers:
                receiver.close()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2 * _WAIT_S)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the log until the feed is closed; in a thread of its own, since it waits."""
        worklist = self._archive.index.worklist
        cursor: Cursor | None = None
        while not self._stop.is_set():
            try:
                if cursor is None:
                    cursor = worklist.latest()
                    loop.call_soon_threadsafe(self._ready.set)
                elif worklist.wait(cursor, _WAIT_S):
                    cursor, reports = worklist.reports_after(cursor, _BATCH)
                    loop.call_soon_threadsafe(self._dispatch, cursor, reports)
            except RuntimeError:
                # The event loop, or the index below, has been closed.
                return
            except Exception:
                # The outermost layer of the thread: a database that is away comes back.
                _logger.exception("The event log cannot be read; it is tried again.")
                self._stop.wait(_RETRY_S)

    def _dispatch(self, cursor: Cursor, reports: Sequence[Report]) -> None:
        for report in reports:
            for ae_title in report.receivers & self._receivers.keys():
                for receiver in self._receivers[ae_title]:
                    receiver.offer(report)
        for receivers in self._receivers.values():
            for receiver in receivers:
                receiver.skip_to(cursor)

    async def _keep_positions(self) -> None:
        """Keep once a second how far receivers have got, so that little is repeated after a crash."""
        while True:
            await asyncio.sleep(_KEEP_EVERY_S)
            positions: dict[str, Cursor] = {}
            for ae_title, receivers in self._receivers.items():
                settled = min(receiver.settled for receiver in receivers)
                if settled > self._kept.get(ae_title, (0, 0)):
                    positions[ae_title] = settled
                for receiver in receivers:
                    receiver.settled = receiver.sent
            if positions:
                try:
                    await self._pool.run(self._archive.index.worklist.keep_positions, positions)
                except Exception:
                    _logger.exception("Positions of receivers cannot be kept; it is tried again.")
                else:
                    self._kept.update(positions)
