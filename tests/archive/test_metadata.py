from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from archives import noise_texts, opened, stored
from hilum.archive.archive import Archive
from hilum.archive.metadata import Spliceable, instance_metadata, series_metadata, spliced
from hilum.archive.objects import CHUNK_BYTES
from hilum.archive.removal import delete
from hilum.config import RetrieveSettings
from hilum.dicom.resources import TargetResource
from hilum.store.blobs.protocol import Part
from hilum.store.rows.records import SeriesVersion, StoredMetadata
from samples import make_dataset, make_series

BASE = "https://host/dicomweb"


def uris(metadata: Any) -> Iterator[str]:
    """Yield every BulkDataURI of metadata, however deep."""
    if isinstance(metadata, dict):
        if "BulkDataURI" in metadata:
            yield metadata["BulkDataURI"]
        for value in metadata.values():
            yield from uris(value)
    elif isinstance(metadata, list):
        for value in metadata:
            yield from uris(value)


def image(dataset: Dataset) -> Dataset:
    """Make the pixel data long enough to be bulk data, and add some in a sequence."""
    dataset.Rows = dataset.Columns = 64
    dataset.PixelData = bytes(4096)
    item = Dataset()
    item.add_new(0x00091002, "OB", bytes(2000))
    dataset.add_new(0x00091001, "SQ", [item, item])
    return dataset


def text_of(chunks: Iterator[bytes]) -> bytes:
    return b"[" + b"".join(chunks) + b"]"


def version_of(archive: Archive, dataset: Dataset) -> SeriesVersion:
    (version,) = archive.index.series_versions(dataset.StudyInstanceUID, dataset.SeriesInstanceUID)
    return version


@given(
    text=st.binary(max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    base=st.text("abc/:", max_size=8),
)
def test_splicing_puts_the_base_in_each_place(text: bytes, cuts: list[int], base: str) -> None:
    offsets = sorted(min(cut, len(text)) for cut in cuts)
    expected = text
    for offset in reversed(offsets):
        expected = expected[:offset] + base.encode() + expected[offset:]

    assert Spliceable(text, offsets).splice(base) == expected


@pytest.mark.parametrize("base", [BASE, "/dicomweb", ""])
def test_the_metadata_of_an_instance_name_its_bulk_data(shared_archive: Archive, base: str) -> None:
    dataset = image(make_dataset())
    instance = stored(shared_archive, dataset)

    metadata = orjson.loads(b"".join(instance_metadata(instance, base, archive=shared_archive)))

    assert metadata["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Test^Person"}]}
    assert list(uris(metadata)) == [
        f"{base}{instance.path}/bulkdata/{name}" for name in ("00091001/1/00091002", "00091001/2/00091002", "7FE00010")
    ]


def test_the_record_of_a_series_is_made_reused_and_made_anew(shared_archive: Archive) -> None:
    index = shared_archive.index
    *first, last = (image(dataset) for dataset in make_series(4))
    instances = [stored(shared_archive, dataset) for dataset in first]
    version = version_of(shared_archive, last)
    assert index.series_record(version.series_id, version.version) is None

    made = text_of(series_metadata(version, BASE, archive=shared_archive))
    record = index.series_record(version.series_id, version.version)
    reused = text_of(series_metadata(version, BASE, archive=shared_archive))
    instances.append(stored(shared_archive, last))
    changed = version_of(shared_archive, last)
    anew = text_of(series_metadata(changed, "/relative", archive=shared_archive))

    assert (record is None, made) == (False, reused)
    assert [item["00080018"]["Value"][0] for item in orjson.loads(made)] == [ds.SOPInstanceUID for ds in first]
    assert changed.version != version.version
    assert index.series_record(version.series_id, version.version) is None
    assert index.series_record(changed.series_id, changed.version) is not None
    for item, instance in zip(orjson.loads(anew), instances, strict=True):
        assert len(list(uris(item))) == 3
        assert all(uri.startswith(f"/relative{instance.path}/bulkdata/") for uri in uris(item))


def test_a_series_with_no_instance_left_gives_nothing_and_keeps_no_record(shared_archive: Archive) -> None:
    dataset = make_dataset()
    stored(shared_archive, dataset)
    version = version_of(shared_archive, dataset)
    delete(TargetResource(dataset.StudyInstanceUID), archive=shared_archive)

    assert list(series_metadata(version, BASE, archive=shared_archive)) == []
    assert shared_archive.index.series_record(version.series_id, version.version) is None


