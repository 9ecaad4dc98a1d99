from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian

from archives import files_below, find, noise_texts, opened, path_of, stored, take_in, target_of
from hilum.archive.archive import Archive
from hilum.archive.integrity.verify import Finding, Repair, verify
from hilum.archive.metadata import instance_metadata
from hilum.archive.objects import frame_bytes, frames_of, wire_bytes
from hilum.archive.removal import delete, empty_trash, restore, state_of_blob, sweep
from hilum.config import StoreSettings
from hilum.dicom.searching.query import Level, Query
from hilum.errors import TargetGone, TargetNotFound
from hilum.store.blobs.protocol import Part
from hilum.store.rows.records import Outcome, State
from samples import encode, make_dataset, make_series

ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"
FOREVER = 1e12


def summary(findings: list[Finding]) -> list[tuple[str, str, bool]]:
    return [(finding.kind, finding.subject, finding.repaired) for finding in findings]


def check(archive: Archive, repair: Repair = Repair.NO) -> list[tuple[str, str, bool]]:
    return summary(list(verify(archive=archive, repair=repair)))


def check_thrice(archive: Archive) -> tuple[list[tuple[str, str, bool]], ...]:
    """Return what is found, what is repaired, and what is found after."""
    return check(archive), check(archive, Repair.YES), check(archive)


def with_sidecars() -> tuple[Dataset, bytes]:
    """Return an object whose metadata and frame table are sidecars."""
    dataset = make_dataset(NumberOfFrames=1025, Rows=1, Columns=2)
    dataset.PixelData = encapsulate([b"ab"] * 1025)
    dataset["PixelData"].is_undefined_length = True
    for number in range(12):
        dataset.add_new(0x00091010 + number, "LO", noise_texts())
    return dataset, encode(dataset, ENCAPSULATED_UNCOMPRESSED)


def test_an_archive_in_good_order_has_no_findings(each_archive: Archive) -> None:
    live, trashed, emptied = make_series(3)
    for dataset in (live, trashed, emptied):
        stored(each_archive, dataset, encode(dataset, ImplicitVRLittleEndian))
    delete(target_of(emptied), archive=each_archive)
    empty_trash(archive=each_archive, before=FOREVER)
    delete(target_of(trashed), archive=each_archive)
    checked: list[int] = []

    findings = list(verify(archive=each_archive, repair=Repair.YES, progress=checked.append))

    assert (findings, checked) == ([], [1, 2, 3])


@pytest.mark.parametrize("position", [0, 140, -1], ids=["preamble", "group 0002", "pixels"])
def test_a_flipped_bit_is_found_and_its_instance_set_aside(
    each_archive: Archive, empty_folder: Path, position: int
) -> None:
    dataset = make_dataset()
    uid = dataset.SOPInstanceUID
    instance = stored(each_archive, dataset)
    path = path_of(empty_folder, instance.blob_id)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)

    found, repaired, after = check_thrice(each_archive)

    assert found == [("broken blob", uid, False)]
    assert repaired == [("broken blob", uid, True)]
    assert after == []
    with pytest.raises(TargetGone):
        find(each_archive, dataset)
    with pytest.raises(TargetNotFound):
        restore(target_of(dataset), archive=each_archive)
    assert sweep(archive=each_archive, age_s=0) == 0
    assert take_in(each_archive, dataset).outcome is Outcome.STORED
    assert files_below(empty_folder) == ["blobs/dcm", "blobs/dcm", "blobs/quarantined"]


