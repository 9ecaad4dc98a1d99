"""What an instance that is made of a picture, a video or a document needs beside the attributes that came with it.

Only what is missing is filled in: attributes of type 2 empty, those of type 1 with what is true of any such object.

Source: PS3.3 A.8, A.32.4, A.32.7, A.35.1, A.45, A.85; IHE RAD Web-based Image Capture.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydicom.datadict import dictionary_VR, tag_for_keyword

from hilum.dicom.building.model import DataSet

SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
MULTI_FRAME_GRAYSCALE_BYTE: Final = f"{SECONDARY_CAPTURE}.2"
MULTI_FRAME_GRAYSCALE_WORD: Final = f"{SECONDARY_CAPTURE}.3"
MULTI_FRAME_TRUE_COLOR: Final = f"{SECONDARY_CAPTURE}.4"
PHOTOGRAPHIC_IMAGE: Final = "1.2.840.10008.5.1.4.1.1.77.1.4"
VIDEO_PHOTOGRAPHIC_IMAGE: Final = f"{PHOTOGRAPHIC_IMAGE}.1"
BASIC_TEXT_SR: Final = "1.2.840.10008.5.1.4.1.1.88.11"
_ENCAPSULATED: Final = "1.2.840.10008.5.1.4.1.1.104"

STUDY_UID, SERIES_UID, SOP_CLASS_UID, SOP_UID = 0x0020000D, 0x0020000E, 0x00080016, 0x00080018


def tag_of(keyword: str) -> int:
    """Return the tag of a keyword of the standard."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag


def attribute(keyword: str, *values: Any) -> dict[str, Any]:  # noqa: ANN401 - values of the model are of many types
    """Return an attribute of the model; empty without values."""
    vr = dictionary_VR(tag_of(keyword))[:2]
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}


def code(value: str, scheme: str, meaning: str) -> DataSet:
    """Return the item of a code sequence."""
    return items(CodeValue=(value,), CodingSchemeDesignator=(scheme,), CodeMeaning=(meaning,))


def items(**attributes: tuple[Any, ...]) -> DataSet:
    """Return a data set of attributes by keyword."""
    return dict(sorted((tag_of(keyword), attribute(keyword, *values)) for keyword, values in attributes.items()))


@dataclass(frozen=True, slots=True)
class Identity:
    """UIDs for instances of one request that came without."""

    study_instance_uid: str
    series_instance_uid: str


