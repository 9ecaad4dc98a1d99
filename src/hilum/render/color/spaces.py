"""Colour models of stored pixels as RGB (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.errors import NotAcceptable

Rgb = NDArray[np.uint8]


def to_rgb(samples: Rgb, photometric_interpretation: str) -> Rgb:
    """Return colour samples as RGB.

    Args:
        samples: shape (rows, columns, 3).
        photometric_interpretation: their model.

    Raises:
        NotAcceptable: a retired model that is not shown.

    >>> to_rgb(np.array([[[76, 85, 255], [150, 44, 21]]], np.uint8), "YBR_FULL").tolist()
    [[[254, 0, 0], [0, 255, 1]]]
    """
    convert = _CONVERSIONS.get(photometric_interpretation)
    if convert is None:
        raise NotAcceptable(f"Pixels with the colour model {photometric_interpretation[:16]} are not shown.")
    return convert(samples)


def _as_it_is(samples: Rgb) -> Rgb:
    return samples


def _table(factor: float, zero: int) -> NDArray[np.float32]:
    return ((np.arange(256, dtype=np.float64) - zero) * factor).astype(np.float32)


def _converter(
    luma: tuple[float, int], red_cr: float, green: tuple[float, float], blue_cb: float
) -> Callable[[Rgb], Rgb]:
    """Return a conversion from luma and chroma; products of a byte come from tables of 256 entries."""
    y_of = _table(*luma)
    cr_red, cb_green, cr_green, cb_blue = (_table(factor, 128) for factor in (red_cr, green[0], green[1], blue_cb))

    def convert(samples: Rgb) -> Rgb:
        y, cb, cr = y_of[samples[..., 0]], samples[..., 1], samples[..., 2]
        channels: tuple[NDArray[Any], ...] = (y + cr_red[cr], y - cb_green[cb] - cr_green[cr], y + cb_blue[cb])
        rgb = np.empty(samples.shape, np.uint8)
        for number, channel in enumerate(channels):
            rgb[..., number] = np.clip(np.floor(channel + 0.5), 0, 255)
        return rgb

    return convert


_full: Final = _converter((1.0, 0), 1.402, (0.344136, 0.714136), 1.772)
_partial: Final = _converter((1.1644, 16), 1.5960, (0.3918, 0.8130), 2.0172)

_CONVERSIONS: Final[Mapping[str, Callable[[Rgb], Rgb]]] = {
    "RGB": _as_it_is,
    # The codecs have undone these.
    "YBR_RCT": _as_it_is,
    "YBR_ICT": _as_it_is,
    "XYB": _as_it_is,
    "YBR_FULL": _full,
    "YBR_FULL_422": _full,
    "YBR_PARTIAL_422": _partial,
    "YBR_PARTIAL_420": _partial,
}


def lab_to_rgb(lab: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return the sRGB colour of a CIELab value as DICOM writes it: three integers of 16 bits (PS3.3 C.10.7.1.1).

    >>> lab_to_rgb((65535, 32896, 32896)), lab_to_rgb((0, 32896, 32896))
    ((255, 255, 255), (0, 0, 0))
    """
    lightness, a, b = lab[0] * 100 / 65535, lab[1] * 255 / 65535 - 128, lab[2] * 255 / 65535 - 128
    y = (lightness + 16) / 116
    # The profile connection space has the white point D50.
    xyz = [
        scale * _unfolded(part)
        for scale, part in zip((0.96422, 1.0, 0.82521), (y + a / 500, y, y - b / 200), strict=True)
    ]
    linear = np.array(_XYZ_TO_SRGB) @ np.array(xyz)
    red, green, blue = (_gamma(float(value)) for value in linear)
    return red, green, blue


_XYZ_TO_SRGB: Final = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
"""From D50 to linear sRGB, Bradford adaptation included."""


def _unfolded(part: float) -> float:
    return part**3 if part > 6 / 29 else 3 * (6 / 29) ** 2 * (part - 4 / 29)


def _gamma(linear: float) -> int:
    value = min(max(linear, 0.0), 1.0)
    value = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return int(value * 255 + 0.5)
