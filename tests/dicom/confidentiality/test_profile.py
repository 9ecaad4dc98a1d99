from __future__ import annotations

import io
import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from hilum.dicom.confidentiality.basic_profile import ACTIONS, Action
from hilum.dicom.confidentiality.profile import deidentify
from samples import encode, make_dataset, packaged_objects

KEY = b"k" * 32
SECRET = {
    **dict.fromkeys(("AE", "CS", "SH"), "SECRETVALUE"),
    **dict.fromkeys(("LO", "LT", "PN", "ST", "UC", "UT"), "SECRETVALUE"),
    "UI": "9.8.7.6.5.4321",
    "DA": "19771231",
    "TM": "235859",
    "DT": "19771231235859",
    "AS": "077Y",
    "UR": "http://secretvalue",
    "DS": "7.7654321",
    "IS": "77654321",
}
"""A value of each VR that can be found again in the bytes."""


def with_everything() -> Dataset:
    """Return a data set with a value of each attribute of the table whose VR has text."""
    data_set = make_dataset()
    for tag in ACTIONS:
        vr = dictionary_VR(tag)
        if tag >> 16 > 2 and vr in SECRET:
            data_set.add_new(tag, vr, SECRET[vr])
    return data_set


def survivors(data_set: Dataset) -> list[str]:
    content = encode(data_set)
    return [value for value in SECRET.values() if value.encode() in content]


@pytest.mark.requirement("DEID-01", "DEID-03")
def test_no_value_of_the_table_survives_at_any_level() -> None:
    data_set = with_everything()
    data_set.ReferencedImageSequence = Sequence([with_everything()])
    data_set.ViewCodeSequence = Sequence([with_everything()])
    data_set.ViewCodeSequence[0].AnatomicRegionSequence = Sequence([with_everything()])

    deidentify(data_set, key=KEY)

    assert survivors(data_set) == []


@pytest.mark.requirement("DEID-03")
def test_private_unknown_and_drawn_things_are_gone() -> None:
    data_set = make_dataset()
    data_set.private_block(0x0029, "ACME", create=True).add_new(1, "LO", "SECRETVALUE")
    data_set.add_new(0x60003000, "OW", b"SECRETVALUE ")
    data_set.add_new(0x60024000, "LT", "SECRETVALUE")
    data_set.add_new(0x50000010, "US", 1)
    data_set.add_new(0x00089999, "LO", "SECRETVALUE")
    inner = Dataset()
    inner.private_block(0x0029, "ACME", create=True).add_new(1, "LO", "SECRETVALUE")
    data_set.ViewCodeSequence = Sequence([inner])

    deidentify(data_set, key=KEY)

    assert survivors(data_set) == []
    assert not [tag for tag in data_set._dict if tag.is_private or (tag.group >= 0x5000 and tag.group < 0x7FE0)]


@pytest.mark.requirement("DEID-02")
def test_uids_are_replaced_alike_wherever_they_stand() -> None:
    data_set = make_dataset()
    uid, sop_class = str(data_set.SOPInstanceUID), str(data_set.SOPClassUID)
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, uid
    data_set.SourceImageSequence = Sequence([reference])

    deidentify(data_set, key=KEY)

    assert data_set.SOPInstanceUID != uid
    assert data_set.SourceImageSequence[0].ReferencedSOPInstanceUID == data_set.SOPInstanceUID
    assert data_set.SOPClassUID == data_set.SourceImageSequence[0].ReferencedSOPClassUID == sop_class


@pytest.mark.requirement("DEID-02")
def test_the_same_input_gives_the_same_output_and_another_key_another_one() -> None:
    once, again, other = make_dataset(PatientID="4711"), make_dataset(PatientID="4711"), make_dataset(PatientID="4711")
    for data_set in (again, other):
        data_set.StudyInstanceUID = once.StudyInstanceUID

    deidentify(once, key=KEY)
    deidentify(again, key=KEY)
    deidentify(other, key=b"other")

    assert (once.PatientID, once.StudyInstanceUID) == (again.PatientID, again.StudyInstanceUID)
    assert once.PatientID != other.PatientID != "4711"
    assert once.StudyInstanceUID != other.StudyInstanceUID


@pytest.mark.requirement("DEID-04")
def test_the_result_says_what_was_done() -> None:
    data_set = make_dataset()

    deidentify(data_set, key=KEY)

    assert data_set.PatientIdentityRemoved == "YES"
    assert [item.CodeValue for item in data_set.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert data_set.LongitudinalTemporalInformationModified == "REMOVED"


@pytest.mark.requirement("DEID-05")
@pytest.mark.parametrize("name", sorted(packaged_objects())[::6])
def test_packaged_objects_stay_readable(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data_set = pydicom.dcmread(packaged_objects()[name])
        name_before = str(data_set.get("PatientName", ""))
        identifier = str(data_set.get("PatientID", ""))
        deidentify(data_set, key=KEY)
        buffer = io.BytesIO()
        data_set.save_as(buffer, enforce_file_format=False)
        again = pydicom.dcmread(io.BytesIO(buffer.getvalue()), force=True)

    assert str(again.get("PatientName", "")) == "" or not name_before
    assert str(again.get("PatientID", "")) != identifier or not identifier
    assert again.SOPInstanceUID


def test_the_table_has_the_rows_of_the_edition() -> None:
    counts = {action: sum(one is action for one in ACTIONS.values()) for action in Action}

    assert sum(counts.values()) == 617
    assert counts[Action.UID] == 54


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x2FF), min_size=4, max_size=13))
def test_no_name_survives(name: str) -> None:
    data_set = make_dataset(SpecificCharacterSet="ISO_IR 192")
    data_set.PatientID = data_set.AccessionNumber = "x" + name.replace("\\", "").replace("^", "").strip() + "x"
    secret = data_set.PatientID.encode()

    deidentify(data_set, key=KEY)

    assert secret not in encode(data_set)
