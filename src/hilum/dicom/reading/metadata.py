"""The metadata of an instance as it is kept: JSON text in one zstd frame, and where its BulkDataURIs begin."""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import zstandard

from hilum.dicom.reading.spools import OpenSpool, Overflow

METADATA_IN_MEMORY: Final = 256 * 1024
"""Most compressed bytes that are given as `bytes`."""

_WHOLE_BYTES: Final = 4 * 1024 * 1024
"""Longest text that is compressed in one call."""

_LEVEL: Final = 1
_REFERENCE: Final = b',"BulkDataURI":"'
"""Text values cannot hold this: a quotation mark inside of one has a backslash before it."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Compressed metadata."""

    body: bytes | BinaryIO
    size: int
    """Bytes of the JSON text."""
    uri_offsets: bytes
    """Packed little-endian uint64."""


class _Compressors(threading.local):
    """One compressor a thread: making one costs more than a small text."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)


_COMPRESSORS: Final = _Compressors()


def compress_metadata(text: bytes, overflow: Overflow, open_spool: OpenSpool) -> Metadata:
    """Compress the text of one data set.

    Args:
        text: its JSON object, with tokens of `overflow`.
        overflow: holds the long texts.
        open_spool: for a body longer than `METADATA_IN_MEMORY`.
    """
    if overflow.length == 0 and len(text) <= _WHOLE_BYTES:
        body = _COMPRESSORS.compressor.compress(text)
        return Metadata(_kept((body,), open_spool), len(text), _packed(_references(text)))
    size = sum(len(piece) for piece in overflow.expand(text))
    offsets = array("Q")
    pieces = _compressed(_noting(overflow.expand(text), offsets), size)
    return Metadata(_kept(pieces, open_spool), size, _packed(offsets))


def _noting(pieces: Iterator[bytes], offsets: array[int]) -> Iterator[bytes]:
    """Pass pieces on, noting where references lie; none reaches over the end of a piece."""
    start = 0
    for piece in pieces:
        offsets.extend(start + offset for offset in _references(piece))
        start += len(piece)
        yield piece


def _compressed(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    compressor = _COMPRESSORS.compressor.compressobj(size=size)
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _kept(pieces: Iterator[bytes] | tuple[bytes, ...], open_spool: OpenSpool) -> bytes | BinaryIO:
    """Return the joined pieces, in a spool if they are long."""
    kept, length = [], 0
    spool: BinaryIO | None = None
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > METADATA_IN_MEMORY:
            spool = spool or open_spool()
            spool.writelines(kept)
            kept.clear()
    if spool is None:
        return b"".join(kept)
    spool.seek(0)
    return spool


def _references(text: bytes) -> Iterator[int]:
    """Yield where URIs begin."""
    position = text.find(_REFERENCE)
    while position >= 0:
        position += len(_REFERENCE)
        yield position
        position = text.find(_REFERENCE, position)


def _packed(values: Iterable[int]) -> bytes:
    offsets = tuple(values)
    return struct.pack(f"<{len(offsets)}Q", *offsets)
