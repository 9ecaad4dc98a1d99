"""Into the trash, back, and out of it for good; and sweeping up what crashes and replacements left.

A marker beside the blob is durable before the index forgets or hides it: an index that is rebuilt from the blobs
alone brings back nothing that was deleted.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from hilum.archive.archive import Archive
from hilum.dicom.resources import TargetResource
from hilum.errors import TransactionError
from hilum.store.blobs.protocol import Part
from hilum.store.rows.records import State

SWEEP_AGE_S: Final = 3600.0
"""Nothing younger is swept: a process may be at work on it."""


def delete(target: TargetResource, *, archive: Archive) -> int:
    """Move the live instances of a target resource to the trash; return how many.

    Raises:
        TargetNotFound, TargetGone: nothing live is there.
        InstanceCommitted: an instance of it is committed to be kept; then all of it stays.
    """
    if target.sop_instance_uid:
        found = [archive.index.find_instance(*_uids(target))]
    else:
        found = archive.index.list_instances(target.study_instance_uid, target.series_instance_uid or None)
    for instance in found:
        archive.blobs.put(instance.blob_id, Part.TRASHED, b"")
    try:
        trashed = set(archive.index.trash(*_optional_uids(target)))
    except TransactionError:
        _unmark([instance.blob_id for instance in found], archive)
        raise
    _unmark([instance.blob_id for instance in found if instance.blob_id not in trashed], archive)
    # One that was stored between the two steps is in the trash as well, and gets its marker now.
    for blob_id in trashed.difference(instance.blob_id for instance in found):
        archive.blobs.put(blob_id, Part.TRASHED, b"")
    return len(trashed)


def _unmark(blob_ids: Iterable[str], archive: Archive) -> None:
    """Take the markers back from what is live; what another process has trashed meanwhile keeps its own."""
    for blob_id in blob_ids:
        if state_of_blob(blob_id, archive=archive) is State.LIVE:
            archive.blobs.delete(blob_id, Part.TRASHED)


def restore(target: TargetResource, *, archive: Archive) -> int:
    """Bring the instances of a target resource back from the trash; return how many.

    An instance whose SOP Instance UID is live again stays in the trash, and so does a broken one.

    Raises:
        TargetNotFound: nothing of it that can come back is in the trash.
    """
    uids = _optional_uids(target)
    trashed = [instance.blob_id for instance in archive.index.trashed(*uids)]
    sound = [blob_id for blob_id in trashed if archive.blobs.size(blob_id, Part.QUARANTINED) is None]
    restored = archive.index.restore(*uids, blob_ids=sound)
    for blob_id in restored.blob_ids:
        archive.blobs.delete(blob_id, Part.TRASHED)
        # Emptying the trash may have been cut short after its tombstones.
        archive.blobs.delete(blob_id, Part.TOMBSTONE)
    return len(restored.blob_ids)


def empty_trash(*, archive: Archive, before: float) -> int:
    """Remove for good what was deleted before `before` (seconds since the epoch); return how many instances.

    The tombstones come first; the blobs themselves go when the sweep finds the tombstones.
    """
    emptied_in_all = 0
    while candidates := archive.index.trashed_before(before):
        for blob_id in candidates:
            archive.blobs.put(blob_id, Part.TOMBSTONE, b"")
        # No others: they have no tombstone yet.
        emptied = set(archive.index.empty_trash(before, candidates))
        # What was restored, or committed to be kept, in the meantime lives on.
        for blob_id in candidates:
            if blob_id not in emptied and knows_blob(blob_id, archive=archive):
                archive.blobs.delete(blob_id, Part.TOMBSTONE)
        emptied_in_all += len(emptied)
        if not emptied:
            break
    return emptied_in_all


def sweep_staging(*, archive: Archive, age_s: float = SWEEP_AGE_S) -> int:
    """Remove what nobody works on in staging, whatever the number of blobs; return how many blobs went with it."""
    limit = time.time() - age_s
    removed = 0
    for blob_id, written in list(archive.blobs.unsettled()):
        if written <= limit:
            removed += _settle(blob_id, archive)
    archive.blobs.drop_drafts(limit)
    return removed


def sweep(*, archive: Archive, age_s: float = SWEEP_AGE_S) -> int:
    """Remove blobs that have a tombstone, and what nobody works on in staging; return how many.

    Only one process may sweep at a time. It looks at the name of every blob, so it is no work for every minute.

    Args:
        archive: what to sweep.
        age_s: nothing younger is touched; 0 only where no other process can be at work.
    """
    limit = time.time() - age_s
    removed = sweep_staging(archive=archive, age_s=age_s)
    dead = [blob_id for blob_id, part, written in archive.blobs.parts() if part is Part.TOMBSTONE and written <= limit]
    for blob_id in dead:
        removed += _bury(blob_id, archive)
    return removed


def knows_blob(blob_id: str, *, archive: Archive) -> bool:
    """Say whether the index has an instance, live or trashed, of this blob."""
    return state_of_blob(blob_id, archive=archive) not in (None, State.GONE)


def state_of_blob(blob_id: str, *, archive: Archive) -> State | None:
    """Return the state of the instance that a blob belongs to, None if no row names the blob."""
    return next((row.state for row in archive.index.rows_of_blob(blob_id)), None)


def _settle(blob_id: str, archive: Archive) -> int:
    """Keep a blob that the index knows; one that it does not know was never acknowledged."""
    known = knows_blob(blob_id, archive=archive)
    if not known:
        for part in Part:
            archive.blobs.delete(blob_id, part)
    archive.blobs.settle_id(blob_id)
    return 0 if known else 1


def _bury(blob_id: str, archive: Archive) -> int:
    """Delete a blob; its tombstone goes last, so that a crash in between leaves it marked."""
    if knows_blob(blob_id, archive=archive) or archive.blobs.size(blob_id, Part.QUARANTINED) is not None:
        return 0
    for part in Part:
        if part is not Part.TOMBSTONE:
            archive.blobs.delete(blob_id, part)
    archive.blobs.delete(blob_id, Part.TOMBSTONE)
    return 1


def _uids(target: TargetResource) -> tuple[str, str, str]:
    return target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid


def _optional_uids(target: TargetResource) -> tuple[str, str | None, str | None]:
    return target.study_instance_uid, target.series_instance_uid or None, target.sop_instance_uid or None
