from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.errors import InvalidRequest
from hilum.render.parameters import RelativeRegion, Viewport, Window
from hilum.soap.methods.parameters import asked_of
from hilum.soap.requests import RENDERED_PARAMETERS


def test_values_are_those_of_the_uri_service() -> None:
    texts = {"Rows": "10", "Region": "0,0.25, 1.0 ,1", "WindowCenter": "-1e2", "WindowWidth": "3", "FrameNumber": "2"}

    asked = asked_of(texts, ("x-none", "iso-8859-1"), "1.2", "http://here")

    assert asked.frame_number == 2
    assert asked.parameters.viewport == Viewport(None, 10, RelativeRegion(0, 0.25, 1, 1))
    assert asked.parameters.window == Window(-100, 3, None)
    assert asked.parameters.charset == "iso-8859-1"


def test_without_parameters_nothing_is_asked() -> None:
    asked = asked_of({}, (), "1.2", "")

    assert (asked.frame_number, asked.parameters.viewport, asked.parameters.window) == (None, None, None)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(RENDERED_PARAMETERS), st.text(max_size=12) | st.just("0,0,1,1")), st.text())
def test_whatever_comes_is_taken_or_refused(texts: dict[str, str], charset: str) -> None:
    try:
        asked_of(texts, (charset,), "1.2", "")
    except InvalidRequest as error:
        assert str(error).endswith(".")  # noqa: PT017 - what is said is looked at only where it is refused


@pytest.mark.parametrize("text", ["1e99", "99999999999", "\u0661", "+1", "1.0", "-1", ""])
def test_sides_are_plain_integers(text: str) -> None:
    with pytest.raises(InvalidRequest):
        asked_of({"Rows": text}, (), "1.2", "")
