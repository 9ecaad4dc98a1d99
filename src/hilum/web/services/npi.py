"""Handlers of the Non-Patient Instance Service: negotiate, parse, transact, represent (PS3.18 chapter 12)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request

from hilum.archive.ingest import FailureReason, Ingested
from hilum.dicom.npi.categories import CATEGORIES, Category
from hilum.dicom.searching.query import Level, QueryError, parse_query
from hilum.dicom.uids import is_uid
from hilum.errors import ContentUnavailable, InvalidRequest, OutOfResources, UnsupportedMediaType
from hilum.services.npi import retrieve
from hilum.services.npi.search import search_non_patients
from hilum.services.npi.store import FORMS, OBJECT, Target, store_representation
from hilum.services.npi.store_result import Conclusion, store_result
from hilum.services.studies.parts import Part, Retrieved
from hilum.services.studies.retrieve import Metadata
from hilum.store.blobs.protocol import Staged
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import acceptable_of, check_charset, conditions_of, select_metadata_type
from hilum.web.represent import represent_metadata, represent_parts, retrieved_etag
from hilum.web.services.data_sets import OFFERS_OF_ONE, represented, represented_one, selected_form
from hilum.web.transfer.ingesting import RETRY_AFTER_S, ingest_parts
from hilum.web.transfer.receive import receive_single
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import etag_of, none_match
from hilum.wire.media_types import MediaType, parse_media_type

_logger = logging.getLogger(__name__)

_CACHING: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}
_UID: Final = "00080018"
_RETRIEVE_URL: Final = "00081190"

STORED_TYPES: Final = (
    'multipart/related; type="application/dicom"',
    "application/dicom",
    'multipart/related; type="application/dicom+json"',
    "application/dicom+json",
    'multipart/related; type="application/dicom+xml"',
    "application/dicom+xml",
)
"""Media types of payloads, for the table of resources."""

_SUPPORTED: Final = f"Supported: {', '.join(STORED_TYPES)}."

STATUS_CODES: Final[Mapping[Conclusion, HTTPStatus]] = {
    Conclusion.STORED: HTTPStatus.OK,
    Conclusion.UNREADABLE: HTTPStatus.BAD_REQUEST,
    Conclusion.REFUSED: HTTPStatus.CONFLICT,
    Conclusion.OUT_OF_RESOURCES: HTTPStatus.SERVICE_UNAVAILABLE,
}


async def search(request: Request) -> AnswerResponse:
    """Search for non-patient instances of a category (PS3.18 12.6)."""
    origin, category = origin_of(request), _category_of(request)
    form = selected_form(acceptable_of(request))
    check_charset(request)
    settings = origin.settings.search
    text: str = request.scope["query_string"].decode("latin-1")
    try:
        query = parse_query(Level.INSTANCE, text, max_results=settings.max_results)
    except QueryError as error:
        raise InvalidRequest(str(error)) from error
    service_url = origin.service_url(request)

    def transact() -> Answer:
        page = search_non_patients(query, category, archive=origin.archive)
        warnings = list(query.warnings)
        if page.remaining:
            warnings.append(f"There are {page.remaining} additional results that can be requested")
        headers = dict(_CACHING)
        if warnings:
            headers["Warning"] = ", ".join(f"299 {service_url}: {warning}" for warning in warnings)
        if not page.items and settings.empty == 204:
            return Answer(HTTPStatus.NO_CONTENT, headers, b"")
        items = [_with_retrieve_url(item, category, service_url) for item in page.items]
        return represented(items, form, headers, _location)

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


def _with_retrieve_url(item: Mapping[str, Any], category: Category, service_url: str) -> Mapping[str, Any]:
    url = f"{service_url}/{category.name}/{item[_UID]['Value'][0]}"
    return dict(sorted({**item, _RETRIEVE_URL: {"vr": "UR", "Value": [url]}}.items()))


def _location(item: Mapping[str, Any]) -> str:
    return str(item[_RETRIEVE_URL]["Value"][0])


async def retrieve_instance(request: Request) -> AnswerResponse:
    """Retrieve a non-patient instance (PS3.18 12.4)."""
    return await _retrieve(request, partial(retrieve.retrieve_instance, _category_of(request).name))


async def retrieve_metadata(request: Request) -> AnswerResponse:
    """Retrieve the metadata of a non-patient instance (an extension of PS3.18 12.4)."""
    return await _retrieve(request, partial(retrieve.retrieve_metadata, _category_of(request).name))


async def retrieve_rendered(request: Request) -> AnswerResponse:
    """Retrieve a color palette as a picture (an extension of PS3.18 12.4)."""
    return await _retrieve(request, retrieve.retrieve_picture)


async def _retrieve(request: Request, choose: Callable[..., retrieve.Representation]) -> AnswerResponse:
    origin, uid, acceptable = origin_of(request), _uid_of(request), acceptable_of(request)
    check_charset(request)
    service_url = origin.service_url(request)
    conditions = conditions_of(request)

    def transact() -> Answer:
        chosen = choose(uid, acceptable, archive=origin.archive)
        if chosen.offer in retrieve.METADATA_OFFERS:
            etag = etag_of(service_url, chosen.version, chosen.path, str(chosen.offer))
            if none_match(conditions.if_none_match, etag):
                return _not_modified(etag)
            metadata = Metadata(chosen.version, lambda _base_url: chosen.chunks())
            return represent_metadata(metadata, chosen.offer, base_url="", etag=etag)
        part = Part(chosen.offer, chosen.path, chosen.length, chosen.version, chosen.chunks, chosen.ranged)
        retrieved = Retrieved([part])
        etag = retrieved_etag(retrieved, service_url)
        if none_match(conditions.if_none_match, etag):
            return _not_modified(etag)
        return represent_parts(retrieved, service_url=service_url, etag=etag, conditions=conditions)

    return AnswerResponse(await origin.pool.run(partial(_readable, transact)), origin.sender)


def _readable(transact: Callable[[], Answer]) -> Answer:
    try:
        return transact()
    except FileNotFoundError as error:
        _logger.exception("A stored object cannot be read.")
        raise ContentUnavailable("The stored object cannot be read at the moment.") from error


def _not_modified(etag: str) -> Answer:
    return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, **_CACHING}, b"")


async def store(request: Request) -> AnswerResponse:
    """Store non-patient instances (PS3.18 12.5)."""
    origin, category = origin_of(request), _category_of(request)
    target = Target(category, _uid_of(request) if "uid" in request.path_params else "")
    form = select_metadata_type(acceptable_of(request), OFFERS_OF_ONE)
    media_type, stage = _content_type(request), origin.archive.blobs.stage
    consume = partial(_store_part, target=target, origin=origin)
    if media_type.essence == "multipart/related":
        boundary = media_type.parameters.get("boundary")
        if not boundary:
            raise InvalidRequest("The Content-Type has no boundary.")
        default = media_type.parameters.get("type", OBJECT).lower()
        each = partial(consume, default=default)
        results = await ingest_parts(request, boundary, uploads=origin.uploads, stage=stage, consume=each)
    else:
        single = partial(consume, default=media_type.essence)
        results = await receive_single(request, uploads=origin.uploads, stage=stage, consume=single)
    if not results:
        raise InvalidRequest("The payload holds no instance.")
    service_url = origin.service_url(request)

    def represent() -> Answer:
        result = store_result(results, category, service_url=service_url)
        status = STATUS_CODES[result.conclusion]
        headers = {"Cache-Control": "no-store"}
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = RETRY_AFTER_S
        answer = represented_one(result.module, form, headers)
        return Answer(status, answer.headers, answer.body, answer.length)

    return AnswerResponse(await origin.pool.run(represent), origin.sender)


def _store_part(
    headers: Mapping[str, str], staged: Staged, *, target: Target, origin: Origin, default: str
) -> list[Ingested]:
    # Senders that name no type, or bytes, mean what the payload's own type says.
    media_type = headers.get("content-type", default).partition(";")[0].strip().lower()
    try:
        return store_representation(staged, media_type, target, archive=origin.archive)
    except OutOfResources as error:
        return [Ingested(failure=FailureReason.OUT_OF_RESOURCES, text=str(error))]
    except Exception:
        # The outermost layer of one instance: what nobody foresaw must not cost the others their answer.
        _logger.exception("A non-patient instance could not be stored.")
        return [Ingested(failure=FailureReason.PROCESSING_FAILURE, text="An unexpected error of the origin server.")]


def _content_type(request: Request) -> MediaType:
    try:
        media_type = parse_media_type(request.headers.get("content-type", ""))
    except ValueError as error:
        raise UnsupportedMediaType(_SUPPORTED) from error
    if media_type.essence == "multipart/related":
        kind = media_type.parameters.get("type", OBJECT).lower()
    else:
        kind = media_type.essence
    if kind not in FORMS or kind == "application/octet-stream":
        raise UnsupportedMediaType(_SUPPORTED)
    return media_type


def _category_of(request: Request) -> Category:
    """Return the category that the path names: each has routes of its own, whose paths hold its name literally."""
    origin = origin_of(request)
    below: str = request.scope["path"].removeprefix(origin.settings.http.dicomweb_root)
    return CATEGORIES[below.split("/")[1]]


def _uid_of(request: Request) -> str:
    uid: str = request.path_params["uid"]
    if not is_uid(uid):
        raise InvalidRequest("The UID in the path is no UID.")
    return uid
