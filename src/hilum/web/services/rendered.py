"""Handlers of rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from hilum.render.parameter_text import parse_rendering, parse_thumbnail
from hilum.render.parameters import RenderingParameters
from hilum.services.studies import rendered
from hilum.services.studies.retrieve import Retrieved
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import acceptable_of, frame_numbers_of, query_values, target_of
from hilum.web.represent import represent_parts, retrieved_etag
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import none_match
from hilum.wire.ranges import RangeNotSatisfiable, parse_range
from hilum.wire.selection import Packaging

_KEPT: Final = frozenset({"image/gif"})
"""Media types beside video that are worth keeping: several frames are long in the making."""


async def retrieve_rendered(request: Request) -> AnswerResponse:
    """Retrieve a rendered study, series, instance or frames (PS3.18 10.4.1.1.3)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request)
    service_url = origin.service_url(request)
    parameters = replace(parse_rendering(query_values(request)), service_url=service_url)
    find = partial(
        rendered.retrieve_rendered,
        target,
        _frames_of(request),
        parameters,
        acceptable,
        archive=origin.archive,
    )
    return await _answer(request, origin, find, _warnings(parameters, service_url))


async def retrieve_thumbnail(request: Request) -> AnswerResponse:
    """Retrieve the thumbnail of a study, series, instance or frame (PS3.18 10.4.1.1.4)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request)
    parameters = parse_thumbnail(query_values(request))
    find = partial(
        rendered.retrieve_thumbnail, target, _frames_of(request), parameters, acceptable, archive=origin.archive
    )
    return await _answer(request, origin, find, {})


def _frames_of(request: Request) -> tuple[int, ...] | None:
    return frame_numbers_of(request) if "frames" in request.path_params else None


def _warnings(parameters: RenderingParameters, service_url: str) -> dict[str, str]:
    """Return the Warning header that names annotations that were passed over (REND-12)."""
    if not parameters.unsupported_annotations:
        return {}
    names = ", ".join(parameters.unsupported_annotations)
    return {"Warning": f"299 {service_url}: The following annotation values are not supported: {names}"}


async def _answer(
    request: Request, origin: Origin, find: Callable[[], Retrieved], extra: dict[str, str]
) -> AnswerResponse:
    service_url = origin.service_url(request)
    if_none_match = request.headers.get("if-none-match")
    wanted_range = request.headers.get("range", "") if request.method == "GET" else ""
    if_range = request.headers.get("if-range", "")

    def transact() -> Answer:
        retrieved = find()
        etag = retrieved_etag(retrieved, service_url)
        if none_match(if_none_match, etag):
            return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Vary": "Accept, Accept-Encoding", **extra}, b"")
        answer = represent_parts(_kept(retrieved, etag, origin), service_url=service_url, etag=etag)
        answer = replace(answer, headers={**answer.headers, **extra})
        return _ranged(answer, wanted_range if if_range in ("", etag) else "")

    return AnswerResponse(await origin.renderings.run(transact, request.receive), origin.sender)


def _kept(retrieved: Retrieved, etag: str, origin: Origin) -> Retrieved:
    """Return a single part that is worth it with bytes that were made before, or are kept once they are made."""
    part = retrieved.parts[0]
    if retrieved.packaging is not Packaging.SINGLE or not _is_worth_keeping(part.offer.media_type, part.path):
        return retrieved

    def chunks() -> Iterator[bytes]:
        body = origin.renderings.finished.find(etag)
        if body is None:
            body = b"".join(part.chunks())
            origin.renderings.finished.keep(etag, body)
        yield body

    return replace(retrieved, parts=[replace(part, chunks=chunks)])


def _is_worth_keeping(media_type: str, path: str) -> bool:
    return media_type.startswith("video/") or media_type in _KEPT or path.endswith("/thumbnail")


def _ranged(answer: Answer, wanted: str) -> Answer:
    """Return the part of a video or of an image that a Range header asks for; browsers seek so."""
    if not isinstance(answer.body, bytes) or answer.status is not HTTPStatus.OK:
        return answer
    headers = {**answer.headers, "Accept-Ranges": "bytes"}
    try:
        part = parse_range(wanted, len(answer.body)) if wanted else None
    except RangeNotSatisfiable as error:
        headers = {"Content-Range": error.content_range, "Accept-Ranges": "bytes"}
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers, b"")
    if part is None:
        return replace(answer, headers=headers)
    headers["Content-Range"] = part.content_range
    return Answer(HTTPStatus.PARTIAL_CONTENT, headers, answer.body[part.start : part.stop])
