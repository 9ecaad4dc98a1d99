from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from hilum.render.encoders.boxes import jp2_file, with_jp2_profile

PIXELS = np.random.default_rng(2).integers(0, 256, (9, 7, 3), np.uint8)


@pytest.mark.requirement("MT-33")
def test_a_codestream_in_boxes_is_read_by_others() -> None:
    codestream = imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k", reversible=True)

    data = jp2_file(bytes(codestream), PIXELS.shape, None, brand=b"jp2 ")

    assert (imagecodecs.jpeg2k_decode(data) == PIXELS).all()


@pytest.mark.requirement("REND-33")
def test_a_profile_takes_the_place_of_the_enumerated_space() -> None:
    data = bytes(imagecodecs.jpeg2k_encode(PIXELS, codecformat="jp2", reversible=True))

    found = with_jp2_profile(data, b"a profile")

    assert found.count(b"colr") == 1
    assert b"a profile" in found
    assert with_jp2_profile(data, None) == data
