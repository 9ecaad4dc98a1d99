from __future__ import annotations

import numpy as np
import pytest

from hilum.errors import NotAcceptable
from hilum.render.color.spaces import lab_to_rgb, to_rgb


@pytest.mark.requirement("REN-05")
@pytest.mark.parametrize(
    ("ybr", "rgb"),
    [
        ((76, 85, 255), (254, 0, 0)),
        ((150, 44, 21), (0, 255, 1)),
        ((29, 255, 107), (0, 0, 254)),
        ((128, 128, 128), (128, 128, 128)),
    ],
)
def test_the_reference_vectors_of_ybr_full_hold(ybr: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    assert to_rgb(np.array([[ybr]], np.uint8), "YBR_FULL")[0, 0].tolist() == list(rgb)
    assert to_rgb(np.array([[ybr]], np.uint8), "YBR_FULL_422")[0, 0].tolist() == list(rgb)


@pytest.mark.requirement("REN-05")
def test_video_range_is_stretched() -> None:
    samples = np.array([[(16, 128, 128), (235, 128, 128)]], np.uint8)

    assert to_rgb(samples, "YBR_PARTIAL_420").tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.requirement("REN-05")
@pytest.mark.parametrize("model", ["RGB", "YBR_RCT", "YBR_ICT"])
def test_what_is_rgb_already_stays(model: str) -> None:
    samples = np.array([[(1, 2, 3)]], np.uint8)

    assert to_rgb(samples, model).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("model", ["HSV", "ARGB", "CMYK", "SEPIA"])
def test_retired_models_are_refused_by_name(model: str) -> None:
    with pytest.raises(NotAcceptable, match=model):
        to_rgb(np.zeros((1, 1, 3), np.uint8), model)


def test_lab_reaches_the_corners_of_srgb() -> None:
    assert lab_to_rgb((65535, 32896, 32896)) == (255, 255, 255)
    red, green, blue = lab_to_rgb((53.24 * 655.35, (80.09 + 128) * 257, (67.2 + 128) * 257))
    assert red > 245
    assert max(green, blue) < 30
