from __future__ import annotations

from hilum.dicom.building.completing import Identity, attribute, complete, new_uid, tag_of
from hilum.dicom.building.model import DataSet
from hilum.dicom.uids import is_uid

IDENTITY = Identity("1.2", "1.3")


def test_what_is_there_stays_and_what_is_missing_is_filled_in() -> None:
    data_set: DataSet = {
        tag_of("PatientID"): attribute("PatientID", "X"),
        tag_of("Modality"): attribute("Modality", "OP"),
    }

    complete(data_set, "1.2.840.10008.5.1.4.1.1.77.1.4", IDENTITY)

    assert data_set[tag_of("PatientID")] == {"vr": "LO", "Value": ["X"]}
    assert data_set[tag_of("Modality")] == {"vr": "CS", "Value": ["OP"]}
    assert data_set[tag_of("PatientName")] == {"vr": "PN"}
    assert data_set[tag_of("StudyInstanceUID")]["Value"] == ["1.2"]
    assert data_set[tag_of("ImageType")]["Value"] == ["ORIGINAL", "PRIMARY"]


def test_new_uids_are_uids() -> None:
    assert is_uid(new_uid())
    assert new_uid() != new_uid()
