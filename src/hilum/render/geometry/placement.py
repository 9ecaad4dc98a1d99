"""Where the pixels of an image go: a crop, turns by right angles, mirrors and a scaling, and the same for points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import InvalidRequest, PayloadTooLarge
from hilum.render.parameters import PixelRegion, RelativeRegion, Viewport

Matrix = NDArray[np.float64]
"""Affine, shape (3, 3), of column vectors (x, y, 1); (0, 0) is the top left corner of the top left pixel."""

SQUARE: Final = 0.001
"""Pixels whose sides differ by less are square."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, from `left`, `top` up to `right`, `bottom`."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Horizontal size."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Vertical size."""
        return self.bottom - self.top


def translation(x: float, y: float) -> Matrix:
    """Return the matrix that moves points."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def scaling(x: float, y: float) -> Matrix:
    """Return the matrix that scales points."""
    return np.diag([x, y, 1.0])


def cropped(pixels: NDArray[np.uint8], box: Box, max_pixels: int) -> NDArray[np.uint8]:
    """Return whole pixels of an image; what lies outside of it is black.

    Raises:
        PayloadTooLarge: the box has more than `max_pixels`.
    """
    left, top, right, bottom = (int(edge) for edge in (box.left, box.top, box.right, box.bottom))
    rows, columns = pixels.shape[:2]
    if (left, top, right, bottom) == (0, 0, columns, rows):
        return pixels
    check_size(right - left, bottom - top, max_pixels)
    shown = np.zeros((bottom - top, right - left, *pixels.shape[2:]), np.uint8)
    inner = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    row, column = max(-top, 0), max(-left, 0)
    shown[row : row + inner.shape[0], column : column + inner.shape[1]] = inner
    return shown


def turned(pixels: NDArray[np.uint8], quarter_turns: int, *, mirrored: bool) -> tuple[NDArray[np.uint8], Matrix]:
    """Return an image turned clockwise, then mirrored left to right, and where its points have gone."""
    matrix = np.eye(3)
    rows, columns = pixels.shape[:2]
    for _ in range(quarter_turns % 4):
        matrix = np.array([[0.0, -1.0, rows], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) @ matrix
        rows, columns = columns, rows
    pixels = np.rot90(pixels, -quarter_turns)
    if mirrored:
        pixels = np.fliplr(pixels)
        matrix = np.array([[-1.0, 0.0, columns], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) @ matrix
    return pixels, matrix


@dataclass(frozen=True, slots=True)
class Fit:
    """A region of an image, the size in which it is shown, and which axes are mirrored."""

    region: Box
    width: int
    height: int
    mirrors_x: bool = False
    mirrors_y: bool = False

    @property
    def matrix(self) -> Matrix:
        """From points of the image to points of what is shown."""
        x, y = self.width / self.region.width, self.height / self.region.height
        matrix = scaling(x, y) @ translation(-self.region.left, -self.region.top)
        if self.mirrors_x:
            matrix = translation(self.width, 0) @ scaling(-1, 1) @ matrix
        if self.mirrors_y:
            matrix = translation(0, self.height) @ scaling(1, -1) @ matrix
        return matrix


def fit(size: tuple[int, int], viewport: Viewport | None, aspect: float, max_pixels: int) -> Fit:
    """Return how an image is fitted into a viewport: as large as fits, never distorted.

    Args:
        size: width and height of the image in pixels.
        viewport: None: every pixel stays what it is.
        aspect: height of a pixel over its width; it counts where there is a viewport (REND-25).
        max_pixels: most pixels of the result.

    Raises:
        InvalidRequest: the region has no pixel of the image.
        PayloadTooLarge: the result is too large.

    Source: PS3.18 8.3.5.1.3 (REND-20 to REND-25).
    """
    width, height = size
    if viewport is None:
        check_size(width, height, max_pixels)
        return Fit(Box(0, 0, width, height), width, height)
    region, mirrors_x, mirrors_y = _region(viewport.region, width, height)
    # Sub-pixels of one device are square: the image is measured in pixel widths.
    wide, high = region.width, region.height * aspect
    if viewport.width is None and viewport.height is None:
        scale = 1.0
        if abs(aspect - 1) <= SQUARE or viewport.region is not None:
            wide, high = region.width, region.height
    else:
        scale = min((viewport.width or np.inf) / wide, (viewport.height or np.inf) / high)
    shown = [max(1, int(side * scale + 0.5)) for side in (wide, high)]
    shown[0] = min(shown[0], viewport.width or shown[0])
    shown[1] = min(shown[1], viewport.height or shown[1])
    check_size(shown[0], shown[1], max_pixels)
    return Fit(region, shown[0], shown[1], mirrors_x, mirrors_y)


def _region(region: PixelRegion | RelativeRegion | None, width: int, height: int) -> tuple[Box, bool, bool]:
    if region is None:
        return Box(0, 0, width, height), False, False
    if isinstance(region, RelativeRegion):
        box = Box(region.left * width, region.top * height, region.right * width, region.bottom * height)
        return _clipped(box, width, height), False, False
    wide = width - region.x if region.width is None else abs(region.width)
    high = height - region.y if region.height is None else abs(region.height)
    box = Box(region.x, region.y, region.x + wide, region.y + high)
    return _clipped(box, width, height), (region.width or 1) < 0, (region.height or 1) < 0


def _clipped(box: Box, width: int, height: int) -> Box:
    clipped = Box(max(box.left, 0), max(box.top, 0), min(box.right, width), min(box.bottom, height))
    if clipped.width <= 0 or clipped.height <= 0:
        raise InvalidRequest("The region of viewport lies outside of the image.")
    return clipped


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse what is too large to be made.

    Raises:
        PayloadTooLarge: it has more than `max_pixels`.
    """
    if width * height > max_pixels:
        raise PayloadTooLarge(f"A rendered representation has at most {max_pixels} pixels: ask for a viewport.")


def resampled(pixels: NDArray[np.uint8], placed: Fit, resampling: Image.Resampling | None = None) -> NDArray[np.uint8]:
    """Return the region of an image in the size in which it is shown.

    Args:
        pixels: shape (rows, columns) or (rows, columns, 3).
        placed: how.
        resampling: None: the mean of what falls into a pixel when it shrinks, cubic when it grows.
    """
    region, rows, columns = placed.region, *pixels.shape[:2]
    whole = (region.left, region.top, region.right, region.bottom) == (0, 0, columns, rows)
    if not (whole and (placed.width, placed.height) == (columns, rows)):
        if resampling is None:
            shrinks = placed.width < region.width
            resampling = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
        image = Image.fromarray(np.ascontiguousarray(pixels))
        box = (region.left, region.top, region.right, region.bottom)
        factors = columns // placed.width, rows // placed.height
        is_exact = (placed.width * factors[0], placed.height * factors[1]) == (columns, rows)
        if whole and is_exact and resampling is Image.Resampling.BOX:
            # The same means, several times as fast.
            pixels = np.asarray(image.reduce(factors))
        else:
            pixels = np.asarray(image.resize((placed.width, placed.height), resampling, box=box))
    if placed.mirrors_x:
        pixels = np.fliplr(pixels)
    return np.flipud(pixels) if placed.mirrors_y else pixels


def moved(matrix: Matrix, points: NDArray[Any]) -> NDArray[np.float64]:
    """Return where points go, shape (n, 2)."""
    vectors = np.column_stack([points, np.ones(len(points))])
    result: NDArray[np.float64] = (vectors @ matrix.T)[:, :2]
    return result
