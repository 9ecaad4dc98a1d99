"""Display shutters (PS3.3 C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hilum.render.attributes import Attributes
from hilum.render.color.spaces import lab_to_rgb
from hilum.render.graphics.overlays import overlays_of, region_of

_MOST_VERTICES: Final = 10_000


def hidden_pixels(attributes: Attributes, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    """Return the pixels that shutters cover, shape (rows, columns); None: there is no shutter.

    Several shutters leave visible what each of them leaves visible.
    """
    visible: NDArray[np.bool_] | None = None
    for name in attributes.texts("ShutterShape"):
        mask = _SHAPES[name](attributes, shape) if name in _SHAPES else None
        if mask is not None:
            visible = mask if visible is None else visible & mask
    return None if visible is None else ~visible


def shutter_color(attributes: Attributes) -> tuple[int, int, int]:
    """Return what is shown in place of covered pixels: black unless the data set says otherwise."""
    lab = attributes.numbers("ShutterPresentationColorCIELabValue")
    if len(lab) == 3:
        return lab_to_rgb((lab[0], lab[1], lab[2]))
    value = min(max(attributes.integer("ShutterPresentationValue"), 0), 0xFFFF) >> 8
    return value, value, value


def _rectangle(attributes: Attributes, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    names = ("Upper", "Lower")
    rows = [attributes.number(f"Shutter{name}HorizontalEdge") for name in names]
    columns = [attributes.number(f"Shutter{name}VerticalEdge") for name in ("Left", "Right")]
    if None in rows or None in columns:
        return None
    # Edges count from 1 and are covered themselves.
    mask = np.zeros(shape[:2], np.bool_)
    top, bottom = (int(edge or 0) for edge in rows)
    left, right = (int(edge or 0) for edge in columns)
    mask[max(top, 0) : max(bottom - 1, 0), max(left, 0) : max(right - 1, 0)] = True
    return mask


def _circle(attributes: Attributes, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    center, radius = attributes.numbers("CenterOfCircularShutter"), attributes.number("RadiusOfCircularShutter")
    if len(center) != 2 or radius is None:
        return None
    rows, columns = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    mask: NDArray[np.bool_] = (rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2
    return mask


def _polygon(attributes: Attributes, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    numbers = attributes.numbers("VerticesOfThePolygonalShutter")
    if len(numbers) < 6 or len(numbers) % 2 or len(numbers) > 2 * _MOST_VERTICES:
        return None
    points = [(column - 1, row - 1) for row, column in zip(numbers[::2], numbers[1::2], strict=True)]
    canvas = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(canvas).polygon(points, fill=1, outline=1)
    return np.asarray(canvas, np.bool_)


def _bitmap(attributes: Attributes, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    group = f"{attributes.integer('ShutterOverlayGroup'):04X}"
    planes = overlays_of(attributes, 0, None, (group,))
    return ~region_of(planes[0], shape) if planes else None


_SHAPES: Final[Mapping[str, Callable[[Attributes, tuple[int, ...]], NDArray[np.bool_] | None]]] = {
    "RECTANGULAR": _rectangle,
    "CIRCULAR": _circle,
    "POLYGONAL": _polygon,
    "BITMAP": _bitmap,
}
