"""`/openapi.json`, and Swagger UI at `/docs` from assets that come with a package: no other host is asked."""

from __future__ import annotations

from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from hilum.web.description.openapi import described, openapi_document
from hilum.web.origin import origin_of
from hilum.web.resources.services import SERVICES

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hilum DICOMweb</title>
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="icon" href="docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

_START: Final = """SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", validatorUrl: null});
"""

_POLICY: Final = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


async def _openapi(request: Request) -> Response:
    origin = origin_of(request)
    services = described(SERVICES, origin.settings, public_url=origin.public_url.of(request))
    document = openapi_document(services, server_url=origin.service_url(request), version=version("hilum"))
    return Response(orjson.dumps(document), media_type="application/json")


async def _page(_request: Request) -> Response:
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


async def _start(_request: Request) -> Response:
    return Response(_START, media_type="text/javascript")


def docs_routes() -> list[BaseRoute]:
    """Return the routes of the documentation."""
    assets = Path(str(files("swagger_ui").joinpath("static")))
    return [
        Route("/openapi.json", _openapi),
        Route("/docs", _page),
        Route("/docs/start.js", _start),
        Mount("/docs/assets", StaticFiles(directory=assets)),
    ]
