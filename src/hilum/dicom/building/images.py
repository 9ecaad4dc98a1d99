"""Images in the formats of the web to pixel data: what their headers say, and the transfer syntax that holds them.

What DICOM has a transfer syntax for is kept as it is; PNG, GIF and progressive JPEG are decoded, once and without loss.

Source: PS3.18 Table 10.5.2-1 (STOW-23 to STOW-26), PS3.5 8.2 and annex A.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageSequence

from hilum.dicom.building.contents import FileRange, SpoolRange
from hilum.dicom.building.data_set import Content
from hilum.dicom.pixels.codestreams import read_jpeg, read_jpeg_2000, read_jpeg_xl
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    HTJ2K,
    HTJ2K_LOSSLESS,
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_BASELINE,
    JPEG_EXTENDED,
    JPEG_LOSSLESS,
    JPEG_LOSSLESS_SV1,
    JPEG_LS_LOSSLESS,
    JPEG_LS_NEAR_LOSSLESS,
    JPEG_XL,
    JPEG_XL_RECOMPRESSION,
)

OpenSpool = Callable[[], BinaryIO]

_JPEG: Final = "ISO_10918_1"
_LOSSLESS: Final = ""
_TOO_LARGE: Final = "An image is larger than this server decodes."
_MAX_SIDE: Final = 65535
_SOF_MARKERS: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3})


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """What the frames of one image have in common."""

    transfer_syntax_uid: str
    rows: int
    columns: int
    samples_per_pixel: int
    bits_stored: int
    photometric_interpretation: str
    lossy_method: str = _LOSSLESS
    """Defined term of Lossy Image Compression Method (0028,2114); '' for what is lossless."""
    pixel_representation: int | None = None
    """None where the codestream does not tell."""

    @property
    def bits_allocated(self) -> int:
        """Bits of a stored cell."""
        return 8 if self.bits_stored <= 8 else 16

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return self.rows * self.columns * self.samples_per_pixel * (self.bits_allocated // 8)


@dataclass(frozen=True, slots=True)
class Images:
    """Frames of pixel data, in their order."""

    format: ImageFormat
    frames: Sequence[Content]
    """Of native pixel data, one content may hold several."""
    count: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an image may cost."""

    file_bytes: int
    """Largest image file that is read into memory."""
    decoded_bytes: int
    """Largest image that is decoded, with all of its frames."""


Reader = Callable[[bytes, FileRange, Bounds, OpenSpool], Images]


def read_images(media_type: str, parts: Sequence[FileRange], bounds: Bounds, open_spool: OpenSpool) -> Images:
    """Return the frames of one or several image files.

    Args:
        media_type: one of `IMAGE_TYPES`.
        parts: the files, in the order of their frames.
        bounds: what is read and decoded at most.
        open_spool: gives the spool of decoded frames, to whose end they are written; it lives as long as the result.

    Raises:
        DecodeError: a file is no image of the type, is too large, or differs in form from the first.
    """
    reader = READERS[media_type]
    read: list[Images] = []
    for part in parts:
        if part.length > bounds.file_bytes:
            raise DecodeError("An image file is larger than this server reads.")
        images = reader(part.read(0, part.length), part, bounds, open_spool)
        if not (0 < images.format.rows <= _MAX_SIDE and 0 < images.format.columns <= _MAX_SIDE):
            raise DecodeError("An image has more rows or columns than pixel data can have.")
        if read and images.format != read[0].format:
            raise DecodeError("The frames of an image differ in size or form.")
        read.append(images)
    frames = [frame for images in read for frame in images.frames]
    return Images(read[0].format, frames, sum(images.count for images in read))


