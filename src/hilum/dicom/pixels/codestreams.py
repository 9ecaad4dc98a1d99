"""What compressed frames say of themselves in their headers, read without decoding them.

Everything here is cheap and allocates nothing that depends on a number in the codestream.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from hilum.dicom.reading.instance import DecodeError


@dataclass(frozen=True, slots=True)
class Codestream:
    """A codestream and its geometry."""

    data: bytes
    """The bare codestream, without the boxes of a file format around it."""
    rows: int
    columns: int
    samples: int
    """0 where the header does not tell."""
    precision: int
    """Bits of a sample."""
    is_signed: bool = False
    is_ybr: bool | None = None
    """Whether its components are YCbCr; None where it does not say."""
    is_whole: bool = True
    """False where its end marker is missing."""


_SOI: Final = b"\xff\xd8"
_EOI: Final = b"\xff\xd9"
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers without a segment: TEM, RSTm, SOI."""
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_APP0, _APP14, _SOS = 0xE0, 0xEE, 0xDA


def read_jpeg(data: bytes, frame_headers: frozenset[int]) -> Codestream:
    """Read the header of a JPEG or JPEG-LS codestream.

    Args:
        data: the codestream.
        frame_headers: second bytes of the SOF markers that are allowed.

    Raises:
        DecodeError: the header is cut short, wrong, or of another process.

    Source: ITU-T T.81 B.2, T.87 C.1, T.872 6.5.3 (APP14), T.871 10 (APP0).
    """
    if not data.startswith(_SOI):
        raise DecodeError("The codestream does not begin as JPEG does.", offset=0)
    offset = 2
    is_jfif, transform = False, None
    while True:
        marker, offset = _next_marker(data, offset)
        if marker in _ALONE:
            continue
        segment = _segment(data, offset)
        if marker == _APP0 and segment.startswith(b"JFIF\0"):
            is_jfif = True
        elif marker == _APP14 and segment.startswith(b"Adobe") and len(segment) >= 12:
            transform = segment[11]
        elif marker in _FRAME_HEADERS:
            if marker not in frame_headers:
                raise DecodeError("The codestream is of another JPEG process than its transfer syntax.")
            is_ybr = _is_ybr(segment, transform, is_jfif=is_jfif)
            return _frame_header(data, segment, is_ybr=is_ybr, is_whole=data.rfind(_EOI) > offset)
        elif marker == _SOS:
            raise DecodeError("The codestream has a scan before its frame header.", offset=offset)
        offset += 2 + len(segment)


def _next_marker(data: bytes, offset: int) -> tuple[int, int]:
    """Return a marker's second byte and the offset after it; fill bytes may stand before (T.81 B.1.1.2)."""
    if data[offset : offset + 1] != b"\xff":
        raise DecodeError("The codestream has no marker where one belongs.", offset=offset)
    while data[offset : offset + 1] == b"\xff":
        offset += 1
    if offset >= len(data):
        raise DecodeError("The codestream ends in its header.", offset=offset)
    return data[offset], offset + 1


def _segment(data: bytes, offset: int) -> bytes:
    if offset + 2 > len(data):
        raise DecodeError("The codestream ends in its header.", offset=offset)
    (length,) = struct.unpack_from(">H", data, offset)
    if length < 2 or offset + length > len(data):
        raise DecodeError("The codestream has a segment with a wrong length.", offset=offset)
    return data[offset + 2 : offset + length]


def _frame_header(data: bytes, segment: bytes, *, is_ybr: bool | None, is_whole: bool) -> Codestream:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise DecodeError("The codestream has a frame header that is too short.")
    precision, rows, columns, samples = struct.unpack_from(">BHHB", segment)
    return Codestream(data, rows, columns, samples, precision, is_ybr=is_ybr, is_whole=is_whole)


def _is_ybr(segment: bytes, transform: int | None, *, is_jfif: bool) -> bool | None:
    if transform is not None:
        return transform != 0
    if segment[6:15:3] == b"RGB":
        return False
    return True if is_jfif else None


_JP2_SIGNATURE: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_SOC_SIZ: Final = b"\xff\x4f\xff\x51"
_SIZ: Final = struct.Struct(">HHIIIIIIIIH")
_PART_2: Final = 0x8000


