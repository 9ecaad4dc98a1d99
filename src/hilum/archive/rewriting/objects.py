"""Instances with a new header and their pixel data as they are, decoded, blacked out or encoded anew.

Memory holds the header and one frame.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final

from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.archive.objects import CHUNK_BYTES, frame_bytes, frames_of, wire_bytes
from hilum.archive.pixels import decoded_frame, pixel_format_of, stored_method
from hilum.archive.rewriting.header import PIXEL_HEADER_BYTES, Header, drop_offset_tables, written_header
from hilum.dicom.confidentiality.blacking_out import blacked_out
from hilum.dicom.confidentiality.burned_in import CannotClean, Region
from hilum.dicom.pixels.comments import without_comments
from hilum.dicom.pixels.encode import ENCODERS, encode_frame, encoded_format
from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.pixels.transcode import decoded_format, native_value
from hilum.dicom.reading.heads import MAX_VALUE_LENGTH
from hilum.dicom.reading.instance import BulkValue, DecodeError, Frames
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, LOSSY_SYNTAXES, NATIVE_SYNTAXES
from hilum.errors import NotAcceptable
from hilum.store.blobs.space import full_is_out_of_resources
from hilum.store.rows.records import StoredInstance

_DELIMITER_BYTES: Final = 8
_NO_FORM: Final = "The pixel data of the instance have no form in the transfer syntax."
_ELEMENT: Final = struct.Struct("<HH2sHI")
_ITEM: Final = struct.Struct("<HHI")
_BEGIN: Final = _ELEMENT.pack(0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + _ITEM.pack(0xFFFE, 0xE000, 0)
_END: Final = _ITEM.pack(0xFFFE, 0xE0DD, 0)


@dataclass(frozen=True, slots=True)
class Form:
    """An instance as it is given out: its transfer syntax, its length if that is known, and its bytes."""

    transfer_syntax_uid: str
    length: int | None
    chunks: Callable[[], Iterator[bytes]]
    """Raises NotAcceptable before the first chunk where the first frame cannot be read."""


class Codestreams(Enum):
    """What becomes of stored codestreams that need no other form."""

    AS_STORED = "as stored"
    CLEANED = "without anything but pixels"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of the pixels."""

    kept: Sequence[Region] | None = None
    """Regions of each frame outside of which all becomes black; None: pixels stay."""
    codestreams: Codestreams = Codestreams.AS_STORED
    """`CLEANED`: lossy ones lose comments and application data, lossless ones are encoded anew."""


def rewritten(
    instance: StoredInstance, header: Header, transfer_syntax_uid: str, treatment: Treatment, *, archive: Archive
) -> Form:
    """Return an instance with a new header; what follows the pixel data is dropped.

    Args:
        instance: as stored.
        header: changed already.
        transfer_syntax_uid: Explicit VR Little Endian, that in which it is stored, or one that frames are encoded in.
        treatment: of the pixels.
        archive: where it is stored.

    Raises:
        NotAcceptable: the pixel data have no form in the transfer syntax.
    """
    kept, pixel_data = treatment.kept, header.pixel_data
    if pixel_data is None:
        data = written_header(header.data_set, EXPLICIT_VR_LITTLE_ENDIAN)
        return Form(EXPLICIT_VR_LITTLE_ENDIAN, len(data), lambda: iter((data,)))
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    is_as_stored = transfer_syntax_uid == (EXPLICIT_VR_LITTLE_ENDIAN if is_native else instance.transfer_syntax_uid)
    if is_as_stored and kept is None and (is_native or treatment.codestreams is Codestreams.AS_STORED):
        return _with_stored_pixels(instance, header.data_set, pixel_data, transfer_syntax_uid, archive)
    if is_as_stored and kept is None and transfer_syntax_uid in LOSSY_SYNTAXES:
        return _with_cleaned_codestreams(instance, header.data_set, archive)
    reader = _frame_reader(instance, kept, archive)
    drop_offset_tables(header.data_set)
    if transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN:
        return _native(header.data_set, reader, instance, pixel_data)
    encoder = ENCODERS.get(transfer_syntax_uid)
    if encoder is None or (encoder.method and kept is None and instance.transfer_syntax_uid in LOSSY_SYNTAXES):
        raise NotAcceptable("The instance is not encoded in this transfer syntax.")
    return _encoded(header.data_set, reader, transfer_syntax_uid, archive)


def _with_stored_pixels(
    instance: StoredInstance, data_set: Dataset, pixel_data: BulkValue, transfer_syntax_uid: str, archive: Archive
) -> Form:
    head = written_header(data_set, transfer_syntax_uid)
    is_native = instance.transfer_syntax_uid in NATIVE_SYNTAXES
    start = pixel_data.offset - PIXEL_HEADER_BYTES
    length = PIXEL_HEADER_BYTES + pixel_data.length + (0 if is_native else _DELIMITER_BYTES)

    def chunks() -> Iterator[bytes]:
        yield head
        yield from wire_bytes(instance, archive=archive, offset=start, length=length)

    return Form(transfer_syntax_uid, len(head) + length, chunks)


