from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import archives
from hilum.archive.archive import Archive
from hilum.archive.rendering.representative import has_images, representative
from samples import PREFIX, make_dataset, make_series

CT = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.11"
KO = "1.2.840.10008.5.1.4.1.1.88.59"
SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def series(study: str, count: int, **attributes: Any) -> list[Dataset]:
    made = make_series(count, **{"SOPClassUID": CT, **attributes})
    for dataset in made:
        dataset.StudyInstanceUID = study
    return made


def chosen(archive: Archive, *datasets: Dataset) -> str:
    for dataset in datasets:
        archives.stored(archive, dataset)
    instances = archive.index.list_instances(datasets[0].StudyInstanceUID)
    first = representative(instances, archive=archive)
    assert representative(instances, archive=archive) == first
    return first.sop_instance_uid


def test_the_middle_image_stands_for_a_series(archive: Archive) -> None:
    images = series("1.2.3", 5)

    assert chosen(archive, *images) == images[2].SOPInstanceUID


def test_the_series_with_most_images_that_is_no_localizer_stands_for_a_study(archive: Archive) -> None:
    localizer = series("1.2.3", 4, SeriesNumber=1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    captures = series("1.2.3", 6, SeriesNumber=2, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    few, many = series("1.2.3", 1, SeriesNumber=3), series("1.2.3", 3, SeriesNumber=4)

    assert chosen(archive, *localizer, *captures, *few, *many) == many[1].SOPInstanceUID


def test_what_a_key_object_selection_points_to_goes_before_the_middle(archive: Archive) -> None:
    images = series("1.2.3", 5, SeriesNumber=1)
    reference, in_series, evidence = Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPInstanceUID = images[4].SOPInstanceUID
    in_series.SeriesInstanceUID, in_series.ReferencedSOPSequence = images[4].SeriesInstanceUID, [reference]
    evidence.ReferencedSeriesSequence = [in_series]
    keys = make_dataset(
        SOPClassUID=KO,
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID=generate_uid(PREFIX),
        SeriesNumber=2,
        CurrentRequestedProcedureEvidenceSequence=[evidence],
    )

    assert chosen(archive, *images, keys) == images[4].SOPInstanceUID


def test_a_study_without_images_has_a_representative(archive: Archive) -> None:
    reports = series("1.2.3", 2, SOPClassUID=SR)

    assert chosen(archive, *reports) == reports[0].SOPInstanceUID


@pytest.mark.parametrize(("thumbnail", "expected"), [(True, 2), (False, 1)])
def test_a_slide_is_shown_by_its_thumbnail_or_its_smallest_level(
    archive: Archive, thumbnail: bool, expected: int
) -> None:
    levels = series("1.2.3", 3, SOPClassUID=SLIDE)
    for level, columns in zip(levels, (4000, 500, 2000), strict=True):
        level.ImageType, level.TotalPixelMatrixColumns = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], columns
    if thumbnail:
        levels[2].ImageType = ["ORIGINAL", "PRIMARY", "THUMBNAIL", "RESAMPLED"]

    assert chosen(archive, *levels) == levels[expected].SOPInstanceUID


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("2", True),
        ("66.4", True),
        ("66.1", False),
        ("481.2", True),
        ("481.3", False),
        ("4.2", False),
        ("4", True),
        ("9.1.1", False),
    ],
)
def test_classes_with_images_are_known(branch: str, expected: bool) -> None:
    assert has_images(f"1.2.840.10008.5.1.4.1.1.{branch}") is expected
    assert has_images("1.2.3.4")
