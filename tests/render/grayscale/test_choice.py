from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from hilum.render.grayscale.choice import image_transform, modality_of
from hilum.render.grayscale.tables import LookUpTable
from hilum.render.grayscale.transform import Rescale, Span, Words
from hilum.render.parameters import VoiFunction, Window
from render_sources import attributes

UNSIGNED = Words(16, 12, 11, is_signed=False)
BYTES = Words(8, 8, 7, is_signed=False)


def made(**values: Any) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def table() -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [2, 0, 8]
    item.add_new(0x00283006, "US", [0, 255])
    return item


def voi(dataset: Dataset, window: Window | None = None, layout: Words = UNSIGNED, frame_index: int = 0) -> Any:
    return image_transform(attributes(dataset), frame_index, layout, window, lambda: (-7.0, 9.0)).voi


@pytest.mark.requirement("REN-03")
def test_a_modality_table_goes_before_a_rescale() -> None:
    both = attributes(made(ModalityLUTSequence=[table()], RescaleSlope=2, RescaleIntercept=1))

    assert isinstance(modality_of(both, 0, is_signed=False), LookUpTable)
    assert modality_of(attributes(made(RescaleSlope=-0.5, RescaleIntercept=-1024)), 0, is_signed=False) == Rescale(
        -0.5, -1024
    )
    assert modality_of(attributes(made()), 0, is_signed=False) == Rescale()


@pytest.mark.requirement("REN-03")
def test_each_frame_of_an_enhanced_object_has_its_rescale() -> None:
    frames = []
    for slope in (1, 3):
        item, group = Dataset(), Dataset()
        item.RescaleSlope, item.RescaleIntercept = slope, -slope
        group.PixelValueTransformationSequence = [item]
        frames.append(group)
    found = attributes(made(PerFrameFunctionalGroupsSequence=frames, RescaleSlope=9))

    assert [modality_of(found, index, is_signed=False) for index in (0, 1)] == [Rescale(1, -1), Rescale(3, -3)]


def test_a_shared_group_holds_for_all_frames() -> None:
    window, group = Dataset(), Dataset()
    window.WindowCenter, window.WindowWidth, window.VOILUTFunction = 5, 6, "SIGMOID"
    group.FrameVOILUTSequence = [window]
    dataset = made(SharedFunctionalGroupsSequence=[group], PerFrameFunctionalGroupsSequence=[Dataset(), Dataset()])

    assert voi(dataset, frame_index=1) == Window(5, 6, VoiFunction.SIGMOID)


def test_x_ray_intensities_are_not_looked_up() -> None:
    dataset = made(Modality="XA", PixelIntensityRelationship="LOG", ModalityLUTSequence=[table()])

    assert modality_of(attributes(dataset), 0, is_signed=False) == Rescale()


@pytest.mark.requirement("REN-04", "REND-29")
def test_the_request_goes_before_tables_and_those_before_windows() -> None:
    dataset = made(VOILUTSequence=[table()], WindowCenter=[1, 2], WindowWidth=[3, 4])

    assert voi(dataset, Window(7, 8)) == Window(7, 8)
    assert isinstance(voi(dataset), LookUpTable)
    del dataset.VOILUTSequence
    assert voi(dataset) == Window(1, 3)


def test_a_window_without_a_function_takes_that_of_the_image() -> None:
    dataset = made(VOILUTFunction="LINEAR_EXACT")

    assert voi(dataset, Window(7, 8, None)) == Window(7, 8, VoiFunction.LINEAR_EXACT)


@pytest.mark.parametrize("width", [0, -4, 0.5])
def test_an_impossible_window_is_passed_over(width: float) -> None:
    assert voi(made(WindowCenter=1, WindowWidth=width)) == Span(-7, 9)


@pytest.mark.requirement("REND-29")
def test_without_a_window_bytes_are_shown_as_they_are_and_more_bits_by_their_extremes() -> None:
    assert voi(made(), layout=BYTES) == Span(0, 255)
    assert voi(made()) == Span(-7, 9)
    assert voi(made(RescaleSlope=2), layout=BYTES) == Span(-7, 9)


@pytest.mark.requirement("REN-02")
@pytest.mark.parametrize(
    ("photometric", "shape", "expected"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", None, False),
    ],
)
def test_the_scale_is_inverted_once(photometric: str, shape: str | None, expected: bool) -> None:
    dataset = made(PhotometricInterpretation=photometric)
    if shape:
        dataset.PresentationLUTShape = shape

    assert image_transform(attributes(dataset), 0, BYTES, None, lambda: (0, 1)).is_inverse is expected


@pytest.mark.requirement("REN-08")
def test_padding_is_a_range_in_either_order_with_the_sign_of_the_pixels() -> None:
    dataset = made()
    dataset.add_new(0x00280120, "US", 63536)
    dataset.add_new(0x00280121, "US", 63500)
    signed = Words(16, 16, 15, is_signed=True)

    found = image_transform(attributes(dataset), 0, signed, None, lambda: (0, 1)).padding

    assert found == (63500 - 65536, 63536 - 65536)
