"""Frames of pixel data: where they lie, and their bytes as a user agent gets them.

Source: PS3.3 C.7.6.3.1, C.7.6.3.1.8 (Extended Offset Table), PS3.5 8 and A.4; WADO-52, WADO-53.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from hilum.dicom.reading.instance import (
    FRAME_RECORD,
    DecodeError,
    EncapsulatedFrames,
    ExcessError,
    Frames,
    NativeFrames,
    TruncatedError,
)
from hilum.dicom.reading.spools import Source

_ITEM: Final = 0xE000FFFE
_SEQUENCE_END: Final = 0xE0DDFFFE
_UNDEFINED: Final = 0xFFFFFFFF
_HEADER: Final = struct.Struct("<II")
_RLE_HEADER: Final = struct.Struct("<II")
_MAX_SPAN: Final = 0xFFFFFFFF
_MAX_FRAGMENTS: Final = 8_000_000

_STARTS: Final = (
    b"\xff\xd8\xff",  # JPEG, JPEG-LS
    b"\xff\x4f\xff\x51",  # JPEG 2000, HTJ2K
    b"\x00\x00\x00\x0cjP  ",  # JP2
    b"\xff\x0a",  # JPEG XL
    b"\x00\x00\x00\x0cJXL ",  # JPEG XL in a container
)

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


@dataclass(frozen=True, slots=True)
class Fragments:
    """The items of encapsulated pixel data, the Basic Offset Table apart."""

    table: bytes
    """Value of the Basic Offset Table; b'' if empty."""
    offsets: array[int]
    """Of each fragment's first byte, behind its item header."""
    lengths: array[int]
    end: int
    """Offset of the sequence delimiter."""
    shift: int
    """What is added to these offsets to get wire offsets."""

    def __len__(self) -> int:
        """Return the number of fragments."""
        return len(self.offsets)


def read_fragments(source: Source, start: int, stop: int, shift: int) -> Fragments:
    """Walk over the items from `start`, reading their headers alone.

    Args:
        source: where they are.
        start: offset of the first one.
        stop: offset that the sequence delimiter must not pass.
        shift: what is added to an offset in `source` to get a wire offset.

    Raises:
        TruncatedError: there is no sequence delimiter before `stop`.
        DecodeError: something other than items stands there.
    """
    offsets, lengths = array("Q"), array("I")
    unpack, position = _HEADER.unpack_from, start
    while position + 8 <= stop:
        tag, length = unpack(source, position)
        if tag == _SEQUENCE_END:
            return _with_table(source, Fragments(b"", offsets, lengths, position, shift))
        if tag != _ITEM or length == _UNDEFINED:
            raise DecodeError("Encapsulated pixel data hold something other than fragments.", offset=position)
        offsets.append(position + 8)
        lengths.append(length)
        if len(offsets) > _MAX_FRAGMENTS:
            raise ExcessError("Encapsulated pixel data have more fragments than this server reads.", offset=position)
        position += 8 + length
    raise TruncatedError("Encapsulated pixel data end before their delimiter.", offset=min(position, stop))


def _with_table(source: Source, items: Fragments) -> Fragments:
    """Take the first item for the Basic Offset Table that it is."""
    offsets, lengths = items.offsets, items.lengths
    if not offsets:
        return items
    table = source[offsets[0] : offsets[0] + lengths[0]]
    return replace(items, table=table, offsets=offsets[1:], lengths=lengths[1:])


def encapsulated_frames(
    source: Source, fragments: Fragments, count: int, extended: tuple[bytes, bytes] | None
) -> EncapsulatedFrames | None:
    """Tell which fragments make up each frame; None if that cannot be known.

    The first source that fits the fragments decides: the Extended Offset Table, the Basic Offset Table, one
    fragment a frame, all fragments for a single frame, where codestreams begin.

    Args:
        source: what the fragments' offsets count in.
        fragments: as read.
        count: Number of Frames.
        extended: values of Extended Offset Table and Extended Offset Table Lengths.
    """
    if not len(fragments):
        return None
    if extended and (records := _extended_records(fragments, count, *extended)) is not None:
        return EncapsulatedFrames(records, count)
    firsts = _first_fragments(source, fragments, count)
    return _grouped(fragments, firsts) if firsts is not None else None


