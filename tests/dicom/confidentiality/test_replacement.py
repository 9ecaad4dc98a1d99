from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hilum.dicom.confidentiality.replacement import replacement_id, replacement_uid
from hilum.dicom.uids import is_uid


@given(st.from_regex(r"[0-2](\.(0|[1-9][0-9]{0,8})){1,6}", fullmatch=True))
def test_a_replacement_is_a_uid_and_padding_makes_no_difference(uid: str) -> None:
    made = replacement_uid(uid, b"key")

    assert is_uid(made)
    assert made == replacement_uid(uid + "\0", b"key") or uid.startswith("1.2.840.10008.")


def test_pseudonyms_of_two_patients_differ() -> None:
    assert replacement_id("1", b"key") != replacement_id("2", b"key")
