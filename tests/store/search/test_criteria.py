from __future__ import annotations

import pytest

from hilum.dicom.searching.query import Condition, DateTimeRange, Match, Range, SingleValue, UidList, Wildcard
from hilum.store.database.database import Kind
from hilum.store.search.criteria import Op, common_depth, demands_of, parameters


@pytest.mark.parametrize(
    ("tag", "vr", "condition", "ops"),
    [
        ("00100020", "LO", SingleValue("A"), [Op.EQUAL]),
        ("00100020", "LO", Wildcard("A*"), [Op.FROM_UNTIL]),
        ("00100020", "LO", Wildcard("A*B"), [Op.PATTERN_FROM_UNTIL]),
        ("00100020", "LO", Wildcard("*B"), [Op.PATTERN]),
        ("00100020", "LO", Wildcard("**"), []),
        ("00100020", "LO", SingleValue("\0"), [Op.NEVER]),
        ("00100010", "PN", Wildcard("SMITH^*"), [Op.STEM]),
        ("00100010", "PN", SingleValue("A=B"), [Op.EQUAL, Op.EQUAL]),
        ("00080020", "DA", Range("20200101", ""), [Op.FROM_UNTIL]),
        ("00080020", "DA", DateTimeRange(("00080030",), "", "20200101120000.000000"), [Op.MOMENT, Op.FROM_UNTIL]),
        ("00100030", "DA", Range("", "20200101"), [Op.AT_MOST]),
        ("00100030", "DA", Range("", ""), []),
        ("0020000D", "UI", UidList(("1.2", "1.3", "1.4")), [Op.ANY_OF]),
        ("00200013", "IS", SingleValue("01"), [Op.EQUAL]),
        ("00200013", "IS", SingleValue("x"), [Op.NEVER]),
        ("00200013", "IS", SingleValue("9007199254740992"), [Op.NEVER]),
        ("00200013", "IS", UidList(("1",)), [Op.NEVER]),
        ("00200013", "IS", Wildcard("1*"), [Op.NEVER]),
    ],
)
def test_a_matching_key_is_tested_in_the_way_that_an_index_can_serve(
    tag: str, vr: str, condition: Condition, ops: list[Op]
) -> None:
    tests = demands_of(Match((tag,), vr, condition))

    assert [test.shape.op for test in tests] == ops
    assert all(test.shape.count == len(test.values) for test in tests)


def test_lists_of_uids_share_statements_by_powers_of_two() -> None:
    counts = [demands_of(Match(("0020000D",), "UI", UidList(("1.2",) * n)))[0].shape.count for n in (1, 2, 3, 5, 8)]

    assert counts == [1, 2, 4, 8, 8]


def test_patterns_are_written_for_their_database() -> None:
    tests = demands_of(Match(("00081030",), "LO", Wildcard("*[%")))

    assert parameters(tests, Kind.SQLITE) == {"v0_0": "*[[]%", "p0": "00081030"}
    assert parameters(tests, Kind.POSTGRESQL) == {"v0_0": "%[\\%", "p0": "00081030"}


def test_two_paths_share_the_sequences_from_the_top() -> None:
    assert common_depth(("A", "B", "X"), ("A", "B", "Y")) == 2
    assert common_depth(("A", "X"), ("A", "B", "Y")) == 1
    assert common_depth(("A",), ("A",)) == 0
