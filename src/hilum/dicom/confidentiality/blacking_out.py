"""Black for all pixels of a frame that do not lie in a region (PS3.15 E.3.1: the stored values change)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.dicom.confidentiality.burned_in import CannotClean, Region
from hilum.dicom.pixels.pixel_format import PixelFormat

_NEUTRAL_CHROMA: Final = 128


def blacked_out(frame: bytes, layout: PixelFormat, kept: Sequence[Region]) -> bytes:
    """Return a native frame whose pixels outside of all regions are black.

    Args:
        frame: `layout.frame_bytes` bytes, little endian.
        layout: 8 or 16 bits allocated, every sample of every pixel there.
        kept: what stays as it is; what reaches beyond the frame is cut.

    Raises:
        CannotClean: the pixels are laid out so that they are not blacked out here.
    """
    if layout.bits_allocated not in (8, 16) or layout.photometric_interpretation.endswith(("_422", "_420")):
        raise CannotClean("The pixels of the instance are of a kind that is not cleaned.")
    hidden = np.ones((layout.rows, layout.columns), bool)
    for region in kept:
        hidden[region.top : region.bottom, region.left : region.right] = False
    samples = np.frombuffer(frame, f"<u{layout.bits_allocated // 8}").copy()
    for plane, black in zip(_planes(samples, layout), _black(layout), strict=True):
        plane[hidden] = black
    return samples.tobytes()


def _planes(samples: NDArray[Any], layout: PixelFormat) -> list[NDArray[Any]]:
    """Return the samples as one array of shape (rows, columns) a channel; all are views."""
    rows, columns, count = layout.rows, layout.columns, layout.samples_per_pixel
    if layout.planar_configuration == 1:
        return [samples[n * rows * columns :][: rows * columns].reshape(rows, columns) for n in range(count)]
    return [samples[n::count][: rows * columns].reshape(rows, columns) for n in range(count)]


def _black(layout: PixelFormat) -> list[int]:
    photometric = layout.photometric_interpretation
    if photometric == "MONOCHROME1":
        # The greatest value is black; of signed ones the greatest positive.
        return [(1 << (layout.bits_stored - layout.pixel_representation)) - 1]
    if photometric == "MONOCHROME2" and layout.pixel_representation:
        return [1 << (layout.bits_stored - 1)]
    if photometric.startswith("YBR"):
        return [0, _NEUTRAL_CHROMA, _NEUTRAL_CHROMA]
    return [0] * layout.samples_per_pixel
