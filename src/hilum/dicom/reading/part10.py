"""The scan of a Part 10 object at ingest: all that search and retrieval need to know, in one pass.

Explicit VR Little Endian is read where it lies. Every other encoding is first brought into that form, beside the
blob, and then read the same way.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

import orjson

from hilum.dicom.dictionary import vr_of
from hilum.dicom.json import ENCODERS
from hilum.dicom.reading.data_set import (
    EXTENDED_OFFSET_TABLE,
    EXTENDED_OFFSET_TABLE_LENGTHS,
    WHOLE,
    DataSetScan,
    Form,
    Gap,
    Level,
    PixelElement,
    tag_name,
)
from hilum.dicom.reading.fallback import MAX_REPAIRED_BYTES, repair
from hilum.dicom.reading.file_meta import Head, has_prefix, read_head
from hilum.dicom.reading.frames import PixelGeometry, encapsulated_frames, native_frames, single_stream
from hilum.dicom.reading.instance import (
    DecodeError,
    ExcessError,
    Frames,
    MisplacedError,
    ScanLimits,
    ScannedInstance,
    TruncatedError,
    WireForm,
)
from hilum.dicom.reading.metadata import compress_metadata
from hilum.dicom.reading.spools import OpenSpool, Overflow, Sidecar, Source, mapped, source_of
from hilum.dicom.reading.wire_form import (
    DEFLATED_SYNTAXES,
    EXPLICIT_BIG,
    IMPLICIT_LITTLE,
    Encoding,
    ExplicitForm,
    inflate,
)
from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
    VIDEO_SYNTAXES,
)
from hilum.dicom.uids import is_uid

_ATTRIBUTE_BYTES: Final = 4096
"""Longest JSON of an attribute that is given apart."""

_MEMBER_START: Final = len('"00080020":')

_ENCODINGS: Final[Mapping[str, Encoding]] = {
    IMPLICIT_VR_LITTLE_ENDIAN: IMPLICIT_LITTLE,
    EXPLICIT_VR_BIG_ENDIAN: EXPLICIT_BIG,
}
"""Encodings that never travel."""

_VRS: Final = frozenset(vr.encode() for vr in (*ENCODERS, "SQ"))


@dataclass(slots=True)
class _Reading:
    """An object whose data set was read."""

    head: Head
    transfer_syntax_uid: str
    scan: DataSetScan
    level: Level
    frames: Frames | None = None
    wire_form: WireForm | None = None
    sidecar: BinaryIO | None = None
    fallback: str | None = None


def scan(buffer: bytes | memoryview, *, limits: ScanLimits, open_spool: OpenSpool) -> ScannedInstance:
    """Read a Part 10 object.

    Args:
        buffer: the whole object; of a large one a view over a read-only map, which is never copied to memory.
        limits: bounds on what is read.
        open_spool: returns a fresh temporary binary file. Those that the result holds are the caller's to close.

    Raises:
        DecodeError: the object is no DICOM, is cut short, lacks a UID that identifies it, or exceeds a limit.

    Source: PS3.10 7, PS3.5 7; TSX-01.
    """
    return _scan(buffer, limits, open_spool, _IDENTIFYING)


def scan_non_patient(buffer: bytes | memoryview, *, limits: ScanLimits, open_spool: OpenSpool) -> ScannedInstance:
    """Read a Part 10 object that belongs to no study: the UIDs of its study and series are ''.

    Args:
        buffer: as `scan`.
        limits: as `scan`.
        open_spool: as `scan`.

    Raises:
        DecodeError: as `scan`; or the object has a Study Instance UID.

    Source: PS3.18 12.
    """
    return _scan(buffer, limits, open_spool, _IDENTIFYING[2:])


def _scan(
    buffer: bytes | memoryview, limits: ScanLimits, open_spool: OpenSpool, identifying: Sequence[tuple[int, str]]
) -> ScannedInstance:
    with source_of(buffer, open_spool) as source:
        overflow = Overflow(open_spool)
        reading = None
        try:
            reading = _Roads(source, limits, open_spool, overflow).read()
            return _instance(reading, overflow, open_spool, identifying)
        except BaseException as error:
            if reading is not None and reading.sidecar is not None:
                reading.sidecar.close()
            if isinstance(error, RecursionError):
                raise ExcessError("Sequences are nested too deeply.") from error
            raise
        finally:
            overflow.close()


class _Roads:
    """The ways from an object to its data set in Explicit VR Little Endian."""

    def __init__(self, source: Source, limits: ScanLimits, open_spool: OpenSpool, overflow: Overflow) -> None:
        self._source = source
        self._limits = limits
        self._open_spool = open_spool
        self._overflow = overflow

    def read(self) -> _Reading:
        """Read the object by the road that its encoding needs, or have it repaired."""
        if not has_prefix(self._source) and not _may_begin_here(self._source):
            raise DecodeError("The object is no DICOM object: it has no DICM prefix.", offset=0)
        try:
            return self._by_encoding(read_head(self._source))
        except (TruncatedError, MisplacedError, ExcessError):
            raise
        except DecodeError as error:
            if len(self._source) > MAX_REPAIRED_BYTES:
                raise
            return self._repaired(error)

    def _by_encoding(self, head: Head) -> _Reading:
        uid = head.transfer_syntax_uid
        if uid in DEFLATED_SYNTAXES:
            return self._inflated(head, uid)
        found = _found_syntax(self._source, head.length)
        is_broken = not uid or not has_prefix(self._source)
        if uid in _ENCODINGS or uid == EXPLICIT_VR_LITTLE_ENDIAN or not uid:
            # What the data set shows of itself outweighs what the head says of it.
            if found == EXPLICIT_VR_LITTLE_ENDIAN:
                return self._headed(head, uid or found) if is_broken or uid != found else self._in_place(head, uid)
            return self._converted(head, uid or found, found, is_broken=is_broken or uid != found)
        return self._headed(head, uid) if is_broken else self._in_place(head, uid)

    def _in_place(self, head: Head, uid: str) -> _Reading:
        scan = DataSetScan(self._source, self._limits, self._overflow)
        level = scan.read(head.length)
        return _Reading(head, uid, scan, level, frames=_frames(scan, level, uid, self._source))

    def _inflated(self, head: Head, uid: str) -> _Reading:
        inner = DEFLATED_SYNTAXES[uid]
        with _Draft(self._open_spool) as draft:
            rewritten = head.rewritten(inner)
            draft.sidecar.write(rewritten)
            inflate(self._source, head.length, self._limits, draft.sidecar)
            return self._from_sidecar(draft, head, uid, "deflated")

    def _headed(self, head: Head, uid: str) -> _Reading:
        """Read an object whose head alone is broken: its form is a new head before the data set of the blob."""
        new_head = head.rewritten(EXPLICIT_VR_LITTLE_ENDIAN if uid in _ENCODINGS else uid)
        form = Form(WHOLE.gap, WHOLE.oversized, shift=len(new_head) - head.length)
        scan = DataSetScan(self._source, self._limits, self._overflow, form)
        level = scan.read(head.length)
        frames = _frames(scan, level, uid, self._source)
        wire_form = WireForm(len(new_head), head.length, len(self._source) - head.length, 1, 0)
        return _Reading(head, uid, scan, level, frames, wire_form, io.BytesIO(new_head), "repaired")

    def _converted(self, head: Head, uid: str, found: str, *, is_broken: bool) -> _Reading:
        """Read a data set that never travels as it is stored."""
        with _Draft(self._open_spool) as draft:
            start = head.rewritten(EXPLICIT_VR_LITTLE_ENDIAN)
            draft.sidecar.write(start)
            form = ExplicitForm(self._source, _ENCODINGS[found], self._limits, draft.sidecar)
            try:
                wire_form = form.write(head.length)
            except TruncatedError as error:
                if not is_broken:
                    raise
                # The encoding was a guess, so the end may be one as well.
                raise DecodeError(str(error), offset=error.offset, tag=error.tag) from error
            reason = "big-endian" if found == EXPLICIT_VR_BIG_ENDIAN else None
            fallback = "repaired" if is_broken else reason
            gap = Gap(wire_form.prefix_length, wire_form.middle_length)
            return self._scanned(draft, _Planned(head, uid, wire_form, Form(gap, form.oversized), fallback))

    def _repaired(self, cause: DecodeError) -> _Reading:
        with _Draft(self._open_spool) as draft:
            head = _readable_head(self._source)
            uid = repair(self._source, draft.sidecar, cause)
            return self._from_sidecar(draft, head, uid, "repaired")

    def _from_sidecar(self, draft: _Draft, head: Head, uid: str, fallback: str) -> _Reading:
        """Read an object whose whole form stands in the sidecar."""
        wire_form = WireForm(draft.sidecar.length, 0, 0, 1, 0)
        return self._scanned(draft, _Planned(head, uid, wire_form, WHOLE, fallback))

    def _scanned(self, draft: _Draft, plan: _Planned) -> _Reading:
        """Scan the form in the sidecar."""
        sidecar = draft.finish()
        with mapped(sidecar) as source:
            scan = DataSetScan(source, self._limits, self._overflow, plan.form)
            level = scan.read(read_head(source).length)
            frames = _frames(scan, level, plan.transfer_syntax_uid, source)
        sidecar.seek(0)
        draft.keep()
        return _Reading(
            plan.head, plan.transfer_syntax_uid, scan, level, frames, plan.wire_form, sidecar, plan.fallback
        )


@dataclass(frozen=True, slots=True)
class _Planned:
    """What is known of an object whose form stands in a sidecar and is to be scanned."""

    head: Head
    transfer_syntax_uid: str
    wire_form: WireForm
    form: Form
    fallback: str | None


class _Draft:
    """A sidecar that goes away unless it is kept."""

    def __init__(self, open_spool: OpenSpool) -> None:
        self.sidecar = Sidecar(open_spool)
        self._file: BinaryIO | None = None
        self._is_kept = False

    def finish(self) -> BinaryIO:
        """Return what was written as a file."""
        finished = self.sidecar.finish()
        self._file = io.BytesIO(finished) if isinstance(finished, bytes) else finished
        return self._file

    def keep(self) -> None:
        """Leave the file to the caller."""
        self._is_kept = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_kept:
            self.sidecar.close()


def _readable_head(source: Source) -> Head:
    """Return the head, or an empty one of plausible length where it cannot be read."""
    try:
        return read_head(source)
    except DecodeError:
        length = 132 if has_prefix(source) else 0
        return Head(source[:128] if length else b"\0" * 128, (), length)


def _may_begin_here(source: Source) -> bool:
    """Return whether File Meta Information or a data set begins at the first byte."""
    return source[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")


def _found_syntax(source: Source, offset: int) -> str:
    """Return the native transfer syntax that the first element of the data set shows."""
    if source[offset + 4 : offset + 6] not in _VRS:
        return IMPLICIT_VR_LITTLE_ENDIAN
    is_big = source[offset : offset + 1] == b"\0" != source[offset + 1 : offset + 2]
    return EXPLICIT_VR_BIG_ENDIAN if is_big else EXPLICIT_VR_LITTLE_ENDIAN


def _instance(
    reading: _Reading, overflow: Overflow, open_spool: OpenSpool, identifying: Sequence[tuple[int, str]]
) -> ScannedInstance:
    """Put the results of a reading together."""
    level, scan = reading.level, reading.scan
    if not is_uid(reading.transfer_syntax_uid):
        raise DecodeError("The Transfer Syntax UID of the object is no valid UID.", tag=0x00020010)
    uids = {tag: _uid(level, tag, name) for tag, name in identifying}
    if _STUDY_INSTANCE_UID not in uids and _value(level, _STUDY_INSTANCE_UID) is not None:
        raise DecodeError("The object belongs to a study.", tag=_STUDY_INSTANCE_UID)
    metadata = compress_metadata(level.text(), overflow, open_spool)
    return ScannedInstance(
        study_instance_uid=uids.get(_STUDY_INSTANCE_UID, ""),
        series_instance_uid=uids.get(_SERIES_INSTANCE_UID, ""),
        sop_instance_uid=uids[_SOP_INSTANCE_UID],
        sop_class_uid=uids[_SOP_CLASS_UID],
        transfer_syntax_uid=reading.transfer_syntax_uid,
        data_set_offset=reading.head.length,
        attributes=_attributes(level, scan),
        metadata=metadata.body,
        metadata_size=metadata.size,
        uri_offsets=metadata.uri_offsets,
        bulk=tuple(scan.bulk),
        frames=reading.frames,
        wire_form=reading.wire_form,
        wire_sidecar=reading.sidecar,
        fallback=reading.fallback,
    )


_STUDY_INSTANCE_UID, _SERIES_INSTANCE_UID = 0x0020000D, 0x0020000E
_SOP_INSTANCE_UID, _SOP_CLASS_UID = 0x00080018, 0x00080016
_IDENTIFYING: Final = (
    (_STUDY_INSTANCE_UID, "Study Instance UID"),
    (_SERIES_INSTANCE_UID, "Series Instance UID"),
    (_SOP_INSTANCE_UID, "SOP Instance UID"),
    (_SOP_CLASS_UID, "SOP Class UID"),
)


def _uid(level: Level, tag: int, name: str) -> str:
    """Return a UID that the data set must have (PS3.5 9.1); leading zeros of components are let through."""
    value = _value(level, tag)
    if value is None:
        raise DecodeError(f"The data set has no {name}.", tag=tag)
    if not isinstance(value, str) or not is_uid(value):
        raise DecodeError(f"The {name} of the data set is no valid UID.", tag=tag)
    return value


def _value(level: Level, tag: int) -> object:
    """Return the only value of an attribute of the top level; None if it is absent or empty.

    Several values are given as a list, which is never what is looked for.
    """
    member = level.members.get(tag)
    if member is None or len(member) > _ATTRIBUTE_BYTES or b"\0" in member:
        return None
    attribute = orjson.loads(_known(tag, member[_MEMBER_START:], level))
    values = attribute.get("Value")
    return values[0] if values and len(values) == 1 else values


def _known(tag: int, attribute: bytes, level: Level) -> bytes:
    """Return an attribute that some router has turned into UN under the VR that the dictionary has for it.

    Searches need its value; metadata keep what is stored (JSON-44).
    """
    if not attribute.startswith(_INLINE_UNKNOWN):
        return attribute
    vr = vr_of(tag, "")
    raw = base64.b64decode(attribute[len(_INLINE_UNKNOWN) : -2])
    body = ENCODERS[vr](raw, level.charset) if vr in ENCODERS else None
    return attribute if body is None else b'{"vr":"%b"%b' % (vr.encode(), body)


_INLINE_UNKNOWN: Final = b'{"vr":"UN","InlineBinary":"'


def _attributes(level: Level, scan: DataSetScan) -> Mapping[str, bytes]:
    """Return the short attributes of the top level, ascending."""
    members = level.members if level.is_sorted else dict(sorted(level.members.items()))
    longest = _ATTRIBUTE_BYTES + _MEMBER_START
    attributes = {
        tag_name(tag): member[_MEMBER_START:]
        for tag, member in members.items()
        if len(member) <= longest and tag not in scan.referring
    }
    for tag in scan.unknown:
        if (name := tag_name(tag)) in attributes:
            attributes[name] = _known(tag, attributes[name], level)
    return attributes


def _frames(scan: DataSetScan, level: Level, transfer_syntax_uid: str, source: Source) -> Frames | None:
    """Return where the frames of the object lie."""
    pixels = scan.pixels
    if pixels is None:
        return None
    geometry = _geometry(level, pixels)
    if pixels.fragments is None:
        return native_frames(pixels.offset, pixels.length, geometry)
    tables = [scan.offset_tables.get(tag) for tag in (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS)]
    extended = [source[table[0] : sum(table)] for table in tables if table]
    both = (extended[0], extended[1]) if len(extended) == 2 else None
    if transfer_syntax_uid in VIDEO_SYNTAXES:
        return single_stream(pixels.fragments, both)
    return encapsulated_frames(source, pixels.fragments, geometry.frames, both)


_FLOAT_BITS: Final = {0x7FE00008: 32, 0x7FE00009: 64}


def _geometry(level: Level, pixels: PixelElement) -> PixelGeometry:
    return PixelGeometry(
        rows=_number(level, 0x00280010),
        columns=_number(level, 0x00280011),
        samples=_number(level, 0x00280002) or 1,
        bits_allocated=_FLOAT_BITS.get(pixels.tag) or _number(level, 0x00280100),
        photometric_interpretation=str(_value(level, 0x00280004)),
        frames=max(1, _number(level, 0x00280008)),
    )


def _number(level: Level, tag: int) -> int:
    """Return an integer attribute of the top level; 0 if it is absent or no integer."""
    value = _value(level, tag)
    return value if isinstance(value, int) and value > 0 else 0
