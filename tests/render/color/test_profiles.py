from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ImageCms
from pydicom.dataset import Dataset

from hilum.render.color.profiles import converted, source_profile, usable_profile, well_known
from hilum.render.parameters import IccProfile
from render_sources import attributes

SPACES = (IccProfile.SRGB, IccProfile.ADOBE_RGB, IccProfile.ROMM_RGB, IccProfile.DISPLAY_P3)


@pytest.mark.requirement("REN-15", "REND-30")
@pytest.mark.parametrize("space", SPACES)
def test_each_known_space_is_a_profile_that_others_read(space: IccProfile) -> None:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(well_known(space)))

    assert ImageCms.getProfileDescription(profile).strip()
    assert usable_profile(well_known(space)) == well_known(space)


@pytest.mark.requirement("REN-15")
def test_our_srgb_is_that_of_little_cms() -> None:
    theirs = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)

    difference = converted(pixels, theirs, well_known(IccProfile.SRGB)).astype(int) - pixels

    assert np.abs(difference).max() <= 1


@pytest.mark.requirement("REN-15")
def test_pure_srgb_red_is_less_than_full_in_wider_spaces() -> None:
    red = np.array([[(255, 0, 0)]], np.uint8)

    found = {space: converted(red, well_known(IccProfile.SRGB), well_known(space))[0, 0].tolist() for space in SPACES}

    assert found[IccProfile.SRGB] == [255, 0, 0]
    assert found[IccProfile.ADOBE_RGB] == [219, 0, 0]
    assert found[IccProfile.DISPLAY_P3] == [234, 51, 35]


@pytest.mark.parametrize("data", [b"", b"RGB ", bytes(200), b"\xff" * 4000])
def test_what_is_no_profile_is_as_good_as_absent(data: bytes) -> None:
    assert usable_profile(data) is None


@pytest.mark.requirement("REND-31")
def test_the_profile_of_an_optical_path_serves_where_the_image_has_none() -> None:
    path, dataset = Dataset(), Dataset()
    path.ICCProfile = well_known(IccProfile.DISPLAY_P3)
    dataset.OpticalPathSequence = [path]

    assert source_profile(attributes(dataset)) == well_known(IccProfile.DISPLAY_P3)
