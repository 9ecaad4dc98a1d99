from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.pixels.pixel_format import PixelFormat, pixel_format
from hilum.dicom.reading.instance import DecodeError

CT = PixelFormat(512, 256, 1, 16, 12, 11, 1, "MONOCHROME2", 0, 1)
ATTRIBUTES: dict[str, Any] = {
    "00280002": {"vr": "US", "Value": [1]},
    "00280004": {"vr": "CS", "Value": ["MONOCHROME2"]},
    "00280010": {"vr": "US", "Value": [512]},
    "00280011": {"vr": "US", "Value": [256]},
    "00280100": {"vr": "US", "Value": [16]},
    "00280101": {"vr": "US", "Value": [12]},
    "00280102": {"vr": "US", "Value": [11]},
    "00280103": {"vr": "US", "Value": [1]},
}


def changed(**values: object) -> dict[str, Any]:
    return ATTRIBUTES | {tag.lstrip("x"): {"vr": "US", "Value": [value]} for tag, value in values.items()}


def test_attributes_become_a_layout() -> None:
    assert pixel_format(ATTRIBUTES) == CT
    assert pixel_format(changed(x00280008="30")) == replace(CT, number_of_frames=30)
    assert pixel_format(changed(x00280008=0)).number_of_frames == 1


def test_what_can_be_told_from_others_may_be_missing() -> None:
    attributes = {tag: ATTRIBUTES[tag] for tag in ("00280002", "00280004", "00280010", "00280011", "00280100")}

    assert pixel_format(attributes) == PixelFormat(512, 256, 1, 16, 16, 15, 0, "MONOCHROME2", 0, 1)


@pytest.mark.parametrize("tag", ["00280002", "00280004", "00280010", "00280011", "00280100"])
@pytest.mark.parametrize("attribute", [None, {"vr": "US"}, {"vr": "US", "Value": []}, {"vr": "US", "Value": [None]}])
def test_what_is_needed_may_not_be_missing(tag: str, attribute: object) -> None:
    with pytest.raises(DecodeError, match="is missing"):
        pixel_format(ATTRIBUTES | {tag: attribute})


@pytest.mark.parametrize(
    "values",
    [
        {"x00280010": 0},
        {"x00280011": 65536},
        {"x00280011": "9" * 40},
        {"x00280010": 5.5},
        {"x00280010": True},
        {"x00280100": 12},
        {"x00280101": 17},
        {"x00280102": 16},
        {"x00280103": 2},
        {"x00280002": 3},
        {"x00280002": 5},
        {"x00280008": -1},
        {"x00280004": "RGB"},
        {"x00280004": " "},
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(DecodeError):
        pixel_format(changed(**values))


def test_lengths_are_those_of_native_pixel_data() -> None:
    assert (CT.frame_bytes, CT.value_bytes) == (512 * 256 * 2, 512 * 256 * 2)
    assert replace(CT, rows=3, columns=3, bits_allocated=8).value_bytes == 10
    bitmap = replace(CT, rows=3, columns=3, bits_allocated=1, number_of_frames=7)
    assert (bitmap.frame_bits, bitmap.frame_bytes, bitmap.value_bytes) == (9, 2, 8)
    colour = replace(CT, rows=2, columns=2, bits_allocated=8, samples_per_pixel=3)
    assert replace(colour, photometric_interpretation="YBR_FULL_422").frame_bytes == 8
    assert replace(colour, photometric_interpretation="YBR_FULL").frame_bytes == 12


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("Value") | st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), JSON | st.lists(JSON).map(lambda v: {"Value": v})))
def test_any_json_is_a_layout_or_a_decode_error(attributes: dict[str, Any]) -> None:
    try:
        layout = pixel_format(ATTRIBUTES | attributes)
    except DecodeError:
        return

    assert layout.frame_bytes > 0
