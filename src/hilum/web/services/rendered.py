"""Handlers of rendered resources and thumbnails (PS3.18 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from hilum.render.documents.characters import accepted_charset
from hilum.render.parameter_text import parse_rendering, parse_thumbnail
from hilum.render.parameters import RenderingParameters
from hilum.services.studies import rendered
from hilum.services.studies.parts import Retrieved
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import acceptable_of, conditions_of, frame_numbers_of, query_values, target_of
from hilum.web.represent import represent_parts, retrieved_etag
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import none_match
from hilum.wire.selection import Packaging

_KEPT: Final = frozenset({"image/gif"})
"""Media types beside video that are worth keeping: several frames are long in the making."""


async def retrieve_rendered(request: Request) -> AnswerResponse:
    """Retrieve a rendered study, series, instance or frames (PS3.18 10.4.1.1.3)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request)
    service_url = origin.service_url(request)
    parameters = parse_rendering(query_values(request))
    charset = parameters.charset or accepted_charset(request.headers.get("accept-charset", ""))
    parameters = replace(parameters, service_url=service_url, charset=charset)
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
    conditions = conditions_of(request)

    def transact() -> Answer:
        retrieved = find()
        etag = retrieved_etag(retrieved, service_url)
        if none_match(conditions.if_none_match, etag):
            return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Vary": "Accept, Accept-Encoding", **extra}, b"")
        kept = _kept(retrieved, etag, origin)
        answer = represent_parts(kept, service_url=service_url, etag=etag, conditions=conditions)
        return replace(answer, headers={**answer.headers, **extra})

    return AnswerResponse(await origin.renderings.run(transact, request.receive), origin.sender)


def _kept(retrieved: Retrieved, etag: str, origin: Origin) -> Retrieved:
    """Return a single part with its bytes, made before or now: their length lets user agents ask for ranges."""
    part = retrieved.parts[0]
    if retrieved.packaging is not Packaging.SINGLE:
        return retrieved
    is_kept = _is_worth_keeping(part.offer.media_type, part.path)
    body = origin.renderings.finished.find(etag) if is_kept else None
    if body is None:
        body = b"".join(part.chunks())
        if is_kept:
            origin.renderings.finished.keep(etag, body)
    return replace(retrieved, parts=[replace(part, length=len(body), chunks=partial(_once, body))])


def _once(body: bytes) -> Iterator[bytes]:
    yield body


def _is_worth_keeping(media_type: str, path: str) -> bool:
    return media_type.startswith("video/") or media_type in _KEPT or path.endswith("/thumbnail")
