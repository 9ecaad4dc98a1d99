"""Open Notification Connection and Send Event Report: the WebSocket of a receiver (PS3.18 8.10, 11.13)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from http import HTTPStatus
from typing import Final, NoReturn

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from hilum.dicom.worklist.reports import event_message
from hilum.errors import InvalidRequest
from hilum.services.worklist.event_reports import missed_reports, start_of_replay
from hilum.store.worklist.records import Report
from hilum.web.gate.authentication import EVENTS_PROTOCOL
from hilum.web.origin import Origin, origin_of
from hilum.web.services.workitem_targets import ae_title_of
from hilum.web.transfer.feed import Receiver

_logger = logging.getLogger(__name__)

_BATCH: Final = 500
_STALL_S: Final = 60.0
"""Seconds after which a receiver that takes nothing is given up."""
_NORMAL: Final = frozenset({1000, 1001})
_GOING_AWAY: Final = 1001
_TRY_AGAIN_LATER: Final = 1013


async def refuse_plain_request(_request: Request) -> NoReturn:
    """Refuse what is no WebSocket handshake (NTF-02)."""
    raise InvalidRequest("Event reports are sent over a WebSocket: the request must be its opening handshake.")


async def open_notification_connection(socket: WebSocket) -> None:
    """Send the reports to one AE as long as its connection lasts (PS3.18 8.10.4, 8.10.5)."""
    origin = origin_of(socket)
    try:
        ae_title = ae_title_of(socket, "aetitle")
    except InvalidRequest as error:
        await socket.send_denial_response(Response(f"{error}\n", HTTPStatus.BAD_REQUEST, media_type="text/plain"))
        return
    is_offered = EVENTS_PROTOCOL in socket.scope.get("subprotocols", ())
    await socket.accept(subprotocol=EVENTS_PROTOCOL if is_offered else None)
    if origin.feed.size >= origin.settings.worklist.max_receivers:
        await socket.close(_TRY_AGAIN_LATER)
        return
    receiver = await origin.feed.add(ae_title)
    closed_normally = False
    try:
        closed_normally = await _serve(socket, receiver, origin)
    finally:
        # Of a connection that broke, the last second may not have arrived.
        arrived = receiver.sent if closed_normally else receiver.settled
        await origin.feed.remove(receiver, arrived=arrived)


async def _serve(socket: WebSocket, receiver: Receiver, origin: Origin) -> bool:
    """Send until the user agent goes or the server ends; return whether it was in order."""
    listening = asyncio.create_task(_close_code(socket))
    sending = asyncio.create_task(_Connection(socket, receiver, origin).send_reports())
    try:
        await asyncio.wait({listening, sending}, return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            return listening.result() in _NORMAL
        error = sending.exception()
        if error is None:
            await socket.close(_GOING_AWAY)
        elif not isinstance(error, TimeoutError | WebSocketDisconnect | RuntimeError):
            _logger.error("The connection of a receiver failed.", exc_info=error)
            await socket.close(_TRY_AGAIN_LATER)
        return False
    finally:
        for task in (listening, sending):
            task.cancel()
        await asyncio.gather(listening, sending, return_exceptions=True)


async def _close_code(socket: WebSocket) -> int:
    """Read and forget what the user agent sends; return the code of its close."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            code: int = message.get("code") or 1005
            return code


class _Connection:
    """What one connection has sent."""

    def __init__(self, socket: WebSocket, receiver: Receiver, origin: Origin) -> None:
        self._socket = socket
        self._receiver = receiver
        self._origin = origin
        self._message_id = 0

    async def send_reports(self) -> None:
        """Send what was missed, then what comes; return when the server ends."""
        receiver, origin = self._receiver, self._origin
        start = partial(start_of_replay, receiver.ae_title, archive=origin.archive)
        receiver.sent = await origin.pool.run(start)
        while not receiver.is_closed:
            await self._send_missed()
            await self._send_live()
            if receiver.has_overflowed:
                receiver.start_over()

    async def _send_missed(self) -> None:
        """Send from the log, until its end."""
        receiver, origin = self._receiver, self._origin
        while True:
            read = partial(missed_reports, receiver.ae_title, receiver.sent, _BATCH, archive=origin.archive)
            missed = await origin.pool.run(read)
            for report in missed.reports:
                await self._send(report)
            receiver.sent = max(receiver.sent, missed.cursor)
            if missed.is_end:
                return

    async def _send_live(self) -> None:
        """Send what is queued, as it comes."""
        while (report := await self._receiver.next_report()) is not None:
            if report.cursor > self._receiver.sent:
                await self._send(report)

    async def _send(self, report: Report) -> None:
        self._message_id += 1
        message = event_message(report.content, report.sop_instance_uid, self._message_id)
        async with asyncio.timeout(_STALL_S):
            await self._socket.send_text(orjson.dumps(message).decode())
        self._receiver.sent = report.cursor
