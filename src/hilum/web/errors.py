"""From a failed transaction to its status and body. Answers of stores that fail in part have statuses of their own."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from starlette.exceptions import HTTPException

from hilum import errors
from hilum.web.transfer.send import Answer
from hilum.wire.accept import parse_accept, quality_of
from hilum.wire.media_types import MediaType

STATUS_CODES: Final[Mapping[type[errors.TransactionError], HTTPStatus]] = {
    errors.InvalidRequest: HTTPStatus.BAD_REQUEST,
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.TargetNotFound: HTTPStatus.NOT_FOUND,
    errors.NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    # Seldom seen: most user agents whose request is cut short are gone.
    errors.RequestCutShort: HTTPStatus.REQUEST_TIMEOUT,
    errors.TargetGone: HTTPStatus.GONE,
    errors.StateConflict: HTTPStatus.CONFLICT,
    errors.PayloadTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ContentUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TransactionUidInUse: HTTPStatus.CONFLICT,
    errors.InstanceCommitted: HTTPStatus.CONFLICT,
    errors.RangeNotSatisfied: HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.OutOfResources: HTTPStatus.SERVICE_UNAVAILABLE,
}

_RETRY_AFTER_S: Final = "30"
_EXTRA_HEADERS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="hilum"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": _RETRY_AFTER_S},
}
_SENTENCES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.NOT_FOUND: "There is no such resource on this origin server.",
    HTTPStatus.METHOD_NOT_ALLOWED: "The resource does not support this method.",
}
_JSON_TYPES: Final = (MediaType("application", "json"), MediaType("application", "dicom+json"))
_TEXT: Final = MediaType("text", "plain")


def status_of(error: errors.TransactionError) -> HTTPStatus:
    """Return the status of a failed transaction; a class without a row of its own has that of its base."""
    return next(STATUS_CODES[base] for base in type(error).__mro__ if base in STATUS_CODES)


def transaction_answer(error: errors.TransactionError, accept: str) -> Answer:
    """Return the answer for a failed transaction: its sentence, and with 503 when to try again.

    Args:
        error: whose message is written for the user agent.
        accept: the request's Accept header, '' if it has none.
    """
    status = status_of(error)
    text = str(error)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        # STAT-17: the body says whether the failure is temporary.
        text = f"{text} This is temporary: try again in {_RETRY_AFTER_S} seconds.".lstrip()
    # HDR-05: with 416 Content-Range tells the size.
    headers = {"Content-Range": f"bytes */{error.size}"} if isinstance(error, errors.RangeNotSatisfied) else {}
    return error_answer(status, text or status.phrase, accept, headers)


def framework_answer(error: HTTPException, accept: str) -> Answer:
    """Return the answer for what the routes refuse: no such resource (404), no such method (405, with Allow)."""
    status = HTTPStatus(error.status_code)
    return error_answer(status, _SENTENCES.get(status, f"{status.phrase}."), accept, error.headers or {})


def unforeseen_answer(request_id: str, accept: str) -> Answer:
    """Return the answer for what nobody foresaw: nothing but the id by which the log tells more."""
    text = f"The origin server failed to carry out the request. Request id: {request_id}."
    return error_answer(HTTPStatus.INTERNAL_SERVER_ERROR, text, accept)


def error_answer(status: HTTPStatus, text: str, accept: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a short text: a JSON object where Accept prefers JSON, else plain text (STAT-18)."""
    if _prefers_json(accept):
        content_type, body = "application/json", orjson.dumps({"error": text})
    else:
        content_type, body = "text/plain; charset=utf-8", f"{text}\n".encode("utf-8", "replace")
    own = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return Answer(status, {**own, **_EXTRA_HEADERS.get(status, {}), **(headers or {})}, body)


def _prefers_json(accept: str) -> bool:
    ranges = parse_accept(accept)
    return max(quality_of(json, ranges) for json in _JSON_TYPES) > quality_of(_TEXT, ranges)
