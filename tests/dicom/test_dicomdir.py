from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from hilum.dicom.dicomdir import DirectoryFile, dicomdir
from samples import make_dataset, make_series


def entry(dataset: Dataset, number: int) -> DirectoryFile:
    members: dict[str, Any] = dataset.to_json_dict(bulk_data_threshold=1000)
    return DirectoryFile(
        ("DICOM", "F00000", f"I{number:05}"),
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
        "1.2.840.10008.1.2.1",
        members,
    )


def directory(*datasets: Dataset) -> Dataset:
    return pydicom.dcmread(io.BytesIO(dicomdir([entry(dataset, number) for number, dataset in enumerate(datasets)])))


def offsets(read: Dataset) -> dict[int, Dataset]:
    return {record.seq_item_tell: record for record in read.DirectoryRecordSequence}


def chain(read: Dataset, offset: int) -> list[Dataset]:
    found = []
    while offset:
        found.append(offsets(read)[offset])
        offset = found[-1].OffsetOfTheNextDirectoryRecord
    return found


def test_records_are_linked_from_patient_to_instance() -> None:
    one, two = make_series(2), make_series(3, PatientID="T2", PatientName="Müller^Jürgen")

    read = directory(*one, *two)

    patients = chain(read, read.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity)
    assert [str(patient.PatientName) for patient in patients] == ["Test^Person", "Müller^Jürgen"]
    assert patients[-1].seq_item_tell == read.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity
    for patient, datasets in zip(patients, (one, two), strict=True):
        (study,) = chain(read, patient.OffsetOfReferencedLowerLevelDirectoryEntity)
        (series,) = chain(read, study.OffsetOfReferencedLowerLevelDirectoryEntity)
        images = chain(read, series.OffsetOfReferencedLowerLevelDirectoryEntity)
        assert study.StudyInstanceUID == datasets[0].StudyInstanceUID
        assert [image.ReferencedSOPInstanceUIDInFile for image in images] == [item.SOPInstanceUID for item in datasets]
        assert [image.InstanceNumber for image in images] == [item.InstanceNumber for item in datasets]


@pytest.mark.parametrize(
    ("sop_class", "kind"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", "IMAGE"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR DOCUMENT"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KEY OBJECT DOC"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "ENCAP DOC"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PRESENTATION"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "WAVEFORM"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RT DOSE"),
        ("1.2.840.10008.5.1.4.1.1.66", "RAW DATA"),
        ("1.2.3", "IMAGE"),
    ],
)
def test_each_class_has_its_record(sop_class: str, kind: str) -> None:
    read = directory(make_dataset(SOPClassUID=sop_class))

    assert [record.DirectoryRecordType for record in read.DirectoryRecordSequence][3:] == [kind]


def test_equal_file_sets_have_equal_directories() -> None:
    datasets = make_series(2)
    entries = [entry(dataset, number) for number, dataset in enumerate(datasets)]

    assert dicomdir(entries) == dicomdir(entries)
    assert dicomdir(entries) != dicomdir(entries[:1])


def test_a_file_without_descriptions_has_records() -> None:
    read = pydicom.dcmread(io.BytesIO(dicomdir([DirectoryFile(("A",), "1.2.3", "1.2.4", "1.2.5", {})])))

    assert [record.DirectoryRecordType for record in read.DirectoryRecordSequence] == [
        *("PATIENT", "STUDY", "SERIES", "IMAGE"),
    ]
