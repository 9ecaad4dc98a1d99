from __future__ import annotations

import numpy as np
import pytest

from hilum.dicom.confidentiality.blacking_out import blacked_out
from hilum.dicom.confidentiality.burned_in import CannotClean, Region
from hilum.dicom.pixels.pixel_format import PixelFormat

KEPT = [Region(1, 0, 3, 2), Region(2, 1, 99, 99)]
INSIDE = np.array([[0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]], bool)


def layout(photometric: str, samples: int = 1, bits: int = 8, representation: int = 0, planar: int = 0) -> PixelFormat:
    return PixelFormat(3, 4, samples, bits, bits, bits - 1, representation, photometric, planar, 1)


@pytest.mark.requirement("DEID-06")
@pytest.mark.parametrize(
    ("described", "black"),
    [
        (layout("MONOCHROME2"), 0),
        (layout("MONOCHROME1"), 255),
        (layout("MONOCHROME2", bits=16), 0),
        (layout("MONOCHROME1", bits=16, representation=1), 0x7FFF),
        (layout("MONOCHROME2", bits=16, representation=1), 0x8000),
        (layout("PALETTE COLOR"), 0),
    ],
)
def test_what_lies_outside_of_all_regions_is_black(described: PixelFormat, black: int) -> None:
    word = f"<u{described.bits_allocated // 8}"
    pixels = np.full((3, 4), 77, word)

    found = np.frombuffer(blacked_out(pixels.tobytes(), described, KEPT), word).reshape(3, 4)

    assert np.array_equal(found, np.where(INSIDE, 77, black))


@pytest.mark.requirement("DEID-06")
@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("photometric", "black"), [("RGB", [0, 0, 0]), ("YBR_FULL", [0, 128, 128])])
def test_each_channel_of_a_colour_becomes_black(photometric: str, black: list[int], planar: int) -> None:
    pixels = np.full((3, 4, 3), 77, np.uint8)

    data = blacked_out(pixels.tobytes(), layout(photometric, 3, planar=planar), KEPT)

    found = np.frombuffer(data, np.uint8)
    found = found.reshape(3, 3, 4).transpose(1, 2, 0) if planar else found.reshape(3, 4, 3)
    assert np.array_equal(found, np.where(INSIDE[..., None], 77, black))


@pytest.mark.parametrize("described", [layout("MONOCHROME2", bits=1), layout("YBR_FULL_422", 3)])
def test_pixels_of_other_kinds_are_not_cleaned(described: PixelFormat) -> None:
    with pytest.raises(CannotClean):
        blacked_out(bytes(100), described, KEPT)
