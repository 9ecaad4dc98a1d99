"""Sending answers: whole bodies, and bodies that are read in a worker thread while they are sent.

The event loop alone waits for the user agent. A thread reads one chunk, the loop sends it, and only then the next
is read: a slow peer costs no thread. What the server below has taken but not yet passed on is invisible here and
is estimated as the last few messages; while all bodies together hold more than a limit, they go out in small
messages, so that stalled peers hold little.

A body that cannot be read to its end is never silently short: the application returns without ending it, and the
server below cuts the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from hilum.web.transfer.coding import Coding, coding_of, compress, compressed_chunks
from hilum.web.transfer.kept_bodies import KeptBodies
from hilum.web.transfer.pool import Pool
from hilum.wire.conditional import matching_tag

MEGABYTE: Final = 1024 * 1024

_MESSAGES_AHEAD: Final = 4
_SMALL_MESSAGE: Final = 64 * 1024
_NO_CONTENT: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True, slots=True)
class Answer:
    """A response in plain values."""

    status: HTTPStatus
    headers: Mapping[str, str]
    """Without Content-Length, which follows from the body."""
    body: bytes | Iterator[bytes]
    """The whole payload; or its chunks, of 1 MB or one object each, read in a worker thread while they are sent."""
    length: int | None = None
    """Bytes of a body in chunks, where known: then it is sent as Content-Length, and a body that yields more or
    fewer is cut."""


class PeerStalled(Exception):
    """The user agent takes nothing any more."""


class BodyBroken(Exception):
    """A body did not yield the bytes that its length announced."""


class Sender:
    """What the answers of one worker share: the threads that read bodies, and the bytes that are on their way."""

    def __init__(
        self,
        pool: Pool,
        *,
        buffer_bytes: int = 64 * MEGABYTE,
        stall_timeout_s: float = 120.0,
        kept_bytes: int = 32 * MEGABYTE,
    ) -> None:
        """Prepare to send.

        Args:
            pool: threads that read and compress bodies.
            buffer_bytes: above this estimate of bytes on their way, bodies go out in small messages.
            stall_timeout_s: seconds after which a user agent that takes nothing is given up.
            kept_bytes: room for compressed payloads that are asked for again.
        """
        self.pool = pool
        self.buffer_bytes = buffer_bytes
        self.stall_timeout_s = stall_timeout_s
        self.coded = KeptBodies(kept_bytes)
        self.bytes_ahead = 0
        """Estimate of the bytes of bodies in chunks that are on their way."""


class AnswerResponse:
    """An `Answer` as an ASGI application."""

    def __init__(self, answer: Answer, sender: Sender) -> None:
        """Send `answer` by `sender` when called."""
        self._answer = answer
        self._sender = sender

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response.

        Raises:
            Exception: whatever the body's iterator raises; before its first chunk nothing has been sent.
            BodyBroken: the body's length is not the announced one.
            PeerStalled: the user agent takes nothing any more.
        """
        answer, headers = self._answer, _lower_case(self._answer.headers)
        whole = answer.body if isinstance(answer.body, bytes) else None
        accepted = _request_header(scope, b"accept-encoding")
        coding = coding_of(headers, answer.status, whole, answer.length, accepted)
        if answer.status is HTTPStatus.NOT_MODIFIED:
            _name_known_tag(scope, headers)
        if isinstance(answer.body, bytes):
            await self._send_whole(answer.body, headers, coding, scope, send)
            return
        source = _Source(answer.body, answer.length, coding)
        try:
            if scope["method"] == "HEAD" or answer.status in _NO_CONTENT:
                await self._send_head(headers, source.length, send)
            else:
                await self._send_chunks(source, headers, receive, send)
        finally:
            if not source.exhausted:
                # Not awaited: it must happen also when this task is cancelled, and it waits for a running read.
                self._sender.pool.release(source.close)

    async def _send_whole(
        self, body: bytes, headers: MutableMapping[str, str], coding: Coding, scope: Scope, send: Send
    ) -> None:
        if coding is not Coding.IDENTITY:
            body = await self._coded(body, headers.get("etag"), coding)
        await self._send_head(headers, len(body), send, b"" if scope["method"] == "HEAD" else body)

    async def _coded(self, body: bytes, etag: str | None, coding: Coding) -> bytes:
        kept = self._sender.coded.find(etag) if etag else None
        if kept is not None:
            return kept
        coded = await self._sender.pool.run(compress, body, coding)
        if etag:
            self._sender.coded.keep(etag, coded)
        return coded

    async def _send_head(
        self, headers: MutableMapping[str, str], length: int | None, send: Send, body: bytes = b""
    ) -> None:
        if length is not None and self._answer.status not in _NO_CONTENT:
            headers["content-length"] = str(length)
        await send(_start(self._answer.status, headers))
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send_chunks(
        self, source: _Source, headers: MutableMapping[str, str], receive: Receive, send: Send
    ) -> None:
        run = self._sender.pool.run
        chunk = await run(source.pull)
        if source.exhausted:
            await self._send_head(headers, len(chunk), send, chunk)
            return
        if source.length is not None:
            headers["content-length"] = str(source.length)
        watcher = asyncio.ensure_future(_disconnect(receive))
        flow = _Flow(self._sender, send)
        try:
            await send(_start(self._answer.status, headers))
            while not source.exhausted:
                await flow.send_chunk(chunk)
                if watcher.done():
                    return
                chunk = await run(source.pull)
            await flow.send_chunk(chunk)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            flow.end()
            watcher.cancel()


