"""What one scan of a Part 10 object tells ingest. Pure records; `part10.py` makes them.

Two coordinate systems appear. *Blob* offsets count in the object as received. *Wire* offsets count in the form
that travels: the blob itself, or, where that never travels (Implicit VR Little Endian, Explicit VR Big Endian)
or cannot be addressed (deflated), the Explicit VR Little Endian form that a `WireForm` describes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

FRAME_RECORD: Final = struct.Struct("<QII")
"""One encapsulated frame: wire offset, span in bytes, number of fragments.

The span of a single fragment is its bytes. That of several begins with the length field of the first item and ends
with the last byte of the last one: the headers in between tell where each fragment ends.
"""


class DecodeError(ValueError):
    """The bytes are no readable DICOM object; the message is one sentence without values of the data set."""

    def __init__(self, message: str, *, offset: int | None = None, tag: int | None = None) -> None:
        """Keep where the bytes stopped making sense."""
        super().__init__(message)
        self.offset = offset
        self.tag = tag


class TruncatedError(DecodeError):
    """The object ends before it is complete: nothing may repair that."""


class MisplacedError(DecodeError):
    """Something stands where only items may: a repair would pass it over and lose it, so there is none."""


class ExcessError(DecodeError):
    """The object goes beyond a limit of this server: it is not looked at any further."""


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """Bounds that keep hostile objects from costing more than they are worth."""

    header_bytes: int = 256 * 1024 * 1024
    """Most bytes of values that are read into memory one at a time or written as JSON, pixel data apart."""
    nesting: int = 64
    """Deepest nesting of sequences."""
    inflated_bytes: int = 16 * 1024**3
    """Largest inflated size of a deflated data set."""
    inflation_ratio: int = 200
    """Largest ratio of inflated to deflated size (checked from 64 MB of output on)."""
    bulk_threshold: int = 1024
    """Values longer than this many bytes become bulk data, where their VR allows it."""


@dataclass(frozen=True, slots=True)
class BulkValue:
    """A value field that metadata refers to by a BulkDataURI."""

    path: str
    """Unique in the instance: `7FE00010`, or `54000100/1/54001010` inside item 1 of a sequence."""
    vr: str
    offset: int
    """Wire offset of the value field's first byte."""
    length: int
    """Bytes of the value field; for encapsulated pixel data, of everything up to the sequence delimiter."""


@dataclass(frozen=True, slots=True)
class NativeFrames:
    """Frames of native pixel data: equal slices, bit by bit for one-bit images."""

    offset: int
    """Wire offset of the first frame."""
    frame_bits: int
    """Rows x Columns x Samples per Pixel x Bits Allocated (half the samples for YBR_FULL_422)."""
    count: int


@dataclass(frozen=True, slots=True)
class EncapsulatedFrames:
    """Frames of encapsulated pixel data; `records` holds `count` packed `FRAME_RECORD`s."""

    records: bytes
    count: int


Frames = NativeFrames | EncapsulatedFrames


@dataclass(frozen=True, slots=True)
class WireForm:
    """How the Explicit VR Little Endian form of an object that never travels as stored is put together (TSX-01).

    The form is a Part 10 object: `prefix_length` bytes of the sidecar, then `middle_length` bytes of the blob
    from `middle_offset` with the bytes of each `word_size`-byte word reversed (1: as they are), then
    `suffix_length` bytes of the sidecar after the prefix.
    """

    prefix_length: int
    middle_offset: int
    middle_length: int
    word_size: int
    suffix_length: int

    @property
    def length(self) -> int:
        """Bytes of the whole form."""
        return self.prefix_length + self.middle_length + self.suffix_length


@dataclass(frozen=True, slots=True)
class ScannedInstance:
    """All that ingest needs to know of one Part 10 object."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    data_set_offset: int
    """Bytes of the head (preamble, prefix, group 0002) in the blob."""
    attributes: Mapping[str, bytes]
    """Top-level attributes in the DICOM JSON Model, `"00100010"` to `b'{"vr":"PN","Value":[...]}'`, ascending.

    Those whose JSON is at most 4,096 bytes and holds no BulkDataURI.
    """
    metadata: bytes | BinaryIO
    """The whole data set in the DICOM JSON Model, one zstd frame; a spool, positioned at 0, above 256 kB.

    A BulkDataURI is written as its path alone (`/bulkdata/7FE00010`): the reader inserts what goes before.
    """
    metadata_size: int
    """Bytes of the JSON text before compression."""
    uri_offsets: bytes
    """Packed little-endian uint64 offsets in the JSON text: where each BulkDataURI begins."""
    bulk: tuple[BulkValue, ...]
    frames: Frames | None
    """None without pixel data, or where frames cannot be told apart."""
    wire_form: WireForm | None
    wire_sidecar: BinaryIO | None
    """Prefix and suffix of the wire form, positioned at 0; a spool the caller closes. None with `wire_form`."""
    fallback: str | None
    """Why one pass over the blob was not enough: `big-endian`, `deflated`, `repaired`; None: it was."""
