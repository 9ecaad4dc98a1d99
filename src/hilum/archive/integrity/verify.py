"""Does the index tell the truth about the blobs? Digests, orphans of both kinds, and the way back.

The blobs alone are enough: with `Repair.YES` an index that lost everything is made anew from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from itertools import groupby, islice
from typing import Final

from hilum.archive.archive import Archive
from hilum.archive.ingest import Ingested, index_blob, remake_sidecars
from hilum.archive.integrity.digests import fault_of
from hilum.archive.npi.ingest import index_non_patient_blob
from hilum.archive.removal import knows_blob, state_of_blob
from hilum.dicom.reading.instance import FRAME_RECORD, DecodeError, EncapsulatedFrames
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.blobs.protocol import Part
from hilum.store.rows.records import IndexRow, Outcome, State, StoredInstance

_SAMPLE: Final = 100
_DEAD: Final = frozenset({Part.TOMBSTONE, Part.QUARANTINED})


class Repair(Enum):
    """Whether findings are mended or only told."""

    NO = "no"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    kind: str
    """`broken blob`, `missing blob`, `missing sidecar`, `lost row`, `stale marker`, `missing marker` or
    `contradiction`."""
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
        repair: `YES` re-indexes blobs that the index lost, makes sidecars anew and quarantines broken blobs.
        progress: called with the number of instances checked so far.
    """
    if repair is Repair.YES and _is_other_store(archive):
        text = "Most objects of the index are not in this blob store: is it the right one? Nothing is repaired."
        yield Finding("missing blob", "the blob store", text)
        repair = Repair.NO
    for checked, row in enumerate(archive.index.rows(), start=1):
        if row.state is not State.GONE:
            yield from _check_row(row, archive, repair)
        if progress:
            progress(checked)
    yield from _check_blobs(archive, repair)
    for found in archive.index.contradictions():
        text = f"Instances do not agree on {found.tag}: {found.kept} stays, {found.offered} was passed over."
        yield Finding("contradiction", found.sop_instance_uid, text, repaired=True)


def _is_other_store(archive: Archive) -> bool:
    """Say whether the blobs look like those of another archive, or like a folder whose disk is not mounted.

    To set aside what is merely somewhere else would hide every study.
    """
    rows = (row for row in archive.index.rows() if row.state is not State.GONE)
    sample = list(islice(rows, _SAMPLE))
    missing = sum(archive.blobs.size(row.blob_id, Part.OBJECT) is None for row in sample)
    return missing > 1 and missing * 2 > len(sample)


def _check_row(row: IndexRow, archive: Archive, repair: Repair) -> Iterator[Finding]:
    blobs = archive.blobs
    if blobs.size(row.blob_id, Part.QUARANTINED) is not None:
        if row.state is State.LIVE and _is_live(row, archive):
            # Setting it aside was cut short.
            if repair is Repair.YES:
                _quarantine(row, archive)
            text = "Its blob is quarantined, the index has it as live."
            yield Finding("broken blob", row.sop_instance_uid, text, repaired=repair is Repair.YES)
        return
    fault = fault_of(row, blobs)
    if fault is None:
        yield from _check_sidecars(row, archive, repair)
        yield from _check_markers(row, archive, repair)
    elif knows_blob(row.blob_id, archive=archive):  # Else it was removed while we looked.
        if repair is Repair.YES:
            _quarantine(row, archive)
        yield Finding(fault[0], row.sop_instance_uid, fault[1], repaired=repair is Repair.YES)


def _check_sidecars(row: IndexRow, archive: Archive, repair: Repair) -> Iterator[Finding]:
    instance = _instance_of(row, archive)
    try:
        part = None if instance is None else _missing_sidecar(instance, archive)
        if instance is None or part is None or not knows_blob(row.blob_id, archive=archive):
            return
        is_remade = repair is Repair.YES and remake_sidecars(instance, archive=archive)
    except (TargetNotFound, TargetGone):
        return  # It was deleted while we looked.
    text = f"Its {part.value} part is missing or cut short."
    if repair is Repair.YES and not is_remade:
        text += " The present settings do not give the same one again."
    yield Finding("missing sidecar", row.sop_instance_uid, text, repaired=is_remade)


