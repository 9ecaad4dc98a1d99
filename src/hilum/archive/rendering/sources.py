"""Stored instances as sources of the rendering pipeline; what was read of an object is kept for its next frames."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.metadata import instance_metadata
from hilum.archive.objects import bulk_values, frame_bytes, frames_of, wire_bytes, wire_length, wire_range
from hilum.archive.pixels import decoded_frame
from hilum.dicom.pixels.pixel_format import PixelFormat, pixel_format
from hilum.dicom.pixels.transcode import DECODABLE_SYNTAXES, decoded_format
from hilum.dicom.reading.instance import DecodeError, Frames
from hilum.dicom.transfer_syntaxes import NATIVE_SYNTAXES, VIDEO_SYNTAXES
from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.attributes import Attributes
from hilum.render.source import Pixels, Source
from hilum.store.rows.records import StoredInstance

_FLOATS: Final = {"7FE00008": 32, "7FE00009": 64}
_PER_FRAME: Final = b'"52009230":'
_MAX_METADATA: Final = 64 * 1024 * 1024
_MAX_BULK: Final = 64 * 1024 * 1024
_WORTH_CUTTING: Final = 256 * 1024
_KEPT_BYTES: Final = 32 * 1024 * 1024
_BYTES_OF_TEXT: Final = 9
"""Bytes of memory that a byte of metadata takes once it is parsed (measured: 7.3 to 8.8)."""
_KEPT_TEXT: Final = 1024 * 1024


class _Kept:
    """Parsed metadata by blob id, the least recently used forgotten first; safe for many threads.

    Blobs never change, so nothing here goes stale.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: OrderedDict[str, tuple[dict[str, Any], int]] = OrderedDict()
        self._size = 0

    def find(self, blob_id: str) -> dict[str, Any] | None:
        with self._lock:
            found = self._members.get(blob_id)
            if found is None:
                return None
            self._members.move_to_end(blob_id)
            return found[0]

    def keep(self, blob_id: str, members: dict[str, Any], size: int) -> None:
        if size > _KEPT_TEXT:
            return
        size *= _BYTES_OF_TEXT
        with self._lock:
            if blob_id in self._members:
                return
            self._members[blob_id] = (members, size)
            self._size += size
            while self._size > _KEPT_BYTES:
                _, (_, gone) = self._members.popitem(last=False)
                self._size -= gone


_kept: Final = _Kept()


def source_of(instance: StoredInstance, *, archive: Archive) -> Source:
    """Return an instance as the pipeline takes it. Pixels and bulk values are read when they are asked for.

    Raises:
        NotAcceptable: it describes its pixels too badly to show them.
        PayloadTooLarge: its header is larger than this origin server renders by.
    """
    members = _kept.find(instance.blob_id)
    if members is None:
        text = b"".join(instance_metadata(_without_uids(instance), "", archive=archive))
        members = _parse(text)
        _kept.keep(instance.blob_id, members, len(text))
    return Source(
        instance.sop_class_uid,
        instance.transfer_syntax_uid,
        Attributes(members, _BulkReader(instance, archive)),
        _pixels(instance, members, archive),
        partial(_whole_object, instance, archive),
        instance.path,
    )


def _without_uids(instance: StoredInstance) -> StoredInstance:
    """Return the instance with empty UIDs: its metadata then name bulk values by a path that all instances share."""
    return replace(instance, study_instance_uid="", series_instance_uid="", sop_instance_uid="")


def _parse(text: bytes) -> dict[str, Any]:
    """Parse metadata; those of many thousand frames without what is said of each, if colour makes it needless."""
    if len(text) > _WORTH_CUTTING and b"MONOCHROME" not in text and b"TILED_SPARSE" not in text:
        cut = text.find(b"," + _PER_FRAME)
        if cut > 0:
            try:
                # Cut inside a sequence or a text, the rest would not parse.
                shortened: dict[str, Any] = orjson.loads(text[:cut] + b"}")
            except orjson.JSONDecodeError:
                pass
            else:
                return shortened | _after_frames(text)
    if len(text) > _MAX_METADATA:
        raise PayloadTooLarge("The header of the instance is larger than this origin server renders by.")
    members: dict[str, Any] = orjson.loads(text)
    return members


def _after_frames(text: bytes) -> dict[str, Any]:
    """Return the pixel data's own members, which come last in a data set."""
    start = text.rfind(b',"7FE0')
    try:
        members: dict[str, Any] = orjson.loads(b"{" + text[start + 1 :])
    except orjson.JSONDecodeError:
        return {}
    return members


class _BulkReader:
    """Reads bulk values of one instance by path; where they lie is looked up once."""

    def __init__(self, instance: StoredInstance, archive: Archive) -> None:
        self._instance = instance
        self._archive = archive
        self._spans: dict[str, tuple[int, int]] | None = None

    def __call__(self, path: str) -> bytes:
        if self._spans is None:
            values, _ = bulk_values(self._instance, archive=self._archive)
            self._spans = {value.path: (value.offset, value.length) for value in values}
        offset, length = self._spans[path]
        if length > _MAX_BULK:
            raise LookupError(path)
        return wire_range(self._instance, offset, length, archive=self._archive)


def _whole_object(instance: StoredInstance, archive: Archive) -> bytes:
    if wire_length(instance) > archive.settings.rendering.max_document_bytes:
        raise PayloadTooLarge("The instance is larger than this origin server renders.")
    return b"".join(wire_bytes(instance, archive=archive))


def _pixels(instance: StoredInstance, members: dict[str, Any], archive: Archive) -> Pixels | None:
    if "00280010" not in members or "00280011" not in members:
        return None
    frames = frames_of(instance, archive=archive)
    if frames is None:
        return None
    bits = next((bits for tag, bits in _FLOATS.items() if tag in members), 0)
    stored = replace(_format(members, bits), number_of_frames=max(1, frames.count))
    read_stored = partial(_stored, instance, frames, archive)
    if instance.transfer_syntax_uid in NATIVE_SYNTAXES or instance.transfer_syntax_uid in VIDEO_SYNTAXES:
        return Pixels(stored, bool(bits), read_stored, read_stored)
    if instance.transfer_syntax_uid not in DECODABLE_SYNTAXES:
        raise NotAcceptable("Frames of this transfer syntax are not decoded by this origin server.")
    try:
        decoded = decoded_format(stored, instance.transfer_syntax_uid)
    except DecodeError as error:
        raise NotAcceptable("The pixel data of the instance cannot be decoded.") from error
    return Pixels(decoded, bool(bits), partial(_decoded, instance, frames, stored, archive), read_stored)


def _format(members: dict[str, Any], float_bits: int) -> PixelFormat:
    described = dict(members)
    if float_bits:
        described["00280100"] = {"vr": "US", "Value": [float_bits]}
        for tag in ("00280101", "00280102", "00280103"):
            described.pop(tag, None)
    try:
        return pixel_format(described)
    except DecodeError as error:
        raise NotAcceptable("The instance does not describe its pixels well enough to show them.") from error


def _decoded(
    instance: StoredInstance, frames: Frames, stored: PixelFormat, archive: Archive, frame_index: int
) -> bytes:
    return decoded_frame(instance, frames, stored, frame_index, archive=archive)


def _stored(instance: StoredInstance, frames: Frames, archive: Archive, frame_index: int) -> bytes:
    return frame_bytes(instance, frames, frame_index, archive=archive)
