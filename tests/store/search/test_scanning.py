from __future__ import annotations

import pytest

from hilum.dicom.searching.query import Condition, DateTimeRange, Match, Range, SingleValue, UidList, Wildcard
from hilum.store.rows.merging import Members
from hilum.store.search.criteria import demands_of
from hilum.store.search.scanning import fulfils

CODES = {
    "vr": "SQ",
    "Value": [
        {"00080100": {"vr": "SH", "Value": ["A"]}, "00080102": {"vr": "SH", "Value": ["X"]}},
        {"00080100": {"vr": "SH", "Value": ["B"]}, "00080102": {"vr": "SH", "Value": ["Y"]}},
    ],
}
MEMBERS: Members = {
    "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY"]},
    "00080022": {"vr": "DA", "Value": ["20200102"]},
    "00080032": {"vr": "TM", "Value": ["1030"]},
    "00081140": CODES,
    "00180050": {"vr": "DS", "Value": [2.5]},
    "00200052": {"vr": "UI", "Value": ["1.2"]},
    "00081070": {"vr": "PN", "Value": [{"Alphabetic": "Müller^A"}]},
}


@pytest.mark.parametrize(
    ("tag", "vr", "condition", "expected"),
    [
        ("00080008", "CS", SingleValue("PRIMARY"), True),
        ("00080008", "CS", SingleValue("primary"), False),
        ("00080008", "CS", Wildcard("PRIM*"), True),
        ("00080008", "CS", Wildcard("*MAR?"), True),
        ("00180050", "DS", SingleValue("2.50"), True),
        ("00180050", "DS", SingleValue("2"), False),
        ("00080022", "DA", Range("20200101", "20200102"), True),
        ("00080022", "DA", Range("20200103", ""), False),
        ("00080022", "DA", Range("", "20200102"), True),
        ("00080022", "DA", DateTimeRange(("00080032",), "20200102103000.000000", "20200102103000.000000"), True),
        ("00080022", "DA", DateTimeRange(("00080032",), "20200102103000.000001", ""), False),
        ("00200052", "UI", UidList(("1.1", "1.2")), True),
        ("00081070", "PN", Wildcard("muller^*"), True),
        ("00081070", "PN", SingleValue("other"), False),
        ("00189999", "LO", SingleValue("A"), False),
    ],
)
def test_metadata_are_tested_as_the_index_tests_its_rows(
    tag: str, vr: str, condition: Condition, expected: object
) -> None:
    assert fulfils(MEMBERS, demands_of(Match((tag,), vr, condition))) == expected


@pytest.mark.parametrize(("code", "scheme", "expected"), [("A", "X", True), ("A", "Y", False), ("B", "Y", True)])
def test_attributes_of_one_sequence_match_in_one_item(code: str, scheme: str, expected: object) -> None:
    tests = [
        *demands_of(Match(("00081140", "00080100"), "SH", SingleValue(code))),
        *demands_of(Match(("00081140", "00080102"), "SH", SingleValue(scheme))),
    ]

    assert fulfils(MEMBERS, tests) == expected
