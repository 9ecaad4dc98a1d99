"""A palette as a picture: its colours from left to right, as bars of equal width."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from hilum.render.color.palettes import Palette

_WIDTH: Final = 512
_HEIGHT: Final = 64
_QUALITY: Final = 95

PICTURES: Final[Mapping[str, Callable[[NDArray[np.uint8]], bytes]]] = {
    "image/png": lambda pixels: bytes(imagecodecs.png_encode(pixels)),
    "image/jpeg": lambda pixels: bytes(imagecodecs.jpeg8_encode(pixels, level=_QUALITY)),
}
"""Media types of the picture, the default first: PNG keeps each colour as it is."""


def picture_of_palette(palette: Palette, media_type: str) -> bytes:
    """Return the picture, 512 x 64 pixels, in one of the types of `PICTURES`."""
    columns = np.arange(_WIDTH) * len(palette.colors) // _WIDTH
    pixels = np.ascontiguousarray(np.broadcast_to(palette.colors[columns], (_HEIGHT, _WIDTH, 3)))
    return bytes(PICTURES[media_type](pixels))
