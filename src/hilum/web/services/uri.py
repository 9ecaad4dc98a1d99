"""Handler of the URI Service (WADO-URI, PS3.18 chapter 9): one resource, two transactions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.requests import Request

from hilum.archive.rendering.rendered import RenderedPart
from hilum.errors import ContentUnavailable
from hilum.render.documents.characters import accepted_charset
from hilum.services.studies.parts import Part, Retrieved
from hilum.services.uri.parameters import DICOM, UriRequest, parse_uri_request
from hilum.services.uri.retrieve_instance import InstanceForm, retrieve_instance
from hilum.services.uri.retrieve_rendered import DicomSelected, retrieve_rendered_instance
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import conditions_of, query_values
from hilum.web.represent import Conditions, represent_parts, retrieved_etag
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import none_match
from hilum.wire.selection import Offer, Packaging

_logger: Final = logging.getLogger(__name__)


async def retrieve(request: Request) -> AnswerResponse:
    """Retrieve a DICOM instance or a rendered one, as the selected media type says (PS3.18 9.3)."""
    origin = origin_of(request)
    wanted = _request_of(request)
    conditions, service_url = conditions_of(request), origin.service_url(request)
    if wanted.names_dicom and not wanted.shapes_pixels:
        transact = partial(_readable, partial(_instance, wanted, origin, service_url, conditions))
        return AnswerResponse(await origin.pool.run(transact), origin.sender)
    transact = partial(_readable, partial(_rendered, wanted, origin, service_url, conditions))
    return AnswerResponse(await origin.renderings.run(transact, request.receive), origin.sender)


def _request_of(request: Request) -> UriRequest:
    wanted = parse_uri_request(query_values(request), ", ".join(request.headers.getlist("accept")))
    charset = wanted.rendering.charset or accepted_charset(request.headers.get("accept-charset", ""))
    return replace(wanted, rendering=replace(wanted.rendering, charset=charset))


def _readable(transact: Callable[[], Answer]) -> Answer:
    """Carry out a transaction whose stored bytes may be out of reach: 503 and a line in the log."""
    try:
        return transact()
    except FileNotFoundError as error:
        _logger.exception("A stored object cannot be read.")
        raise ContentUnavailable("The stored object cannot be read at the moment.") from error


def _instance(wanted: UriRequest, origin: Origin, service_url: str, conditions: Conditions) -> Answer:
    found = retrieve_instance(wanted, archive=origin.archive)
    return _answer(_part_of_instance(found), service_url, conditions)


def _part_of_instance(found: InstanceForm) -> Part:
    form = found.form
    offer = Offer(Packaging.SINGLE, DICOM, form.transfer_syntax_uid)
    return Part(offer, found.path, form.length, found.version, form.chunks)


def _rendered(wanted: UriRequest, origin: Origin, service_url: str, conditions: Conditions) -> Answer:
    found = retrieve_rendered_instance(wanted, service_url, archive=origin.archive)
    if isinstance(found, DicomSelected):
        return _instance(wanted, origin, service_url, conditions)
    answer = _answer(_part_of_rendering(found), service_url, conditions)
    unsupported = wanted.rendering.unsupported_annotations
    if not unsupported:
        return answer
    text = f"299 {service_url}: The following annotation values are not supported: {', '.join(unsupported)}"
    return replace(answer, headers={**answer.headers, "Warning": text})


def _part_of_rendering(found: RenderedPart) -> Part:
    def chunks() -> Iterator[bytes]:
        yield found.render()

    return Part(found.offer, found.path, None, found.version, chunks)


def _answer(part: Part, service_url: str, conditions: Conditions) -> Answer:
    retrieved = Retrieved([part])
    etag = retrieved_etag(retrieved, service_url)
    if none_match(conditions.if_none_match, etag):
        return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Vary": "Accept, Accept-Encoding"}, b"")
    answer = represent_parts(retrieved, service_url=service_url, etag=etag, conditions=conditions)
    if part.path:
        return answer
    # The path of the stored object would tell what was taken out of this one.
    return replace(
        answer, headers={name: value for name, value in answer.headers.items() if name != "Content-Location"}
    )
