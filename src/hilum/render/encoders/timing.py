"""How long each frame is shown (PS3.3 C.7.6.5)."""

from __future__ import annotations

from typing import Final

from hilum.render.attributes import Attributes

_DEFAULT_MS: Final = 100.0
_BOUNDS_MS: Final = (1.0, 60_000.0)


def frame_durations(attributes: Attributes, frame_count: int) -> list[float]:
    """Return the milliseconds of each frame.

    Frame Time, else Frame Time Vector, else a rate: Cine Rate, Recommended Display Frame Rate; else 100 ms.

    >>> frame_durations(Attributes({"00181063": {"vr": "DS", "Value": [40]}}), 2)
    [40.0, 40.0]
    """
    time = attributes.number("FrameTime")
    if time is not None and time > 0:
        return [_bounded(time)] * frame_count
    # The first value is the time before the first frame: 0.
    vector = attributes.numbers("FrameTimeVector")
    if len(vector) == frame_count > 1:
        return [_bounded(duration) for duration in [*vector[1:], vector[-1]]]
    rates = (attributes.number(keyword) for keyword in ("CineRate", "RecommendedDisplayFrameRate"))
    rate = next((rate for rate in rates if rate is not None and rate > 0), 1000 / _DEFAULT_MS)
    return [_bounded(1000 / rate)] * frame_count


def _bounded(duration_ms: float) -> float:
    return min(max(duration_ms, _BOUNDS_MS[0]), _BOUNDS_MS[1])
