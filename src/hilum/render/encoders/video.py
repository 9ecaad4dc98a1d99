"""Video: multi-frame images encoded as H.264 or MPEG-2, stored video passed through without re-encoding.

Encoding needs PyAV (the extra `video`); without it, the media types are not offered.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from hilum.errors import InvalidRequest, NotAcceptable
from hilum.render.encoders.animation import frames_of
from hilum.render.encoders.images import refuse_profile
from hilum.render.encoders.timing import frame_durations
from hilum.render.picture import pixels_or_refuse
from hilum.render.rendering import Rendering

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

IS_AVAILABLE: Final = importlib.util.find_spec("av") is not None
"""Whether video can be encoded."""

_MILLISECONDS: Final = Fraction(1, 1000)
_MPEG_RATE: Final = 25
_DEFAULT_QUALITY: Final = 75
_MOST_REPEATS: Final = 250
_LEAST_SIDE: Final = 16
_INDEX_BYTES: Final = 4096
_INDEX_BYTES_A_FRAME: Final = 32


def render_mp4(rendering: Rendering) -> bytes:
    """Return frames as MP4 with H.264, in which user agents can seek without reading all of it."""
    refuse_profile(rendering.parameters, "video/mp4")
    durations = frame_durations(rendering.source.attributes, len(rendering.frame_indices))
    quality = rendering.parameters.quality or _DEFAULT_QUALITY
    options = {"crf": str(round(45 - 0.35 * quality)), "preset": "veryfast", "bf": "0", "g": "25"}
    return _encoded(frames_of(rendering), _starts(durations), ("mp4", "libx264"), options, _MILLISECONDS)


def render_mpeg(rendering: Rendering) -> bytes:
    """Return frames as an MPEG-2 program stream of 25 frames a second, in which frames of the image repeat."""
    refuse_profile(rendering.parameters, "video/mpeg")
    durations = frame_durations(rendering.source.attributes, len(rendering.frame_indices))
    quality = rendering.parameters.quality or _DEFAULT_QUALITY
    frames = _repeated(frames_of(rendering), durations)
    options = {"qscale": str(max(1, round(31 - 0.3 * quality))), "g": "12", "bf": "0"}
    return _encoded(frames, None, ("mpeg", "mpeg2video"), options, Fraction(1, _MPEG_RATE))


def _starts(durations: Sequence[float]) -> list[int]:
    starts = np.concatenate([[0.0], np.cumsum(durations)])
    return [int(start) for start in np.rint(starts)]


def _repeated(frames: Iterator[NDArray[np.uint8]], durations: Sequence[float]) -> Iterator[NDArray[np.uint8]]:
    """Yield what is to be seen at each tick of the output; every frame is seen at least once."""
    shown, due = 0, 0.0
    for frame, duration in zip(frames, durations, strict=True):
        due += duration * _MPEG_RATE / 1000
        for _ in range(min(max(1, round(due) - shown), _MOST_REPEATS)):
            yield frame
            shown += 1


def _encoded(
    frames: Iterator[NDArray[np.uint8]],
    starts: Sequence[int] | None,
    form: tuple[str, str],
    options: dict[str, str],
    time_base: Fraction,
) -> bytes:
    """Encode frames.

    Args:
        frames: all of one size.
        starts: when each frame begins, in units of `time_base`; None: one a unit.
        form: container and codec.
        options: of the codec.
        time_base: seconds of a tick.
    """
    import av  # noqa: PLC0415 - an optional extra, and slow to load

    buffer = io.BytesIO()
    ends = dict(pairwise(starts or ()))
    # The index goes to the front, into room that is kept for it: players start before they have all.
    container_options = {"moov_size": str(_INDEX_BYTES + _INDEX_BYTES_A_FRAME * len(starts))} if starts else {}
    with av.open(buffer, "w", format=form[0], options=container_options) as container:
        stream: VideoStream | None = None
        for number, pixels in enumerate(frames):
            picture = _even(pixels)
            if stream is None:
                stream = _stream(container, form[1], options, picture.shape, time_base)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = (starts[number] if starts else number), time_base
            _mux(container, stream.encode(frame), ends)
        if stream is not None:
            _mux(container, stream.encode(None), ends)
    return buffer.getvalue()


def _mux(container: OutputContainer, packets: list[Any], ends: Mapping[int, int]) -> None:
    """Write packets, each with its duration where frames differ by it."""
    for packet in packets:
        if packet.pts in ends:
            packet.duration = ends[packet.pts] - packet.pts
        container.mux(packet)


def _stream(
    container: OutputContainer, codec: str, options: dict[str, str], shape: tuple[int, ...], time_base: Fraction
) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(codec, rate=1 / time_base, options=options))
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = time_base
    stream.codec_context.thread_count = 1
    if codec == "mpeg2video":
        stream.codec_context.flags |= 2  # Fixed quantiser scale: quality, not a bit rate.
        stream.codec_context.global_quality = int(options["qscale"]) * 118
    return stream


def _even(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return RGB pixels with even sides of at least 16: what is missing is black, right and below."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    rows, columns = (max(side + side % 2, _LEAST_SIDE) for side in pixels.shape[:2])
    missing = ((0, rows - pixels.shape[0]), (0, columns - pixels.shape[1]), (0, 0))
    return np.ascontiguousarray(np.pad(pixels, missing))


def pass_mpeg(rendering: Rendering) -> bytes:
    """Return stored MPEG-2 as it is (MT-23)."""
    return _stored(rendering)


def pass_mp4(rendering: Rendering) -> bytes:
    """Return stored H.264 as MP4: as it is, or put into a container without re-encoding."""
    data = _stored(rendering)
    return data if data[4:8] == b"ftyp" else _contained(data, "h264")


def pass_h265(rendering: Rendering) -> bytes:
    """Return stored H.265 as it is."""
    return _stored(rendering)


def _stored(rendering: Rendering) -> bytes:
    if rendering.parameters.viewport or rendering.parameters.window or rendering.parameters.annotation:
        raise InvalidRequest("Stored video is passed through as it is: it takes no viewport, window or annotation.")
    return pixels_or_refuse(rendering.source).stored_frame(0)


def _contained(data: bytes, codec: str) -> bytes:
    """Return a bare elementary or transport stream in MP4."""
    if not IS_AVAILABLE:
        raise NotAcceptable("The stored video is in no container that the media type has.")
    import av  # noqa: PLC0415 - see above

    buffer = io.BytesIO()
    try:
        with av.open(io.BytesIO(data), "r") as source, av.open(buffer, "w", format="mp4") as target:
            stored = source.streams.video[0]
            if stored.codec_context.name != codec:
                raise NotAcceptable("The stored video is of another codec than its transfer syntax.")
            stream = target.add_stream_from_template(stored)
            for packet in source.demux(stored):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        raise NotAcceptable("The stored video cannot be read.") from error
    return buffer.getvalue()


def first_picture(data: bytes) -> NDArray[np.uint8] | None:
    """Return the first picture of stored video, shape (rows, columns, 3); None where it cannot be decoded."""
    if not IS_AVAILABLE:
        return None
    import av  # noqa: PLC0415 - see above

    try:
        with av.open(io.BytesIO(data), "r") as source:
            frame = next(source.decode(video=0))
            pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24").astype(np.uint8)
    except (av.error.FFmpegError, StopIteration, IndexError, ValueError):
        return None
    return pixels
