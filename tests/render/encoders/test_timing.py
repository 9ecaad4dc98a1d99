from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset

from hilum.render.encoders.timing import frame_durations
from render_sources import attributes


@pytest.mark.requirement("REN-19")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"FrameTime": 40, "CineRate": 5}, [40, 40, 40]),
        ({"FrameTimeVector": [0, 20, 30]}, [20, 30, 30]),
        ({"FrameTimeVector": [0, 20], "CineRate": 20}, [50, 50, 50]),
        ({"RecommendedDisplayFrameRate": 25}, [40, 40, 40]),
        ({}, [100, 100, 100]),
        ({"FrameTime": 0}, [100, 100, 100]),
        ({"FrameTime": 1e9}, [60000, 60000, 60000]),
    ],
)
def test_the_timing_comes_from_the_object(values: dict[str, Any], expected: list[float]) -> None:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)

    assert frame_durations(attributes(dataset), 3) == expected
