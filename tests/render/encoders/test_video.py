from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hilum.archive.archive import Archive
from hilum.dicom.pixels.pixel_format import PixelFormat
from hilum.errors import InvalidRequest, NotAcceptable
from hilum.render.attributes import Attributes
from hilum.render.encoders import video
from hilum.render.parameters import RenderingParameters, Viewport
from hilum.render.rendering import Rendering
from hilum.render.source import Pixels, Source
from render_sources import source
from samples import make_dataset

av = pytest.importorskip("av")

FRAMES = b"".join(bytes((40 + index * 40,)) * 15 for index in range(5)) + b"\0"


def rendering(archive: Archive, **attributes: Any) -> Rendering:
    dataset = make_dataset(Rows=3, Columns=5, NumberOfFrames=5, PixelData=FRAMES, **attributes)
    return Rendering(source(archive, dataset), range(5), RenderingParameters(viewport=Viewport(55, 33)))


def pictures(data: bytes) -> list[tuple[float, float]]:
    """Return the time and the grey level of each picture."""
    with av.open(io.BytesIO(data)) as container:
        found = [(float(frame.time), frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    assert found[0][1].shape == (34, 56)
    return [(time - found[0][0], float(picture[:30, :50].mean())) for time, picture in found]


@pytest.mark.requirement("REN-19")
def test_mp4_has_each_frame_at_its_time_and_even_sides(archive: Archive) -> None:
    found = pictures(video.render_mp4(rendering(archive, FrameTimeVector=[0, 40, 80, 40, 100])))

    assert [time for time, _ in found] == pytest.approx([0, 0.04, 0.12, 0.16, 0.26])
    assert [level for _, level in found] == pytest.approx([40, 80, 120, 160, 200], abs=4)


@pytest.mark.requirement("REN-19")
def test_mp4_has_its_index_in_front(archive: Archive) -> None:
    data = video.render_mp4(rendering(archive))

    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert float(stream.duration * stream.time_base) == pytest.approx(0.5, abs=0.11)


@pytest.mark.requirement("REN-19")
def test_mpeg_repeats_frames_to_hold_their_time(archive: Archive) -> None:
    data = video.render_mpeg(rendering(archive, FrameTime=80))

    found = pictures(data)
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.video[0].average_rate == Fraction(25)
    assert [level for _, level in found] == pytest.approx(np.repeat([40, 80, 120, 160, 200], 2).tolist(), abs=4)


def stored(data: bytes) -> Rendering:
    layout = PixelFormat(33, 55, 3, 8, 8, 7, 0, "YBR_PARTIAL_420", 0, 1)
    pixels = Pixels(layout, is_float=False, frame=lambda _: data, stored_frame=lambda _: data)
    made = Source("1.2", "1.2.840.10008.1.2.4.102", Attributes({}), pixels, lambda: b"")
    return Rendering(made, [0], RenderingParameters())


def test_stored_video_in_its_container_is_passed_through(archive: Archive) -> None:
    data = video.render_mp4(rendering(archive))

    assert video.pass_mp4(stored(data)) == data
    assert video.pass_mpeg(stored(b"abc")) == video.pass_h265(stored(b"abc")) == b"abc"


def test_a_bare_stream_is_put_into_a_container_without_encoding(archive: Archive) -> None:
    mp4, bare = video.render_mp4(rendering(archive)), io.BytesIO()
    with av.open(io.BytesIO(mp4)) as given, av.open(bare, "w", format="mpegts") as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)

    found = video.pass_mp4(stored(bare.getvalue()))

    assert found[4:8] == b"ftyp"
    assert [level for _, level in pictures(found)] == pytest.approx([level for _, level in pictures(mp4)])


def test_what_is_no_video_is_refused() -> None:
    with pytest.raises(NotAcceptable):
        video.pass_mp4(stored(b"nonsense" * 100))
    assert video.first_picture(b"nonsense" * 100) is None


def test_stored_video_takes_no_parameters_that_change_pixels() -> None:
    asked = Rendering(stored(b"").source, [0], RenderingParameters(viewport=Viewport(1, 1)))

    with pytest.raises(InvalidRequest):
        video.pass_mpeg(asked)
