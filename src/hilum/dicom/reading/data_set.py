"""One pass over a data set in Explicit VR Little Endian: the DICOM JSON Model as bytes, bulk values, pixel data.

No element becomes an object: a table keyed by the six bytes of tag and VR gives the start of the attribute's JSON
and the encoder of its value field.

Source: PS3.5 7, PS3.18 F.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as make_field
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from hilum.dicom.charsets import DEFAULT_CHARACTER_SET, CharacterSet, character_set
from hilum.dicom.dictionary import (
    LUT_DESCRIPTOR,
    PIXEL_REPRESENTATION,
    US_OR_OW,
    US_OR_SS,
    creator_tag,
    vr_of,
)
from hilum.dicom.json import (
    BINARY_VRS,
    ENCODERS,
    LONG_VRS,
    QUICK_BYTES,
    QUICK_ENCODERS,
    TEXT_BULK_VRS,
    Encoder,
    bulk_reference,
)
from hilum.dicom.reading.frames import Fragments, read_fragments
from hilum.dicom.reading.instance import BulkValue, DecodeError, ExcessError, MisplacedError, ScanLimits, TruncatedError
from hilum.dicom.reading.spools import Overflow, Source

UNDEFINED: Final = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_TAGS: Final = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS = 0x7FE00001, 0x7FE00002

_SPECIFIC_CHARACTER_SET: Final = 0x00080005
_TRAILING_PADDING: Final = 0xFFFCFFFC

_LEVEL_BYTES: Final = 32 * 1024 * 1024
"""Most JSON bytes of one data set or item that stand in memory, its long sequences apart."""
_ELEMENT_COST: Final = 160
"""Bytes of memory that an element costs beside its JSON."""
_OVERFLOW_BYTES: Final = 256 * 1024
"""Sequences whose JSON is longer go to the spool."""
_MAX_BULK_VALUES: Final = 200_000
_MAX_PADDING: Final = 512
_TEXT_FACTOR: Final = 64
"""Text becomes bulk data above so many times the threshold of binary values."""

_TOO_MUCH_TEXT: Final = "The data set holds more text than this server reads."

_u16 = struct.Struct("<H").unpack_from
_u32 = struct.Struct("<I").unpack_from
_tag_of = struct.Struct("<HH").unpack_from
_implicit_header = struct.Struct("<HHI").unpack_from


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The element of the top level that holds pixel data."""

    tag: int
    vr: str
    offset: int
    """Wire offset of the value field."""
    length: int
    fragments: Fragments | None
    """None for native pixel data."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that the scanned form has and the buffer lacks: pixel data that lie elsewhere."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Form:
    """How a scanned buffer differs from the wire form that it stands for."""

    gap: Gap
    oversized: Mapping[int, str]
    """VRs of values that are UN in the form for their length alone (TSX-14), by offset of the value field."""
    shift: int = 0
    """What is added to an offset in the buffer, before the gap, to get the one in the form."""


WHOLE: Final = Form(Gap(0, 0), MappingProxyType({}))
"""The buffer is the wire form."""

_Entry = tuple[int, bytes, Encoder | None, bool, str]
"""Tag, start of the JSON member, encoder (None: not a plain value), whether the length field has 16 bits, VR."""

_ENTRIES: Final[dict[bytes, _Entry]] = {}
_MAX_ENTRIES: Final = 20_000
_VRS: Final = frozenset((*ENCODERS, "SQ"))
_LONGEST_VALUE: Final = 16 * 1024 * 1024
"""Most bytes of a value that must stand in the JSON: no VR without a bulk form comes near."""
_SPECIAL_TAGS: Final = PIXEL_TAGS | {_SPECIFIC_CHARACTER_SET, _TRAILING_PADDING, 0x7FE00001, 0x7FE00002}


@lru_cache(maxsize=_MAX_ENTRIES)
def tag_name(tag: int) -> str:
    """Return the eight hex digits of a tag."""
    return f"{tag:08X}"


_PADDING: Final[_Entry] = (0, b"", None, True, "")
"""Stands for NULs behind the data set."""


def is_padding(source: Source, position: int) -> bool:
    """Return whether nothing but a short run of NULs follows: some writers fill the last block of a file."""
    rest = len(source) - position
    return rest <= _MAX_PADDING and not source[position:].strip(b"\0")


def _make_entry(tag: int, vr: str) -> _Entry:
    is_unknown = vr == "UN" and not tag >> 16 & 1
    special = tag in _SPECIAL_TAGS or tag & 0xFFFF == 0 or tag < 0x00030000 or is_unknown
    encoder = None if special else QUICK_ENCODERS.get(vr)
    return tag, b'"%08X":{"vr":"%b"' % (tag, vr.encode()), encoder, vr not in LONG_VRS, vr


class _Field(NamedTuple):
    """Where an element stands."""

    position: int
    start: int
    """Offset of its value field."""
    length: int


@dataclass(frozen=True, slots=True)
class _Container:
    """The element that holds a sequence."""

    tag: int
    vr: str
    stop: int
    """Where it ends, or has to have ended."""
    undefined: bool
    """Whether a sequence delimiter ends it."""


@dataclass(slots=True)
class Level:
    """A data set or item while it is read."""

    path: str
    """What goes before the tag in the path of a bulk value: '' or `54000100/1/`."""
    depth: int
    charset: CharacterSet
    start: int
    budget: int
    """JSON bytes that may still be added before memory is short."""
    undefined: bool = False
    """Whether an item delimiter ends it."""
    implicit: bool = False
    """Whether its elements have no VR."""
    members: dict[int, bytes] = make_field(default_factory=dict)
    last: int = 0
    """Highest tag so far."""
    is_sorted: bool = True
    restarted: bool = False
    pixel_representation: int = 0
    """Of this level or, before it, of the enclosing one: it decides `US or SS` in Implicit VR."""
    lut_entries: int = 0
    creators: dict[int, str] = make_field(default_factory=dict)

    def text(self) -> bytes:
        """Return the JSON object."""
        members = self.members
        values = members.values() if self.is_sorted else [members[tag] for tag in sorted(members)]
        return b"{%b}" % b",".join(values)


class DataSetScan:
    """Reads one data set; the results are attributes of it."""

    def __init__(self, source: Source, limits: ScanLimits, overflow: Overflow, form: Form = WHOLE) -> None:
        """Prepare to read `source`.

        Args:
            source: the whole object.
            limits: bounds.
            overflow: takes long texts.
            form: how `source` differs from the wire form.
        """
        self._source = source
        self._limits = limits
        self._overflow = overflow
        self._form = form
        self._gap = form.gap
        self._oversized = form.oversized
        self._shift = form.shift
        self.bulk: list[BulkValue] = []
        self.referring: set[int] = set()
        """Tags of the top level whose JSON refers to bulk data or to text in the overflow."""
        self.unknown: list[int] = []
        """Public tags of the top level whose VR is UN, though the dictionary may know it."""
        self.pixels: PixelElement | None = None
        self.offset_tables: dict[int, tuple[int, int]] = {}
        """Offset in the buffer and length of the Extended Offset Table and its lengths."""

    def read(self, offset: int) -> Level:
        """Read the data set from `offset` to the end of the buffer.

        Raises:
            DecodeError: it is no data set in Explicit VR Little Endian.
        """
        stop = len(self._source)
        level = Level("", 0, DEFAULT_CHARACTER_SET, start=offset, budget=_LEVEL_BYTES)
        try:
            self._explicit(offset, stop, level)
        except struct.error as error:
            raise TruncatedError("The object ends inside an element.", offset=stop) from error
        return level

    def _explicit(self, position: int, stop: int, level: Level) -> int:
        """Read elements up to `stop` or the item delimiter; return where the next ones begin.

        This is the hot loop: whatever is not a short plain value in ascending order is left to `_element`.
        """
        source, entries = self._source, _ENTRIES
        members, charset = level.members, level.charset
        threshold = min(self._limits.bulk_threshold, QUICK_BYTES)
        last, budget = level.last, level.budget
        while position < stop:
            try:
                entry = entries[source[position : position + 6]]
            except KeyError:
                entry = self._entry(position)
                if entry is _PADDING:
                    position = stop
                    break
            tag, head, encode, short, _ = entry
            if short:
                start = position + 8
                length = _u16(source, position + 6)[0]
            else:
                start = position + 12
                length = _u32(source, position + 8)[0]
            if encode and length <= threshold and last < tag and (end := start + length) <= stop:
                text = encode(source[start:end], charset)
                if text is not None:
                    members[tag] = head + text
                    last = tag
                    budget -= len(text) + _ELEMENT_COST
                    if budget < 0:
                        raise ExcessError(_TOO_MUCH_TEXT, offset=position)
                    position = end
                    continue
            if tag == ITEM_END and level.undefined:
                level.budget = budget
                return position + 8
            level.last, level.budget = last, budget
            position = self._element(entry, _Field(position, start, length), stop, level)
            last, budget, charset = level.last, level.budget, level.charset
        level.budget = budget
        if level.undefined:
            raise TruncatedError("An item of undefined length has no end.", offset=position)
        return position

    def _entry(self, position: int) -> _Entry:
        """Return the table's entry for the element at `position`."""
        source = self._source
        key = source[position : position + 6]
        if not key.strip(b"\0") and is_padding(source, position):
            return _PADDING
        if len(key) < 6:
            raise TruncatedError("The object ends inside an element.", offset=position)
        group, element = _tag_of(key, 0)
        tag = group << 16 | element
        vr = key[4:6].decode("latin_1")
        if tag == ITEM_END:
            return tag, b"", None, True, ""
        if vr not in _VRS:
            raise DecodeError("An element has no valid VR.", offset=position, tag=tag)
        entry = _make_entry(tag, vr)
        if len(_ENTRIES) < _MAX_ENTRIES:
            _ENTRIES[key] = entry
        return entry

    def _implicit(self, position: int, stop: int, level: Level) -> int:
        """Read elements in Implicit VR, as items of UN hold them (PS3.5 6.2.2)."""
        while position < stop:
            group, element, length = _implicit_header(self._source, position)
            tag = group << 16 | element
            if tag == ITEM_END and level.undefined:
                return position + 8
            vr = self._implicit_vr(tag, length, level)
            start = position + 8
            if start + length <= stop:
                self._note(tag, self._source[start : start + min(length, 64)], level)
            position = self._element(_make_entry(tag, vr), _Field(position, start, length), stop, level)
        if level.undefined:
            raise TruncatedError("An item of undefined length has no end.", offset=position)
        return position

    @staticmethod
    def _implicit_vr(tag: int, length: int, level: Level) -> str:
        vr = vr_of(tag, level.creators.get(creator_tag(tag), ""))
        if vr == US_OR_SS:
            return "SS" if level.pixel_representation else "US"
        if vr == US_OR_OW:
            return "US" if level.lut_entries == 1 else "OW"
        return "SQ" if vr == "UN" and length == UNDEFINED else vr

    @staticmethod
    def _note(tag: int, raw: bytes, level: Level) -> None:
        """Remember what decides the VRs of later elements."""
        if tag == PIXEL_REPRESENTATION and len(raw) >= 2:
            level.pixel_representation = _u16(raw, 0)[0]
        elif tag == LUT_DESCRIPTOR and len(raw) >= 2:
            level.lut_entries = _u16(raw, 0)[0]
        elif tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            level.creators[tag] = raw.decode("latin_1").strip(" \0")

    def _element(self, entry: _Entry, field: _Field, stop: int, level: Level) -> int:
        """Read any element; return where the next one begins."""
        start, length = field.start, field.length
        if start in self._oversized:
            entry = _make_entry(entry[0], self._oversized[start])
        tag, head, _, short, vr = entry
        if tag == ITEM_END:
            raise DecodeError("An item delimiter stands outside of an item.", offset=field.position, tag=tag)
        mark = len(self.bulk)
        if length == UNDEFINED and (level.implicit or not short):
            end, text = self._undefined(tag, vr, start, stop, level)
        else:
            end = start + length - (self._gap.length if self._is_gap(tag, start, level) else 0)
            if end > stop:
                raise TruncatedError("A value runs past the end of what holds it.", offset=start, tag=tag)
            if tag == _SPECIFIC_CHARACTER_SET and self._is_late(level):
                return self._restart(self._source[start:end], level)
            text = self._defined(tag, vr, start, length, level)
        level.budget -= len(text) + _ELEMENT_COST
        if level.budget < 0:
            raise ExcessError(_TOO_MUCH_TEXT, offset=start)
        self._add(tag, head + text, mark, level)
        return end

    def _add(self, tag: int, member: bytes, mark: int, level: Level) -> None:
        """Keep a member, unless its kind never appears in metadata or its tag has come before."""
        if tag & 0xFFFF == 0 or tag < 0x00030000 or tag == _TRAILING_PADDING or tag in level.members:
            # A second element of one tag has no place in JSON; the first is kept.
            del self.bulk[mark:]
            return
        level.members[tag] = member
        level.is_sorted &= tag > level.last
        level.last = max(tag, level.last)
        if level.depth == 0 and (len(self.bulk) > mark or b"\0" in member):
            self.referring.add(tag)
        if len(self.bulk) > _MAX_BULK_VALUES:
            raise ExcessError("The data set holds more bulk values than this server keeps.", tag=tag)

    def _is_gap(self, tag: int, start: int, level: Level) -> bool:
        """Return whether the value that begins at `start` lies elsewhere."""
        return bool(self._gap.length) and start == self._gap.offset and level.depth == 0 and tag in PIXEL_TAGS

    @staticmethod
    def _is_late(level: Level) -> bool:
        """Return whether text may have been decoded before its character set was known."""
        return level.depth == 0 and level.last > _SPECIFIC_CHARACTER_SET and not level.restarted

    def _restart(self, raw: bytes, level: Level) -> int:
        """Begin the data set anew with the character set that came too late."""
        level.charset = character_set(raw)
        level.restarted = True
        level.members.clear()
        level.last, level.budget, level.is_sorted = 0, _LEVEL_BYTES, True
        self.bulk.clear()
        self.referring.clear()
        self.pixels = None
        self._shift = self._form.shift
        return level.start

    def _defined(self, tag: int, vr: str, start: int, length: int, level: Level) -> bytes:
        """Return what follows the VR of an element of defined length."""
        if length == 0 and tag != _SPECIFIC_CHARACTER_SET:
            return b"}"
        if tag in PIXEL_TAGS:
            return self._native_pixels(tag, vr, start, length, level)
        if vr == "SQ":
            return self._items(start, level, _Container(tag, vr, start + length, undefined=False))[1]
        if level.depth == 0 and tag in (EXTENDED_OFFSET_TABLE, EXTENDED_OFFSET_TABLE_LENGTHS):
            self.offset_tables.setdefault(tag, (start, length))
        if length > self._inline_limit(vr):
            return self._bulk(tag, vr, start, length, level)
        if length > min(self._limits.header_bytes, _LONGEST_VALUE):
            raise DecodeError(_TOO_MUCH_TEXT, offset=start, tag=tag)
        raw = self._source[start : start + length]
        if tag == _SPECIFIC_CHARACTER_SET and not level.restarted:
            level.charset = character_set(raw)
        if vr == "UN" and level.depth == 0 and not tag >> 16 & 1:
            self.unknown.append(tag)
        text = ENCODERS[vr](raw, level.charset)
        return self._bulk(tag, vr, start, length, level) if text is None else text

    def _inline_limit(self, vr: str) -> int:
        """Return the most bytes of a value of this VR that stand in the JSON."""
        threshold = self._limits.bulk_threshold
        if vr in BINARY_VRS:
            return threshold
        return threshold * _TEXT_FACTOR if vr in TEXT_BULK_VRS else UNDEFINED

    def _bulk(self, tag: int, vr: str, start: int, length: int, level: Level) -> bytes:
        """Note a bulk value and return the reference to it."""
        path = level.path + tag_name(tag)
        self.bulk.append(BulkValue(path, vr, start + self._shift, length))
        return bulk_reference(path)

    def _native_pixels(self, tag: int, vr: str, start: int, length: int, level: Level) -> bytes:
        text = self._bulk(tag, vr, start, length, level)
        if level.depth == 0 and self.pixels is None:
            self.pixels = PixelElement(tag, vr, start + self._shift, length, None)
        if self._is_gap(tag, start, level):
            self._shift = self._form.shift + self._gap.length
        return text

    def _undefined(self, tag: int, vr: str, start: int, stop: int, level: Level) -> tuple[int, bytes]:
        """Return the end of an element of undefined length and what follows its VR."""
        if vr in ("SQ", "UN") and tag not in PIXEL_TAGS:
            return self._items(start, level, _Container(tag, vr, stop, undefined=True))
        if vr not in ("OB", "OW", "UN"):
            raise DecodeError("This VR allows no undefined length.", offset=start, tag=tag)
        fragments = read_fragments(self._source, start, stop, self._shift)
        text = self._bulk(tag, vr, start, fragments.end - start, level)
        if tag in PIXEL_TAGS and level.depth == 0 and self.pixels is None:
            self.pixels = PixelElement(tag, vr, start + self._shift, fragments.end - start, fragments)
        return fragments.end + 8, text

    def _items(self, position: int, level: Level, container: _Container) -> tuple[int, bytes]:
        """Return the end of a sequence and what follows its VR."""
        if level.depth >= self._limits.nesting:
            raise ExcessError("Sequences are nested too deeply.", offset=position, tag=container.tag)
        done: list[bytes] = []
        items: list[bytes] = []
        number = size = 0
        path = f"{level.path}{container.tag:08X}/"
        while container.undefined or position < container.stop:
            group, element, length = self._item_header(position, container.stop)
            tag = group << 16 | element
            if tag == SEQUENCE_END and container.undefined:
                position += 8
                break
            if tag != ITEM:
                raise MisplacedError("A sequence holds something other than items.", offset=position, tag=tag)
            number += 1
            field = _Field(position, position + 8, length)
            position, text = self._item(field, f"{path}{number}/", level, container)
            items.append(text)
            size += len(text)
            if size > _OVERFLOW_BYTES:
                done.append(self._put(b",".join(items)))
                items.clear()
                size = 0
        text = b",".join(done + items)
        return position, b',"Value":[%b]}' % text if text else b"}"

    def _item_header(self, position: int, stop: int) -> tuple[int, int, int]:
        if position + 8 > stop:
            raise TruncatedError("A sequence ends before its delimiter or inside an item.", offset=position)
        group, element, length = _implicit_header(self._source, position)
        return group, element, length

    def _item(self, field: _Field, path: str, level: Level, container: _Container) -> tuple[int, bytes]:
        """Return the end of an item and its JSON object."""
        start, length, stop = field.start, field.length, container.stop
        child = Level(
            path=path,
            depth=level.depth + 1,
            charset=level.charset,
            start=start,
            budget=level.budget,
            undefined=length == UNDEFINED,
            implicit=level.implicit or (container.vr == "UN" and not self._has_vr(start)),
            pixel_representation=level.pixel_representation,
        )
        if not child.undefined:
            if start + length > stop:
                raise TruncatedError("An item runs past the end of its sequence.", offset=start, tag=container.tag)
            stop = start + length
        read = self._implicit if child.implicit else self._explicit
        return read(start, stop, child), child.text()

    def _has_vr(self, start: int) -> bool:
        """Return whether an item of UN is in Explicit VR, as some writers have it against PS3.5 6.2.2."""
        vr = self._source[start + 4 : start + 6]
        return vr.isalpha() and vr.isupper()

    def _put(self, text: bytes) -> bytes:
        """Move text out of memory; return the token that stands for it."""
        if self._overflow.length + len(text) > self._limits.header_bytes:
            raise ExcessError(_TOO_MUCH_TEXT)
        return self._overflow.put(text)
