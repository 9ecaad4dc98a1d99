"""Comments and application data in codestreams of lossy syntaxes: overwritten with zeros, so that no length changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import (
    HTJ2K,
    JPEG_2000,
    JPEG_2000_PART_2,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LS_NEAR_LOSSLESS,
    JPEG_XL,
    JPEG_XL_RECOMPRESSION,
)

_SOI: Final = b"\xff\xd8"
_EOI: Final = 0xD9
_SOS: Final = 0xDA
_COMMENT: Final = 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
_MARKER: Final = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
"""In entropy-coded data of JPEG and JPEG-LS: neither a stuffed byte nor a restart."""
_KEPT_APPLICATIONS: Final[Mapping[int, tuple[bytes, int]]] = {
    0xE0: (b"JFIF\0", 12),
    0xE8: (b"mrfx", 5),
    0xEE: (b"Adobe", 12),
}
"""What decoders need of APP0, APP8 and APP14: how it begins, and its first bytes."""

_SOC: Final = b"\xff\x4f"
_SOT: Final = b"\xff\x90"
_SOD: Final = b"\xff\x93"
_EOC: Final = b"\xff\xd9"
_SEGMENTS_2000: Final = range(0x50, 0x7A)
_COMMENT_2000: Final = 0x64
_JXL_CODESTREAM: Final = b"\xff\x0a"


def without_comments(codestream: bytes, transfer_syntax_uid: str) -> bytes:
    """Return a frame of a lossy transfer syntax without text that its encoder may have put in; as long as before.

    Raises:
        DecodeError: the codestream has a part that may hold anything.

    Source: ISO/IEC 10918-1 B, ISO/IEC 14495-1 C, ISO/IEC 15444-1 A.
    """
    blank = _BLANKERS.get(transfer_syntax_uid)
    if blank is None:
        raise DecodeError("Codestreams of this transfer syntax cannot be searched for comments.")
    data = bytearray(codestream)
    blank(data)
    return bytes(data)


def _blank(data: bytearray, start: int, stop: int) -> None:
    data[start:stop] = bytes(max(0, stop - start))


def _blank_jpeg(data: bytearray) -> None:
    if not data.startswith(_SOI):
        raise DecodeError("The frame is no JPEG codestream.")
    position = len(_SOI)
    while True:
        marker, start, stop = _jpeg_segment(data, position)
        if marker == _EOI:
            _blank(data, start, len(data))
            return
        if marker == _COMMENT or marker in _APPLICATION:
            _blank_application(data, marker, start, stop)
        position = stop
        if marker == _SOS:
            found = _MARKER.search(data, stop)
            if found is None:
                # Some encoders leave the end out: then there is nothing behind it either.
                return
            position = found.start()


def _jpeg_segment(data: bytearray, position: int) -> tuple[int, int, int]:
    """Return a marker, where what it holds begins, and where the segment ends."""
    if position + 2 > len(data) or data[position] != 0xFF:
        raise DecodeError("The frame has no marker where one is due.", offset=position)
    while position + 1 < len(data) and data[position + 1] == 0xFF:
        position += 1
    if position + 2 > len(data):
        raise DecodeError("The frame ends inside a marker.", offset=position)
    marker = data[position + 1]
    if marker == _EOI:
        return marker, position + 2, position + 2
    length = int.from_bytes(data[position + 2 : position + 4], "big")
    stop = position + 2 + length
    if length < 2 or stop > len(data):
        raise DecodeError("The frame ends inside a segment.", offset=position)
    return marker, position + 4, stop


def _blank_application(data: bytearray, marker: int, start: int, stop: int) -> None:
    beginning, kept = _KEPT_APPLICATIONS.get(marker, (b"", 0))
    is_needed = bool(beginning) and data.startswith(beginning, start)
    if not is_needed:
        _blank(data, start, stop)
        return
    # The last bytes of JFIF are the sides of a thumbnail, whose pixels follow: it goes with them.
    _blank(data, min(start + kept, stop), stop)


def _blank_jpeg_2000(data: bytearray) -> None:
    if not data.startswith(_SOC):
        raise DecodeError("The frame is no bare JPEG 2000 codestream.")
    position = _blank_segments(data, len(_SOC), _SOT)
    while data[position : position + 2] == _SOT:
        length = int.from_bytes(data[position + 6 : position + 10], "big")
        stop = position + length if length else _last_end(data, position)
        header_stop = _blank_segments(data, position + 12, _SOD)
        if not header_stop < stop <= len(data):
            raise DecodeError("A tile-part ends elsewhere than it says.", offset=position)
        position = stop
    if data[position : position + 2] != _EOC and position != len(data):
        raise DecodeError("The codestream holds something other than tile-parts.", offset=position)
    _blank(data, position + 2, len(data))


def _last_end(data: bytearray, position: int) -> int:
    """Return where a tile-part ends that reaches to the end of the codestream."""
    end = data.rfind(_EOC, position)
    return end if end > 0 else len(data)


def _blank_segments(data: bytearray, position: int, last: bytes) -> int:
    """Blank the comments of a header; return where the marker `last` stands."""
    while data[position : position + 2] != last:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        stop = position + 2 + length
        is_known = data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] != b""
        if not is_known or data[position + 1] not in _SEGMENTS_2000 or length < 2 or stop > len(data):
            raise DecodeError("A header of the codestream holds something other than segments.", offset=position)
        if data[position + 1] == _COMMENT_2000:
            # What the comment is stays: a decoder may look at it.
            _blank(data, position + 6, stop)
        position = stop
    return position


def _check_jpeg_xl(data: bytearray) -> None:
    if not data.startswith(_JXL_CODESTREAM):
        raise DecodeError("The frame is a file of boxes, which may hold anything.")


_BLANKERS: Final[Mapping[str, Callable[[bytearray], None]]] = {
    JPEG_BASELINE: _blank_jpeg,
    JPEG_EXTENDED: _blank_jpeg,
    JPEG_LS_NEAR_LOSSLESS: _blank_jpeg,
    JPEG_2000: _blank_jpeg_2000,
    JPEG_2000_PART_2: _blank_jpeg_2000,
    HTJ2K: _blank_jpeg_2000,
    JPEG_XL: _check_jpeg_xl,
    JPEG_XL_RECOMPRESSION: _check_jpeg_xl,
}
