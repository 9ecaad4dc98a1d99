"""Whole-slide images: the tiles of one level put together (PS3.3 C.7.6.17.3, C.7.6.17.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.errors import PayloadTooLarge
from hilum.render.attributes import Attributes
from hilum.render.geometry.placement import Box, Fit, fit, resampled
from hilum.render.parameters import Viewport
from hilum.render.source import Source

MOST_TILES: Final = 1_024
"""Most tiles that one picture is put together from."""


@dataclass(frozen=True, slots=True)
class Level:
    """The total pixel matrix of a whole-slide image and where its tiles lie."""

    rows: int
    columns: int
    tile_rows: int
    tile_columns: int
    corners: tuple[tuple[int, int], ...] | None
    """Row and column (from 0) of the first pixel of each frame; None: in rows from left to right (TILED_FULL)."""

    def corner(self, frame_index: int) -> tuple[int, int]:
        """Return row and column (from 0) of the first pixel of a frame."""
        if self.corners is not None:
            return self.corners[frame_index]
        row, column = divmod(frame_index, -(-self.columns // self.tile_columns))
        return row * self.tile_rows, column * self.tile_columns

    @property
    def frame_count(self) -> int:
        """Frames of one focal plane and optical path."""
        if self.corners is not None:
            return len(self.corners)
        return -(-self.columns // self.tile_columns) * -(-self.rows // self.tile_rows)


def level_of(source: Source) -> Level | None:
    """Return the level that an instance holds in more than one tile; None for other images."""
    attributes, pixels = source.attributes, source.pixels
    rows, columns = attributes.integer("TotalPixelMatrixRows"), attributes.integer("TotalPixelMatrixColumns")
    if pixels is None or rows < 1 or columns < 1 or pixels.format.number_of_frames < 2:
        return None
    tile = pixels.format.rows, pixels.format.columns
    corners = None
    if attributes.text("DimensionOrganizationType") != "TILED_FULL":
        corners = _corners(attributes)
        if len(corners) != pixels.format.number_of_frames:
            return None
    level = Level(rows, columns, *tile, corners)
    return level if level.frame_count <= pixels.format.number_of_frames else None


def _corners(attributes: Attributes) -> tuple[tuple[int, int], ...]:
    """Return the corners that sparse tiles name."""
    found = []
    for frame in attributes.items("PerFrameFunctionalGroupsSequence"):
        position = frame.first_item("PlanePositionSlideSequence")
        if position is None:
            return ()
        names = ("RowPositionInTotalImagePixelMatrix", "ColumnPositionInTotalImagePixelMatrix")
        row, column = (position.integer(name, 1) - 1 for name in names)
        found.append((row, column))
    return tuple(found)


def mosaic(
    level: Level, tile_of: Callable[[int], NDArray[np.uint8]], viewport: Viewport | None, max_pixels: int
) -> NDArray[np.uint8]:
    """Return a region of a level in the size of a viewport, tile by tile: no more than a tile is held at full size.

    Args:
        level: whose tiles.
        tile_of: from a frame index to its display values, shape (rows, columns, 3) or (rows, columns).
        viewport: None: all of the level as it is.
        max_pixels: most pixels of the result.

    Raises:
        PayloadTooLarge: the result is too large, or made of too many tiles.
        InvalidRequest: the region lies outside of the level.
    """
    placed = fit((level.columns, level.rows), viewport, 1.0, max_pixels)
    region, scale_x, scale_y = placed.region, placed.width / placed.region.width, placed.height / placed.region.height
    indices = [index for index in range(level.frame_count) if _box(level, index, region) is not None]
    if len(indices) > MOST_TILES:
        raise PayloadTooLarge(f"More than {MOST_TILES} tiles lie in the region: ask for a smaller one, or for frames.")
    canvas = np.full((placed.height, placed.width, 3), 255, np.uint8)
    for index in indices:
        box = _box(level, index, region)
        if box is None:
            continue
        row, column = level.corner(index)
        left, right = (round((edge - region.left) * scale_x) for edge in (box.left, box.right))
        top, bottom = (round((edge - region.top) * scale_y) for edge in (box.top, box.bottom))
        if right > left and bottom > top:
            inner = Box(box.left - column, box.top - row, box.right - column, box.bottom - row)
            tile = resampled(tile_of(index), Fit(inner, right - left, bottom - top))
            canvas[top:bottom, left:right] = tile if tile.ndim == 3 else tile[..., None]
    if placed.mirrors_x:
        canvas = np.fliplr(canvas)
    return np.flipud(canvas) if placed.mirrors_y else canvas


def _box(level: Level, frame_index: int, region: Box) -> Box | None:
    """Return the part of a tile that lies in a region of the level; None: no part does."""
    row, column = level.corner(frame_index)
    box = Box(
        max(column, region.left),
        max(row, region.top),
        min(column + level.tile_columns, level.columns, region.right),
        min(row + level.tile_rows, level.rows, region.bottom),
    )
    return box if box.width > 0 and box.height > 0 else None
