"""An application for the tests of the receiver: it tells what came, and discards it."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hilum.config import HttpSettings
from hilum.errors import TransactionError
from hilum.store.blobs.folder import FolderBlobs
from hilum.store.blobs.protocol import Staged
from hilum.web.transfer.pool import Pool
from hilum.web.transfer.receive import Inflow, ReceivedPart, Uploads, receive_parts, receive_single
from hilum.wire.media_types import parse_media_type

FOLDER = Path(os.environ["HILUM_TEST_FOLDER"])
FolderBlobs.create(FOLDER)
BLOBS = FolderBlobs(FOLDER)
POOL = Pool("work", threads=4)
LIMITS = HttpSettings(
    max_parts=50, max_object_bytes=8_000_000, upload_buffer_bytes=4_000_000, idle_timeout_s=2, dicomweb_root=""
)
UPLOADS = Uploads(POOL, LIMITS)


def digest(_headers: Mapping[str, str], staged: Staged) -> str:
    try:
        return hashlib.sha256(staged.buffer()).hexdigest()
    finally:
        staged.discard()


def state() -> dict[str, Any]:
    # What is held counts, not what the C library keeps of what was freed.
    ctypes.CDLL(None).malloc_trim(0)
    rss = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return {
        "staged": len(list((FOLDER / "staging").iterdir())),
        "unwritten": UPLOADS.unwritten_bytes,
        "threads": threading.active_count(),
        "rss_mb": int(rss.split()[1]) // 1024,
    }


async def answer(request: Request) -> dict[str, Any]:
    if request.url.path == "/state":
        return await POOL.run(state)
    media_type = parse_media_type(request.headers.get("content-type", "application/dicom"))
    if media_type.type != "multipart":
        return {"digest": await receive_single(request, uploads=UPLOADS, stage=BLOBS.stage, consume=digest)}
    boundary = media_type.parameters.get("boundary", "")
    parts = receive_parts(request, boundary, uploads=UPLOADS, stage=BLOBS.stage, consume=digest)
    return {"parts": [await told(part) async for part in parts]}


async def told(part: ReceivedPart[str]) -> dict[str, Any]:
    return {
        "headers": dict(part.headers),
        "size": part.size_bytes,
        "digest": await part.consumed if part.consumed else None,
        "problem": part.problem.name if part.problem else None,
    }


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    inflow = Inflow(receive)
    try:
        status, body = 200, await answer(Request(scope, inflow))
    except TransactionError as error:
        status, body = 400, {"error": type(error).__name__}
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
    await inflow.drain()
