from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from archives import files_below, find, opened, path_of, stored, take_in, target_of
from hilum.archive.archive import Archive
from hilum.archive.integrity.verify import Repair, verify
from hilum.archive.removal import SWEEP_AGE_S, delete, empty_trash, knows_blob, restore, state_of_blob, sweep
from hilum.config import StoreSettings
from hilum.dicom.resources import TargetResource
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.blobs.protocol import Part
from hilum.store.rows.records import Outcome, State
from samples import make_dataset, make_series


def later() -> float:
    return time.time() + 1


def age(folder: Path, blob_id: str, kind: str) -> None:
    """Make a part of a blob older than what sweeping leaves alone."""
    old = time.time() - SWEEP_AGE_S - 10
    os.utime(path_of(folder, blob_id, kind), (old, old))


def two_series() -> list[Dataset]:
    """Return three data sets of one study, the last in a series of its own."""
    first, second, third = make_series(3)
    third.SeriesInstanceUID = generate_uid()
    return [first, second, third]


@pytest.mark.parametrize(("level", "removed"), [("study", 3), ("series", 2), ("instance", 1)])
def test_each_level_goes_to_the_trash_and_back(each_archive: Archive, level: str, removed: int) -> None:
    datasets = two_series()
    blobs = [stored(each_archive, dataset).blob_id for dataset in datasets]
    whole = target_of(datasets[0])
    target = {
        "study": TargetResource(whole.study_instance_uid),
        "series": TargetResource(whole.study_instance_uid, whole.series_instance_uid),
        "instance": whole,
    }[level]

    assert delete(target, archive=each_archive) == removed
    assert [each_archive.blobs.size(blob, Part.TRASHED) is not None for blob in blobs] == [
        number < removed for number in range(3)
    ]
    assert each_archive.index.totals().instances == 3 - removed
    with pytest.raises(TargetGone):
        find(each_archive, datasets[0])
    with pytest.raises(TargetGone):
        delete(target, archive=each_archive)

    assert restore(target, archive=each_archive) == removed
    assert all(each_archive.blobs.size(blob, Part.TRASHED) is None for blob in blobs)
    assert [find(each_archive, dataset).blob_id for dataset in datasets] == blobs
    with pytest.raises(TargetNotFound):
        restore(target, archive=each_archive)


def test_what_never_was_cannot_be_deleted(archive: Archive) -> None:
    for target in (TargetResource("1.2"), TargetResource("1.2", "1.3"), TargetResource("1.2", "1.3", "1.4")):
        with pytest.raises(TargetNotFound):
            delete(target, archive=archive)


def test_what_is_live_again_keeps_its_old_self_in_the_trash(archive: Archive) -> None:
    dataset = make_dataset()
    old = stored(archive, dataset)
    delete(target_of(dataset), archive=archive)
    dataset.PatientID = "other"
    new = stored(archive, dataset)

    assert restore(target_of(dataset), archive=archive) == 0

    assert find(archive, dataset).blob_id == new.blob_id
    assert state_of_blob(old.blob_id, archive=archive) is State.TRASHED
    assert archive.blobs.size(old.blob_id, Part.TRASHED) is not None
    delete(target_of(dataset), archive=archive)
    assert restore(target_of(dataset), archive=archive) == 1
    assert find(archive, dataset).blob_id == new.blob_id


def test_the_trash_is_emptied_of_what_is_old_for_good(each_archive: Archive, empty_folder: Path) -> None:
    old, young, live = make_series(3)
    blob = stored(each_archive, old).blob_id
    stored(each_archive, young)
    stored(each_archive, live)
    delete(target_of(old), archive=each_archive)
    between = later() - 1
    time.sleep(0.02)
    delete(target_of(young), archive=each_archive)

    assert empty_trash(archive=each_archive, before=between) == 1
    assert empty_trash(archive=each_archive, before=between) == 0

    assert each_archive.blobs.size(blob, Part.TOMBSTONE) is not None
    assert state_of_blob(blob, archive=each_archive) is State.GONE
    assert not knows_blob(blob, archive=each_archive)
    with pytest.raises(TargetGone):
        find(each_archive, old)
    with pytest.raises(TargetNotFound):
        restore(target_of(old), archive=each_archive)
    assert sweep(archive=each_archive, age_s=0) == 1
    assert files_below(empty_folder) == ["blobs/dcm", "blobs/dcm", "blobs/trashed"]
    assert restore(target_of(young), archive=each_archive) == 1
    assert take_in(each_archive, old).outcome is Outcome.STORED


