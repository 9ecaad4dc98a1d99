"""What a blob store does. Names are made here, never from user text."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol


class Part(Enum):
    """What is kept under one blob id."""

    OBJECT = "dcm"
    """The Part 10 object as received."""
    WIRE = "wire"
    """Prefix and suffix of its wire form (`dicom.instance.WireForm`)."""
    METADATA = "json"
    """Its metadata, zstd, where too long for the index."""
    FRAMES = "frames"
    """Its frame records, where too many for the index."""
    TRASHED = "trashed"
    """Marker: its instance is in the trash, whatever the index says."""
    QUARANTINED = "quarantined"
    """Marker: it is broken; it is neither given out nor ever removed by itself."""
    TOMBSTONE = "tombstone"
    """Marker: it has lost, or is about to lose, its row for good."""


def new_blob_id() -> str:
    """Return a fresh 128-bit id as 32 hex digits: 48 bits of milliseconds, then random bits."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


class Staged(Protocol):
    """An object that is being received: a local file, invisible until published."""

    blob_id: str
    path: Path

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    def buffer(self) -> bytes | memoryview:
        """Return all that was written, without copying a large object into memory."""

    def sync(self) -> None:
        """Make the bytes durable."""

    def close(self) -> None:
        """Let go of the file and the bytes; the staging entry stays."""

    def discard(self) -> None:
        """Forget the object; allowed at any time, also after publishing (then the blob goes too)."""


class BlobStore(Protocol):
    """Immutable blobs by id; durable once `publish` or `put` returns."""

    def check_reserve(self, wanted: int) -> None:
        """Raise OutOfResources if there is no room for `wanted` more bytes."""

    def stage(self) -> Staged:
        """Return a new, empty staged object under a fresh blob id."""

    def open_spool(self) -> BinaryIO:
        """Return a temporary local file, gone when it is closed."""

    def publish(self, staged: Staged) -> None:
        """Make the staged bytes durable as the object of its blob id. Its staging entry stays until `settle`."""

    def settle(self, staged: Staged) -> None:
        """Drop the staging entry: the index knows the blob now."""

    def put(self, blob_id: str, part: Part, data: BinaryIO | bytes) -> None:
        """Store a part durably. An existing one is replaced."""

    def size(self, blob_id: str, part: Part) -> int | None:
        """Return the part's size in bytes, None if there is no such part."""

    def read(self, blob_id: str, part: Part, offset: int, length: int) -> bytes:
        """Return the half-open range of the part; shorter only at its end. Raises FileNotFoundError."""

    def buffer(self, blob_id: str) -> bytes | memoryview:
        """Return the whole object for a scan, without copying a large one into memory. Raises FileNotFoundError."""

    def delete(self, blob_id: str, part: Part) -> None:
        """Remove a part; one that does not exist is no error."""

    def parts(self) -> Iterator[tuple[str, Part, float]]:
        """Iterate over all parts: blob id, part, seconds since the epoch of its writing; those of a blob together."""

    def unsettled(self) -> Iterator[tuple[str, float]]:
        """Iterate over blob ids that have a staging entry (received, not known to be indexed) and its time."""

    def settle_id(self, blob_id: str) -> None:
        """Drop the staging entry of a blob id, whoever left it."""

    def drop_drafts(self, before: float) -> int:
        """Remove parts that a crash left half written before that time (seconds since the epoch); return how many.

        Such a draft says nothing about its blob, which may be one that the index knew once.
        """
