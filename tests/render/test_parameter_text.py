from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.errors import InvalidRequest
from hilum.render.parameter_text import parse_rendering, parse_thumbnail, parse_viewport, parse_window
from hilum.render.parameters import (
    Annotation,
    IccProfile,
    PixelRegion,
    RenderingParameters,
    Viewport,
    VoiFunction,
    Window,
)


def test_nothing_asked_gives_nothing() -> None:
    assert parse_rendering({"accept": ["image/png"], "other": ["x"]}) == RenderingParameters()


@pytest.mark.requirement("REND-10", "REND-15", "REND-26", "REND-30")
def test_each_parameter_is_read() -> None:
    query = {
        "window": ["-40.5,1e3,linear-exact"],
        "viewport": ["512,256,,,-100,20.5"],
        "quality": ["75"],
        "annotation": ["technique,patient"],
        "iccprofile": ["displayp3"],
        "charset": ["utf-8"],
    }

    assert parse_rendering(query) == RenderingParameters(
        Window(-40.5, 1000, VoiFunction.LINEAR_EXACT),
        Viewport(512, 256, PixelRegion(0, 0, -100, 20.5)),
        75,
        frozenset(Annotation),
        IccProfile.DISPLAY_P3,
        charset="utf-8",
    )


@pytest.mark.requirement("REND-21")
def test_absolute_values_of_the_origin_count() -> None:
    assert parse_viewport("10,10,-3,-4.5").region == PixelRegion(3, 4.5)


@pytest.mark.requirement("REND-40")
@pytest.mark.parametrize("name", ["window", "quality", "annotation", "iccprofile"])
def test_a_thumbnail_takes_only_a_size(name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        parse_thumbnail({name: ["1"]})
    assert parse_thumbnail({"viewport": ["64,32"]}).viewport == Viewport(64, 32)


def test_a_parameter_given_twice_must_say_the_same() -> None:
    assert parse_rendering({"quality": ["5", "5"]}).quality == 5
    with pytest.raises(InvalidRequest, match="quality"):
        parse_rendering({"quality": ["5", "6"]})


@given(st.text(max_size=40))
def test_any_text_is_a_window_or_is_refused_by_name(text: str) -> None:
    try:
        found = parse_window(text)
    except InvalidRequest as error:
        assert "window" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert found.width > 0


@given(st.text(alphabet="0123456789,.-+e", max_size=40))
def test_any_text_is_a_viewport_or_is_refused_by_name(text: str) -> None:
    try:
        found = parse_viewport(text)
    except InvalidRequest as error:
        assert "viewport" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert found.width is not None
        assert found.width >= 1
