from __future__ import annotations

import pytest

from hilum.errors import InvalidRequest
from hilum.services.worklist.subscriptions import filter_of


@pytest.mark.requirement("UPS-81")
@pytest.mark.parametrize(
    ("query_string", "expected"),
    [
        ("filter=PatientID%3D1,PatientName%3DA*", "PatientID=1&PatientName=A%2A"),
        ("filter=PatientID%3D1%2CPatientName%3DA", "PatientID=1&PatientName=A"),
        ("filter=PatientName%3DA%2CB", "PatientName=A%2CB"),
        ("filter=PatientID=1", "PatientID=1"),
        ("filter=PatientID%3Da%26b", "PatientID=a%26b"),
        ("PatientID=1&deletionlock=true", "PatientID=1"),
        ("filter=00741000%3DIN+PROGRESS", "00741000=IN%20PROGRESS"),
    ],
)
def test_a_filter_is_a_list_of_attributes_and_values(query_string: str, expected: str) -> None:
    chosen = filter_of(query_string)

    assert chosen is not None
    assert chosen.query_string == expected


def test_without_attributes_there_is_no_filter() -> None:
    assert filter_of("deletionlock=true") is None


@pytest.mark.parametrize("text", ["Nonsense%3D1", "PatientID%3D1,PatientID%3D2", "00741002.00741006%3Dx", "%FF%3D1"])
def test_a_wrong_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        filter_of(f"filter={text}")
