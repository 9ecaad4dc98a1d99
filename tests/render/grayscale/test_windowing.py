from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.render.grayscale.windowing import apply_window, rounded
from hilum.render.parameters import VoiFunction, Window

VECTORS = [
    (-1024, 0, 0, 0.0061),
    (-160, 0, 0, 30.3967),
    (-159, 0.6391, 0.6375, 30.6655),
    (-100, 38.3459, 38.2500, 50.4431),
    (0, 102.2556, 102.0, 102.3346),
    (40, 127.8195, 127.5, 127.5),
    (100, 166.1654, 165.75, 164.6424),
    (239, 255, 254.3625, 224.3345),
    (240, 255, 255, 224.6033),
    (1000, 255, 255, 254.9827),
]


def shown(value: float, window: Window) -> float:
    return float(apply_window(np.array([float(value)]), window)[0])


@pytest.mark.requirement("REN-01", "REND-27")
@pytest.mark.parametrize(("value", "linear", "exact", "sigmoid"), VECTORS)
def test_the_reference_vectors_hold_before_rounding(value: int, linear: float, exact: float, sigmoid: float) -> None:
    found = [shown(value, Window(40, 400, function)) for function in VoiFunction]

    assert found == pytest.approx([linear, exact, sigmoid], abs=6e-5)


@pytest.mark.requirement("REN-01")
@pytest.mark.parametrize(
    ("center", "width", "value", "expected"),
    [(0, 1, -1, 0), (0, 1, 0, 255), (0, 100, -50, 0), (0, 100, -49, 2.5758), (0, 100, 49, 255)],
)
def test_narrow_windows_never_divide_by_zero(center: int, width: int, value: int, expected: float) -> None:
    assert shown(value, Window(center, width)) == pytest.approx(expected, abs=6e-5)


@pytest.mark.requirement("REN-01")
def test_a_window_over_twelve_bits_reaches_both_ends() -> None:
    window = Window(2048, 4096)

    assert (shown(0, window), shown(4095, window)) == (0, 255)
    assert shown(1000, window) == pytest.approx(((1000 - 2047.5) / 4095 + 0.5) * 255)


def test_halves_are_rounded_up() -> None:
    assert rounded(np.array([0.5, 1.5, 254.499, -1.0, 256.0])).tolist() == [1, 2, 254, 0, 255]


@given(
    st.sampled_from(VoiFunction),
    st.floats(-1e6, 1e6),
    st.floats(1, 1e6),
    st.lists(st.floats(-1e7, 1e7), min_size=2, max_size=20),
)
def test_a_window_never_falls_and_stays_in_range(
    function: VoiFunction, center: float, width: float, values: list[float]
) -> None:
    found = apply_window(np.array(sorted(values)), Window(center, width, function))

    assert ((found >= 0) & (found <= 255)).all()
    assert (np.diff(found) >= -1e-9).all()
