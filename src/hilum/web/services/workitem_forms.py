"""The forms in which workitems travel: the DICOM JSON Model and, if there is a codec, Native XML (PS3.18 11.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.requests import Request

from hilum.dicom.worklist.payload import Payload, PayloadError, parse_json
from hilum.errors import InvalidRequest, NotAcceptable, UnsupportedMediaType
from hilum.web.origin import Origin
from hilum.web.transfer.receive import receive_whole
from hilum.web.transfer.send import Answer
from hilum.wire.media_types import parse_media_type
from hilum.wire.selection import Acceptable, Offer, Packaging, select

JSON: Final = "application/dicom+json"

OFFERS: Final = (Offer(Packaging.SINGLE, JSON, is_default_type=True),)
"""Forms of workitems, the default first."""

Parser = Callable[[bytes], Payload]

_PARSERS: Final[Mapping[str, Parser]] = {JSON: parse_json, "application/json": parse_json}
"""Single-part payloads of requests."""

REQUEST_TYPES: Final = (JSON,)
"""Media types of payloads, for the table of resources."""

_SUPPORTED: Final = f"Supported: {JSON}."


def selected_form(acceptable: Acceptable) -> Offer:
    """Return the form that the user agent likes best.

    Raises:
        NotAcceptable: it likes none.
        InvalidRequest: the `accept` parameter is wrong.
    """
    try:
        selected = select(OFFERS, acceptable)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if selected is None:
        raise NotAcceptable(f"Available: {', '.join(str(offer) for offer in OFFERS)}.")
    return selected


def represented(
    workitems: Sequence[Mapping[str, Any]], form: Offer, headers: Mapping[str, str], *, service_url: str
) -> Answer:
    """Return the response for workitems: in JSON one array (UPSX-02)."""
    return Answer(HTTPStatus.OK, {**headers, "Content-Type": JSON}, orjson.dumps(workitems))


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


async def received(request: Request, origin: Origin) -> Received:
    """Return the payload of a request.

    Args:
        request: nothing of its payload has been read.
        origin: of this process.

    Raises:
        UnsupportedMediaType: it is of another media type (UPSX-05).
        PayloadTooLarge: it is longer than `worklist.max_bytes`.
        RequestCutShort: the user agent went away, or was too slow.
    """
    parser = _parser(request.headers.get("content-type", ""))
    return Received(await _body(request, origin), parser)


async def received_if_any(request: Request, origin: Origin) -> Received:
    """Return the payload of a request that need not have one, and then no media type.

    Raises:
        UnsupportedMediaType: it has one of another media type.
        PayloadTooLarge: it is longer than `worklist.max_bytes`.
        RequestCutShort: the user agent went away, or was too slow.
    """
    text = request.headers.get("content-type")
    parser = None if text is None else _parser(text)
    body = await _body(request, origin)
    if body and parser is None:
        raise UnsupportedMediaType(_SUPPORTED)
    return Received(body, parser if body else None)


async def _body(request: Request, origin: Origin) -> bytes:
    return await receive_whole(request, uploads=origin.uploads, max_bytes=origin.settings.worklist.max_bytes)


def _parser(content_type: str) -> Parser:
    try:
        media_type = parse_media_type(content_type)
    except ValueError as error:
        raise UnsupportedMediaType(_SUPPORTED) from error
    if media_type.essence not in _PARSERS:
        raise UnsupportedMediaType(_SUPPORTED)
    return _PARSERS[media_type.essence]
