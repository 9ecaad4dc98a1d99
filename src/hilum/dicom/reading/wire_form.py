"""The Explicit VR Little Endian form of data sets that never travel as they are stored (TSX-01, TSX-14).

Values are copied byte for byte, words reversed where the source is big endian; sequences get undefined lengths, so
nothing is written twice. Native pixel data of the top level stay in the blob. Deflated data sets are inflated whole.

Source: PS3.5 7, A.1, A.3, A.5; PS3.18 8.7.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from hilum.dicom.dictionary import (
    LUT_DATA,
    LUT_DESCRIPTOR,
    PIXEL_REPRESENTATION,
    US_OR_OW,
    US_OR_SS,
    creator_tag,
    vr_of,
)
from hilum.dicom.json import ENCODERS, LONG_VRS
from hilum.dicom.reading.data_set import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED, is_padding
from hilum.dicom.reading.instance import DecodeError, ExcessError, MisplacedError, ScanLimits, TruncatedError, WireForm
from hilum.dicom.reading.spools import COPY_BYTES, Sidecar, Source
from hilum.dicom.transfer_syntaxes import DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN

_PIXEL_TAGS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_BITS_ALLOCATED: Final = 0x00280100
_WIDE_CELLS: Final = frozenset((32, 64))
_MAX_SHORT_LENGTH: Final = 65534
_VRS: Final = frozenset((*ENCODERS, "SQ"))

WORD_SIZES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
"""Bytes of the words that byte ordering affects; 1 for VRs not named (PS3.5 7.3)."""

_ITEM_START_BYTES: Final = struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED)
_ITEM_END_BYTES: Final = struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
_SEQUENCE_END_BYTES: Final = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_SHORT: Final = struct.Struct("<HH2sH")
_LONG: Final = struct.Struct("<HH2sHI")


DEFLATED_SYNTAXES: Final[Mapping[str, str]] = {
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: EXPLICIT_VR_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.4.95": "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.205": "1.2.840.10008.1.2.4.204",
}
"""Transfer syntaxes whose whole data set is deflated, and what they are when inflated."""

_RATIO_FROM_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a data set is encoded."""

    implicit: bool
    order: str
    """`<` or `>`, as `struct` has it."""


IMPLICIT_LITTLE: Final = Encoding(implicit=True, order="<")
EXPLICIT_LITTLE: Final = Encoding(implicit=False, order="<")
EXPLICIT_BIG: Final = Encoding(implicit=False, order=">")


@dataclass(frozen=True, slots=True)
class _Element:
    """An element's header."""

    tag: int
    vr: str
    start: int
    """Offset of its value field."""
    length: int


@dataclass(slots=True)
class _Level:
    """A data set or item while it is written."""

    encoding: Encoding
    position: int
    """Where its current element begins."""
    stop: int
    depth: int
    undefined: bool
    parent: _Level | None = None
    creators: dict[int, str] = field(default_factory=dict)
    pixel_representation: int | None = None
    lut_entries: int = 0
    is_searched: bool = False


