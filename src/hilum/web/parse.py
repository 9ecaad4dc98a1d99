"""From a raw request to checked values: UIDs, frame numbers, what is acceptable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from hilum.config import MissingAccept
from hilum.dicom.resources import TargetResource
from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest, NotAcceptable
from hilum.services.studies.offers import METADATA_OFFERS
from hilum.web.origin import origin_of
from hilum.wire.selection import Acceptable, select

_FRAME_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_BULK_PATH: Final = re.compile(r"[0-9A-Fa-f]{8}(/[0-9]{1,9}/[0-9A-Fa-f]{8})*")
_MAX_FRAME_LIST: Final = 65536


def target_of(request: Request) -> TargetResource:
    """Return the study, series or instance that the path names.

    Raises:
        InvalidRequest: a UID in the path is malformed (WADO-06).
    """
    uids = {name: _uid(request.path_params.get(name), name) for name in ("study", "series", "instance")}
    return TargetResource(uids["study"], uids["series"], uids["instance"])


def _uid(text: str | None, name: str) -> str:
    if text is None:
        return ""
    if not is_uid(text):
        raise InvalidRequest(f"The {name} in the path is no UID.")
    return text


def frame_numbers_of(request: Request) -> tuple[int, ...]:
    """Return the frame list of the path: numbers from 1, ascending (WADO-05).

    Raises:
        InvalidRequest: it is not such a list.
    """
    text: str = request.path_params["frames"]
    items = text.split(",") if len(text) <= _MAX_FRAME_LIST else []
    if not items or not all(_FRAME_NUMBER.fullmatch(item) for item in items):
        raise InvalidRequest("The frame list must be numbers with commas between them.")
    numbers = tuple(int(item) for item in items)
    if numbers[0] < 1 or any(first >= second for first, second in pairwise(numbers)):
        raise InvalidRequest("Frame numbers start at 1 and ascend.")
    return numbers


def bulk_path_of(request: Request) -> str:
    """Return the path of a bulk value inside its instance, such as `00880200/1/7FE00010`.

    Raises:
        InvalidRequest: it has another form.
    """
    text: str = request.path_params["bulkdata"]
    if len(text) > _MAX_FRAME_LIST or not _BULK_PATH.fullmatch(text):
        raise InvalidRequest("The bulk data path must be tags with item numbers between them.")
    return text.upper()


def acceptable_of(request: Request) -> Acceptable:
    """Return what the user agent accepts.

    Raises:
        NotAcceptable: the Accept header is missing, and `http.missing_accept` is not `any` (NEG-02).
    """
    headers = request.headers.getlist("accept")
    header = ", ".join(headers)
    if not header:
        if origin_of(request).settings.http.missing_accept is not MissingAccept.ANY:
            raise NotAcceptable("The request has no Accept header.")
        header = "*/*"
    return Acceptable(header, _accept_parameter(request))


def query_values(request: Request) -> dict[str, list[str]]:
    """Return the values of each query parameter, percent-decoded; `+` stays what it is: numbers have signs."""
    query: bytes = request.scope["query_string"]
    values: dict[str, list[str]] = {}
    for name, _, value in _pairs(query) if query else ():
        values.setdefault(unquote(name), []).append(unquote(value))
    return values


def select_metadata_type(acceptable: Acceptable) -> None:
    """Check that the user agent takes the DICOM JSON Model, the only metadata type offered.

    Raises:
        NotAcceptable: it does not.
        InvalidRequest: the `accept` parameter is wrong.
    """
    try:
        selected = select(METADATA_OFFERS, acceptable)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if selected is None:
        raise NotAcceptable(f"Available: {', '.join(str(offer) for offer in METADATA_OFFERS)}.")


def _accept_parameter(request: Request) -> str | None:
    """Return the value of `accept`, repeated ones joined.

    `+` stays what it is here, unlike in other values (QP-13): `application/dicom+json` is sent as it reads.
    """
    query: bytes = request.scope["query_string"]
    if b"accept=" not in query:
        return None
    values = [unquote(value) for name, _, value in _pairs(query) if name == "accept"]
    return ",".join(values) if values else None


def _pairs(query: bytes) -> Iterator[tuple[str, str, str]]:
    for item in query.decode("latin-1").split("&"):
        yield item.partition("=")
