"""One thing to render: the source, which of its frames, how, and within which bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hilum.dicom.resources import TargetResource
from hilum.render.parameters import RenderingParameters
from hilum.render.source import Source


def nothing_stored(_target: TargetResource) -> bool:
    """Say that nothing is stored: no reference becomes a link."""
    return False


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a representation is made of; every row of the table of representations takes one."""

    source: Source
    frame_indices: Sequence[int]
    """From 0, ascending; one for single-frame types; empty for documents and waveforms."""
    parameters: RenderingParameters
    state: Source | None = None
    """The presentation state to apply."""
    max_pixels: int = 64 * 1024 * 1024
    """Most pixels of the result, over all its frames."""
    is_stored: Callable[[TargetResource], bool] = nothing_stored
    """Whether an instance that a document references is on this origin server."""
