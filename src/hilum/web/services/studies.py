"""Handlers of the Studies Service: negotiate, parse, transact, represent (PS3.18 chapter 10)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request

from hilum.archive.negotiation import preferred_offer
from hilum.dicom.searching.query import Level, QueryError, parse_query
from hilum.errors import ContentUnavailable, InvalidRequest, NotAcceptable
from hilum.services.studies import bulk_data, delete, retrieve
from hilum.services.studies.archive_file import retrieve_archive_file
from hilum.services.studies.offers import ARCHIVE_FILE_OFFERS, FILES_AND_OBJECTS, METADATA_OFFERS, ONE_DATA_SET_OFFERS
from hilum.services.studies.parts import Retrieved
from hilum.services.studies.search import search
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import (
    acceptable_of,
    bulk_path_of,
    check_charset,
    conditions_of,
    frame_numbers_of,
    select_metadata_type,
    target_of,
)
from hilum.web.represent import (
    kept_metadata,
    represent_metadata,
    represent_parts,
    represent_search,
    retrieved_etag,
)
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import etag_of, none_match
from hilum.wire.selection import Images

_logger = logging.getLogger(__name__)


async def retrieve_instances(request: Request) -> AnswerResponse:
    """Retrieve the instances of a study, series or instance, as parts or as one file (PS3.18 10.4.1.1.1)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request)
    # Nothing but its own name selects the one file, so that other requests need not ask.
    if "zip" in acceptable.header.lower() or "zip" in (acceptable.parameter or "").lower():
        archive_file = preferred_offer(FILES_AND_OBJECTS, acceptable)
        if archive_file in ARCHIVE_FILE_OFFERS:
            file = partial(retrieve_archive_file, target, archive_file, archive=origin.archive)
            return await _answer_parts(request, origin, file)
    find = partial(bulk_data.retrieve_instances_or_bulk_data, target, acceptable, archive=origin.archive)
    return await _answer_parts(request, origin, find)


async def retrieve_frames(request: Request) -> AnswerResponse:
    """Retrieve frames of an instance (PS3.18 10.4.1.1.6)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request, Images.BULK_DATA)
    numbers = frame_numbers_of(request)
    find = partial(retrieve.retrieve_frames, target, numbers, acceptable, archive=origin.archive)
    return await _answer_parts(request, origin, find)


async def retrieve_bulk_value(request: Request) -> AnswerResponse:
    """Retrieve one bulk value of an instance (PS3.18 10.4.1.1.5)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request, Images.BULK_DATA)
    path = bulk_path_of(request)
    find = partial(bulk_data.retrieve_bulk_value, target, path, acceptable, archive=origin.archive)
    return await _answer_parts(request, origin, find)


async def retrieve_bulk_data(request: Request) -> AnswerResponse:
    """Retrieve all bulk data of a study, series or instance (PS3.18 10.4.1.1.5)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request, Images.BULK_DATA)
    find = partial(bulk_data.retrieve_bulk_data, target, acceptable, archive=origin.archive)
    return await _answer_parts(request, origin, find)


async def retrieve_pixel_data(request: Request) -> AnswerResponse:
    """Retrieve the pixel data of a study, series or instance (PS3.18 10.4.1.1.6)."""
    origin, target, acceptable = origin_of(request), target_of(request), acceptable_of(request, Images.BULK_DATA)
    find = partial(bulk_data.retrieve_pixel_data, target, acceptable, archive=origin.archive)
    return await _answer_parts(request, origin, find)


async def _answer_parts(request: Request, origin: Origin, find: Callable[[], Retrieved]) -> AnswerResponse:
    service_url = origin.service_url(request)
    conditions = conditions_of(request)

    def transact() -> Answer:
        retrieved = find()
        etag = retrieved_etag(retrieved, service_url)
        if none_match(conditions.if_none_match, etag):
            return _not_modified(etag)
        return represent_parts(retrieved, service_url=service_url, etag=etag, conditions=conditions)

    def transact_again() -> Answer:
        try:
            return transact()
        except NotAcceptable:
            # Pixel data turned out to be broken while they were decoded; the archive knows that now, so that the
            # others go without it (WADO-42). What is broken as a whole fails once more.
            return transact()

    return AnswerResponse(await origin.pool.run(partial(_readable, transact_again)), origin.sender)


def _readable(transact: Callable[[], Answer]) -> Answer:
    """Carry out a transaction whose stored bytes may be out of reach: 503 and a line in the log (WADO-61)."""
    try:
        return transact()
    except FileNotFoundError as error:
        _logger.exception("A stored object cannot be read.")
        raise ContentUnavailable("The stored object cannot be read at the moment.") from error


async def delete_instances(request: Request) -> AnswerResponse:
    """Move a study, a series or an instance to the trash (no transaction of PS3.18)."""
    origin, target = origin_of(request), target_of(request)
    await origin.pool.run(partial(delete.delete_instances, target, archive=origin.archive))
    return AnswerResponse(Answer(HTTPStatus.NO_CONTENT, {}, b""), origin.sender)


async def retrieve_metadata(request: Request) -> AnswerResponse:
    """Retrieve the metadata of a study, series or instance (PS3.18 10.4.1.1.2)."""
    origin, target = origin_of(request), target_of(request)
    offers = ONE_DATA_SET_OFFERS if target.sop_instance_uid else METADATA_OFFERS
    form = select_metadata_type(acceptable_of(request), offers)
    check_charset(request)
    service_url = origin.service_url(request)
    relative = origin.settings.retrieve.bulk_data_uris == "relative"
    base_url = urlsplit(service_url).path if relative else service_url
    if_none_match = request.headers.get("if-none-match")
    accepted = request.headers.get("accept-encoding", "")

    def transact() -> Answer:
        metadata = retrieve.retrieve_metadata(target, archive=origin.archive)
        etag = etag_of(base_url, metadata.version, target.path, str(form))
        if none_match(if_none_match, etag):
            return _not_modified(etag)
        # Kept forms are those of JSON: the one that every viewer asks for.
        kept = kept_metadata(etag, accepted, origin.sender.coded) if form == METADATA_OFFERS[0] else None
        return kept or represent_metadata(metadata, form, base_url=base_url, etag=etag)

    return AnswerResponse(await origin.pool.run(partial(_readable, transact)), origin.sender)


async def search_studies(request: Request) -> AnswerResponse:
    """Search for studies (PS3.18 10.6)."""
    return await _search(request, Level.STUDY)


async def search_series(request: Request) -> AnswerResponse:
    """Search for series, of one study or of all (PS3.18 10.6)."""
    return await _search(request, Level.SERIES)


async def search_instances(request: Request) -> AnswerResponse:
    """Search for instances, of one series, of one study or of all (PS3.18 10.6)."""
    return await _search(request, Level.INSTANCE)


async def _search(request: Request, level: Level) -> AnswerResponse:
    origin, target = origin_of(request), target_of(request)
    form = select_metadata_type(acceptable_of(request))
    check_charset(request)
    try:
        query = parse_query(
            level,
            request.scope["query_string"].decode("latin-1"),
            study_instance_uid=target.study_instance_uid or None,
            series_instance_uid=target.series_instance_uid or None,
            max_results=origin.settings.search.max_results,
        )
    except QueryError as error:
        raise InvalidRequest(str(error)) from error
    service_url = origin.service_url(request)
    empty = HTTPStatus(origin.settings.search.empty)

    def transact() -> Answer:
        return represent_search(search(query, archive=origin.archive), form, service_url=service_url, empty=empty)

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


def _not_modified(etag: str) -> Answer:
    return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Vary": "Accept, Accept-Encoding"}, b"")
