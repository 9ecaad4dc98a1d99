"""Frames to the value of encapsulated Pixel Data.

Source: PS3.5 A.4.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from hilum.dicom.building.data_set import UNDEFINED, Content, Pieces, element_header
from hilum.dicom.reading.instance import DecodeError

PIXEL_DATA: Final = 0x7FE00010

_ITEM: Final = struct.Struct("<HHI")
_SEQUENCE_END: Final = _ITEM.pack(0xFFFE, 0xE0DD, 0)
_MAX_FRAGMENT: Final = 0xFFFFFFFE


def encapsulated_pixel_data(frames: Sequence[Content]) -> Pieces:
    """Return the whole Pixel Data element: a Basic Offset Table, then one fragment a frame.

    The table stays empty where an offset would not fit into it.

    Raises:
        DecodeError: a frame, or a video, is longer than a fragment can be.
    """
    pieces = Pieces()
    pieces.add(element_header(PIXEL_DATA, "OB", UNDEFINED))
    offsets = []
    position = 0
    for frame in frames:
        if frame.length > _MAX_FRAGMENT:
            raise DecodeError("A frame is longer than a fragment can be.", tag=PIXEL_DATA)
        offsets.append(position)
        position += 8 + frame.length + frame.length % 2
    table = struct.pack(f"<{len(offsets)}I", *offsets) if offsets and offsets[-1] <= 0xFFFFFFFF else b""
    pieces.add(_ITEM.pack(0xFFFE, 0xE000, len(table)) + table)
    for frame in frames:
        pieces.add(_ITEM.pack(0xFFFE, 0xE000, frame.length + frame.length % 2))
        pieces.add(frame)
        if frame.length % 2:
            pieces.add(b"\0")
    pieces.add(_SEQUENCE_END)
    return pieces
