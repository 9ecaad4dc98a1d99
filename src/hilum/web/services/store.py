"""Handler of the Store transaction: parts are ingested while later ones still arrive (PS3.18 10.5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

import orjson
from starlette.requests import Request

from hilum.archive.archive import Archive
from hilum.archive.ingest import FailureReason, Ingested, ingest
from hilum.config import MissingAccept
from hilum.dicom.xml import json_to_xml
from hilum.errors import InvalidRequest, NotAcceptable, OutOfResources, UnsupportedMediaType
from hilum.services.studies.offers import ONE_DATA_SET_OFFERS
from hilum.services.studies.store import Conclusion, store_result
from hilum.store.blobs.protocol import Staged
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import acceptable_of, select_metadata_type, target_of
from hilum.web.represent import XML, xml_answer
from hilum.web.services.store_metadata import receive_metadata
from hilum.web.transfer.receive import PartProblem, ReceivedPart, receive_parts, receive_single
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.media_types import MediaType, parse_media_type
from hilum.wire.selection import Offer

_logger = logging.getLogger(__name__)

_PARTS_AT_ONCE: Final = 4
_PART_TYPES: Final = frozenset({"application/dicom", "application/octet-stream"})
_SUPPORTED: Final = (
    'Supported: multipart/related; type="application/dicom", "application/dicom+json" or "application/dicom+xml"; '
    "application/dicom."
)
_METADATA_FORMS: Final[Mapping[str, str]] = {
    "application/dicom+json": "application/dicom+json",
    "application/json": "application/dicom+json",
    "application/dicom+xml": "application/dicom+xml",
}
"""Root types of payloads that hold metadata and bulk data, and what they are called."""

_PROBLEMS: Final[Mapping[PartProblem, FailureReason]] = {
    PartProblem.CUT_SHORT: FailureReason.CANNOT_UNDERSTAND,
    PartProblem.TOO_LARGE: FailureReason.OUT_OF_RESOURCES,
    PartProblem.OUT_OF_RESOURCES: FailureReason.OUT_OF_RESOURCES,
}

STATUS_CODES: Final[Mapping[Conclusion, HTTPStatus]] = {
    Conclusion.STORED: HTTPStatus.OK,
    Conclusion.STORED_IN_PART: HTTPStatus.ACCEPTED,
    Conclusion.REFUSED: HTTPStatus.CONFLICT,
    Conclusion.OUT_OF_RESOURCES: HTTPStatus.SERVICE_UNAVAILABLE,
}


async def store_instances(request: Request) -> AnswerResponse:
    """Store the instances of a payload, each by itself (PS3.18 10.5)."""
    origin, target = origin_of(request), target_of(request)
    form = _response_form(request, origin)
    media_type = _content_type(request)
    consume = partial(_ingest, archive=origin.archive, study_instance_uid=target.study_instance_uid or None)
    if media_type.essence == "application/dicom":
        results = [
            await receive_single(request, uploads=origin.uploads, stage=origin.archive.blobs.stage, consume=consume)
        ]
    else:
        boundary = media_type.parameters.get("boundary")
        if not boundary:
            raise InvalidRequest("The Content-Type has no boundary.")
        metadata_form = _METADATA_FORMS.get(media_type.parameters.get("type", "").lower())
        if metadata_form is None:
            results = await _ingest_parts(request, boundary, origin, consume)
        else:
            results = await receive_metadata(
                request, boundary, metadata_form, origin=origin, study_instance_uid=target.study_instance_uid or None
            )
    service_url = origin.service_url(request)
    return AnswerResponse(await origin.pool.run(_answer, results, service_url, form), origin.sender)


def _response_form(request: Request, origin: Origin) -> Offer:
    """Return the form of the answer; select it before the payload is read (STOW-05, STOW-40).

    Raises:
        NotAcceptable: it will not.
    """
    if "accept" in request.headers:
        return select_metadata_type(acceptable_of(request), ONE_DATA_SET_OFFERS)
    if origin.settings.http.missing_accept is MissingAccept.REFUSE:
        raise NotAcceptable("The request has no Accept header.")
    return ONE_DATA_SET_OFFERS[0]


def _content_type(request: Request) -> MediaType:
    text = request.headers.get("content-type")
    try:
        media_type = parse_media_type(text or "")
    except ValueError as error:
        raise UnsupportedMediaType(_SUPPORTED) from error
    if media_type.essence == "multipart/related":
        part_type = media_type.parameters.get("type", "application/dicom")
        if part_type.lower() == "application/dicom" or part_type.lower() in _METADATA_FORMS:
            return media_type
    elif media_type.essence == "application/dicom":
        return media_type
    raise UnsupportedMediaType(_SUPPORTED)


async def _ingest_parts(
    request: Request, boundary: str, origin: Origin, consume: Callable[[Mapping[str, str], Staged], Ingested]
) -> list[Ingested]:
    """Ingest parts as they become complete, a few at once; return their results in the order of the payload."""
    parts: list[ReceivedPart[Ingested]] = []
    stage = origin.archive.blobs.stage
    try:
        async for part in receive_parts(request, boundary, uploads=origin.uploads, stage=stage, consume=consume):
            parts.append(part)
            if len(parts) >= _PARTS_AT_ONCE and (earlier := parts[-_PARTS_AT_ONCE].consumed) is not None:
                await asyncio.wait([earlier])
    finally:
        # What is complete is stored even if the user agent goes away before the rest has come.
        results = [await _result(part) for part in parts]
    return results


async def _result(part: ReceivedPart[Ingested]) -> Ingested:
    if part.consumed is None:
        problem = part.problem or PartProblem.CUT_SHORT
        return Ingested(failure=_PROBLEMS[problem], text=problem.value)
    try:
        return await part.consumed
    except OutOfResources:
        problem = PartProblem.OUT_OF_RESOURCES
        return Ingested(failure=_PROBLEMS[problem], text=problem.value)


def _ingest(
    headers: Mapping[str, str], staged: Staged, *, archive: Archive, study_instance_uid: str | None
) -> Ingested:
    # Senders that name no type, or bytes, mean what the payload's own type says.
    part_type = headers.get("content-type", "application/dicom").partition(";")[0].strip().lower()
    if part_type not in _PART_TYPES:
        staged.discard()
        return Ingested(
            failure=FailureReason.CANNOT_UNDERSTAND, text="The part is of another type than application/dicom."
        )
    try:
        return ingest(staged, archive=archive, study_instance_uid=study_instance_uid)
    except Exception:
        # The outermost layer of one instance: what nobody foresaw must not cost the others their answer.
        _logger.exception("An instance could not be stored.")
        text = "An unexpected error of the origin server."
        return Ingested(failure=FailureReason.PROCESSING_FAILURE, text=text)


def _answer(results: list[Ingested], service_url: str, form: Offer) -> Answer:
    result = store_result(results, service_url=service_url)
    status = STATUS_CODES[result.conclusion]
    headers: dict[str, str] = {}
    if status in (HTTPStatus.OK, HTTPStatus.ACCEPTED) and result.study_url:
        headers |= {"Location": result.study_url, "Content-Location": result.study_url}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "60"
    refused = [one.text for one in results if one.failure is not None]
    if refused:
        # One line a request: a payload of many bad parts must not flood the log.
        _logger.warning("%d of %d instances were not stored. The first: %s", len(refused), len(results), refused[0])
    if form.media_type == XML:
        return xml_answer(iter((iter((json_to_xml(result.module),)),)), form, headers, status)
    return Answer(status, {"Content-Type": "application/dicom+json", **headers}, orjson.dumps(result.module))
