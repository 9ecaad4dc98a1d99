"""Receiving payloads: from the connection to staged objects, with bounded memory.

The event loop reads and takes multipart apart; a thread writes batches of 1 MB or more. All uploads of a worker
share one budget of bytes that have come and are not yet written. When it is used up, whatever any upload holds is
written at once, however little, and reading waits for that: an upload that stands still holds memory only as long
as nobody else needs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Final, Generic, TypeVar

from starlette.requests import Request
from starlette.types import Message, Receive

from hilum.config import HttpSettings
from hilum.errors import (
    InvalidRequest,
    OutOfResources,
    PayloadTooLarge,
    RequestCutShort,
    UnsupportedMediaType,
)
from hilum.store.blobs.protocol import Staged
from hilum.web.transfer.pool import Pool
from hilum.wire.multipart import (
    Event,
    MultipartError,
    MultipartParser,
    PartBegin,
    PartData,
    PartEnd,
    TooManyParts,
)

_BATCH_BYTES: Final = 1024 * 1024
_PART_HEADER_BYTES: Final = 16 * 1024
_LENGTH_DIGITS: Final = 19
_DRAIN_BYTES: Final = 64 * 1024 * 1024
_DRAIN_TIMEOUT_S: Final = 10.0

T = TypeVar("T")

Stage = Callable[[], Staged]
Consume = Callable[[Mapping[str, str], Staged], T]
"""Takes over a staged object, with the headers of its part; called in a worker thread."""


class PartProblem(Enum):
    """Why a part was not received; the value is a sentence to the user agent."""

    CUT_SHORT = "No delimiter follows this part, so it may be cut off."
    TOO_LARGE = "The object is larger than this origin server takes."
    OUT_OF_RESOURCES = "The storage of this origin server is full."


@dataclass(frozen=True, slots=True)
class ReceivedPart(Generic[T]):
    """One part of a multipart payload."""

    headers: Mapping[str, str]
    """By name in lower case."""
    size_bytes: int
    consumed: asyncio.Future[T] | None
    """What the consumer makes of the part, in a worker thread; None if there is a problem.

    It raises OutOfResources where the last bytes found no room, and whatever the consumer raises.
    """
    problem: PartProblem | None


class Uploads:
    """What the uploads of one worker share: threads that write, limits, and the budget of unwritten bytes."""

    def __init__(self, pool: Pool, http: HttpSettings) -> None:
        """Prepare to receive.

        Args:
            pool: threads that write.
            http: limits.
        """
        self.pool = pool
        self.limits = http
        self.unwritten_bytes = 0
        """Bytes that have been read and not been written."""
        self._writers: set[_PartWriter] = set()
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def admit(self, size: int) -> None:
        """Take `size` bytes into the budget; wait while it is used up and anything in it can be written."""
        limit = self.limits.upload_buffer_bytes
        while self.unwritten_bytes and self.unwritten_bytes + size > limit:
            for writer in tuple(self._writers):
                writer.flush_soon()
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
        self.unwritten_bytes += size

    def release(self, size: int) -> None:
        """Give `size` bytes back; all who wait look again."""
        self.unwritten_bytes -= size
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)

    def add(self, writer: _PartWriter) -> None:
        """Count `writer` among those that may hold unwritten bytes."""
        self._writers.add(writer)

    def remove(self, writer: _PartWriter) -> None:
        """Forget `writer`."""
        self._writers.discard(writer)


async def receive_parts(
    request: Request, boundary: str, *, uploads: Uploads, stage: Stage, consume: Consume[T]
) -> AsyncIterator[ReceivedPart[T]]:
    """Yield the parts of a multipart payload, each as soon as it is complete.

    A part with a problem costs no other part: it is yielded without its bytes, and reading goes on. The last bytes of
    a part are written by the thread that consumes it: an instance takes one hop.

    Args:
        request: nothing of its payload has been read.
        boundary: parameter of its Content-Type.
        uploads: of this worker.
        stage: makes a new staged object; called in a worker thread.
        consume: takes over a staged object with all bytes of a part; called in a worker thread.

    Raises:
        InvalidRequest: the payload is no multipart, or has no parts.
        PayloadTooLarge: it has too many parts.
        UnsupportedMediaType: it has a content coding.
        RequestCutShort: the user agent went away, or sent nothing for `http.idle_timeout_s`.
    """
    body = _Body(request, uploads)
    writer = _PartWriter({}, uploads, stage)
    try:
        parser = _parser(boundary, uploads.limits.max_parts)
        while not body.is_read:
            for event in _events(parser, body, await body.next_chunk()):
                match event:
                    case PartBegin():
                        writer = _PartWriter(event.headers, uploads, stage)
                    case PartData():
                        await writer.write(event.data)
                    case PartEnd():
                        yield await writer.finish(event, consume)
        if not parser.parts:
            raise InvalidRequest("The multipart payload has no parts.")
    finally:
        writer.abandon()


async def receive_single(request: Request, *, uploads: Uploads, stage: Stage, consume: Consume[T]) -> T:
    """Return what `consume` makes of the payload of a request that is one object.

    Args:
        request: nothing of its payload has been read.
        uploads: of this worker.
        stage: makes a new staged object; called in a worker thread.
        consume: takes over the staged object; called in a worker thread.

    Raises:
        InvalidRequest: there is no payload.
        PayloadTooLarge: it is larger than `http.max_object_bytes`.
        OutOfResources: the storage is full.
        UnsupportedMediaType: it has a content coding.
        RequestCutShort: the user agent went away, or sent nothing for `http.idle_timeout_s`.
    """
    body = _Body(request, uploads)
    if body.content_length is not None and body.content_length > uploads.limits.max_object_bytes:
        raise PayloadTooLarge(PartProblem.TOO_LARGE.value)
    writer = _PartWriter({}, uploads, stage)
    try:
        while not body.is_read and writer.problem is None:
            await writer.write(await body.next_chunk())
        if not body.bytes_read:
            raise InvalidRequest("The request has no payload.")
        part = await writer.finish(PartEnd(complete=True), consume)
    finally:
        writer.abandon()
    if part.problem is PartProblem.TOO_LARGE:
        raise PayloadTooLarge(part.problem.value)
    if part.consumed is None:
        raise OutOfResources(PartProblem.OUT_OF_RESOURCES.value)
    return await part.consumed


async def receive_whole(request: Request, *, uploads: Uploads, max_bytes: int) -> bytes:
    """Return the payload of a request that is small enough for memory; it may be empty.

    It has `http.idle_timeout_s` to come as a whole, and counts in the budget of unwritten bytes meanwhile.

    Raises:
        PayloadTooLarge: it is longer than `max_bytes`.
        UnsupportedMediaType: it has a content coding.
        RequestCutShort: the user agent went away, or was too slow.
    """
    body = _Body(request, uploads)
    announced = max_bytes if body.content_length is None else body.content_length
    if announced > max_bytes:
        raise PayloadTooLarge(f"The payload has more than {max_bytes} bytes.")
    # All at once: requests that wait for one another's bytes would wait for ever.
    await uploads.admit(announced)
    try:
        async with asyncio.timeout(uploads.limits.idle_timeout_s):
            chunks: list[bytes] = []
            while not body.is_read:
                chunks.append(await body.next_chunk())
                if body.bytes_read > max_bytes:
                    raise PayloadTooLarge(f"The payload has more than {max_bytes} bytes.")
    except TimeoutError as error:
        raise RequestCutShort("The payload did not come in time.") from error
    finally:
        uploads.release(announced)
    return b"".join(chunks)


class Inflow:
    """`receive` of a request with a payload; knows how much has come and whether more is to come."""

    def __init__(self, receive: Receive) -> None:
        """Wrap `receive`."""
        self._receive = receive
        self.bytes_read = 0
        self._ended = False

    async def __call__(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        self.bytes_read += len(message.get("body", b""))
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read and forget what the user agent still sends, within limits, once it has been answered.

        Many user agents look at the answer only after they have sent everything: for them an early refusal
        whose connection is closed at once is a broken pipe and no answer.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                limit = self.bytes_read + _DRAIN_BYTES
                while not self._ended and self.bytes_read < limit:
                    await self()


class _Body:
    """The payload of one request, chunk by chunk."""

    def __init__(self, request: Request, uploads: Uploads) -> None:
        headers = request.headers
        self.content_length = _content_length(headers.getlist("content-length"))
        if self.content_length is not None and "transfer-encoding" in headers:
            # RFC 9112 6.1: whoever sends both may be smuggling a second request.
            raise InvalidRequest("A request has a Content-Length or a Transfer-Encoding, never both.")
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in ("", "identity"):
            raise UnsupportedMediaType("Payloads with a content coding are not supported.")
        self._receive = request.receive
        self._idle_timeout_s = uploads.limits.idle_timeout_s
        self.bytes_read = 0
        self.is_read = False

    async def next_chunk(self) -> bytes:
        """Return the next bytes, which may be none."""
        try:
            async with asyncio.timeout(self._idle_timeout_s):
                message = await self._receive()
        except TimeoutError as error:
            raise RequestCutShort(f"Nothing came for {self._idle_timeout_s:g} seconds.") from error
        if message["type"] != "http.request":
            raise RequestCutShort("The user agent went away before its request was complete.")
        chunk: bytes = message.get("body", b"")
        self.bytes_read += len(chunk)
        self.is_read = not message.get("more_body", False)
        expected = self.content_length
        if self.is_read and expected is not None and self.bytes_read != expected:
            raise RequestCutShort(f"The request announced {expected} bytes and has {self.bytes_read}.")
        if self.is_read:
            self._receive = _nothing_more
        return chunk


async def _nothing_more() -> Message:
    raise RuntimeError("The payload was read to its end.")


def _content_length(values: list[str]) -> int | None:
    if not values:
        return None
    if len(set(values)) > 1 or not (values[0].isascii() and values[0].isdigit() and len(values[0]) <= _LENGTH_DIGITS):
        raise InvalidRequest("The Content-Length is no number.")
    return int(values[0])


def _parser(boundary: str, max_parts: int) -> MultipartParser:
    try:
        return MultipartParser(
            boundary.encode("latin-1", "replace"), max_parts=max_parts, max_header_bytes=_PART_HEADER_BYTES
        )
    except MultipartError as error:
        raise InvalidRequest(str(error)) from error


def _events(parser: MultipartParser, body: _Body, chunk: bytes) -> list[Event]:
    """Return what a chunk adds, and at the end of the payload what its end adds."""
    try:
        events = parser.feed(chunk)
    except TooManyParts as error:
        raise PayloadTooLarge(str(error)) from error
    except MultipartError as error:
        raise InvalidRequest(str(error)) from error
    return events + parser.close() if body.is_read else events


class _PartWriter:
    """Brings the bytes of one part to a staged object.

    The loop collects pieces; a thread writes them, one batch at a time, while the loop collects on.
    """

    def __init__(self, headers: Mapping[str, str], uploads: Uploads, stage: Stage) -> None:
        self.problem: PartProblem | None = None
        self._headers = headers
        self._uploads = uploads
        self._pieces: list[bytes | memoryview] = []
        self._unwritten = 0
        self._size = 0
        self._writing: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._finished = False
        self._target = _Target(stage)
        uploads.add(self)

    async def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes of the part; those of a part with a problem are dropped."""
        if self.problem is not None or not data:
            return
        self._size += len(data)
        if self._size > self._uploads.limits.max_object_bytes:
            self._fail(PartProblem.TOO_LARGE)
            return
        await self._uploads.admit(len(data))
        self._pieces.append(data)
        self._unwritten += len(data)
        if self._unwritten >= _BATCH_BYTES:
            await self._settle()
            self.flush_soon()

    async def finish(self, end: PartEnd, consume: Consume[T]) -> ReceivedPart[T]:
        """Have what is left written and the part consumed; the loop does not wait for that."""
        if not end.complete:
            self._fail(self.problem or PartProblem.CUT_SHORT)
        await self._settle()
        self._finished = True
        self._uploads.remove(self)
        if self.problem is not None:
            return ReceivedPart(self._headers, self._size, None, self.problem)
        pieces, size = self._pieces, self._unwritten
        self._pieces, self._unwritten = [], 0
        consumed = self._uploads.pool.run(self._target.consume, pieces, partial(consume, self._headers))
        consumed.add_done_callback(partial(self._consumed, size))
        return ReceivedPart(self._headers, self._size, consumed, None)

    def _consumed(self, size: int, consumed: asyncio.Future[T]) -> None:
        self._uploads.release(size)
        if consumed.cancelled():
            # It may never have begun, and then nobody else lets go of what is staged.
            self._uploads.pool.release(self._target.discard)

    def flush_soon(self) -> None:
        """Start to write what has come, unless a batch is being written."""
        if self._writing is None and self._pieces:
            self._start_writing()

    def abandon(self) -> None:
        """Forget the part, unless it was finished."""
        if not self._finished:
            self._drop_pieces()
            self._uploads.remove(self)
            self._uploads.pool.release(self._target.discard)

    def _start_writing(self) -> None:
        pieces, size = self._pieces, self._unwritten
        self._pieces, self._unwritten = [], 0
        self._writing = self._uploads.pool.run(self._target.write, pieces)
        self._writing.add_done_callback(partial(self._written, size))

    def _written(self, size: int, writing: asyncio.Future[None]) -> None:
        """Note that a batch of `size` bytes is done with; runs before whoever waits for it goes on."""
        self._writing = None
        self._uploads.release(size)
        error = None if writing.cancelled() else writing.exception()
        if isinstance(error, OutOfResources):
            self._fail(PartProblem.OUT_OF_RESOURCES)
        elif error is not None:
            self._error = error
            self._drop_pieces()

    async def _settle(self) -> None:
        """Wait for the batch that is being written."""
        if self._writing is not None:
            with contextlib.suppress(OutOfResources):
                await self._writing
        if self._error is not None:
            raise self._error

    def _fail(self, problem: PartProblem) -> None:
        self.problem = problem
        self._drop_pieces()
        self._uploads.pool.release(self._target.discard)

    def _drop_pieces(self) -> None:
        self._pieces.clear()
        self._uploads.release(self._unwritten)
        self._unwritten = 0


