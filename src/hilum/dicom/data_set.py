"""The one pass over a little-endian data set: its JSON, what searches need of it, and where its big values lie."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import zstandard

from hilum.dicom.charsets import CharacterSet, character_set
from hilum.dicom.dictionary import implicit_vr
from hilum.dicom.instance import BulkValue, DecodeError, ScanLimits
from hilum.dicom.json import BINARY_VRS, BULK_VRS, LONG_VRS, WRITERS, inline_binary
from hilum.dicom.wire_form import WireSidecar

_HEADER: Final = struct.Struct("<HH2sH")
_IMPLICIT_HEADER: Final = struct.Struct("<HHI")
_LENGTH: Final = struct.Struct("<I")
_unpack_header: Final = _HEADER.unpack_from
_unpack_implicit: Final = _IMPLICIT_HEADER.unpack_from
_unpack_length: Final = _LENGTH.unpack_from

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_CHARACTER_SET: Final = 0x00080005
_PIXEL_REPRESENTATION: Final = 0x00280103
_PIXEL_DATA: Final = 0x7FE00010
_PIXELS: Final = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_TRAILING_PADDING: Final = 0xFFFCFFFC
_VRS: Final = frozenset(WRITERS) | {b"SQ"}

_SHORT_ATTRIBUTE: Final = 4096
_TEXT_FACTOR: Final = 64
_COPY_BYTES: Final = 1024 * 1024
_FLUSH_PIECES: Final = 8192
_SPOOL_BYTES: Final = 256 * 1024

_prefixes: dict[tuple[int, bytes], bytes] = {}
_MOST_PREFIXES: Final = 65536


class Misshapen(DecodeError):
    """Attributes do not ascend, or have no known VR: pydicom may make sense of the object."""


def _prefix(tag: int, vr: bytes) -> bytes:
    """Return `,"GGGGEEEE":{"vr":"VR"` from a table of those met before."""
    found = _prefixes.get((tag, vr))
    if found is None:
        if len(_prefixes) > _MOST_PREFIXES:
            _prefixes.clear()
        found = _prefixes[tag, vr] = b',"%08X":{"vr":"%b"' % (tag, vr)
    return found


@dataclass(frozen=True, slots=True)
class _Scope:
    """What a data set inherits from the one around it."""

    charset: CharacterSet
    pixel_representation: int = 0
    path: str = ""
    depth: int = 0
    is_explicit: bool = True


@dataclass(slots=True)
class PixelDataElement:
    """Where the top-level pixel data lie; `offset` is a wire offset, of the first item where `length` is None."""

    tag: int
    vr: str
    header_offset: int
    offset: int
    length: int | None


@dataclass(slots=True)
class DataSetScan:
    """The pass and its results.

    Attributes:
        buffer: what is scanned.
        limits: its bounds.
        open_spool: gives temporary files for what is too long for memory.
        wire: takes the Explicit VR Little Endian form of implicit elements; None: not wanted.
    """

    buffer: bytes | memoryview
    limits: ScanLimits
    open_spool: Callable[[], BinaryIO]
    wire: WireSidecar | None = None
    attributes: dict[str, bytes] = field(default_factory=dict)
    bulk: list[BulkValue] = field(default_factory=list)
    pixel_data: PixelDataElement | None = None
    extended_offsets: bytes = b""
    extended_lengths: bytes = b""
    metadata_size: int = 0
    uri_offsets: array[int] = field(default_factory=lambda: array("Q"))
    _out: list[bytes] = field(default_factory=list)
    _uris: list[tuple[int, int]] = field(default_factory=list)
    _flushes: int = 0
    _compressor: Any = None
    _compressed: bytearray = field(default_factory=bytearray)
    _spool: BinaryIO | None = None
    _pixel_representation: int = 0

    def run(self, start: int, *, is_explicit: bool) -> None:
        """Scan the data set that begins at `start` and ends with the buffer.

        Raises:
            DecodeError: it is not one, or more than the limits allow.
        """
        self._out.append(b"{")
        scope = _Scope(character_set(""), is_explicit=is_explicit)
        self._data_set(start, len(self.buffer), scope)
        self._out.append(b"}")

    def metadata(self) -> bytes | BinaryIO:
        """Return the JSON as one zstd frame: bytes, or a spool at its start above 256 kB. For after `run`."""
        if self._compressor is None:
            return zstandard.ZstdCompressor(level=1).compress(self._joined())
        self._compress(self._joined())
        self._put(self._compressor.flush())
        if self._spool is None:
            return bytes(self._compressed)
        self._spool.write(self._compressed)
        self._spool.seek(0)
        return self._spool

    def close(self) -> None:
        """Drop the spool, where the scan has failed."""
        if self._spool is not None:
            self._spool.close()

    def _joined(self) -> bytes:
        if self._uris:
            at, piece = self.metadata_size, 0
            for index, inside in self._uris:
                for number in range(piece, index):
                    at += len(self._out[number])
                piece = index
                self.uri_offsets.append(at + inside)
            self._uris.clear()
        text = b"".join(self._out)
        self._out.clear()
        self.metadata_size += len(text)
        if self.metadata_size > self.limits.header_bytes:
            raise DecodeError("The header of the object is too large.")
        return text

    def _flush(self) -> None:
        self._flushes += 1
        if self._compressor is None:
            self._compressor = zstandard.ZstdCompressor(level=1).compressobj()
        self._compress(self._joined())

    def _compress(self, text: bytes) -> None:
        self._put(self._compressor.compress(text))

    def _put(self, data: bytes) -> None:
        self._compressed += data
        if len(self._compressed) > _SPOOL_BYTES:
            if self._spool is None:
                self._spool = self.open_spool()
            self._spool.write(self._compressed)
            self._compressed.clear()

    def _data_set(self, pos: int, end: int, scope: _Scope, *, delimited: bool = False) -> int:
        """Write the elements from `pos` on; return where they end: `end`, or after an item delimiter."""
        out, buffer, top = self._out, self.buffer, scope.depth == 0
        explicit, charset, threshold = scope.is_explicit, scope.charset, self.limits.bulk_threshold
        pixel_representation = scope.pixel_representation
        writers, last, comma = WRITERS, -1, False
        creators: dict[int, str] = {}
        while pos < end:
            if end - pos < 8:
                raise DecodeError("The object ends inside an element.", offset=pos)
            header_offset = pos
            if explicit:
                group, element, vr, length = _unpack_header(buffer, pos)
                tag = group << 16 | element
                pos += 8
                if tag == _ITEM_END and delimited:
                    return pos
                if vr in LONG_VRS:
                    if end - pos < 4:
                        raise DecodeError("The object ends inside an element.", offset=pos)
                    length = _unpack_length(buffer, pos)[0]
                    pos += 4
                elif vr not in _VRS:
                    raise Misshapen("An element has no known VR.", offset=header_offset, tag=tag)
            else:
                group, element, length = _unpack_implicit(buffer, pos)
                tag = group << 16 | element
                pos += 8
                if tag == _ITEM_END and delimited:
                    return pos
                vr = implicit_vr(
                    tag, creators.get(group << 16 | element >> 8) if group & 1 else None, pixel_representation
                )
            if tag <= last:
                raise Misshapen("The attributes of the object do not ascend.", offset=header_offset, tag=tag)
            last = tag
            if length == _UNDEFINED:
                if tag == _PIXEL_DATA and explicit and vr in (b"OB", b"OW", b"UN"):
                    pos = self._encapsulated(tag, vr, header_offset, pos, end, scope, comma)
                    comma = True
                    continue
                if vr not in (b"SQ", b"UN"):
                    raise DecodeError("An element has no length.", offset=header_offset, tag=tag)
                vr_out, inner = b"SQ", explicit and vr == b"SQ"
                pos = self._sequence(
                    tag, vr_out, pos, end, scope, charset, pixel_representation, inner, comma, undefined=True
                )
                comma = True
                continue
            stop = pos + length
            if stop > end:
                raise DecodeError("The object ends inside an element.", offset=header_offset, tag=tag)
            if vr == b"SQ":
                pos = self._sequence(
                    tag, vr, pos, stop, scope, charset, pixel_representation, explicit, comma, undefined=False
                )
                comma = True
                continue
            if element == 0 or tag == _TRAILING_PADDING:
                pos = stop
                continue
            if tag in _PIXELS:
                if top:
                    at = self._native(tag, vr, header_offset, pos, stop)
                else:
                    at = self._copied(tag, vr, pos, stop)
                self._bulk(tag, vr, at, length, scope.path, comma)
                comma, pos = True, stop
                continue
            if (
                length <= threshold
                or vr not in BULK_VRS
                or (vr not in BINARY_VRS and length <= threshold * _TEXT_FACTOR)
            ):
                if length > self.limits.header_bytes:
                    raise DecodeError("The header of the object is too large.", offset=header_offset, tag=tag)
                raw = bytes(buffer[pos:stop])
                at = pos if self.wire is None else self._copied(tag, vr, pos, stop)
                text = writers[vr](raw, charset)
                if text is None:
                    if vr in BULK_VRS:
                        self._bulk(tag, vr, at, length, scope.path, comma)
                    else:
                        piece = _prefix(tag, b"UN") + inline_binary(raw)
                        out.append(piece if comma else piece[1:])
                else:
                    piece = _prefix(tag, vr) + text
                    out.append(piece if comma else piece[1:])
                    if top and len(piece) <= _SHORT_ATTRIBUTE:
                        self.attributes["%08X" % tag] = piece[12:]
                if tag == _CHARACTER_SET:
                    charset = character_set(_terms(raw))
                elif tag == _PIXEL_REPRESENTATION and length == 2:
                    pixel_representation = raw[0]
                elif group & 1 and 0x10 <= element <= 0xFF:
                    creators[group << 16 | element] = raw.rstrip(b" \0").decode("latin-1")
            else:
                self._bulk(tag, vr, self._copied(tag, vr, pos, stop), length, scope.path, comma)
            if group == 0x7FE0 and top and element in (1, 2):
                self._keep_offsets(element, pos, stop)
            comma, pos = True, stop
            if len(out) > _FLUSH_PIECES:
                self._flush()
        if delimited:
            raise DecodeError("The object ends inside a sequence.", offset=pos)
        return pos

    def _sequence(
        self, tag: int, vr: bytes, pos: int, end: int, scope: _Scope, charset: CharacterSet,
        pixel_representation: int, is_explicit: bool, comma: bool, *, undefined: bool,
    ) -> int:  # fmt: skip
        """Write a sequence; return where it ends."""
        if scope.depth >= self.limits.nesting:
            raise DecodeError("Sequences are nested too deeply.", offset=pos, tag=tag)
        buffer, out, flushes, first_piece = self.buffer, self._out, self._flushes, len(self._out)
        uris, bulk_count = len(self._uris), len(self.bulk)
        prefix = _prefix(tag, vr)
        out.append(prefix if comma else prefix[1:])
        if self.wire is not None:
            self._write_wire_sequence(tag)
        number = 0
        while undefined or pos < end:
            if end - pos < 8:
                raise DecodeError("The object ends inside a sequence.", offset=pos, tag=tag)
            group, element, length = _unpack_implicit(buffer, pos)
            item_tag = group << 16 | element
            pos += 8
            if item_tag == _SEQUENCE_END:
                if undefined:
                    break
                # Some writers end a sequence of known length with a delimiter, inside it.
                continue
            if item_tag != _ITEM:
                raise DecodeError("A sequence holds something else than items.", offset=pos - 8, tag=tag)
            out.append(b",{" if number else b',"Value":[{')
            number += 1
            path = f"{scope.path}{tag:08X}/{number}/"
            inner = _Scope(charset, pixel_representation, path, scope.depth + 1, is_explicit)
            if self.wire is not None:
                self.wire.write(b"\xfe\xff\x00\xe0\xff\xff\xff\xff")
            if length == _UNDEFINED:
                pos = self._data_set(pos, end, inner, delimited=True)
            else:
                if pos + length > end:
                    raise DecodeError("An item reaches beyond its sequence.", offset=pos, tag=tag)
                pos = self._data_set(pos, pos + length, inner)
            if self.wire is not None:
                self.wire.write(b"\xfe\xff\x0d\xe0\x00\x00\x00\x00")
            out.append(b"}")
            if len(out) > _FLUSH_PIECES:
                self._flush()
        if self.wire is not None:
            self.wire.write(b"\xfe\xff\xdd\xe0\x00\x00\x00\x00")
        out.append(b"]}" if number else b"}")
        if scope.depth == 0 and flushes == self._flushes and uris == len(self._uris) and bulk_count == len(self.bulk):
            text = b"".join(out[first_piece:])
            if len(text) <= _SHORT_ATTRIBUTE:
                self.attributes["%08X" % tag] = text[12:] if comma else text[11:]
        return pos

    def _bulk(self, tag: int, vr: bytes, offset: int, length: int, path: str, comma: bool) -> None:
        """Write an element as BulkDataURI, and note where its bytes lie."""
        name = f"{path}{tag:08X}"
        prefix = _prefix(tag, vr)
        if not comma:
            prefix = prefix[1:]
        if length == 0:
            self._out.append(prefix + b"}")
            return
        prefix += b',"BulkDataURI":"'
        self._uris.append((len(self._out), len(prefix)))
        self._out.append(b'%b/bulkdata/%b"}' % (prefix, name.encode()))
        self.bulk.append(BulkValue(name, vr.decode(), offset, length))

    def _native(self, tag: int, vr: bytes, header_offset: int, pos: int, stop: int) -> int:
        """Note native pixel data of the top level; return their wire offset."""
        at = pos
        if self.wire is not None:
            wire_vr = b"OW" if vr == b"UN" else vr
            self.wire.write(struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, wire_vr, 0, stop - pos))
            self.wire.split(pos, stop - pos)
            at = self.wire.size
        self.pixel_data = PixelDataElement(tag, vr.decode(), header_offset, at, stop - pos)
        return at

    def _encapsulated(
        self, tag: int, vr: bytes, header_offset: int, pos: int, end: int, scope: _Scope, comma: bool
    ) -> int:
        """Walk over the items of encapsulated pixel data; return where they end."""
        start = pos
        while True:
            if end - pos < 8:
                raise DecodeError("The object ends inside its pixel data.", offset=pos, tag=tag)
            group, element, length = _unpack_implicit(self.buffer, pos)
            item_tag = group << 16 | element
            if item_tag == _SEQUENCE_END:
                break
            if item_tag != _ITEM or length == _UNDEFINED or pos + 8 + length > end:
                raise DecodeError("The fragments of the pixel data are broken.", offset=pos, tag=tag)
            pos += 8 + length
        if scope.depth == 0:
            self.pixel_data = PixelDataElement(tag, vr.decode(), header_offset, start, None)
        self._bulk(tag, vr, start, max(1, pos - start), scope.path, comma)
        return pos + 8

    def _keep_offsets(self, element: int, pos: int, stop: int) -> None:
        value = bytes(self.buffer[pos:stop])
        if element == 1:
            self.extended_offsets = value
        else:
            self.extended_lengths = value

    def _copied(self, tag: int, vr: bytes, pos: int, stop: int) -> int:
        """Write an element to the wire form, where there is one; return the wire offset of its value."""
        if self.wire is None:
            return pos
        length = stop - pos
        if vr in LONG_VRS or length > 0xFFFE:
            # A value that is too long for its VR's length field travels as UN (PS3.5 6.2.2).
            wire_vr = vr if vr in LONG_VRS else b"UN"
            self.wire.write(struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, wire_vr, 0, length))
        else:
            self.wire.write(struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, length))
        at = self.wire.size
        for start in range(pos, stop, _COPY_BYTES):
            self.wire.write(bytes(self.buffer[start : min(stop, start + _COPY_BYTES)]))
        return at

    def _write_wire_sequence(self, tag: int) -> None:
        assert self.wire is not None
        self.wire.write(struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"SQ", 0, _UNDEFINED))


def _terms(raw: bytes) -> str:
    return "\\".join(term.strip(" ") for term in raw.rstrip(b" \0").decode("latin-1").split("\\"))
