from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.errors import NotAcceptable
from hilum.render.samples import eight_bits, frame_floats, frame_words

GRAY = PixelFormat(3, 5, 1, 8, 8, 7, 0, "MONOCHROME2", 0, 1)
RGB = PixelFormat(3, 5, 3, 8, 8, 7, 0, "RGB", 0, 1)


@pytest.mark.requirement("REN-07")
def test_planes_and_pixels_give_the_same_colours_at_odd_sizes() -> None:
    pixels = np.arange(45, dtype=np.uint8).reshape(3, 5, 3)
    planes = np.moveaxis(pixels, 2, 0).tobytes()

    assert (frame_words(pixels.tobytes(), RGB) == pixels).all()
    assert (frame_words(planes, replace(RGB, planar_configuration=1)) == pixels).all()


@pytest.mark.requirement("REN-07")
def test_one_bit_pixels_have_their_lowest_bit_first() -> None:
    layout = replace(GRAY, bits_allocated=1, bits_stored=1, high_bit=0)

    words = frame_words(bytes((0b00000101, 0)), layout)

    assert words.ravel()[:4].tolist() == [1, 0, 1, 0]
    assert words.shape == (3, 5)


@pytest.mark.requirement("REN-05")
def test_halved_chroma_is_shared_by_neighbours() -> None:
    layout = PixelFormat(1, 4, 3, 8, 8, 7, 0, "YBR_FULL_422", 0, 1)

    words = frame_words(bytes((1, 2, 90, 91, 3, 4, 92, 93)), layout)

    assert words.tolist() == [[[1, 90, 91], [2, 90, 91], [3, 92, 93], [4, 92, 93]]]
    with pytest.raises(NotAcceptable):
        frame_words(bytes(30), replace(layout, columns=5))


def test_frames_that_are_too_short_are_refused() -> None:
    with pytest.raises(NotAcceptable):
        frame_words(bytes(14), GRAY)
    with pytest.raises(NotAcceptable):
        frame_floats(bytes(59), replace(GRAY, bits_allocated=32, bits_stored=32, high_bit=31))


def test_floats_are_numbers() -> None:
    layout = PixelFormat(1, 2, 1, 64, 64, 63, 0, "MONOCHROME2", 0, 1)

    assert frame_floats(np.array([0.5, -1e300]).tobytes(), layout).tolist() == [[0.5, -1e300]]


def test_more_bits_are_scaled_to_eight() -> None:
    layout = PixelFormat(1, 1, 3, 16, 10, 9, 0, "RGB", 0, 1)

    assert eight_bits(np.array([[[0, 512, 1023]]], np.uint16), layout).tolist() == [[[0, 128, 255]]]
