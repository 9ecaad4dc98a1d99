from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from hilum.dicom.worklist.payload import Payload, PayloadError, parse_json, parse_xml
from hilum.dicom.xml import json_to_xml
from workitems import element, workitem


def test_an_array_of_one_and_a_bare_object_are_the_same() -> None:
    members = workitem()

    assert parse_json(json.dumps([members]).encode()) == parse_json(json.dumps(members).encode())
    assert parse_json(json.dumps(members).encode()) == Payload(dict(sorted(members.items())))


def test_xml_and_json_say_the_same() -> None:
    members = workitem(t00404021=element("SQ", {"0020000D": element("UI", "1.2")}, {}))

    assert parse_xml(json_to_xml(members)) == parse_json(json.dumps(members).encode())


@pytest.mark.parametrize(
    ("given_element", "kept"),
    [
        ({"Value": ["A"]}, element("LO", "A")),
        ({"vr": "SH", "Value": ["A"]}, element("LO", "A")),
        ({"vr": "LO", "Value": [""]}, element("LO")),
        ({"vr": "LO", "Value": [None]}, element("LO")),
        ({"vr": "LO", "Value": []}, element("LO")),
        ({"vr": "LO", "Value": ["A", None]}, element("LO", "A", None)),
    ],
)
def test_elements_are_brought_into_one_form(given_element: dict[str, Any], kept: dict[str, Any]) -> None:
    assert parse_json(json.dumps({"00741204": given_element}).encode()).members == {"00741204": kept}


def test_tags_are_in_upper_case_and_ascending() -> None:
    payload = parse_json(b'{"0040a370":{"vr":"SQ"},"00080018":{"vr":"UI"},"00000002":{"vr":"UI"}}')

    assert list(payload.members) == ["00080018", "0040A370"]
    assert payload.has_dropped


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("00404005", element("DT", "202401011261")), ("00404005", element("DT", "20240101+01")),
        ("00100030", element("DA", "20241350")), ("00741236", element("AE", "x" * 17)),
        ("00741000", element("CS", "lower")), ("00741004", element("DS", "1e")), ("001021C0", element("US", 1.5)),
        ("001021C0", {"vr": "US", "Value": [True]}), ("00100010", element("PN", "Text")),
        ("00100010", element("PN", {"Latin": "A"})), ("00100010", element("PN", {"Alphabetic": "A=B"})),
        ("00404021", {"vr": "SQ", "Value": [1]}), ("00404021", {"vr": "SQ", "Value": {}}), ("00404021", {"vr": "XX"}),
        ("00311001", {}), ("00741204", {"vr": "LO", "InlineBinary": "AA=="}), ("00741204", []),
        ("FFFEE000", {"vr": "UN"}), ("00740000", {"vr": "UL"}),
    ],
)  # fmt: skip
def test_wrong_elements_are_refused(tag: str, value: Any) -> None:
    with pytest.raises(PayloadError):
        parse_json(json.dumps({tag: value}).encode())


def test_depth_has_a_limit() -> None:
    members: dict[str, Any] = {}
    for _ in range(32):
        members = {"00404021": element("SQ", members)}
    parse_json(json.dumps(members).encode())

    with pytest.raises(PayloadError, match="deeper"):
        parse_json(json.dumps({"00404021": element("SQ", members)}).encode())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["vr", "Value", "00404021", "00741204", "InlineBinary", ""]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(_JSON)
def test_whatever_comes_is_a_payload_or_refused(value: Any) -> None:
    try:
        body = json.dumps(value).encode("utf-8", "surrogatepass")
        members = parse_json(body).members
    except PayloadError:
        return
    assert parse_json(json.dumps(members).encode()).members == members


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_whatever_bytes_come_are_refused_or_a_payload(body: bytes) -> None:
    for parse in (parse_json, parse_xml):
        try:
            parse(body)
        except PayloadError:
            continue
