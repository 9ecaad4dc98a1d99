"""VOI windows: from modality values to display values (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hilum.render.parameters import VoiFunction, Window

FloatArray = NDArray[np.floating[Any]]

WHITE: Final = 255.0
_MOST_NEGATIVE_EXPONENT: Final = 700.0


def apply_window(values: FloatArray, window: Window) -> FloatArray:
    """Map modality values through a window.

    Args:
        values: modality values, any shape.
        window: in the units of `values`; its width fits its function.

    Returns:
        Display values 0.0 to 255.0, not rounded, same shape.

    Source: PS3.3 C.11.2.1.2.1, C.11.2.1.3.

    >>> window = Window(40, 400, VoiFunction.LINEAR)
    >>> [round(float(value), 4) for value in apply_window(np.array([-160.0, 0.0, 240.0]), window)]
    [0.0, 102.2556, 255.0]
    """
    function = window.function or VoiFunction.LINEAR
    return _FUNCTIONS[function](values, window.center, window.width)


def _linear(values: FloatArray, center: float, width: float) -> FloatArray:
    middle, half = center - 0.5, (width - 1) / 2
    if width <= 1:
        return np.where(values > middle, WHITE, 0.0)
    shown = ((values - middle) / (width - 1) + 0.5) * WHITE
    return np.where(values <= middle - half, 0.0, np.where(values > middle + half, WHITE, shown))


def _linear_exact(values: FloatArray, center: float, width: float) -> FloatArray:
    shown = ((values - center) / width + 0.5) * WHITE
    return np.where(values <= center - width / 2, 0.0, np.where(values > center + width / 2, WHITE, shown))


def _sigmoid(values: FloatArray, center: float, width: float) -> FloatArray:
    exponent = np.minimum(-4 * ((values - center) / width), _MOST_NEGATIVE_EXPONENT)
    display: FloatArray = WHITE / (1 + np.exp(exponent))
    return display


_FUNCTIONS: Final[Mapping[VoiFunction, Callable[[FloatArray, float, float], FloatArray]]] = {
    VoiFunction.LINEAR: _linear,
    VoiFunction.LINEAR_EXACT: _linear_exact,
    VoiFunction.SIGMOID: _sigmoid,
}


def rounded(display: FloatArray) -> NDArray[np.uint8]:
    """Return display values as bytes: halves are rounded up, what is outside is clamped.

    >>> rounded(np.array([-3.0, 0.49, 0.5, 254.5, 300.0])).tolist()
    [0, 0, 1, 255, 255]
    """
    shown: NDArray[np.uint8] = np.clip(np.floor(display + 0.5), 0.0, WHITE).astype(np.uint8)
    return shown
