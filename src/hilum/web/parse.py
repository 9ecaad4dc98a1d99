"""From a raw request to checked values: UIDs, frame numbers, what is acceptable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from urllib.parse import unquote, unquote_plus

from starlette.requests import Request

from hilum.archive.negotiation import selected_offer
from hilum.config import MissingAccept
from hilum.dicom.resources import TargetResource
from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest, NotAcceptable
from hilum.services.studies.offers import METADATA_OFFERS
from hilum.web.origin import origin_of
from hilum.web.represent import Conditions
from hilum.wire.accept import parse_charsets
from hilum.wire.selection import Acceptable, Images, Offer, mixes_dicom_and_rendered

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


def acceptable_of(request: Request, images: Images = Images.RENDERED) -> Acceptable:
    """Return what the user agent accepts.

    Args:
        request: of any resource.
        images: what image media types mean there.

    Raises:
        InvalidRequest: DICOM and Rendered media types are mixed (NEG-09).
        NotAcceptable: the Accept header is missing, and `http.missing_accept` is not `any` (NEG-02).
    """
    headers = request.headers.getlist("accept")
    header = ", ".join(headers)
    if not header:
        if origin_of(request).settings.http.missing_accept is not MissingAccept.ANY:
            raise NotAcceptable("The request has no Accept header.")
        header = "*/*"
    acceptable = Acceptable(header, _accept_parameter(request))
    if mixes_dicom_and_rendered(acceptable, images):
        raise InvalidRequest("DICOM media types and Rendered media types cannot be asked for at once.")
    return acceptable


def query_values(request: Request) -> dict[str, list[str]]:
    """Return the values of each query parameter, percent-decoded; `+` stays what it is: numbers have signs."""
    query: bytes = request.scope["query_string"]
    values: dict[str, list[str]] = {}
    for name, _, value in _pairs(query) if query else ():
        values.setdefault(unquote(name), []).append(unquote(value))
    return values


def conditions_of(request: Request) -> Conditions:
    """Return what the request says of representations that the user agent holds."""
    headers = request.headers
    wanted = headers.get("range") if request.method == "GET" else None
    return Conditions(headers.get("if-none-match"), wanted, headers.get("if-range"))


def check_charset(request: Request, supported: tuple[str, ...] = ("utf-8",)) -> None:
    """Check the `charset` query parameter: it must name a character set that the representation comes in.

    Raises:
        InvalidRequest: it does not, or is no list of names (CHR-04).
    """
    query: bytes = request.scope["query_string"]
    if b"charset=" not in query:
        return
    values = [unquote_plus(value) for name, _, value in _pairs(query) if name == "charset"]
    try:
        wanted = parse_charsets(",".join(values))
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    if values and not any(name in supported and quality > 0 for name, quality in wanted):
        raise InvalidRequest(f"The charset parameter must name one of: {', '.join(supported)}.")


def select_metadata_type(acceptable: Acceptable, offers: tuple[Offer, ...] = METADATA_OFFERS) -> Offer:
    """Return the form of data sets that the user agent likes best.

    Raises:
        NotAcceptable: it takes none.
        InvalidRequest: the `accept` parameter is wrong.
    """
    return selected_offer(offers, acceptable)


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