def read_jpeg_2000(data: bytes) -> Codestream:
    """Read the header of a JPEG 2000 or HTJ2K codestream, bare or in a JP2 file.

    Raises:
        DecodeError: the header is cut short or wrong, needs part 2 of the standard, or has components of
            different sizes, precisions or signs.

    Source: ITU-T T.800 A.5.1 (SIZ), I.4 (boxes).
    """
    if data.startswith(_JP2_SIGNATURE):
        data = b"".join(_boxes(data, b"jp2c", prefix_length=0)[:1])
    if not data.startswith(_SOC_SIZ) or len(data) < 4 + _SIZ.size:
        raise DecodeError("The codestream does not begin as JPEG 2000 does.", offset=0)
    fields = _SIZ.unpack_from(data, 4)
    capabilities, right, bottom, left, top, tile_width, tile_height, _, _, samples = fields[1:]
    components = data[4 + _SIZ.size : 4 + _SIZ.size + 3 * samples]
    if not samples or len(components) != 3 * samples or not (tile_width and tile_height):
        raise DecodeError("The codestream has a wrong image and tile size.", offset=4)
    if capabilities & _PART_2:
        raise DecodeError("The codestream needs extensions of JPEG 2000 part 2.", offset=6)
    if components != components[:1] * 1 + b"\1\1" + (components[:1] + b"\1\1") * (samples - 1):
        raise DecodeError("The codestream has components that differ from each other.", offset=4)
    return Codestream(
        data,
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=(components[0] & 0x7F) + 1,
        is_signed=bool(components[0] & 0x80),
    )


_JXL_CODESTREAM: Final = b"\xff\x0a"
_JXL_CONTAINER: Final = b"\0\0\0\x0cJXL \r\n\x87\n"
_MAX_BOXES: Final = 4096


def read_jpeg_xl(data: bytes) -> Codestream:
    """Read the header of a JPEG XL codestream, bare or in a container; `data` stays the whole.

    Raises:
        DecodeError: the header is cut short or wrong, or has a preview, an animation, extra channels or
            floating-point samples.

    Source: ISO/IEC 18181-1 D.2 (SizeHeader), D.3 (ImageMetadata); 18181-2 9 (boxes).
    """
    header = data[:64]
    if data.startswith(_JXL_CONTAINER):
        whole, parts = _boxes(data, b"jxlc", prefix_length=0), _boxes(data, b"jxlp", prefix_length=4)
        header = b"".join(part[:64] for part in (whole or parts)[:8])[:64]
    if not header.startswith(_JXL_CODESTREAM):
        raise DecodeError("The codestream does not begin as JPEG XL does.", offset=0)
    bits = _Bits(header[2:])
    rows, columns = _jxl_size(bits)
    return Codestream(data, rows, columns, samples=0, precision=_jxl_precision(bits))


class _Bits:
    """Bits of a JPEG XL header, least significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Return the next `count` bits as an unsigned number."""
        self._left -= count
        if self._left < 0:
            raise DecodeError("The codestream ends in its header.")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        return value

    def choose(self, *choices: tuple[int, int]) -> int:
        """Return a U32: two bits choose one of four pairs (offset, further bits)."""
        offset, count = choices[self.take(2)]
        return offset + self.take(count)


_JXL_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def _jxl_size(bits: _Bits) -> tuple[int, int]:
    """Return (rows, columns) of a SizeHeader."""
    in_eights = bits.take(1)
    rows = _jxl_length(bits, in_eights)
    ratio = bits.take(3)
    if not ratio:
        return rows, _jxl_length(bits, in_eights)
    numerator, denominator = _JXL_RATIOS[ratio - 1]
    return rows, rows * numerator // denominator


def _jxl_length(bits: _Bits, in_eights: int) -> int:
    if in_eights:
        return 8 * (1 + bits.take(5))
    return bits.choose((1, 9), (1, 13), (1, 18), (1, 30))


def _jxl_precision(bits: _Bits) -> int:
    """Return the bits of a sample from an ImageMetadata; it must be of a plain image."""
    if bits.take(1):
        return 8
    if bits.take(1):
        bits.take(3)  # Orientation
        if bits.take(1):
            _jxl_size(bits)
        if bits.take(2):
            raise DecodeError("The codestream has a preview or an animation.")
    if bits.take(1):
        raise DecodeError("The codestream has floating-point samples.")
    precision = bits.choose((8, 0), (10, 0), (12, 0), (1, 6))
    bits.take(1)  # modular_16bit_buffers
    if bits.choose((0, 0), (1, 0), (2, 4), (1, 12)):
        raise DecodeError("The codestream has extra channels.")
    return precision


def _boxes(data: bytes, wanted: bytes, *, prefix_length: int) -> list[bytes]:
    """Return the contents of the top-level boxes of one type, without the first bytes of each."""
    found = []
    offset = 0
    for _ in range(_MAX_BOXES):
        if offset + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, offset)
        header_length = 8
        if length == 1 and offset + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, offset + 8)
            header_length = 16
        stop = offset + length if length else len(data)
        if stop > len(data) or stop < offset + header_length:
            # A frame may have lost its last box to a short fragment; what is there is decoded or refused.
            stop = len(data)
        if kind == wanted:
            found.append(data[offset + header_length + prefix_length : stop])
        offset = stop
    return found
