from __future__ import annotations

import pytest
from pydicom.valuerep import VR

from hilum.dicom.searching.attribute_paths import QueryError
from hilum.dicom.searching.conditions import (
    MATCHED_VRS,
    Condition,
    SingleValue,
    Wildcard,
    uid_condition,
    value_condition,
)


@pytest.mark.requirement("SRCH-06")
@pytest.mark.parametrize("vr", sorted(MATCHED_VRS - {"UI"}))
@pytest.mark.parametrize("text", ["", "  ", "*", "***"])
def test_nothing_and_asterisks_match_everything(vr: str, text: str) -> None:
    assert value_condition("X", vr, text) is None


def test_sequences_and_bulk_data_are_not_matched() -> None:
    assert {vr.value for vr in VR if len(vr.value) == 2} - MATCHED_VRS == {
        "OB",
        "OD",
        "OF",
        "OL",
        "OV",
        "OW",
        "SQ",
    }


@pytest.mark.parametrize(
    ("vr", "text", "condition"),
    [
        ("LO", " Head ", SingleValue("Head")),
        ("LT", " Head ", SingleValue(" Head")),
        ("LT", "a\r\nb", SingleValue("a\r\nb")),
        ("LO", "*" + "x" * 64 + "*", Wildcard("*" + "x" * 64 + "*")),
        (
            "PN",
            "A" * 64 + "=" + "B" * 64 + "=" + "C" * 64,
            SingleValue("A" * 64 + "=" + "B" * 64 + "=" + "C" * 64),
        ),
        ("UN", "x*", SingleValue("x*")),
        ("DS", "-1.5E-3", SingleValue("-1.5E-3")),
        ("IS", "+07", SingleValue("7")),
        ("UV", "18446744073709551615", SingleValue("18446744073709551615")),
    ],
)
def test_spaces_and_lengths_follow_the_value_representation(vr: str, text: str, condition: Condition) -> None:
    assert value_condition("X", vr, text) == condition


@pytest.mark.parametrize(("vr", "text"), [("LO", "a\nb"), ("LT", "a\x00b"), ("UV", "18446744073709551616")])
def test_values_outside_the_value_representation_are_refused(vr: str, text: str) -> None:
    with pytest.raises(QueryError):
        value_condition("X", vr, text)


def test_an_empty_list_of_uids_matches_everything() -> None:
    assert [uid_condition("X", values) for values in ([], [""], ["*"], [" ", "\\"])] == [None] * 4
    assert uid_condition("X", ["1.2", "", "1.2"]) == SingleValue("1.2")
    with pytest.raises(QueryError, match="X"):
        uid_condition("X", ["1.2", "*"])
