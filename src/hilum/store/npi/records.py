"""Records of non-patient instances in the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hilum.dicom.reading.instance import WireForm


@dataclass(frozen=True, slots=True)
class NewNonPatient:
    """An instance whose blob is durable and that is to be recorded."""

    category: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    blob_id: str
    size_bytes: int
    data_set_offset: int
    head_digest: bytes
    data_set_digest: bytes
    wire_form: WireForm | None
    attributes: Mapping[str, Any]
    """What searches compare and return, in the DICOM JSON Model."""
    metadata: bytes | None
    """zstd of the metadata JSON; None: it is a sidecar of the blob."""
    metadata_size: int


@dataclass(frozen=True, slots=True)
class NonPatient:
    """A stored instance, as retrieval needs it."""

    row: int
    category: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    blob_id: str
    size_bytes: int
    data_set_offset: int
    wire_form: WireForm | None

    @property
    def path(self) -> str:
        """Path of the instance's resource below the service root."""
        return f"/{self.category}/{self.sop_instance_uid}"


@dataclass(frozen=True, slots=True)
class NonPatientPage:
    """One page of matches: attributes in the DICOM JSON Model."""

    items: Sequence[Mapping[str, Any]]
    remaining: int
    """Matches after this page."""
