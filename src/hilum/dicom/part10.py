"""The single pass over a Part 10 object (PS3.10 chapter 7) that gives ingest all it needs to know."""

from __future__ import annotations

import re
import struct
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

import orjson

from hilum.dicom.data_set import DataSetScan, Misshapen
from hilum.dicom.fallback import completed_object, inflated_object, repaired_object, swapped_object
from hilum.dicom.frames import encapsulated_frames, native_frames, number_of_frames, read_fragments
from hilum.dicom.instance import DecodeError, Frames, ScanLimits, ScannedInstance, WireForm
from hilum.dicom.json import LONG_VRS
from hilum.dicom.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    VIDEO_SYNTAXES,
)
from hilum.dicom.uids import is_uid
from hilum.dicom.wire_form import WireSidecar, rewritten_head

_PREAMBLE: Final = 132
_file_meta: Final = re.compile(rb"\x02\0..(UL|UI|OB)", re.DOTALL).fullmatch
_TRANSFER_SYNTAX: Final = 0x0010
_MAX_HEAD: Final = 1024 * 1024
_DEFLATED: Final = frozenset({DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})
_UIDS: Final = {
    "0020000D": "Study Instance UID",
    "0020000E": "Series Instance UID",
    "00080018": "SOP Instance UID",
    "00080016": "SOP Class UID",
}
_FLOAT_BITS: Final = {0x7FE00008: 32, 0x7FE00009: 64}


class NoHead(DecodeError):
    """There is no DICM prefix, or no transfer syntax: the object may still be a bare data set."""


@dataclass(frozen=True, slots=True)
class _Head:
    transfer_syntax_uid: str
    data_set_offset: int
    has_preamble: bool


def scan(buffer: bytes | memoryview, *, limits: ScanLimits, open_spool: Callable[[], BinaryIO]) -> ScannedInstance:
    """Return all that ingest needs to know of a Part 10 object.

    Args:
        buffer: the whole object; of a large one a view of a mapping, which is never copied.
        limits: what an object may cost.
        open_spool: returns a fresh temporary file.

    Raises:
        DecodeError: it is no complete and readable DICOM instance.
    """
    try:
        return _scan(buffer, limits, open_spool)
    except (struct.error, IndexError, ValueError, RecursionError) as error:
        if isinstance(error, DecodeError):
            raise
        raise DecodeError("The object is no readable DICOM instance.") from error


def _scan(buffer: bytes | memoryview, limits: ScanLimits, open_spool: Callable[[], BinaryIO]) -> ScannedInstance:
    try:
        head = _read_head(buffer)
    except NoHead:
        return repaired_object(buffer, 0, "", limits, open_spool, scan)
    syntax = head.transfer_syntax_uid
    if not head.has_preamble:
        return completed_object(buffer, head.data_set_offset, syntax, limits, open_spool, scan)
    if syntax in _DEFLATED:
        return inflated_object(buffer, head.data_set_offset, syntax, limits, open_spool, scan)
    if syntax == EXPLICIT_VR_BIG_ENDIAN:
        return swapped_object(buffer, head.data_set_offset, limits, open_spool, scan)
    try:
        return _scan_little_endian(buffer, head, limits, open_spool)
    except Misshapen:
        return repaired_object(buffer, head.data_set_offset, syntax, limits, open_spool, scan)


