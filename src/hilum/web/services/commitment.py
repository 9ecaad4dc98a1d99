"""Handlers of the Storage Commitment Service (PS3.18 chapter 13)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request

from hilum.dicom.commitment import RequestInvalid, parse_request
from hilum.dicom.uids import is_uid
from hilum.errors import InvalidRequest
from hilum.services.commitment.request import request_storage_commitment
from hilum.services.commitment.result_check import check_result
from hilum.web.origin import origin_of
from hilum.web.parse import acceptable_of
from hilum.web.services.data_sets import OFFERS_OF_ONE, received, represented_one, selected_form
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.selection import Offer

_LATER: Final = {"Retry-After": "2"}
_HEADERS: Final = {"Cache-Control": "no-store"}


async def request_commitment(request: Request) -> AnswerResponse:
    """Request storage commitment (PS3.18 13.4)."""
    origin, uid = origin_of(request), _transaction_uid_of(request)
    form = selected_form(acceptable_of(request), OFFERS_OF_ONE)
    settings = origin.settings.commitment
    body = await received(request, origin, settings.max_request_bytes)

    def transact() -> Answer:
        try:
            wanted = parse_request(body.payload().members, most=settings.max_instances)
        except RequestInvalid as error:
            raise InvalidRequest(str(error)) from error
        return _answer(request_storage_commitment(uid, wanted, archive=origin.archive), form)

    # It reads instances back, which takes as long as stores do, and waits for the disk as they do.
    return AnswerResponse(await origin.uploads.pool.run(transact), origin.sender)


async def request_result_check(request: Request) -> AnswerResponse:
    """Request the result of storage commitment (PS3.18 13.5)."""
    origin, uid = origin_of(request), _transaction_uid_of(request)
    form = selected_form(acceptable_of(request), OFFERS_OF_ONE)

    def transact() -> Answer:
        return _answer(check_result(uid, archive=origin.archive), form)

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


def _transaction_uid_of(request: Request) -> str:
    uid: str = request.path_params["transaction"]
    if not is_uid(uid):
        raise InvalidRequest("The Transaction UID in the path is no UID.")
    return uid


def _answer(module: dict[str, Any] | None, form: Offer) -> Answer:
    if module is None:
        return Answer(HTTPStatus.ACCEPTED, {**_HEADERS, **_LATER}, b"")
    return represented_one(module, form, _HEADERS)
