from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.dicom.xml import json_to_xml
from hilum.dicom.xml_streaming import xml_documents

DATA_SETS: list[dict[str, Any]] = [
    {},
    {
        "00080061": {"vr": "CS", "Value": ["CT", None]},
        "00081030": {"vr": "LO", "Value": ['a\\"}]{[b', "\\", "é王"]},
        "00081140": {"vr": "SQ", "Value": [{}, {"00081150": {"vr": "UI", "Value": ["1.2"]}, "00081199": {"vr": "SQ"}}]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B"}, None]},
        "00290010": {"vr": "LO", "Value": ["ACME"]},
        "00291001": {"vr": "FD", "Value": [1.5, 2]},
        "7FE00010": {"vr": "OW", "BulkDataURI": "https://host/bulkdata/7FE00010"},
    },
]


@pytest.mark.requirement("XML-02", "XML-20")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(DATA_SETS), max_size=3), st.integers(1, 50))
def test_the_documents_are_those_of_the_whole_data_sets_however_the_text_is_cut(
    data_sets: list[dict[str, Any]], step: int
) -> None:
    text = orjson.dumps(data_sets)
    chunks = (text[start : start + step] for start in range(0, len(text), step))

    documents = [b"".join(document) for document in xml_documents(chunks)]

    assert documents == [json_to_xml(data_set) for data_set in data_sets]


@pytest.mark.parametrize("text", [b"[", b'[{"x":1}]', b'[{"00100020":{"vr":"LO","Value":["a', b"{}"])
def test_text_of_another_form_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match="metadata"):
        [b"".join(document) for document in xml_documents(iter([text]))]
