"""Multi-frame images as animated GIF."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hilum.errors import NotAcceptable, PayloadTooLarge
from hilum.render.encoders.images import image_of, refuse_profile
from hilum.render.encoders.timing import frame_durations
from hilum.render.grayscale.choice import image_transform, words_of
from hilum.render.parameters import Window
from hilum.render.picture import pixels_or_refuse, render_picture
from hilum.render.rendering import Rendering

_SHORTEST_MS: Final = 20
"""Browsers take shorter delays for none and show them slowly."""
_MOST_FRAMES: Final = 16_384
"""However small they are: an object of 2 MB may have millions of frames of one pixel, which would take hours."""


def render_gif(rendering: Rendering) -> bytes:
    """Return frames as an animated GIF that repeats for ever.

    Raises:
        InvalidRequest: a colour profile is asked for (REND-32).
        NotAcceptable: a picture stands still for longer than the format can say.
        PayloadTooLarge: all frames together have too many pixels.
    """
    refuse_profile(rendering.parameters, "image/gif")
    durations = frame_durations(rendering.source.attributes, len(rendering.frame_indices))
    images = [image_of(pixels) for pixels in frames_of(rendering)]
    buffer = io.BytesIO()
    try:
        images[0].save(
            buffer,
            "GIF",
            save_all=True,
            append_images=images[1:],
            duration=[max(_SHORTEST_MS, round(duration / 10) * 10) for duration in durations],
            loop=0,
            optimize=False,
            disposal=1,
        )
    except OverflowError as error:
        # Pillow makes equal neighbours one picture with the sum of their times, which has 16 bits.
        raise NotAcceptable("A GIF shows no picture for more than 655 seconds: ask for fewer frames.") from error
    return buffer.getvalue()


def frames_of(rendering: Rendering) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of frames, all of one size, shown through one window.

    Raises:
        PayloadTooLarge: all together have too many pixels, or there are too many frames.
    """
    if len(rendering.frame_indices) > _MOST_FRAMES:
        raise PayloadTooLarge(f"A rendered representation has at most {_MOST_FRAMES} frames: ask for fewer.")
    rendering = with_common_window(rendering)
    budget = rendering.max_pixels
    for frame_index in rendering.frame_indices:
        pixels = render_picture(rendering, frame_index).pixels
        budget -= pixels.shape[0] * pixels.shape[1]
        # The first frame tells what all will need.
        if budget < 0 or pixels.shape[0] * pixels.shape[1] * len(rendering.frame_indices) > rendering.max_pixels:
            raise PayloadTooLarge(
                f"A rendered representation has at most {rendering.max_pixels} pixels over all of its frames: "
                "ask for a viewport or for fewer frames."
            )
        yield pixels


def with_common_window(rendering: Rendering) -> Rendering:
    """Return the rendering with the window of its first frame for all: frames that differ by it would flicker."""
    source, parameters = rendering.source, rendering.parameters
    layout = pixels_or_refuse(source).format
    if rendering.state or parameters.window or not layout.photometric_interpretation.startswith("MONOCHROME"):
        return rendering
    first = rendering.frame_indices[0]
    transform = image_transform(source.attributes, first, words_of(layout), None, lambda: (0.0, 0.0))
    if not isinstance(transform.voi, Window):
        return rendering
    return replace(rendering, parameters=replace(parameters, window=transform.voi))