class ExplicitForm:
    """Writes the form of one data set into a sidecar."""

    def __init__(self, source: Source, encoding: Encoding, limits: ScanLimits, sidecar: Sidecar) -> None:
        """Prepare to write.

        Args:
            source: the whole object.
            encoding: of its data set.
            limits: bounds.
            sidecar: holds the head of the form already.
        """
        self._source = source
        self._encoding = encoding
        self._limits = limits
        self._sidecar = sidecar
        self._middle: WireForm | None = None
        self._bits_allocated = 0
        self.oversized: dict[int, str] = {}
        """VRs of values that became UN for their length, by offset in the sidecar."""

    def write(self, offset: int) -> WireForm:
        """Write the form of the data set that begins at `offset`; return how form and blob go together.

        Raises:
            DecodeError: the data set is not encoded so.
            TruncatedError: it is cut short.
        """
        level = _Level(self._encoding, offset, len(self._source), 0, undefined=False)
        try:
            self._elements(offset, level)
        except struct.error as error:
            raise TruncatedError("The object ends inside an element.", offset=len(self._source)) from error
        length = self._sidecar.length
        if self._middle is None:
            return WireForm(length, 0, 0, 1, 0)
        middle = self._middle
        return WireForm(
            middle.prefix_length,
            middle.middle_offset,
            middle.middle_length,
            middle.word_size,
            length - middle.prefix_length,
        )

    def _elements(self, position: int, level: _Level) -> int:
        """Write elements up to the end of `level`; return where the next ones begin."""
        while position < level.stop:
            level.position = position
            if level.depth == 0 and self._is_over(position):
                return level.stop
            element = self._header(position, level)
            if element.tag == ITEM_END:
                if not level.undefined:
                    raise DecodeError("An item delimiter stands outside of an item.", offset=position)
                return position + 8
            position = self._element(element, level)
        if level.undefined:
            raise TruncatedError("An item of undefined length has no end.", offset=position)
        return position

    def _is_over(self, position: int) -> bool:
        """Return whether NULs alone follow; in big endian they may as well be the start of a tag that is cut off."""
        return (
            self._encoding.order == "<"
            and self._source[position : position + 1] == b"\0"
            and is_padding(self._source, position)
        )

    def _header(self, position: int, level: _Level) -> _Element:
        """Read the header of the element at `position`; its VR is a definite one."""
        order = level.encoding.order
        group, number, length = struct.unpack_from(order + "HHI", self._source, position)
        tag = group << 16 | number
        if tag == ITEM_END:
            return _Element(tag, "", position + 8, length)
        if level.encoding.implicit:
            return _Element(tag, self._vr_of(tag, length, level), position + 8, length)
        vr = self._source[position + 4 : position + 6].decode("latin_1")
        if vr not in _VRS:
            raise DecodeError("An element has no valid VR.", offset=position, tag=tag)
        if vr not in LONG_VRS:
            (length,) = struct.unpack_from(order + "H", self._source, position + 6)
            return _Element(tag, vr, position + 8, length)
        (length,) = struct.unpack_from(order + "I", self._source, position + 8)
        return _Element(tag, vr, position + 12, length)

    def _vr_of(self, tag: int, length: int, level: _Level) -> str:
        """Return the VR of an element in Implicit VR (JSON-55)."""
        vr = vr_of(tag, level.creators.get(creator_tag(tag), "") if tag >> 16 & 1 else "")
        if vr == US_OR_SS:
            return "SS" if self._pixel_representation(level) else "US"
        if vr == US_OR_OW:
            return "US" if tag == LUT_DATA and level.lut_entries == 1 else "OW"
        return "SQ" if vr == "UN" and length == UNDEFINED else vr

    def _pixel_representation(self, level: _Level | None) -> int:
        """Return Pixel Representation of the level, or of the nearest one around that has it; 0 if none has."""
        while level is not None:
            if level.pixel_representation is None and not level.is_searched:
                level.is_searched = True
                level.pixel_representation = self._find_pixel_representation(level)
            if level.pixel_representation is not None:
                return level.pixel_representation
            level = level.parent
        return 0

    def _find_pixel_representation(self, level: _Level) -> int | None:
        """Look for Pixel Representation behind the current element of a level; None if it does not follow."""
        position, depth = level.position, 0
        while position + 8 <= level.stop:
            group, number, length = struct.unpack_from("<HHI", self._source, position)
            tag = group << 16 | number
            if depth == 0 and tag >= PIXEL_REPRESENTATION:
                is_it = tag == PIXEL_REPRESENTATION and length == 2 and position + 10 <= level.stop
                return int.from_bytes(self._source[position + 8 : position + 10], "little") if is_it else None
            if tag in (ITEM_END, SEQUENCE_END):
                depth -= 1
            elif length == UNDEFINED:
                depth += 1
            else:
                position += length
            position += 8
        return None

    def _element(self, element: _Element, level: _Level) -> int:
        """Write an element; return where the next one begins."""
        if element.length == UNDEFINED:
            if element.vr not in ("SQ", "UN"):
                raise DecodeError("This VR allows no undefined length.", offset=element.start, tag=element.tag)
            return self._sequence(element, level)
        stop = element.start + element.length
        if stop > level.stop:
            raise TruncatedError("A value runs past the end of what holds it.", offset=element.start, tag=element.tag)
        if element.tag & 0xFFFF == 0:
            # Group lengths are retired and would be wrong in this form.
            return stop
        if element.vr == "SQ":
            return self._sequence(element, level)
        if element.tag in _PIXEL_TAGS and level.depth == 0 and self._middle is None and element.length:
            self._pixels(element)
            return stop
        self._note(element, level)
        self._write_header(element)
        self._copy(element.start, element.length, self._word_size(element.vr, level.encoding))
        return stop

    @staticmethod
    def _word_size(vr: str, encoding: Encoding) -> int:
        return WORD_SIZES.get(vr, 1) if encoding.order == ">" else 1

    def _note(self, element: _Element, level: _Level) -> None:
        """Remember what decides the VRs of later elements."""
        if element.tag == PIXEL_REPRESENTATION and element.length == 2:
            level.pixel_representation = self._integer(element, level)
        elif element.tag == _BITS_ALLOCATED and element.length == 2 and level.depth == 0:
            self._bits_allocated = self._integer(element, level)
        elif element.tag == LUT_DESCRIPTOR and element.length >= 2:
            level.lut_entries = self._integer(element, level)
        elif element.tag >> 16 & 1 and 0x10 <= element.tag & 0xFFFF <= 0xFF and element.length <= 64:
            raw = self._source[element.start : element.start + element.length]
            level.creators[element.tag] = raw.decode("latin_1").strip(" \0")

    def _integer(self, element: _Element, level: _Level) -> int:
        value: int = struct.unpack_from(level.encoding.order + "H", self._source, element.start)[0]
        return value

    def _write_header(self, element: _Element) -> None:
        """Write tag, VR and length; a value too long for its VR's length field becomes UN (TSX-14)."""
        tag, vr, length = element.tag, element.vr, element.length
        if vr in LONG_VRS:
            self._sidecar.write(_LONG.pack(tag >> 16, tag & 0xFFFF, vr.encode(), 0, length))
        elif length > _MAX_SHORT_LENGTH:
            self._sidecar.write(_LONG.pack(tag >> 16, tag & 0xFFFF, b"UN", 0, length))
            self.oversized[self._sidecar.length] = vr
        else:
            self._sidecar.write(_SHORT.pack(tag >> 16, tag & 0xFFFF, vr.encode(), length))

    def _copy(self, start: int, length: int, word_size: int) -> None:
        """Write a value field, a megabyte at a time; a rest shorter than a word stays as it is."""
        for offset in range(start, start + length, COPY_BYTES):
            raw = self._source[offset : min(offset + COPY_BYTES, start + length)]
            self._sidecar.write(raw if word_size == 1 else reversed_words(raw, word_size))

    def _pixels(self, element: _Element) -> None:
        """Write the header of native pixel data; whole words of the value stay in the blob."""
        self._write_header(element)
        word_size = self._word_size(element.vr, self._encoding)
        if word_size == 2 and self._bits_allocated in _WIDE_CELLS:
            # Cells of 32 and 64 bits are kept whole in OW too.
            word_size = self._bits_allocated // 8
        rest = element.length % word_size
        self._middle = WireForm(self._sidecar.length, element.start, element.length - rest, word_size, 0)
        self._copy(element.start + element.length - rest, rest, 1)

    def _sequence(self, element: _Element, level: _Level) -> int:
        """Write a sequence with undefined length; return where the next element begins."""
        if level.depth >= self._limits.nesting:
            raise ExcessError("Sequences are nested too deeply.", offset=element.start, tag=element.tag)
        tag, undefined = element.tag, element.length == UNDEFINED
        stop = level.stop if undefined else element.start + element.length
        encoding = IMPLICIT_LITTLE if element.vr == "UN" else level.encoding
        self._sidecar.write(_LONG.pack(tag >> 16, tag & 0xFFFF, b"SQ", 0, UNDEFINED))
        position = element.start
        while undefined or position < stop:
            if position + 8 > stop:
                raise TruncatedError("A sequence ends before its delimiter or inside an item.", offset=position)
            group, number, length = struct.unpack_from(encoding.order + "HHI", self._source, position)
            item_tag = group << 16 | number
            if item_tag == SEQUENCE_END and undefined:
                position += 8
                break
            if item_tag != ITEM:
                raise MisplacedError("A sequence holds something other than items.", offset=position, tag=item_tag)
            position = self._item(_Element(tag, "", position + 8, length), stop, encoding, level)
        self._sidecar.write(_SEQUENCE_END_BYTES)
        return position

    def _item(self, item: _Element, stop: int, encoding: Encoding, level: _Level) -> int:
        """Write an item with undefined length; return where the next one begins."""
        undefined = item.length == UNDEFINED
        if not undefined:
            if item.start + item.length > stop:
                raise TruncatedError("An item runs past the end of its sequence.", offset=item.start, tag=item.tag)
            stop = item.start + item.length
        child = _Level(encoding, item.start, stop, level.depth + 1, undefined, parent=level)
        self._sidecar.write(_ITEM_START_BYTES)
        position = self._elements(item.start, child)
        self._sidecar.write(_ITEM_END_BYTES)
        return position