@pytest.mark.parametrize("budget", [1, 3000])
def test_a_series_too_large_for_a_record_is_streamed_with_the_same_result(folder: Path, budget: int) -> None:
    datasets = [image(dataset) for dataset in make_series(3)]
    with opened(folder, retrieve=RetrieveSettings(series_record_bytes=budget)) as archive:
        for dataset in datasets:
            stored(archive, dataset)
        version = version_of(archive, datasets[0])
        chunks = list(series_metadata(version, BASE, archive=archive))
        assert archive.index.series_record(version.series_id, version.version) is None
    with opened(folder) as archive:
        whole = list(series_metadata(version, BASE, archive=archive))

    assert (len(chunks), len(whole)) == (3, 1)
    assert b"".join(chunks) == whole[0]


def long_header() -> Dataset:
    """Return a data set whose metadata become a sidecar, with bulk data after every 60 kB of text."""
    dataset = make_dataset()
    for number in range(20):
        dataset.add_new(0x00091010 + 2 * number, "LO", noise_texts())
        dataset.add_new(0x00091011 + 2 * number, "OB", bytes(1100))
    return dataset


def test_metadata_in_a_sidecar_are_whole_and_come_in_chunks(shared_archive: Archive) -> None:
    dataset = long_header()
    instance = stored(shared_archive, dataset)

    chunks = list(instance_metadata(instance, BASE, archive=shared_archive))
    of_series = list(series_metadata(version_of(shared_archive, dataset), BASE, archive=shared_archive))

    metadata = orjson.loads(b"".join(chunks))
    assert shared_archive.index.metadata(instance.instance_id).body is None
    assert len(chunks) > 1
    assert [metadata[f"{0x00091010 + 2 * number:08X}"]["Value"] for number in range(20)] == [
        list(dataset[0x00091010 + 2 * number].value) for number in range(20)
    ]
    assert list(uris(metadata)) == [
        f"{BASE}{instance.path}/bulkdata/{0x00091011 + 2 * number:08X}" for number in range(20)
    ] + [f"{BASE}{instance.path}/bulkdata/7FE00010"]
    assert b"".join(of_series) == b"".join(chunks)


def test_a_series_with_sidecars_is_a_list_with_commas(shared_archive: Archive) -> None:
    long, short = long_header(), make_dataset(InstanceNumber=2)
    short.StudyInstanceUID, short.SeriesInstanceUID = long.StudyInstanceUID, long.SeriesInstanceUID
    stored(shared_archive, long)
    stored(shared_archive, short)

    found = orjson.loads(text_of(series_metadata(version_of(shared_archive, long), BASE, archive=shared_archive)))

    assert [item["00080018"]["Value"][0] for item in found] == [long.SOPInstanceUID, short.SOPInstanceUID]


@pytest.mark.parametrize(
    "offsets",
    [
        [],
        [0],
        [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1],
        [CHUNK_BYTES, CHUNK_BYTES, 2 * CHUNK_BYTES],
        [5, 2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES + 10, 3 * CHUNK_BYTES - 1],
    ],
)
@pytest.mark.parametrize("unit", [b"0,", bytes(range(256)) + b"#"], ids=["well compressed", "less so"])
def test_a_sidecar_isspliced_exactly_at_the_borders_of_its_chunks(
    shared_archive: Archive, offsets: list[int], unit: bytes
) -> None:
    text = (unit * (3 * CHUNK_BYTES // len(unit) + 1))[: 3 * CHUNK_BYTES]
    instance = stored(shared_archive, make_dataset())
    shared_archive.blobs.put(instance.blob_id, Part.METADATA, zstandard.ZstdCompressor().compress(text))
    described = StoredMetadata(None, len(text), array("Q", offsets).tobytes())

    chunks = list(spliced(instance, described, BASE, shared_archive))

    assert b"".join(chunks) == Spliceable(text, offsets).splice(BASE)
    assert max(map(len, chunks)) <= CHUNK_BYTES + 3 * len(BASE)


def test_a_sidecar_that_ends_early_is_an_error(shared_archive: Archive) -> None:
    instance = stored(shared_archive, make_dataset())
    whole = zstandard.ZstdCompressor().compress(os.urandom(100_000))
    shared_archive.blobs.put(instance.blob_id, Part.METADATA, whole[:60_000])

    with pytest.raises(FileNotFoundError):
        list(spliced(instance, StoredMetadata(None, 100_000, b""), BASE, shared_archive))
