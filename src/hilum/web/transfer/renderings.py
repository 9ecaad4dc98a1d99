"""Bounded work on renderings: few at once, few that wait, none for a user agent that has gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.types import Receive

from hilum.config import RenderingSettings
from hilum.errors import OutOfResources, RequestCutShort
from hilum.web.transfer.kept_bodies import KeptBodies
from hilum.web.transfer.pool import Pool

T = TypeVar("T")


class Renderings:
    """One a process; `run` belongs to the thread of the event loop."""

    def __init__(self, settings: RenderingSettings) -> None:
        """Prepare threads for `settings.jobs` renderings at once."""
        self._threads = settings.jobs or len(os.sched_getaffinity(0))
        self._pool = Pool("renderings", threads=self._threads)
        self._limit = settings.waiting
        self._outstanding = 0
        self.finished = KeptBodies(settings.cache_bytes)

    async def run(self, function: Callable[[], T], receive: Receive) -> T:
        """Run a function in a thread once there is a free one.

        Raises:
            OutOfResources: too many wait already.
            RequestCutShort: the user agent has gone; what had not begun is not done.
        """
        if self._outstanding >= self._limit:
            raise OutOfResources("Too many renderings wait.")
        self._outstanding += 1
        try:
            job = self._pool.run(function)
            if self._outstanding <= self._threads:
                # It has begun: there is nothing left to drop, and nobody to watch for.
                return await job
            return await _unless_gone(job, receive)
        finally:
            self._outstanding -= 1

    def close(self) -> None:
        """Let running renderings end."""
        self._pool.close()


async def _unless_gone(job: asyncio.Future[T], receive: Receive) -> T:
    watcher = asyncio.ensure_future(_gone(receive))
    waiting: tuple[asyncio.Future[Any], ...] = (job, watcher)
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if job.done():
            return job.result()
        raise RequestCutShort("The user agent has gone.")
    finally:
        watcher.cancel()
        job.cancel()


async def _gone(receive: Receive) -> None:
    """Wait until the user agent has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
