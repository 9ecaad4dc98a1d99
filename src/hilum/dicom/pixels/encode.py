"""Encoding of native frames, one frame at a time, and how the encoded frames describe themselves.

To offer another transfer syntax as a target, add a row to `ENCODERS`.

Lossless means: every bit of every allocated word comes back. Where samples use more bits than Bits Stored says, as
those with overlays in their high bits do, the codestream gets the precision of Bits Allocated.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import imagecodecs
import numpy as np

from hilum.dicom import transfer_syntaxes as syntaxes
from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.reading.instance import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

_CODEC_ERRORS: Final = (RuntimeError, ValueError, TypeError, MemoryError, OverflowError)
_GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
_PALETTE: Final = frozenset({"PALETTE COLOR"})
_RGB: Final = frozenset({"RGB"})
_YBR: Final = frozenset({"YBR_FULL", "YBR_FULL_422"})
_MOST_RLE_SEGMENTS: Final = 15
_RLE_HEADER: Final = struct.Struct("<16I")
_SMALLEST_RESOLUTION: Final = 64
_TILE_PART_A_RESOLUTION: Final = 1
_HTJ2K_COMPONENTS: Final = struct.Struct(">H")
_HTJ2K_COMPONENTS_OFFSET: Final = 40

# Errors that a radiologist does not see; a user agent that wants others compresses for itself.
_JPEG_QUALITY: Final = 90
_JPEG_LS_NEAR: Final = 2
_JPEG_2000_PSNR: Final = 50
_HTJ2K_STEP: Final = 1 / 2048
# Of the range of samples that a frame has; 16 bits are often allocated for what needs 11.
_FINEST_HTJ2K_STEP: Final = 1 / 2**16
_JPEG_XL_DISTANCE: Final = 1.0
# Effort 1 is ten times as fast, and wrong for one in 200 small colour frames of noise (libjxl 0.11).
_JPEG_XL_LOSSLESS_EFFORT: Final = 2
_JPEG_XL_LOSSY_EFFORT: Final = 3


@dataclass(frozen=True, slots=True)
class _Samples:
    """The samples of one frame, ready for a codec."""

    values: NDArray[Any]
    """Shape (rows, columns) or (rows, columns, 3); words of 8 or 16 bits, signed as the data set says."""
    precision: int
    """Bits that hold every sample."""
    is_rgb: bool

    @property
    def is_signed(self) -> bool:
        """Whether samples may be negative."""
        return self.values.dtype.kind == "i"

    @property
    def low_bits(self) -> NDArray[Any]:
        """The samples as unsigned words of `precision` bits, for codecs that know no sign."""
        if not self.is_signed:
            return self.values
        unsigned: NDArray[Any] = self.values.view(f"u{self.values.itemsize}") & ((1 << self.precision) - 1)
        return unsigned


@dataclass(frozen=True, slots=True)
class Encoder:
    """One row of the table: how frames get into a transfer syntax, and which of them."""

    encode: Callable[[bytes, PixelFormat], bytes]
    fits: Callable[[PixelFormat], bool]
    """Whether frames of a native layout can be encoded so."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Photometric Interpretation of the native frame to that of the encoded one, where they differ."""
    planar_configuration: int | None = 0
    """None: that of the native frame."""
    method: str = ""
    """Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1); '': lossless."""


def can_encode(source: PixelFormat, transfer_syntax_uid: str) -> bool:
    """Say whether native frames of a layout can be encoded in a transfer syntax."""
    encoder = ENCODERS.get(transfer_syntax_uid)
    return encoder is not None and encoder.fits(source)


def encoded_format(source: PixelFormat, transfer_syntax_uid: str) -> PixelFormat:
    """Return the layout that encoded frames are described by.

    Args:
        source: layout of the native frames.
        transfer_syntax_uid: the target.

    Raises:
        DecodeError: frames of this layout have no form in the transfer syntax.

    Source: PS3.5 8.2 (Photometric Interpretation by transfer syntax).

    >>> native = PixelFormat(2, 2, 3, 8, 8, 7, 0, "RGB", 1, 1)
    >>> encoded_format(native, syntaxes.JPEG_2000_LOSSLESS).photometric_interpretation
    'YBR_RCT'
    """
    encoder = ENCODERS.get(transfer_syntax_uid)
    if encoder is None or not encoder.fits(source):
        raise DecodeError("Pixel data of this layout have no form in the transfer syntax.")
    planar = encoder.planar_configuration
    if source.samples_per_pixel == 1:
        return source
    name = encoder.colours.get(source.photometric_interpretation, source.photometric_interpretation)
    return replace(
        source,
        photometric_interpretation=name,
        planar_configuration=source.planar_configuration if planar is None else planar,
    )


