from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from archives import opened, stored, take_in, target_of
from hilum.archive.archive import Archive
from hilum.dicom.resources import TargetResource
from hilum.errors import PayloadTooLarge
from hilum.services.studies import bulk_data
from hilum.store.blobs.folder import FolderBlobs
from hilum.wire.selection import Acceptable
from samples import make_dataset, make_series

OCTETS = Acceptable('multipart/related; type="application/octet-stream"')


@pytest.fixture
def archive(tmp_path: Path, sqlite_template: Path) -> Iterator[Archive]:
    FolderBlobs.create(tmp_path)
    shutil.copyfile(sqlite_template, tmp_path / "index.db")
    with opened(tmp_path) as archive:
        yield archive


@pytest.mark.requirement("WADO-76", "STAT-13")
def test_more_parts_than_one_answer_holds_are_too_many(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = make_series(3)
    for dataset in datasets:
        take_in(archive, dataset)
    series = TargetResource(datasets[0].StudyInstanceUID, datasets[0].SeriesInstanceUID)
    monkeypatch.setattr(bulk_data, "MOST_PARTS", 2)

    for retrieve in (bulk_data.retrieve_bulk_data, bulk_data.retrieve_pixel_data):
        with pytest.raises(PayloadTooLarge):
            retrieve(series, OCTETS, archive=archive)
    assert len(bulk_data.retrieve_bulk_data(target_of(datasets[0]), OCTETS, archive=archive).parts) == 1


@pytest.mark.requirement("WADO-48")
def test_a_part_is_named_as_metadata_name_it(archive: Archive) -> None:
    dataset = make_dataset()
    instance = stored(archive, dataset)

    (part,) = bulk_data.retrieve_bulk_data(target_of(dataset), OCTETS, archive=archive).parts

    assert part.path == f"{instance.path}/bulkdata/7FE00010"
    assert b"".join(part.chunks()) == dataset.PixelData