def _jpeg(data: bytes, part: FileRange, bounds: Bounds, open_spool: OpenSpool) -> Images:
    header = read_jpeg(data, _SOF_MARKERS)
    segments = dict(_jpeg_segments(data))
    process = next(marker for marker in segments if marker in _SOF_MARKERS)
    colour = _jpeg_colour(segments[process], header.samples, is_ybr=header.is_ybr is not False)
    if process == 0xC2:
        decoded = _decode(imagecodecs.jpeg8_decode, data, header.rows * header.columns * header.samples, bounds)
        return _native(decoded, _JPEG, open_spool)
    if process == 0xC3:
        # Lossless processes are used without a colour transform.
        colour = "RGB" if header.samples == 3 else colour
        predictor = segments[0xDA][1 + 2 * segments[0xDA][0]]
        syntax, method = (JPEG_LOSSLESS_SV1 if predictor == 1 else JPEG_LOSSLESS), _LOSSLESS
    else:
        syntax, method = (JPEG_BASELINE if process == 0xC0 else JPEG_EXTENDED), _JPEG
    found = ImageFormat(syntax, header.rows, header.columns, header.samples, header.precision, colour, method)
    return Images(found, (part,), 1)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield markers and segments up to the first scan header; `read_jpeg` has checked those before the frame header."""
    offset = 2
    while offset + 4 <= len(data):
        if data[offset] != 0xFF:
            break
        marker = data[offset + 1]
        if marker == 0xFF:
            offset += 1
            continue
        (length,) = struct.unpack_from(">H", data, offset + 2)
        segment = data[offset + 4 : offset + 2 + length]
        yield marker, segment
        if marker == 0xDA and len(segment) >= 4 and len(segment) >= 4 + 2 * segment[0]:
            return
        offset += 2 + max(length, 2)
    raise DecodeError("The codestream has no scan.")


def _jpeg_colour(frame_header: bytes, samples: int, *, is_ybr: bool) -> str:
    if samples == 1:
        return "MONOCHROME2"
    if samples != 3:
        raise DecodeError("An image has a number of components that no pixel data have.")
    if not is_ybr:
        return "RGB"
    return "YBR_FULL" if len(set(frame_header[7:15:3])) == 1 else "YBR_FULL_422"


def _jpeg_ls(data: bytes, part: FileRange, _bounds: Bounds, _open_spool: OpenSpool) -> Images:
    header = read_jpeg(data, frozenset({0xF7}))
    scan = dict(_jpeg_segments(data))[0xDA]
    is_near = scan[1 + 2 * scan[0]] != 0
    syntax, method = (JPEG_LS_NEAR_LOSSLESS, "ISO_14495_1") if is_near else (JPEG_LS_LOSSLESS, _LOSSLESS)
    colour = _plain_colour(header.samples)
    return Images(
        ImageFormat(syntax, header.rows, header.columns, header.samples, header.precision, colour, method), (part,), 1
    )


def _plain_colour(samples: int) -> str:
    if samples not in (1, 3):
        raise DecodeError("An image has a number of components that no pixel data have.")
    return "RGB" if samples == 3 else "MONOCHROME2"


def _jpeg_2000(data: bytes, part: FileRange, _bounds: Bounds, _open_spool: OpenSpool) -> Images:
    header = read_jpeg_2000(data)
    segments = _jpeg_2000_segments(header.data)
    style = segments.get(0x52, b"")
    if len(style) < 10:
        raise DecodeError("The codestream has no coding style.")
    is_reversible, has_transform = style[9] == 1, style[4] != 0
    is_high_throughput = 0x50 in segments
    colour = _plain_colour(header.samples)
    if colour == "RGB" and has_transform:
        colour = "YBR_RCT" if is_reversible else "YBR_ICT"
    lossless, lossy = (HTJ2K_LOSSLESS, HTJ2K) if is_high_throughput else (JPEG_2000_LOSSLESS, JPEG_2000)
    method = _LOSSLESS if is_reversible else "ISO_15444_15" if is_high_throughput else "ISO_15444_1"
    syntax = lossless if is_reversible else lossy
    found = ImageFormat(
        syntax, header.rows, header.columns, header.samples, header.precision, colour, method, int(header.is_signed)
    )
    # The boxes of a JP2 file have no place in pixel data (PS3.5 A.4.4).
    return Images(found, (part.part(data.find(header.data[:64]), len(header.data)),), 1)


def _jpeg_2000_segments(data: bytes) -> dict[int, bytes]:
    """Return the segments of the main header, by the second bytes of their markers."""
    segments: dict[int, bytes] = {}
    offset = 2
    while data[offset : offset + 1] == b"\xff" and offset + 4 <= len(data):
        marker = data[offset + 1]
        if marker in (0x90, 0x93, 0xD9):
            break
        (length,) = struct.unpack_from(">H", data, offset + 2)
        segments.setdefault(marker, data[offset + 4 : offset + 2 + length])
        offset += 2 + max(length, 2)
    return segments


def _jpeg_xl(data: bytes, part: FileRange, bounds: Bounds, _open_spool: OpenSpool) -> Images:
    header = read_jpeg_xl(data)
    # Only decoding tells the number of components, and with it whether this is an image at all.
    decoded = _decode(imagecodecs.jpegxl_decode, data, header.rows * header.columns * 6, bounds)
    samples = decoded.shape[2] if decoded.ndim == 3 else 1
    colour = _plain_colour(samples)
    is_recompressed = b"jbrd" in data[:4096]
    if is_recompressed and colour == "RGB":
        colour = "YBR_FULL_422"
    syntax = JPEG_XL_RECOMPRESSION if is_recompressed else JPEG_XL
    return Images(
        ImageFormat(syntax, header.rows, header.columns, samples, header.precision, colour, "ISO_18181_1"), (part,), 1
    )


def _png(data: bytes, _part: FileRange, bounds: Bounds, open_spool: OpenSpool) -> Images:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR" or len(data) < 33:
        raise DecodeError("The file does not begin as PNG does.")
    columns, rows, depth = struct.unpack_from(">IIB", data, 16)
    decoded = _decode(imagecodecs.png_decode, data, rows * columns * 4 * (2 if depth == 16 else 1), bounds)
    return _native(_opaque(decoded), _LOSSLESS, open_spool)


def _opaque(samples: NDArray[Any]) -> NDArray[Any]:
    """Return an image without its alpha channel."""
    if samples.ndim == 3 and samples.shape[2] in (2, 4):
        samples = samples[..., :-1]
    return samples[..., 0] if samples.ndim == 3 and samples.shape[2] == 1 else samples


def _decode(decode: Callable[[bytes], NDArray[Any]], data: bytes, needed_bytes: int, bounds: Bounds) -> NDArray[Any]:
    """Decode an image whose header claims no more than the bounds allow."""
    if needed_bytes > bounds.decoded_bytes:
        raise DecodeError(_TOO_LARGE)
    try:
        return decode(data)
    except Exception as error:
        # Codecs raise errors of their own, one class each.
        raise DecodeError("An image file is broken.") from error


def _native(samples: NDArray[Any], lossy_method: str, open_spool: OpenSpool) -> Images:
    colour = _plain_colour(samples.shape[2] if samples.ndim == 3 else 1)
    spool = open_spool()
    offset = spool.seek(0, io.SEEK_END)
    data = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder("<"))).tobytes()
    spool.write(data)
    spool.flush()
    found = ImageFormat(
        EXPLICIT_VR_LITTLE_ENDIAN,
        samples.shape[0],
        samples.shape[1],
        3 if colour == "RGB" else 1,
        8 * samples.dtype.itemsize,
        colour,
        lossy_method,
        0,
    )
    return Images(found, (SpoolRange(spool, offset, len(data)),), 1)


def _gif(data: bytes, _part: FileRange, bounds: Bounds, open_spool: OpenSpool) -> Images:
    """Read a GIF: each frame whole, as a viewer shows it, in RGB."""
    if data[:6] not in (b"GIF87a", b"GIF89a") or len(data) < 13:
        raise DecodeError("The file does not begin as GIF does.")
    columns, rows = struct.unpack_from("<HH", data, 6)
    spool = open_spool()
    offset = spool.seek(0, io.SEEK_END)
    count = 0
    for frame in _gif_frames(data, (columns, rows), bounds):
        spool.write(frame)
        count += 1
    spool.flush()
    found = ImageFormat(EXPLICIT_VR_LITTLE_ENDIAN, rows, columns, 3, 8, "RGB", _LOSSLESS, 0)
    return Images(found, (SpoolRange(spool, offset, count * found.frame_bytes),), count)


def _gif_frames(data: bytes, size: tuple[int, int], bounds: Bounds) -> Iterator[bytes]:
    left = bounds.decoded_bytes
    frame_bytes = size[0] * size[1] * 3
    if frame_bytes > left:
        raise DecodeError(_TOO_LARGE)
    try:
        with PillowImage.open(io.BytesIO(data), formats=("GIF",)) as image:
            for frame in ImageSequence.Iterator(image):
                left -= frame_bytes
                if left < 0 or frame.size != size:
                    break
                yield frame.convert("RGB").tobytes()
    except Exception as error:
        # Whatever the decoder raises: the file is at fault.
        raise DecodeError("An image file is broken.") from error
    if left < 0 or frame.size != size:
        raise DecodeError(_TOO_LARGE)


READERS: Final[Mapping[str, Reader]] = {
    "image/jpeg": _jpeg,
    "image/jls": _jpeg_ls,
    "image/jp2": _jpeg_2000,
    "image/jpx": _jpeg_2000,
    "image/jphc": _jpeg_2000,
    "image/jxl": _jpeg_xl,
    "image/png": _png,
    "image/gif": _gif,
}
"""Image media types that tell their own geometry."""
