"""Bytes of bulk values where they lie: in memory, in a file, in a spool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_CHUNK_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory."""

    data: bytes

    @property
    def length(self) -> int:
        """Bytes of it."""
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        yield self.data


@dataclass(frozen=True, slots=True)
class FileRange:
    """A range of a file that has a name."""

    path: Path
    offset: int
    length: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; the file is open meanwhile."""
        with self.path.open("rb") as file:
            yield from _chunks(file.fileno(), self.offset, self.length)

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of the range; fewer at its end."""
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), max(0, min(length, self.length - offset)), self.offset + offset)

    def part(self, offset: int, length: int) -> FileRange:
        """Return a range inside of this one."""
        return FileRange(self.path, self.offset + offset, length)


@dataclass(frozen=True, slots=True)
class SpoolRange:
    """A range of an open spool."""

    spool: BinaryIO
    offset: int
    length: int

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        yield from _chunks(self.spool.fileno(), self.offset, self.length)


def _chunks(descriptor: int, offset: int, length: int) -> Iterator[bytes]:
    stop = offset + length
    while offset < stop:
        chunk = os.pread(descriptor, min(_CHUNK_BYTES, stop - offset), offset)
        if not chunk:
            raise EOFError("A file is shorter than it was.")
        yield chunk
        offset += len(chunk)
