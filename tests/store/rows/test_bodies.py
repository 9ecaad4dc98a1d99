from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.reading.instance import EncapsulatedFrames, Frames, NativeFrames, WireForm
from hilum.store.database.tables import NO_NUMBER, UNKNOWN
from hilum.store.rows.bodies import (
    instance_columns,
    packed_frames,
    packed_wire_form,
    unpacked_frames,
    unpacked_wire_form,
)

OFFSETS = st.integers(0, 2**63)
FRAMES = (
    st.none()
    | st.builds(NativeFrames, OFFSETS, OFFSETS, OFFSETS)
    | st.builds(EncapsulatedFrames, st.binary(max_size=64), OFFSETS)
)
FORMS = st.none() | st.builds(WireForm, OFFSETS, OFFSETS, OFFSETS, st.sampled_from([1, 2, 4, 8]), OFFSETS)


@given(FRAMES, FORMS)
@settings(max_examples=100)
def test_what_is_packed_is_unpacked_as_it_was(frames: Frames | None, form: WireForm | None) -> None:
    assert unpacked_frames(packed_frames(frames)) == frames
    assert unpacked_wire_form(packed_wire_form(form)) == form


@pytest.mark.parametrize(
    ("element", "number", "extra"),
    [
        (None, NO_NUMBER, ""),
        ({"vr": "IS"}, NO_NUMBER, ""),
        ({"vr": "IS", "Value": [7]}, 7, ""),
        ({"vr": "IS", "Value": ["007"]}, 7, '"00200013":{"vr":"IS","Value":["007"]}'),
        ({"vr": "IS", "Value": ["x"]}, NO_NUMBER, '"00200013":{"vr":"IS","Value":["x"]}'),
        ({"vr": "IS", "Value": [1, 2]}, NO_NUMBER, '"00200013":{"vr":"IS","Value":[1,2]}'),
        ({"vr": "UN", "InlineBinary": "AA=="}, NO_NUMBER, ""),
    ],
)
def test_a_number_that_a_column_cannot_give_back_stands_beside_it(
    element: dict[str, object] | None, number: int, extra: str
) -> None:
    columns = instance_columns(orjson.dumps({} if element is None else {"00200013": element}))

    assert (columns["instance_number"], columns["extra"], columns["rows"]) == (number, extra, UNKNOWN)
