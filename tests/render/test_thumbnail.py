from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.errors import NotAcceptable
from hilum.render.thumbnail import icon_picture, may_name_patient, thumbnail_picture
from render_sources import source
from samples import make_dataset

MANY = 10**6
CT = "1.2.840.10008.5.1.4.1.1.2"
SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
US = "1.2.840.10008.5.1.4.1.1.6.1"


@pytest.mark.requirement("WADO-58", "WADO-59")
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, True),
        ({"BurnedInAnnotation": "NO"}, False),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, True),
        ({"SOPClassUID": CT}, False),
        ({"SOPClassUID": CT, "BurnedInAnnotation": "YES"}, True),
        ({"SOPClassUID": SLIDE, "ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}, True),
        ({"SOPClassUID": SLIDE, "ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"]}, True),
        (
            {
                "SOPClassUID": SLIDE,
                "ImageType": ["ORIGINAL", "PRIMARY", "OVERVIEW", "NONE"],
                "SpecimenLabelInImage": "NO",
            },
            False,
        ),
        ({"SOPClassUID": SLIDE, "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]}, False),
    ],
)
def test_pixels_that_may_name_the_patient_are_known(
    archive: Archive, attributes: dict[str, object], expected: bool
) -> None:
    assert may_name_patient(source(archive, make_dataset(**attributes))) is expected


def test_no_overlay_lies_on_a_thumbnail(archive: Archive) -> None:
    dataset = make_dataset(SOPClassUID=CT, PixelData=bytes(16))
    dataset.add_new(0x60000010, "US", 4)
    dataset.add_new(0x60000011, "US", 4)
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", b"\xff\xff")

    assert thumbnail_picture(source(archive, dataset), None, (64, 64), max_pixels=MANY).pixels.max() == 0


def region(left: int, top: int, right: int, bottom: int) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat = 1
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    return item


def test_ultrasound_is_cropped_to_its_region(archive: Archive) -> None:
    pixels = np.zeros((20, 40), np.uint8)
    pixels[5:15, 10:30] = 200
    dataset = make_dataset(
        SOPClassUID=US,
        Modality="US",
        Rows=20,
        Columns=40,
        PixelData=pixels.tobytes(),
        SequenceOfUltrasoundRegions=[region(10, 5, 29, 14)],
    )

    found = thumbnail_picture(source(archive, dataset), None, (20, 20), max_pixels=MANY).pixels

    assert found.shape == (10, 20)
    assert (found == 200).all()


def test_ultrasound_that_names_no_region_is_not_shown(archive: Archive) -> None:
    with pytest.raises(NotAcceptable):
        thumbnail_picture(source(archive, make_dataset(SOPClassUID=US, Modality="US")), None, (64, 64), max_pixels=MANY)


@pytest.mark.parametrize(("number", "value"), [(None, 2), (1, 0), (3, 2)])
def test_the_middle_frame_stands_for_an_instance(archive: Archive, number: int | None, value: int) -> None:
    frames = b"".join(bytes((index,)) * 16 for index in range(4))
    dataset = make_dataset(SOPClassUID=CT, NumberOfFrames=4, PixelData=frames)

    found = thumbnail_picture(source(archive, dataset), number, (4, 4), max_pixels=MANY).pixels

    assert (found == value).all()


def test_the_representative_frame_goes_before_the_middle(archive: Archive) -> None:
    frames = b"".join(bytes((index,)) * 16 for index in range(4))
    dataset = make_dataset(SOPClassUID=CT, NumberOfFrames=4, PixelData=frames, RepresentativeFrameNumber=4)

    assert (thumbnail_picture(source(archive, dataset), None, (4, 4), max_pixels=MANY).pixels == 3).all()


def test_an_icon_fits_into_any_size() -> None:
    assert icon_picture("1.2.840.10008.5.1.4.1.1.88.11", (40, 90)).pixels.shape == (40, 40, 3)
    assert icon_picture("1.2", (1, 1)).pixels.shape == (1, 1, 3)
