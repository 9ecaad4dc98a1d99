"""Store non-patient instances: the objects of a payload, each by itself (PS3.18 12.5).

Metadata in JSON or XML become objects in Explicit VR Little Endian; nothing of them is changed or filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from hilum.archive.archive import Archive
from hilum.archive.ingest import FailureReason, Ingested
from hilum.archive.npi.ingest import ingest_non_patient
from hilum.dicom.building.data_set import encode_data_set
from hilum.dicom.building.model import parse_objects, read_model
from hilum.dicom.building.part10 import make_head
from hilum.dicom.npi.categories import Category
from hilum.dicom.reading.instance import DecodeError
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from hilum.dicom.xml_reading import xml_to_json
from hilum.store.blobs.protocol import Staged

OBJECT: Final = "application/dicom"
JSON: Final = "application/dicom+json"
XML: Final = "application/dicom+xml"

FORMS: Final[Mapping[str, str]] = {
    OBJECT: OBJECT,
    "application/octet-stream": OBJECT,
    JSON: JSON,
    "application/json": JSON,
    XML: XML,
}
"""Media types of a representation, and what each is read as."""

_SOP_CLASS_UID, _SOP_INSTANCE_UID = 0x00080016, 0x00080018
_ONE: Final = "The target resource takes one instance."
_OTHER_TYPE: Final = "The part is of a media type that this resource does not take."


@dataclass(frozen=True, slots=True)
class Target:
    """The target resource of a store: a category, and one instance of it or any."""

    category: Category
    sop_instance_uid: str = ""
    """'': any."""


def store_representation(staged: Staged, media_type: str, target: Target, *, archive: Archive) -> list[Ingested]:
    """Store what one representation holds; return a result for each of its instances. Takes over `staged`.

    Args:
        staged: the representation as received.
        media_type: of it, in lower case and without parameters.
        target: what it was sent to.
        archive: where to store it.
    """
    form = FORMS.get(media_type)
    if form is None:
        staged.discard()
        return [Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=_OTHER_TYPE)]
    if form == OBJECT:
        return [_ingest(staged, target, archive)]
    try:
        data_sets = _data_sets(staged, form, archive)
    except DecodeError as error:
        return [Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=str(error))]
    finally:
        staged.discard()
    if target.sop_instance_uid and len(data_sets) > 1:
        return [Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=_ONE)]
    return [_store_data_set(data_set, target, archive) for data_set in data_sets]


def _data_sets(staged: Staged, form: str, archive: Archive) -> Sequence[Mapping[str, Any]]:
    most = archive.settings.store.metadata_bytes
    if staged.size > most:
        raise DecodeError(f"The metadata are longer than the {most} bytes that this origin server takes.")
    text = bytes(staged.buffer())
    return parse_objects(text) if form == JSON else [xml_to_json(text)]


def _store_data_set(members: Mapping[str, Any], target: Target, archive: Archive) -> Ingested:
    """Make an object of metadata and store it."""
    staged = archive.blobs.stage()
    try:
        data_set = read_model(members)
        sop_class_uid, sop_instance_uid = (
            _only_text(data_set.get(tag, {})) for tag in (_SOP_CLASS_UID, _SOP_INSTANCE_UID)
        )
        staged.write(make_head(sop_class_uid, sop_instance_uid, EXPLICIT_VR_LITTLE_ENDIAN))
        for chunk in encode_data_set(data_set, _no_bulk_value).pieces.chunks():
            staged.write(chunk)
    except DecodeError as error:
        staged.discard()
        return Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=str(error))
    except BaseException:
        staged.discard()
        raise
    return _ingest(staged, target, archive)


def _only_text(attribute: Mapping[str, Any]) -> str:
    values = attribute.get("Value", ())
    return str(values[0]) if len(values) == 1 else ""


def _no_bulk_value(_uri: str) -> NoReturn:
    raise DecodeError("The metadata refer to bulk data: values of non-patient instances stand inside them.")


def _ingest(staged: Staged, target: Target, archive: Archive) -> Ingested:
    return ingest_non_patient(
        staged, archive=archive, category=target.category, sop_instance_uid=target.sop_instance_uid or None
    )
