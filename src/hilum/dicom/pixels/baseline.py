"""Native frames as JPEG Baseline (Process 1): 8 bits, grey or three colours."""

from __future__ import annotations

import imagecodecs
import numpy as np

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.dicom.reading.instance import DecodeError

METHOD = "ISO_10918_1"
"""Lossy Image Compression Method."""
_QUALITY = 90
_GRAY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLORS = {"RGB": "RGB", "YBR_FULL": "YCbCr"}


def check_baseline(layout: PixelFormat) -> None:
    """Check that frames of a layout can be JPEG Baseline.

    Raises:
        DecodeError: they have more than 8 bits, or are of a kind that it does not take.
    """
    photometric = layout.photometric_interpretation
    is_taken = photometric in _GRAY or photometric in _COLORS
    if layout.bits_allocated != 8 or layout.pixel_representation or not is_taken:
        raise DecodeError("JPEG Baseline takes unsigned pixels of 8 bits, grey or in three colours.")


def baseline_photometric(layout: PixelFormat) -> str:
    """Return Photometric Interpretation of the encoded frames."""
    return layout.photometric_interpretation if layout.samples_per_pixel == 1 else "YBR_FULL_422"


def baseline_frame(frame: bytes, layout: PixelFormat) -> bytes:
    """Return a native frame as a codestream of even length.

    Source: PS3.5 8.2.1, A.4.1.
    """
    samples = np.frombuffer(frame, np.uint8, count=layout.frame_bytes)
    if layout.samples_per_pixel == 1:
        data = imagecodecs.jpeg8_encode(samples.reshape(layout.rows, layout.columns), level=_QUALITY)
    else:
        shape = (layout.rows, layout.columns, 3)
        if layout.planar_configuration == 1:
            samples = np.ascontiguousarray(samples.reshape(3, layout.rows, layout.columns).transpose(1, 2, 0))
        data = imagecodecs.jpeg8_encode(
            samples.reshape(shape),
            level=_QUALITY,
            colorspace=_COLORS[layout.photometric_interpretation],
            outcolorspace="YCbCr",
            subsampling="422",
        )
    return bytes(data) + b"\0" * (len(data) % 2)
