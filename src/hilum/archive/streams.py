"""Encapsulated pixel data as one stream: the fragments joined, without item headers or offset tables (MT-21, MT-23).

So a video travels, whatever its length: a frame record holds at most 4 GB, a stream any number of fragments.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.objects import frames_of, wire_bytes, wire_range
from hilum.dicom.reading.frames import frame_span
from hilum.dicom.reading.instance import BulkValue, DecodeError, EncapsulatedFrames
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance

_ITEM: Final = b"\xfe\xff\x00\xe0"
_HEADER_BYTES: Final = 8
_WINDOW_BYTES: Final = 64 * 1024
_MOST_FRAGMENTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Stream:
    """Where the bytes of a stream lie in the wire form of its instance, fragment by fragment."""

    offsets: array[int]
    """Wire offset of each fragment's first byte."""
    starts: array[int]
    """Position in the stream at which each fragment begins."""
    length: int
    """Bytes of the whole stream."""


def stream_of(instance: StoredInstance, value: BulkValue, *, archive: Archive) -> Stream:
    """Return the stream that an instance's encapsulated pixel data hold.

    A single fragment is as long as its frame record says, which leaves out the byte that pads it where an Extended
    Offset Table tells of one.

    Args:
        instance: whose.
        value: its pixel data.
        archive: where it is stored.

    Raises:
        NotAcceptable: the pixel data hold no fragments, or something else than those.
    """
    frames = frames_of(instance, archive=archive)
    if isinstance(frames, EncapsulatedFrames) and frames.count == 1 and frames.records:
        span = frame_span(frames, 0)
        if span.fragments == 1 and span.length:
            return Stream(array("Q", [span.offset]), array("Q", [0]), span.length)
    offsets, starts, position = array("Q"), array("Q"), 0
    try:
        for offset, length in _fragments(instance, value, archive):
            offsets.append(offset)
            starts.append(position)
            position += length
            if len(offsets) > _MOST_FRAGMENTS:
                raise NotAcceptable("The pixel data of the instance have too many fragments for one stream.")
    except DecodeError as error:
        raise NotAcceptable("The stored pixel data of the instance cannot be read as a stream.") from error
    if not position:
        raise NotAcceptable("The stored pixel data of the instance are empty.")
    return Stream(offsets, starts, position)


def stream_bytes(
    instance: StoredInstance, stream: Stream, *, archive: Archive, offset: int = 0, length: int | None = None
) -> Iterator[bytes]:
    """Yield a range of a stream, in chunks of at most 1 MB.

    Args:
        instance: whose stream it is.
        stream: as `stream_of` returned it.
        archive: where the instance is stored.
        offset: first byte, counted in the stream.
        length: bytes wanted; None: up to the end.
    """
    stop = stream.length if length is None else min(stream.length, offset + length)
    index = bisect_right(stream.starts, offset) - 1
    while offset < stop:
        fragment_stop = stream.starts[index + 1] if index + 1 < len(stream.starts) else stream.length
        taken = min(stop, fragment_stop) - offset
        first = stream.offsets[index] + offset - stream.starts[index]
        if taken:
            yield from wire_bytes(instance, archive=archive, offset=first, length=taken)
        offset += taken
        index += 1


def _fragments(instance: StoredInstance, value: BulkValue, archive: Archive) -> Iterator[tuple[int, int]]:
    """Yield wire offset and length of each fragment behind the Basic Offset Table; only headers are read."""
    position, stop = value.offset, value.offset + value.length
    window, window_start = b"", position
    is_table = True
    while position + _HEADER_BYTES <= stop:
        inside = position - window_start
        if inside + _HEADER_BYTES > len(window):
            # Small fragments come by the window, behind a long one only the next header is worth reading.
            size = _WINDOW_BYTES if inside <= _WINDOW_BYTES else _HEADER_BYTES
            window = wire_range(instance, position, min(size, stop - position), archive=archive)
            window_start, inside = position, 0
        if window[inside : inside + 4] != _ITEM:
            raise DecodeError("Encapsulated pixel data hold something other than fragments.", offset=position)
        length = int.from_bytes(window[inside + 4 : inside + _HEADER_BYTES], "little")
        position += _HEADER_BYTES
        if position + length > stop:
            raise DecodeError("A fragment ends behind the pixel data.", offset=position)
        if not is_table:
            yield position, length
        is_table = False
        position += length
