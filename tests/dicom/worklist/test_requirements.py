from __future__ import annotations

from pydicom.datadict import dictionary_VR

from hilum.dicom.worklist.requirements import BY_PARENT, CODE_SEQUENCES, REQUIREMENTS, RETURNED


def test_every_path_stands_once() -> None:
    paths = [row.path for row in REQUIREMENTS]

    assert len(paths) == len(set(paths)) == sum(map(len, BY_PARENT.values()))


def test_what_has_rows_below_it_is_a_sequence() -> None:
    for parent in BY_PARENT:
        assert all(dictionary_VR(int(tag, 16)) == "SQ" for tag in parent)
    assert all(dictionary_VR(int(tag, 16)) == "SQ" for tag in CODE_SEQUENCES)


def test_the_transaction_uid_is_never_returned() -> None:
    assert "00081195" not in RETURNED
    assert {"00080018", "00741000", "00404041"} <= RETURNED
