"""Metadata of instances, series and studies as DICOM JSON text, spliced together from what ingest wrote.

Stored metadata hold each BulkDataURI as its path below the instance. A *record* is the metadata of a whole
series with the paths of its instances put in, so that only the base URL is missing.
"""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import zstandard

from hilum.archive.archive import Archive
from hilum.archive.objects import CHUNK_BYTES
from hilum.store.blobs.protocol import BlobStore, Part
from hilum.store.rows.records import SeriesVersion, StoredInstance, StoredMetadata

_RECORD_HEADER: Final = struct.Struct("<Q")


class _PerThread(threading.local):
    """What only one thread at a time may use."""

    def __init__(self) -> None:
        self.decompressor = zstandard.ZstdDecompressor()


_per_thread: Final = _PerThread()


@dataclass(frozen=True, slots=True)
class Spliceable:
    """JSON text and where in it the base URL of bulk data goes, ascending."""

    text: bytes
    offsets: Sequence[int]

    def splice(self, base_url: str) -> bytes:
        """Return the text with `base_url` in each of its places."""
        if not self.offsets:
            return self.text
        base, text = base_url.encode(), memoryview(self.text)
        pieces: list[bytes | memoryview] = []
        start = 0
        for offset in self.offsets:
            pieces += (text[start:offset], base)
            start = offset
        pieces.append(text[start:])
        return b"".join(pieces)


def instance_metadata(instance: StoredInstance, base_url: str, *, archive: Archive) -> Iterator[bytes]:
    """Yield the metadata of one instance, a JSON object, in chunks.

    Source: PS3.18 10.4.1.1.2.
    """
    return spliced(instance, archive.index.metadata(instance.instance_id), base_url + instance.path, archive)


def series_metadata(version: SeriesVersion, base_url: str, *, archive: Archive) -> Iterator[bytes]:
    """Yield the metadata of all instances of a series: JSON objects with commas between them.

    The record of the series serves, and is made now if the series has changed since; a series that is too
    large for one (`retrieve.series_record_bytes`) is put together instance by instance.
    """
    index = archive.index
    body = index.series_record(version.series_id, version.version)
    if body is not None:
        yield _unpack(body).splice(base_url)
        return
    rows = index.metadata_of_series(version.series_id)
    budget = archive.settings.retrieve.series_record_bytes
    taken: list[tuple[StoredInstance, StoredMetadata]] = []
    for row in rows:
        budget -= row[1].size
        taken.append(row)
        if budget < 0 or row[1].body is None:
            break
    else:
        if not taken:
            return  # The last instance was deleted meanwhile.
        record = _series_record(taken)
        index.put_series_record(version.series_id, version.version, _pack(record))
        yield record.splice(base_url)
        return
    comma = b""
    for instance, metadata in _chain(taken, rows):
        chunks = spliced(instance, metadata, base_url + instance.path, archive)
        yield comma + next(chunks)
        yield from chunks
        comma = b","


def _chain(
    taken: list[tuple[StoredInstance, StoredMetadata]], rows: Iterator[tuple[StoredInstance, StoredMetadata]]
) -> Iterator[tuple[StoredInstance, StoredMetadata]]:
    """Iterate over `taken`, letting go of each, then over `rows`."""
    taken.reverse()
    while taken:
        yield taken.pop()
    yield from rows


def _series_record(rows: Sequence[tuple[StoredInstance, StoredMetadata]]) -> Spliceable:
    pieces: list[bytes] = []
    offsets = array("Q")
    size = 0
    for instance, metadata in rows:
        local = _offsets(metadata.uri_offsets)
        path = instance.path
        text = Spliceable(_decompress(metadata.body or b"", metadata.size), local).splice(path)
        offsets.extend(size + offset + number * len(path) for number, offset in enumerate(local))
        pieces.append(text)
        size += len(text) + 1
    return Spliceable(b",".join(pieces), offsets)


def _pack(record: Spliceable) -> bytes:
    offsets = array("Q", record.offsets)
    return zstandard.ZstdCompressor(level=3, write_content_size=True).compress(
        _RECORD_HEADER.pack(len(offsets)) + offsets.tobytes() + record.text
    )


def _unpack(body: bytes) -> Spliceable:
    data = _per_thread.decompressor.decompress(body)
    (count,) = _RECORD_HEADER.unpack_from(data)
    stop = _RECORD_HEADER.size + 8 * count
    return Spliceable(data[stop:], _offsets(data[_RECORD_HEADER.size : stop]))


def spliced(instance: StoredInstance, metadata: StoredMetadata, base_url: str, archive: Archive) -> Iterator[bytes]:
    """Yield the JSON text of stored metadata, in chunks, with `base_url` before the path of each bulk value."""
    if metadata.body is not None:
        yield Spliceable(_decompress(metadata.body, metadata.size), _offsets(metadata.uri_offsets)).splice(base_url)
        return
    offsets = _offsets(metadata.uri_offsets)
    start, taken = 0, 0
    for chunk in _inflated(instance, metadata.size, archive):
        stop = start + len(chunk)
        inside = taken
        while inside < len(offsets) and offsets[inside] < stop:
            inside += 1
        yield Spliceable(chunk, [offset - start for offset in offsets[taken:inside]]).splice(base_url)
        start, taken = stop, inside


class _Sidecar:
    """A metadata sidecar as the file that the decompressor asks for."""

    def __init__(self, blobs: BlobStore, blob_id: str) -> None:
        self._blobs: Final = blobs
        self._blob_id: Final = blob_id
        self._offset = 0

    def read(self, size: int) -> bytes:
        data = self._blobs.read(self._blob_id, Part.METADATA, self._offset, size)
        self._offset += len(data)
        return data


def _inflated(instance: StoredInstance, size: int, archive: Archive) -> Iterator[bytes]:
    """Yield the JSON text of a sidecar, `size` bytes, in chunks of at most 1 MB, however well it is compressed."""
    sidecar = _Sidecar(archive.blobs, instance.blob_id)
    chunks = zstandard.ZstdDecompressor().read_to_iter(
        sidecar,  # type: ignore[arg-type]  # `read` is all that is called
        read_size=CHUNK_BYTES // 16,
        write_size=CHUNK_BYTES,
    )
    given = 0
    for chunk in chunks:
        given += len(chunk)
        yield chunk
    if given < size:
        raise FileNotFoundError(f"The metadata of blob {instance.blob_id} end before byte {size}.")


def _offsets(packed: bytes) -> array[int]:
    offsets = array("Q")
    offsets.frombytes(packed)
    return offsets


def _decompress(body: bytes, size: int) -> bytes:
    return _per_thread.decompressor.decompress(body, max_output_size=size)
