from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from hilum.archive.archive import Archive
from hilum.errors import InvalidRequest, NotAcceptable, PayloadTooLarge
from hilum.render.encoders.animation import frames_of, render_gif
from hilum.render.parameters import IccProfile, RenderingParameters, Viewport
from hilum.render.rendering import Rendering
from render_sources import source
from samples import make_dataset

FRAMES = b"".join(bytes((index * 40,)) * 16 for index in range(6))


@pytest.mark.requirement("REN-19")
def test_frames_have_the_timing_of_the_object_and_repeat(archive: Archive) -> None:
    dataset = make_dataset(NumberOfFrames=6, PixelData=FRAMES, FrameTimeVector=[0, 100, 40, 40, 5, 60])

    data = render_gif(Rendering(source(archive, dataset), range(6), RenderingParameters()))

    image, durations = Image.open(io.BytesIO(data)), []
    for index in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(index)
        durations.append(image.info["duration"])
        assert int(np.asarray(image.convert("L")).max()) == index * 40
    assert durations == [100, 40, 40, 20, 60, 60]
    assert image.info["loop"] == 0


@pytest.mark.requirement("REN-22")
def test_all_frames_count_for_the_limit(archive: Archive) -> None:
    found = source(archive, make_dataset(NumberOfFrames=6, PixelData=FRAMES))

    with pytest.raises(PayloadTooLarge):
        list(frames_of(Rendering(found, range(6), RenderingParameters(), max_pixels=95)))
    small = RenderingParameters(viewport=Viewport(2, 2))
    assert len(list(frames_of(Rendering(found, range(6), small, max_pixels=95)))) == 6


def test_a_picture_that_stands_still_for_longer_than_a_gif_can_say_is_refused(archive: Archive) -> None:
    found = source(archive, make_dataset(NumberOfFrames=12, PixelData=bytes(16 * 12), FrameTime="60000"))

    with pytest.raises(NotAcceptable, match="655 seconds"):
        render_gif(Rendering(found, range(12), RenderingParameters()))


def test_frames_are_counted_however_small_they_are(archive: Archive) -> None:
    many = make_dataset(Rows=1, Columns=1, NumberOfFrames=20_000, PixelData=bytes(20_000))

    with pytest.raises(PayloadTooLarge, match="16384 frames"):
        render_gif(Rendering(source(archive, many), range(20_000), RenderingParameters()))


def test_a_profile_is_refused(archive: Archive) -> None:
    found = source(archive, make_dataset(NumberOfFrames=6, PixelData=FRAMES))

    with pytest.raises(InvalidRequest):
        render_gif(Rendering(found, range(6), RenderingParameters(icc_profile=IccProfile.YES)))
