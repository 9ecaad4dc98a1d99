from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from hilum.dicom.xml import NAMESPACE, json_to_xml

MODEL = {"m": NAMESPACE}


def attribute(data_set: dict[str, Any], tag: str) -> ET.Element:
    found = ET.fromstring(json_to_xml(data_set)).find(f"m:DicomAttribute[@tag='{tag}']", MODEL)
    assert found is not None
    return found


def name_of(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


@pytest.mark.requirement("XML-01", "XML-03", "XML-04", "XML-20", "XML-22")
def test_a_data_set_is_one_document_of_the_schemas_names() -> None:
    data_set = {"00100020": {"vr": "LO", "Value": [" a "]}, "00080061": {"vr": "CS", "Value": ["CT", "PT"]}}

    assert json_to_xml(data_set).decode().splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">',
        (
            '<DicomAttribute tag="00080061" vr="CS" keyword="ModalitiesInStudy">'
            '<Value number="1">CT</Value><Value number="2">PT</Value></DicomAttribute>'
        ),
        '<DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1"> a </Value></DicomAttribute>',
        "</NativeDicomModel>",
    ]


@pytest.mark.requirement("XML-09", "XML-10")
def test_an_empty_value_among_others_keeps_its_number() -> None:
    values = attribute({"00080061": {"vr": "CS", "Value": ["MPG", None, "XR3"]}}, "00080061")

    assert [(value.get("number"), value.text) for value in values] == [("1", "MPG"), ("2", None), ("3", "XR3")]


@pytest.mark.requirement("XML-11")
def test_what_is_empty_has_no_children() -> None:
    data_set = {"00100020": {"vr": "LO"}, "00081140": {"vr": "SQ"}, "00101002": {"vr": "SQ", "Value": [{}]}}

    assert [len(attribute(data_set, tag)) for tag in ("00100020", "00081140", "00101002")] == [0, 0, 1]
    assert b'<Item number="1"/>' in json_to_xml(data_set)


@pytest.mark.requirement("XML-05")
def test_group_lengths_and_file_meta_information_are_left_out() -> None:
    data_set = {"00020010": {"vr": "UI", "Value": ["1.2"]}, "00080000": {"vr": "UL", "Value": [4]}}

    assert b"DicomAttribute" not in json_to_xml(data_set)


@pytest.mark.requirement("XML-07")
def test_private_attributes_name_their_creator() -> None:
    data_set = {
        "00291001": {"vr": "LO", "Value": ["x"]},
        "00291101": {"vr": "LO", "Value": ["y"]},
        "00290010": {"vr": "LO", "Value": ["ACME 1"]},
        "00290011": {"vr": "LO", "Value": ["ACME 2"]},
    }

    found = ET.fromstring(json_to_xml(data_set)).findall("m:DicomAttribute[@tag='00290001']", MODEL)

    assert [element.get("privateCreator") for element in found] == ["ACME 1", "ACME 2"]
    assert [element.get("keyword") for element in found] == [None, None]


@pytest.mark.requirement("XML-16")
def test_names_are_taken_apart() -> None:
    data_set = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^^M^Dr", "Phonetic": "x"}, None]}}

    first, second = attribute(data_set, "00100010")

    groups = {
        group.tag.rpartition("}")[2]: {part.tag.rpartition("}")[2]: part.text for part in group} for group in first
    }
    assert groups == {
        "Alphabetic": {"FamilyName": "Doe", "MiddleName": "M", "NamePrefix": "Dr"},
        "Phonetic": {"FamilyName": "x"},
    }
    assert (second.get("number"), len(second)) == ("2", 0)


@pytest.mark.requirement("XML-12", "XML-19")
def test_numbers_are_decimal_text() -> None:
    data_set = {
        "00291001": {"vr": "FD", "Value": ["NaN", "Infinity", "-Infinity", 0.1]},
        "00291002": {"vr": "UV", "Value": [2**64 - 1]},
        "00291003": {"vr": "AT", "Value": ["0020000D"]},
    }

    texts = {tag: [value.text for value in attribute(data_set, tag)] for tag in data_set}

    assert texts["00291001"] == ["NaN", "INF", "-INF", "0.1"]
    assert (texts["00291002"], texts["00291003"]) == ([str(2**64 - 1)], ["0020000D"])


@pytest.mark.requirement("XML-13", "XML-14")
def test_bulk_data_are_referred_to_and_binary_values_are_inline() -> None:
    data_set = {
        "00420011": {"vr": "OB", "InlineBinary": "AAE="},
        "7FE00010": {"vr": "OW", "BulkDataURI": 'https://h/?a="1"&b'},
    }

    (inline,), (bulk,) = (attribute(data_set, tag) for tag in data_set)

    assert (inline.text, bulk.get("uri")) == ("AAE=", 'https://h/?a="1"&b')


@pytest.mark.requirement("XML-17", "XML-18")
def test_characters_that_xml_cannot_hold_are_dropped() -> None:
    data_set = {"00081030": {"vr": "LO", "Value": ["a\x0c\x1bb<é\ud800"]}}

    (value,) = attribute(data_set, "00081030")

    assert value.text == "ab<é"
