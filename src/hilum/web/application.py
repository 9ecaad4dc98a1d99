"""The ASGI application of one worker process: routes from the table, rules around them, start and end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from hilum.archive.archive import Archive
from hilum.archive.ingest import COUNTS
from hilum.config import Settings
from hilum.web.description.docs import docs_routes
from hilum.web.description.retrieve_capabilities import Capabilities
from hilum.web.gate.access_log import configure_logging
from hilum.web.gate.metrics import CONTENT_TYPE, FALLBACKS, INSTANCES, Metrics
from hilum.web.gate.middleware import Gate
from hilum.web.operations import live, ready
from hilum.web.origin import Origin, origin_of
from hilum.web.page.page import page_routes
from hilum.web.public_url import PublicUrl
from hilum.web.resources.resource import Resource, Service
from hilum.web.resources.services import SERVICES
from hilum.web.transfer.feed import Feed
from hilum.web.transfer.pool import Pool
from hilum.web.transfer.receive import Uploads
from hilum.web.transfer.renderings import Renderings
from hilum.web.transfer.send import Sender

READ_THREADS: Final = 4
"""Threads of a worker for searches and retrieval. More only compete for the interpreter: 12 cost a small answer
0.51 ms of CPU, 3 cost 0.34 ms."""
STORE_THREADS: Final = 12
"""Threads of a worker for stores, which mostly wait for the disk; neither kind ever waits for a peer."""
MESSAGE_THREADS: Final = 2
"""Threads of a worker for SOAP messages."""

_SAMPLE_EVERY_S: Final = 1.0

OpenArchive = Callable[[], AbstractContextManager[Archive]]


def build_application(settings: Settings, open_archive: OpenArchive) -> ASGIApp:
    """Return the application; it opens the archive when the server starts it, and closes it at the end.

    Raises:
        ValueError: a setting that is read here makes no sense.
        OSError: the token file or the run folder cannot be used.
    """
    configure_logging(settings.log)
    metrics = Metrics(settings.data / "run")
    metrics.mirror(INSTANCES, lambda: COUNTS.outcomes)
    metrics.mirror(FALLBACKS, lambda: COUNTS.fallbacks)
    public_url = PublicUrl(settings.http)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        pool, stores = Pool("transactions", threads=READ_THREADS), Pool("stores", threads=STORE_THREADS)
        messages = Pool("messages", threads=MESSAGE_THREADS)
        sender, renderings = Sender(pool, kept_bytes=settings.coding.cache_bytes), Renderings(settings.rendering)
        with open_archive() as archive:
            uploads, feed = Uploads(stores, settings.http), Feed(archive, stores)
            app.state.origin = Origin(settings, archive, pool, uploads, sender, public_url, feed, renderings, messages)
            sampler = asyncio.create_task(_sample(metrics))
            try:
                yield
            finally:
                sampler.cancel()
                await feed.close()
                stores.close()
                renderings.close()
                messages.close()
                pool.close()

    async def metrics_page(request: Request) -> Response:
        page = await origin_of(request).pool.run(metrics.page)
        return PlainTextResponse(page, media_type=CONTENT_TYPE)

    root = settings.http.dicomweb_root
    restful = [service for service in SERVICES if service.root(settings.http) == root]
    described = tuple(resource for service in restful for resource in _served(service, settings))
    base = Capabilities(described, "")
    routes = [
        *[route for service in restful for route in _routes(_served(service, settings), root, described)],
        *[
            route
            for service in SERVICES
            if service not in restful
            for route in _routes(_served(service, settings), service.root(settings.http), ())
        ],
        *[Route(path, _OptionsOnly(base), methods=["OPTIONS"]) for path in {root, f"{root}/"} if path],
        *[
            WebSocketRoute(service.root(settings.http) + socket.path, socket.handler)
            for service in SERVICES
            for socket in service.sockets
        ],
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/metrics", metrics_page),
        *page_routes(settings),
        *docs_routes(),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    # A path with a slash too many names nothing of PS3.18.
    app.router.redirect_slashes = False
    return Gate(app, settings, public_url=public_url, metrics=metrics)


def _served(service: Service, settings: Settings) -> list[Resource]:
    return [resource for resource in service.resources if resource.is_served(settings)]


def _routes(resources: Iterable[Resource], root: str, described: tuple[Resource, ...]) -> list[BaseRoute]:
    """Return one route a path; its methods are those of the table, and OPTIONS names them.

    Args:
        resources: of one service.
        root: path that theirs are relative to.
        described: the table that Retrieve Capabilities reads; empty where that transaction is not PS3.18's.
    """
    by_path: dict[str, dict[str, Resource]] = {}
    for resource in resources:
        by_path.setdefault(resource.path, {})[resource.method] = resource
    return [
        Route(root + path, _PathHandler(methods, Capabilities(described, path) if described else None))
        for path, methods in by_path.items()
    ]


class _PathHandler:
    """All methods of one path."""

    def __init__(self, methods: dict[str, Resource], capabilities: Capabilities | None) -> None:
        self._methods = methods
        self._capabilities = capabilities
        names = {*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        self._allow = ", ".join(sorted(names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        resource = self._methods.get(method)
        if resource is None:
            await self._answer_without_resource(method, scope, receive, send)
            return
        response = await resource.handler(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer_without_resource(self, method: str, scope: Scope, receive: Receive, send: Send) -> None:
        if method != "OPTIONS":
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": self._allow})
        if self._capabilities is not None:
            response = self._capabilities.retrieve(Request(scope, receive), allow=self._allow)
            await response(scope, receive, send)
            return
        await Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": self._allow})(scope, receive, send)


class _OptionsOnly:
    """The base URI of the RESTful services: no more than its description."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._capabilities.retrieve(Request(scope, receive), allow="OPTIONS")
        await response(scope, receive, send)


async def _sample(metrics: Metrics) -> None:
    """Take the samples that no request brings about, once a second."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _SAMPLE_EVERY_S
        await asyncio.sleep(_SAMPLE_EVERY_S)
        metrics.sample(loop_lag_s=max(0.0, loop.time() - due))
