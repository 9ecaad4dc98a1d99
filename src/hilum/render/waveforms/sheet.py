"""What is drawn, in millimetres: rectangles of grid, traces and texts. Each encoder draws the same sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Shape (points, 2): x and y in mm from the top left, y downwards."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in mm."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text; `y` is its baseline, `size` its height, in mm."""

    x: float
    y: float
    text: str
    size: float = 3.0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: it is as large as what stands on it."""

    width: float
    height: float
    grids: tuple[Box, ...]
    """Filled with lines each 1 mm, stronger ones each 5 mm."""
    frames: tuple[Box, ...]
    """Without a grid."""
    traces: tuple[Points, ...]
    labels: tuple[Label, ...]


def trace_of(values: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64], step: float) -> list[Points]:
    """Return lines through samples, broken where a value is NaN; many samples in a step become their extremes.

    Args:
        values: of which NaN breaks the line.
        x: mm, ascending.
        y: mm.
        step: width in mm in which extremes are enough.
    """
    if not len(values):
        return []
    per_step = int(step * (len(x) - 1) / max(x[-1] - x[0], 1e-9)) if len(x) > 1 else 1
    if per_step > 2:
        x, y = _extremes(x, y, per_step)
    known = np.isfinite(y)
    # A line ends before each gap: neighbours of equal knowledge belong together.
    starts = np.flatnonzero(np.diff(np.concatenate(([False], known))) & np.concatenate((known[:1], known[1:])))
    ends = np.flatnonzero(np.diff(np.concatenate((known, [False]))) & known) + 1
    return [np.column_stack((x[a:b], y[a:b])) for a, b in zip(starts, ends, strict=True) if b > a]


def _extremes(
    x: NDArray[np.float64], y: NDArray[np.float64], per_step: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two points a step: its least and its greatest, in the order of time as near as that matters."""
    whole = len(y) - len(y) % per_step
    steps = y[:whole].reshape(-1, per_step)
    ends = np.column_stack((np.fmin.reduce(steps, axis=1), np.fmax.reduce(steps, axis=1)))
    rising = steps[:, 0] <= steps[:, -1]
    ends = np.where(rising[:, None], ends, ends[:, ::-1])
    places = np.repeat(x[:whole:per_step], 2)
    return np.concatenate((places, x[whole:])), np.concatenate((ends.ravel(), y[whole:]))
