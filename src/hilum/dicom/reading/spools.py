"""Large byte strings that must not stand in memory: mapped buffers and texts that overflow into a spool."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

OpenSpool = Callable[[], BinaryIO]
"""Returns a fresh temporary binary file."""

Source = bytes | mmap.mmap
"""What is scanned: slices are `bytes`, and `struct` unpacks from it in place."""

COPY_BYTES: Final = 1024 * 1024
_MEMORY_BYTES: Final = 1024 * 1024

_TOKEN_LENGTH: Final = 33


@contextmanager
def source_of(buffer: bytes | memoryview, open_spool: OpenSpool) -> Iterator[Source]:
    """Give `buffer` as a source; a view over a whole map is used as it is, another large view is copied to a spool."""
    if isinstance(buffer, bytes):
        yield buffer
    elif isinstance(buffer.obj, mmap.mmap) and buffer.nbytes == len(buffer.obj):
        yield buffer.obj
    elif buffer.nbytes <= _MEMORY_BYTES:
        yield bytes(buffer)
    else:
        with open_spool() as spool:
            spool.write(buffer)
            with mapped(spool) as source:
                yield source


@contextmanager
def mapped(spool: BinaryIO) -> Iterator[Source]:
    """Map a spool for reading; nothing may be written to it meanwhile."""
    spool.flush()
    try:
        descriptor = spool.fileno()
    except OSError:
        # A spool in memory has no descriptor (io.UnsupportedOperation).
        spool.seek(0)
        yield spool.read()
        return
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as source:
        yield source


class Overflow:
    """Long texts are put into a spool; a token stands for them in the text around.

    A token begins with NUL, which no JSON text contains, so tokens are found again without doubt. A text in the
    spool may hold tokens itself.
    """

    def __init__(self, open_spool: OpenSpool) -> None:
        """Open no spool before it is needed."""
        self._open_spool = open_spool
        self._spool: BinaryIO | None = None
        self.length = 0
        """Bytes put so far."""

    def put(self, text: bytes) -> bytes:
        """Return a token for `text`."""
        if self._spool is None:
            self._spool = self._open_spool()
        self._spool.write(text)
        token = b"\0%016x%016x" % (self.length, len(text))
        self.length += len(text)
        return token

    def expand(self, text: bytes) -> Iterator[bytes]:
        """Yield `text` in pieces, with the texts that its tokens stand for."""
        start = 0
        while (stop := text.find(b"\0", start)) >= 0:
            yield text[start:stop]
            start = stop + _TOKEN_LENGTH
            yield from self.expand(self._read(text[stop + 1 : start]))
        yield text[start:]

    def _read(self, token: bytes) -> bytes:
        if self._spool is None:
            raise ValueError("A token without its spool.")
        self._spool.seek(int(token[:16], 16))
        return self._spool.read(int(token[16:], 16))

    def close(self) -> None:
        """Drop the spool."""
        if self._spool is not None:
            self._spool.close()


class Sidecar:
    """Bytes that are written in order: in memory up to 1 MB, then in a spool."""

    def __init__(self, open_spool: OpenSpool) -> None:
        """Open no spool before it is needed."""
        self._open_spool = open_spool
        self._pieces: list[bytes] = []
        self._pending = 0
        self._spool: BinaryIO | None = None
        self.length = 0
        """Bytes written."""

    def write(self, data: bytes) -> None:
        """Append `data`."""
        self._pieces.append(data)
        self.length += len(data)
        self._pending += len(data)
        if self._pending > _MEMORY_BYTES or len(self._pieces) > 10_000:
            self._flush()

    def _flush(self) -> None:
        if self._spool is None:
            self._spool = self._open_spool()
        self._spool.write(b"".join(self._pieces))
        self._pieces.clear()
        self._pending = 0

    def finish(self) -> BinaryIO | bytes:
        """Return what was written: the spool, positioned at 0, or bytes if there is none."""
        if self._spool is None:
            return b"".join(self._pieces)
        self._flush()
        self._spool.seek(0)
        return self._spool

    def close(self) -> None:
        """Drop what was written."""
        self._pieces.clear()
        if self._spool is not None:
            self._spool.close()
