"""What the index takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hilum.dicom.reading.instance import Frames, WireForm


class DuplicatePolicy(Enum):
    """What happens to a different object under a live SOP Instance UID (STOW-28)."""

    REJECT = "reject"
    REPLACE = "replace"
    KEEP = "keep"


class State(Enum):
    """State of an instance row."""

    LIVE = "live"
    TRASHED = "trashed"
    GONE = "gone"


class Outcome(Enum):
    """What became of an instance that was offered to the index."""

    STORED = "stored"
    IDENTICAL = "identical"
    """Same transfer syntax and data set are live already: success, the first stays."""
    REPLACED = "replaced"
    KEPT_FIRST = "kept first"
    """Policy `keep`: success with a warning, the first stays."""
    DIFFERENT = "different"
    """Refused: a different object is live under this SOP Instance UID (0111H)."""
    ELSEWHERE = "elsewhere"
    """Refused: the SOP Instance UID is live in another study or series."""


@dataclass(frozen=True, slots=True)
class NewInstance:
    """An instance whose blob is durable, as offered to the index."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    blob_id: str
    size_bytes: int
    data_set_offset: int
    head_digest: bytes
    """SHA-256 of preamble and group 0002."""
    data_set_digest: bytes
    """SHA-256 of the data set as received."""
    study_attributes: bytes
    """JSON object text: short attributes of the patient and study levels, DICOM JSON Model."""
    series_attributes: bytes
    """The same for the series level."""
    instance_attributes: bytes
    """The same for the instance level: those that searches return by default, and `search.instance_keys`."""
    metadata: bytes | None
    """zstd of the metadata JSON; None: it is a sidecar of the blob."""
    metadata_size: int
    uri_offsets: bytes
    bulk: bytes
    """JSON text: `[[path, vr, offset, length], ...]`."""
    frames: Frames | None
    """For encapsulated frames above `FRAMES_IN_INDEX`, `records` is empty: they are a sidecar."""
    wire_form: WireForm | None
    character_set: str
    """Specific Character Set of the data set, '' if absent: bulk text is served as UTF-8 (JSON-39)."""


FRAMES_IN_INDEX = 1024
"""Most encapsulated frames whose records stand in the row."""

METADATA_IN_INDEX = 256 * 1024
"""Most bytes of compressed metadata that stand in the row."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The answer to one `NewInstance`."""

    outcome: Outcome
    blob_id: str
    """The live blob of the SOP Instance UID after the transaction."""
    lost_blob_id: str | None = None
    """The blob that lost its row (`REPLACED`)."""


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """A live instance, as retrieval needs it; `instance_id` is the row's key."""

    instance_id: int
    series_id: int
    study_instance_uid: str
    series_instance_uid: str
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
        return f"/studies/{self.study_instance_uid}/series/{self.series_instance_uid}/instances/{self.sop_instance_uid}"


@dataclass(frozen=True, slots=True)
class StoredMetadata:
    """Metadata of one instance; `body` is None where a sidecar holds it."""

    body: bytes | None
    size: int
    uri_offsets: bytes


@dataclass(frozen=True, slots=True)
class SeriesVersion:
    """State of a series; `version` changes with every change of its live instances."""

    series_id: int
    version: int
    instance_count: int
    """Live instances."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back from the trash."""

    blob_ids: Sequence[str]
    refused: Sequence[str]
    """SOP Instance UIDs that stay in the trash: another instance is live under them."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One instance row of any state, for verification. A gone row keeps its UIDs and nothing else of use."""

    instance_id: int
    state: State
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    blob_id: str
    size_bytes: int
    data_set_offset: int
    head_digest: bytes
    data_set_digest: bytes
    changed: float
    """Seconds since the epoch: when the state last changed."""


@dataclass(frozen=True, slots=True)
class RecordedContradiction:
    """A value of a study or series attribute that differs from what an earlier instance said."""

    study_instance_uid: str
    series_instance_uid: str
    """'' for attributes of the study."""
    sop_instance_uid: str
    """The instance that said otherwise."""
    tag: str
    kept: str
    """JSON text of the attribute that holds."""
    offered: str
    """JSON text of the attribute that was passed over."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What is live in the index."""

    studies: int
    series: int
    instances: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of matches: JSON objects in the DICOM JSON Model (PS3.18 8.3.4.4.1).

    Each item is a pair of JSON text around the place where the service's base URL goes (inside Retrieve URL).
    """

    items: Sequence[tuple[str, str]]
    remaining: int
    """Matches after this page."""
    warnings: Sequence[str] = ()
    total: int | None = None
    """All matches, if the query wants them counted."""


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the event log."""

    cursor: tuple[int, int]
    """Position in commit order: (transaction, row); pass it back to read on."""
    kind: str
    """`stored`, `replaced`, `trashed`, `restored`, `emptied`, `contradiction`, `workitem`."""
    time: float
    """Seconds since the epoch."""
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    detail: str
    """JSON text, '{}' if there is nothing to add."""
