"""Overlay planes (PS3.3 C.9.2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.render.attributes import Attributes

_MOST_SIDE = 65_535


@dataclass(frozen=True, slots=True)
class Overlay:
    """One plane for one frame: its bits, and where they lie on the image."""

    group: str
    kind: str
    """`G`: graphics, `R`: region of interest."""
    row: int
    """Image row (from 0) of the first overlay row; may be negative."""
    column: int
    bits: NDArray[np.bool_]
    """Shape (overlay rows, overlay columns)."""


def overlays_of(
    attributes: Attributes, frame_index: int, words: NDArray[Any] | None, groups: Collection[str] | None = None
) -> list[Overlay]:
    """Return the overlay planes that lie on a frame.

    Args:
        attributes: of the image, or of a presentation state.
        frame_index: from 0.
        words: the frame as it is stored, in which old objects keep overlays; None: only planes of their own.
        groups: those wanted, as four hexadecimal digits; None: all.
    """
    found = []
    for group in attributes.overlay_groups():
        if groups is None or group in groups:
            overlay = _overlay(attributes, group, frame_index, words)
            if overlay is not None:
                found.append(overlay)
    return found


def _overlay(attributes: Attributes, group: str, frame_index: int, words: NDArray[Any] | None) -> Overlay | None:
    rows, columns = attributes.integer(f"{group}0010"), attributes.integer(f"{group}0011")
    if not (0 < rows <= _MOST_SIDE and 0 < columns <= _MOST_SIDE):
        return None
    frames = max(attributes.integer(f"{group}0015", 1), 1)
    origin = [int(number) for number in attributes.numbers(f"{group}0050")] or [1, 1]
    index = frame_index - (attributes.integer(f"{group}0051", 1) - 1) if frames > 1 else 0
    if not 0 <= index < frames or len(origin) != 2:
        return None
    bits = _plane(attributes, group, rows * columns, index)
    if bits is None and words is not None:
        bits = _embedded(attributes, group, rows * columns, words)
    if bits is None:
        return None
    return Overlay(group, attributes.text(f"{group}0040"), origin[0] - 1, origin[1] - 1, bits.reshape(rows, columns))


def _plane(attributes: Attributes, group: str, count: int, index: int) -> NDArray[np.bool_] | None:
    """Return the bits of a plane of its own; frames follow each other without padding, lowest bit first."""
    if f"{group}3000" not in attributes:
        return None
    data = np.frombuffer(attributes.octets(f"{group}3000"), np.uint8)
    first = index * count
    if len(data) * 8 < first + count:
        return None
    span = np.unpackbits(data[first // 8 : -(-(first + count) // 8)], bitorder="little")
    return span[first % 8 : first % 8 + count].astype(np.bool_)


def _embedded(attributes: Attributes, group: str, count: int, words: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Return the bits of a plane that is kept in the unused bits of the pixels (retired)."""
    position = attributes.integer(f"{group}0102")
    if attributes.integer(f"{group}0100", 1) <= 1 or words.ndim != 2 or words.size != count:
        return None
    if position >= words.dtype.itemsize * 8:
        return None
    return ((words.ravel() >> position) & 1).astype(np.bool_)


def region_of(overlay: Overlay, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the plane as a mask of the image: shape (rows, columns) of the image."""
    mask = np.zeros(shape[:2], np.bool_)
    top, left = max(overlay.row, 0), max(overlay.column, 0)
    bottom = min(overlay.row + overlay.bits.shape[0], shape[0])
    right = min(overlay.column + overlay.bits.shape[1], shape[1])
    if top < bottom and left < right:
        mask[top:bottom, left:right] = overlay.bits[
            top - overlay.row : bottom - overlay.row, left - overlay.column : right - overlay.column
        ]
    return mask


def painted_pixels(overlay: Overlay, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels that the plane paints: all of graphics, the outline of a region of interest."""
    mask = region_of(overlay, shape)
    if overlay.kind != "R":
        return mask
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside
