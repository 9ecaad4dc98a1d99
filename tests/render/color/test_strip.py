from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hilum.render.color.palettes import Palette
from hilum.render.color.strip import PICTURES, picture_of_palette

COLORS = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)


@pytest.mark.parametrize("media_type", PICTURES)
@pytest.mark.parametrize("entries", [2, 256, 65_536])
def test_colours_go_from_left_to_right(media_type: str, entries: int) -> None:
    palette = Palette(0, np.repeat(COLORS, entries // 2, axis=0))

    pixels = np.asarray(Image.open(io.BytesIO(picture_of_palette(palette, media_type))).convert("RGB")).astype(int)

    assert pixels.shape == (64, 512, 3)
    assert np.abs(pixels[:, 10] - COLORS[0]).max() < 4
    assert np.abs(pixels[:, -10] - COLORS[1]).max() < 4
