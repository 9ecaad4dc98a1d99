"""Manifests: Key Object Selection documents that name every instance of a study and where to retrieve them.

Source: PS3.3 A.35.4 (Key Object Selection Document), C.17.6; PS3.16 TID 2010; IHE XDS-I.b.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydicom import uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as Items

from hilum.dicom.building.completing import new_uid
from hilum.dicom.building.part10 import make_head

KEY_OBJECT_SELECTION: Final = str(uid.KeyObjectSelectionDocumentStorage)
_MANIFEST: Final = ("113030", "DCM", "Manifest")
_WAVEFORMS: Final = "1.2.840.10008.5.1.4.1.1.9."
_STUDY_LEVEL: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_EMPTY_IF_UNKNOWN: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "Manufacturer",
    "ReferencedPerformedProcedureStepSequence",
)
"""Type 2 attributes."""


@dataclass(frozen=True, slots=True)
class ManifestInstance:
    """One instance that a manifest names."""

    sop_class_uid: str
    sop_instance_uid: str
    is_image: bool
    """Whether it has rows and columns of pixels."""


@dataclass(frozen=True, slots=True)
class ManifestSeries:
    """One series that a manifest names."""

    series_instance_uid: str
    retrieve_url: str
    """Its resource; '' leaves it out."""
    instances: Sequence[ManifestInstance]


@dataclass(frozen=True, slots=True)
class Repository:
    """By what identifiers systems of an affinity domain know the archive; '' leaves one out."""

    unique_id: str = ""
    """OID."""
    home_community_id: str = ""
    """`urn:oid:...`"""


def is_manifest(members: Mapping[str, Any]) -> bool:
    """Say whether an instance is a manifest itself, from its attributes in the DICOM JSON Model."""
    title = (members.get("0040A043", {}).get("Value") or [{}])[0]
    values = [(title.get(tag, {}).get("Value") or [""])[0] for tag in ("00080100", "00080102")]
    return values == list(_MANIFEST[:2])


def make_manifest(
    study: Mapping[str, Any], series: Sequence[ManifestSeries], repository: Repository, *, now: datetime
) -> bytes:
    """Return a manifest as a Part 10 object in Explicit VR Little Endian, in a series of its own in the study.

    Args:
        study: attributes of the study in the DICOM JSON Model.
        series: what the manifest names; not empty.
        repository: where all of it is.
        now: date and time of the document, with its time zone.
    """
    document = _study_attributes(study)
    document.SpecificCharacterSet = "ISO_IR 192"
    document.SOPClassUID, document.SOPInstanceUID = KEY_OBJECT_SELECTION, new_uid()
    document.Modality, document.SeriesInstanceUID, document.SeriesNumber = "KO", new_uid(), 1
    document.SeriesDescription, document.InstanceNumber = "Manifest", 1
    document.Manufacturer = "Hilum"
    document.ContentDate, document.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    document.TimezoneOffsetFromUTC = now.strftime("%z")
    document.CurrentRequestedProcedureEvidenceSequence = Items([_evidence(study, series, repository)])
    _add_content(document, [instance for one in series for instance in one.instances])
    for keyword in _EMPTY_IF_UNKNOWN:
        if keyword not in document:
            setattr(document, keyword, None)
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, document)
    syntax = str(uid.ExplicitVRLittleEndian)
    return make_head(KEY_OBJECT_SELECTION, str(document.SOPInstanceUID), syntax) + buffer.getvalue()


def _study_attributes(study: Mapping[str, Any]) -> Dataset:
    tags = {f"{tag_for_keyword(keyword):08X}" for keyword in _STUDY_LEVEL}
    known = {tag: element for tag, element in study.items() if tag in tags and element.get("Value")}
    with warnings.catch_warnings():
        # What is stored may break rules of its VR; here it is only repeated.
        warnings.simplefilter("ignore")
        return Dataset.from_json(known)


def _evidence(study: Mapping[str, Any], series: Sequence[ManifestSeries], repository: Repository) -> Dataset:
    evidence = Dataset()
    evidence.StudyInstanceUID = study["0020000D"]["Value"][0]
    evidence.ReferencedSeriesSequence = Items([_series_reference(one, repository) for one in series])
    return evidence


def _series_reference(series: ManifestSeries, repository: Repository) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = series.series_instance_uid
    if series.retrieve_url:
        item.RetrieveURL = series.retrieve_url
    if repository.unique_id:
        item.RetrieveLocationUID = repository.unique_id
        item.RepositoryUniqueID = repository.unique_id
    if repository.home_community_id:
        item.HomeCommunityID = repository.home_community_id.removeprefix("urn:oid:")
    item.ReferencedSOPSequence = Items([_reference(instance) for instance in series.instances])
    return item


def _reference(instance: ManifestInstance) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = instance.sop_class_uid
    item.ReferencedSOPInstanceUID = instance.sop_instance_uid
    return item


def _add_content(document: Dataset, instances: Sequence[ManifestInstance]) -> None:
    """Add the content tree of TID 2010: a title, and every instance below it."""
    code, template = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = _MANIFEST
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    document.ValueType, document.ContinuityOfContent = "CONTAINER", "SEPARATE"
    document.ConceptNameCodeSequence = Items([code])
    document.ContentTemplateSequence = Items([template])
    document.ContentSequence = Items([_content_item(instance) for instance in instances])


def _content_item(instance: ManifestInstance) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    is_waveform = instance.sop_class_uid.startswith(_WAVEFORMS)
    item.ValueType = "IMAGE" if instance.is_image else "WAVEFORM" if is_waveform else "COMPOSITE"
    item.ReferencedSOPSequence = Items([_reference(instance)])
    return item
