from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.errors import InvalidRequest, PayloadTooLarge
from hilum.render.encoders.images import render_png
from hilum.render.mosaic import level_of
from hilum.render.parameters import PixelRegion, RenderingParameters, Viewport
from hilum.render.rendering import Rendering
from hilum.render.representations import Category, category_of
from hilum.render.thumbnail import thumbnail_picture
from render_sources import source
from samples import make_dataset

MATRIX = np.random.default_rng(4).integers(0, 256, (12, 12, 3), np.uint8)
"""A level of 10 rows and 11 columns in tiles of 4 x 4; what lies behind its edges belongs to nothing."""


def tiles() -> list[tuple[int, int]]:
    return [(row, column) for row in (0, 4, 8) for column in (0, 4, 8)]


def slide(order: list[tuple[int, int]], **attributes: Any) -> Dataset:
    return make_dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6",
        Modality="SM",
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        NumberOfFrames=9,
        TotalPixelMatrixRows=10,
        TotalPixelMatrixColumns=11,
        PixelData=b"".join(MATRIX[row : row + 4, column : column + 4].tobytes() for row, column in order),
        **attributes,
    )


def position(row: int, column: int) -> Dataset:
    item, frame = Dataset(), Dataset()
    item.RowPositionInTotalImagePixelMatrix, item.ColumnPositionInTotalImagePixelMatrix = row + 1, column + 1
    frame.PlanePositionSlideSequence = [item]
    return frame


def full() -> Dataset:
    return slide(tiles(), DimensionOrganizationType="TILED_FULL")


def sparse() -> Dataset:
    order = tiles()[::-1]
    return slide(
        order,
        DimensionOrganizationType="TILED_SPARSE",
        PerFrameFunctionalGroupsSequence=[position(*corner) for corner in order],
    )


def picture(archive: Archive, dataset: Dataset, viewport: Viewport | None = None, limit: int = 1000) -> Any:
    rendering = Rendering(source(archive, dataset), range(9), RenderingParameters(viewport=viewport), max_pixels=limit)
    return np.asarray(Image.open(io.BytesIO(render_png(rendering))))


@pytest.mark.requirement("REN-20")
@pytest.mark.parametrize("made", [full, sparse])
def test_tiles_are_put_together_where_they_lie(archive: Archive, made: Any) -> None:
    dataset = made()

    assert category_of(source(archive, dataset), 9) is Category.SINGLE_FRAME
    assert (picture(archive, dataset) == MATRIX[:10, :11]).all()


@pytest.mark.requirement("REN-20")
def test_a_region_needs_only_its_tiles(archive: Archive) -> None:
    dataset = full()

    found = picture(archive, dataset, Viewport(5, 4, PixelRegion(3, 2, -5, 4)))

    assert (found == MATRIX[2:6, 3:8][:, ::-1]).all()
    with pytest.raises(InvalidRequest):
        picture(archive, dataset, Viewport(5, 4, PixelRegion(11, 0, 5, 4)))


@pytest.mark.requirement("REN-20", "REN-22")
def test_a_level_beyond_the_limit_needs_a_viewport(archive: Archive) -> None:
    dataset = full()

    with pytest.raises(PayloadTooLarge):
        picture(archive, dataset, limit=50)
    assert picture(archive, dataset, Viewport(5, 5), limit=50).shape == (5, 5, 3)


def test_a_thumbnail_shows_the_whole_level(archive: Archive) -> None:
    found = thumbnail_picture(source(archive, full()), None, (22, 22), max_pixels=1000).pixels

    assert found.shape == (20, 22, 3)


def test_other_images_are_no_level(archive: Archive) -> None:
    assert level_of(source(archive, make_dataset())) is None
    assert level_of(source(archive, slide(tiles(), DimensionOrganizationType="TILED_SPARSE"))) is None
