"""DICOMDIR: the directory of a file-set, made from metadata in the DICOM JSON Model.

Source: PS3.3 F (Basic Directory IOD), PS3.10 8.6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset, write_file_meta_info

_ITEM_HEADER_BYTES: Final = 8
_SEQUENCE_HEADER: Final = b"\x04\x00\x20\x12SQ\x00\x00"
_ITEM: Final = b"\xfe\xff\x00\xe0"
_NOT_IN_USE_YET: Final = 0
_IN_USE: Final = 0xFFFF
_IMPLEMENTATION_CLASS_UID: Final = "2.25.118214337254371573217413052372146338113"

_PATIENT: Final = ("PatientName", "PatientID")
_STUDY: Final = ("StudyDate", "StudyTime", "StudyDescription", "StudyInstanceUID", "StudyID", "AccessionNumber")
_SERIES: Final = ("Modality", "SeriesInstanceUID", "SeriesNumber")
_DATED: Final = ("InstanceNumber", "ContentDate", "ContentTime")
_LABELLED: Final = (*_DATED, "ContentLabel", "ContentDescription", "ContentCreatorName")
_TITLED: Final = (*_DATED, "ConceptNameCodeSequence")
_LEAF_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "IMAGE": ("InstanceNumber",),
    "SR DOCUMENT": (*_TITLED, "CompletionFlag", "VerificationFlag", "VerificationDateTime"),
    "KEY OBJECT DOC": _TITLED,
    "ENCAP DOC": (*_TITLED, "DocumentTitle", "HL7InstanceIdentifier", "MIMETypeOfEncapsulatedDocument"),
    "PRESENTATION": (
        *("InstanceNumber", "PresentationCreationDate", "PresentationCreationTime", "ReferencedSeriesSequence"),
        *_LABELLED[3:],
    ),
    "WAVEFORM": _DATED,
    "RAW DATA": _DATED,
    "SPECTROSCOPY": (*_DATED, "ImageType", "NumberOfFrames", "Rows", "Columns", "DataPointRows", "DataPointColumns"),
    "REGISTRATION": _LABELLED,
    "FIDUCIAL": _LABELLED,
    "VALUE MAP": _LABELLED,
    "SURFACE": _LABELLED,
    "RT DOSE": ("InstanceNumber", "DoseSummationType"),
    "RT STRUCTURE SET": ("InstanceNumber", "StructureSetLabel", "StructureSetDate", "StructureSetTime"),
    "RT PLAN": ("InstanceNumber", "RTPlanLabel", "RTPlanDate", "RTPlanTime"),
    "RT TREAT RECORD": ("InstanceNumber", "TreatmentDate", "TreatmentTime"),
}
"""Keys of each type of record below a series (PS3.3 F.5); `IMAGE` serves the classes of `_TYPES` that are not named."""

_TYPES: Final[Mapping[str, str]] = {
    uid.RTDoseStorage: "RT DOSE",
    uid.RTStructureSetStorage: "RT STRUCTURE SET",
    uid.RTPlanStorage: "RT PLAN",
    uid.RTIonPlanStorage: "RT PLAN",
    uid.RTBeamsTreatmentRecordStorage: "RT TREAT RECORD",
    uid.RTIonBeamsTreatmentRecordStorage: "RT TREAT RECORD",
    uid.KeyObjectSelectionDocumentStorage: "KEY OBJECT DOC",
    uid.RawDataStorage: "RAW DATA",
    uid.MRSpectroscopyStorage: "SPECTROSCOPY",
    uid.SpatialRegistrationStorage: "REGISTRATION",
    uid.DeformableSpatialRegistrationStorage: "REGISTRATION",
    uid.SpatialFiducialsStorage: "FIDUCIAL",
    uid.RealWorldValueMappingStorage: "VALUE MAP",
    uid.SurfaceSegmentationStorage: "SURFACE",
}
# Families of SOP classes share the root of their UIDs (PS3.4 B.5).
_FAMILIES: Final[Mapping[str, str]] = {
    "1.2.840.10008.5.1.4.1.1.88.": "SR DOCUMENT",
    "1.2.840.10008.5.1.4.1.1.104.": "ENCAP DOC",
    "1.2.840.10008.5.1.4.1.1.11.": "PRESENTATION",
    "1.2.840.10008.5.1.4.1.1.9.": "WAVEFORM",
}


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """One file of a file-set."""

    file_id: tuple[str, ...]
    """Components of 1 to 8 capitals, digits and `_`, at most 8 (PS3.10 8.2)."""
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    members: Mapping[str, Any]
    """Attributes of the instance in the DICOM JSON Model."""


@dataclass(slots=True)
class _Record:
    content: Dataset
    below: list[_Record] = field(default_factory=list)
    offset: int = 0


def dicomdir(files: Sequence[DirectoryFile]) -> bytes:
    """Return the DICOMDIR of a file-set, in Explicit VR Little Endian; files of one series come in their order.

    Its UID follows from those of the instances, so that equal file-sets have equal directories.
    """
    patients = _tree(files)
    start = _start(files)
    records = list(_walk(patients))
    position = len(start) + len(_file_set(0, 0)) + len(_SEQUENCE_HEADER) + 4
    for record in records:
        record.offset = position
        position += _ITEM_HEADER_BYTES + len(_encoded(record.content))
    _link(patients)
    items = b"".join(_item(record.content) for record in records)
    ends = (patients[0].offset, patients[-1].offset) if patients else (0, 0)
    return start + _file_set(*ends) + _SEQUENCE_HEADER + len(items).to_bytes(4, "little") + items


def _tree(files: Sequence[DirectoryFile]) -> list[_Record]:
    patients: dict[str, _Record] = {}
    nodes: dict[tuple[str, ...], _Record] = {}
    for file in files:
        patient_id = _text(file, "00100020") or _text(file, "00100010")
        place = (patient_id, _text(file, "0020000D"), _text(file, "0020000E"))
        if patient_id not in patients:
            patients[patient_id] = nodes[place[:1]] = _Record(_content("PATIENT", file, _PATIENT))
        for depth, kind, keys in ((2, "STUDY", _STUDY), (3, "SERIES", _SERIES)):
            if place[:depth] not in nodes:
                nodes[place[:depth]] = _Record(_content(kind, file, keys))
                nodes[place[: depth - 1]].below.append(nodes[place[:depth]])
        nodes[place].below.append(_Record(_leaf(file)))
    return list(patients.values())


def _text(file: DirectoryFile, tag: str) -> str:
    value = file.members.get(tag, {}).get("Value") or [""]
    return str(value[0])


def _content(kind: str, file: DirectoryFile, keys: Sequence[str]) -> Dataset:
    wanted = {f"{tag_for_keyword(keyword):08X}": keyword for keyword in keys}
    found = {tag: file.members[tag] for tag in wanted if _is_whole(file.members.get(tag))}
    content = Dataset.from_json(found)
    for keyword in wanted.values():
        if keyword in content or keyword.endswith("Sequence"):
            continue
        setattr(content, keyword, "" if keyword not in ("Rows", "Columns") else None)
    content.OffsetOfTheNextDirectoryRecord = _NOT_IN_USE_YET
    content.RecordInUseFlag = _IN_USE
    content.OffsetOfReferencedLowerLevelDirectoryEntity = _NOT_IN_USE_YET
    content.DirectoryRecordType = kind
    content.SpecificCharacterSet = "ISO_IR 192"
    return content


def _is_whole(element: Mapping[str, Any] | None) -> bool:
    return element is not None and "BulkDataURI" not in element


def _leaf(file: DirectoryFile) -> Dataset:
    family = next((kind for root, kind in _FAMILIES.items() if file.sop_class_uid.startswith(root)), "IMAGE")
    kind = _TYPES.get(file.sop_class_uid, family)
    content = _content(kind, file, _LEAF_KEYS[kind])
    content.ReferencedFileID = list(file.file_id)
    content.ReferencedSOPClassUIDInFile = file.sop_class_uid
    content.ReferencedSOPInstanceUIDInFile = file.sop_instance_uid
    content.ReferencedTransferSyntaxUIDInFile = file.transfer_syntax_uid
    return content


def _walk(records: Sequence[_Record]) -> Iterator[_Record]:
    for record in records:
        yield record
        yield from _walk(record.below)


def _link(records: Sequence[_Record]) -> None:
    """Write where the next record and the first one below begin; their fields have a fixed length."""
    nexts = [*(record.offset for record in records[1:]), 0]
    for record, following in zip(records, nexts[: len(records)], strict=True):
        record.content.OffsetOfTheNextDirectoryRecord = following
        record.content.OffsetOfReferencedLowerLevelDirectoryEntity = record.below[0].offset if record.below else 0
        _link(record.below)


def _encoded(content: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, content, "utf-8")
    return buffer.getvalue()


def _item(content: Dataset) -> bytes:
    body = _encoded(content)
    return _ITEM + len(body).to_bytes(4, "little") + body


def _file_set(first: int, last: int) -> bytes:
    data_set = Dataset()
    data_set.FileSetID = ""
    data_set.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = first
    data_set.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = last
    data_set.FileSetConsistencyFlag = 0
    return _encoded(data_set)


def _start(files: Sequence[DirectoryFile]) -> bytes:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = uid.MediaStorageDirectoryStorage
    digest = hashlib.sha256("/".join(file.sop_instance_uid for file in files).encode()).digest()
    meta.MediaStorageSOPInstanceUID = uid.UID(f"2.25.{int.from_bytes(digest[:16])}")
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid.UID(_IMPLEMENTATION_CLASS_UID)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    buffer.write(bytes(128) + b"DICM")
    write_file_meta_info(buffer, meta)
    return buffer.getvalue()
