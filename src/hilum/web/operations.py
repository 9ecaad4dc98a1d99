"""What an administrator's tools ask: is it alive, is it ready, how is it doing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hilum.web.origin import origin_of


async def live(_request: Request) -> Response:
    """Answer as long as the event loop runs."""
    return PlainTextResponse("live\n")


async def ready(request: Request) -> Response:
    """Answer 200 when the index answers and new objects would be taken.

    Raises:
        OutOfResources: they would not.
    """
    origin = origin_of(request)
    await origin.pool.run(_check, request)
    return PlainTextResponse("ready\n")


def _check(request: Request) -> None:
    archive = origin_of(request).archive
    archive.index.ping()
    archive.blobs.check_reserve(0)
