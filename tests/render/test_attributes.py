from __future__ import annotations

import base64

import numpy as np
import pytest

from hilum.render.attributes import Attributes


def test_values_are_read_by_keyword_or_tag() -> None:
    found = Attributes(
        {"00280010": {"vr": "US", "Value": [4]}, "00100010": {"vr": "PN", "Value": [{"Ideographic": "山"}]}}
    )

    assert (found.integer("Rows"), found.integer("00280010"), found.integer("Columns", 7)) == (4, 4, 7)
    assert found.text("PatientName") == "山"
    assert "Rows" in found
    assert found.values("Columns") == []


@pytest.mark.parametrize("value", [None, True, "x", {"a": 1}, float("inf"), "1e999"])
def test_what_is_no_finite_number_is_as_good_as_absent(value: object) -> None:
    assert Attributes({"00281050": {"vr": "DS", "Value": [value]}}).number("WindowCenter") is None


@pytest.mark.parametrize("attribute", [None, [], "x", {"vr": "SQ", "Value": "x"}, {"vr": "SQ", "Value": [None, 1]}])
def test_a_malformed_sequence_has_no_items(attribute: object) -> None:
    found = Attributes({"00283010": attribute})

    assert found.items("VOILUTSequence") == []
    assert found.first_item("VOILUTSequence") is None


def test_binary_values_come_inline_or_from_where_they_lie() -> None:
    words = np.array([1, 65535], "<u2").tobytes()
    stored = {"00283010/1/00283006": words}
    members = {
        "00283006": {"vr": "OW", "InlineBinary": base64.b64encode(words).decode()},
        "00281201": {"vr": "OW", "BulkDataURI": "/studies//bulkdata/00283010/1/00283006"},
        "00281202": {"vr": "OW", "BulkDataURI": "/studies//bulkdata/00281202"},
        "00281203": {"vr": "OW", "InlineBinary": "!"},
    }
    found = Attributes(members, stored.__getitem__)

    assert found.words("LUTData").tolist() == [1, 65535]
    assert found.words("RedPaletteColorLookupTableData").tolist() == [1, 65535]
    assert found.octets("GreenPaletteColorLookupTableData") == b""
    assert found.octets("BluePaletteColorLookupTableData") == b""


def test_numbers_of_unknown_vr_have_that_of_the_dictionary() -> None:
    found = Attributes({"00281053": {"vr": "UN", "InlineBinary": base64.b64encode(b"2.5 ").decode()}})

    assert found.number("RescaleSlope") == 2.5
