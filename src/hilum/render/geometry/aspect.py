"""The shape of pixels (PS3.3 C.7.6.3.1.7, 10.7)."""

from __future__ import annotations

from typing import Final

from hilum.render.attributes import Attributes
from hilum.render.grayscale.choice import functional_group

_SPACINGS: Final = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_LIKELY: Final = (0.05, 20.0)


def pixel_aspect(attributes: Attributes, frame_index: int) -> float:
    """Return the height of a pixel over its width; 1.0 where nothing usable is said.

    >>> pixel_aspect(Attributes({"00280034": {"vr": "IS", "Value": [1, 2]}}), 0)
    0.5
    """
    measures = functional_group(attributes, frame_index, "PixelMeasuresSequence")
    pairs = [attributes.numbers("PixelAspectRatio")]
    pairs += [measures.numbers("PixelSpacing")] if measures else []
    pairs += [attributes.numbers(keyword) for keyword in _SPACINGS]
    return next((ratio for ratio in map(ratio_of, pairs) if ratio is not None), 1.0)


def ratio_of(pair: list[float]) -> float | None:
    """Return vertical over horizontal of a pair; None where it is none that pixels have."""
    if len(pair) != 2 or min(pair) <= 0:
        return None
    ratio = pair[0] / pair[1]
    return ratio if _LIKELY[0] <= ratio <= _LIKELY[1] else None
