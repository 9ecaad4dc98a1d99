"""Stored compressed pixels as Explicit VR Little Endian: single frames and whole objects, frame by frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.objects import bulk_values, frame_bytes, frames_of, wire_bytes, wire_length
from hilum.archive.transcoding.frame_results import FrameKey
from hilum.dicom.pixels.history import decompressed
from hilum.dicom.pixels.pixel_format import PixelFormat, pixel_format
from hilum.dicom.pixels.transcode import decode_frame, decoded_format, native_value
from hilum.dicom.reading.file_meta import read_head
from hilum.dicom.reading.heads import PixelDataTooLongError, explicit_little_endian_head, short_values
from hilum.dicom.reading.instance import DecodeError, Frames
from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_XL_RECOMPRESSION,
)
from hilum.errors import NotAcceptable
from hilum.store.rows.records import StoredInstance

_PIXEL_DATA = "7FE00010"
_ENCAPSULATED_HEADER_BYTES = 12
_SEQUENCE_DELIMITER_BYTES = 8
_HEAD_BYTES: Final = 2 * 1024 * 1024
_MOST_REMEMBERED: Final = 100_000
_SURELY_LOSSY: Final = {
    JPEG_BASELINE: "ISO_10918_1",
    JPEG_EXTENDED: "ISO_10918_1",
    JPEG_XL_RECOMPRESSION: "ISO_10918_1",
}
"""Lossy Image Compression Method of the syntaxes that have no lossless form."""
_UNDECODABLE: Final = "The stored pixel data of the instance cannot be decoded."
_GROUP_LENGTH = struct.Struct("<140xI")
"""Preamble, prefix and the element header come before the value of File Meta Information Group Length."""


@dataclass(frozen=True, slots=True)
class DecodedPixels:
    """The frames of an instance, how they are stored and how they are given out."""

    frames: Frames
    source: PixelFormat
    target: PixelFormat


@dataclass(frozen=True, slots=True)
class DecodedObject:
    """An instance that is given out with its pixels decoded; its bytes come from `chunks`."""

    length: int
    head: bytes
    pixels: DecodedPixels | None
    """None where there are no pixel data."""
    suffix_offset: int
    """Wire offset of what follows the pixel data."""


def pixel_format_of(instance: StoredInstance, *, archive: Archive) -> PixelFormat:
    """Return how the instance describes its pixels.

    Raises:
        NotAcceptable: the description is too incomplete to decode by.
    """
    try:
        return pixel_format(orjson.loads(archive.index.attributes(instance.instance_id)))
    except DecodeError as error:
        raise NotAcceptable("The instance does not describe its pixels well enough to decode them.") from error


def decoded_frame(
    instance: StoredInstance, frames: Frames, source: PixelFormat, frame_index: int, *, archive: Archive
) -> bytes:
    """Return one frame as native little-endian pixels.

    Raises:
        IndexError: there is no such frame.
        NotAcceptable: the codestream cannot be decoded.
    """

    def work() -> bytes:
        codestream = frame_bytes(instance, frames, frame_index, archive=archive)
        with archive.codecs:
            return decode_stored(instance, codestream, source, archive=archive)

    key = FrameKey(instance.blob_id, EXPLICIT_VR_LITTLE_ENDIAN, frame_index)
    return archive.frame_results.get(key, work)


def decode_stored(instance: StoredInstance, codestream: bytes, source: PixelFormat, *, archive: Archive) -> bytes:
    """Return a stored frame as native little-endian pixels; `archive.codecs` is held.

    Raises:
        NotAcceptable: the codestream cannot be decoded, which this process remembers.
    """
    try:
        return decode_frame(
            codestream,
            transfer_syntax_uid=instance.transfer_syntax_uid,
            source=source,
            max_pixels=archive.settings.retrieve.max_frame_pixels,
        )
    except DecodeError as error:
        remember_undecodable(instance.blob_id, archive=archive)
        raise NotAcceptable(_UNDECODABLE) from error


def remember_undecodable(name: str, *, archive: Archive) -> None:
    """Remember that a blob cannot be decoded, or cannot be had in a transfer syntax (`blob id/UID`)."""
    if len(archive.undecodable) < _MOST_REMEMBERED:
        archive.undecodable.add(name)


def decode_object(instance: StoredInstance, *, archive: Archive) -> DecodedObject:
    """Prepare an instance of an encapsulated syntax for being sent in Explicit VR Little Endian.

    One without pixel data gets another head, and its data set as it is.

    Raises:
        NotAcceptable: the decoded pixel data are too long for the syntax (NEG-19), or cannot be told apart.
    """
    if instance.blob_id in archive.undecodable:
        raise NotAcceptable(_UNDECODABLE)
    frames = frames_of(instance, archive=archive)
    values, _ = bulk_values(instance, archive=archive)
    pixel_data = next((value for value in values if value.path == _PIXEL_DATA), None)
    if pixel_data is None:
        return _relabelled(instance, archive)
    if frames is None:
        raise NotAcceptable("The frames of the instance cannot be told apart.")
    source = pixel_format_of(instance, archive=archive)
    prefix_stop = pixel_data.offset - _ENCAPSULATED_HEADER_BYTES
    prefix = b"".join(wire_bytes(instance, archive=archive, length=prefix_stop))
    # The frames that are there count, whatever Number of Frames says.
    source = replace(source, number_of_frames=frames.count)
    try:
        target = decoded_format(source, instance.transfer_syntax_uid)
        data_set_offset = wire_data_set_offset(instance, prefix)
        changed = kept_history(instance, prefix[data_set_offset:], target.value_bytes / max(1, pixel_data.length))
        head = explicit_little_endian_head(
            prefix[:data_set_offset], prefix[data_set_offset:], target=target, changed=changed
        )
    except (DecodeError, PixelDataTooLongError) as error:
        raise NotAcceptable("Decoded, the instance does not fit Explicit VR Little Endian.") from error
    suffix_offset = pixel_data.offset + pixel_data.length + _SEQUENCE_DELIMITER_BYTES
    length = len(head) + target.value_bytes + max(0, wire_length(instance) - suffix_offset)
    return DecodedObject(length, head, DecodedPixels(frames, source, target), suffix_offset)


def _relabelled(instance: StoredInstance, archive: Archive) -> DecodedObject:
    start = b"".join(wire_bytes(instance, archive=archive, length=min(_HEAD_BYTES, wire_length(instance))))
    try:
        head = read_head(start)
    except DecodeError as error:
        raise NotAcceptable("The head of the instance is too long to be rewritten.") from error
    rewritten = head.rewritten(EXPLICIT_VR_LITTLE_ENDIAN)
    length = len(rewritten) + wire_length(instance) - head.length
    return DecodedObject(length, rewritten, None, head.length)


def kept_history(instance: StoredInstance, data_set_prefix: bytes, ratio: float) -> dict[int, bytes]:
    """Return the elements that keep a decoded object telling of the lossy compression of its stored syntax.

    Raises:
        DecodeError: the prefix is no data set.
    """
    method = stored_method(instance)
    return decompressed(short_values(data_set_prefix), method=method, ratio=ratio) if method else {}


def stored_method(instance: StoredInstance) -> str:
    """Return Lossy Image Compression Method of the stored transfer syntax; '': it may be lossless."""
    return _SURELY_LOSSY.get(instance.transfer_syntax_uid, "")


def wire_data_set_offset(instance: StoredInstance, prefix: bytes) -> int:
    """Return the bytes of the head in the wire form; a head that was made anew begins with its group length."""
    if instance.wire_form is None:
        return instance.data_set_offset
    return _GROUP_LENGTH.size + int(_GROUP_LENGTH.unpack_from(prefix)[0])


def _decoded_value(instance: StoredInstance, pixels: DecodedPixels, archive: Archive) -> Iterator[bytes]:
    frames = (
        decoded_frame(instance, pixels.frames, pixels.source, frame_index, archive=archive)
        for frame_index in range(pixels.frames.count)
    )
    return native_value(frames, pixels.target)


def decoded_bytes(instance: StoredInstance, decoded: DecodedObject, *, archive: Archive) -> Iterator[bytes]:
    """Yield the Part 10 object of a decoded instance: its head, frame after frame, and what follows.

    The first chunk holds the first frame: what cannot be decoded at all fails before a byte is sent.
    """
    before = decoded.head
    if decoded.pixels is not None:
        for chunk in _decoded_value(instance, decoded.pixels, archive):
            yield before + chunk
            before = b""
    if before:
        yield before
    if decoded.suffix_offset < wire_length(instance):
        yield from wire_bytes(instance, archive=archive, offset=decoded.suffix_offset)
