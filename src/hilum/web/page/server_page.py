"""What the page says of the server: figures, versions and the settings in force, without secrets."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from hilum.config import Settings
from hilum.store.rows.records import Totals
from hilum.web.origin import origin_of

_PACKAGES: Final = ("hilum", "granian", "imagecodecs", "pydicom", "sqlalchemy", "starlette")
_URLS: Final = ("index_url", "blobs_url")
_PATHS: Final = ("data", "token_file", "tls_cert", "tls_key")
"""Where things lie on the machine is nobody's business but the administrator's: whether they are set is told."""


async def server_page(request: Request) -> Response:
    """Answer with the figures of this moment."""
    origin = origin_of(request)
    totals = await origin.pool.run(origin.archive.index.totals)
    links = {
        "service": origin.service_url(request),
        "documentation": "docs",
        "description": "openapi.json",
        "metrics": "metrics",
        "ready": "health/ready",
    }
    body = describe(totals, origin.settings, links)
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})


def describe(totals: Totals, settings: Settings, links: dict[str, str]) -> dict[str, Any]:
    """Return the document as JSON values."""
    return {
        "totals": {
            "studies": totals.studies,
            "series": totals.series,
            "instances": totals.instances,
            "bytes": totals.size_bytes,
        },
        "versions": {
            **{name: version(name) for name in _PACKAGES},
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "settings": shown_settings(settings),
        "links": links,
    }


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings in force; of URLs their kind alone, of paths whether there is one."""
    shown = settings.model_dump(mode="json")
    for name in _URLS:
        shown[name] = urlsplit(shown[name]).scheme if shown[name] else ""
    for name in _PATHS:
        shown[name] = shown[name] is not None
    return shown
