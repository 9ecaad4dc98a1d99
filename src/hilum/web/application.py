"""The ASGI application of one worker process: routes from the table, middleware, start and end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import groupby

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from hilum.archive.archive import Archive
from hilum.config import Settings
from hilum.web.docs import docs_routes
from hilum.web.operations import live, ready
from hilum.web.origin import Origin
from hilum.web.pool import Pool
from hilum.web.public_url import PublicUrl
from hilum.web.receive import UploadBudget
from hilum.web.resources import STUDIES_RESOURCES, Resource

_THREADS = 8


def build_application(
    settings: Settings, open_archive: Callable[[], AbstractAsyncContextManager[Archive]]
) -> ASGIApp:
    """Return the application; it opens the archive when the server starts it, and closes it at the end."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_archive() as archive:
            pool = Pool(_THREADS)
            app.state.origin = Origin(settings, archive, pool)
            try:
                yield
            finally:
                pool.close()

    routes: list[BaseRoute] = [
        Route("/health/live", live),
        Route("/health/ready", ready),
        *docs_routes(),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
