"""Graphic annotation of presentation states: shapes and texts at output resolution (PS3.3 C.10.5)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from hilum.errors import NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.color.spaces import lab_to_rgb
from hilum.render.geometry.placement import Matrix, moved
from hilum.render.graphics.text import Color, cleaned, draw_line, line_height

Points = NDArray[np.float64]

_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_STEPS: Final = 72
_STEPS_A_SPAN: Final = 16
_MOST_POINTS: Final = 20_000
_MOST_OBJECTS: Final = 5_000
_SIDE_PER_LINE: Final = 384
_MOST_LINES_OF_TEXT: Final = 100


@dataclass(frozen=True, slots=True)
class Layer:
    """A graphic layer: where it lies in the order, and its colour."""

    order: int
    color: Color


@dataclass(frozen=True, slots=True)
class Spaces:
    """From each kind of coordinates to output pixels."""

    pixel: Matrix
    """Of PIXEL: columns and rows of the image."""
    display: Matrix
    """Of DISPLAY: fractions of the displayed area."""


def layers_of(state: Attributes) -> dict[str, Layer]:
    """Return the graphic layers of a presentation state by name (PS3.3 C.10.7)."""
    layers = {}
    for item in state.items("GraphicLayerSequence"):
        lab = item.numbers("GraphicLayerRecommendedDisplayCIELabValue")
        gray = item.number("GraphicLayerRecommendedDisplayGrayscaleValue")
        color = _WHITE
        if len(lab) == 3:
            color = lab_to_rgb((lab[0], lab[1], lab[2]))
        elif gray is not None:
            level = min(max(int(gray), 0), 0xFFFF) >> 8
            color = (level, level, level)
        layers[item.text("GraphicLayer")] = Layer(item.integer("GraphicLayerOrder"), color)
    return layers


def draw_annotations(
    pixels: NDArray[np.uint8], annotations: Sequence[Attributes], layers: Mapping[str, Layer], spaces: Spaces
) -> NDArray[np.uint8]:
    """Return an image with graphics and texts, lower layers first.

    Args:
        pixels: shape (rows, columns) or (rows, columns, 3); grey becomes RGB where a layer has a colour.
        annotations: items of Graphic Annotation Sequence that apply to the image.
        layers: by name; what names none of them is white, at the bottom.
        spaces: of their coordinates.

    Raises:
        NotAcceptable: coordinates of a kind that is not shown, or too many objects.
    """
    if not annotations:
        return pixels
    ground = Layer(-1, _WHITE)
    ordered = sorted(((layers.get(item.text("GraphicLayer"), ground), item) for item in annotations), key=_order)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.mode == "L" and any(len(set(layer.color)) > 1 for layer, _ in ordered):
        image = image.convert("RGB")
    count = 0
    for layer, item in ordered:
        graphics, texts = item.items("GraphicObjectSequence"), item.items("TextObjectSequence")
        count += len(graphics) + len(texts)
        if count > _MOST_OBJECTS:
            raise NotAcceptable("The presentation state has too many graphics.")
        for graphic in graphics:
            _draw_graphic(image, graphic, layer.color, spaces)
        for text in texts:
            _draw_text(image, text, layer.color, spaces)
    return np.asarray(image)


def _order(layered: tuple[Layer, Attributes]) -> int:
    return layered[0].order


def _matrix(units: str, spaces: Spaces) -> Matrix:
    if units == "PIXEL":
        return spaces.pixel
    if units == "DISPLAY":
        return spaces.display
    raise NotAcceptable("The presentation state has graphics in units that are not shown.")


def _pairs(numbers: Sequence[float]) -> Points:
    if len(numbers) > 2 * _MOST_POINTS:
        raise NotAcceptable("The presentation state has a graphic of too many points.")
    return np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)


def _draw_graphic(image: Image.Image, graphic: Attributes, color: Color, spaces: Spaces) -> None:
    matrix = _matrix(graphic.text("GraphicAnnotationUnits"), spaces)
    points = _pairs(graphic.numbers("GraphicData"))
    outline = _OUTLINES.get(graphic.text("GraphicType"))
    if outline is None or not len(points):
        raise NotAcceptable("The presentation state has a graphic of a type that is not shown.")
    placed = _bounded(moved(matrix, outline(points)))
    draw, ink = ImageDraw.Draw(image), color if image.mode == "RGB" else color[1]
    width = max(1, round(min(image.size) / _SIDE_PER_LINE))
    corners = [(float(x), float(y)) for x, y in placed]
    if len(corners) == 1:
        x, y = corners[0]
        reach = width * 2
        draw.line([(x - reach, y), (x + reach, y)], fill=ink, width=width)
        draw.line([(x, y - reach), (x, y + reach)], fill=ink, width=width)
        return
    if graphic.text("GraphicFilled") == "Y" and len(corners) > 2:
        draw.polygon(corners, fill=ink)
    draw.line(corners, fill=ink, width=width, joint="curve")


def _bounded(points: Points) -> Points:
    """Return points that are drawable: far outside is as good as farther outside."""
    limit = 1e5
    return np.clip(np.nan_to_num(points), -limit, limit)


def _as_given(points: Points) -> Points:
    return points


def _point(points: Points) -> Points:
    return points[:1]


def _circle(points: Points) -> Points:
    """Return the outline of a circle: its centre, and a point on it."""
    if len(points) < 2:
        return points
    radius = math.hypot(*(points[1] - points[0]))
    angles = np.linspace(0, 2 * math.pi, _STEPS + 1)
    outline: Points = points[0] + radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return outline


def _ellipse(points: Points) -> Points:
    """Return the outline of an ellipse: the ends of its major axis, then those of its minor one."""
    if len(points) < 4:
        return points
    center = (points[0] + points[1]) / 2
    major, minor = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
    angles = np.linspace(0, 2 * math.pi, _STEPS + 1)[:, None]
    outline: Points = center + np.cos(angles) * major + np.sin(angles) * minor
    return outline


def _interpolated(points: Points) -> Points:
    """Return a smooth curve through all points (Catmull-Rom); closed where its ends meet."""
    if len(points) < 3:
        return points
    closed = bool(np.allclose(points[0], points[-1]))
    before = points[-2] if closed else points[0]
    after = points[1] if closed else points[-1]
    knots = np.vstack([before, points, after])
    t = np.linspace(0, 1, _STEPS_A_SPAN, endpoint=False)[:, None]
    spans = []
    for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        spans.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.vstack([*spans, points[-1:]])


_OUTLINES: Final[Mapping[str, Callable[[Points], Points]]] = {
    "POINT": _point,
    "POLYLINE": _as_given,
    "INTERPOLATED": _interpolated,
    "CIRCLE": _circle,
    "ELLIPSE": _ellipse,
}


def _draw_text(image: Image.Image, item: Attributes, color: Color, spaces: Spaces) -> None:
    value = str(next(iter(item.values("UnformattedTextValue")), ""))
    lines = [cleaned(line) for line in value.replace("\r\n", "\n").split("\n")][:_MOST_LINES_OF_TEXT]
    size = max(10, round(min(image.size) / 32))
    corner = _text_corner(item, spaces)
    if corner is None:
        return
    outline = _BLACK if sum(color) > 382 else _WHITE
    height = line_height(size)
    for number, line in enumerate(lines):
        draw_line(image, (corner[0], corner[1] + number * height), line, size=size, inks=(color, outline))


def _text_corner(item: Attributes, spaces: Spaces) -> tuple[float, float] | None:
    """Return the top left corner of a text: of its bounding box, else its anchor point."""
    corners = [item.numbers("BoundingBoxTopLeftHandCorner"), item.numbers("BoundingBoxBottomRightHandCorner")]
    if all(len(corner) == 2 for corner in corners):
        placed = _bounded(moved(_matrix(item.text("BoundingBoxAnnotationUnits"), spaces), np.array(corners)))
        return float(placed[:, 0].min()), float(placed[:, 1].min())
    anchor = item.numbers("AnchorPoint")
    if len(anchor) != 2:
        return None
    placed = _bounded(moved(_matrix(item.text("AnchorPointAnnotationUnits"), spaces), np.array([anchor])))
    return float(placed[0, 0]), float(placed[0, 1])
