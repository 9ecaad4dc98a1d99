"""The boxes of JP2 and JPH files (ISO/IEC 15444-1 Annex I, 15444-15 Annex D)."""

from __future__ import annotations

import struct
from typing import Final

_SIGNATURE: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_SRGB, _GRAY = 16, 17


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


def _color(channels: int, profile: bytes | None) -> bytes:
    if profile:
        return _box(b"colr", bytes((2, 0, 0)) + profile)
    return _box(b"colr", bytes((1, 0, 0)) + struct.pack(">I", _SRGB if channels == 3 else _GRAY))


def jp2_file(codestream: bytes, shape: tuple[int, ...], profile: bytes | None, *, brand: bytes) -> bytes:
    """Return a codestream of 8-bit samples as a file of the JP2 family.

    Args:
        codestream: of JPEG 2000 or HTJ2K.
        shape: (rows, columns) or (rows, columns, channels) of the image.
        profile: ICC profile; None: sRGB or grey.
        brand: `jp2 ` or `jph `.
    """
    channels = shape[2] if len(shape) > 2 else 1
    header = _box(b"ihdr", struct.pack(">IIHBBBB", shape[0], shape[1], channels, 7, 7, 0, 0)) + _color(
        channels, profile
    )
    return _SIGNATURE + _box(b"ftyp", brand + bytes(4) + brand) + _box(b"jp2h", header) + _box(b"jp2c", codestream)


def with_jp2_profile(data: bytes, profile: bytes | None) -> bytes:
    """Return a JP2 file with an ICC profile in place of its enumerated colour space."""
    if not profile:
        return data
    start = data.index(b"jp2h") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    header, position = b"", start + 8
    while position < start + length:
        size = int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] != b"colr":
            header += data[position : position + size]
        position += size
    return data[:start] + _box(b"jp2h", header + _color(3, profile)) + data[start + length :]
