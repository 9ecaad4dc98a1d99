"""Archives in a folder of a test, and what tests ask of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom.dataset import Dataset

from hilum.app import open_archive
from hilum.archive.archive import Archive
from hilum.archive.ingest import Ingested, ingest
from hilum.config import RetrieveSettings, Settings, StoreSettings
from hilum.dicom.resources import TargetResource
from hilum.store.blobs.protocol import Staged
from hilum.store.rows.records import StoredInstance
from samples import encode


@contextmanager
def opened(
    folder: Path,
    index_url: str = "",
    *,
    store: StoreSettings | None = None,
    retrieve: RetrieveSettings | None = None,
) -> Iterator[Archive]:
    """Open the archive in `folder`, whose blob folders and index exist."""
    settings = Settings(
        data=folder,
        index_url=index_url,
        store=store or StoreSettings(reserve_bytes=0),
        retrieve=retrieve or RetrieveSettings(),
    )
    with open_archive(settings) as archive:
        yield archive


def stage(archive: Archive, data: bytes) -> Staged:
    """Return `data` as a staged object."""
    staged = archive.blobs.stage()
    staged.write(data)
    return staged


def take_in(archive: Archive, data: bytes | Dataset, study: str | None = None) -> Ingested:
    """Ingest an object."""
    staged = stage(archive, data if isinstance(data, bytes) else encode(data))
    return ingest(staged, archive=archive, study_instance_uid=study)


def target_of(dataset: Dataset) -> TargetResource:
    """Return the instance as a target resource."""
    return TargetResource(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)


def find(archive: Archive, dataset: Dataset) -> StoredInstance:
    """Return the live instance with the UIDs of `dataset`."""
    return archive.index.find_instance(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)


def stored(archive: Archive, dataset: Dataset, data: bytes | None = None) -> StoredInstance:
    """Ingest an object, which has to succeed, and return its instance."""
    result = take_in(archive, encode(dataset) if data is None else data)
    assert result.failure is None, result.text
    return find(archive, dataset)


def noise_texts() -> list[str]:
    """Return values of LO, 60 kB that compress to half of it."""
    return [os.urandom(30).hex() for _ in range(1000)]


def files_below(folder: Path) -> list[str]:
    """Return the names of all files in `blobs/` and `staging/`, with the blob ids left out."""
    found = [(top, name) for top in ("blobs", "staging") for _, _, names in os.walk(folder / top) for name in names]
    return sorted(f"{top}/{name.partition('.')[2]}" for top, name in found)


def path_of(folder: Path, blob_id: str, kind: str = "dcm") -> Path:
    """Return the file of a part of a blob."""
    return folder / "blobs" / blob_id[-3:] / f"{blob_id}.{kind}"
