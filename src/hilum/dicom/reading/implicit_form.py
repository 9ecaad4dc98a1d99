"""The Implicit VR Little Endian form of a data set, rewritten chunk by chunk from the explicit one.

Values stay byte for byte; only headers change. Sequences and items get undefined lengths, so nothing is held back.

Source: PS3.5 7.1, 7.5, A.1, A.2.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from hilum.dicom.json import ENCODERS, LONG_VRS
from hilum.dicom.reading.data_set import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED
from hilum.dicom.reading.instance import DecodeError, ExcessError, TruncatedError

_HEADER: Final = struct.Struct("<HHI")
_LENGTH: Final = struct.Struct("<I")
_SHORT_LENGTH: Final = struct.Struct("<H")
_SHORT_HEADER_BYTES, _LONG_HEADER_BYTES = 8, 12
_LONG: Final = frozenset(vr.encode() for vr in LONG_VRS) | {b"SQ"}
_VRS: Final = frozenset(vr.encode() for vr in ENCODERS) | {b"SQ"}


@dataclass(frozen=True, slots=True)
class _Level:
    """A sequence or an item that has begun."""

    is_item: bool
    stop: int | None
    """Position behind it; None: a delimiter ends it."""
    is_implicit: bool
    """Within unknown elements of undefined length, data sets are implicit already (PS3.5 6.2.2)."""


class ImplicitForm:
    """Rewrites one data set; a header that lies across two chunks is kept until it is whole."""

    def __init__(self, *, nesting: int) -> None:
        """Allow sequences to be `nesting` deep."""
        self._most_levels = 2 * nesting
        self._pending = b""
        self._position = 0
        """Of the first pending byte in the data set."""
        self._value_left = 0
        self._levels: list[_Level] = []

    def feed(self, chunk: bytes) -> bytes:
        """Return what a chunk comes to.

        Raises:
            DecodeError: the data set is not in Explicit VR Little Endian, or its pixel data are encapsulated.
            ExcessError: sequences are nested too deeply.
        """
        self._pending = self._pending + chunk if self._pending else chunk
        pieces: list[bytes] = []
        start = 0
        while True:
            pieces += self._ends()
            if self._value_left:
                taken = self._pending[start : start + self._value_left]
                if not taken:
                    break
                pieces.append(taken)
                self._value_left -= len(taken)
                start += len(taken)
                self._position += len(taken)
                continue
            size = self._header_size(start)
            if size is None:
                break
            pieces.append(self._header(start, size))
            start += size
        self._pending = self._pending[start:]
        return b"".join(pieces)

    def close(self) -> None:
        """Check that the data set has come to its end.

        Raises:
            TruncatedError: it has not.
        """
        if self._pending or self._value_left or self._levels:
            raise TruncatedError("The data set ends within an element.", offset=self._position)

    def _ends(self) -> list[bytes]:
        """Return delimiters of what ends here by its length."""
        pieces = []
        while self._levels and not self._value_left and self._levels[-1].stop is not None:
            level = self._levels[-1]
            if level.stop is None or self._position < level.stop:
                break
            if self._position > level.stop:
                raise DecodeError("An element ends behind the item that it is in.", offset=self._position)
            pieces.append(_delimiter(self._levels.pop()))
        return pieces

    def _header_size(self, start: int) -> int | None:
        """Return the bytes of the next header; None: it is not whole yet."""
        available = len(self._pending) - start
        if available < _SHORT_HEADER_BYTES:
            return None
        group = self._pending[start : start + 2]
        is_short = (
            group == b"\xfe\xff"
            or (bool(self._levels) and self._levels[-1].is_implicit)
            or self._pending[start + 4 : start + 6] not in _LONG
        )
        size = _SHORT_HEADER_BYTES if is_short else _LONG_HEADER_BYTES
        return size if available >= size else None

    def _header(self, start: int, size: int) -> bytes:
        group, element, length = _HEADER.unpack_from(self._pending, start)
        tag, vr = group << 16 | element, self._pending[start + 4 : start + 6]
        self._position += size
        top = self._levels[-1] if self._levels else None
        if tag in (ITEM, ITEM_END, SEQUENCE_END):
            return self._mark(tag, length, top)
        if top is not None and not top.is_item:
            raise DecodeError("A sequence holds something other than items.", offset=self._position)
        if top is not None and top.is_implicit:
            return self._element(group, element, length, b"SQ" if length == UNDEFINED else b"UN")
        if vr not in _VRS:
            raise DecodeError("The data set has an element without value representation.", offset=self._position)
        if size == _SHORT_HEADER_BYTES:
            length = _SHORT_LENGTH.unpack_from(self._pending, start + 6)[0]
        else:
            length = _LENGTH.unpack_from(self._pending, start + 8)[0]
        return self._element(group, element, length, vr)

    def _element(self, group: int, element: int, length: int, vr: bytes) -> bytes:
        is_nested = vr == b"SQ" or (vr == b"UN" and length == UNDEFINED)
        if not is_nested:
            if length == UNDEFINED:
                raise DecodeError("Encapsulated values have no implicit form.", offset=self._position)
            self._value_left = length
            return _HEADER.pack(group, element, length)
        if not length:
            return _HEADER.pack(group, element, 0)
        inherits = bool(self._levels) and self._levels[-1].is_implicit
        self._begin(length, is_item=False, is_implicit=vr == b"UN" or inherits)
        return _HEADER.pack(group, element, UNDEFINED)

    def _mark(self, tag: int, length: int, top: _Level | None) -> bytes:
        if top is None or top.is_item is (tag != ITEM_END):
            raise DecodeError("An item or its delimiter stands where none may.", offset=self._position)
        if tag == ITEM:
            self._begin(length, is_item=True, is_implicit=top.is_implicit)
            return _HEADER.pack(0xFFFE, 0xE000, UNDEFINED)
        if top.stop is not None or length:
            raise DecodeError("A delimiter stands where none may.", offset=self._position)
        return _delimiter(self._levels.pop())

    def _begin(self, length: int, *, is_item: bool, is_implicit: bool) -> None:
        if len(self._levels) >= self._most_levels:
            raise ExcessError("Sequences are nested too deeply.", offset=self._position)
        stop = None if length == UNDEFINED else self._position + length
        self._levels.append(_Level(is_item, stop, is_implicit))


def _delimiter(level: _Level) -> bytes:
    return _HEADER.pack(0xFFFE, 0xE00D if level.is_item else 0xE0DD, 0)
