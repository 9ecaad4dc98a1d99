from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.render.grayscale.tables import LookUpTable
from hilum.render.grayscale.transform import GrayTransform, Rescale, Span, Words, display_values, show, stored_values
from hilum.render.grayscale.windowing import rounded
from hilum.render.parameters import Window

IDENTITY = GrayTransform(Rescale(), Span(0, 255))


@pytest.mark.requirement("REN-07")
@given(st.integers(1, 16), st.integers(0, 15), st.booleans(), st.integers(0, 65535))
def test_stored_values_are_shifted_masked_and_signed(bits: int, low: int, is_signed: bool, word: int) -> None:
    low = min(low, 16 - bits)
    value = (word >> low) & ((1 << bits) - 1)
    if is_signed and value >= 1 << (bits - 1):
        value -= 1 << bits

    found = stored_values(np.array([word], np.uint16), Words(16, bits, low + bits - 1, is_signed))

    assert found.tolist() == [value]


def test_the_table_gives_what_the_formula_gives() -> None:
    layout = Words(16, 12, 11, is_signed=True)
    transform = GrayTransform(Rescale(0.7, -300.5), Window(40, 400), is_inverse=True, padding=(-2048, -2000))
    words = np.arange(65536, dtype=np.uint16).reshape(256, 256)

    assert (show(words, layout, transform) == rounded(display_values(stored_values(words, layout), transform))).all()


@pytest.mark.requirement("REN-08")
def test_padding_is_black_also_where_the_scale_is_inverse() -> None:
    transform = GrayTransform(Rescale(), Span(0, 255), is_inverse=True, padding=(0, 3))

    assert display_values(np.array([0, 3, 4]), transform).tolist() == [0, 0, 251]


def test_a_presentation_table_takes_the_whole_range() -> None:
    table = LookUpTable(0, 8, np.array([0, 255, 0], "<u2").tobytes())
    transform = GrayTransform(Rescale(), Span(0, 255), presentation=table)

    assert display_values(np.array([0, 128, 255]), transform).tolist() == [0, 255, 0]


def test_an_image_of_one_value_is_black() -> None:
    assert display_values(np.array([7, 7]), GrayTransform(Rescale(), Span(7, 7))).tolist() == [0, 0]


def test_words_of_32_bits_need_no_table() -> None:
    words = np.array([0, 2**31, 2**32 - 1], np.uint32)

    shown = show(words, Words(32, 32, 31, is_signed=False), GrayTransform(Rescale(), Span(0, 2**32 - 1)))

    assert shown.tolist() == [0, 128, 255]


def test_what_is_no_number_is_black() -> None:
    assert display_values(np.array([np.nan, 255.0]), IDENTITY).tolist() == [0, 255]
