"""Frames as arrays: native pixels of every layout (PS3.3 C.7.6.3, PS3.5 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.errors import NotAcceptable

_FLOATS: Final[Mapping[int, str]] = {32: "<f4", 64: "<f8"}


def frame_words(data: bytes, layout: PixelFormat) -> NDArray[Any]:
    """Return the words of a frame as they are stored, unsigned.

    Args:
        data: native little-endian pixels of one frame that begins on a byte.
        layout: of the data.

    Returns:
        Shape (rows, columns), or (rows, columns, samples): colours are interleaved and chroma is doubled.

    Raises:
        NotAcceptable: the data are shorter than the layout says, or of a layout that is not shown.
    """
    if len(data) < layout.frame_bytes:
        raise NotAcceptable("The pixel data of the instance are shorter than it says.")
    if layout.bits_allocated == 1:
        words = np.unpackbits(np.frombuffer(data, np.uint8), count=layout.samples_per_frame, bitorder="little")
    else:
        size = layout.bits_allocated // 8
        words = np.frombuffer(data, f"<u{size}", count=layout.frame_bytes // size)
    if layout.photometric_interpretation.endswith("_422"):
        return _with_doubled_chroma(words, layout)
    if layout.samples_per_pixel == 1:
        return words.reshape(layout.rows, layout.columns)
    if layout.planar_configuration == 1:
        planes = words.reshape(layout.samples_per_pixel, layout.rows, layout.columns)
        return np.moveaxis(planes, 0, 2)
    return words.reshape(layout.rows, layout.columns, layout.samples_per_pixel)


def _with_doubled_chroma(words: NDArray[Any], layout: PixelFormat) -> NDArray[Any]:
    """Return Y, Cb, Cr of each pixel where two neighbours share Cb and Cr: Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2)."""
    if layout.columns % 2:
        raise NotAcceptable("Pixels with halved chroma and an odd number of columns cannot be shown.")
    groups = words.reshape(layout.rows, layout.columns // 2, 4)
    pixels = np.empty((layout.rows, layout.columns, 3), words.dtype)
    pixels[..., 0] = groups[..., :2].reshape(layout.rows, layout.columns)
    pixels[..., 1:] = np.repeat(groups[..., 2:], 2, axis=1)
    return pixels


def frame_floats(data: bytes, layout: PixelFormat) -> NDArray[np.float64]:
    """Return the pixels of Float or Double Float Pixel Data, shape (rows, columns).

    Raises:
        NotAcceptable: the data are shorter than the layout says, or have several samples a pixel.
    """
    word: np.dtype[Any] = np.dtype(_FLOATS[layout.bits_allocated])
    count = layout.rows * layout.columns
    if len(data) < count * word.itemsize or layout.samples_per_pixel != 1:
        raise NotAcceptable("The pixel data of the instance are shorter than it says.")
    pixels: NDArray[np.float64] = np.frombuffer(data, word, count=count).astype(np.float64)
    return pixels.reshape(layout.rows, layout.columns)


def eight_bits(words: NDArray[Any], layout: PixelFormat) -> NDArray[np.uint8]:
    """Return colour samples with 8 bits each: scaled where more or fewer are stored.

    >>> from dataclasses import replace
    >>> layout = PixelFormat(1, 1, 3, 16, 12, 11, 0, "RGB", 0, 1)
    >>> eight_bits(np.array([[[0, 2048, 4095]]], np.uint16), layout).tolist()
    [[[0, 128, 255]]]
    """
    if layout.bits_allocated == layout.bits_stored == 8:
        return words.astype(np.uint8, copy=False)
    top = (1 << layout.bits_stored) - 1
    values = (words.astype(np.int64) >> max(layout.high_bit + 1 - layout.bits_stored, 0)) & top
    scaled: NDArray[np.uint8] = np.floor(values * (255.0 / top) + 0.5).astype(np.uint8)
    return scaled
