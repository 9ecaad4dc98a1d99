"""Reading what is stored: whole objects, their wire form, ranges of it, bulk values and frames.

Nothing here parses DICOM: ingest has found out where everything lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import orjson

from hilum.archive.archive import Archive
from hilum.dicom.reading.frames import frame_span, join_fragments, take_bits
from hilum.dicom.reading.instance import FRAME_RECORD, BulkValue, EncapsulatedFrames, Frames, NativeFrames, WireForm
from hilum.dicom.reading.wire_form import reversed_words
from hilum.store.blobs.protocol import BlobStore, Part
from hilum.store.rows.records import StoredInstance

CHUNK_BYTES: Final = 1024 * 1024
_ITEM_HEADER_BYTES: Final = 8
_PREFIX: Final = b"DICM"
_PREFIX_OFFSET: Final = 128


def stored_bytes(instance: StoredInstance, *, archive: Archive) -> Iterator[bytes]:
    """Yield the Part 10 object as it was received, in chunks of at most 1 MB."""
    return _range(archive.blobs, instance.blob_id, Part.OBJECT, 0, instance.size_bytes)


def has_travelling_blob(instance: StoredInstance, *, archive: Archive) -> bool:
    """Say whether the object as received is a Part 10 file of its own, beside its wire form.

    So it is with deflated objects and with those that were put in order. One that came without a preamble has its
    head in the wire form alone.
    """
    form = instance.wire_form
    return (
        form is not None
        and form.middle_length == 0
        and archive.blobs.read(instance.blob_id, Part.OBJECT, _PREFIX_OFFSET, len(_PREFIX)) == _PREFIX
    )


def as_received(instance: StoredInstance) -> StoredInstance:
    """Return the instance with the object as received for its wire form (deflated ones may travel so)."""
    return replace(instance, wire_form=None)


def wire_length(instance: StoredInstance) -> int:
    """Return the bytes of the instance's wire form."""
    return instance.wire_form.length if instance.wire_form else instance.size_bytes


def wire_bytes(
    instance: StoredInstance, *, archive: Archive, offset: int = 0, length: int | None = None
) -> Iterator[bytes]:
    """Yield a range of the instance's wire form, in chunks of at most 1 MB.

    Args:
        instance: whose form.
        archive: where it is stored.
        offset: first byte, counted in the wire form.
        length: bytes wanted; None: up to the end.

    Source: PS3.18 8.7.3 (TSX-01).
    """
    stop = wire_length(instance) if length is None else offset + length
    form = instance.wire_form
    if form is None:
        yield from _range(archive.blobs, instance.blob_id, Part.OBJECT, offset, stop - offset)
        return
    blobs, blob_id = archive.blobs, instance.blob_id
    middle_stop = form.prefix_length + form.middle_length
    first, last = offset, min(stop, form.prefix_length)
    if first < last:
        yield from _range(blobs, blob_id, Part.WIRE, first, last - first)
    first, last = max(offset, form.prefix_length), min(stop, middle_stop)
    if first < last:
        yield from _middle(blobs, blob_id, form, first - form.prefix_length, last - form.prefix_length)
    first, last = max(offset, middle_stop), stop
    if first < last:
        yield from _range(blobs, blob_id, Part.WIRE, first - form.middle_length, last - first)


def wire_range(instance: StoredInstance, offset: int, length: int, *, archive: Archive) -> bytes:
    """Return a range of the instance's wire form as one value; for ranges known to be small."""
    if instance.wire_form is not None:
        return b"".join(wire_bytes(instance, archive=archive, offset=offset, length=length))
    data = archive.blobs.read(instance.blob_id, Part.OBJECT, offset, length)
    if len(data) < length:
        raise FileNotFoundError(f"Blob {instance.blob_id} ends before byte {offset + length}.")
    return data


def bulk_values(instance: StoredInstance, *, archive: Archive) -> tuple[Sequence[BulkValue], str]:
    """Return the instance's bulk values in the order of its data set, and its Specific Character Set."""
    text, character_set = archive.index.bulk(instance.instance_id)
    return [BulkValue(*row) for row in orjson.loads(text)], character_set


def frames_of(instance: StoredInstance, *, archive: Archive) -> Frames | None:
    """Return where the instance's frames lie; None if it has none that can be told apart."""
    return archive.index.frames(instance.instance_id)


def frame_bytes(instance: StoredInstance, frames: Frames, frame_index: int, *, archive: Archive) -> bytes:
    """Return one frame as stored: native little-endian pixels, or a bare codestream (MT-21, WADO-52, WADO-53).

    Raises:
        IndexError: `frame_index` (from 0) is not below the number of frames.
    """
    if isinstance(frames, EncapsulatedFrames) and not frames.records:
        frames = _frame_from_sidecar(instance, frames, frame_index, archive)
        frame_index = 0
    span = frame_span(frames, frame_index)
    data = wire_range(instance, span.offset, span.length, archive=archive)
    if isinstance(frames, NativeFrames):
        return take_bits(data, span.first_bit, frames.frame_bits) if frames.frame_bits % 8 or span.first_bit else data
    return join_fragments(data, span.fragments)


def stored_frame_length(frames: Frames, frame_index: int) -> int | None:
    """Return the bytes that `frame_bytes` will give; None where only a sidecar knows."""
    if isinstance(frames, NativeFrames):
        return -(-frames.frame_bits // 8)
    if not frames.records:
        return None
    span = frame_span(frames, frame_index)
    return span.length - (_ITEM_HEADER_BYTES * span.fragments - 4 if span.fragments > 1 else 0)


def exact_frame_length(instance: StoredInstance, frames: Frames, frame_index: int, *, archive: Archive) -> int:
    """Return the bytes that `frame_bytes` will give, also where a sidecar has to be asked.

    Raises:
        IndexError: `frame_index` (from 0) is not below the number of frames.
    """
    length = stored_frame_length(frames, frame_index)
    if length is not None or isinstance(frames, NativeFrames):
        return length or 0
    return stored_frame_length(_frame_from_sidecar(instance, frames, frame_index, archive), 0) or 0


def _frame_from_sidecar(
    instance: StoredInstance, frames: EncapsulatedFrames, frame_index: int, archive: Archive
) -> EncapsulatedFrames:
    if not 0 <= frame_index < frames.count:
        raise IndexError(frame_index)
    size = FRAME_RECORD.size
    return EncapsulatedFrames(archive.blobs.read(instance.blob_id, Part.FRAMES, frame_index * size, size), 1)


def _range(blobs: BlobStore, blob_id: str, part: Part, offset: int, length: int) -> Iterator[bytes]:
    stop = offset + length
    while offset < stop:
        chunk = blobs.read(blob_id, part, offset, min(CHUNK_BYTES, stop - offset))
        if not chunk:
            raise FileNotFoundError(f"Blob {blob_id} ends before byte {stop} of its {part.value} part.")
        yield chunk
        offset += len(chunk)


def _middle(blobs: BlobStore, blob_id: str, form: WireForm, start: int, stop: int) -> Iterator[bytes]:
    """Yield a range of the blob's part of a wire form; whole words are read, swapped and cut."""
    word = form.word_size
    while start < stop:
        first = start - start % word
        last = min(first + CHUNK_BYTES, -(-stop // word) * word, form.middle_length)
        chunk = blobs.read(blob_id, Part.OBJECT, form.middle_offset + first, last - first)
        if len(chunk) < last - first:
            raise FileNotFoundError(f"Blob {blob_id} ends before its pixel data do.")
        swapped = reversed_words(chunk, word) if word > 1 else chunk
        yield swapped[start - first : stop - first]
        start = last