def single_stream(fragments: Fragments, extended: tuple[bytes, bytes] | None = None) -> EncapsulatedFrames | None:
    """Return all fragments as one record: video, whose frames cannot be told apart (WADO-55).

    An Extended Offset Table of one entry tells the length of a single fragment without its padding.

    Args:
        fragments: as read.
        extended: values of Extended Offset Table and Extended Offset Table Lengths.
    """
    if extended and len(fragments) == 1 and (records := _extended_records(fragments, 1, *extended)) is not None:
        return EncapsulatedFrames(records, 1)
    return _grouped(fragments, (0,)) if len(fragments) else None


def _extended_records(fragments: Fragments, count: int, offsets: bytes, lengths: bytes) -> bytes | None:
    """Return the frame records of an Extended Offset Table; None if it does not fit the fragments."""
    if len(offsets) != 8 * count or len(lengths) != 8 * count:
        return None
    base = fragments.offsets[0]
    records = bytearray()
    pairs = zip(struct.iter_unpack("<Q", offsets), struct.iter_unpack("<Q", lengths), strict=True)
    for (offset,), (length,) in pairs:
        index = _index_of(fragments, base + offset)
        # A fragment is padded to even length, which the table leaves out.
        if index is None or not 0 <= fragments.lengths[index] - length <= 1:
            return None
        records += FRAME_RECORD.pack(base + offset + fragments.shift, length, 1)
    return bytes(records)


def _index_of(fragments: Fragments, offset: int) -> int | None:
    index = bisect_left(fragments.offsets, offset)
    return index if index < len(fragments) and fragments.offsets[index] == offset else None


def _first_fragments(source: Source, fragments: Fragments, count: int) -> Sequence[int] | None:
    """Return the index of each frame's first fragment."""
    table = _table_indices(fragments)
    if table is not None and len(table) == count:
        return table
    if len(fragments) == count:
        return range(count)
    if count == 1:
        return (0,)
    starts = [index for index in range(len(fragments)) if _begins_codestream(source, fragments, index)]
    if starts and starts[0] == 0 and (len(starts) == count or len(starts) == len(fragments) < count):
        return starts
    return table


def _table_indices(fragments: Fragments) -> list[int] | None:
    """Return where the Basic Offset Table lets frames begin; None if it does not fit the fragments."""
    if not fragments.table or len(fragments.table) % 4:
        return None
    base = fragments.offsets[0]
    indices = [_index_of(fragments, base + offset) for (offset,) in struct.iter_unpack("<I", fragments.table)]
    known = [index for index in indices if index is not None]
    is_ascending = all(first < second for first, second in pairwise(known))
    return known if len(known) == len(indices) and known[0] == 0 and is_ascending else None


def _begins_codestream(source: Source, fragments: Fragments, index: int) -> bool:
    """Return whether a fragment begins as a frame does, not as the rest of one."""
    offset = fragments.offsets[index]
    head = source[offset : offset + min(12, fragments.lengths[index])]
    if head.startswith(_STARTS):
        return True
    if fragments.lengths[index] < 64:
        return False
    segments, first = _RLE_HEADER.unpack_from(source, offset)
    return bool(1 <= segments <= 15 and first == 64)


def _grouped(fragments: Fragments, firsts: Sequence[int]) -> EncapsulatedFrames | None:
    """Return the records of frames that begin at the given fragments; None if one is too long for a record."""
    offsets, lengths = fragments.offsets, fragments.lengths
    pack, records = FRAME_RECORD.pack, []
    for position, first in enumerate(firsts):
        last = (firsts[position + 1] if position + 1 < len(firsts) else len(fragments)) - 1
        # Of several fragments the span begins with the length field of the first.
        start = offsets[first] - (4 if last > first else 0)
        span = offsets[last] + lengths[last] - start
        if span > _MAX_SPAN:
            return None
        records.append(pack(start + fragments.shift, span, last - first + 1))
    return EncapsulatedFrames(b"".join(records), len(records))


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
