"""Content codings of payloads: which one the user agent likes best, and compressed answers that are kept.

A compressed payload is kept under its validator, which names the stored content, the base URL in it and the coding:
whoever asks for unchanged metadata again gets the same bytes, and nothing is put together or compressed for that.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator, Mapping, MutableMapping
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import imagecodecs
import zstandard

from hilum.wire.accept import preferred_coding
from hilum.wire.conditional import with_coding

_WORTH_COMPRESSING: Final = 1024
_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31
_PIECE_BYTES: Final = 64 * 1024
_COMPRESSIBLE: Final = frozenset(
    {"application/dicom+json", "application/json", "application/dicom+xml", "application/xml", "application/javascript"}
)


class Coding(Enum):
    """How a payload travels; the value is that of Content-Encoding."""

    IDENTITY = "identity"
    ZSTD = "zstd"
    BROTLI = "br"
    GZIP = "gzip"


# The cheapest first: one level of zstd costs half of what gzip does and gives less to send.
CODINGS: Final = ("zstd", "br", "gzip")
"""Of whole payloads, the best first."""

_OF_CHUNKS: Final = ("zstd", "gzip")


def coding_of(
    headers: MutableMapping[str, str], status: HTTPStatus, body: bytes | None, length: int | None, accepted: str
) -> Coding:
    """Choose how a payload travels and make the headers say so.

    Args:
        headers: of the response, names in lower case; changed.
        status: of the response.
        body: the whole payload; None: it comes in chunks.
        length: bytes of a payload in chunks, where known.
        accepted: the request's Accept-Encoding, '' if it has none.

    Source: RFC 9110 8.4, 12.5.3 (NEG-21).
    """
    if not _is_worth_compressing(headers, status, length if body is None else len(body)):
        return Coding.IDENTITY
    vary = headers.get("vary", "")
    if "accept-encoding" not in vary.lower():
        headers["vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
    name = preferred_coding(accepted, _OF_CHUNKS if body is None else CODINGS)
    if name is None:
        return Coding.IDENTITY
    coding = Coding(name)
    headers["content-encoding"] = name
    if "etag" in headers:
        headers["etag"] = with_coding(headers["etag"], name)
    return coding


def _is_worth_compressing(headers: Mapping[str, str], status: HTTPStatus, length: int | None) -> bool:
    """Say whether the payload is text of some length that has no coding yet."""
    essence = headers.get("content-type", "").partition(";")[0].strip().lower()
    if status is not HTTPStatus.OK or "content-encoding" in headers:
        return False
    if essence not in _COMPRESSIBLE and not essence.startswith("text/"):
        return False
    return length is None or length > _WORTH_COMPRESSING


def compress(body: bytes, coding: Coding) -> bytes:
    """Return a whole payload in a coding."""
    compressed: Any
    if coding is Coding.ZSTD:
        compressed = _per_thread.zstd.compress(body)
    elif coding is Coding.BROTLI:
        compressed = imagecodecs.brotli_encode(body, level=_LEVEL)
    elif coding is Coding.GZIP:
        compressed = imagecodecs.gzip_encode(body, level=_LEVEL)
    else:
        compressed = body
    return bytes(compressed)


def compressed_chunks(chunks: Iterator[bytes], coding: Coding) -> Iterator[bytes]:
    """Compress a payload in chunks; each chunk that comes out is of 64 kB or more but the last."""
    if coding is Coding.IDENTITY:
        yield from chunks
        return
    compressor = (
        _per_thread.zstd.compressobj()
        if coding is Coding.ZSTD
        else zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    )
    ready: list[bytes] = []
    size = 0
    for chunk in chunks:
        ready.append(compressor.compress(chunk))
        size += len(ready[-1])
        if size >= _PIECE_BYTES:
            yield b"".join(ready)
            ready.clear()
            size = 0
    ready.append(compressor.flush())
    yield b"".join(ready)


class _PerThread(threading.local):
    """What only one thread at a time may use."""

    def __init__(self) -> None:
        self.zstd = zstandard.ZstdCompressor(level=_LEVEL)


_per_thread: Final = _PerThread()
