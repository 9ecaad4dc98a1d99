"""Frames of pixel data: where they lie, and their bytes as a user agent gets them.

Source: PS3.3 C.7.6.3.1, PS3.5 8 and A.4; WADO-52, WADO-53.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from hilum.dicom.instance import FRAME_RECORD, DecodeError, EncapsulatedFrames, Frames, NativeFrames

_SUBSAMPLED: Final = frozenset(("YBR_FULL_422", "YBR_PARTIAL_422"))
"""Photometric interpretations with two samples a pixel instead of three (PS3.3 C.7.6.3.1.2)."""


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """Where one frame lies."""

    offset: int
    """Wire offset of its first byte."""
    length: int
    """Bytes from the first to the last one."""
    fragments: int
    """Fragments in the span, as `FRAME_RECORD` tells; 0 for native pixel data."""
    first_bit: int
    """Bit of the first byte at which the frame begins (0: least significant), for one-bit images."""


@dataclass(frozen=True, slots=True)
class PixelGeometry:
    """What the Image Pixel Module says of frames."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    photometric_interpretation: str
    frames: int


def native_frames(offset: int, length: int, geometry: PixelGeometry) -> NativeFrames | None:
    """Return the complete frames of native pixel data; None if there are none.

    Args:
        offset: wire offset of the value field.
        length: its bytes.
        geometry: of the image; a number of bits of 0 gives no frames.
    """
    pixels = geometry.rows * geometry.columns
    frame_bits = pixels * geometry.samples * geometry.bits_allocated
    is_subsampled = geometry.photometric_interpretation in _SUBSAMPLED and geometry.samples == 3
    # Some writers name a subsampled interpretation and keep all three samples.
    if is_subsampled and length * 8 < frame_bits * geometry.frames:
        frame_bits = pixels * 2 * geometry.bits_allocated
    if frame_bits <= 0:
        return None
    count = min(geometry.frames, length * 8 // frame_bits)
    return NativeFrames(offset, frame_bits, count) if count > 0 else None


def frame_span(frames: Frames, frame_index: int) -> FrameSpan:
    """Return where a frame lies.

    Args:
        frames: of the instance.
        frame_index: from 0.

    Raises:
        IndexError: there is no such frame.

    >>> frame_span(NativeFrames(offset=100, frame_bits=12, count=2), 1)
    FrameSpan(offset=101, length=2, fragments=0, first_bit=4)
    """
    if not 0 <= frame_index < frames.count:
        raise IndexError(frame_index)
    if isinstance(frames, EncapsulatedFrames):
        if len(frames.records) != frames.count * FRAME_RECORD.size:
            raise IndexError(frame_index)
        offset, length, fragments = FRAME_RECORD.unpack_from(frames.records, frame_index * FRAME_RECORD.size)
        return FrameSpan(offset, length, fragments, 0)
    first, first_bit = divmod(frame_index * frames.frame_bits, 8)
    length = -(-(first_bit + frames.frame_bits) // 8)
    return FrameSpan(frames.offset + first, length, 0, first_bit)


def join_fragments(span_bytes: bytes, fragments: int) -> bytes:
    """Return the bare codestream of a frame: its span without the item headers (MT-21).

    Raises:
        DecodeError: the span does not consist of so many fragments.
    """
    if fragments <= 1:
        return span_bytes
    pieces, position = [], 0
    for _ in range(fragments):
        length = int.from_bytes(span_bytes[position : position + 4], "little")
        pieces.append(span_bytes[position + 4 : position + 4 + length])
        position += 8 + length
    # Behind the last fragment the tag of a next item would stand.
    if position - 4 != len(span_bytes):
        raise DecodeError("A frame does not consist of the fragments that its record tells.")
    return b"".join(pieces)


def take_bits(data: bytes, first_bit: int, bits: int) -> bytes:
    """Return `bits` bits from `first_bit` on, moved to bit 0; unused bits of the last byte are 0 (WADO-53).

    Args:
        data: bytes whose least significant bit comes first, as in one-bit pixel data (PS3.5 8.1.1).
        first_bit: 0 to 7.
        bits: how many.

    Raises:
        DecodeError: `data` is too short.

    >>> take_bits(bytes([0b10110000, 0b00000001]), 4, 5).hex()
    '1b'
    """
    if first_bit + bits > 8 * len(data):
        raise DecodeError("A frame ends before its last pixel.")
    unpacked = np.unpackbits(np.frombuffer(data, np.uint8), count=first_bit + bits, bitorder="little")
    return np.packbits(unpacked[first_bit:], bitorder="little").tobytes()
