"""Taking one non-patient instance in: scan, make durable, index (PS3.18 12.5).

The same promise as for instances of studies: acknowledged only after blob and row are durable. Every value is part of
the metadata, since these instances have no resource for bulk data.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from hilum.archive.archive import Archive
from hilum.archive.ingest import (
    COUNTS,
    KEPT_FIRST,
    REFUSALS,
    FailureReason,
    Ingested,
    digests_of,
    put_sidecars,
    spools_of,
)
from hilum.dicom.npi.categories import Category, category_of_class
from hilum.dicom.reading.instance import DecodeError, ScannedInstance
from hilum.dicom.reading.part10 import scan_non_patient
from hilum.errors import OutOfResources
from hilum.store.blobs.protocol import Part, Staged
from hilum.store.blobs.space import full_is_out_of_resources
from hilum.store.npi.records import NewNonPatient
from hilum.store.rows.records import METADATA_IN_INDEX, Outcome, Recorded

_SEARCHED_BYTES: Final = 64 * 1024
"""Most bytes of attributes that searches compare and return; the keys of the category come first."""

_OTHER_UID: Final = "The SOP Instance UID of the object is not that of the target resource."
_WRONG_CLASS: Final = "The SOP Class of the object does not belong to this resource."


def ingest_non_patient(
    staged: Staged, *, archive: Archive, category: Category, sop_instance_uid: str | None = None
) -> Ingested:
    """Store one staged object, or say why not. Takes over `staged`, which is settled or discarded on return.

    Args:
        staged: the whole Part 10 object as received.
        archive: where to store it.
        category: of the target resource; objects of other SOP classes are refused (NPI-22).
        sop_instance_uid: the only instance that is welcome (NPI-21); None: any.
    """
    try:
        result = _ingest(staged, archive, category, sop_instance_uid)
    except OutOfResources as error:
        staged.discard()
        result = Ingested(failure=FailureReason.OUT_OF_RESOURCES, text=str(error))
    except DecodeError as error:
        staged.discard()
        result = Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=str(error))
    except BaseException:
        staged.discard()
        raise
    COUNTS.outcomes[result.outcome.value if result.outcome and not result.failure else "failed"] += 1
    return result


def index_non_patient_blob(blob_id: str, *, archive: Archive) -> Ingested:
    """Give a durable blob that the index lost its row back; sidecars are made anew.

    Raises:
        DecodeError: the object cannot be read, or is no non-patient instance.
    """
    buffer = archive.blobs.buffer(blob_id)
    scanned = _scan(buffer, archive)
    category = category_of_class(scanned.sop_class_uid)
    with spools_of(scanned):
        if category is None:
            raise DecodeError("The object is no non-patient instance.")
        offered = _new(scanned, blob_id, buffer, category)
        put_sidecars(blob_id, scanned, archive)
    recorded = archive.index.non_patients.record(offered)
    _bury_lost(recorded, archive)
    return _ingested(scanned, recorded)


def _ingest(staged: Staged, archive: Archive, category: Category, sop_instance_uid: str | None) -> Ingested:
    buffer = staged.buffer()
    scanned = _scan(buffer, archive)
    with spools_of(scanned):
        refusal = _refusal(scanned, category, sop_instance_uid)
        if refusal is not None:
            staged.discard()
            return refusal
        offered = _new(scanned, staged.blob_id, buffer, category)
        put_sidecars(staged.blob_id, scanned, archive)
        archive.blobs.publish(staged)
    return _record(staged, scanned, offered, archive)


def _refusal(scanned: ScannedInstance, category: Category, sop_instance_uid: str | None) -> Ingested | None:
    if scanned.sop_class_uid not in category.sop_classes:
        failure, text = FailureReason.CLASS_NOT_SUPPORTED, _WRONG_CLASS
    elif sop_instance_uid not in (None, scanned.sop_instance_uid):
        failure, text = FailureReason.CANNOT_UNDERSTAND, _OTHER_UID
    else:
        return None
    return Ingested(scanned.sop_class_uid, scanned.sop_instance_uid, failure=failure, text=text)


def _record(staged: Staged, scanned: ScannedInstance, offered: NewNonPatient, archive: Archive) -> Ingested:
    try:
        recorded = archive.index.non_patients.record(offered)
    except OutOfResources:
        raise
    except BaseException:
        # The commit may have happened all the same: sweeping asks the index later, and removes or keeps the blob.
        staged.close()
        raise
    if recorded.blob_id == staged.blob_id:
        archive.blobs.settle(staged)
    else:
        staged.discard()
    _bury_lost(recorded, archive)
    return _ingested(scanned, recorded)


def _bury_lost(recorded: Recorded, archive: Archive) -> None:
    if recorded.lost_blob_id is not None:
        # The instance is stored: no failure now. Verification finds a blob that has neither row nor tombstone.
        with contextlib.suppress(OutOfResources):
            archive.blobs.put(recorded.lost_blob_id, Part.TOMBSTONE, b"")


def _scan(buffer: bytes | memoryview, archive: Archive) -> ScannedInstance:
    most = archive.settings.non_patient.max_bytes
    if len(buffer) > most:
        raise DecodeError(f"The object is larger than the {most} bytes that this resource takes.")
    # Longer ones than the whole object there are none: every value stands in the metadata.
    limits = replace(archive.scan_limits, bulk_threshold=most, header_bytes=most)
    with full_is_out_of_resources():
        scanned = scan_non_patient(buffer, limits=limits, open_spool=archive.blobs.open_spool)
    if scanned.bulk:
        with spools_of(scanned):
            raise DecodeError("The object holds pixel data, which non-patient instances do not have.")
    return scanned


def _new(scanned: ScannedInstance, blob_id: str, buffer: bytes | memoryview, category: Category) -> NewNonPatient:
    head_digest, data_set_digest = digests_of(buffer, scanned.data_set_offset)
    metadata = scanned.metadata
    return NewNonPatient(
        category=category.name,
        sop_instance_uid=scanned.sop_instance_uid,
        sop_class_uid=scanned.sop_class_uid,
        transfer_syntax_uid=scanned.transfer_syntax_uid,
        blob_id=blob_id,
        size_bytes=len(buffer),
        data_set_offset=scanned.data_set_offset,
        head_digest=head_digest,
        data_set_digest=data_set_digest,
        wire_form=scanned.wire_form,
        attributes=_searched(scanned.attributes, category),
        metadata=metadata if isinstance(metadata, bytes) and len(metadata) <= METADATA_IN_INDEX else None,
        metadata_size=scanned.metadata_size,
    )


def _searched(attributes: Mapping[str, bytes], category: Category) -> Mapping[str, Any]:
    """Return the attributes that searches compare and return, as many as there is room for."""
    room = _SEARCHED_BYTES
    found: dict[str, Any] = {}
    for tag in (*category.keys, *attributes):
        text = attributes.get(tag)
        if text is not None and tag not in found and len(text) <= room:
            room -= len(text)
            found[tag] = orjson.loads(text)
    return dict(sorted(found.items()))


def _ingested(scanned: ScannedInstance, recorded: Recorded) -> Ingested:
    result = Ingested(
        sop_class_uid=scanned.sop_class_uid, sop_instance_uid=scanned.sop_instance_uid, outcome=recorded.outcome
    )
    if recorded.outcome in REFUSALS:
        failure, text = REFUSALS[recorded.outcome]
        return replace(result, failure=failure, text=text)
    return replace(result, text=KEPT_FIRST if recorded.outcome is Outcome.KEPT_FIRST else "")
