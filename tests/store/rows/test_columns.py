from __future__ import annotations

from hilum.dicom.levels import MATCHING_KEYS
from hilum.dicom.searching.query import Level
from hilum.store.database.tables import NO_NUMBER
from hilum.store.rows.columns import ATTRIBUTE_COLUMNS, rows_beside_columns, series_columns, study_columns

NAMES_AND_SETS = {"00080061", "00080090", "00100010"}


def test_each_required_key_of_one_value_has_a_column() -> None:
    for level in Level:
        single = {path[0] for path in MATCHING_KEYS[level] if len(path) == 1}
        assert single - NAMES_AND_SETS <= set(ATTRIBUTE_COLUMNS[level])


def test_columns_hold_values_in_the_form_in_which_they_are_compared() -> None:
    members = {
        "00080020": {"vr": "DA", "Value": ["1997.07.01"]},
        "00080030": {"vr": "TM", "Value": ["10"]},
        "00100020": {"vr": "LO", "Value": [" A\x00 "]},
    }

    columns = study_columns("1.2", members)

    assert (columns["study_date"], columns["study_time"], columns["patient_id"]) == ("19970701", "100000.000000", "A")
    assert columns["order_key"].endswith("1.2")
    assert study_columns("1.2", {})["accession_number"] == ""


def test_a_series_number_that_is_none_sorts_last() -> None:
    assert series_columns({"00200011": {"vr": "IS", "Value": ["x"]}})["series_number"] == NO_NUMBER
    assert series_columns({"00200011": {"vr": "IS", "Value": ["-3"]}})["series_number"] == -3


def test_key_rows_leave_out_what_columns_hold() -> None:
    members = {"00100020": {"vr": "LO", "Value": ["A"]}, "00081030": {"vr": "LO", "Value": ["B"]}}

    assert [row.path for row in rows_beside_columns(Level.STUDY, members)] == ["00081030"]
