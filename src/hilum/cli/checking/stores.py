"""Checks of the Store transaction (PS3.18 10.5). They store instances of a patient of their own."""

from __future__ import annotations

import io
from functools import partial
from typing import Any, Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from hilum.cli.checking.probe import JSON, Probe, Seen
from hilum.cli.checking.records import Check, CheckFailed, Subject
from hilum.wire.multipart import closing_delimiter, new_boundary, part_header

PATIENT_ID: Final = "HILUM-CHECK"
_DUPLICATE_OR_REPLACED: Final = frozenset({200, 202, 409})


def new_object(*, study: str = "", series: str = "") -> tuple[bytes, Dataset]:
    """Return a small secondary capture under fresh UIDs, as an object and as a data set."""
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 192"
    data_set.SOPClassUID, data_set.SOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    data_set.StudyInstanceUID = study or generate_uid()
    data_set.SeriesInstanceUID = series or generate_uid()
    data_set.PatientID, data_set.PatientName = PATIENT_ID, "Check^Conformance"
    data_set.PatientBirthDate, data_set.PatientSex = "", ""
    data_set.StudyDate, data_set.StudyTime, data_set.StudyID = "20240229", "101112", "1"
    data_set.StudyDescription, data_set.PhysiciansOfRecord = "Conformance", "Check^Physician"
    data_set.AccessionNumber, data_set.ReferringPhysicianName = "", ""
    data_set.Modality, data_set.ConversionType = "OT", "SYN"
    data_set.SeriesNumber, data_set.InstanceNumber = 1, 1
    data_set.SamplesPerPixel, data_set.PhotometricInterpretation = 1, "MONOCHROME2"
    data_set.Rows, data_set.Columns = 64, 64
    data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit, data_set.PixelRepresentation = 8, 8, 7, 0
    data_set.PixelData = bytes(range(64)) * 64
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue(), data_set


def store(probe: Probe, *objects: bytes, path: str = "/studies", part_type: str = "application/dicom") -> Seen:
    """Store objects in one request."""
    boundary = new_boundary()
    pieces = [piece for one in objects for piece in (part_header(boundary, content_type=part_type), one, b"\r\n")]
    content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
    body = b"".join([*pieces, closing_delimiter(boundary)])
    return probe.ask(path, method="POST", headers={"Content-Type": content_type}, body=body)


def store_subject(probe: Probe) -> Subject:
    """Store an instance to ask for.

    Raises:
        CheckFailed: the server does not take it.
    """
    content, data_set = new_object()
    seen = store(probe, content)
    if seen.status not in (200, 202):
        raise CheckFailed(f"A valid instance was not stored: {seen.status}.")
    uids = (str(data_set.StudyInstanceUID), str(data_set.SeriesInstanceUID), str(data_set.SOPInstanceUID))
    return Subject(*uids, has_frames=True, written=content)


def _items(module: Any, tag: str) -> list[Any]:  # noqa: ANN401 - whatever the server sends
    element = module.get(tag, {}) if isinstance(module, dict) else {}
    return list(element.get("Value", [])) if isinstance(element, dict) else []


def _stores(probe: Probe, _subject: Subject) -> str:
    content, data_set = new_object()
    seen = store(probe, content)
    if seen.status != 200:
        raise CheckFailed(f"An instance that is stored whole was answered {seen.status}, not 200.")
    module = seen.json()
    if not isinstance(module, dict):
        raise CheckFailed("The Store Instances Response Module is no JSON object (STOW-41).")
    stored = [_text(item, "00081155") for item in _items(module, "00081199")]
    if stored != [data_set.SOPInstanceUID]:
        raise CheckFailed(f"Referenced SOP Sequence names {stored}.")
    return "200, and the module names the instance."


def _text(item: Any, tag: str) -> str:  # noqa: ANN401 - whatever the server sends
    values = _items(item, tag)
    return str(values[0]) if values else ""


def _at_once(probe: Probe, _subject: Subject) -> str:
    content, data_set = new_object()
    store(probe, content)
    results = probe.expect({200}, f"/instances?SOPInstanceUID={data_set.SOPInstanceUID}").data_sets()
    if len(results) != 1:
        raise CheckFailed(f"It is found {len(results)} times.")
    return "It is found once."


