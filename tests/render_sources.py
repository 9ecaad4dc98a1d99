"""Sources of the rendering pipeline for tests: data sets as they come out of an archive, and small made-up ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

import archives
from hilum.app import prepare
from hilum.archive.archive import Archive
from hilum.archive.rendering.sources import source_of
from hilum.config import Settings
from hilum.render.attributes import Attributes
from hilum.render.parameters import RenderingParameters
from hilum.render.picture import render_picture
from hilum.render.rendering import Rendering
from hilum.render.source import Source


@contextmanager
def fresh_archive(folder: Path) -> Iterator[Archive]:
    """Open a new archive in `folder`."""
    prepare(Settings(data=folder))
    with archives.opened(folder) as archive:
        yield archive


def source(archive: Archive, dataset: Dataset, data: bytes | None = None) -> Source:
    """Store a data set and return it as a source."""
    return source_of(archives.stored(archive, dataset, data), archive=archive)


def shown(
    rendered: Source,
    parameters: RenderingParameters | None = None,
    *,
    frame_index: int = 0,
    state: Source | None = None,
) -> NDArray[np.uint8]:
    """Return the display values of a frame."""
    rendering = Rendering(rendered, [frame_index], parameters or RenderingParameters(), state)
    return render_picture(rendering, frame_index).pixels


def attributes(dataset: Dataset) -> Attributes:
    """Return a data set as attributes; all values are inline."""
    members: dict[str, Any] = dataset.to_json_dict(bulk_data_threshold=2**31)
    return Attributes(members)