def reversed_words(raw: bytes, word_size: int) -> bytes:
    """Reverse the bytes of each word; a rest shorter than a word stays as it is.

    >>> reversed_words(b"abcde", 2)
    b'badce'
    """
    whole = len(raw) // word_size * word_size
    words = np.frombuffer(raw[:whole], np.uint8).reshape(-1, word_size)
    return words[:, ::-1].tobytes() + raw[whole:]


def inflate(source: Source, offset: int, limits: ScanLimits, sidecar: Sidecar) -> None:
    """Write the inflated bytes of `source` from `offset` on to `sidecar`.

    Raises:
        DecodeError: it is no deflated bit stream, or inflates beyond the limits.
        TruncatedError: the bit stream has no end.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated, start = 0, offset
    raw = b""
    while not inflater.eof:
        if not raw:
            raw = source[offset : offset + COPY_BYTES]
            offset += len(raw)
        is_end = not raw
        piece = _inflate_piece(inflater, raw, offset)
        raw = inflater.unconsumed_tail
        # At the end of the source the inflater may still hold output.
        if is_end and not piece and not inflater.eof:
            raise TruncatedError("The deflated data set is cut short.", offset=offset)
        inflated += len(piece)
        _check(inflated, offset - len(raw) - start, limits)
        sidecar.write(piece)


def _inflate_piece(inflater: zlib._Decompress, raw: bytes, offset: int) -> bytes:
    try:
        return inflater.decompress(raw, COPY_BYTES)
    except zlib.error as error:
        raise DecodeError("The data set is not deflated as its transfer syntax says.", offset=offset) from error


def _check(inflated: int, deflated: int, limits: ScanLimits) -> None:
    if inflated > limits.inflated_bytes:
        raise ExcessError("The deflated data set is larger than this server inflates.")
    if inflated > _RATIO_FROM_BYTES and inflated > limits.inflation_ratio * deflated:
        raise ExcessError("The deflated data set inflates out of all proportion.")
