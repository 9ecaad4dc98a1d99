from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.archive.archive import Archive
from hilum.render.graphics.shutters import hidden_pixels
from render_sources import attributes, shown, source
from samples import make_dataset

SHAPE = (8, 8)
RECTANGLE = {
    "ShutterLeftVerticalEdge": 2,
    "ShutterRightVerticalEdge": 6,
    "ShutterUpperHorizontalEdge": 3,
    "ShutterLowerHorizontalEdge": 7,
}
CIRCLE = {"CenterOfCircularShutter": [4, 5], "RadiusOfCircularShutter": 2}


def visible(shape: str | list[str], **values: Any) -> NDArray[np.bool_]:
    dataset = Dataset()
    dataset.ShutterShape = shape
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    hidden = hidden_pixels(attributes(dataset), SHAPE)
    assert hidden is not None
    return ~hidden


@pytest.mark.requirement("REN-12")
def test_the_edges_of_a_rectangle_are_covered_themselves() -> None:
    found = visible("RECTANGULAR", **RECTANGLE)

    assert np.argwhere(found).min(0).tolist() == [3, 2]
    assert np.argwhere(found).max(0).tolist() == [5, 4]


@pytest.mark.requirement("REN-12")
def test_a_circle_is_given_by_row_and_column() -> None:
    found = visible("CIRCULAR", **CIRCLE)

    assert found[3, 4]
    assert found.sum() == 13


@pytest.mark.requirement("REN-12")
def test_a_polygon_is_filled() -> None:
    found = visible("POLYGONAL", VerticesOfThePolygonalShutter=[2, 2, 2, 6, 6, 6, 6, 2])

    assert found[1:6, 1:6].all()
    assert found.sum() == 25


@pytest.mark.requirement("REN-12")
def test_several_shutters_leave_what_all_leave() -> None:
    both = visible(["RECTANGULAR", "CIRCULAR"], **RECTANGLE, **CIRCLE)

    assert (both == (visible("RECTANGULAR", **RECTANGLE) & visible("CIRCULAR", **CIRCLE))).all()


def test_covered_pixels_have_the_colour_of_the_shutter(archive: Archive) -> None:
    dataset = make_dataset(
        ShutterShape="RECTANGULAR",
        ShutterLeftVerticalEdge=1,
        ShutterRightVerticalEdge=4,
        ShutterUpperHorizontalEdge=1,
        ShutterLowerHorizontalEdge=4,
        ShutterPresentationValue=0x8000,
    )

    found = shown(source(archive, dataset))

    assert found.shape == (4, 4)
    assert (found[0] == 128).all()
    assert found[1, 1] == 5


def test_a_malformed_shutter_covers_nothing() -> None:
    dataset = Dataset()
    dataset.ShutterShape = ["CIRCULAR", "STAR"]

    assert hidden_pixels(attributes(dataset), SHAPE) is None
