"""Data sets that travel alone: in the DICOM JSON Model and in the Native DICOM Model (PS3.18 11.1.3, 13.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.requests import Request

from hilum.archive.negotiation import selected_offer
from hilum.dicom.worklist.payload import Payload, PayloadError, parse_json, parse_xml
from hilum.dicom.xml import json_to_xml
from hilum.errors import InvalidRequest, UnsupportedMediaType
from hilum.web.origin import Origin
from hilum.web.transfer.receive import receive_whole
from hilum.web.transfer.send import Answer
from hilum.wire.media_types import parse_media_type
from hilum.wire.multipart import (
    MultipartError,
    MultipartParser,
    PartBegin,
    PartData,
    PartEnd,
    closing_delimiter,
    new_boundary,
    part_header,
)
from hilum.wire.selection import Acceptable, Offer, Packaging

JSON: Final = "application/dicom+json"
XML: Final = "application/dicom+xml"

OFFERS: Final = (
    Offer(Packaging.SINGLE, JSON, is_default_type=True),
    Offer(Packaging.MULTIPART, XML),
)
"""Forms of any number of data sets, the default first."""

OFFERS_OF_ONE: Final = (*OFFERS, Offer(Packaging.SINGLE, XML))
"""Forms of one data set."""

Parser = Callable[[bytes], Payload]

_PARSERS: Final[Mapping[str, Parser]] = {JSON: parse_json, "application/json": parse_json, XML: parse_xml}
"""Payloads of a single part."""

REQUEST_TYPES: Final = (JSON, f'multipart/related; type="{XML}"', XML)
"""Media types of payloads, for the table of resources."""

_SUPPORTED: Final = f"Supported: {', '.join(REQUEST_TYPES)}."
_PART_HEADER_BYTES: Final = 16 * 1024


def selected_form(acceptable: Acceptable, offers: tuple[Offer, ...] = OFFERS) -> Offer:
    """Return the form that the user agent likes best.

    Raises:
        NotAcceptable: it likes none.
        InvalidRequest: the `accept` parameter is wrong.
    """
    return selected_offer(offers, acceptable)


def represented(
    data_sets: Sequence[Mapping[str, Any]],
    form: Offer,
    headers: Mapping[str, str],
    location_of: Callable[[Mapping[str, Any]], str],
) -> Answer:
    """Return the response for data sets: in JSON one array (UPSX-02), in XML a part for each (UPSX-03).

    Args:
        data_sets: in order.
        form: of the response.
        headers: further ones; with an ETag, the boundary depends on it alone.
        location_of: URL of the resource that a data set represents, '' if it is none.
    """
    if form.media_type == JSON:
        return Answer(HTTPStatus.OK, {**headers, "Content-Type": JSON}, orjson.dumps(data_sets))
    if form.packaging is Packaging.SINGLE:
        return Answer(HTTPStatus.OK, {**headers, "Content-Type": XML}, json_to_xml(data_sets[0]))
    boundary = new_boundary(headers.get("ETag", ""))
    pieces: list[bytes] = []
    for data_set in data_sets:
        document = json_to_xml(data_set)
        head = part_header(
            boundary, content_type=XML, content_location=location_of(data_set), content_length=len(document)
        )
        pieces += [head, document, b"\r\n"]
    content_type = f'multipart/related; type="{XML}"; boundary={boundary}'
    body = b"".join([*pieces, closing_delimiter(boundary)])
    return Answer(HTTPStatus.OK, {**headers, "Content-Type": content_type}, body)


def represented_one(data_set: Mapping[str, Any], form: Offer, headers: Mapping[str, str]) -> Answer:
    """Return the response for one data set that is no resource of its own: in JSON a bare object."""
    if form.media_type == JSON:
        return Answer(HTTPStatus.OK, {**headers, "Content-Type": JSON}, orjson.dumps(data_set))
    return represented([data_set], form, headers, lambda _: "")


@dataclass(frozen=True, slots=True)
class Received:
    """A payload that has come and is to be parsed: that takes as long as it is large, so not on the event loop."""

    body: bytes
    parser: Parser | None
    """None: there is nothing to parse."""

    def payload(self) -> Payload:
        """Return the one data set.

        Raises:
            InvalidRequest: it is none.
        """
        if self.parser is None:
            return Payload({})
        try:
            return self.parser(self.body)
        except PayloadError as error:
            raise InvalidRequest(str(error)) from error


async def received(request: Request, origin: Origin, max_bytes: int) -> Received:
    """Return the payload of a request.

    Args:
        request: nothing of its payload has been read.
        origin: of this process.
        max_bytes: most bytes of the payload.

    Raises:
        UnsupportedMediaType: it is of another media type (UPSX-05).
        PayloadTooLarge: it is longer than `max_bytes`.
        RequestCutShort: the user agent went away, or was too slow.
    """
    parser = _parser(request.headers.get("content-type", ""))
    return Received(await _body(request, origin, max_bytes), parser)


async def received_if_any(request: Request, origin: Origin, max_bytes: int) -> Received:
    """Return the payload of a request that need not have one, and then no media type.

    Raises:
        UnsupportedMediaType: it has one of another media type.
        PayloadTooLarge: it is longer than `max_bytes`.
        RequestCutShort: the user agent went away, or was too slow.
    """
    text = request.headers.get("content-type")
    parser = None if text is None else _parser(text)
    body = await _body(request, origin, max_bytes)
    if body and parser is None:
        raise UnsupportedMediaType(_SUPPORTED)
    return Received(body, parser if body else None)


async def _body(request: Request, origin: Origin, max_bytes: int) -> bytes:
    return await receive_whole(request, uploads=origin.uploads, max_bytes=max_bytes)


def _parser(content_type: str) -> Parser:
    try:
        media_type = parse_media_type(content_type)
    except ValueError as error:
        raise UnsupportedMediaType(_SUPPORTED) from error
    if media_type.essence in _PARSERS:
        return _PARSERS[media_type.essence]
    if media_type.essence != "multipart/related" or media_type.parameters.get("type", XML).lower() != XML:
        raise UnsupportedMediaType(_SUPPORTED)
    return partial(_parse_multipart, boundary=media_type.parameters.get("boundary", ""))


def _parse_multipart(body: bytes, *, boundary: str) -> Payload:
    """Return the data set of a payload of one part, in XML.

    Raises:
        PayloadError: it has not one whole part, or that is of another type.
    """
    try:
        parser = MultipartParser(
            boundary.encode("latin-1", "replace"), max_parts=2, max_header_bytes=_PART_HEADER_BYTES
        )
        events = [*parser.feed(body), *parser.close()]
    except MultipartError as error:
        raise PayloadError(str(error)) from error
    begins = [event for event in events if isinstance(event, PartBegin)]
    ends = [event for event in events if isinstance(event, PartEnd)]
    if len(begins) != 1 or not all(end.complete for end in ends):
        raise PayloadError("The payload must have exactly one part, which holds a data set.")
    part_type = begins[0].headers.get("content-type", XML).partition(";")[0].strip().lower()
    if part_type != XML:
        raise PayloadError(f"The part must be of the type {XML}.")
    return parse_xml(b"".join(event.data for event in events if isinstance(event, PartData)))
