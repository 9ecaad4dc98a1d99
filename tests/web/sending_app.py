"""An application for the tests of the sender: bodies of all kinds, and what became of their iterators."""

from __future__ import annotations

import ctypes
import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

from hilum.web.transfer.pool import Pool
from hilum.web.transfer.send import MEGABYTE, Answer, AnswerResponse, PeerStalled, Sender

POOL = Pool("work", threads=8)
SENDER = Sender(POOL, buffer_bytes=8 * MEGABYTE, stall_timeout_s=2)
EVENTS = {"opened": 0, "closed": 0, "yielded": 0, "stalled": 0}
JSON = {"Content-Type": "application/dicom+json", "ETag": '"tag"'}
TEXT = b"[" + b'{"00100010":{"vr":"PN"}},' * 1000 + b"{}]"


def chunks(count: int, size: int) -> Iterator[bytes]:
    EVENTS["opened"] += 1
    try:
        for number in range(count):
            EVENTS["yielded"] += 1
            yield bytes([65 + number % 26]) * size
    finally:
        EVENTS["closed"] += 1


def failing(after: int) -> Iterator[bytes]:
    yield from chunks(after, 1000)
    raise OSError("the disk is gone")


def state() -> bytes:
    # What is held counts, not what the C library keeps of what was freed.
    ctypes.CDLL(None).malloc_trim(0)
    rss = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return json.dumps(
        EVENTS
        | {"ahead": SENDER.bytes_ahead, "threads": threading.active_count(), "rss_mb": int(rss.split()[1]) // 1024}
    ).encode()


OCTETS = {"Content-Type": "application/octet-stream"}
OK = HTTPStatus.OK
ANSWERS: dict[str, Callable[[int, int], Answer]] = {
    "/state": lambda _count, _size: Answer(OK, OCTETS, state()),
    "/chunks": lambda count, size: Answer(OK, OCTETS, chunks(count, size), count * size),
    "/unknown-length": lambda count, size: Answer(OK, OCTETS, chunks(count, size)),
    "/short": lambda count, size: Answer(OK, OCTETS, chunks(count, size), count * size + 1),
    "/long": lambda count, size: Answer(OK, OCTETS, chunks(count, size), count * size - 1),
    "/failing": lambda count, _size: Answer(OK, OCTETS, failing(count), 1_000_000),
    "/failing-unknown-length": lambda count, _size: Answer(OK, OCTETS, failing(count)),
    "/json": lambda _count, _size: Answer(OK, JSON, TEXT),
    "/json-chunks": lambda count, _size: Answer(OK, JSON, iter([TEXT] * count), len(TEXT) * count),
    "/not-modified": lambda _count, _size: Answer(HTTPStatus.NOT_MODIFIED, JSON, b""),
    "/no-content": lambda _count, _size: Answer(HTTPStatus.NO_CONTENT, {}, b""),
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    query = parse_qs(scope["query_string"].decode())
    count, size = int(query.get("count", ["1"])[0]), int(query.get("size", ["1000"])[0])
    try:
        await AnswerResponse(ANSWERS[scope["path"]](count, size), SENDER)(scope, receive, send)
    except PeerStalled:
        EVENTS["stalled"] += 1