class _Source:
    """The thread's side of a body in chunks: one read at a time, closed exactly once, never while it is read."""

    def __init__(self, chunks: Iterator[bytes], length: int | None, coding: Coding) -> None:
        self.length = length if coding is Coding.IDENTITY else None
        self.exhausted = False
        self._chunks = chunks
        self._stream = chunks if coding is Coding.IDENTITY else compressed_chunks(chunks, coding)
        self._taken = 0
        self._lock = threading.Lock()

    def pull(self) -> bytes:
        """Return the next chunk, b'' at the end; `exhausted` tells whether it was the last.

        Raises:
            BodyBroken: the chunks are more or less than the announced length.
        """
        with self._lock:
            chunk = next(self._stream, None)
            self._taken += len(chunk or b"")
            if self.length is not None and (self._taken > self.length or (chunk is None and self._taken < self.length)):
                raise BodyBroken(f"A body of {self.length} bytes yielded {self._taken}.")
            if chunk is None or self._taken == self.length:
                self._close()
                self.exhausted = True
            return chunk or b""

    def close(self) -> None:
        """Release what the iterator holds."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        for stream in (self._stream, self._chunks):
            close = getattr(stream, "close", None)
            if close is not None:
                close()


class _Flow:
    """The loop's side of a body in chunks: sends messages and keeps the estimate of what is on its way."""

    def __init__(self, sender: Sender, send: Send) -> None:
        self._sender = sender
        self._send = send
        self._ahead: deque[int] = deque()

    async def send_chunk(self, chunk: bytes) -> None:
        """Send a chunk, in small messages while too much is on its way."""
        if len(chunk) <= _SMALL_MESSAGE or not self._is_crowded(len(chunk)):
            await self._send_message(chunk)
            return
        for start in range(0, len(chunk), _SMALL_MESSAGE):
            await self._send_message(chunk[start : start + _SMALL_MESSAGE])

    def end(self) -> None:
        """Forget what was on its way."""
        self._sender.bytes_ahead -= sum(self._ahead)
        self._ahead.clear()

    def _is_crowded(self, size: int) -> bool:
        return self._sender.bytes_ahead + size > self._sender.buffer_bytes

    async def _send_message(self, data: bytes) -> None:
        if not data:
            return
        self._ahead.append(len(data))
        self._sender.bytes_ahead += len(data)
        if len(self._ahead) > _MESSAGES_AHEAD:
            self._sender.bytes_ahead -= self._ahead.popleft()
        try:
            async with asyncio.timeout(self._sender.stall_timeout_s):
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError as error:
            raise PeerStalled from error


async def _disconnect(receive: Receive) -> None:
    """Wait until the user agent has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(status: HTTPStatus, headers: Mapping[str, str]) -> Message:
    return {"type": "http.response.start", "status": int(status), "headers": encode_headers(headers)}


def encode_headers(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI takes them: names in lower case; what no field value may hold is replaced."""
    return [(name.lower().encode("ascii"), _field_value(value)) for name, value in headers.items()]


def _field_value(value: str) -> bytes:
    if not value.isprintable():
        value = "".join(character if character.isprintable() else " " for character in value)
    return value.encode("latin-1", "replace")


def _lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _name_known_tag(scope: Scope, headers: MutableMapping[str, str]) -> None:
    """Let a 304 carry the tag under which the user agent holds the representation, coded or not."""
    with contextlib.suppress(KeyError):
        known = matching_tag(_request_header(scope, b"if-none-match"), headers["etag"])
        headers["etag"] = known or headers["etag"]


def _request_header(scope: Scope, name: bytes) -> str:
    values: list[bytes] = [value for key, value in scope["headers"] if key == name]
    return b", ".join(values).decode("latin-1")
