"""Reading stored non-patient instances: whole objects in the form that travels, and metadata."""

from __future__ import annotations

from collections.abc import Iterator

from hilum.archive.archive import Archive
from hilum.archive.metadata import spliced
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from hilum.store.npi.records import NonPatient
from hilum.store.rows.records import StoredInstance


def as_stored(instance: NonPatient) -> StoredInstance:
    """Return the instance as what reads whole objects takes; it has no study, and no path of a study's instance."""
    return StoredInstance(
        instance_id=instance.row,
        series_id=0,
        study_instance_uid="",
        series_instance_uid="",
        sop_instance_uid=instance.sop_instance_uid,
        sop_class_uid=instance.sop_class_uid,
        transfer_syntax_uid=instance.transfer_syntax_uid,
        blob_id=instance.blob_id,
        size_bytes=instance.size_bytes,
        data_set_offset=instance.data_set_offset,
        wire_form=instance.wire_form,
    )


def travelling_syntax(instance: NonPatient) -> str:
    """Return the transfer syntax of the form that travels."""
    return EXPLICIT_VR_LITTLE_ENDIAN if instance.wire_form else instance.transfer_syntax_uid


def metadata_of(instance: NonPatient, *, archive: Archive) -> Iterator[bytes]:
    """Yield the metadata of an instance, a JSON object, in chunks."""
    return spliced(as_stored(instance), archive.index.non_patients.metadata(instance), "", archive)
