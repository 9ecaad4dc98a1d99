from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.xml import NAMESPACE, json_to_xml
from hilum.dicom.xml_reading import xml_to_json

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=12)
COMPONENTS = st.text("abé王-.", min_size=1, max_size=4)
NAMES = st.fixed_dictionaries(
    {"Alphabetic": st.lists(COMPONENTS, min_size=1, max_size=5).map("^".join)},
    optional={"Ideographic": COMPONENTS, "Phonetic": COMPONENTS},
)


def values(vr: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(st.none() | value, min_size=1, max_size=3).filter(any)
    return st.just({"vr": vr}) | lists.map(lambda items: {"vr": vr, "Value": items})


SIMPLE = st.one_of(
    values("LO", TEXT),
    values("UV", st.integers(1, 2**64 - 1)),
    values("SV", st.integers(-(2**63), -1)),
    values("FD", st.floats(allow_nan=False, allow_infinity=False).filter(bool)),
    values("FL", st.sampled_from(["NaN", "Infinity", "-Infinity"])),
    values("PN", NAMES),
    values("AT", st.sampled_from(["0020000D", "7FE00010"])),
    st.binary(min_size=1).map(lambda data: {"vr": "OB", "InlineBinary": base64.b64encode(data).decode()}),
    TEXT.map(lambda uri: {"vr": "OW", "BulkDataURI": uri}),
)
TAGS = st.sampled_from(["00080061", "00100010", "00181000", "00291001", "00291002", "00291101", "00311001"])
CREATORS = st.dictionaries(
    st.sampled_from(["00290010", "00290011", "00310010"]), st.sampled_from(["ACME", "OTHER 1"]), max_size=3
)


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    attributes = draw(st.dictionaries(TAGS, SIMPLE, max_size=5))
    attributes |= {tag: {"vr": "LO", "Value": [name]} for tag, name in draw(CREATORS).items()}
    if depth and draw(st.booleans()):
        items = draw(st.lists(data_sets(depth - 1), max_size=2))
        attributes["00081140"] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    return dict(sorted(attributes.items()))


@pytest.mark.requirement("XML-08", "XML-09", "XML-10", "XML-11", "XML-16", "JSON-29", "JSON-33", "JSON-34")
@settings(max_examples=150, deadline=None)
@given(data_sets())
def test_reading_gives_back_what_was_written(data_set: dict[str, Any]) -> None:
    assert xml_to_json(json_to_xml(data_set)) == data_set


def document(inner: str) -> bytes:
    return f'<NativeDicomModel xmlns="{NAMESPACE}">{inner}</NativeDicomModel>'.encode()


@pytest.mark.requirement("XML-03")
def test_the_spellings_of_the_standards_examples_are_understood() -> None:
    element = '<DicomAttribute Tag="0020000d" VR="UI" Keyword="x"><Value Number="1">1.2</Value></DicomAttribute>'
    text = f"<NativeDicomModel>\n {element}\n</NativeDicomModel>"

    assert xml_to_json(text.encode()) == {"0020000D": {"vr": "UI", "Value": ["1.2"]}}


@pytest.mark.requirement("XML-08", "JSON-50")
def test_a_private_attribute_gets_a_free_block_and_its_creator() -> None:
    inner = (
        '<DicomAttribute tag="00290010" vr="LO"><Value number="1">OTHER</Value></DicomAttribute>'
        '<DicomAttribute tag="00290002" vr="LO" privateCreator="ACME"><Value number="1">x</Value></DicomAttribute>'
    )

    assert xml_to_json(document(inner)) == {
        "00290010": {"vr": "LO", "Value": ["OTHER"]},
        "00290011": {"vr": "LO", "Value": ["ACME"]},
        "00291102": {"vr": "LO", "Value": ["x"]},
    }


@pytest.mark.requirement("XML-14")
def test_a_uuid_becomes_a_uri_that_nothing_resolves() -> None:
    inner = '<DicomAttribute tag="7FE00010" vr="OW"><BulkData uuid="1"/></DicomAttribute>'

    assert xml_to_json(document(inner)) == {"7FE00010": {"vr": "OW", "BulkDataURI": "urn:uuid:1"}}


@pytest.mark.requirement("XML-17")
def test_any_declared_encoding_is_read() -> None:
    inner = '<DicomAttribute tag="00100020" vr="LO"><Value number="1">é</Value></DicomAttribute>'
    text = f'<?xml version="1.0" encoding="ISO-8859-1"?><NativeDicomModel>{inner}</NativeDicomModel>'

    assert xml_to_json(text.encode("latin-1")) == {"00100020": {"vr": "LO", "Value": ["é"]}}


BOMB = (
    '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {name} "{10 * f"&{before};"}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    + ']><NativeDicomModel><DicomAttribute tag="00100020" vr="LO"><Value number="1">&i;</Value></DicomAttribute>'
    + "</NativeDicomModel>"
)
ATTRIBUTE = '<DicomAttribute tag="00100020" vr="LO">'


@pytest.mark.requirement("XML-21")
@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><NativeDicomModel/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><NativeDicomModel>&x;</NativeDicomModel>',
        "<NativeDicomModel>&x;</NativeDicomModel>",
        "<NativeDicomModel>" + '<DicomAttribute tag="00081140" vr="SQ"><Item number="1">' * 10_000,
        "",
        "junk",
        "<other/>",
        "<NativeDicomModel>text</NativeDicomModel>",
        "<NativeDicomModel><NativeDicomModel/></NativeDicomModel>",
        '<NativeDicomModel><DicomAttribute vr="LO"/></NativeDicomModel>',
        '<NativeDicomModel><DicomAttribute tag="00100020" vr="lo"/></NativeDicomModel>',
        f"<NativeDicomModel>{ATTRIBUTE}</DicomAttribute>{ATTRIBUTE}</DicomAttribute></NativeDicomModel>",
        f'<NativeDicomModel>{ATTRIBUTE}<Value number="999999999">x</Value></DicomAttribute></NativeDicomModel>',
        f'<NativeDicomModel>{ATTRIBUTE}<Value number="0">x</Value></DicomAttribute></NativeDicomModel>',
        (
            f'<NativeDicomModel>{ATTRIBUTE}<Value number="1">x</Value><Value number="1">x</Value></DicomAttribute>'
            "</NativeDicomModel>"
        ),
        (
            f'<NativeDicomModel>{ATTRIBUTE}<Value number="1">x</Value><BulkData uri="a"/></DicomAttribute>'
            "</NativeDicomModel>"
        ),
        f"<NativeDicomModel>{ATTRIBUTE}<BulkData/></DicomAttribute></NativeDicomModel>",
    ],
)
def test_what_is_no_native_model_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        xml_to_json(text.encode())
