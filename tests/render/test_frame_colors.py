from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.errors import NotAcceptable
from hilum.render.color.palettes import HEAT, SEGMENT_COLORS
from render_sources import shown, source
from samples import make_dataset

SEG = "1.2.840.10008.5.1.4.1.1.66.4"
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
MAP = "1.2.840.10008.5.1.4.1.1.30"


def palette(dataset: Dataset, first: int, count: int) -> Dataset:
    for number, channel in enumerate(("Red", "Green", "Blue")):
        setattr(dataset, f"{channel}PaletteColorLookupTableDescriptor", [count, first, 8])
        data = bytes((40 * number + index) % 256 for index in range(count))
        setattr(dataset, f"{channel}PaletteColorLookupTableData", data)
    return dataset


@pytest.mark.requirement("REN-06", "REND-41")
def test_palette_images_have_the_colours_of_their_entries(archive: Archive) -> None:
    dataset = palette(make_dataset(PhotometricInterpretation="PALETTE COLOR"), 2, 8)

    assert shown(source(archive, dataset))[0].tolist() == [[0, 40, 80], [0, 40, 80], [0, 40, 80], [1, 41, 81]]


def test_a_palette_image_without_palette_is_refused(archive: Archive) -> None:
    with pytest.raises(NotAcceptable):
        shown(source(archive, make_dataset(PhotometricInterpretation="PALETTE COLOR")))


@pytest.mark.requirement("REN-06")
def test_a_supplemental_palette_covers_values_from_its_first_on(archive: Archive) -> None:
    dataset = palette(make_dataset(PixelPresentation="MIXED"), 14, 2)

    found = shown(source(archive, dataset))

    assert found[3].tolist() == [[12, 12, 12], [13, 13, 13], [0, 40, 80], [1, 41, 81]]


def segment(number: int, lab: list[int] | None = None) -> Dataset:
    item = Dataset()
    item.SegmentNumber = number
    if lab:
        item.RecommendedDisplayCIELabValue = lab
    return item


def identification(number: int) -> Dataset:
    item, group = Dataset(), Dataset()
    item.ReferencedSegmentNumber = number
    group.SegmentIdentificationSequence = [item]
    return group


def segmentation(**attributes: Any) -> Dataset:
    return make_dataset(
        SOPClassUID=SEG,
        Modality="SEG",
        SegmentSequence=[segment(1, [65535, 32896, 32896]), segment(2)],
        PerFrameFunctionalGroupsSequence=[identification(1), identification(2)],
        NumberOfFrames=2,
        **attributes,
    )


def test_a_binary_segmentation_has_the_colour_of_each_frames_segment(archive: Archive) -> None:
    dataset = segmentation(
        BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=bytes((0x01, 0x00, 0x02, 0x00)), SegmentationType="BINARY"
    )
    found = source(archive, dataset)

    assert shown(found)[0, 0].tolist() == [255, 255, 255]
    assert shown(found, frame_index=1)[0, 1].tolist() == list(SEGMENT_COLORS[1])
    assert shown(found)[1].max() == 0


def test_a_fractional_segmentation_fades(archive: Archive) -> None:
    dataset = segmentation(
        SegmentationType="FRACTIONAL", MaximumFractionalValue=10, PixelData=bytes((0, 5, 10, 20) * 8)
    )

    assert shown(source(archive, dataset))[0, :, 0].tolist() == [0, 128, 255, 255]


def test_labels_have_the_colour_of_their_segment(archive: Archive) -> None:
    dataset = segmentation(SegmentationType="LABELMAP", PixelData=bytes((0, 1, 2, 0) * 8))

    assert shown(source(archive, dataset))[0].tolist() == [
        [0, 0, 0],
        [255, 255, 255],
        list(SEGMENT_COLORS[1]),
        [0, 0, 0],
    ]


def test_doses_and_float_maps_are_shown_from_least_to_greatest_in_colour(archive: Archive) -> None:
    dose = make_dataset(
        SOPClassUID=DOSE,
        BitsAllocated=32,
        BitsStored=32,
        HighBit=31,
        DoseGridScaling=1e-6,
        PixelData=np.arange(16, dtype="<u4").tobytes(),
    )
    floats = make_dataset(SOPClassUID=MAP, BitsAllocated=32)
    for keyword in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(floats, keyword)
    floats.FloatPixelData = np.linspace(-1, 1, 16, dtype="<f4").tobytes()

    for dataset in (dose, floats):
        found = shown(source(archive, dataset))
        assert found[0, 0].tolist() == HEAT.colors[0].tolist()
        assert found[3, 3].tolist() == HEAT.colors[255].tolist()
