from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hilum.errors import NotAcceptable
from hilum.render.geometry.placement import scaling
from hilum.render.graphics.drawing import Layer, Spaces, draw_annotations, layers_of
from render_sources import attributes

SPACES = Spaces(scaling(2, 2), scaling(100, 100))


def annotation(graphic: dict[str, Any] | None = None, text: dict[str, Any] | None = None, layer: str = "A") -> Dataset:
    item = Dataset()
    item.GraphicLayer = layer
    for keyword, values in (("GraphicObjectSequence", graphic), ("TextObjectSequence", text)):
        if values:
            inner = Dataset()
            for name, value in values.items():
                setattr(inner, name, value)
            setattr(item, keyword, [inner])
    return item


def drawn(*items: Dataset, layers: dict[str, Layer] | None = None) -> NDArray[np.uint8]:
    canvas = np.zeros((100, 100), np.uint8)
    return draw_annotations(canvas, [attributes(item) for item in items], layers or {}, SPACES)


def graphic(kind: str, data: list[float], units: str = "PIXEL", filled: str = "N") -> Dataset:
    return annotation(
        {"GraphicType": kind, "GraphicData": data, "GraphicAnnotationUnits": units, "GraphicFilled": filled}
    )


@pytest.mark.parametrize(
    ("item", "on", "off"),
    [
        (graphic("POLYLINE", [10, 10, 40, 10]), (20, 50), (50, 50)),
        (graphic("POLYLINE", [0.1, 0.5, 0.9, 0.5], "DISPLAY"), (50, 50), (20, 50)),
        (graphic("CIRCLE", [25, 25, 25, 35]), (50, 70), (50, 50)),
        (graphic("CIRCLE", [25, 25, 25, 35], filled="Y"), (50, 50), (5, 5)),
        (graphic("ELLIPSE", [10, 25, 40, 25, 25, 20, 25, 30]), (50, 80), (70, 80)),
        (graphic("INTERPOLATED", [10, 10, 25, 20, 40, 10]), (40, 50), (10, 50)),
        (graphic("POINT", [25, 25]), (50, 50), (60, 60)),
    ],
)
def test_each_type_is_drawn_where_it_lies(item: Dataset, on: tuple[int, int], off: tuple[int, int]) -> None:
    found = drawn(item)

    assert found[on[0] - 1 : on[0] + 2, on[1] - 1 : on[1] + 2].max() > 220
    assert found[off] == 0


def test_higher_layers_cover_lower_ones_and_colours_make_colour() -> None:
    layers = {"A": Layer(2, (255, 0, 0)), "B": Layer(1, (0, 0, 255))}
    low, high = graphic("CIRCLE", [25, 25, 25, 35], filled="Y"), graphic("CIRCLE", [25, 25, 25, 30], filled="Y")
    low.GraphicLayer = "B"

    found = drawn(high, low, layers=layers)

    assert found[50, 50].tolist() == [255, 0, 0]
    assert found[50, 67].tolist() == [0, 0, 255]


def test_layers_are_read_with_their_colours() -> None:
    first, second, state = Dataset(), Dataset(), Dataset()
    first.GraphicLayer, first.GraphicLayerOrder, first.GraphicLayerRecommendedDisplayGrayscaleValue = "A", 1, 0x8000
    second.GraphicLayer, second.GraphicLayerOrder = "B", 2
    state.GraphicLayerSequence = [first, second]

    assert layers_of(attributes(state)) == {"A": Layer(1, (128, 128, 128)), "B": Layer(2, (255, 255, 255))}


def test_text_stands_at_its_box_or_its_anchor() -> None:
    box = annotation(
        text={
            "UnformattedTextValue": "Mm\r\nMm",
            "BoundingBoxAnnotationUnits": "PIXEL",
            "BoundingBoxTopLeftHandCorner": [20, 20],
            "BoundingBoxBottomRightHandCorner": [45, 30],
        }
    )
    anchor = annotation(
        text={"UnformattedTextValue": "Mm", "AnchorPointAnnotationUnits": "DISPLAY", "AnchorPoint": [0.1, 0.1]}
    )

    assert drawn(box)[:39].max() == 0
    assert drawn(box)[40:70, 40:70].max() > 220
    assert drawn(anchor)[8:26, 8:40].max() > 220


@pytest.mark.parametrize(
    "item", [graphic("SPIRAL", [1, 1, 2, 2]), graphic("POLYLINE", [1, 1, 2, 2], "FURLONG"), graphic("POLYLINE", [1])]
)
def test_what_is_not_drawn_is_refused(item: Dataset) -> None:
    with pytest.raises(NotAcceptable):
        drawn(item)


def test_points_far_outside_cost_nothing() -> None:
    assert drawn(graphic("POLYLINE", [-1e30, 50, 1e30, 50])).shape == (100, 100)
