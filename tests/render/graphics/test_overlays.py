from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.render.graphics.overlays import overlays_of, painted_pixels
from render_sources import attributes, shown, source
from samples import make_dataset


def with_overlay(dataset: Dataset, bits: NDArray[np.uint8], origin: list[int], kind: str = "G") -> Dataset:
    dataset.add_new(0x60000010, "US", bits.shape[-2])
    dataset.add_new(0x60000011, "US", bits.shape[-1])
    dataset.add_new(0x60000040, "CS", kind)
    dataset.add_new(0x60000050, "SS", origin)
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    data = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.add_new(0x60003000, "OW", data + bytes(len(data) % 2))
    return dataset


@pytest.mark.requirement("REN-11")
def test_a_plane_is_painted_white_where_its_origin_says(archive: Archive) -> None:
    dataset = with_overlay(make_dataset(PixelData=bytes(16)), np.ones((2, 2), np.uint8), [2, 3])

    found = shown(source(archive, dataset))

    assert (found[1:3, 2:4] == 255).all()
    assert found.sum() == 4 * 255


@pytest.mark.requirement("REN-11")
def test_an_origin_outside_of_the_image_cuts_the_plane(archive: Archive) -> None:
    dataset = with_overlay(make_dataset(PixelData=bytes(16)), np.ones((3, 3), np.uint8), [-1, 0])

    found = shown(source(archive, dataset))

    assert (found == 255).tolist() == [[True, True, False, False], [False] * 4, [False] * 4, [False] * 4]


@pytest.mark.requirement("REN-11")
def test_each_frame_has_its_plane(archive: Archive) -> None:
    planes = np.zeros((2, 3, 3), np.uint8)
    planes[1, 0, 0] = 1
    dataset = with_overlay(make_dataset(NumberOfFrames=3, PixelData=bytes(48)), planes, [1, 1])
    dataset.add_new(0x60000015, "IS", 2)
    dataset.add_new(0x60000051, "US", 2)
    found = source(archive, dataset)

    assert [int(shown(found, frame_index=index).sum()) for index in range(3)] == [0, 0, 255]


@pytest.mark.requirement("REN-11")
def test_planes_in_unused_bits_of_the_pixels_are_found(archive: Archive) -> None:
    words = np.zeros((4, 4), "<u2")
    words[2, 1] = 1 << 12
    dataset = make_dataset(
        BitsAllocated=16, BitsStored=12, HighBit=11, PixelData=words.tobytes(), WindowCenter=100, WindowWidth=10
    )
    dataset.add_new(0x60000010, "US", 4)
    dataset.add_new(0x60000011, "US", 4)
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 12)

    found = shown(source(archive, dataset))

    assert found[2, 1] == 255
    assert found.sum() == 255


def test_a_region_of_interest_is_outlined() -> None:
    dataset = with_overlay(Dataset(), np.ones((4, 4), np.uint8), [1, 1], "R")

    found = painted_pixels(overlays_of(attributes(dataset), 0, None)[0], (4, 4))

    assert found.sum() == 12


def test_a_plane_that_is_too_short_is_passed_over() -> None:
    dataset = with_overlay(Dataset(), np.ones((4, 4), np.uint8), [1, 1])
    dataset[0x60000010].value = 400

    assert overlays_of(attributes(dataset), 0, None) == []
