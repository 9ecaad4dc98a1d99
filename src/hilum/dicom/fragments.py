"""Encapsulated pixel data: fragments, and which of them make up each frame.

Source: PS3.5 A.4, PS3.3 C.7.6.3.1.8 (Extended Offset Table).
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from hilum.dicom.instance import FRAME_RECORD, DecodeError, EncapsulatedFrames, TruncatedError
from hilum.dicom.spools import Source

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

    def __len__(self) -> int:
        """Return the number of fragments."""
        return len(self.offsets)


def read_fragments(source: Source, start: int, stop: int) -> Fragments:
    """Walk over the items from `start`, reading their headers alone.

    Raises:
        TruncatedError: there is no sequence delimiter before `stop`.
        DecodeError: something other than items stands there.
    """
    offsets, lengths = array("Q"), array("I")
    unpack, position = _HEADER.unpack_from, start
    while position + 8 <= stop:
        tag, length = unpack(source, position)
        if tag == _SEQUENCE_END:
            return _with_table(source, offsets, lengths, position)
        if tag != _ITEM or length == _UNDEFINED:
            raise DecodeError("Encapsulated pixel data hold something other than fragments.", offset=position)
        offsets.append(position + 8)
        lengths.append(length)
        if len(offsets) > _MAX_FRAGMENTS:
            raise DecodeError("Encapsulated pixel data have more fragments than this server reads.", offset=position)
        position += 8 + length
    raise TruncatedError("Encapsulated pixel data end before their delimiter.", offset=min(position, stop))


def _with_table(source: Source, offsets: array[int], lengths: array[int], end: int) -> Fragments:
    if not offsets:
        return Fragments(b"", offsets, lengths, end)
    table = source[offsets[0] : offsets[0] + lengths[0]]
    return Fragments(table, offsets[1:], lengths[1:], end)


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


def single_stream(fragments: Fragments) -> EncapsulatedFrames | None:
    """Return all fragments as one record: video, whose frames cannot be told apart (WADO-55)."""
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
        records += FRAME_RECORD.pack(base + offset, length, 1)
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
        records.append(pack(start, span, last - first + 1))
    return EncapsulatedFrames(b"".join(records), len(records))
