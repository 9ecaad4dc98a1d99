"""Where frames lie in pixel data, and how single ones are cut out (PS3.5 8.2, A.4)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson

from hilum.dicom.instance import FRAME_RECORD, DecodeError, EncapsulatedFrames, Frames, NativeFrames

_ITEM_HEADER: Final = 8
_ITEM_STRUCT: Final = struct.Struct("<II")
_ITEM_TAG: Final = 0xE000FFFE
_MAX_FRAMES: Final = 2**31
_MAX_SPAN: Final = 2**32 - 1

# How codestreams begin: JPEG and JPEG-LS, JPEG 2000 (codestream, JP2), JPEG XL (codestream, container).
_STARTS: Final = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ", b"\xff\x0a", b"\0\0\0\x0cJXL ")


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """The bytes that hold one frame, in the wire form."""

    offset: int
    length: int
    fragments: int = 1
    first_bit: int = 0
    """Bits of the first byte that belong to the frame before (one-bit images)."""


def frame_span(frames: Frames, frame_index: int) -> FrameSpan:
    """Return where frame `frame_index` (from 0) lies.

    Raises:
        IndexError: there is no such frame.
    """
    if not 0 <= frame_index < frames.count:
        raise IndexError(frame_index)
    if isinstance(frames, EncapsulatedFrames):
        return FrameSpan(*FRAME_RECORD.unpack_from(frames.records, frame_index * FRAME_RECORD.size))
    first = frame_index * frames.frame_bits
    last = first + frames.frame_bits
    return FrameSpan(frames.offset + first // 8, -(-last // 8) - first // 8, first_bit=first % 8)


def join_fragments(span_bytes: bytes, fragments: int) -> bytes:
    """Return a frame's bare bytes: the item headers between its fragments are taken out (MT-21).

    Raises:
        DecodeError: the headers do not fit the span.
    """
    if fragments <= 1:
        return span_bytes
    pieces = []
    pos = 0
    for _ in range(fragments):
        if pos + 4 > len(span_bytes):
            raise DecodeError("The fragments of a frame are not where the index has them.")
        (length,) = struct.unpack_from("<I", span_bytes, pos)
        pieces.append(span_bytes[pos + 4 : pos + 4 + length])
        pos += _ITEM_HEADER + length
    if pos - 4 != len(span_bytes):
        raise DecodeError("The fragments of a frame are not where the index has them.")
    return b"".join(pieces)


def take_bits(data: bytes, first_bit: int, bits: int) -> bytes:
    """Return `bits` bits from `first_bit` on, packed from bit 0 of the first byte (WADO-53).

    >>> take_bits(bytes([0b11110000, 0b00000001]), 4, 5)
    b'\\x1f'
    """
    unpacked = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return np.packbits(unpacked[first_bit : first_bit + bits], bitorder="little").tobytes()


def native_frames(
    attributes: Mapping[str, bytes], *, offset: int, length: int, bits_allocated: int | None = None
) -> NativeFrames | None:
    """Return the frames of native pixel data; None where the attributes do not tell their size.

    Args:
        attributes: top-level attributes of the data set in the DICOM JSON Model.
        offset: wire offset of the pixel data.
        length: their bytes; frames that they do not hold completely are left out.
        bits_allocated: of the samples, where the element fixes it (float pixel data).
    """
    rows, columns = _integer(attributes, "00280010"), _integer(attributes, "00280011")
    samples = _integer(attributes, "00280002") or 1
    bits = bits_allocated or _integer(attributes, "00280100")
    if not rows or not columns or not bits:
        return None
    if b"_422" in attributes.get("00280004", b"") and samples == 3:
        samples = 2
    frame_bits = rows * columns * samples * bits
    count = min(number_of_frames(attributes), length * 8 // frame_bits)
    return NativeFrames(offset, frame_bits, count) if count else None


def number_of_frames(attributes: Mapping[str, bytes]) -> int:
    """Return Number of Frames, 1 where it is missing or senseless."""
    count = _integer(attributes, "00280008")
    return count if count and 0 < count < _MAX_FRAMES else 1


def _integer(attributes: Mapping[str, bytes], tag: str) -> int | None:
    value = attributes.get(tag)
    if value is None:
        return None
    values = orjson.loads(value).get("Value")
    try:
        return int(values[0]) if values else None
    except (TypeError, ValueError):
        return None


@dataclass(slots=True)
class Fragments:
    """The items of encapsulated pixel data: where each one's bytes lie, the offset table apart."""

    offset_table: bytes
    offsets: array[int]
    lengths: array[int]


