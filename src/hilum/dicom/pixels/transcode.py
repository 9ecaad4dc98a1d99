"""Decoding of stored frames to native little-endian bytes, one frame at a time.

Colour: JPEG baseline and extended give RGB, whatever the codestream holds; the reversible and irreversible
transforms of JPEG 2000 are undone; JPEG XL gives RGB where its encoder may have chosen the space; everything
else keeps the samples that were encoded. `decoded_format` says the same in attributes.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import imagecodecs
import numpy as np

from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.codestreams import Codestream, read_jpeg, read_jpeg_2000, read_jpeg_xl
from hilum.dicom.pixels.pixel_format import PixelFormat, pixel_format
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import (
    ENCAPSULATED_SYNTAXES,
    LOSSLESS_SYNTAXES,
    LOSSY_SYNTAXES,
    SYNTAXES,
    VIDEO_SYNTAXES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

__all__ = [
    "DECODABLE_SYNTAXES",
    "ENCAPSULATED_SYNTAXES",
    "LOSSLESS_SYNTAXES",
    "LOSSY_SYNTAXES",
    "SYNTAXES",
    "VIDEO_SYNTAXES",
    "PixelFormat",
    "decode_frame",
    "decoded_format",
    "native_value",
    "pixel_format",
]

_SEQUENTIAL_DCT: Final = frozenset({0xC0, 0xC1, 0xC2})
_LOSSLESS: Final = frozenset({0xC3})
_JPEG_LS: Final = frozenset({0xF7})

_CODEC_ERRORS: Final = (RuntimeError, ValueError, TypeError, MemoryError, OverflowError)
"""What the codecs raise for a codestream that they cannot decode."""


def decoded_format(source: PixelFormat, transfer_syntax_uid: str) -> PixelFormat:
    """Return the layout of the frames that `decode_frame` makes.

    Raises:
        DecodeError: frames of this transfer syntax are not decoded here.

    >>> stored = PixelFormat(2, 2, 3, 8, 8, 7, 0, "YBR_FULL_422", 0, 1)
    >>> decoded_format(stored, syntaxes.JPEG_BASELINE).photometric_interpretation
    'RGB'
    """
    if transfer_syntax_uid not in DECODABLE_SYNTAXES:
        raise DecodeError("Frames of this transfer syntax are not decoded by this origin server.")
    if transfer_syntax_uid in _AS_THEY_ARE or source.samples_per_pixel == 1:
        return source
    stored = source.photometric_interpretation
    if transfer_syntax_uid in _ALWAYS_RGB and source.samples_per_pixel == 3:
        decoded = "RGB"
    else:
        decoded = _UNDONE_TRANSFORMS.get(stored, stored)
    return replace(source, photometric_interpretation=decoded, planar_configuration=0)


def decode_frame(
    codestream: bytes,
    *,
    transfer_syntax_uid: str,
    source: PixelFormat,
    max_pixels: int,
) -> bytes:
    """Return a frame as native little-endian bytes.

    Args:
        codestream: one frame as stored, its fragments joined.
        transfer_syntax_uid: the stored transfer syntax.
        source: the stored layout.
        max_pixels: most samples of a frame.

    Returns:
        `decoded_format(source, transfer_syntax_uid).frame_bytes` bytes.

    Raises:
        DecodeError: the codestream is broken, contradicts `source`, or is too large.
    """
    decode = _DECODERS.get(transfer_syntax_uid)
    if decode is None:
        raise DecodeError("Frames of this transfer syntax are not decoded by this origin server.")
    if source.samples_per_frame > max_pixels:
        raise DecodeError("A frame has more samples than this origin server decodes.")
    return decode(codestream, source)


def native_value(frames: Iterable[bytes], target: PixelFormat) -> Iterator[bytes]:
    """Yield the value field of native Pixel Data, `target.value_bytes` in all, from its frames.

    Frames of one bit a sample that end inside a byte are joined bit by bit (PS3.5 8.1.1).
    """
    length = 0
    if target.frame_bits % 8:
        frames = _joined_bits(frames, target.frame_bits)
    for frame in frames:
        length += len(frame)
        yield frame
    if length % 2:
        yield b"\0"


def _joined_bits(frames: Iterable[bytes], frame_bits: int) -> Iterator[bytes]:
    rest = np.zeros(0, np.uint8)
    for frame in frames:
        bits = np.unpackbits(np.frombuffer(frame, np.uint8), count=frame_bits, bitorder="little")
        bits = np.concatenate((rest, bits))
        whole = len(bits) - len(bits) % 8
        rest = bits[whole:]
        yield np.packbits(bits[:whole], bitorder="little").tobytes()
    if len(rest):
        yield np.packbits(rest, bitorder="little").tobytes()


def _checked(codestream: Codestream, source: PixelFormat) -> Codestream:
    """Check that the codestream has the declared geometry, before anything is allocated for it."""
    if (codestream.rows, codestream.columns) != (source.rows, source.columns):
        raise DecodeError("The codestream has other rows and columns than the data set.")
    if codestream.samples not in {0, source.samples_per_pixel}:
        raise DecodeError("The codestream has other samples per pixel than the data set.")
    if codestream.precision > source.bits_allocated:
        raise DecodeError("The codestream has samples of more bits than the data set allocates.")
    return codestream


def _whole_jpeg(data: bytes, frame_headers: frozenset[int], source: PixelFormat) -> Codestream:
    """Read and check the header of a JPEG or JPEG-LS codestream, which must reach its end marker.

    Where it is missing, libjpeg makes samples up and CharLS searches for it through seconds.
    """
    codestream = _checked(read_jpeg(data, frame_headers), source)
    if not codestream.is_whole:
        raise DecodeError("The codestream is cut short.")
    return codestream


def _decode_dct(data: bytes, source: PixelFormat) -> bytes:
    codestream = _whole_jpeg(data, _SEQUENTIAL_DCT, source)
    if source.samples_per_pixel == 1:
        return _native(_run(imagecodecs.jpeg8_decode, data), codestream, source)
    # A codestream that says nothing of its colours has those of the data set.
    is_ybr = codestream.is_ybr
    if is_ybr is None:
        is_ybr = source.photometric_interpretation != "RGB"
    colorspace = "YCBCR" if is_ybr else "RGB"

    def decode(stream: bytes) -> NDArray[Any]:
        samples: NDArray[Any] = imagecodecs.jpeg8_decode(stream, colorspace=colorspace, outcolorspace="RGB")
        return samples

    return _native(_run(decode, data), codestream, source)


def _decode_lossless_jpeg(data: bytes, source: PixelFormat) -> bytes:
    codestream = _whole_jpeg(data, _LOSSLESS, source)
    if source.samples_per_pixel == 1:
        return _native(_run(imagecodecs.jpeg8_decode, data), codestream, source)

    def decode(stream: bytes) -> NDArray[Any]:
        # Equal spaces: the samples stay as they were encoded.
        samples: NDArray[Any] = imagecodecs.jpeg8_decode(stream, colorspace="RGB", outcolorspace="RGB")
        return samples

    return _native(_run(decode, data), codestream, source)


def _decode_jpeg_ls(data: bytes, source: PixelFormat) -> bytes:
    codestream = _whole_jpeg(data, _JPEG_LS, source)
    return _native(_run(imagecodecs.jpegls_decode, data), codestream, source)


def _decode_jpeg_2000(data: bytes, source: PixelFormat) -> bytes:
    # HTJ2K as well: OpenJPH takes half the time, but its binding returns zeros for what it cannot decode.
    codestream = _checked(read_jpeg_2000(data), source)
    return _native(_run(imagecodecs.jpeg2k_decode, codestream.data), codestream, source)


def _decode_jpeg_xl(data: bytes, source: PixelFormat) -> bytes:
    codestream = _checked(read_jpeg_xl(data), source)
    return _native(_run(imagecodecs.jpegxl_decode, data), codestream, source)


def _run(decode: Callable[[bytes], NDArray[Any]], data: bytes) -> NDArray[Any]:
    try:
        return decode(data)
    except _CODEC_ERRORS as error:
        raise DecodeError("The codestream cannot be decoded.") from error


def _native(samples: NDArray[Any], codestream: Codestream, source: PixelFormat) -> bytes:
    """Return decoded samples in the words that the data set allocates, signed as it says."""
    shape = (source.rows, source.columns, source.samples_per_pixel)
    if samples.shape not in {shape, shape[:2] if shape[2] == 1 else shape} or samples.dtype.kind not in "iub":
        raise DecodeError("The codestream decodes to samples of another shape than the data set declares.")
    if source.bits_allocated == 1:
        return np.packbits(samples.ravel() != 0, bitorder="little").tobytes()
    kind = "i" if source.pixel_representation else "u"
    word = np.dtype(f"<{kind}{source.bits_allocated // 8}")
    unused = source.bits_allocated - codestream.precision
    if not (source.pixel_representation and unused and samples.dtype.kind == "u"):
        return samples.astype(word, copy=False).tobytes()
    # The encoder saw the low bits of signed samples as unsigned ones: their highest bit is the sign.
    wide = samples.astype(word)
    wide <<= unused
    wide >>= unused
    return wide.tobytes()


_RLE_HEADER: Final = struct.Struct("<16I")


def _decode_rle(data: bytes, source: PixelFormat) -> bytes:
    """Decode RLE segments, one a byte of each sample, most significant first (PS3.5 G)."""
    size = source.bits_allocated // 8
    segments = source.samples_per_pixel * size
    if not size or segments > 15:
        raise DecodeError("Pixel data of this layout have no RLE form.")
    if len(data) < _RLE_HEADER.size:
        raise DecodeError("The RLE header is cut short.", offset=0)
    count, *offsets = _RLE_HEADER.unpack_from(data)
    bounds = [*offsets[:segments], len(data)]
    if count != segments or offsets[0] != _RLE_HEADER.size or sorted(set(bounds)) != bounds:
        raise DecodeError("The RLE header does not fit the data set.", offset=0)
    planes = bytearray(source.samples_per_frame * size)
    try:
        decoded = imagecodecs.dicomrle_decode(data, f"<u{size}", out=planes)
    except _CODEC_ERRORS as error:
        raise DecodeError("An RLE segment cannot be decoded.") from error
    if len(decoded) != len(planes):
        raise DecodeError("An RLE segment is shorter than its plane.")
    if source.samples_per_pixel == 1:
        return bytes(planes)
    samples = np.frombuffer(planes, f"<u{size}").reshape(source.samples_per_pixel, -1)
    return np.ascontiguousarray(samples.T).tobytes()


def _inflate(data: bytes, source: PixelFormat) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        frame = inflater.decompress(data, source.frame_bytes + 2)
    except zlib.error as error:
        raise DecodeError("A deflated frame cannot be inflated.") from error
    if not inflater.eof:
        raise DecodeError("A deflated frame has another length than the data set declares.")
    return _exact(frame, source)


def _exact(frame: bytes, source: PixelFormat) -> bytes:
    """Return the frame without the padding that makes its fragment even."""
    length = source.frame_bytes
    if not length <= len(frame) <= length + 1:
        raise DecodeError("A frame has another length than the data set declares.")
    return frame[:length]


_UNDONE_TRANSFORMS: Final[Mapping[str, str]] = {
    "YBR_ICT": "RGB",
    "YBR_RCT": "RGB",
    "XYB": "RGB",
    # The codecs give every pixel all its samples.
    "YBR_FULL_422": "YBR_FULL",
}

_ALWAYS_RGB: Final = frozenset(
    {syntaxes.JPEG_BASELINE, syntaxes.JPEG_EXTENDED, syntaxes.JPEG_XL_RECOMPRESSION, syntaxes.JPEG_XL},
)
"""Syntaxes whose decoder turns three samples into RGB."""

_AS_THEY_ARE: Final = frozenset({syntaxes.ENCAPSULATED_UNCOMPRESSED, syntaxes.DEFLATED_IMAGE_FRAME})
"""Syntaxes whose frames are native bytes."""

_DECODERS: Final[Mapping[str, Callable[[bytes, PixelFormat], bytes]]] = {
    syntaxes.ENCAPSULATED_UNCOMPRESSED: _exact,
    syntaxes.DEFLATED_IMAGE_FRAME: _inflate,
    syntaxes.RLE_LOSSLESS: _decode_rle,
    syntaxes.JPEG_BASELINE: _decode_dct,
    syntaxes.JPEG_EXTENDED: _decode_dct,
    syntaxes.JPEG_LOSSLESS: _decode_lossless_jpeg,
    syntaxes.JPEG_LOSSLESS_SV1: _decode_lossless_jpeg,
    syntaxes.JPEG_LS_LOSSLESS: _decode_jpeg_ls,
    syntaxes.JPEG_LS_NEAR_LOSSLESS: _decode_jpeg_ls,
    syntaxes.JPEG_2000_LOSSLESS: _decode_jpeg_2000,
    syntaxes.JPEG_2000: _decode_jpeg_2000,
    syntaxes.JPEG_2000_PART_2_LOSSLESS: _decode_jpeg_2000,
    syntaxes.JPEG_2000_PART_2: _decode_jpeg_2000,
    syntaxes.JPEG_XL_LOSSLESS: _decode_jpeg_xl,
    syntaxes.JPEG_XL_RECOMPRESSION: _decode_jpeg_xl,
    syntaxes.JPEG_XL: _decode_jpeg_xl,
    syntaxes.HTJ2K_LOSSLESS: _decode_jpeg_2000,
    syntaxes.HTJ2K_LOSSLESS_RPCL: _decode_jpeg_2000,
    syntaxes.HTJ2K: _decode_jpeg_2000,
}

DECODABLE_SYNTAXES: Final = frozenset(_DECODERS)
"""Encapsulated transfer syntaxes whose frames `decode_frame` decodes."""
