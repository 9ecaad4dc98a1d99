"""Handler of the Store transaction: parts are ingested while later ones still arrive (PS3.18 10.5)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

import orjson
from starlette.requests import Request

from hilum.archive.archive import Archive
from hilum.archive.ingest import FailureReason, Ingested, ingest
from hilum.config import MissingAccept
from hilum.dicom.xml import json_to_xml
from hilum.errors import InvalidRequest, NotAcceptable, UnsupportedMediaType
from hilum.services.studies.offers import ONE_DATA_SET_OFFERS
from hilum.services.studies.store import Conclusion, store_result
from hilum.store.blobs.protocol import Staged
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import acceptable_of, select_metadata_type, target_of
from hilum.web.represent import XML, xml_answer
from hilum.web.services.store_metadata import receive_metadata
from hilum.web.transfer.ingesting import RETRY_AFTER_S, ingest_parts
from hilum.web.transfer.receive import receive_single
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.media_types import MediaType, parse_media_type
from hilum.wire.selection import Offer

_logger = logging.getLogger(__name__)

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
    media_type, stage = _content_type(request), origin.archive.blobs.stage
    consume = partial(_ingest, archive=origin.archive, study_instance_uid=target.study_instance_uid or None)
    if media_type.essence == "application/dicom":
        results = await receive_single(request, uploads=origin.uploads, stage=stage, consume=consume)
    else:
        boundary = media_type.parameters.get("boundary")
        if not boundary:
            raise InvalidRequest("The Content-Type has no boundary.")
        metadata_form = _METADATA_FORMS.get(media_type.parameters.get("type", "").lower())
        if metadata_form is None:
            results = await ingest_parts(request, boundary, uploads=origin.uploads, stage=stage, consume=consume)
        else:
            results = await receive_metadata(
                request, boundary, metadata_form, origin=origin, study_instance_uid=target.study_instance_uid or None
            )
    service_url = origin.service_url(request)
    return AnswerResponse(await origin.pool.run(_answer, results, service_url, form), origin.sender)


def _response_form(request: Request, origin: Origin) -> Offer:
    """Return the form of the answer; select it before the payload is read (STOW-05, STOW-40).

    Raises:
        NotAcceptable: it accepts no form of the answer, or it says nothing and the setting refuses that.
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


def _ingest(
    headers: Mapping[str, str], staged: Staged, *, archive: Archive, study_instance_uid: str | None
) -> list[Ingested]:
    # Senders that name no type, or bytes, mean what the payload's own type says.
    part_type = headers.get("content-type", "application/dicom").partition(";")[0].strip().lower()
    if part_type not in _PART_TYPES:
        staged.discard()
        text = "The part is of another type than application/dicom."
        return [Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=text)]
    try:
        return [ingest(staged, archive=archive, study_instance_uid=study_instance_uid)]
    except Exception:
        # The outermost layer of one instance: what nobody foresaw must not cost the others their answer.
        _logger.exception("An instance could not be stored.")
        return [Ingested(failure=FailureReason.PROCESSING_FAILURE, text="An unexpected error of the origin server.")]


def _answer(results: list[Ingested], service_url: str, form: Offer) -> Answer:
    result = store_result(results, service_url=service_url)
    status = STATUS_CODES[result.conclusion]
    headers: dict[str, str] = {}
    if status in (HTTPStatus.OK, HTTPStatus.ACCEPTED) and result.study_url:
        headers |= {"Location": result.study_url, "Content-Location": result.study_url}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER_S
    refused = [one.text for one in results if one.failure is not None]
    if refused:
        # One line a request: a payload of many bad parts must not flood the log.
        _logger.warning("%d of %d instances were not stored. The first: %s", len(refused), len(results), refused[0])
    if form.media_type == XML:
        return xml_answer(iter((iter((json_to_xml(result.module),)),)), form, headers, status)
    return Answer(status, {"Content-Type": "application/dicom+json", **headers}, orjson.dumps(result.module))