def test_a_missing_blob_is_found_and_its_instance_set_aside(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    uid = dataset.SOPInstanceUID
    path_of(folder, stored(archive, dataset).blob_id).unlink()

    assert check_thrice(archive) == ([("missing blob", uid, False)], [("missing blob", uid, True)], [])

    assert take_in(archive, dataset).outcome is Outcome.STORED


def test_a_blob_that_cannot_be_read_is_broken(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    path = path_of(folder, stored(archive, dataset).blob_id)
    path.unlink()
    path.mkdir()

    assert check(archive) == [("broken blob", dataset.SOPInstanceUID, False)]
    path.rmdir()


def test_setting_aside_that_was_cut_short_is_finished(archive: Archive) -> None:
    dataset = make_dataset()
    uid = dataset.SOPInstanceUID
    archive.blobs.put(stored(archive, dataset).blob_id, Part.QUARANTINED, b"")

    assert check_thrice(archive) == ([("broken blob", uid, False)], [("broken blob", uid, True)], [])

    with pytest.raises(TargetGone):
        find(archive, dataset)


@pytest.mark.parametrize("damage", ["missing", "cut short"])
@pytest.mark.parametrize("part", [Part.WIRE, Part.METADATA, Part.FRAMES])
def test_a_missing_sidecar_is_made_anew(archive: Archive, folder: Path, part: Part, damage: str) -> None:
    dataset, data = with_sidecars()
    if part is Part.WIRE:
        dataset = make_dataset()
        data = encode(dataset, ImplicitVRLittleEndian)
    instance = stored(archive, dataset, data)
    path = path_of(folder, instance.blob_id, part.value)
    before = path.read_bytes()
    path.unlink()
    if damage == "cut short":
        path.write_bytes(b"")

    found, repaired, after = check_thrice(archive)

    uid = dataset.SOPInstanceUID
    assert (found, repaired, after) == ([("missing sidecar", uid, False)], [("missing sidecar", uid, True)], [])
    assert path.read_bytes() == before
    assert find(archive, dataset).blob_id == instance.blob_id


def test_a_sidecar_that_other_settings_would_make_otherwise_is_told_and_left(folder: Path) -> None:
    dataset, data = with_sidecars()
    dataset.add_new(0x00091001, "OB", bytes(500))
    data = encode(dataset, ENCAPSULATED_UNCOMPRESSED)
    with opened(folder) as archive:
        instance = stored(archive, dataset, data)
    path_of(folder, instance.blob_id, "json").unlink()

    with opened(folder, store=StoreSettings(bulk_threshold_bytes=100)) as archive:
        assert check(archive, Repair.YES) == [("missing sidecar", dataset.SOPInstanceUID, False)]
        assert find(archive, dataset).blob_id == instance.blob_id
    with opened(folder) as archive:
        assert check(archive, Repair.YES) == [("missing sidecar", dataset.SOPInstanceUID, True)]


@pytest.mark.parametrize("marker", [Part.TRASHED, Part.TOMBSTONE])
def test_a_stale_marker_of_a_live_instance_is_removed(archive: Archive, marker: Part) -> None:
    dataset = make_dataset()
    uid = dataset.SOPInstanceUID
    blob = stored(archive, dataset).blob_id
    archive.blobs.put(blob, marker, b"")

    assert check_thrice(archive) == ([("stale marker", uid, False)], [("stale marker", uid, True)], [])
    assert archive.blobs.size(blob, marker) is None


def test_a_sidecar_without_an_object_is_swept(archive: Archive, folder: Path) -> None:
    blob = archive.blobs.stage()
    blob.discard()
    archive.blobs.put(blob.blob_id, Part.WIRE, b"left over")

    found, repaired, after = check_thrice(archive)

    assert found == [("stale marker", blob.blob_id, False)]
    assert repaired == [("stale marker", blob.blob_id, True)]
    assert after == []
    assert sweep(archive=archive, age_s=0) == 1
    assert files_below(folder) == []


def test_what_is_being_taken_in_is_no_finding(archive: Archive) -> None:
    staged = archive.blobs.stage()
    staged.write(encode(make_dataset()))
    archive.blobs.put(staged.blob_id, Part.WIRE, b"first the sidecar")
    assert check(archive, Repair.YES) == []

    archive.blobs.publish(staged)

    assert check(archive, Repair.YES) == []
    staged.discard()


def test_junk_among_the_blobs_is_quarantined_and_stays(archive: Archive, folder: Path) -> None:
    staged = archive.blobs.stage()
    staged.write(b"no DICOM object")
    archive.blobs.publish(staged)
    archive.blobs.settle(staged)

    found, repaired, after = check_thrice(archive)

    assert found == [("lost row", staged.blob_id, False)]
    assert repaired == [("broken blob", staged.blob_id, True)]
    assert after == []
    assert sweep(archive=archive, age_s=0) == 0
    assert files_below(folder) == ["blobs/dcm", "blobs/quarantined"]


def test_a_blob_of_an_emptied_instance_without_tombstone_does_not_come_back(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    blob = stored(archive, dataset).blob_id
    archive.index.trash(dataset.StudyInstanceUID)
    archive.index.empty_trash(FOREVER)

    assert check_thrice(archive) == ([("missing marker", blob, False)], [("missing marker", blob, True)], [])

    assert state_of_blob(blob, archive=archive) is State.GONE
    assert sweep(archive=archive, age_s=0) == 1
    assert files_below(folder) == []


def test_contradictions_are_told(archive: Archive) -> None:
    first, second = make_series(2)
    second.PatientID = "T2"
    stored(archive, first)
    stored(archive, second)

    (finding,) = verify(archive=archive)

    assert (finding.kind, finding.subject) == ("contradiction", second.SOPInstanceUID)
    assert "00100020" in finding.text


LoseIndex = Callable[..., AbstractContextManager[Archive]]


@pytest.fixture
def lose_index(folder: Path, sqlite_template: Path) -> LoseIndex:
    """Return a function that opens the archive with an empty index in the place of the old one."""

    def lose(**settings: StoreSettings) -> AbstractContextManager[Archive]:
        for path in folder.glob("index.db*"):
            path.unlink()
        shutil.copyfile(sqlite_template, folder / "index.db")
        return opened(folder, **settings)  # type: ignore[arg-type]  # `store` alone

    return lose


def answers(archive: Archive) -> list[list[tuple[str, str]]]:
    """Return what searches find at each level."""
    return [[tuple(item) for item in archive.index.search(Query(level)).items] for level in Level]  # type: ignore[misc]  # pairs


def test_an_index_that_is_lost_comes_back_from_the_blobs_alone(folder: Path, lose_index: LoseIndex) -> None:
    datasets = make_series(3)
    sidecars, data = with_sidecars()
    trashed, emptied, again = make_dataset(), make_dataset(), make_dataset()
    with opened(folder) as archive:
        for dataset in (*datasets, trashed, emptied, again):
            stored(archive, dataset, encode(dataset, ImplicitVRLittleEndian))
        stored(archive, sidecars, data)
        for dataset in (trashed, again, emptied):
            delete(target_of(dataset), archive=archive)
            if dataset is emptied:
                (blob,) = [
                    row.blob_id for row in archive.index.rows() if row.sop_instance_uid == emptied.SOPInstanceUID
                ]
                archive.blobs.put(blob, Part.TOMBSTONE, b"")
                archive.index.empty_trash(FOREVER, [blob])
        again.ImageComments = "Second life"
        stored(archive, again)
        before = answers(archive), archive.index.totals()
        metadata = b"".join(instance_metadata(find(archive, sidecars), "/x", archive=archive))
        assert check(archive) == []

    with lose_index() as archive:
        found = check(archive)
        repaired = check(archive, Repair.YES)
        assert ({kind for kind, _, _ in found}, len(found)) == ({"lost row"}, 7)
        assert ({kind for kind, _, _ in repaired}, all(done for _, _, done in repaired)) == ({"lost row"}, True)
        assert (check(archive), check(archive, Repair.YES)) == ([], [])

        assert (answers(archive), archive.index.totals()) == before
        assert b"".join(instance_metadata(find(archive, sidecars), "/x", archive=archive)) == metadata
        assert b"".join(wire_bytes(find(archive, datasets[0]), archive=archive))
        frames = frames_of(find(archive, sidecars), archive=archive)
        assert frames is not None
        assert frame_bytes(find(archive, sidecars), frames, 1024, archive=archive) == b"ab"
        with pytest.raises(TargetGone):
            find(archive, trashed)
        with pytest.raises(TargetNotFound):
            find(archive, emptied)
        assert restore(target_of(trashed), archive=archive) == 1
        assert restore(target_of(again), archive=archive) == 0
        delete(target_of(again), archive=archive)
        assert len(archive.index.trashed(again.StudyInstanceUID)) == 2


def place_blob(archive: Archive, dataset: Dataset) -> str:
    """Put an object among the blobs, without a row."""
    staged = archive.blobs.stage()
    staged.write(encode(dataset))
    archive.blobs.publish(staged)
    archive.blobs.settle(staged)
    return staged.blob_id


@pytest.mark.parametrize(
    ("duplicates", "winner", "findings"),
    [("reject", 0, [True, False, False]), ("keep", 0, [True, True, True]), ("replace", 2, [True, True, True])],
)
def test_of_several_objects_of_one_uid_the_policy_chooses(
    lose_index: LoseIndex, duplicates: str, winner: int, findings: list[bool]
) -> None:
    dataset = make_dataset()
    with lose_index(store=StoreSettings(duplicates=duplicates, reserve_bytes=0)) as archive:  # type: ignore[arg-type]  # one of its literals
        blobs = []
        for number in range(3):
            dataset.ImageComments = f"C{number}"
            blobs.append(place_blob(archive, dataset))
        blobs.sort()

        repaired = check(archive, Repair.YES)

        assert [done for _, _, done in repaired] == findings
        assert archive.index.live_blob_id(dataset.SOPInstanceUID) in blobs
        # Ids of the same millisecond have no order of time: the order of ids decides.
        assert find(archive, dataset).blob_id == blobs[winner]
        assert len(check(archive)) == findings.count(False)


def test_copies_of_the_same_object_are_one_instance(lose_index: LoseIndex) -> None:
    dataset = make_dataset()
    with lose_index() as archive:
        blobs = sorted(place_blob(archive, dataset) for _ in range(2))

        assert [done for _, _, done in check(archive, Repair.YES)] == [True, True]

        assert find(archive, dataset).blob_id == blobs[0]
        assert archive.blobs.size(blobs[1], Part.TOMBSTONE) is not None
        assert check(archive) == []


def test_what_is_quarantined_stays_out_of_a_new_index(folder: Path, lose_index: LoseIndex) -> None:
    dataset = make_dataset()
    with opened(folder) as archive:
        path = path_of(folder, stored(archive, dataset).blob_id)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        check(archive, Repair.YES)

    with lose_index() as archive:
        assert check(archive, Repair.YES) == []
        assert list(archive.index.rows()) == []


def test_a_repair_that_was_killed_goes_on(folder: Path, lose_index: LoseIndex) -> None:
    dataset = make_dataset()
    with opened(folder) as archive:
        blob = stored(archive, dataset, encode(dataset, ImplicitVRLittleEndian)).blob_id

    with lose_index() as archive:
        (folder / "staging" / f"{blob}.wire").write_bytes(b"half")
        assert check(archive, Repair.YES) == [("lost row", dataset.SOPInstanceUID, True)]
        assert sweep(archive=archive, age_s=0) == 0
        assert find(archive, dataset).blob_id == blob
    assert files_below(folder) == ["blobs/dcm", "blobs/wire"]


def test_a_store_without_the_objects_is_not_taken_for_a_broken_one(archive: Archive) -> None:
    instances = [stored(archive, make_dataset()) for _ in range(3)]
    for instance in instances:
        archive.blobs.delete(instance.blob_id, Part.OBJECT)

    findings = list(verify(archive=archive, repair=Repair.YES))

    assert not any(finding.repaired for finding in findings)
    assert archive.index.totals().instances == 3
