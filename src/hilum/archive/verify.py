"""Does the index tell the truth about the blobs? Digests, orphans of both kinds, and the way back.

The blobs alone are enough: with `Repair.YES` an index that lost everything is made anew from them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.ingest import Ingested, index_blob
from hilum.archive.removal import knows_blob
from hilum.dicom.instance import DecodeError, EncapsulatedFrames
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.blobs.protocol import BlobStore, Part
from hilum.store.index.records import IndexRow, Outcome, State

_CHUNK_BYTES: Final = 1024 * 1024
_DEAD: Final = frozenset({Part.TOMBSTONE, Part.QUARANTINED})


class Repair(Enum):
    """Whether findings are mended or only told."""

    NO = "no"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    kind: str
    """`broken blob`, `missing blob`, `missing sidecar`, `lost row`, `stale marker`, `contradiction`."""
    subject: str
    """What it is about: a SOP Instance UID, a Study Instance UID, or a blob id."""
    text: str
    repaired: bool = False


def verify(
    *, archive: Archive, repair: Repair = Repair.NO, progress: Callable[[int], None] | None = None
) -> Iterator[Finding]:
    """Yield all findings; the archive may be in use meanwhile.

    Args:
        archive: what to check.
        repair: `YES` re-indexes blobs that the index lost and quarantines broken ones.
        progress: called with the number of instances checked so far.
    """
    for checked, row in enumerate(archive.index.rows(), start=1):
        if row.state is not State.GONE:
            yield from _check_row(row, archive, repair)
        if progress:
            progress(checked)
    yield from _check_blobs(archive, repair)
    for found in archive.index.contradictions():
        text = f"Instances do not agree on {found.tag}: {found.kept} stays, {found.offered} was passed over."
        yield Finding("contradiction", found.sop_instance_uid, text, repaired=True)


def _check_row(row: IndexRow, archive: Archive, repair: Repair) -> Iterator[Finding]:
    blobs = archive.blobs
    if blobs.size(row.blob_id, Part.QUARANTINED) is not None:
        return
    fault = _fault(row, blobs) or _missing_sidecar(row, archive)
    if fault is not None:
        if not knows_blob(row.blob_id, archive=archive):
            return  # It was removed while we looked.
        if repair is Repair.YES:
            _quarantine(row, archive)
        yield Finding(fault[0], row.sop_instance_uid, fault[1], repaired=repair is Repair.YES)
    elif row.state is State.LIVE and blobs.size(row.blob_id, Part.TRASHED) is not None:
        if archive.index.live_blob_id(row.sop_instance_uid) != row.blob_id:
            return  # It was deleted while we looked.
        if repair is Repair.YES:
            blobs.delete(row.blob_id, Part.TRASHED)
        text = "Its blob is marked as trashed, the index has it as live."
        yield Finding("stale marker", row.sop_instance_uid, text, repaired=repair is Repair.YES)


def _missing_sidecar(row: IndexRow, archive: Archive) -> tuple[str, str] | None:
    if row.state is not State.LIVE:
        return None
    try:
        instance = archive.index.find_instance(row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
        frames = archive.index.frames(instance.instance_id)
        has_metadata = archive.index.metadata(instance.instance_id).body is not None
    except (TargetNotFound, TargetGone):
        return None  # It was deleted while we looked.
    needed = {
        Part.WIRE: instance.wire_form is not None,
        Part.METADATA: not has_metadata,
        Part.FRAMES: isinstance(frames, EncapsulatedFrames) and not frames.records,
    }
    for part, is_needed in needed.items():
        if is_needed and archive.blobs.size(row.blob_id, part) is None:
            return "missing sidecar", f"Its {part.value} part is missing."
    return None


def _fault(row: IndexRow, blobs: BlobStore) -> tuple[str, str] | None:
    head, data_set = hashlib.sha256(), hashlib.sha256()
    offset = 0
    try:
        while chunk := blobs.read(row.blob_id, Part.OBJECT, offset, _CHUNK_BYTES):
            inside = max(0, min(len(chunk), row.data_set_offset - offset))
            view = memoryview(chunk)
            head.update(view[:inside])
            data_set.update(view[inside:])
            offset += len(chunk)
    except FileNotFoundError:
        return "missing blob", "Its blob is missing."
    if (head.digest(), data_set.digest()) != (row.head_digest, row.data_set_digest):
        return "broken blob", "The bytes of its blob are not those that were stored."
    return None


def _quarantine(row: IndexRow, archive: Archive) -> None:
    """Take an instance out of sight, so that it can be stored again; what is left of its blob stays."""
    archive.blobs.put(row.blob_id, Part.QUARANTINED, b"")
    if row.state is State.LIVE:
        archive.index.trash(row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)


def _check_blobs(archive: Archive, repair: Repair) -> Iterator[Finding]:
    unsettled = {blob_id for blob_id, _ in archive.blobs.unsettled()}
    lost: list[tuple[bool, str]] = []
    for blob_id, group in groupby(archive.blobs.parts(), key=lambda found: found[0]):
        parts = {part for _, part, _ in group}
        if parts & _DEAD or blob_id in unsettled or knows_blob(blob_id, archive=archive):
            continue
        if Part.OBJECT in parts:
            lost.append((Part.TRASHED in parts, blob_id))
        elif archive.blobs.size(blob_id, Part.OBJECT) is None:
            if repair is Repair.YES:
                archive.blobs.put(blob_id, Part.TOMBSTONE, b"")
            yield Finding("stale marker", blob_id, "A sidecar without an object.", repaired=repair is Repair.YES)
    # Live ones first. Ids ascend with time: under `reject` and `keep` the oldest object of a UID wins,
    # under `replace` the newest.
    for trashed, blob_id in sorted(lost):
        finding = _check_lost(blob_id, archive, repair, State.TRASHED if trashed else State.LIVE)
        if finding is not None:
            yield finding


def _check_lost(blob_id: str, archive: Archive, repair: Repair, state: State) -> Finding | None:
    unsettled = {unsettled for unsettled, _ in archive.blobs.unsettled()}
    came_in = blob_id in unsettled or knows_blob(blob_id, archive=archive)
    if came_in or archive.blobs.size(blob_id, Part.OBJECT) is None:
        return None
    if repair is Repair.NO:
        return Finding("lost row", blob_id, "The index does not know this blob.")
    try:
        result = index_blob(blob_id, archive=archive, state=state)
    except DecodeError:
        archive.blobs.put(blob_id, Part.QUARANTINED, b"")
        return Finding("broken blob", blob_id, "It is no readable DICOM object; quarantined.", repaired=True)
    return _indexed_again(blob_id, result, archive)


def _indexed_again(blob_id: str, result: Ingested, archive: Archive) -> Finding:
    subject = result.sop_instance_uid
    if result.outcome in (Outcome.STORED, Outcome.REPLACED):
        return Finding("lost row", subject, "Indexed again.", repaired=True)
    if result.outcome in (Outcome.IDENTICAL, Outcome.KEPT_FIRST):
        archive.blobs.put(blob_id, Part.TOMBSTONE, b"")
        return Finding("lost row", subject, "A copy of what is stored or was replaced; removed.", repaired=True)
    return Finding("lost row", subject, f"Another object has its place; blob {blob_id} stays aside.")
