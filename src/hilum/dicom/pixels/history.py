"""What a data set has to say of lossy compression that its pixels went through (PS3.3 C.7.6.1.1.5)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from hilum.dicom.reading.heads import short_element

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMAGE_TYPE: Final = 0x00080008
_DERIVATION_DESCRIPTION: Final = 0x00082111
_DERIVATION_CODE_SEQUENCE: Final = 0x00089215
_LOSSY_IMAGE_COMPRESSION: Final = 0x00282110
_RATIO: Final = 0x00282112
_METHOD: Final = 0x00282114
_MULTI_FRAME: Final = frozenset({0x00280008, 0x52009229, 0x52009230})
"""Number of Frames, and the sequences of functional groups."""
_LOSSY: Final = b"01"
_MOST_TEXT_BYTES: Final = 1024
_MOST_VALUES: Final = 1000
_SEQUENCE: Final = struct.Struct("<HH2sHI")
_ITEM: Final = struct.Struct("<HHI")


def is_lossy(values: Mapping[int, bytes]) -> bool:
    """Say whether a data set tells of lossy compression; `values` are those of its top level, by tag."""
    return values.get(_LOSSY_IMAGE_COMPRESSION, b"").strip() == _LOSSY


def decompressed(values: Mapping[int, bytes], *, method: str, ratio: float) -> dict[int, bytes]:
    """Return the elements that keep the history of pixels that were lossy and are so no longer by their syntax.

    Args:
        values: value fields of the stored data set's top level, by tag.
        method: Lossy Image Compression Method of the stored transfer syntax; '': it may have been lossless.
        ratio: of native to stored bytes.

    Returns:
        Elements by tag; none where the data set tells already, or where nobody knows.
    """
    if not method or is_lossy(values):
        return {}
    return _compression({}, method, ratio)


def compressed(values: Mapping[int, bytes], *, method: str, ratio: float) -> dict[int, bytes]:
    """Return the elements that tell of a lossy compression that is made now, after those that were made before.

    A single image becomes a derived one. Multi-frame objects are described frame by frame, and much of that hangs on
    Image Type: they are not touched, there the attributes of compression have to do.

    Args:
        values: value fields of the stored data set's top level, by tag.
        method: Lossy Image Compression Method.
        ratio: of native to encoded bytes.

    Source: PS3.3 C.7.6.1.1.2, C.7.6.1.1.5, CID 7203.
    """
    changed = _compression(values, method, ratio)
    if not _MULTI_FRAME.isdisjoint(values):
        return changed
    image_type = values.get(_IMAGE_TYPE, b"").split(b"\\")
    changed[_IMAGE_TYPE] = _text(_IMAGE_TYPE, b"CS", b"\\".join([b"DERIVED", *(image_type[1:] or [b"SECONDARY"])]))
    description = values.get(_DERIVATION_DESCRIPTION, b"")
    ours = f"Lossy compression {method}, ratio {ratio:.1f}".encode()
    whole = description + b"; " + ours if description else ours
    if len(whole) <= _MOST_TEXT_BYTES:
        changed[_DERIVATION_DESCRIPTION] = _text(_DERIVATION_DESCRIPTION, b"ST", whole)
    if _DERIVATION_CODE_SEQUENCE not in values:
        changed[_DERIVATION_CODE_SEQUENCE] = _derivation_code()
    return changed


def _compression(values: Mapping[int, bytes], method: str, ratio: float) -> dict[int, bytes]:
    return {
        _LOSSY_IMAGE_COMPRESSION: _text(_LOSSY_IMAGE_COMPRESSION, b"CS", _LOSSY),
        _RATIO: _text(_RATIO, b"DS", _appended(values, _RATIO, f"{ratio:.2f}")),
        _METHOD: _text(_METHOD, b"CS", _appended(values, _METHOD, method)),
    }


def _appended(values: Mapping[int, bytes], tag: int, value: str) -> bytes:
    before = values.get(tag, b"")
    earlier = before.split(b"\\")[:_MOST_VALUES] if before else []
    return b"\\".join([*earlier, value.encode()])


def _text(tag: int, vr: bytes, value: bytes) -> bytes:
    return short_element(tag, vr, value + b" " * (len(value) % 2))


def _derivation_code() -> bytes:
    """Return a Derivation Code Sequence with the code of lossy compression."""
    code = b"".join(
        (
            _text(0x00080100, b"SH", b"113040"),
            _text(0x00080102, b"SH", b"DCM"),
            _text(0x00080104, b"LO", b"Lossy Compression"),
        )
    )
    item = _ITEM.pack(0xFFFE, 0xE000, len(code)) + code
    tag = _DERIVATION_CODE_SEQUENCE
    return _SEQUENCE.pack(tag >> 16, tag & 0xFFFF, b"SQ", 0, len(item)) + item