def _with_cleaned_codestreams(instance: StoredInstance, data_set: Dataset, archive: Archive) -> Form:
    frames = frames_of(instance, archive=archive)
    if frames is None:
        raise NotAcceptable("The frames of the instance cannot be told apart.")
    drop_offset_tables(data_set)
    head = written_header(data_set, instance.transfer_syntax_uid) + _BEGIN

    def chunks() -> Iterator[bytes]:
        before = head
        for frame_index in range(frames.count):
            stored = frame_bytes(instance, frames, frame_index, archive=archive)
            try:
                frame = without_comments(stored, instance.transfer_syntax_uid)
            except DecodeError as error:
                raise NotAcceptable("A codestream of the instance may hold more than pixels.") from error
            frame += b"\0" * (len(frame) % 2)
            yield before + _ITEM.pack(0xFFFE, 0xE000, len(frame)) + frame
            before = b""
        yield before + _END

    return Form(instance.transfer_syntax_uid, None, chunks)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The frames of an instance as native pixels."""

    layout: PixelFormat
    frame: Callable[[int], bytes]


def _frame_reader(instance: StoredInstance, kept: Sequence[Region] | None, archive: Archive) -> _Reader:
    frames = frames_of(instance, archive=archive)
    if frames is None:
        raise NotAcceptable("The frames of the instance cannot be told apart.")
    source = replace(pixel_format_of(instance, archive=archive), number_of_frames=frames.count)
    read: Callable[[int], bytes]
    if instance.transfer_syntax_uid in NATIVE_SYNTAXES:
        layout = source
        read = partial(_native_frame, instance, frames, archive)
    else:
        try:
            layout = decoded_format(source, instance.transfer_syntax_uid)
        except DecodeError as error:
            raise NotAcceptable("Frames of the stored transfer syntax are not decoded here.") from error
        read = partial(_decoded_frame, instance, frames, source, archive)
    return _Reader(layout, read if kept is None else partial(_cleaned, read, layout, kept))


def _native_frame(instance: StoredInstance, frames: Frames, archive: Archive, frame_index: int) -> bytes:
    return frame_bytes(instance, frames, frame_index, archive=archive)


def _decoded_frame(
    instance: StoredInstance, frames: Frames, source: PixelFormat, archive: Archive, frame_index: int
) -> bytes:
    return decoded_frame(instance, frames, source, frame_index, archive=archive)


def _cleaned(read: Callable[[int], bytes], layout: PixelFormat, kept: Sequence[Region], frame_index: int) -> bytes:
    try:
        return blacked_out(read(frame_index), layout, kept)
    except CannotClean as error:
        raise NotAcceptable(str(error)) from error


def _native(data_set: Dataset, reader: _Reader, instance: StoredInstance, pixel_data: BulkValue) -> Form:
    layout = reader.layout
    if layout.value_bytes > MAX_VALUE_LENGTH:
        raise NotAcceptable("Decoded, the instance does not fit Explicit VR Little Endian.")
    _describe(data_set, layout)
    method = stored_method(instance)
    if method and data_set.get("LossyImageCompression") != "01":
        _add_history(data_set, method, layout.value_bytes / max(1, pixel_data.length))
    vr = b"OW" if layout.bits_allocated > 8 else b"OB"
    head = written_header(data_set, EXPLICIT_VR_LITTLE_ENDIAN)
    head += _ELEMENT.pack(0x7FE0, 0x0010, vr, 0, layout.value_bytes)

    def chunks() -> Iterator[bytes]:
        before = head
        for chunk in native_value((reader.frame(index) for index in range(layout.number_of_frames)), layout):
            yield before + chunk
            before = b""
        if before:
            yield before

    return Form(EXPLICIT_VR_LITTLE_ENDIAN, len(head) + layout.value_bytes, chunks)


def _describe(data_set: Dataset, layout: PixelFormat) -> None:
    data_set.PhotometricInterpretation = layout.photometric_interpretation
    if layout.samples_per_pixel > 1:
        data_set.PlanarConfiguration = layout.planar_configuration


def _encoded(data_set: Dataset, reader: _Reader, transfer_syntax_uid: str, archive: Archive) -> Form:
    layout = reader.layout
    try:
        described = encoded_format(layout, transfer_syntax_uid)
    except DecodeError as error:
        raise NotAcceptable(_NO_FORM) from error

    def chunks() -> Iterator[bytes]:
        # The ratio stands before the frames, so that they are encoded first.
        with archive.blobs.open_spool() as spool:
            with full_is_out_of_resources():
                for frame_index in range(layout.number_of_frames):
                    codestream = _codestream(reader, frame_index, transfer_syntax_uid, archive)
                    spool.write(_ITEM.pack(0xFFFE, 0xE000, len(codestream)) + codestream)
            _describe(data_set, described)
            method = ENCODERS[transfer_syntax_uid].method
            if method:
                _add_history(data_set, method, layout.value_bytes / max(1, spool.tell()))
            yield written_header(data_set, transfer_syntax_uid) + _BEGIN
            spool.seek(0)
            while chunk := spool.read(CHUNK_BYTES):
                yield chunk
        yield _END

    return Form(transfer_syntax_uid, None, chunks)


def _codestream(reader: _Reader, frame_index: int, transfer_syntax_uid: str, archive: Archive) -> bytes:
    """Return one frame as the value of an item, of even length."""
    native = reader.frame(frame_index)
    try:
        with archive.codecs:
            data = encode_frame(native, transfer_syntax_uid=transfer_syntax_uid, source=reader.layout)
    except DecodeError as error:
        raise NotAcceptable(_NO_FORM) from error
    return data + b"\0" * (len(data) % 2)


def _add_history(data_set: Dataset, method: str, ratio: float) -> None:
    """Say that the pixels were compressed lossily, after what was said of earlier times (PS3.3 C.7.6.1.1.5)."""
    data_set.LossyImageCompression = "01"
    for keyword, value in (("LossyImageCompressionRatio", f"{ratio:.2f}"), ("LossyImageCompressionMethod", method)):
        earlier = data_set.get(keyword) or []
        values = [earlier] if isinstance(earlier, str | float) else list(earlier)
        setattr(data_set, keyword, [*map(str, values), value])
