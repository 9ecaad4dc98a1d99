"""The part of a Part 10 object before its pixels, patched for other pixel data and not encoded anew.

The data set is Explicit VR Little Endian, as that of every encapsulated object is (PS3.5 A.4).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hilum.dicom.reading.data_set import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hilum.dicom.pixels.pixel_format import PixelFormat


class PixelDataTooLongError(ValueError):
    """The decoded pixel data do not fit a value field of Explicit VR Little Endian (TSX-03, NEG-19)."""


MAX_VALUE_LENGTH: Final = 2**32 - 2
"""Longest value field, in bytes; it is even, and 2**32 - 1 means undefined (PS3.5 7.1.1)."""

_PREAMBLE_LENGTH: Final = 132
_MAX_NESTING: Final = 64

_LONG_VRS: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs whose length field has 32 bits (PS3.5 Table 7.1-1)."""

_SHORT_VRS: Final = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs whose length field has 16 bits (PS3.5 Table 7.1-2)."""

_SHORT_HEADER: Final = struct.Struct("<HH2sH")
_LONG_HEADER: Final = struct.Struct("<HH2sHI")
_IMPLICIT_HEADER: Final = struct.Struct("<HHI")

_FILE_META_GROUP_LENGTH: Final = 0x00020000
_TRANSFER_SYNTAX_UID: Final = 0x00020010
_IDENTIFYING_GROUP_LENGTH: Final = 0x00080000
_IMAGE_GROUP_LENGTH: Final = 0x00280000
_PHOTOMETRIC_INTERPRETATION: Final = 0x00280004
_PLANAR_CONFIGURATION: Final = 0x00280006
_PIXEL_DATA_GROUP: Final = 0x7FE00000
_PIXEL_DATA: Final = 0x7FE00010
_ICON_IMAGE_SEQUENCE: Final = 0x00880200
_ENCAPSULATED_PIXELS: Final = re.compile(rb"\xe0\x7f\x10\x00O[BW]\0\0\xff\xff\xff\xff")

_DROPPED: Final = frozenset(
    {
        _IDENTIFYING_GROUP_LENGTH,
        _IMAGE_GROUP_LENGTH,
        _PIXEL_DATA_GROUP,
        0x7FE00001,  # Extended Offset Table
        0x7FE00002,  # Extended Offset Table Lengths
        0x7FE00003,  # Encapsulated Pixel Data Value Total Length
    },
)
"""Elements that speak of the encapsulated form, and retired group lengths that would be wrong."""


@dataclass(frozen=True, slots=True)
class _Element:
    """Where an element of the top level stands."""

    tag: int
    start: int
    stop: int


def explicit_little_endian_head(
    head: bytes, data_set_prefix: bytes, *, target: PixelFormat, changed: Mapping[int, bytes] | None = None
) -> bytes:
    """Return everything before the pixels of the Explicit VR Little Endian object with decoded pixel data.

    Args:
        head: preamble, prefix and group 0002 as stored.
        data_set_prefix: the stored data set up to the Pixel Data element, that one left out.
        target: layout of the decoded frames.
        changed: further elements to put in or to replace, by tag.

    Returns:
        Head and data set with Transfer Syntax UID, Photometric Interpretation and Planar Configuration
        changed, and the header of Pixel Data; `target.value_bytes` bytes of pixels follow it.

    Raises:
        DecodeError: the bytes are no such head.
        PixelDataTooLongError: the decoded pixel data have no length of 32 bits.

    Source: PS3.10 7.1, PS3.5 7.1 and A.2, TSX-03.
    """
    if target.value_bytes > MAX_VALUE_LENGTH:
        raise PixelDataTooLongError("Decoded, the pixel data are longer than a value field can be.")
    vr = b"OW" if target.bits_allocated > 8 else b"OB"
    pixel_data = _LONG_HEADER.pack(_PIXEL_DATA >> 16, _PIXEL_DATA & 0xFFFF, vr, 0, target.value_bytes)
    return _file_meta(head, EXPLICIT_VR_LITTLE_ENDIAN) + _data_set(data_set_prefix, target, changed or {}) + pixel_data


def encapsulated_head(
    head: bytes,
    data_set_prefix: bytes,
    *,
    transfer_syntax_uid: str,
    target: PixelFormat,
    changed: Mapping[int, bytes],
) -> bytes:
    """Return everything before the Pixel Data element, or its offset tables, of an object in an encapsulated syntax.

    Args:
        head: preamble, prefix and group 0002 as stored.
        data_set_prefix: the data set up to the Pixel Data element, that one left out.
        transfer_syntax_uid: of the new object.
        target: layout that describes the encoded frames.
        changed: further elements to put in or to replace, by tag.

    Raises:
        DecodeError: the bytes are no such head.
    """
    return _file_meta(head, transfer_syntax_uid) + _data_set(data_set_prefix, target, changed)


def short_values(data_set_prefix: bytes) -> dict[int, bytes]:
    """Return the value fields of the elements with a 16-bit length at the top level, by tag, without padding.

    Of other elements the value is b'': that they are there is all that is told.

    Raises:
        DecodeError: the bytes are no data set in Explicit VR Little Endian.
    """
    values = {}
    for element in _elements(data_set_prefix, 0):
        vr = data_set_prefix[element.start + 4 : element.start + 6]
        value = data_set_prefix[element.start + 8 : element.stop] if vr in _SHORT_VRS else b""
        values[element.tag] = value.rstrip(b" \0")
    return values


def _file_meta(head: bytes, transfer_syntax_uid: str) -> bytes:
    """Return the head with another Transfer Syntax UID and a right group length."""
    if head[128:_PREAMBLE_LENGTH] != b"DICM":
        raise DecodeError("The object has no file meta information.", offset=128)
    uid = transfer_syntax_uid.encode()
    changed = {_TRANSFER_SYNTAX_UID: short_element(_TRANSFER_SYNTAX_UID, b"UI", uid + b"\0" * (len(uid) % 2))}
    elements = _elements(head, _PREAMBLE_LENGTH)
    group = b"".join(_changed(head, elements, changed, dropped=frozenset({_FILE_META_GROUP_LENGTH})))
    length = short_element(_FILE_META_GROUP_LENGTH, b"UL", struct.pack("<I", len(group)))
    return head[:_PREAMBLE_LENGTH] + length + group


def _data_set(data_set_prefix: bytes, target: PixelFormat, further: Mapping[int, bytes]) -> bytes:
    name = target.photometric_interpretation.encode("ascii", "replace")
    changed = {
        **further,
        _PHOTOMETRIC_INTERPRETATION: short_element(
            _PHOTOMETRIC_INTERPRETATION,
            b"CS",
            name + b" " * (len(name) % 2),
        ),
    }
    if target.samples_per_pixel > 1:
        planar_configuration = struct.pack("<H", target.planar_configuration)
        changed[_PLANAR_CONFIGURATION] = short_element(_PLANAR_CONFIGURATION, b"US", planar_configuration)
    elements = (element for element in _elements(data_set_prefix, 0) if not _is_stale_icon(data_set_prefix, element))
    return b"".join(_changed(data_set_prefix, elements, changed, dropped=_DROPPED))


def _is_stale_icon(data: bytes, element: _Element) -> bool:
    """Return whether an element is an icon whose pixels are encapsulated in the stored transfer syntax.

    No other syntax may hold it, and it can be made anew: the attribute is optional (PS3.3 C.7.6.1.1.6).
    """
    return element.tag == _ICON_IMAGE_SEQUENCE and bool(_ENCAPSULATED_PIXELS.search(data, element.start, element.stop))


def short_element(tag: int, vr: bytes, value: bytes) -> bytes:
    """Return an element whose length field has 16 bits; `value` has an even length."""
    return _SHORT_HEADER.pack(tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def _changed(
    data: bytes,
    elements: Iterator[_Element],
    changed: dict[int, bytes],
    *,
    dropped: frozenset[int],
) -> Iterator[bytes]:
    """Yield the elements in order, some changed, some left out; changed ones that were missing are added."""
    missing = sorted(changed)
    for element in elements:
        while missing and missing[0] <= element.tag:
            yield changed[missing.pop(0)]
        if element.tag not in dropped and element.tag not in changed:
            yield data[element.start : element.stop]
    for tag in missing:
        yield changed[tag]


def _elements(data: bytes, offset: int) -> Iterator[_Element]:
    """Iterate over the elements of the top level, which must ascend and end where the data end."""
    previous = -1
    while offset < len(data):
        tag, length, value, is_implicit = _header(data, offset, is_implicit=False)
        if tag <= previous or tag >= _PIXEL_DATA:
            raise DecodeError("The elements before Pixel Data do not ascend.", offset=offset, tag=tag)
        stop = _end_of_sequence(data, value, is_implicit=is_implicit) if length == UNDEFINED else value + length
        if stop > len(data):
            raise DecodeError("An element is longer than what is left.", offset=offset, tag=tag)
        yield _Element(tag, offset, stop)
        previous, offset = tag, stop


def _header(data: bytes, offset: int, *, is_implicit: bool) -> tuple[int, int, int, bool]:
    """Return tag, length, offset of the value field, whether what it nests is Implicit VR (PS3.5 6.2.2)."""
    try:
        if is_implicit or data[offset : offset + 2] == b"\xfe\xff":
            group, element, length = _IMPLICIT_HEADER.unpack_from(data, offset)
            return group << 16 | element, length, offset + 8, is_implicit
        group, element, vr, length = _SHORT_HEADER.unpack_from(data, offset)
        if vr in _SHORT_VRS:
            return group << 16 | element, length, offset + 8, False
        if vr not in _LONG_VRS:
            raise DecodeError("An element has no value representation that is known.", offset=offset)
        group, element, vr, _, length = _LONG_HEADER.unpack_from(data, offset)
    except struct.error as error:
        raise DecodeError("The data set ends in the header of an element.", offset=offset) from error
    return group << 16 | element, length, offset + 12, vr == b"UN"


def _end_of_sequence(data: bytes, offset: int, *, is_implicit: bool) -> int:
    """Return the offset after the delimiter of a sequence of undefined length whose items are at `offset`."""
    open_sequences = [is_implicit]
    while open_sequences:
        start = offset
        tag, length, offset, nested_is_implicit = _header(data, start, is_implicit=open_sequences[-1])
        if tag == SEQUENCE_END:
            open_sequences.pop()
        elif tag in {ITEM, ITEM_END}:
            # Items of undefined length are walked as if their elements stood in the sequence.
            offset += 0 if length == UNDEFINED else length
        elif length == UNDEFINED:
            open_sequences.append(nested_is_implicit)
            if len(open_sequences) > _MAX_NESTING:
                raise DecodeError("Sequences are nested too deeply.", offset=start, tag=tag)
        else:
            offset += length
    return offset
