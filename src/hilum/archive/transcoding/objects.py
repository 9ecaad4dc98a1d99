"""Stored instances as objects of another encapsulated transfer syntax, or deflated.

An object is encoded frame by frame into a spool before its first byte is sent: only then are the offsets of its
frames and the ratio of a lossy compression known, which stand before them.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from hilum.archive.archive import Archive
from hilum.archive.objects import CHUNK_BYTES, bulk_values, frames_of, wire_bytes, wire_length
from hilum.archive.pixels import kept_history, remember_undecodable, wire_data_set_offset
from hilum.archive.transcoding.frames import FrameForm, frame_form, transcoded_frame
from hilum.dicom.pixels.encode import ENCODERS
from hilum.dicom.pixels.history import compressed
from hilum.dicom.reading.file_meta import Head, read_head
from hilum.dicom.reading.heads import encapsulated_head, short_values
from hilum.dicom.reading.implicit_form import ImplicitForm
from hilum.dicom.reading.instance import BulkValue, DecodeError
from hilum.dicom.transfer_syntaxes import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, NATIVE_SYNTAXES
from hilum.errors import NotAcceptable
from hilum.store.blobs.space import full_is_out_of_resources
from hilum.store.rows.records import StoredInstance

_PIXEL_DATA: Final = "7FE00010"
_HEADER_BYTES: Final = 12
_SEQUENCE_DELIMITER_BYTES: Final = 8
_HEAD_BYTES: Final = 2 * 1024 * 1024
_MOST_OFFSET: Final = 2**32 - 1
_MOST_FRAGMENT_BYTES: Final = 2**32 - 2
_ITEM: Final = struct.Struct("<HHI")
_ELEMENT: Final = struct.Struct("<HH2sHI")
_ENCAPSULATED_PIXEL_DATA: Final = _ELEMENT.pack(0x7FE0, 0x0010, b"OB", 0, 2**32 - 1)
_SEQUENCE_DELIMITER: Final = _ITEM.pack(0xFFFE, 0xE0DD, 0)
_DEFLATE_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class TranscodedObject:
    """An instance that is given out in another encapsulated syntax; its bytes come from `transcoded_bytes`."""

    form: FrameForm
    pixel_data: BulkValue


def transcode_object(instance: StoredInstance, transfer_syntax_uid: str, *, archive: Archive) -> TranscodedObject:
    """Prepare an instance for being sent in another encapsulated transfer syntax.

    Raises:
        NotAcceptable: it has no Pixel Data, or they have no form in the syntax.
    """
    frames = frames_of(instance, archive=archive)
    values, _ = bulk_values(instance, archive=archive)
    pixel_data = next((value for value in values if value.path == _PIXEL_DATA), None)
    if frames is None or pixel_data is None:
        raise NotAcceptable("The instance has no pixel data that could be compressed.")
    return TranscodedObject(frame_form(instance, frames, transfer_syntax_uid, archive=archive), pixel_data)


def transcoded_bytes(instance: StoredInstance, transcoded: TranscodedObject, *, archive: Archive) -> Iterator[bytes]:
    """Yield the Part 10 object of a transcoded instance, in chunks of at most 1 MB behind its head.

    Memory holds the head, one frame and the offsets of all; the frames are in a spool.

    Raises:
        NotAcceptable: before the first chunk; a frame cannot be decoded or encoded.
        OutOfResources: before the first chunk; there is no space for the spool.

    Source: PS3.5 A.4, PS3.3 C.7.6.3.1.8.
    """
    pixel_data = transcoded.pixel_data
    prefix = b"".join(wire_bytes(instance, archive=archive, length=pixel_data.offset - _HEADER_BYTES))
    with archive.blobs.open_spool() as spool:
        with full_is_out_of_resources():
            lengths = _spool_frames(instance, transcoded.form, spool, archive)
        yield _head(instance, transcoded, prefix, lengths, archive) + _tables(lengths)
        spool.seek(0)
        while chunk := spool.read(CHUNK_BYTES):
            yield chunk
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    suffix_offset = pixel_data.offset + pixel_data.length + (0 if is_native else _SEQUENCE_DELIMITER_BYTES)
    yield _SEQUENCE_DELIMITER
    if suffix_offset < wire_length(instance):
        yield from wire_bytes(instance, archive=archive, offset=suffix_offset)


def _spool_frames(instance: StoredInstance, form: FrameForm, spool: BinaryIO, archive: Archive) -> array[int]:
    """Write every frame as one item into the spool; return their lengths without padding."""
    lengths = array("Q")
    for frame_index in range(form.frames.count):
        codestream = transcoded_frame(instance, form, frame_index, archive=archive)
        length = len(codestream)
        if length > _MOST_FRAGMENT_BYTES:
            raise NotAcceptable("A frame of the instance is too long for a fragment.")
        lengths.append(length)
        spool.write(_ITEM.pack(0xFFFE, 0xE000, length + length % 2) + codestream + b"\0" * (length % 2))
    spool.flush()
    return lengths


def _head(
    instance: StoredInstance, transcoded: TranscodedObject, prefix: bytes, lengths: array[int], archive: Archive
) -> bytes:
    form = transcoded.form
    try:
        data_set_offset = wire_data_set_offset(instance, prefix)
        data_set = prefix[data_set_offset:]
        native_bytes = form.native.frame_bytes * form.frames.count
        method = ENCODERS[form.transfer_syntax_uid].method
        if method:
            changed = compressed(short_values(data_set), method=method, ratio=native_bytes / max(1, sum(lengths)))
        else:
            changed = kept_history(instance, data_set, native_bytes / max(1, transcoded.pixel_data.length))
        return encapsulated_head(
            prefix[:data_set_offset],
            data_set,
            transfer_syntax_uid=form.transfer_syntax_uid,
            target=form.encoded,
            changed=changed,
        )
    except DecodeError as error:
        remember_undecodable(f"{instance.blob_id}/{form.transfer_syntax_uid}", archive=archive)
        raise NotAcceptable("The head of the instance cannot be rewritten for the transfer syntax.") from error


def _tables(lengths: array[int]) -> bytes:
    """Return the header of encapsulated Pixel Data with the offsets of its frames.

    They stand in the Basic Offset Table, or, where 32 bits are too few, in an Extended Offset Table before.
    """
    offsets, position = array("Q"), 0
    for length in lengths:
        offsets.append(position)
        position += _ITEM.size + length + length % 2
    count = len(offsets)
    if not count or offsets[-1] <= _MOST_OFFSET:
        table = struct.pack(f"<{count}I", *offsets)
        return _ENCAPSULATED_PIXEL_DATA + _ITEM.pack(0xFFFE, 0xE000, len(table)) + table
    extended = b"".join(
        _ELEMENT.pack(0x7FE0, element, b"OV", 0, 8 * count) + struct.pack(f"<{count}Q", *table)
        for element, table in ((0x0001, offsets), (0x0002, lengths))
    )
    return extended + _ENCAPSULATED_PIXEL_DATA + _ITEM.pack(0xFFFE, 0xE000, 0)


def deflated_bytes(explicit: Iterator[bytes], *, archive: Archive) -> Iterator[bytes]:
    """Yield an object in Deflated Explicit VR Little Endian.

    Args:
        explicit: the chunks of the same object in Explicit VR Little Endian.
        archive: whose limits hold.

    Raises:
        NotAcceptable: before the first chunk; the object has no head that can be rewritten.

    Source: PS3.5 A.5.
    """
    head, start = _begun(explicit)
    deflater = zlib.compressobj(_DEFLATE_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    with archive.codecs:
        deflated = deflater.compress(start)
    yield head.rewritten(DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN) + deflated
    length = len(deflated)
    for chunk in explicit:
        with archive.codecs:
            deflated = deflater.compress(chunk)
        length += len(deflated)
        if deflated:
            yield deflated
    deflated = deflater.flush()
    length += len(deflated)
    yield deflated + b"\0" * (length % 2)


def implicit_bytes(explicit: Iterator[bytes], *, archive: Archive) -> Iterator[bytes]:
    """Yield an object in Implicit VR Little Endian.

    Args:
        explicit: the chunks of the same object in Explicit VR Little Endian.
        archive: whose limits hold.

    Raises:
        NotAcceptable: the object is none that can be rewritten.

    Source: PS3.5 A.1.
    """
    head, start = _begun(explicit)
    form = ImplicitForm(nesting=archive.scan_limits.nesting)
    try:
        yield head.rewritten(IMPLICIT_VR_LITTLE_ENDIAN) + form.feed(start)
        for chunk in explicit:
            if rewritten := form.feed(chunk):
                yield rewritten
        form.close()
    except DecodeError as error:
        raise NotAcceptable("The instance has no form in Implicit VR Little Endian.") from error


def _begun(explicit: Iterator[bytes]) -> tuple[Head, bytes]:
    """Return the head of an object, and what was read of the data set behind it.

    Raises:
        NotAcceptable: the head is too long.
    """
    start = b""
    for chunk in explicit:
        start += chunk
        if len(start) >= _HEAD_BYTES:
            break
    try:
        head = read_head(start)
    except DecodeError as error:
        raise NotAcceptable("The head of the instance is too long to be rewritten.") from error
    return head, start[head.length :]