def read_fragments(buffer: bytes | memoryview, start: int) -> Fragments:
    """Walk over the items from `start` to the sequence delimiter; the scan has checked that they are sound."""
    unpack = _ITEM_STRUCT.unpack_from
    _, length = unpack(buffer, start)
    table = bytes(buffer[start + _ITEM_HEADER : start + _ITEM_HEADER + length])
    pos = start + _ITEM_HEADER + length
    offsets, lengths = array("Q"), array("Q")
    while True:
        tag, length = unpack(buffer, pos)
        if tag != _ITEM_TAG:
            return Fragments(table, offsets, lengths)
        offsets.append(pos + _ITEM_HEADER)
        lengths.append(length)
        pos += _ITEM_HEADER + length


def encapsulated_frames(
    buffer: bytes | memoryview,
    fragments: Fragments,
    *,
    count: int,
    is_video: bool,
    extended_offsets: bytes,
) -> EncapsulatedFrames | None:
    """Return the frames of encapsulated pixel data; None where they cannot be told apart.

    Offset tables are believed where they name beginnings of fragments, in order. Without one: a single frame takes
    all fragments, as many fragments as frames are one each, else frames begin where codestreams do.

    Args:
        buffer: the object.
        fragments: of its pixel data.
        count: Number of Frames.
        is_video: the syntax keeps all frames in one stream.
        extended_offsets: value of Extended Offset Table (7FE0,0001), b"" if absent.
    """
    total = len(fragments.offsets)
    if total == 0:
        return None
    if is_video or count == 1:
        return _frames([0], fragments)
    for starts in (_table(extended_offsets, "<u8", fragments), _table(fragments.offset_table, "<u4", fragments)):
        if starts is not None and len(starts) == count:
            return _frames(starts, fragments)
    if total == count:
        return _frames(range(total), fragments)
    starts = [
        number
        for number in range(total)
        if bytes(buffer[fragments.offsets[number] : fragments.offsets[number] + 16]).startswith(_STARTS)
    ]
    return _frames(starts, fragments) if len(starts) == count and starts[0] == 0 else None


def _table(table: bytes, dtype: str, fragments: Fragments) -> Sequence[int] | None:
    """Return the number of the first fragment of each frame, None where the table is empty or wrong."""
    size = np.dtype(dtype).itemsize
    if not table or len(table) % size:
        return None
    wanted = np.frombuffer(table, dtype).astype(np.uint64)
    items = np.array(fragments.offsets, np.uint64) - np.uint64(fragments.offsets[0])
    found = np.searchsorted(items, wanted)
    if int(found[0]) != 0 or (found >= len(items)).any() or (items[np.minimum(found, len(items) - 1)] != wanted).any():
        return None
    if (np.diff(found) <= 0).any():
        return None
    starts: list[int] = found.tolist()
    return starts


def _frames(starts: Sequence[int], fragments: Fragments) -> EncapsulatedFrames:
    total = len(fragments.offsets)
    records = bytearray()
    for position, first in enumerate(starts):
        stop = starts[position + 1] if position + 1 < len(starts) else total
        offset, last = fragments.offsets[first], fragments.offsets[stop - 1] + fragments.lengths[stop - 1]
        if stop - first > 1:
            offset -= 4
        if last - offset > _MAX_SPAN:
            raise DecodeError("A frame of the object is too large.")
        records += FRAME_RECORD.pack(offset, last - offset, stop - first)
    return EncapsulatedFrames(bytes(records), len(starts))
