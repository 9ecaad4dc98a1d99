"""Taking one instance in: scan, make durable, index. The same for Store requests and for `hilum import`.

An instance is acknowledged only after its blob and its row are durable. A crash at any point leaves either
nothing visible or the whole instance.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import orjson

from hilum.archive.archive import Archive
from hilum.dicom.levels import PIXEL_TAGS, RETURNED_ATTRIBUTES, SERIES_TAGS, STUDY_TAGS
from hilum.dicom.reading.instance import DecodeError, EncapsulatedFrames, Frames, ScannedInstance
from hilum.dicom.reading.part10 import scan
from hilum.dicom.searching.query import Level
from hilum.errors import OutOfResources
from hilum.store.blobs.protocol import Part, Staged
from hilum.store.blobs.space import full_is_out_of_resources
from hilum.store.rows.records import FRAMES_IN_INDEX, METADATA_IN_INDEX, NewInstance, Outcome, State, StoredInstance

# Timezone Offset From UTC (0008,0201) belongs to no level: results of each may carry it.
_STUDY_TAGS: Final = STUDY_TAGS | {"00080201"}
_SERIES_TAGS: Final = SERIES_TAGS | {"00080201"}
_INSTANCE_TAGS: Final = PIXEL_TAGS | {attribute.tag for attribute in RETURNED_ATTRIBUTES[Level.INSTANCE]}


class FailureReason(Enum):
    """Failure Reason (0008,1197) of an instance that was not stored (PS3.18 I.2.2, STOW-52)."""

    OUT_OF_RESOURCES = 0xA700
    WRONG_STUDY = 0xA900
    CANNOT_UNDERSTAND = 0xC000
    DUPLICATE = 0x0111
    CLASS_NOT_SUPPORTED = 0x0122
    PROCESSING_FAILURE = 0x0110


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one object. UIDs are '' where the object did not tell them."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    outcome: Outcome | None = None
    failure: FailureReason | None = None
    text: str = ""
    """Why it failed, in one sentence; a warning with `Outcome.KEPT_FIRST`; else ''."""
    changes: tuple[tuple[int, str], ...] = ()
    """What was done to an instance that was made of metadata: Warning Reason, and one sentence."""
    original_attributes: tuple[Mapping[str, Any], ...] = ()
    """Items of Original Attributes Sequence that were added to it, in the DICOM JSON Model."""


@dataclass(slots=True)
class IngestCounts:
    """What this process has taken in, for the metrics; counts only grow."""

    outcomes: Counter[str]
    fallbacks: Counter[str]


COUNTS: Final = IngestCounts(Counter(), Counter())

REFUSALS: Final[Mapping[Outcome, tuple[FailureReason, str]]] = {
    Outcome.DIFFERENT: (
        FailureReason.DUPLICATE,
        "A different object with this SOP Instance UID is stored already; the stored one stays.",
    ),
    Outcome.ELSEWHERE: (
        FailureReason.DUPLICATE,
        "This SOP Instance UID is stored already in another study or series; the stored one stays.",
    ),
}
_WRONG_STUDY: Final = "The object's Study Instance UID is not that of the target resource."
KEPT_FIRST: Final = "A different object with this SOP Instance UID was stored before; that one stays."


def ingest(staged: Staged, *, archive: Archive, study_instance_uid: str | None = None) -> Ingested:
    """Store one staged object, or say why not. Takes over `staged`, which is settled or discarded on return.

    Args:
        staged: the whole Part 10 object as received.
        archive: where to store it.
        study_instance_uid: the only study whose instances are welcome; None: any.

    Source: PS3.18 10.5.2, STOW-27 to STOW-30.
    """
    try:
        scanned, offered = _prepare(staged, archive, study_instance_uid)
    except _Refused as refusal:
        result = refusal.result
        staged.discard()
    except OutOfResources as error:
        result = Ingested(failure=FailureReason.OUT_OF_RESOURCES, text=str(error))
        staged.discard()
    except DecodeError as error:
        result = Ingested(failure=FailureReason.CANNOT_UNDERSTAND, text=str(error))
        staged.discard()
    except BaseException:
        staged.discard()
        raise
    else:
        result = _record(staged, scanned, offered, archive)
    COUNTS.outcomes[result.outcome.value if result.outcome and not result.failure else "failed"] += 1
    return result


class _Refused(Exception):
    """The object was read and is not welcome."""

    def __init__(self, result: Ingested) -> None:
        super().__init__(result.text)
        self.result = result


def _prepare(staged: Staged, archive: Archive, study_instance_uid: str | None) -> tuple[ScannedInstance, NewInstance]:
    buffer = staged.buffer()
    scanned = _scan(buffer, archive)
    with spools_of(scanned):
        if scanned.fallback:
            COUNTS.fallbacks[scanned.fallback] += 1
        if study_instance_uid is not None and scanned.study_instance_uid != study_instance_uid:
            raise _Refused(_ingested(scanned, failure=FailureReason.WRONG_STUDY, text=_WRONG_STUDY))
        digests = digests_of(buffer, scanned.data_set_offset)
        put_sidecars(staged.blob_id, scanned, archive)
        archive.blobs.publish(staged)
    return scanned, new_instance(scanned, staged.blob_id, len(buffer), digests, archive.instance_keys)


def _scan(buffer: bytes | memoryview, archive: Archive) -> ScannedInstance:
    with full_is_out_of_resources():
        return scan(buffer, limits=archive.scan_limits, open_spool=archive.blobs.open_spool)


def index_blob(blob_id: str, *, archive: Archive, state: State) -> Ingested:
    """Give a durable blob that the index lost its row back; sidecars are made anew.

    Args:
        blob_id: whose object is there.
        archive: where it is.
        state: `LIVE`, or `TRASHED` for a blob that is marked so.

    Raises:
        DecodeError: the object cannot be read.
    """
    buffer = archive.blobs.buffer(blob_id)
    scanned = _scan(buffer, archive)
    with spools_of(scanned):
        live = archive.index.live_blob_id(scanned.sop_instance_uid)
        replaces = archive.settings.store.duplicates == "replace"
        if state is State.LIVE and live is not None and replaces and live > blob_id:
            return _ingested(scanned, outcome=Outcome.KEPT_FIRST, text=KEPT_FIRST)
        digests = digests_of(buffer, scanned.data_set_offset)
        put_sidecars(blob_id, scanned, archive)
    offered = new_instance(scanned, blob_id, len(buffer), digests, archive.instance_keys)
    if state is State.TRASHED:
        archive.index.record_trashed(offered)
        return _ingested(scanned, outcome=Outcome.STORED)
    recorded = archive.index.record(offered).result()
    if recorded.lost_blob_id is not None:
        archive.blobs.put(recorded.lost_blob_id, Part.TOMBSTONE, b"")
    return _ingested(scanned, outcome=recorded.outcome)


def remake_sidecars(instance: StoredInstance, *, archive: Archive) -> bool:
    """Make the sidecars of a sound blob anew; False if they would not be those that the index describes.

    So it is when `store.bulk_threshold_bytes` has changed since the instance was stored.

    Raises:
        DecodeError: the object cannot be read.
    """
    buffer = archive.blobs.buffer(instance.blob_id)
    scanned = _scan(buffer, archive)
    with spools_of(scanned):
        made = new_instance(scanned, instance.blob_id, len(buffer), (b"", b""), archive.instance_keys)
        index, row = archive.index, instance.instance_id
        metadata = index.metadata(row)
        fits = (
            (made.wire_form, made.frames, made.bulk) == (instance.wire_form, index.frames(row), index.bulk(row)[0])
            and (made.metadata_size, made.uri_offsets) == (metadata.size, metadata.uri_offsets)
            and (made.metadata is None) == (metadata.body is None)
        )
        if fits:
            put_sidecars(instance.blob_id, scanned, archive)
    return fits


@contextlib.contextmanager
def spools_of(scanned: ScannedInstance) -> Iterator[None]:
    """Close the temporary files of a scan at the end."""
    with contextlib.ExitStack() as spools:
        for spool in (scanned.metadata, scanned.wire_sidecar):
            if spool is not None and not isinstance(spool, bytes):
                spools.enter_context(spool)
        yield


def digests_of(buffer: bytes | memoryview, data_set_offset: int) -> tuple[bytes, bytes]:
    """Return SHA-256 of the head and of the data set of an object."""
    view = memoryview(buffer)
    return hashlib.sha256(view[:data_set_offset]).digest(), hashlib.sha256(view[data_set_offset:]).digest()


def put_sidecars(blob_id: str, scanned: ScannedInstance, archive: Archive) -> None:
    """Make what belongs to the object durable, before the object: it is never without it."""
    blobs = archive.blobs
    if scanned.wire_sidecar is not None:
        blobs.put(blob_id, Part.WIRE, scanned.wire_sidecar)
    if not isinstance(scanned.metadata, bytes) or len(scanned.metadata) > METADATA_IN_INDEX:
        blobs.put(blob_id, Part.METADATA, scanned.metadata)
    if isinstance(scanned.frames, EncapsulatedFrames) and scanned.frames.count > FRAMES_IN_INDEX:
        blobs.put(blob_id, Part.FRAMES, scanned.frames.records)


def new_instance(
    scanned: ScannedInstance,
    blob_id: str,
    size_bytes: int,
    digests: tuple[bytes, bytes],
    instance_keys: frozenset[str],
) -> NewInstance:
    """Return what the index is to know of a scanned object; `digests` are those of its head and data set."""
    metadata = scanned.metadata
    return NewInstance(
        study_instance_uid=scanned.study_instance_uid,
        series_instance_uid=scanned.series_instance_uid,
        sop_instance_uid=scanned.sop_instance_uid,
        sop_class_uid=scanned.sop_class_uid,
        transfer_syntax_uid=scanned.transfer_syntax_uid,
        blob_id=blob_id,
        size_bytes=size_bytes,
        data_set_offset=scanned.data_set_offset,
        head_digest=digests[0],
        data_set_digest=digests[1],
        study_attributes=_members(scanned.attributes, _STUDY_TAGS),
        series_attributes=_members(scanned.attributes, _SERIES_TAGS),
        instance_attributes=_members(scanned.attributes, _INSTANCE_TAGS | instance_keys),
        metadata=metadata if isinstance(metadata, bytes) and len(metadata) <= METADATA_IN_INDEX else None,
        metadata_size=scanned.metadata_size,
        uri_offsets=scanned.uri_offsets,
        bulk=orjson.dumps([(value.path, value.vr, value.offset, value.length) for value in scanned.bulk]),
        frames=_frames_for_index(scanned.frames),
        wire_form=scanned.wire_form,
        character_set=_character_set(scanned.attributes),
    )


def _members(attributes: Mapping[str, bytes], tags: Collection[str]) -> bytes:
    members = [b'"%b":%b' % (tag.encode(), value) for tag, value in attributes.items() if tag in tags]
    return b"{%b}" % b",".join(members)


def _character_set(attributes: Mapping[str, bytes]) -> str:
    terms = orjson.loads(attributes.get("00080005", b"{}")).get("Value", ())
    return "\\".join(term if isinstance(term, str) else "" for term in terms)


def _frames_for_index(frames: Frames | None) -> Frames | None:
    if isinstance(frames, EncapsulatedFrames) and frames.count > FRAMES_IN_INDEX:
        return EncapsulatedFrames(b"", frames.count)
    return frames


def _record(staged: Staged, scanned: ScannedInstance, offered: NewInstance, archive: Archive) -> Ingested:
    try:
        recorded = archive.index.record(offered).result()
    except OutOfResources as error:
        staged.discard()
        return _ingested(scanned, failure=FailureReason.OUT_OF_RESOURCES, text=str(error))
    except BaseException:
        # The commit may have happened all the same: sweeping asks the index later, and removes or keeps the blob.
        staged.close()
        raise
    if recorded.blob_id == staged.blob_id:
        archive.blobs.settle(staged)
    else:
        staged.discard()
    if recorded.lost_blob_id is not None:
        # The instance is stored: no failure now. Verification finds a blob that has neither row nor tombstone.
        with contextlib.suppress(OutOfResources):
            archive.blobs.put(recorded.lost_blob_id, Part.TOMBSTONE, b"")
    refusal = REFUSALS.get(recorded.outcome)
    if refusal:
        return _ingested(scanned, outcome=recorded.outcome, failure=refusal[0], text=refusal[1])
    text = KEPT_FIRST if recorded.outcome is Outcome.KEPT_FIRST else ""
    return _ingested(scanned, outcome=recorded.outcome, text=text)


def _ingested(
    scanned: ScannedInstance,
    *,
    outcome: Outcome | None = None,
    failure: FailureReason | None = None,
    text: str = "",
) -> Ingested:
    return Ingested(
        sop_class_uid=scanned.sop_class_uid,
        sop_instance_uid=scanned.sop_instance_uid,
        study_instance_uid=scanned.study_instance_uid,
        series_instance_uid=scanned.series_instance_uid,
        outcome=outcome,
        failure=failure,
        text=text,
    )