def _read_head(buffer: bytes | memoryview) -> _Head:
    """Read preamble and group 0002, whose elements are Explicit VR Little Endian whatever follows."""
    has_preamble = bytes(buffer[128:_PREAMBLE]) == b"DICM"
    if not has_preamble and not _file_meta(bytes(buffer[:6])):
        raise NoHead("The object has no DICM prefix: it is no DICOM file.")
    syntax, pos = "", _PREAMBLE if has_preamble else 0
    while pos + 8 <= len(buffer):
        group, element, vr, length = struct.unpack_from("<HH2sH", buffer, pos)
        if group != 2:
            break
        pos += 8
        if vr in LONG_VRS:
            (length,) = struct.unpack_from("<I", buffer, pos)
            pos += 4
        if pos + length > min(len(buffer), _MAX_HEAD):
            raise DecodeError("The object ends inside its file meta information.", offset=pos)
        if element == _TRANSFER_SYNTAX:
            syntax = bytes(buffer[pos : pos + length]).rstrip(b" \0").decode("ascii", "replace")
        pos += length
    if not is_uid(syntax):
        raise NoHead("The object names no Transfer Syntax UID.")
    return _Head(syntax, pos, has_preamble)


def _scan_little_endian(
    buffer: bytes | memoryview, head: _Head, limits: ScanLimits, open_spool: Callable[[], BinaryIO]
) -> ScannedInstance:
    implicit = head.transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN
    sidecar = _sidecar(buffer, head, open_spool) if implicit else None
    found = DataSetScan(buffer, limits, open_spool, sidecar)
    try:
        found.run(head.data_set_offset, is_explicit=not implicit)
        form = sidecar.finish() if sidecar else None
        return _result(buffer, head, found, form, sidecar.file if sidecar else None)
    except BaseException:
        found.close()
        if sidecar:
            sidecar.file.close()
        raise


def _sidecar(buffer: bytes | memoryview, head: _Head, open_spool: Callable[[], BinaryIO]) -> WireSidecar:
    return WireSidecar(rewritten_head(bytes(buffer[: head.data_set_offset]), EXPLICIT_VR_LITTLE_ENDIAN), open_spool)


def _result(
    buffer: bytes | memoryview,
    head: _Head,
    found: DataSetScan,
    form: WireForm | None,
    sidecar: BinaryIO | None,
) -> ScannedInstance:
    uids = {tag: _uid(found, tag, name) for tag, name in _UIDS.items()}
    bulk = tuple(found.bulk)
    metadata = found.metadata()
    return ScannedInstance(
        study_instance_uid=uids["0020000D"],
        series_instance_uid=uids["0020000E"],
        sop_instance_uid=uids["00080018"],
        sop_class_uid=uids["00080016"],
        transfer_syntax_uid=head.transfer_syntax_uid,
        data_set_offset=head.data_set_offset,
        attributes=found.attributes,
        metadata=metadata,
        metadata_size=found.metadata_size,
        uri_offsets=found.uri_offsets.tobytes(),
        bulk=bulk,
        frames=_frames(buffer, head, found),
        wire_form=form,
        wire_sidecar=sidecar,
        fallback=None,
    )


def _uid(found: DataSetScan, tag: str, name: str) -> str:
    value = orjson.loads(found.attributes.get(tag, b"{}"))
    values = value.get("Value", ())
    if value.get("vr") == "UN":
        # Some routers write all that they do not know as UN, these UIDs among it.
        values = (b64decode(value.get("InlineBinary", "")).rstrip(b" \0").decode("ascii", "replace"),)
        found.attributes[tag] = orjson.dumps({"vr": "UI", "Value": values})
    if len(values) != 1 or not isinstance(values[0], str) or not is_uid(values[0]):
        raise DecodeError(f"The object has no valid {name}.", tag=int(tag, 16))
    return values[0]


def _frames(buffer: bytes | memoryview, head: _Head, found: DataSetScan) -> Frames | None:
    pixels = found.pixel_data
    if pixels is None:
        return None
    if pixels.length is not None:
        bits = _FLOAT_BITS.get(pixels.tag)
        return native_frames(found.attributes, offset=pixels.offset, length=pixels.length, bits_allocated=bits)
    return encapsulated_frames(
        buffer,
        read_fragments(buffer, pixels.offset),
        count=number_of_frames(found.attributes),
        is_video=head.transfer_syntax_uid in VIDEO_SYNTAXES,
        extended_offsets=found.extended_offsets,
    )
