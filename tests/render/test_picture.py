from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.errors import InvalidRequest, NotAcceptable, PayloadTooLarge
from hilum.render.color.profiles import well_known
from hilum.render.parameters import Annotation, IccProfile, RenderingParameters, Viewport, Window
from hilum.render.picture import render_picture
from hilum.render.rendering import Rendering
from render_sources import shown, source
from samples import make_dataset


@pytest.mark.requirement("REN-02")
def test_monochrome1_is_inverted_once(archive: Archive) -> None:
    for shape in ({}, {"PresentationLUTShape": "INVERSE"}):
        found = shown(source(archive, make_dataset(PhotometricInterpretation="MONOCHROME1", **shape)))
        assert found.ravel().tolist() == [255 - value for value in range(16)]


@pytest.mark.requirement("REN-03")
def test_a_negative_intercept_and_a_window_meet_in_modality_units(archive: Archive) -> None:
    dataset = make_dataset(RescaleSlope=1, RescaleIntercept=-8, WindowCenter=0, WindowWidth=16)

    expected = np.floor(np.clip(((np.arange(16) - 8 + 0.5) / 15 + 0.5) * 255, 0, 255) + 0.5)
    assert shown(source(archive, dataset)).ravel().tolist() == expected.tolist()


@pytest.mark.requirement("REN-07")
def test_bits_above_the_high_bit_do_not_count(archive: Archive) -> None:
    words = (np.arange(16, dtype="<u2") << 4) | 0xF00F
    dataset = make_dataset(
        BitsAllocated=16, BitsStored=8, HighBit=11, PixelData=words.tobytes(), WindowCenter=8, WindowWidth=16
    )
    plain = make_dataset(WindowCenter=8, WindowWidth=16)

    assert (shown(source(archive, dataset)) == shown(source(archive, plain))).all()


@pytest.mark.requirement("REN-05")
@pytest.mark.parametrize(
    ("photometric", "planar", "data"),
    [
        ("RGB", 0, bytes((254, 0, 0)) * 16),
        ("RGB", 1, bytes((254,)) * 16 + bytes(32)),
        ("YBR_FULL", 0, bytes((76, 85, 255)) * 16),
        ("YBR_FULL", 1, bytes((76,)) * 16 + bytes((85,)) * 16 + bytes((255,)) * 16),
        ("YBR_FULL_422", 0, bytes((76, 76, 85, 255)) * 8),
    ],
)
def test_every_native_colour_model_gives_the_same_red(
    archive: Archive, photometric: str, planar: int, data: bytes
) -> None:
    dataset = make_dataset(
        SamplesPerPixel=3, PhotometricInterpretation=photometric, PlanarConfiguration=planar, PixelData=data
    )

    assert (shown(source(archive, dataset)) == [254, 0, 0]).all()


def test_a_window_on_colour_is_passed_over(archive: Archive) -> None:
    found = source(archive, red())

    assert (shown(found, RenderingParameters(window=Window(1, 2))) == shown(found)).all()


def red(**attributes: object) -> Dataset:
    return make_dataset(
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        PixelData=bytes((255, 0, 0)) * 16,
        **attributes,
    )


@pytest.mark.requirement("REN-15", "REND-30", "REND-31", "REND-34")
def test_the_profile_of_the_source_counts(archive: Archive) -> None:
    found = source(archive, red(ICCProfile=well_known(IccProfile.DISPLAY_P3)))

    def picture(profile: IccProfile | None) -> tuple[list[int], bytes | None]:
        made = render_picture(Rendering(found, [0], RenderingParameters(icc_profile=profile)), 0)
        return made.pixels[0, 0].tolist(), made.icc_profile

    assert picture(None) == picture(IccProfile.NO) == ([255, 0, 0], None)
    assert picture(IccProfile.YES) == ([255, 0, 0], well_known(IccProfile.DISPLAY_P3))
    assert picture(IccProfile.DISPLAY_P3)[0] == [255, 0, 0]
    adobe, embedded = picture(IccProfile.ADOBE_RGB)
    assert adobe[0] > 225
    assert embedded == well_known(IccProfile.ADOBE_RGB)


def test_grey_never_gets_a_profile_of_colours(archive: Archive) -> None:
    found = source(archive, make_dataset())

    assert (
        render_picture(Rendering(found, [0], RenderingParameters(icc_profile=IccProfile.SRGB)), 0).icc_profile is None
    )


@pytest.mark.requirement("REN-09")
def test_pixels_twice_as_wide_as_high_become_square_in_a_viewport(archive: Archive) -> None:
    found = source(archive, make_dataset(PixelAspectRatio=[1, 2]))

    assert shown(found).shape == (4, 4)
    assert shown(found, RenderingParameters(viewport=Viewport(40, 40))).shape == (20, 40)


@pytest.mark.requirement("REN-14")
def test_an_annotation_survives_the_smallest_viewport(archive: Archive) -> None:
    found = source(archive, make_dataset(PatientName="Very^Long^Name" * 4))

    for side in (1, 4, 20, 64, 128, 600):
        viewport = Viewport(side, side)
        bare = shown(found, RenderingParameters(viewport=viewport))
        with_text = shown(found, RenderingParameters(viewport=viewport, annotation=frozenset(Annotation)))
        assert bare.shape == with_text.shape
        assert (bare != with_text).any() == (side > 12)


@pytest.mark.requirement("REN-22")
def test_frames_beyond_the_limit_are_refused_before_they_are_read(archive: Archive) -> None:
    found = source(archive, make_dataset())

    with pytest.raises(PayloadTooLarge):
        render_picture(Rendering(found, [0], RenderingParameters(), max_pixels=15), 0)


def test_an_object_without_pixels_is_refused(archive: Archive) -> None:
    dataset = make_dataset()
    del dataset.PixelData

    with pytest.raises(NotAcceptable):
        shown(source(archive, dataset))


def test_a_state_that_does_not_reference_the_image_is_refused(archive: Archive) -> None:
    state = make_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1")

    with pytest.raises(InvalidRequest):
        shown(source(archive, make_dataset()), state=source(archive, state))
