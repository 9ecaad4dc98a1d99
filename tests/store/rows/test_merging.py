from __future__ import annotations

import pytest

from hilum.store.rows.merging import KeyRow, first_text, has_value, key_rows, keys_of, merge, whole_number

NAME = {"vr": "PN", "Value": [{"Alphabetic": "Smith^John"}]}
OTHER_NAME = {"vr": "PN", "Value": [{"Alphabetic": "Smith^Jon"}]}
EMPTY = {"vr": "PN"}


def test_the_first_value_stays_and_the_other_one_is_named() -> None:
    merged = merge({"00100010": NAME}, {"00100010": OTHER_NAME})

    assert merged.members == {"00100010": NAME}
    assert not merged.is_changed
    assert [one.tag for one in merged.contradictions] == ["00100010"]


@pytest.mark.parametrize("empty", [EMPTY, {"vr": "PN", "Value": [None]}, {"vr": "PN", "Value": [{}]}])
def test_an_empty_value_is_filled_and_never_empties_another(empty: dict[str, object]) -> None:
    assert merge({"00100010": empty}, {"00100010": NAME}).members == {"00100010": NAME}
    assert merge({"00100010": NAME}, {"00100010": empty}).contradictions == ()
    assert not has_value(empty)


def test_merged_attributes_are_in_ascending_order() -> None:
    merged = merge({"00100010": NAME}, {"00080050": {"vr": "SH"}})

    assert list(merged.members) == ["00080050", "00100010"]


def test_each_component_group_of_a_name_is_a_key() -> None:
    name = {"vr": "PN", "Value": [{"Alphabetic": "YAMADA^Tarou^^", "Ideographic": "山田^太郎"}]}

    assert list(keys_of(name)) == ["yamada^tarou", "山田^太郎"]


def test_values_inside_sequences_carry_their_items() -> None:
    inner = {"00400009": {"vr": "SH", "Value": ["A"]}}
    members = {"00400275": {"vr": "SQ", "Value": [{}, inner, {"00400008": {"vr": "SQ", "Value": [inner]}}]}}

    assert list(key_rows(members)) == [
        KeyRow("00400275.00400009", "0001", 0, "A", ""),
        KeyRow("00400275.00400008.00400009", "00020000", 0, "A", ""),
    ]


def test_long_values_are_cut_into_an_indexed_part_and_the_rest() -> None:
    (row,) = key_rows({"00104000": {"vr": "LT", "Value": ["x" * 250]}})

    assert (len(row.value), len(row.rest)) == (200, 50)


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), ("01", 1), (1.0, 1), (1.5, None), ("x", None), ("1e3", 1000), (10**20, None), (True, None), (None, None)],
)
def test_whole_numbers_are_told_from_everything_else(value: object, number: int | None) -> None:
    assert whole_number({"00200013": {"vr": "IS", "Value": [value]}}, "00200013") == number


def test_several_values_of_one_column_are_joined_by_a_backslash() -> None:
    assert first_text({"00100020": {"vr": "LO", "Value": ["A", None, "B"]}}, "00100020") == "A\\\\B"
    assert first_text({}, "00100020") == ""