def _study_must_match(probe: Probe, _subject: Subject) -> str:
    content, _ = new_object()
    seen = store(probe, content, path=f"/studies/{generate_uid()}")
    if seen.status != 409:
        raise CheckFailed(f"An instance of another study was answered {seen.status}, not 409.")
    return "409."


def _one_bad_part(probe: Probe, _subject: Subject) -> str:
    content, data_set = new_object()
    seen = store(probe, b"this is no DICOM object", content)
    if seen.status != 202:
        raise CheckFailed(f"One good and one bad part were answered {seen.status}, not 202.")
    stored = [_text(item, "00081155") for item in _items(seen.json(), "00081199")]
    if stored != [data_set.SOPInstanceUID]:
        raise CheckFailed(f"Referenced SOP Sequence names {stored}.")
    return "202, and the good one is stored."


def _nothing_good(probe: Probe, _subject: Subject) -> str:
    seen = store(probe, b"this is no DICOM object")
    if seen.status not in (400, 409):
        raise CheckFailed(f"A part that is no DICOM object was answered {seen.status}, not 400 or 409.")
    return f"{seen.status}."


def _again(probe: Probe, subject: Subject) -> str:
    if not subject.written:
        raise CheckFailed("The instance of this run could not be stored.")
    seen = store(probe, subject.written)
    if seen.status not in _DUPLICATE_OR_REPLACED:
        raise CheckFailed(f"The same instance again was answered {seen.status}.")
    if seen.status == 409:
        raise CheckFailed("The same instance again is refused: identical content is a success.")
    return f"{seen.status}."


def _content_type(content_type: str, statuses: tuple[int, ...], probe: Probe, _subject: Subject) -> str:
    headers = {"Content-Type": content_type} if content_type else {}
    seen = probe.expect(statuses, "/studies", method="POST", headers=headers, body=b"--x\r\n\r\ntext\r\n--x--\r\n")
    return f"{seen.status}."


def _metadata(probe: Probe, _subject: Subject) -> str:
    _, data_set = new_object()
    del data_set.PixelData
    del data_set.Rows, data_set.Columns, data_set.BitsAllocated, data_set.BitsStored, data_set.HighBit
    del data_set.PixelRepresentation, data_set.SamplesPerPixel, data_set.PhotometricInterpretation
    data_set.SOPClassUID = "1.2.840.10008.5.1.4.1.1.66"
    boundary = new_boundary()
    head = part_header(boundary, content_type=JSON)
    body = b"".join([head, f"[{data_set.to_json()}]".encode(), b"\r\n", closing_delimiter(boundary)])
    content_type = f'multipart/related; type="{JSON}"; boundary={boundary}'
    seen = probe.expect({200, 202}, "/studies", method="POST", headers={"Content-Type": content_type}, body=body)
    probe.expect({200}, f"/studies/{data_set.StudyInstanceUID}/metadata")
    return f"{seen.status}, and the instance is there."


STORE_CHECKS: Final = (
    Check("STOW-10 STOW-42 STOW-41", "An instance is stored, and the response names it", _stores, needs_subject=False),
    Check("STOW-30", "What is stored is found at once", _at_once, needs_subject=False),
    Check("STOW-27", "An instance of another study than the target is refused", _study_must_match, needs_subject=False),
    Check("STOW-29 STOW-43", "One bad part does not stop the others", _one_bad_part, needs_subject=False),
    Check("STOW-44 STOW-45", "A payload without any instance is refused", _nothing_good, needs_subject=False),
    Check("STOW-28", "The same instance again is a success", _again),
    Check(
        "STOW-04 STOW-46",
        "An unsupported Content-Type is 415",
        partial(_content_type, "text/plain", (415,)),
        needs_subject=False,
    ),
    Check(
        "STOW-04",
        "Multipart without a boundary is refused",
        partial(_content_type, 'multipart/related; type="application/dicom"', (400,)),
        needs_subject=False,
    ),
    Check("STOW-03", "A missing Content-Type is refused", partial(_content_type, "", (400, 415)), needs_subject=False),
    Check("STOW-12", "An instance is stored as metadata in JSON", _metadata, needs_subject=False),
)
