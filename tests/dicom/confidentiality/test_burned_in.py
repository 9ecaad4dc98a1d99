from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage, UltrasoundImageStorage

from hilum.dicom.confidentiality.burned_in import CannotClean, Region, refuse_embedded_overlays, regions_to_keep


def image(sop_class: str, **attributes: object) -> Dataset:
    data_set = Dataset()
    data_set.SOPClassUID = sop_class
    data_set.ImageType = ["ORIGINAL", "PRIMARY"]
    for keyword, value in attributes.items():
        setattr(data_set, keyword, value)
    return data_set


def ultrasound(*corners: tuple[int, int, int, int]) -> Dataset:
    data_set = image(UltrasoundImageStorage)
    data_set.SequenceOfUltrasoundRegions = Sequence()
    for left, top, right, bottom in corners:
        item = Dataset()
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
        data_set.SequenceOfUltrasoundRegions.append(item)
    return data_set


@pytest.mark.requirement("DEID-06")
@pytest.mark.parametrize(
    "data_set",
    [
        image(SecondaryCaptureImageStorage, BurnedInAnnotation="NO"),
        image(CTImageStorage),
    ],
)
def test_pixels_without_text_pass(data_set: Dataset) -> None:
    assert regions_to_keep(data_set) is None


@pytest.mark.requirement("DEID-06")
@pytest.mark.parametrize(
    "data_set",
    [
        image(SecondaryCaptureImageStorage),
        image(CTImageStorage, BurnedInAnnotation="YES"),
        image(CTImageStorage, ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"]),
        image(CTImageStorage, ImageType=["ORIGINAL", "PRIMARY", "SCREEN SAVE"]),
        image(CTImageStorage, RecognizableVisualFeatures="YES"),
        image(UltrasoundImageStorage),
        ultrasound((9, 0, 3, 0)),
    ],
)
def test_what_cannot_be_ruled_out_is_refused(data_set: Dataset) -> None:
    with pytest.raises(CannotClean):
        regions_to_keep(data_set)


@pytest.mark.requirement("DEID-06")
def test_ultrasound_keeps_its_regions_alone() -> None:
    assert regions_to_keep(ultrasound((1, 2, 10, 20), (0, 0, 0, 0))) == (Region(1, 2, 11, 21), Region(0, 0, 1, 1))


@pytest.mark.requirement("DEID-01")
def test_overlays_in_the_bits_of_the_pixels_are_refused_and_those_of_their_own_are_not() -> None:
    data_set = image(CTImageStorage)
    data_set.add_new(0x60000010, "US", 8)

    with pytest.raises(CannotClean):
        refuse_embedded_overlays(data_set)

    data_set.add_new(0x60003000, "OW", b"\0" * 8)
    refuse_embedded_overlays(data_set)