class _Target:
    """The thread's side: a staged object that is made with its first bytes and is let go exactly once.

    The lock orders a discard after a write that is running.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._staged: Staged | None = None
        self._closed = False
        self._lock = threading.Lock()

    def write(self, pieces: list[bytes | memoryview]) -> None:
        """Append a batch. A first batch of one write may stay in memory for ingest, so it is made one value."""
        data = pieces[0] if len(pieces) == 1 and isinstance(pieces[0], bytes) else b"".join(pieces)
        with self._lock:
            if self._closed:
                return
            if self._staged is None:
                self._staged = self._stage()
            if data:
                self._staged.write(data)

    def consume(self, pieces: list[bytes | memoryview], consume: Callable[[Staged], T]) -> T:
        """Append the last batch and give the staged object to its consumer."""
        try:
            if pieces or self._staged is None:
                self.write(pieces)
        except BaseException:
            self.discard()
            raise
        pieces.clear()
        staged = self.take()
        if staged is None:
            raise RequestCutShort("The part was given up.")
        return consume(staged)

    def take(self) -> Staged | None:
        """Give the staged object away."""
        with self._lock:
            self._closed = True
            staged, self._staged = self._staged, None
            return staged

    def discard(self) -> None:
        """Discard the staged object, if it was not given away."""
        staged = self.take()
        if staged is not None:
            staged.discard()
