from __future__ import annotations

import io
import os
import resource
import threading
import time
from pathlib import Path

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from archives import files_below, find, noise_texts, opened, path_of, stage, stored, take_in
from hilum.archive.archive import Archive
from hilum.archive.ingest import COUNTS, FailureReason, ingest
from hilum.archive.removal import delete, sweep
from hilum.config import StoreSettings
from hilum.dicom.resources import TargetResource
from hilum.store.blobs.protocol import Part
from hilum.store.database.database import file_lock
from hilum.store.rows.records import Outcome
from samples import encode, make_dataset, make_object

ENCAPSULATED_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"


def test_a_stored_object_is_one_blob_bit_for_bit(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    data = encode(dataset)

    result = take_in(archive, data)

    instance = find(archive, dataset)
    assert (result.outcome, result.failure, result.text) == (Outcome.STORED, None, "")
    assert (result.study_instance_uid, result.series_instance_uid) == (
        dataset.StudyInstanceUID,
        dataset.SeriesInstanceUID,
    )
    assert archive.blobs.read(instance.blob_id, Part.OBJECT, 0, len(data) + 1) == data
    assert files_below(folder) == ["blobs/dcm"]


@pytest.mark.requirement("STOW-28")
@pytest.mark.parametrize("duplicates", ["reject", "replace", "keep"])
def test_the_same_object_again_succeeds_and_the_first_stays(folder: Path, duplicates: str) -> None:
    dataset = make_dataset()
    with opened(folder, store=StoreSettings(duplicates=duplicates, reserve_bytes=0)) as archive:  # type: ignore[arg-type]  # one of its literals
        first = stored(archive, dataset)

        result = take_in(archive, dataset)

        assert (result.outcome, result.failure) == (Outcome.IDENTICAL, None)
        assert find(archive, dataset).blob_id == first.blob_id
    assert files_below(folder) == ["blobs/dcm"]


def test_an_object_whose_group_0002_a_router_has_rewritten_is_the_same(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    first = encode(dataset)
    stored(archive, dataset, first)
    dataset.file_meta.ImplementationVersionName = "ROUTER 7"
    dataset.file_meta.SourceApplicationEntityTitle = "ROUTER"
    second = io.BytesIO()
    dataset.save_as(second, enforce_file_format=True)

    result = take_in(archive, second.getvalue())

    assert second.getvalue() != first
    assert result.outcome is Outcome.IDENTICAL
    assert files_below(folder) == ["blobs/dcm"]


@pytest.mark.requirement("STOW-28")
@pytest.mark.parametrize(
    ("duplicates", "outcome", "failure", "left"),
    [
        ("reject", Outcome.DIFFERENT, FailureReason.DUPLICATE, ["blobs/dcm"]),
        ("keep", Outcome.KEPT_FIRST, None, ["blobs/dcm"]),
        ("replace", Outcome.REPLACED, None, ["blobs/dcm", "blobs/dcm", "blobs/tombstone"]),
    ],
)
def test_a_different_object_follows_the_policy(
    folder: Path, duplicates: str, outcome: Outcome, failure: FailureReason | None, left: list[str]
) -> None:
    dataset = make_dataset(PatientID="first")
    with opened(folder, store=StoreSettings(duplicates=duplicates, reserve_bytes=0)) as archive:  # type: ignore[arg-type]  # one of its literals
        first = stored(archive, dataset)
        dataset.PatientID = "other"

        result = take_in(archive, dataset)

        live = find(archive, dataset)
        assert (result.outcome, result.failure) == (outcome, failure)
        assert bool(result.text) is (outcome is not Outcome.REPLACED)
        assert (live.blob_id == first.blob_id) is (outcome is not Outcome.REPLACED)
        has_tombstone = archive.blobs.size(first.blob_id, Part.TOMBSTONE) is not None
        assert has_tombstone is (outcome is Outcome.REPLACED)
    assert files_below(folder) == left


@pytest.mark.parametrize("duplicates", ["reject", "replace", "keep"])
@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_the_same_uid_elsewhere_is_refused_whatever_the_policy(folder: Path, duplicates: str, keyword: str) -> None:
    dataset = make_dataset()
    with opened(folder, store=StoreSettings(duplicates=duplicates, reserve_bytes=0)) as archive:  # type: ignore[arg-type]  # one of its literals
        stored(archive, dataset)
        setattr(dataset, keyword, generate_uid())

        result = take_in(archive, dataset)

        assert (result.outcome, result.failure) == (Outcome.ELSEWHERE, FailureReason.DUPLICATE)
        assert "another study or series" in result.text
        assert archive.index.totals().instances == 1
    assert files_below(folder) == ["blobs/dcm"]


@pytest.mark.requirement("STOW-27")
def test_an_object_of_another_study_leaves_nothing(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()

    result = take_in(archive, dataset, study="1.2.3")

    assert (result.outcome, result.failure) == (None, FailureReason.WRONG_STUDY)
    assert result.sop_instance_uid == dataset.SOPInstanceUID
    assert (files_below(folder), archive.index.totals().instances) == ([], 0)
    assert take_in(archive, dataset, study=dataset.StudyInstanceUID).outcome is Outcome.STORED


@pytest.mark.parametrize(
    "data",
    [b"", b"no DICOM", bytes(200), make_object()[:-3], make_object()[:150], make_object(StudyInstanceUID="")],
    ids=["empty", "text", "zeros", "cut in pixels", "cut in head", "no study"],
)
def test_what_cannot_be_understood_leaves_nothing(archive: Archive, folder: Path, data: bytes) -> None:
    result = take_in(archive, data)

    assert (result.outcome, result.failure) == (None, FailureReason.CANNOT_UNDERSTAND)
    assert result.text.endswith(".")
    assert (files_below(folder), list(archive.index.rows())) == ([], [])


def test_each_result_is_counted(archive: Archive) -> None:
    before = COUNTS.outcomes.copy(), COUNTS.fallbacks.copy()
    dataset = make_dataset()

    for data in (encode(dataset), encode(dataset), b"junk", encode(make_dataset(), DeflatedExplicitVRLittleEndian)):
        take_in(archive, data)

    assert COUNTS.outcomes - before[0] == {"stored": 2, "identical": 1, "failed": 1}
    assert COUNTS.fallbacks - before[1] == {"deflated": 1}


def test_storage_that_fills_up_during_the_scan_is_want_of_resources(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    dataset.add_new(0x00091010, "OB", bytes(2_000_000))
    staged = stage(archive, encode(dataset, ImplicitVRLittleEndian))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        result = ingest(staged, archive=archive)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert result.failure is FailureReason.OUT_OF_RESOURCES
    assert files_below(folder) == []
    assert take_in(archive, dataset).outcome is Outcome.STORED


def test_an_index_that_is_full_is_want_of_resources_and_leaves_nothing(archive: Archive, folder: Path) -> None:
    stored(archive, make_dataset())
    archive.index._writer.change(lambda session: session.control("PRAGMA max_page_count = 1"))
    dataset = make_dataset()
    for number in range(3):
        dataset.add_new(0x00091010 + number, "LO", noise_texts())

    result = take_in(archive, dataset)

    assert (result.failure, result.sop_instance_uid) == (FailureReason.OUT_OF_RESOURCES, dataset.SOPInstanceUID)
    assert files_below(folder) == ["blobs/dcm"]
    archive.index._writer.change(lambda session: session.control("PRAGMA max_page_count = 1000000"))
    assert take_in(archive, dataset).outcome is Outcome.STORED


def test_storage_that_cannot_be_written_is_an_error_that_leaves_nothing(archive: Archive, folder: Path) -> None:
    staged = stage(archive, make_object())
    fan_out = folder / "blobs" / staged.blob_id[-3:]
    fan_out.rmdir()

    with pytest.raises(FileNotFoundError):
        ingest(staged, archive=archive)

    fan_out.mkdir()
    assert files_below(folder) == []


def test_an_index_that_fails_leaves_what_the_sweep_resolves(folder: Path) -> None:
    dataset = make_dataset()
    with opened(folder) as archive:
        staged = stage(archive, encode(dataset, ImplicitVRLittleEndian))
        archive.index.close()
        with pytest.raises(RuntimeError):
            ingest(staged, archive=archive)
    assert files_below(folder) == ["blobs/dcm", "blobs/wire", "staging/"]

    with opened(folder) as archive:
        assert sweep(archive=archive) == 0
        assert sweep(archive=archive, age_s=0) == 1

        assert files_below(folder) == []
        assert take_in(archive, dataset).outcome is Outcome.STORED


def test_a_commit_whose_answer_was_lost_is_kept_by_the_sweep(archive: Archive, folder: Path) -> None:
    instance = stored(archive, make_dataset())
    os.link(path_of(folder, instance.blob_id), folder / "staging" / instance.blob_id)

    assert sweep(archive=archive, age_s=0) == 0

    assert files_below(folder) == ["blobs/dcm"]


def test_blob_and_sidecars_are_in_place_before_the_row(archive: Archive, folder: Path) -> None:
    dataset = make_dataset()
    work = threading.Thread(target=take_in, args=(archive, encode(dataset, ImplicitVRLittleEndian)))

    with file_lock(folder / "index.lock"):
        work.start()
        deadline = time.monotonic() + 20
        while "blobs/dcm" not in files_below(folder) and time.monotonic() < deadline:
            time.sleep(0.01)
        before_the_row = files_below(folder), archive.index.live_blob_id(dataset.SOPInstanceUID)
    work.join(20)

    assert before_the_row == (["blobs/dcm", "blobs/wire", "staging/"], None)
    assert files_below(folder) == ["blobs/dcm", "blobs/wire"]
    assert find(archive, dataset).wire_form is not None


def test_what_is_too_large_for_a_row_becomes_a_sidecar(archive: Archive, folder: Path) -> None:
    many_frames = make_dataset(NumberOfFrames=1025, Rows=1, Columns=2)
    many_frames.PixelData = encapsulate([b"ab"] * 1025, has_bot=False)
    many_frames["PixelData"].is_undefined_length = True
    for number in range(12):
        many_frames.add_new(0x00091010 + number, "LO", noise_texts())

    instance = stored(archive, many_frames, encode(many_frames, ENCAPSULATED_UNCOMPRESSED))

    assert files_below(folder) == ["blobs/dcm", "blobs/frames", "blobs/json"]
    assert archive.blobs.size(instance.blob_id, Part.FRAMES) == 1025 * 16
    assert archive.index.metadata(instance.instance_id).body is None


def test_a_trashed_uid_may_be_stored_again(archive: Archive) -> None:
    dataset = make_dataset()
    first = stored(archive, dataset)
    delete(TargetResource(dataset.StudyInstanceUID), archive=archive)

    dataset.PatientID = "other"

    assert take_in(archive, dataset).outcome is Outcome.STORED
    assert find(archive, dataset).blob_id != first.blob_id
