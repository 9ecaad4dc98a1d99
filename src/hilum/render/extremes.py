"""The smallest and greatest modality value of an instance, over all of its frames."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.render.grayscale.choice import modality_of, padding_of, words_of
from hilum.render.grayscale.transform import Words, modality_values, stored_values
from hilum.render.samples import frame_floats, frame_words
from hilum.render.source import Pixels, Source

_MOST_FRAMES: Final = 64


def extremes_of(source: Source) -> tuple[float, float]:
    """Return the least and the greatest modality value that is no padding; (0, 0) where there is none.

    All frames count, so that they are shown alike. Of more than 64, as many are looked at, evenly spread.
    """
    pixels = source.pixels
    if pixels is None:
        return 0.0, 0.0
    count = pixels.format.number_of_frames
    indices = range(count) if count <= _MOST_FRAMES else np.linspace(0, count - 1, _MOST_FRAMES).astype(int).tolist()
    ends = [_of_frame(source, pixels, index) for index in indices]
    found = [end for end in ends if end is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else (0.0, 0.0)


def _of_frame(source: Source, pixels: Pixels, frame_index: int) -> tuple[float, float] | None:
    data = pixels.frame(frame_index)
    stored: NDArray[Any]
    if pixels.is_float:
        words = Words(64, 63, 62, is_signed=True)
        stored = frame_floats(data, pixels.format)
        stored = stored[np.isfinite(stored)]
    else:
        words = words_of(pixels.format)
        stored = stored_values(frame_words(data, pixels.format), words)
    padding = padding_of(source.attributes, words)
    if padding is not None:
        stored = stored[(stored < padding[0]) | (stored > padding[1])]
    if not stored.size:
        return None
    # The Modality LUT is monotone but for tables, and those are looked up.
    ends = np.array([stored.min(), stored.max()])
    modality = modality_of(source.attributes, frame_index, is_signed=words.is_signed)
    values = modality_values(ends, modality)
    return float(values.min()), float(values.max())
