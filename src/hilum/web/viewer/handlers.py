"""Handlers of the viewer: its page, its configuration and its files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from hilum.errors import ContentUnavailable, TargetNotFound
from hilum.viewer.adapting import MEDIA_TYPES
from hilum.viewer.installation import CODINGS, Installation, ViewerDamaged, find_installation, record_stamp
from hilum.web.origin import origin_of
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.web.viewer.page import FILE_HEADERS, PAGE_HEADERS, configuration, page
from hilum.wire.accept import preferred_coding
from hilum.wire.conditional import etag_of, none_match, with_coding

_logger = logging.getLogger(__name__)

_PIECE_BYTES: Final = 1024 * 1024
_FOREVER: Final = "public, max-age=31536000, immutable"
_NOT_INSTALLED: Final = "The OHIF viewer is not installed: the command `hilum viewer install` installs it."
_DAMAGED: Final = "The files of the viewer cannot be read: the command `hilum viewer install` installs them again."


async def open_viewer(request: Request) -> AnswerResponse:
    """Answer with the page that starts the viewer: any path that names no file is one of the viewer's own."""
    origin = origin_of(request)
    if PurePosixPath(request.path_params.get("path", "")).suffix in MEDIA_TYPES:
        raise TargetNotFound("The viewer has no such file.")
    root = urlsplit(origin.public_url.of(request)).path + origin.settings.http.viewer_root
    if_none_match = request.headers.get("if-none-match")

    def transact() -> Answer:
        text = page(root, _installed(origin.settings.data))
        return _generated(text, "text/html; charset=utf-8", if_none_match)

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


async def configure_viewer(request: Request) -> AnswerResponse:
    """Answer with the viewer's configuration, made for where this request came to."""
    origin = origin_of(request)
    root = urlsplit(origin.public_url.of(request)).path + origin.settings.http.viewer_root
    service = urlsplit(origin.service_url(request)).path
    if_none_match = request.headers.get("if-none-match")

    def transact() -> Answer:
        text = configuration(root, service, _installed(origin.settings.data))
        return _generated(text, MEDIA_TYPES[".js"], if_none_match)

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


async def retrieve_file(request: Request) -> AnswerResponse:
    """Answer with a file of the viewer; the build in its path makes it the same for ever."""
    origin = origin_of(request)
    build, name = request.path_params["build"], request.path_params["path"]
    answer = partial(
        _file,
        origin.settings.data,
        build,
        name,
        accepted=request.headers.get("accept-encoding", ""),
        if_none_match=request.headers.get("if-none-match"),
    )
    return AnswerResponse(await origin.pool.run(answer), origin.sender)


def _installed(data: Path) -> Installation:
    """Return the installed viewer.

    Raises:
        TargetNotFound: there is none.
        ContentUnavailable: it is damaged.
    """
    try:
        found = _remembered(data, record_stamp(data))
    except ViewerDamaged as error:
        _logger.exception("The installed viewer is damaged.")
        raise ContentUnavailable(_DAMAGED) from error
    if found is None:
        raise TargetNotFound(_NOT_INSTALLED)
    return found


@lru_cache(maxsize=2)
def _remembered(data: Path, _stamp: tuple[int, int] | None) -> Installation | None:
    # The stamp changes with the record: another process may install while this one runs.
    return find_installation(data)


def _generated(text: str, media_type: str, if_none_match: str | None) -> Answer:
    etag = etag_of(media_type, text)
    headers = {**PAGE_HEADERS, "Content-Type": media_type, "ETag": etag, "Vary": "Accept-Encoding"}
    if none_match(if_none_match, etag):
        return Answer(HTTPStatus.NOT_MODIFIED, headers, b"")
    return Answer(HTTPStatus.OK, headers, text.encode())


def _file(data: Path, build: str, name: str, *, accepted: str, if_none_match: str | None) -> Answer:
    """Return the answer for a file: of the forms that are kept, the best that the user agent takes."""
    installation = _installed(data)
    # The record alone says which files there are: no path is made of what a request says.
    sizes = installation.files.get(name)
    if sizes is None or build != installation.build:
        raise TargetNotFound("The viewer has no such file.")
    kept = tuple(coding for coding in CODINGS if coding in sizes)
    coding = preferred_coding(accepted, kept) if kept else None
    etag = etag_of(build, name)
    headers = {
        **FILE_HEADERS,
        "Content-Type": MEDIA_TYPES.get(PurePosixPath(name).suffix, "text/plain; charset=utf-8"),
        "Cache-Control": _FOREVER,
        "ETag": etag,
    }
    if kept:
        headers["Vary"] = "Accept-Encoding"
    if none_match(if_none_match, etag):
        return Answer(HTTPStatus.NOT_MODIFIED, headers, b"")
    if coding is not None:
        headers |= {"Content-Encoding": coding, "ETag": with_coding(etag, coding)}
    form = coding or "identity"
    pieces = _pieces(installation.path(name, form), sizes[form])
    return Answer(HTTPStatus.OK, headers, pieces, sizes[form])


def _pieces(path: Path, size: int) -> Iterator[bytes]:
    """Yield the content of a file.

    Raises:
        ContentUnavailable: the file is not there, or not of the recorded size.
    """
    try:
        with path.open("rb") as stream:
            while size > 0:
                piece = stream.read(min(size, _PIECE_BYTES))
                if not piece:
                    raise ContentUnavailable(_DAMAGED)
                size -= len(piece)
                yield piece
    except OSError as error:
        _logger.exception("A file of the viewer cannot be read.")
        raise ContentUnavailable(_DAMAGED) from error
