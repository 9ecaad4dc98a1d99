"""Handlers of the Worklist Service: negotiate, parse, transact, represent (PS3.18 chapter 11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request

from hilum.dicom.searching.query import Level, QueryError, parse_query
from hilum.dicom.worklist.checks import text_of
from hilum.errors import InvalidRequest, TransactionError
from hilum.services.worklist import subscriptions
from hilum.services.worklist.attributes import SOP_INSTANCE_UID
from hilum.services.worklist.change_state import INCONSISTENT as STATE_INCONSISTENT
from hilum.services.worklist.change_state import change_state
from hilum.services.worklist.create import create_workitem
from hilum.services.worklist.request_cancellation import request_cancellation
from hilum.services.worklist.retrieve import retrieve_workitem
from hilum.services.worklist.search import search_workitems
from hilum.services.worklist.update import NOT_CLAIMED, update_workitem
from hilum.store.worklist.records import DeletionLock
from hilum.web.errors import transaction_answer
from hilum.web.origin import Origin, origin_of
from hilum.web.parse import acceptable_of
from hilum.web.services.data_sets import OFFERS_OF_ONE, received, received_if_any, represented, selected_form
from hilum.web.services.workitem_targets import (
    ae_title_of,
    deletion_lock_of,
    requester_of,
    transaction_uid_of,
    uid_of_query,
    workitem_of,
)
from hilum.web.transfer.send import Answer, AnswerResponse
from hilum.wire.conditional import etag_of, none_match

_CACHING: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}
_NO_STORE: Final = {"Cache-Control": "no-store"}


async def create(request: Request) -> AnswerResponse:
    """Create a workitem (PS3.18 11.4)."""
    origin = origin_of(request)
    uid = uid_of_query(request)
    body = await received(request, origin, origin.settings.worklist.max_bytes)
    service_url = origin.service_url(request)

    def transact() -> Answer:
        created = create_workitem(body.payload(), uid=uid, archive=origin.archive)
        headers = _warnings(created.warnings, service_url)
        headers["Location"] = f"{service_url}/workitems/{created.sop_instance_uid}"
        return Answer(HTTPStatus.CREATED, headers, b"")

    return await _written(origin, transact)


async def retrieve(request: Request) -> AnswerResponse:
    """Retrieve a workitem (PS3.18 11.5)."""
    origin, uid = origin_of(request), workitem_of(request)
    form = selected_form(acceptable_of(request), OFFERS_OF_ONE)
    service_url = origin.service_url(request)
    if_none_match = request.headers.get("if-none-match")

    def transact() -> Answer:
        workitem = retrieve_workitem(uid, archive=origin.archive)
        etag = etag_of(service_url, uid, str(workitem.version), str(form))
        if none_match(if_none_match, etag):
            return Answer(HTTPStatus.NOT_MODIFIED, {"ETag": etag, "Vary": "Accept, Accept-Encoding"}, b"")
        headers = {"ETag": etag, **_CACHING}
        return represented([workitem.members], form, headers, partial(_location, service_url))

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


async def update(request: Request) -> AnswerResponse:
    """Update a workitem (PS3.18 11.6)."""
    return await _with_warning(request, NOT_CLAIMED, _update)


async def _update(request: Request) -> AnswerResponse:
    origin, uid, transaction_uid = origin_of(request), workitem_of(request), transaction_uid_of(request)
    body = await received(request, origin, origin.settings.worklist.max_bytes)
    service_url = origin.service_url(request)

    def transact() -> Answer:
        warnings = update_workitem(uid, body.payload(), transaction_uid=transaction_uid, archive=origin.archive)
        return Answer(HTTPStatus.OK, _warnings(warnings, service_url), b"")

    return await _written(origin, transact)


async def change_workitem_state(request: Request) -> AnswerResponse:
    """Change the state of a workitem (PS3.18 11.7)."""
    return await _with_warning(request, STATE_INCONSISTENT, _change_state)


async def _change_state(request: Request) -> AnswerResponse:
    origin, uid = origin_of(request), workitem_of(request)
    if "performer" in request.path_params:
        ae_title_of(request, "performer")
    body = await received(request, origin, origin.settings.worklist.max_bytes)
    service_url = origin.service_url(request)

    def transact() -> Answer:
        warnings = change_state(uid, body.payload(), archive=origin.archive)
        return Answer(HTTPStatus.OK, _warnings(warnings, service_url), b"")

    return await _written(origin, transact)


async def request_workitem_cancellation(request: Request) -> AnswerResponse:
    """Request the cancellation of a workitem (PS3.18 11.8)."""
    return await _with_warning(request, "", _request_cancellation)


async def _request_cancellation(request: Request) -> AnswerResponse:
    origin, uid, requester = origin_of(request), workitem_of(request), requester_of(request)
    body = await received_if_any(request, origin, origin.settings.worklist.max_bytes)
    service_url = origin.service_url(request)

    def transact() -> Answer:
        warnings = request_cancellation(uid, body.payload(), requester=requester, archive=origin.archive)
        return Answer(HTTPStatus.ACCEPTED, _warnings(warnings, service_url), b"")

    return await _written(origin, transact)


async def search(request: Request) -> AnswerResponse:
    """Search for workitems (PS3.18 11.9)."""
    origin = origin_of(request)
    form = selected_form(acceptable_of(request))
    settings = origin.settings.search
    text: str = request.scope["query_string"].decode("latin-1")
    try:
        query = parse_query(Level.INSTANCE, text, max_results=settings.max_results)
    except QueryError as error:
        raise InvalidRequest(str(error)) from error
    service_url = origin.service_url(request)

    def transact() -> Answer:
        page = search_workitems(query, archive=origin.archive)
        warnings = list(query.warnings)
        if page.ignored:
            warnings.append(f"These attributes are no matching keys here and were ignored: {_names(page.ignored)}.")
        if page.remaining:
            warnings.append(f"There are {page.remaining} additional results that can be requested")
        headers = {**_CACHING, **{k: v for k, v in _warnings(warnings, service_url).items() if k == "Warning"}}
        if not page.items and settings.empty == 204:
            return Answer(HTTPStatus.NO_CONTENT, headers, b"")
        return represented(page.items, form, headers, partial(_location, service_url))

    return AnswerResponse(await origin.pool.run(transact), origin.sender)


def _location(service_url: str, workitem: Mapping[str, Any]) -> str:
    return f"{service_url}/workitems/{text_of(workitem, SOP_INSTANCE_UID)}"


async def subscribe(request: Request) -> AnswerResponse:
    """Subscribe an AE to a workitem or a worklist (PS3.18 11.10)."""
    origin, target, ae_title = origin_of(request), workitem_of(request, "target"), ae_title_of(request, "aetitle")
    lock = DeletionLock.HELD if deletion_lock_of(request) == "true" else DeletionLock.NONE
    chosen = subscriptions.filter_of(request.scope["query_string"].decode("latin-1"))
    service_url = origin.service_url(request)
    socket_url = f"{'ws' + service_url.removeprefix('http')}/subscribers/{quote(ae_title, safe='')}"

    def transact() -> Answer:
        warnings = subscriptions.subscribe(target, ae_title, lock=lock, chosen=chosen, archive=origin.archive)
        headers = _warnings(warnings, service_url)
        # UPS-84: the standard names Content-Location, common user agents read Location.
        return Answer(HTTPStatus.CREATED, {**headers, "Content-Location": socket_url, "Location": socket_url}, b"")

    return await _written(origin, transact)


async def unsubscribe(request: Request) -> AnswerResponse:
    """End a subscription (PS3.18 11.11)."""
    return await _end(request, subscriptions.unsubscribe)


async def suspend(request: Request) -> AnswerResponse:
    """Suspend a subscription to a worklist (PS3.18 11.12)."""
    return await _end(request, subscriptions.suspend)


async def _end(request: Request, end: Callable[..., None]) -> AnswerResponse:
    origin, target, ae_title = origin_of(request), workitem_of(request, "target"), ae_title_of(request, "aetitle")

    def transact() -> Answer:
        end(target, ae_title, archive=origin.archive)
        return Answer(HTTPStatus.OK, _NO_STORE, b"")

    return await _written(origin, transact)


async def _written(origin: Origin, transact: Callable[[], Answer]) -> AnswerResponse:
    """Run what waits for the disk in the threads for that, so that retrieval need not wait for it."""
    return AnswerResponse(await origin.uploads.pool.run(transact), origin.sender)


async def _with_warning(
    request: Request, default: str, carry_out: Callable[[Request], Awaitable[AnswerResponse]]
) -> AnswerResponse:
    """Carry out a transaction whose failures say in a Warning header what the standard prints (UPS-51, UPS-58)."""
    try:
        return await carry_out(request)
    except TransactionError as error:
        text = error.warning or default
        if not text:
            raise
        origin = origin_of(request)
        answer = transaction_answer(error, request.headers.get("accept", ""))
        headers = {**answer.headers, "Warning": _warning_text((text,), origin.service_url(request))}
        return AnswerResponse(replace(answer, headers=headers), origin.sender)


def _warnings(warnings: Sequence[str], service_url: str) -> dict[str, str]:
    return {**_NO_STORE, **({"Warning": _warning_text(warnings, service_url)} if warnings else {})}


def _warning_text(warnings: Sequence[str], service_url: str) -> str:
    return ", ".join(f"299 {service_url}: {text}" for text in warnings)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