def test_sweeping_removes_a_blob_an_hour_after_its_tombstone(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    blob = stored(archive, dataset).blob_id
    delete(target_of(dataset), archive=archive)
    empty_trash(archive=archive, before=later())

    assert sweep(archive=archive) == 0
    assert files_below(folder) == ["blobs/dcm", "blobs/tombstone", "blobs/trashed"]

    age(folder, blob, "tombstone")
    assert sweep(archive=archive) == 1
    assert files_below(folder) == []


def test_sweeping_never_removes_what_is_live_or_trashed_whatever_its_markers_say(archive: Archive) -> None:
    live, trashed = make_series(2)
    blobs = [stored(archive, dataset).blob_id for dataset in (live, trashed)]
    delete(target_of(trashed), archive=archive)
    for blob in blobs:
        archive.blobs.put(blob, Part.TOMBSTONE, b"")

    assert sweep(archive=archive, age_s=0) == 0

    assert all(archive.blobs.size(blob, Part.OBJECT) for blob in blobs)


def test_sweeping_leaves_what_is_quarantined(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    blob = stored(archive, dataset).blob_id
    archive.blobs.put(blob, Part.QUARANTINED, b"")
    delete(target_of(dataset), archive=archive)
    empty_trash(archive=archive, before=later())

    assert sweep(archive=archive, age_s=0) == 0

    assert files_below(folder) == ["blobs/dcm", "blobs/quarantined", "blobs/tombstone", "blobs/trashed"]


def test_what_is_quarantined_does_not_come_back(archive: Archive) -> None:
    sound, broken = make_series(2)
    stored(archive, sound)
    blob = stored(archive, broken).blob_id
    delete(TargetResource(sound.StudyInstanceUID), archive=archive)
    archive.blobs.put(blob, Part.QUARANTINED, b"")

    assert restore(TargetResource(sound.StudyInstanceUID), archive=archive) == 1

    assert state_of_blob(blob, archive=archive) is State.TRASHED
    with pytest.raises(TargetNotFound):
        restore(target_of(broken), archive=archive)


def test_sweeping_removes_what_was_never_acknowledged_after_an_hour(archive: Archive, folder: Path) -> None:
    staged = archive.blobs.stage()
    staged.write(b"half of an object")
    staged.close()

    assert sweep(archive=archive) == 0
    old = time.time() - SWEEP_AGE_S - 10
    os.utime(staged.path, (old, old))
    assert sweep(archive=archive) == 1

    assert files_below(folder) == []


def test_a_draft_of_a_part_says_nothing_about_a_blob_that_the_index_has_lost(archive: Archive, folder: Path) -> None:
    """So it is when the repair of a lost index is killed: the blob was acknowledged once."""
    dataset = make_dataset()
    staged = archive.blobs.stage()
    staged.write(b"acknowledged, and lost with the index")
    archive.blobs.publish(staged)
    archive.blobs.settle(staged)
    (folder / "staging" / f"{staged.blob_id}.wire").write_bytes(b"half")

    assert sweep(archive=archive) == 0
    assert "staging/wire" in files_below(folder)
    assert sweep(archive=archive, age_s=0) == 0

    assert files_below(folder) == ["blobs/dcm"]
    assert take_in(archive, dataset).outcome is Outcome.STORED


def test_emptying_that_stopped_after_the_tombstones_loses_nothing_that_is_restored(
    archive: Archive, folder: Path
) -> None:
    dataset = make_dataset()
    blob = stored(archive, dataset).blob_id
    delete(target_of(dataset), archive=archive)
    for found in archive.index.trashed_before(later()):
        archive.blobs.put(found, Part.TOMBSTONE, b"")

    assert list(verify(archive=archive)) == []
    assert restore(target_of(dataset), archive=archive) == 1

    assert files_below(folder) == ["blobs/dcm"]
    assert find(archive, dataset).blob_id == blob


def test_emptying_that_stopped_after_the_tombstones_is_done_the_next_time(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    blob = stored(archive, dataset).blob_id
    delete(target_of(dataset), archive=archive)
    archive.blobs.put(blob, Part.TOMBSTONE, b"")

    assert empty_trash(archive=archive, before=later()) == 1
    assert sweep(archive=archive, age_s=0) == 1

    assert files_below(folder) == []


def test_deleting_that_stopped_after_the_markers_is_undone_by_a_repair(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    blob = stored(archive, dataset).blob_id
    archive.blobs.put(blob, Part.TRASHED, b"")

    (finding,) = verify(archive=archive, repair=Repair.YES)

    assert (finding.kind, finding.repaired) == ("stale marker", True)
    assert files_below(folder) == ["blobs/dcm"]
    assert find(archive, dataset).blob_id == blob


def test_deleting_that_stopped_before_a_marker_gets_it_by_a_repair(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    stored(archive, dataset)
    archive.index.trash(dataset.StudyInstanceUID)

    (finding,) = verify(archive=archive, repair=Repair.YES)

    assert (finding.kind, finding.repaired) == ("missing marker", True)
    assert files_below(folder) == ["blobs/dcm", "blobs/trashed"]
    assert list(verify(archive=archive)) == []


def test_restoring_that_stopped_before_its_markers_went_is_finished_by_a_repair(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    stored(archive, dataset)
    delete(target_of(dataset), archive=archive)
    archive.index.restore(dataset.StudyInstanceUID)

    assert [finding.kind for finding in verify(archive=archive, repair=Repair.YES)] == ["stale marker"]

    assert files_below(folder) == ["blobs/dcm"]


def test_replacing_that_stopped_before_the_tombstone_is_finished_by_a_repair(folder: Path) -> None:
    dataset = make_dataset(ImageComments="first")
    with opened(folder, store=StoreSettings(duplicates="replace", reserve_bytes=0)) as archive:
        old = stored(archive, dataset)
        dataset.ImageComments = "second"
        new = stored(archive, dataset)
        archive.blobs.delete(old.blob_id, Part.TOMBSTONE)

        findings = list(verify(archive=archive, repair=Repair.YES))

        assert [(finding.kind, finding.repaired) for finding in findings] == [("lost row", True)]
        assert archive.blobs.size(old.blob_id, Part.TOMBSTONE) is not None
        assert find(archive, dataset).blob_id == new.blob_id
        assert list(verify(archive=archive)) == []
