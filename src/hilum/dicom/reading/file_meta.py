"""The head of a Part 10 object: preamble, prefix and File Meta Information.

Source: PS3.10 7.1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from hilum.dicom.json import ENCODERS, LONG_VRS
from hilum.dicom.reading.instance import DecodeError, ExcessError, TruncatedError
from hilum.dicom.reading.spools import Source

_PREAMBLE_LENGTH: Final = 128
_PREFIX: Final = b"DICM"
_TRANSFER_SYNTAX: Final = b"\x02\x00\x10\x00"
_GROUP_LENGTH: Final = b"\x02\x00\x00\x00"
_MAX_META_BYTES: Final = 1024 * 1024
_SHORT: Final = struct.Struct("<4s2sH")
_IMPLICIT: Final = struct.Struct("<4sI")
_LONG: Final = struct.Struct("<4s2sHI")
_VRS: Final = frozenset(vr.encode() for vr in ENCODERS)
_LONG_VRS: Final = frozenset(vr.encode() for vr in LONG_VRS)


@dataclass(frozen=True, slots=True)
class Head:
    """Preamble and File Meta Information of an object."""

    preamble: bytes
    elements: tuple[tuple[bytes, bytes, bytes], ...]
    """Tag as four bytes, VR, value field; without the group length."""
    length: int
    """Bytes of it in the object: where the data set begins."""

    @property
    def transfer_syntax_uid(self) -> str:
        """The transfer syntax of the data set; '' if it is not told."""
        values = [value for tag, _, value in self.elements if tag == _TRANSFER_SYNTAX]
        return values[0].decode("latin_1").strip(" \0") if values else ""

    def rewritten(self, transfer_syntax_uid: str) -> bytes:
        """Return the head of the same object in another transfer syntax."""
        uid = transfer_syntax_uid.encode()
        fields = {tag: (vr, value) for tag, vr, value in self.elements}
        fields[_TRANSFER_SYNTAX] = (b"UI", uid + b"\0" * (len(uid) % 2))
        body = b"".join(_element(tag, *fields[tag]) for tag in sorted(fields, key=lambda tag: tag[2:][::-1]))
        group_length = _element(_GROUP_LENGTH, b"UL", struct.pack("<I", len(body)))
        return b"".join((self.preamble, _PREFIX, group_length, body))


def _element(tag: bytes, vr: bytes, value: bytes) -> bytes:
    if vr in _LONG_VRS:
        return _LONG.pack(tag, vr, 0, len(value)) + value
    return _SHORT.pack(tag, vr, len(value)) + value


def has_prefix(source: Source) -> bool:
    """Return whether the object begins as PS3.10 asks."""
    return source[_PREAMBLE_LENGTH : _PREAMBLE_LENGTH + 4] == _PREFIX


def read_head(source: Source) -> Head:
    """Read the head; File Meta Information may lack its group length, or be absent altogether.

    Where the prefix is missing, the object is taken to begin with File Meta Information or the data set.

    Raises:
        DecodeError: File Meta Information is not in Explicit VR Little Endian.
        TruncatedError: the object ends inside of it.
    """
    position = _PREAMBLE_LENGTH + 4 if has_prefix(source) else 0
    preamble = source[:_PREAMBLE_LENGTH] if position else b"\0" * _PREAMBLE_LENGTH
    elements = []
    start = position
    while source[position : position + 2] == b"\x02\x00":
        tag, vr, value, position = _read_element(source, position)
        if tag != _GROUP_LENGTH:
            elements.append((tag, vr, value))
        if position - start > _MAX_META_BYTES:
            raise ExcessError("The File Meta Information is longer than this server reads.", offset=position)
    return Head(preamble, tuple(elements), position)


def _read_element(source: Source, position: int) -> tuple[bytes, bytes, bytes, int]:
    """Return tag, VR and value of the element at `position`, and where the next one begins."""
    try:
        tag, vr, length = _SHORT.unpack_from(source, position)
        start = position + 8
        if vr in _LONG_VRS:
            length = _LONG.unpack_from(source, position)[3]
            start = position + 12
    except struct.error as error:
        raise TruncatedError("The object ends inside its File Meta Information.", offset=position) from error
    if vr not in _VRS:
        # Some writers keep Implicit VR here as well; all that matters of it are UIDs.
        vr, length, start = b"UI", _IMPLICIT.unpack_from(source, position)[1], position + 8
        if start + length > len(source):
            raise DecodeError("The File Meta Information has an element without a valid VR.", offset=position)
    if start + length > len(source):
        raise TruncatedError("The object ends inside its File Meta Information.", offset=position)
    if length > _MAX_META_BYTES:
        raise ExcessError("The File Meta Information is longer than this server reads.", offset=position)
    return tag, vr, source[start : start + length], start + length
