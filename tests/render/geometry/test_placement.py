from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.errors import InvalidRequest, PayloadTooLarge
from hilum.render.geometry.placement import Box, cropped, fit, moved, resampled, turned
from hilum.render.parameters import PixelRegion, RelativeRegion, Viewport

MANY = 10**8
IMAGE = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.mark.requirement("REND-24", "REN-10")
@given(
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    st.integers(1, 2000),
    st.integers(1, 2000),
    st.sampled_from([0.5, 1.0, 2.0]),
)
def test_what_is_fitted_never_overflows_and_touches_a_side(
    size: tuple[int, int], width: int, height: int, aspect: float
) -> None:
    found = fit(size, Viewport(width, height), aspect, MANY)

    assert 1 <= found.width <= width
    assert 1 <= found.height <= height
    assert found.width == width or found.height == height


@pytest.mark.requirement("REN-09", "REND-25")
def test_pixels_become_square_where_there_is_a_viewport() -> None:
    with_viewport = fit((100, 100), Viewport(200, 200), 0.5, MANY)
    without = fit((100, 100), None, 0.5, MANY)

    assert (with_viewport.width, with_viewport.height) == (200, 100)
    assert (without.width, without.height) == (100, 100)


def test_one_side_makes_the_other_follow() -> None:
    found = fit((100, 50), Viewport(None, 25), 1.0, MANY)

    assert (found.width, found.height) == (50, 25)


def test_a_relative_region_is_of_the_whole_image() -> None:
    found = fit((100, 50), Viewport(10, 10, RelativeRegion(0.5, 0.0, 1.0, 1.0)), 1.0, MANY)

    assert found.region == Box(50, 0, 100, 50)


@pytest.mark.requirement("REN-10")
def test_a_region_is_clipped_and_an_empty_one_refused() -> None:
    clipped = fit((10, 10), Viewport(5, 5, PixelRegion(8, 8, 10, 10)), 1.0, MANY)

    assert clipped.region == Box(8, 8, 10, 10)
    with pytest.raises(InvalidRequest):
        fit((10, 10), Viewport(5, 5, PixelRegion(10, 0, 5, 5)), 1.0, MANY)


@pytest.mark.requirement("REN-22")
def test_the_size_is_checked_before_anything_is_made() -> None:
    with pytest.raises(PayloadTooLarge):
        fit((10, 10), Viewport(16_000, 16_000), 1.0, 1000)
    with pytest.raises(PayloadTooLarge):
        cropped(IMAGE, Box(0, 0, 2**20, 2**20), 1000)


def test_what_lies_outside_of_an_image_is_black() -> None:
    assert cropped(IMAGE, Box(-1, 1, 2, 3), MANY).tolist() == [[0, 3, 4], [0, 0, 0]]


@pytest.mark.requirement("REN-13")
def test_an_image_is_turned_clockwise_then_mirrored() -> None:
    pixels, matrix = turned(IMAGE, 1, mirrored=False)
    mirrored, other = turned(IMAGE, 1, mirrored=True)

    assert pixels.tolist() == [[3, 0], [4, 1], [5, 2]]
    assert mirrored.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert moved(matrix, np.array([[0.0, 0.0]])).tolist() == [[2, 0]]
    assert moved(other, np.array([[0.0, 0.0]])).tolist() == [[0, 0]]


@given(st.integers(0, 3), st.booleans(), st.integers(0, 2), st.integers(0, 1))
def test_points_go_where_their_pixels_go(turns: int, mirrors: bool, column: int, row: int) -> None:
    pixels, matrix = turned(IMAGE, turns, mirrored=mirrors)

    x, y = moved(matrix, np.array([[column + 0.5, row + 0.5]]))[0]

    assert pixels[int(y), int(x)] == IMAGE[row, column]


@given(st.booleans(), st.booleans())
def test_points_follow_mirrors(mirrors_x: bool, mirrors_y: bool) -> None:
    region = PixelRegion(0, 0, -3 if mirrors_x else 3, -2 if mirrors_y else 2)
    placed = fit((3, 2), Viewport(3, 2, region), 1.0, MANY)

    x, y = moved(placed.matrix, np.array([[0.5, 0.5]]))[0]

    assert resampled(IMAGE, placed)[int(y), int(x)] == IMAGE[0, 0]


def test_shrinking_takes_means() -> None:
    pixels = np.array([[0, 100], [100, 200]], np.uint8)

    assert resampled(pixels, fit((2, 2), Viewport(1, 1), 1.0, MANY)).tolist() == [[100]]
