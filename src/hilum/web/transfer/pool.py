"""Threads for transactions: the one hop of a request, and a bounded pool for work on pixels.

A queue and `call_soon_threadsafe` are all that a hop needs, at half the cost of `run_in_executor`. No thread of a
pool ever waits for a peer: it only waits for storage, the index and codecs.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """Daemon threads that run synchronous functions for one event loop; they start as they are needed.

    `run` and `close` belong to the thread of the event loop.
    """

    def __init__(self, name: str, *, threads: int) -> None:
        """Prepare a pool.

        Args:
            name: of the pool, for the names of its threads.
            threads: most threads; what comes beyond them waits in order.
        """
        self._name = name
        self._limit = threads
        self._threads: list[threading.Thread] = []
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._outstanding = 0
        self._closed = False

    def run(self, function: Callable[P, T], *args: P.args, **named: P.kwargs) -> asyncio.Future[T]:
        """Run `function` in a thread; await the result for its value or its exception.

        When the one who waits is cancelled, a function that has begun runs to its end and its result is dropped;
        one that has not begun is not run. What must be released either way belongs into the function.

        Raises:
            RuntimeError: the pool is closed.
        """
        if self._closed:
            raise RuntimeError(f"The pool {self._name} is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            result: T | None = None
            error: BaseException | None = None
            if not future.cancelled():
                try:
                    result = function(*args, **named)
                except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
                    error = raised
            try:
                loop.call_soon_threadsafe(self._settle, future, result, error)
            except RuntimeError:
                # The loop was closed meanwhile: nobody waits any more.
                return
            finally:
                # The frame of a raised error refers to `error`: without this the two keep each other alive.
                error = None

        self._outstanding += 1
        self._jobs.put(job)
        if len(self._threads) < min(self._limit, self._outstanding):
            self._start_thread()
        return future

    def release(self, function: Callable[[], None]) -> None:
        """Run a function that lets something go and that nobody waits for; at once if the pool is closed."""
        if self._closed:
            function()
        else:
            self.run(function)

    def close(self, *, timeout_s: float = 10.0) -> None:
        """Let running and waiting functions end, for at most `timeout_s` seconds, and their threads with them."""
        self._closed = True
        deadline = time.monotonic() + timeout_s
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start_thread(self) -> None:
        name = f"{self._name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            # An idle thread must not keep the last result alive.
            del job

    def _settle(self, future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
        self._outstanding -= 1
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        elif isinstance(error, StopIteration):
            # A future cannot carry it: it would end the coroutine that waits.
            stopped = RuntimeError("A function in a worker thread raised StopIteration.")
            stopped.__cause__ = error
            future.set_exception(stopped)
        else:
            future.set_exception(error)
