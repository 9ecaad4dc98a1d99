from __future__ import annotations

from typing import Any

import pytest

from hilum.dicom.building.model import parse_objects, read_model
from hilum.dicom.reading.instance import DecodeError


@pytest.mark.requirement("JSON-20", "JSON-21")
def test_numbers_keep_their_digits() -> None:
    (members,) = parse_objects(
        b'[{"00101030":{"vr":"DS","Value":[0.70]},"00311001":{"vr":"UV","Value":[18446744073709551615]}}]'
    )

    assert [members[tag]["Value"] for tag in members] == [["0.70"], ["18446744073709551615"]]


@pytest.mark.requirement("JSON-01", "JSON-02")
def test_one_object_stands_for_an_array_of_one() -> None:
    assert parse_objects(b'\xef\xbb\xbf{"00100020":{"vr":"LO"}}') == [{"00100020": {"vr": "LO"}}]


@pytest.mark.requirement("JSON-10")
@pytest.mark.parametrize(
    "text", [b"", b"[", b"1", b"[1]", b'[{"a":1,"a":2}]', b"[" * 10_000, b'{"a":' * 10_000, b"\xff"]
)
def test_what_is_no_array_of_data_sets_is_refused(text: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_objects(text)


@pytest.mark.requirement("JSON-03", "JSON-05", "JSON-06", "JSON-23", "JSON-31", "JSON-35", "JSON-54")
@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"0020000d": {"vr": "UI", "Value": ["1.2"]}}, {0x0020000D: {"vr": "UI", "Value": ["1.2"]}}),
        ({"PatientID": "X"}, {0x00100020: {"vr": "LO", "Value": ["X"]}}),
        ({"00100020": {"Value": "X"}}, {0x00100020: {"vr": "LO", "Value": ["X"]}}),
        ({"00100020": {"vr": "LO", "Value": []}}, {0x00100020: {"vr": "LO"}}),
        ({"00100020": {"vr": "LO", "Value": [""]}}, {0x00100020: {"vr": "LO"}}),
        ({"00100020": {"vr": "LO", "Value": None}}, {0x00100020: {"vr": "LO"}}),
        ({"00100010": "A^B=王"}, {0x00100010: {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "王"}]}}),
        (
            {"00100010": {"vr": "PN", "Value": [{}, {"Alphabetic": "A"}]}},
            {0x00100010: {"vr": "PN", "Value": [None, {"Alphabetic": "A"}]}},
        ),
        ({"00081140": {"vr": "SQ", "Value": [None, {}]}}, {0x00081140: {"vr": "SQ", "Value": [{}, {}]}}),
        ({"00081140": {"vr": "SQ", "Value": []}}, {0x00081140: {"vr": "SQ"}}),
        (
            {"00280106": {"Value": [1]}, "00280103": {"vr": "US", "Value": [1]}},
            {0x00280103: {"vr": "US", "Value": [1]}, 0x00280106: {"vr": "SS", "Value": [1]}},
        ),
        (
            {"00291001": {"Value": ["x"], "vr": "LO"}, "00290010": {"Value": ["ACME"]}},
            {0x00290010: {"vr": "LO", "Value": ["ACME"]}, 0x00291001: {"vr": "LO", "Value": ["x"]}},
        ),
        ({"00080000": {"vr": "UL", "Value": [1]}, "FFFCFFFC": {"vr": "OB"}}, {}),
        ({"7FE00010": {"vr": "OB or OW", "InlineBinary": "AA=="}}, {0x7FE00010: {"vr": "OW", "InlineBinary": "AA=="}}),
    ],
)
def test_loose_forms_are_understood(sent: dict[str, Any], read: dict[int, Any]) -> None:
    assert read_model(sent) == read


@pytest.mark.requirement("JSON-04", "JSON-32", "JSON-36")
@pytest.mark.parametrize(
    "sent",
    [
        {"nonsense": "X"},
        {"0010002": "X"},
        {"00100020": {"vr": "XX", "Value": ["X"]}},
        {"00100020": {"vr": 1}},
        {"00291001": {"Value": ["X"]}},
        {"00100020": {"vr": "LO", "Value": ["X"], "InlineBinary": "AA=="}},
        {"00100020": {"vr": "LO", "other": 1}},
        {"00100020": {"vr": "LO", "InlineBinary": "AA=="}},
        {"00100010": {"vr": "PN", "BulkDataURI": "x"}},
        {"00081140": {"vr": "SQ", "BulkDataURI": "x"}},
        {"00420011": {"vr": "OB", "Value": ["x"]}},
        {"00100020": {"vr": "LO", "Value": [{}]}},
        {"00100020": {"vr": "LO", "Value": [True]}},
        {"00100010": {"vr": "PN", "Value": [1]}},
        {"00100010": {"vr": "PN", "Value": [{"Family": "x"}]}},
        {"00100010": {"vr": "PN", "Value": [{"Alphabetic": 1}]}},
        {"00081140": {"vr": "SQ", "Value": ["x"]}},
        {"00100020": "X", "PatientID": "Y"},
    ],
)
def test_what_makes_no_sense_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(DecodeError):
        read_model(sent)


def test_nesting_has_a_bound() -> None:
    nested: dict[str, Any] = {}
    for _ in range(100):
        nested = {"00081140": {"vr": "SQ", "Value": [nested]}}

    with pytest.raises(DecodeError, match="nested"):
        read_model(nested)