def _instance_of(row: IndexRow, archive: Archive) -> StoredInstance | None:
    """Return the instance of a row, None if it was replaced or removed for good while we looked."""
    uids = (row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
    try:
        found = [archive.index.find_instance(*uids)] if row.state is State.LIVE else archive.index.trashed(*uids)
    except (TargetNotFound, TargetGone):
        return None
    return next((instance for instance in found if instance.blob_id == row.blob_id), None)


def _missing_sidecar(instance: StoredInstance, archive: Archive) -> Part | None:
    frames = archive.index.frames(instance.instance_id)
    form = instance.wire_form
    size = partial(archive.blobs.size, instance.blob_id)
    if form is not None and size(Part.WIRE) != form.prefix_length + form.suffix_length:
        return Part.WIRE
    if archive.index.metadata(instance.instance_id).body is None and not size(Part.METADATA):
        return Part.METADATA
    if isinstance(frames, EncapsulatedFrames) and not frames.records:
        return None if size(Part.FRAMES) == frames.count * FRAME_RECORD.size else Part.FRAMES
    return None


def _check_markers(row: IndexRow, archive: Archive, repair: Repair) -> Iterator[Finding]:
    """Compare the markers of a blob with the state of its instance: by them alone an index is rebuilt."""
    is_trashed = row.state is State.TRASHED
    wrong = [
        part
        for part, is_right in ((Part.TRASHED, is_trashed), (Part.TOMBSTONE, False))
        # A tombstone in the trash is no fault: the trash was about to be emptied, and will be.
        if (archive.blobs.size(row.blob_id, part) is not None) is not is_right
        and not (is_trashed and part is Part.TOMBSTONE)
    ]
    if not wrong or state_of_blob(row.blob_id, archive=archive) is not row.state:
        return  # In order, or changed while we looked.
    for part in wrong:
        if repair is Repair.YES and is_trashed:
            archive.blobs.put(row.blob_id, part, b"")
        elif repair is Repair.YES:
            archive.blobs.delete(row.blob_id, part)
        kind, text = ("missing", "not marked as trashed") if is_trashed else ("stale", f"marked by a {part.value} file")
        text = f"Its blob is {text}, the index has it as {row.state.value}."
        yield Finding(f"{kind} marker", row.sop_instance_uid, text, repaired=repair is Repair.YES)


def _is_live(row: IndexRow, archive: Archive) -> bool:
    return archive.index.live_blob_id(row.sop_instance_uid) == row.blob_id


def _quarantine(row: IndexRow, archive: Archive) -> None:
    """Take an instance out of sight, so that it can be stored again; what is left of its blob stays."""
    archive.blobs.put(row.blob_id, Part.QUARANTINED, b"")
    if not row.study_instance_uid:
        archive.index.non_patients.forget(row.blob_id)
    elif _is_live(row, archive):
        archive.index.trash(row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)


def _check_blobs(archive: Archive, repair: Repair) -> Iterator[Finding]:
    unsettled = {blob_id for blob_id, _ in archive.blobs.unsettled()}
    lost: list[tuple[bool, str]] = []
    for blob_id, group in groupby(archive.blobs.parts(), key=lambda found: found[0]):
        parts = {part for _, part, _ in group}
        state = state_of_blob(blob_id, archive=archive)
        if parts & _DEAD or blob_id in unsettled or state in (State.LIVE, State.TRASHED):
            continue
        if state is State.GONE:
            yield _bury_soon(blob_id, "missing marker", "The index has its instance as gone.", archive, repair)
        elif Part.OBJECT in parts:
            lost.append((Part.TRASHED in parts, blob_id))
        elif archive.blobs.size(blob_id, Part.OBJECT) is None and not _is_at_work(blob_id, archive):
            yield _bury_soon(blob_id, "stale marker", "It has no object.", archive, repair)
    # Live ones first. Ids ascend with time: under `reject` and `keep` the oldest object of a UID wins, under `replace`
    # the newest.
    for trashed, blob_id in sorted(lost):
        finding = _check_lost(blob_id, archive, repair, State.TRASHED if trashed else State.LIVE)
        if finding is not None:
            yield finding


def _bury_soon(blob_id: str, kind: str, text: str, archive: Archive, repair: Repair) -> Finding:
    """Give what is left of a blob a tombstone, so that sweeping removes it."""
    if repair is Repair.YES:
        archive.blobs.put(blob_id, Part.TOMBSTONE, b"")
    return Finding(kind, blob_id, text, repaired=repair is Repair.YES)


def _indexed(blob_id: str, archive: Archive, state: State) -> Ingested:
    try:
        return index_blob(blob_id, archive=archive, state=state)
    except DecodeError:
        return index_non_patient_blob(blob_id, archive=archive)


def _is_at_work(blob_id: str, archive: Archive) -> bool:
    """Say whether a process is taking a blob in, or has done so meanwhile."""
    is_staged = any(blob_id == unsettled for unsettled, _ in archive.blobs.unsettled())
    return is_staged or state_of_blob(blob_id, archive=archive) is not None


def _check_lost(blob_id: str, archive: Archive, repair: Repair, state: State) -> Finding | None:
    if _is_at_work(blob_id, archive) or archive.blobs.size(blob_id, Part.OBJECT) is None:
        return None  # It came in or went away while we looked.
    if repair is Repair.NO:
        return Finding("lost row", blob_id, "The index does not know this blob.")
    try:
        result = _indexed(blob_id, archive, state)
    except DecodeError:
        archive.blobs.put(blob_id, Part.QUARANTINED, b"")
        return Finding("broken blob", blob_id, "It is no readable DICOM object; quarantined.", repaired=True)
    if result.outcome in (Outcome.STORED, Outcome.REPLACED):
        return Finding("lost row", result.sop_instance_uid, "Indexed again.", repaired=True)
    if result.outcome in (Outcome.IDENTICAL, Outcome.KEPT_FIRST):
        archive.blobs.put(blob_id, Part.TOMBSTONE, b"")
        return Finding(
            "lost row", result.sop_instance_uid, "A copy of what is stored or was replaced; removed.", repaired=True
        )
    return Finding("lost row", result.sop_instance_uid, f"Another object has its place; blob {blob_id} stays aside.")
