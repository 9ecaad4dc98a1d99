"""Stored compressed pixels as Explicit VR Little Endian: single frames and whole objects, frame by frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from hilum.archive.archive import Archive
from hilum.archive.objects import bulk_values, frame_bytes, frames_of, wire_bytes, wire_length
from hilum.dicom.heads import PixelDataTooLongError, explicit_little_endian_head
from hilum.dicom.instance import DecodeError, Frames
from hilum.dicom.pixel_format import PixelFormat, pixel_format
from hilum.dicom.transcode import decode_frame, decoded_format, native_value
from hilum.errors import NotAcceptable
from hilum.store.index.records import StoredInstance

_PIXEL_DATA = "7FE00010"
_ENCAPSULATED_HEADER_BYTES = 12
_SEQUENCE_DELIMITER_BYTES = 8
_GROUP_LENGTH = struct.Struct("<140xI")
"""Preamble, prefix and the element header come before the value of File Meta Information Group Length."""


@dataclass(frozen=True, slots=True)
class DecodedObject:
    """An instance that is given out with its pixels decoded; its bytes come from `chunks`."""

    length: int
    head: bytes
    frames: Frames
    source: PixelFormat
    target: PixelFormat
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
    codestream = frame_bytes(instance, frames, frame_index, archive=archive)
    try:
        return decode_frame(
            codestream,
            transfer_syntax_uid=instance.transfer_syntax_uid,
            source=source,
            max_pixels=archive.settings.retrieve.max_frame_pixels,
        )
    except DecodeError as error:
        raise NotAcceptable("The stored pixel data of the instance cannot be decoded.") from error


def decode_object(instance: StoredInstance, *, archive: Archive) -> DecodedObject | None:
    """Prepare an encapsulated instance for being sent decoded; None: it has no pixel data that can be.

    Raises:
        NotAcceptable: the decoded pixel data are too long for the syntax (NEG-19), or not described.
    """
    frames = frames_of(instance, archive=archive)
    values, _ = bulk_values(instance, archive=archive)
    pixel_data = next((value for value in values if value.path == _PIXEL_DATA), None)
    if frames is None or pixel_data is None:
        return None
    source = pixel_format_of(instance, archive=archive)
    prefix_stop = pixel_data.offset - _ENCAPSULATED_HEADER_BYTES
    prefix = b"".join(wire_bytes(instance, archive=archive, length=prefix_stop))
    # The frames that are there count, whatever Number of Frames says.
    source = replace(source, number_of_frames=frames.count)
    try:
        target = decoded_format(source, instance.transfer_syntax_uid)
        data_set_offset = _wire_data_set_offset(instance, prefix)
        head = explicit_little_endian_head(prefix[:data_set_offset], prefix[data_set_offset:], target=target)
    except (DecodeError, PixelDataTooLongError) as error:
        raise NotAcceptable("Decoded, the instance does not fit Explicit VR Little Endian.") from error
    suffix_offset = pixel_data.offset + pixel_data.length + _SEQUENCE_DELIMITER_BYTES
    length = len(head) + target.value_bytes + max(0, wire_length(instance) - suffix_offset)
    return DecodedObject(length, head, frames, source, target, suffix_offset)


def _wire_data_set_offset(instance: StoredInstance, prefix: bytes) -> int:
    """Return the bytes of the head in the wire form; a head that was made anew begins with its group length."""
    if instance.wire_form is None:
        return instance.data_set_offset
    return _GROUP_LENGTH.size + int(_GROUP_LENGTH.unpack_from(prefix)[0])


def decoded_bytes(instance: StoredInstance, decoded: DecodedObject, *, archive: Archive) -> Iterator[bytes]:
    """Yield the Part 10 object of a decoded instance: its head, frame after frame, and what follows.

    The first chunk holds the first frame: what cannot be decoded at all fails before a byte is sent.
    """
    frames = (
        decoded_frame(instance, decoded.frames, decoded.source, frame_index, archive=archive)
        for frame_index in range(decoded.frames.count)
    )
    before = decoded.head
    for chunk in native_value(frames, decoded.target):
        yield before + chunk
        before = b""
    if decoded.suffix_offset < wire_length(instance):
        yield from wire_bytes(instance, archive=archive, offset=decoded.suffix_offset)
