"""The page at `/` and its assets: they come with the package, and no other host is asked for anything.

The assets lie below one digest of all of them, so that each may be kept for good and modules name each other simply.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Final

import imagecodecs
import orjson
from pydicom._dicom_dict import DicomDictionary
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hilum.config import Settings
from hilum.web.page.server_page import server_page
from hilum.wire.accept import preferred_coding

POLICY: Final = (
    "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; frame-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Pixels, video and documents that need a bearer token are fetched, and shown from the memory of the browser."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_TYPES: Final[Mapping[str, str]] = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}
_INDEX: Final = "index.html"
_KEEP: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, in each content coding that it is served in."""

    media_type: str
    bodies: Mapping[str, bytes]
    """Content coding to bytes; `identity` is always there."""


def page_routes(settings: Settings) -> list[BaseRoute]:
    """Return the routes of the page; what they serve is compressed once, here."""
    contents = read_contents()
    digest = digest_of(contents)
    # Relative, so that they hold behind any proxy.
    fill = {"{assets}": f"page/{digest}", "{dicomweb}": settings.http.dicomweb_root.lstrip("/")}
    index = contents.pop(_INDEX).decode()
    for name, value in fill.items():
        index = index.replace(name, value)
    document = compressed(index.encode(), "text/html; charset=utf-8")
    assets = {name: compressed(body, _TYPES[name.rpartition(".")[2]]) for name, body in contents.items()}

    async def answer_page(request: Request) -> Response:
        return _answer(document, request, "no-cache")

    async def answer_asset(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None or request.path_params["digest"] != digest:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return _answer(asset, request, _KEEP)

    return [
        Route("/", answer_page),
        Route("/page/{digest}/{name}", answer_asset),
        Route("/server.json", server_page),
    ]


def read_contents() -> dict[str, bytes]:
    """Return what the page is made of, by name."""
    folder = files("hilum.web.page").joinpath("assets")
    contents = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    names = {f"{tag:08X}": row[2] for tag, row in DicomDictionary.items() if row[2]}
    contents["attributes.json"] = orjson.dumps(names)
    return contents


def digest_of(contents: Mapping[str, bytes]) -> str:
    """Return a name for exactly these contents."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(hashlib.sha256(name.encode()).digest() + hashlib.sha256(contents[name]).digest())
    return digest.hexdigest()[:16]


def compressed(body: bytes, media_type: str) -> Asset:
    """Return an asset in all codings."""
    brotli = bytes(imagecodecs.brotli_encode(body, level=11))
    return Asset(media_type, {"br": brotli, "gzip": gzip.compress(body, 9, mtime=0), "identity": body})


def _answer(asset: Asset, request: Request, cache_control: str) -> Response:
    coding = preferred_coding(request.headers.get("accept-encoding", ""), ("br", "gzip")) or "identity"
    headers = {**_HEADERS, "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    if coding != "identity":
        headers["Content-Encoding"] = coding
    return Response(asset.bodies[coding], headers=headers, media_type=asset.media_type)