def new_uid() -> str:
    """Return a UID that nobody else has (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid4().int}"


_EMPTY: Final = (
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyID",
    "SeriesNumber",
    "Manufacturer",
)
"""Attributes of type 2 of the Patient, General Study, General Series and General Equipment modules."""

Values = Mapping[str, tuple[Any, ...]]
_PHOTO: Final[Values] = {
    "Modality": ("XC",),
    "ImageType": ("ORIGINAL", "PRIMARY"),
    "LossyImageCompression": ("00",),
    "AcquisitionContextSequence": (),
    "PatientOrientation": (),
    "Laterality": (),
}
# Nobody has looked whether names are burned in: the careful answer is that they may be.
_CAPTURE: Final[Values] = {
    "Modality": ("OT",),
    "ConversionType": ("WSD",),
    "PatientOrientation": (),
    "Laterality": (),
    "BurnedInAnnotation": ("YES",),
}
_MULTI_FRAME: Final[Values] = {**_CAPTURE, "BurnedInAnnotation": ("YES",)}
_GRAYSCALE: Final[Values] = {
    **_MULTI_FRAME,
    "PresentationLUTShape": ("IDENTITY",),
    "RescaleIntercept": ("0",),
    "RescaleSlope": ("1",),
    "RescaleType": ("US",),
}
_DOCUMENT: Final[Values] = {
    "SeriesNumber": ("1",),
    "Modality": ("DOC",),
    "ConversionType": ("WSD",),
    "BurnedInAnnotation": ("YES",),
    "AcquisitionDateTime": (),
    "DocumentTitle": (),
    "ConceptNameCodeSequence": (),
}
_MODEL: Final[Values] = {
    "SeriesNumber": ("1",),
    "Modality": ("M3D",),
    "Manufacturer": ("UNKNOWN",),
    "ManufacturerModelName": ("UNKNOWN",),
    "DeviceSerialNumber": ("UNKNOWN",),
    "SoftwareVersions": ("UNKNOWN",),
    "PositionReferenceIndicator": (),
    "BurnedInAnnotation": ("NO",),
    "AcquisitionDateTime": (),
    "DocumentTitle": (),
    "ConceptNameCodeSequence": (code("85040-4", "LN", "Manufacturing model"),),
    "MeasurementUnitsCodeSequence": (code("mm", "UCUM", "mm"),),
    "ModelModification": ("NO",),
    "ModelMirroring": ("NO",),
}
_REPORT: Final[Values] = {
    "SeriesNumber": ("1",),
    "Modality": ("SR",),
    "ReferencedPerformedProcedureStepSequence": (),
    "PerformedProcedureCodeSequence": (),
    "CompletionFlag": ("COMPLETE",),
    "VerificationFlag": ("UNVERIFIED",),
    "ValueType": ("CONTAINER",),
    "ContinuityOfContent": ("SEPARATE",),
    "ConceptNameCodeSequence": (code("18748-4", "LN", "Diagnostic imaging report"),),
}
_BY_CLASS: Final[Mapping[str, Values]] = {
    PHOTOGRAPHIC_IMAGE: _PHOTO,
    VIDEO_PHOTOGRAPHIC_IMAGE: _PHOTO,
    SECONDARY_CAPTURE: {keyword: values for keyword, values in _CAPTURE.items() if keyword != "BurnedInAnnotation"},
    MULTI_FRAME_GRAYSCALE_BYTE: _GRAYSCALE,
    MULTI_FRAME_GRAYSCALE_WORD: _GRAYSCALE,
    MULTI_FRAME_TRUE_COLOR: _MULTI_FRAME,
    f"{_ENCAPSULATED}.1": _DOCUMENT,
    f"{_ENCAPSULATED}.2": _DOCUMENT,
    **dict.fromkeys((f"{_ENCAPSULATED}.{kind}" for kind in (3, 4, 5)), _MODEL),
    BASIC_TEXT_SR: _REPORT,
}
"""What instances of a SOP class have in any case, beside what `complete` gives all."""


def complete(data_set: DataSet, sop_class_uid: str, identity: Identity) -> None:
    """Fill in what a made instance lacks; nothing that is there is changed.

    Args:
        data_set: of the instance; its SOP Class UID counts if it has one.
        sop_class_uid: for an instance that came without one.
        identity: study and series of an instance that came without.
    """
    now = datetime.now(UTC)
    identify(data_set, identity)
    _fill(data_set, "SOPClassUID", (sop_class_uid,))
    _fill(data_set, "InstanceNumber", ("1",))
    _fill(data_set, "ContentDate", (now.strftime("%Y%m%d"),))
    _fill(data_set, "ContentTime", (now.strftime("%H%M%S"),))
    own = _BY_CLASS.get(data_set[SOP_CLASS_UID]["Value"][0], {})
    for keyword, values in own.items():
        _fill(data_set, keyword, values)
    if own is _MODEL:
        _fill(data_set, "FrameOfReferenceUID", (new_uid(),))
    _fill(data_set, "Modality", ("OT",))
    for keyword in _EMPTY:
        data_set.setdefault(tag_of(keyword), attribute(keyword))


def identify(data_set: DataSet, identity: Identity) -> None:
    """Give an instance the UIDs that it lacks."""
    _fill(data_set, "StudyInstanceUID", (identity.study_instance_uid,))
    _fill(data_set, "SeriesInstanceUID", (identity.series_instance_uid,))
    _fill(data_set, "SOPInstanceUID", (new_uid(),))


def _fill(data_set: DataSet, keyword: str, values: tuple[Any, ...]) -> None:
    tag = tag_of(keyword)
    if tag not in data_set or (values and not data_set[tag].keys() - {"vr"}):
        data_set[tag] = attribute(keyword, *values)