def encode_frame(native: bytes, *, transfer_syntax_uid: str, source: PixelFormat) -> bytes:
    """Return the bare codestream of a frame.

    Args:
        native: the frame, little endian.
        transfer_syntax_uid: the target.
        source: layout of `native`.

    Raises:
        DecodeError: the frame has another length than `source` says, or no form in the transfer syntax.
    """
    encoder = ENCODERS.get(transfer_syntax_uid)
    if encoder is None or not encoder.fits(source):
        raise DecodeError("Pixel data of this layout have no form in the transfer syntax.")
    if len(native) != source.frame_bytes:
        raise DecodeError("A frame has another length than the data set declares.")
    try:
        return encoder.encode(native, source)
    except _CODEC_ERRORS as error:
        if isinstance(error, DecodeError):
            raise
        raise DecodeError("A frame cannot be encoded in the transfer syntax.") from error


def _words(native: bytes, source: PixelFormat) -> NDArray[Any]:
    """Return the words of a frame, shape (rows, columns, samples per pixel), every pixel with all its samples."""
    kind = "i" if source.pixel_representation else "u"
    words = np.frombuffer(native, f"<{kind}{source.bits_allocated // 8}")
    rows, columns, samples = source.rows, source.columns, source.samples_per_pixel
    if source.photometric_interpretation == "YBR_FULL_422":
        # Y1 Y2 CB CR for each pair of pixels (PS3.3 C.7.6.3.1.2).
        pairs = words.reshape(rows, columns // 2, 4)
        luminance = pairs[:, :, :2].reshape(rows, columns, 1)
        return np.concatenate((luminance, np.repeat(pairs[:, :, 2:], 2, axis=1)), axis=2)
    if source.planar_configuration == 1:
        return words.reshape(samples, rows, columns).transpose(1, 2, 0)
    return words.reshape(rows, columns, samples)


def _samples(native: bytes, source: PixelFormat) -> _Samples:
    words = _words(native, source)
    if source.samples_per_pixel == 1:
        words = words[:, :, 0]
    # Codecs and numbers of two bits or less do not agree everywhere.
    precision = max(2, source.bits_stored)
    if source.high_bit != source.bits_stored - 1 or not _holds(words, source.bits_stored):
        precision = source.bits_allocated
    size = 1 if precision <= 8 else 2
    values = np.ascontiguousarray(words.astype(f"{words.dtype.kind}{size}", copy=False))
    return _Samples(values, precision, is_rgb=source.photometric_interpretation == "RGB")


def _holds(words: NDArray[Any], bits: int) -> bool:
    """Say whether so many bits hold every sample."""
    if bits == 8 * words.itemsize:
        return True
    if words.dtype.kind == "u":
        return int(words.max()) < 1 << bits
    return -(1 << bits - 1) <= int(words.min()) and int(words.max()) < 1 << bits - 1


def _unchanged(native: bytes, _source: PixelFormat) -> bytes:
    return native


def _deflate(native: bytes, _source: PixelFormat) -> bytes:
    deflater = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflater.compress(native) + deflater.flush()


def _encode_rle(native: bytes, source: PixelFormat) -> bytes:
    """Encode RLE segments, one a byte of each sample, most significant first, row by row (PS3.5 G)."""
    words = _words(native, source)
    size = words.itemsize
    octets = np.ascontiguousarray(words).view(np.uint8).reshape(source.rows, source.columns, -1, size)
    segments = []
    for sample in range(source.samples_per_pixel):
        for byte in reversed(range(size)):
            plane = np.ascontiguousarray(octets[:, :, sample, byte])
            segment = imagecodecs.packbits_encode(plane)
            segments.append(segment + b"\0" * (len(segment) % 2))
    offsets, position = [], _RLE_HEADER.size
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    header = _RLE_HEADER.pack(len(segments), *offsets, *([0] * (_MOST_RLE_SEGMENTS - len(offsets))))
    return header + b"".join(segments)


def _encode_lossless_jpeg(native: bytes, source: PixelFormat) -> bytes:
    samples = _samples(native, source)
    # Equal spaces: the samples stay as they are.
    space = "RGB" if source.samples_per_pixel == 3 else None
    return bytes(
        imagecodecs.jpeg8_encode(
            samples.low_bits,
            lossless=True,
            predictor=1,
            bitspersample=samples.precision,
            colorspace=space,
            outcolorspace=space,
        )
    )


def _encode_dct(native: bytes, source: PixelFormat) -> bytes:
    samples = _samples(native, source)
    if samples.precision != source.bits_stored:
        raise DecodeError("Samples use more bits than the data set says, and lossy JPEG has no room for them.")
    space = None if source.samples_per_pixel == 1 else "RGB" if samples.is_rgb else "YCBCR"
    return bytes(
        imagecodecs.jpeg8_encode(
            samples.values,
            _JPEG_QUALITY,
            bitspersample=samples.precision,
            colorspace=space,
            outcolorspace="YCBCR" if space else None,
            subsampling="422" if space else None,
        )
    )


def _encode_jpeg_ls(native: bytes, source: PixelFormat) -> bytes:
    return _jpeg_ls(_samples(native, source).values, near=0)


def _encode_jpeg_ls_near(native: bytes, source: PixelFormat) -> bytes:
    """Encode with small errors, unless one could carry a sample out of its range: then without any.

    The codec keeps samples within whole unsigned words alone.
    """
    samples = _samples(native, source)
    is_guarded = samples.is_signed or 8 * samples.values.itemsize > source.bits_stored
    top = (1 << source.bits_stored - source.pixel_representation) - 1
    low = -top - 1 if source.pixel_representation else 0
    near = _JPEG_LS_NEAR
    is_tight = int(samples.values.max()) > top - near or (samples.is_signed and int(samples.values.min()) < low + near)
    if is_guarded and is_tight:
        near = 0
    return _jpeg_ls(samples.values, near=near)


def _jpeg_ls(values: NDArray[Any], *, near: int) -> bytes:
    """Encode whole words: the binding of CharLS knows no other precision."""
    # Noise may grow, by more than the binding reckons with.
    room = 2 * values.nbytes + 4096
    return bytes(imagecodecs.jpegls_encode(values.view(f"u{values.itemsize}"), near, out=room))


def _encode_jpeg_2000(native: bytes, source: PixelFormat) -> bytes:
    return _jpeg_2000(_samples(native, source), psnr=0)


def _encode_jpeg_2000_lossy(native: bytes, source: PixelFormat) -> bytes:
    samples = _samples(native, source)
    # The codec counts from the whole range that the precision allows.
    return _jpeg_2000(samples, psnr=round(_JPEG_2000_PSNR - 20 * math.log10(_used_share(samples))))


def _used_share(samples: _Samples) -> float:
    """Return which share of the range that their precision allows the samples of a frame use, above 0 to 1."""
    used = max(1, int(samples.values.max()) - int(samples.values.min()))
    return float(used / ((1 << samples.precision) - 1))


def _jpeg_2000(samples: _Samples, *, psnr: int) -> bytes:
    return bytes(
        imagecodecs.jpeg2k_encode(
            samples.values,
            psnr,
            codecformat="j2k",
            reversible=psnr == 0,
            bitspersample=samples.precision,
            mct=samples.is_rgb,
            planar=False,
            numthreads=1,
        )
    )


def _encode_htj2k(native: bytes, source: PixelFormat) -> bytes:
    samples = _samples(native, source)
    stream = imagecodecs.htj2k_encode(_centred(samples), rgb=samples.is_rgb, planar=False, reversible=True)
    return _with_precision(bytes(stream), samples)


def _encode_htj2k_rpcl(native: bytes, source: PixelFormat) -> bytes:
    """Encode with a tile-part a resolution, their lengths ahead, the smallest of at most 64 x 64 (PS3.5 8.2.14)."""
    samples = _samples(native, source)
    longest = max(source.rows, source.columns)
    stream = imagecodecs.htj2k_encode(
        _centred(samples),
        rgb=samples.is_rgb,
        planar=False,
        reversible=True,
        tlm=True,
        tilepart=_TILE_PART_A_RESOLUTION,
        resolutions=max(1, (-(-longest // _SMALLEST_RESOLUTION) - 1).bit_length()),
    )
    return _with_precision(bytes(stream), samples)


def _centred(samples: _Samples) -> NDArray[Any]:
    """Return samples as the encoder has to see them, so that `_with_precision` may put the precision right.

    OpenJPH's binding knows precisions of whole words only. The precision of a reversible codestream says just by how
    much unsigned samples are shifted (T.800 G.1.2), so they are shifted here and encoded as signed ones.
    """
    values = samples.values
    if samples.precision == 8 * values.itemsize or samples.is_signed:
        return values
    # Unsigned words wrap around to the same bits that signed ones have.
    signed: NDArray[Any] = (values - values.dtype.type(1 << samples.precision - 1)).view(f"i{values.itemsize}")
    return signed


def _encode_htj2k_lossy(native: bytes, source: PixelFormat) -> bytes:
    """Encode irreversibly; there the precision scales the samples, so they are moved to the top of their words."""
    samples = _samples(native, source)
    unused = 8 * samples.values.itemsize - samples.precision
    values = samples.values << samples.values.dtype.type(unused)
    step = max(_FINEST_HTJ2K_STEP, _HTJ2K_STEP * _used_share(samples))
    stream = imagecodecs.htj2k_encode(values, step, rgb=samples.is_rgb, planar=False, reversible=False)
    return _with_precision(bytes(stream), samples)


def _with_precision(stream: bytes, samples: _Samples) -> bytes:
    """Return an HTJ2K codestream with the precision and the sign of `samples` in its SIZ segment (T.800 A.5.1)."""
    patched = bytearray(stream)
    (components,) = _HTJ2K_COMPONENTS.unpack_from(patched, _HTJ2K_COMPONENTS_OFFSET)
    start = _HTJ2K_COMPONENTS_OFFSET + _HTJ2K_COMPONENTS.size
    for offset in range(start, start + 3 * components, 3):
        patched[offset] = (samples.precision - 1) | (0x80 if samples.is_signed else 0)
    return bytes(patched)


def _encode_jpeg_xl(native: bytes, source: PixelFormat) -> bytes:
    samples = _samples(native, source)
    return bytes(
        imagecodecs.jpegxl_encode(
            samples.values,
            lossless=True,
            effort=_JPEG_XL_LOSSLESS_EFFORT,
            bitspersample=samples.precision,
            usecontainer=False,
            numthreads=1,
        )
    )


def _encode_jpeg_xl_lossy(native: bytes, source: PixelFormat) -> bytes:
    samples = _samples(native, source)
    return bytes(
        imagecodecs.jpegxl_encode(
            samples.values,
            lossless=False,
            distance=_JPEG_XL_DISTANCE,
            effort=_JPEG_XL_LOSSY_EFFORT,
            bitspersample=samples.precision,
            usecontainer=False,
            numthreads=1,
        )
    )


def _fits_always(_source: PixelFormat) -> bool:
    return True


def _is_of(source: PixelFormat, one_sample: frozenset[str], three_samples: frozenset[str]) -> bool:
    if source.photometric_interpretation == "YBR_FULL_422" and (source.columns % 2 or source.planar_configuration):
        return False
    allowed = {1: one_sample, 3: three_samples}.get(source.samples_per_pixel, frozenset())
    return source.photometric_interpretation in allowed


def _fits_rle(source: PixelFormat) -> bool:
    return source.bits_allocated in {8, 16, 32} and _is_of(source, _GREY | _PALETTE, _RGB | _YBR)


def _fits_words(source: PixelFormat) -> bool:
    return source.bits_allocated in {8, 16} and _is_of(source, _GREY | _PALETTE, _RGB | _YBR)


def _fits_words_lossy(source: PixelFormat) -> bool:
    # Few grey levels are labels, not intensities, and codecs overshoot them.
    return source.bits_allocated in {8, 16} and source.bits_stored >= 8 and _is_of(source, _GREY, _RGB | _YBR)


def _fits_jpeg_xl(source: PixelFormat) -> bool:
    # It has no signed samples, and what is no RGB would be taken for it.
    return (
        source.bits_allocated in {8, 16} and not source.pixel_representation and _is_of(source, _GREY | _PALETTE, _RGB)
    )


def _fits_jpeg_xl_lossy(source: PixelFormat) -> bool:
    # It encodes what an eye sees: that is nothing for values that are windowed first.
    return _fits_jpeg_xl(source) and source.bits_stored == 8 and _fits_words_lossy(source)


def _fits_baseline(source: PixelFormat) -> bool:
    return (source.bits_stored, source.high_bit, source.pixel_representation) == (8, 7, 0) and _fits_words_lossy(source)


def _fits_extended(source: PixelFormat) -> bool:
    is_12_bits = (source.bits_stored, source.high_bit, source.pixel_representation) == (12, 11, 0)
    return is_12_bits and source.bits_allocated == 16 and _is_of(source, _GREY, frozenset())


_FULL: Final = {"YBR_FULL_422": "YBR_FULL"}
_REVERSIBLE: Final = {**_FULL, "RGB": "YBR_RCT"}
_IRREVERSIBLE: Final = {**_FULL, "RGB": "YBR_ICT"}
_SUBSAMPLED: Final = {"RGB": "YBR_FULL_422", "YBR_FULL": "YBR_FULL_422"}

ENCODERS: Final[Mapping[str, Encoder]] = {
    syntaxes.ENCAPSULATED_UNCOMPRESSED: Encoder(_unchanged, _fits_always, planar_configuration=None),
    syntaxes.DEFLATED_IMAGE_FRAME: Encoder(_deflate, _fits_always, planar_configuration=None),
    syntaxes.RLE_LOSSLESS: Encoder(_encode_rle, _fits_rle, _FULL, planar_configuration=1),
    syntaxes.JPEG_LOSSLESS_SV1: Encoder(_encode_lossless_jpeg, _fits_words, _FULL),
    syntaxes.JPEG_LS_LOSSLESS: Encoder(_encode_jpeg_ls, _fits_words, _FULL),
    syntaxes.JPEG_2000_LOSSLESS: Encoder(_encode_jpeg_2000, _fits_words, _REVERSIBLE),
    syntaxes.HTJ2K_LOSSLESS: Encoder(_encode_htj2k, _fits_words, _REVERSIBLE),
    syntaxes.HTJ2K_LOSSLESS_RPCL: Encoder(_encode_htj2k_rpcl, _fits_words, _REVERSIBLE),
    syntaxes.JPEG_XL_LOSSLESS: Encoder(_encode_jpeg_xl, _fits_jpeg_xl),
    syntaxes.JPEG_BASELINE: Encoder(_encode_dct, _fits_baseline, _SUBSAMPLED, method="ISO_10918_1"),
    syntaxes.JPEG_EXTENDED: Encoder(_encode_dct, _fits_extended, method="ISO_10918_1"),
    syntaxes.JPEG_LS_NEAR_LOSSLESS: Encoder(_encode_jpeg_ls_near, _fits_words_lossy, _FULL, method="ISO_14495_1"),
    syntaxes.JPEG_2000: Encoder(_encode_jpeg_2000_lossy, _fits_words_lossy, _IRREVERSIBLE, method="ISO_15444_1"),
    syntaxes.HTJ2K: Encoder(_encode_htj2k_lossy, _fits_words_lossy, _IRREVERSIBLE, method="ISO_15444_15"),
    syntaxes.JPEG_XL: Encoder(_encode_jpeg_xl_lossy, _fits_jpeg_xl_lossy, {"RGB": "XYB"}, method="ISO_18181_1"),
}
"""Encapsulated transfer syntaxes that frames can be encoded in."""

LOSSLESS_TARGETS: Final = (
    syntaxes.JPEG_LOSSLESS_SV1,
    syntaxes.RLE_LOSSLESS,
    syntaxes.JPEG_LS_LOSSLESS,
    syntaxes.JPEG_2000_LOSSLESS,
    syntaxes.HTJ2K_LOSSLESS,
    syntaxes.HTJ2K_LOSSLESS_RPCL,
    syntaxes.JPEG_XL_LOSSLESS,
    syntaxes.DEFLATED_IMAGE_FRAME,
    syntaxes.ENCAPSULATED_UNCOMPRESSED,
)
"""Lossless ones, in the order of PS3.18 Table 8.7.3-5."""

LOSSY_TARGETS: Final = tuple(uid for uid, encoder in ENCODERS.items() if encoder.method)
