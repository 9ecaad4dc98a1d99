from __future__ import annotations

import numpy as np
import pytest

from hilum.archive.archive import Archive
from hilum.render.extremes import extremes_of
from render_sources import source
from samples import make_dataset


@pytest.mark.requirement("REN-08")
def test_all_frames_count_and_padding_does_not(archive: Archive) -> None:
    frames = np.array([[[5, 6], [7, 8]], [[0, 9], [1, 255]]], np.uint8)
    dataset = make_dataset(
        Rows=2, Columns=2, NumberOfFrames=2, PixelData=frames.tobytes(), RescaleSlope=2, RescaleIntercept=-1
    )
    dataset.add_new(0x00280120, "US", 255)

    assert extremes_of(source(archive, dataset)) == (-1, 17)


def test_an_image_of_padding_alone_has_none(archive: Archive) -> None:
    dataset = make_dataset(PixelData=bytes(16))
    dataset.add_new(0x00280120, "US", 0)

    assert extremes_of(source(archive, dataset)) == (0, 0)
