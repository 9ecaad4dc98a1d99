"""The grayscale transformation as a value, and its application to stored pixels (PS3.4 N.2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.render.grayscale.tables import LookUpTable
from hilum.render.grayscale.windowing import WHITE, FloatArray, apply_window, rounded
from hilum.render.parameters import Window


@dataclass(frozen=True, slots=True)
class Rescale:
    """Modality values are `slope` x stored value + `intercept`."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """Modality values from `low` to `high` are stretched over all display values; equal bounds show black."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GrayTransform:
    """From stored values to display values: Modality LUT, VOI LUT, Presentation LUT, in that order."""

    modality: Rescale | LookUpTable
    voi: Window | LookUpTable | Span
    presentation: LookUpTable | None = None
    is_inverse: bool = False
    padding: tuple[float, float] | None = None
    """Closed range of stored values that are background, painted black."""


@dataclass(frozen=True, slots=True)
class Words:
    """How stored values lie in their words (PS3.5 8.1.1)."""

    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool


_MOST_TABLE_BITS: Final = 16


def modality_values(stored: NDArray[Any], modality: Rescale | LookUpTable) -> FloatArray:
    """Return modality values of stored values, same shape."""
    values = stored.astype(np.float64)
    if isinstance(modality, LookUpTable):
        return modality.of(values)
    return values * modality.slope + modality.intercept


def display_values(stored: NDArray[Any], transform: GrayTransform) -> FloatArray:
    """Return display values 0.0 to 255.0 of stored values, not rounded, same shape."""
    values = modality_values(stored, transform.modality)
    display = _voi(values, transform.voi)
    if transform.presentation is not None:
        display = transform.presentation.of_display(display)
    if transform.is_inverse:
        display = WHITE - display
    # NaN of float pixels has no place on any scale.
    display = np.nan_to_num(display, nan=0.0)
    if transform.padding is not None:
        low, high = transform.padding
        display = np.where((stored >= low) & (stored <= high), 0.0, display)
    return display


def _voi(values: FloatArray, voi: Window | LookUpTable | Span) -> FloatArray:
    if isinstance(voi, Window):
        return apply_window(values, voi)
    if isinstance(voi, LookUpTable):
        looked_up: FloatArray = voi.of(values) * (WHITE / voi.top)
        return looked_up
    if voi.high <= voi.low:
        return np.zeros(values.shape)
    stretched: FloatArray = np.clip((values - voi.low) * (WHITE / (voi.high - voi.low)), 0.0, WHITE)
    return stretched


def show(words: NDArray[Any], layout: Words, transform: GrayTransform) -> NDArray[np.uint8]:
    """Return the display values of words as they are stored, rounded.

    Args:
        words: of `layout.bits_allocated` bits, unsigned, any shape; bits beyond those stored may be anything.
        layout: how stored values lie in them.
        transform: what becomes of stored values.
    """
    if layout.bits_allocated <= _MOST_TABLE_BITS:
        shown: NDArray[np.uint8] = _table(layout, transform)[words]
        return shown
    return rounded(display_values(stored_values(words, layout), transform))


def stored_values(words: NDArray[Any], layout: Words) -> NDArray[Any]:
    """Return the stored values in words: shifted, masked, and signed as the layout says.

    >>> stored_values(np.array([0xFFF0], np.uint16), Words(16, 12, 15, True)).tolist()
    [-1]
    """
    shift = max(layout.high_bit + 1 - layout.bits_stored, 0)
    wide = words.astype(np.int64) >> shift
    if layout.bits_stored < 63:
        wide &= (1 << layout.bits_stored) - 1
        if layout.is_signed:
            sign = 1 << (layout.bits_stored - 1)
            wide = (wide ^ sign) - sign
    return wide


@lru_cache(maxsize=256)
def _table(layout: Words, transform: GrayTransform) -> NDArray[np.uint8]:
    """Return what each word is shown as: one look-up a pixel replaces the whole pipeline."""
    words = np.arange(1 << max(layout.bits_allocated, 8), dtype=np.int64)
    table = rounded(display_values(stored_values(words, layout), transform))
    table.flags.writeable = False
    return table
