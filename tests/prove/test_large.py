"""Objects of any size are stored and retrieved in bounded memory."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
)

import servers
from dicomweb import JSON, store
from memory import AnonymousMemory
from samples import encode, make_dataset, make_series

pytestmark = pytest.mark.prove

SCALE = float(os.environ.get("PROVE_SCALE", "1"))
MB = 1024 * 1024
LIMIT_MB = 200


def word_image(**attributes: object) -> Dataset:
    dataset = make_dataset(
        SOPClassUID=MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        Rows=1024, Columns=1024, BitsAllocated=16, BitsStored=16, HighBit=15, **attributes,
    )  # fmt: skip
    dataset["PixelData"].VR = "OW"
    return dataset


def with_pixels(dataset: Dataset, syntax: str, block: bytes, count: int) -> tuple[int, Callable[[], Iterator[bytes]]]:
    """Return the length and the chunks of an object whose pixel data is `block` written `count` times."""
    dataset.PixelData = b"\0\0"
    dataset["PixelData"].VR = "OW"
    dataset.NumberOfFrames = len(block) * count // (2 * 1024 * 1024)
    whole = encode(dataset, syntax)
    head = whole[:-6] + struct.pack(">I" if syntax == ExplicitVRBigEndian else "<I", len(block) * count)

    def chunks() -> Iterator[bytes]:
        yield head
        for _ in range(count):
            yield block

    return len(head) + len(block) * count, chunks


def upload(server: servers.Server, length: int, chunks: Iterator[bytes]) -> int:
    headers = {"Content-Type": "application/dicom", "Content-Length": str(length), **JSON}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)) as connection:
        connection.request("POST", "/dicomweb/studies", body=chunks, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status


def download(server: servers.Server, path: str, accept: str) -> tuple[int, int, bytes]:
    digest, length = hashlib.sha256(), 0
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)) as connection:
        connection.request("GET", "/dicomweb" + path, headers={"Accept": accept})
        response = connection.getresponse()
        while chunk := response.read(MB):
            digest.update(chunk)
            length += len(chunk)
        return response.status, length, digest.digest()


def path_of(dataset: Dataset) -> str:
    return f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.running(tmp_path / "data", workers=2) as running:
        yield running


def test_a_3_gb_object(server: servers.Server) -> None:
    block = np.random.default_rng(3).integers(0, 65535, 2 * MB, dtype=np.uint16).tobytes()
    dataset = word_image()
    length, chunks = with_pixels(dataset, ExplicitVRLittleEndian, block, int(750 * SCALE))
    expected = hashlib.sha256()
    for chunk in chunks():
        expected.update(chunk)

    with AnonymousMemory(server) as memory:
        status = upload(server, length, chunks())
        got = download(server, path_of(dataset), "application/dicom; transfer-syntax=*")
        frame = download(server, path_of(dataset) + f"/frames/{dataset.NumberOfFrames}", "application/octet-stream")

    assert status == 200
    assert got == (200, length, expected.digest())
    assert frame[:2] == (200, 2 * MB)
    assert memory.highest_mb < LIMIT_MB


def test_a_1_gb_big_endian_object(server: servers.Server) -> None:
    pixels = np.random.default_rng(4).integers(0, 65535, 2 * MB, dtype=np.uint16)
    dataset = word_image()
    count = int(256 * SCALE)
    length, chunks = with_pixels(dataset, ExplicitVRBigEndian, pixels.astype(">u2").tobytes(), count)

    with AnonymousMemory(server) as memory:
        status = upload(server, length, chunks())
        got = download(server, path_of(dataset), "application/dicom")
        frame = download(server, path_of(dataset) + "/frames/3", "application/octet-stream")

    assert (status, got[0]) == (200, 200)
    assert abs(got[1] - length) < 4096
    assert frame[2] == hashlib.sha256(pixels[:MB].tobytes()).digest()
    assert memory.highest_mb < LIMIT_MB


def test_a_3_gb_deflated_object(server: servers.Server) -> None:
    block = np.random.default_rng(5).integers(0, 65535, 2 * MB, dtype=np.uint16).tobytes()
    dataset = word_image()
    plain_length, chunks = with_pixels(dataset, ExplicitVRLittleEndian, block, int(750 * SCALE))
    head = encode(dataset, DeflatedExplicitVRLittleEndian)
    offset = 144 + int.from_bytes(head[140:144], "little")
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    path = server.data.with_name("deflated.dcm")
    with path.open("wb") as file:
        file.write(head[:offset])
        for number, chunk in enumerate(chunks()):
            skip = 144 + int.from_bytes(chunk[140:144], "little") if number == 0 else 0
            file.write(deflate.compress(chunk[skip:]))
        file.write(deflate.flush())

    with AnonymousMemory(server) as memory, path.open("rb") as file:
        status = upload(server, path.stat().st_size, iter(lambda: file.read(MB), b""))
        got = download(server, path_of(dataset), "application/dicom")
        as_stored = download(server, path_of(dataset), "application/dicom; transfer-syntax=*")
        frame = download(server, path_of(dataset) + "/frames/2", "application/octet-stream")

    assert status == 200
    assert got[0] == 200
    assert abs(got[1] - plain_length) < 4096
    assert as_stored[1] == path.stat().st_size
    assert frame[2] == hashlib.sha256(block[2 * MB : 4 * MB]).digest()
    assert memory.highest_mb < LIMIT_MB


def test_a_100000_frame_object(server: servers.Server) -> None:
    count = int(100_000 * SCALE)
    dataset = make_dataset(SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=count)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(_functional_groups(number) for number in range(count))
    dataset.PixelData = np.arange(count * 16, dtype=np.uint32).astype(np.uint8).tobytes()
    content = encode(dataset)

    with AnonymousMemory(server) as memory:
        status = upload(server, len(content), iter([content]))
        got = download(server, path_of(dataset), "application/dicom; transfer-syntax=*")
        metadata = download(server, path_of(dataset) + "/metadata", "application/dicom+json")
        frame = download(server, path_of(dataset) + f"/frames/{count}", "application/octet-stream")

    assert status == 200
    assert got == (200, len(content), hashlib.sha256(content).digest())
    assert metadata[0] == 200
    assert metadata[1] > 250 * count
    assert frame[:2] == (200, 16)
    assert memory.highest_mb < LIMIT_MB


def _functional_groups(number: int) -> Dataset:
    item, content, position = Dataset(), Dataset(), Dataset()
    content.FrameAcquisitionNumber = number % 65536
    content.DimensionIndexValues = [1, number + 1]
    content.FrameReferenceDateTime = "20240102101112.000000"
    position.ImagePositionPatient = [0.5, number * 0.25, -1.125]
    item.FrameContentSequence, item.PlanePositionSequence = [content], [position]
    return item


def test_a_study_of_5000_instances(server: servers.Server) -> None:
    count = int(5000 * SCALE)
    datasets = make_series(count)
    with server.client() as client:
        for at in range(0, count, 100):
            assert store(client, *(encode(dataset) for dataset in datasets[at : at + 100])).status_code == 200
    study = f"/studies/{datasets[0].StudyInstanceUID}"

    with AnonymousMemory(server) as memory:
        got = download(server, study, 'multipart/related; type="application/dicom"; transfer-syntax=*')
        metadata = download(server, study + "/metadata", "application/dicom+json")

    assert (got[0], metadata[0]) == (200, 200)
    assert got[1] > count * 800
    assert memory.highest_mb < LIMIT_MB
