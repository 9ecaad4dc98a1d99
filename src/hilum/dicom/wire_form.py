"""The Explicit VR Little Endian form of objects that never travel as stored: its head and its sidecar (TSX-01)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO, Final

from hilum.dicom.instance import WireForm
from hilum.dicom.json import LONG_VRS

_PREAMBLE: Final = 132
_TRANSFER_SYNTAX: Final = 0x0010
_BUFFERED: Final = 256 * 1024


class WireSidecar:
    """Gathers prefix and suffix of a wire form in a temporary file."""

    def __init__(self, head: bytes, open_spool: Callable[[], BinaryIO]) -> None:
        """Begin with the head of the wire form."""
        self.file = open_spool()
        self._pieces: list[bytes | memoryview] = [head]
        self.size = len(head)
        self._pending = len(head)
        self._middle: tuple[int, int, int, int] | None = None

    def write(self, data: bytes | memoryview) -> None:
        """Append to the prefix, or after `split` to the suffix."""
        self.size += len(data)
        self._pending += len(data)
        self._pieces.append(data)
        if self._pending > _BUFFERED:
            self._flush()

    def split(self, offset: int, length: int, word_size: int = 1) -> None:
        """End the prefix: here go `length` bytes of the blob from `offset`."""
        self._middle = (self.size, offset, length, word_size)

    def finish(self) -> WireForm:
        """Return the description of the form; the file is at its start."""
        self._flush()
        self.file.seek(0)
        if self._middle is None:
            return WireForm(self.size, 0, 0, 1, 0)
        prefix, offset, length, word_size = self._middle
        return WireForm(prefix, offset, length, word_size, self.size - prefix)

    def _flush(self) -> None:
        self.file.writelines(self._pieces)
        self._pieces.clear()
        self._pending = 0


def rewritten_head(head: bytes, transfer_syntax_uid: str) -> bytes:
    """Return preamble and group 0002 with another transfer syntax and the right group length.

    Args:
        head: preamble, prefix and group 0002 as received, whose elements are Explicit VR Little Endian.
        transfer_syntax_uid: to be named there.
    """
    value = transfer_syntax_uid.encode("ascii")
    value += b"\0" * (len(value) % 2)
    syntax = struct.pack("<HH2sH", 2, _TRANSFER_SYNTAX, b"UI", len(value)) + value
    elements: dict[int, bytes] = {}
    pos = _PREAMBLE
    while pos + 8 <= len(head):
        _, element, vr, length = struct.unpack_from("<HH2sH", head, pos)
        start = pos
        pos += 8
        if vr in LONG_VRS:
            (length,) = struct.unpack_from("<I", head, pos)
            pos += 4
        pos += length
        elements[element] = head[start:pos]
    elements.pop(0, None)
    elements[_TRANSFER_SYNTAX] = syntax
    body = b"".join(elements[element] for element in sorted(elements))
    return head[:128] + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(body)) + body
