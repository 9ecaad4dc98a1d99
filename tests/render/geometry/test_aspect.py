from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from hilum.render.geometry.aspect import pixel_aspect, ratio_of
from render_sources import attributes


@pytest.mark.requirement("REN-09")
def test_the_ratio_goes_before_spacings() -> None:
    dataset = Dataset()
    dataset.PixelSpacing = [3, 1]
    assert pixel_aspect(attributes(dataset), 0) == 3.0
    dataset.PixelAspectRatio = [1, 2]
    assert pixel_aspect(attributes(dataset), 0) == 0.5


@pytest.mark.parametrize("pair", [[], [1], [0, 1], [-1, 1], [1, 1000], [1, 2, 3]])
def test_a_pair_that_no_pixels_have_is_none(pair: list[float]) -> None:
    assert ratio_of(pair) is None
