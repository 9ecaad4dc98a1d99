"""Every readable object that comes with pydicom goes in and comes out as the standard says."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import servers
from dicomweb import JSON, OBJECTS_AS_STORED, OCTETS, parts_of, path_of, store
from samples import packaged_objects

NEVER_TRAVEL = (ImplicitVRLittleEndian, ExplicitVRBigEndian)
UNREADABLE = {
    "MR_truncated.dcm": "its pixel data are cut off",
    "rtplan_truncated.dcm": "it ends inside a sequence",
    "bad_sequence.dcm": "its UIDs are no UIDs",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "its pixel data are cut off",
}
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def read(source: Path | bytes) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(source) if isinstance(source, bytes) else source)


@pytest.fixture(params=sorted(packaged_objects()))
def path(request: pytest.FixtureRequest) -> Path:
    return packaged_objects()[request.param]


@pytest.fixture(scope="module")
def replacing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """A server of its own: many packaged files are one object in several syntaxes, under one UID."""
    data = Path(tmp_path_factory.mktemp("replacing")) / "data"
    with servers.running(data, settings={"STORE__DUPLICATES": "replace"}) as server:
        yield server


@pytest.fixture
def client(replacing: servers.Server) -> Iterator[httpx.Client]:
    with replacing.client() as client:
        yield client


def stored(client: httpx.Client, path: Path) -> Dataset:
    response = store(client, path.read_bytes())
    if response.status_code == 409 and path.name in UNREADABLE:
        pytest.skip(UNREADABLE[path.name])
    assert response.status_code == 200, response.text
    return read(path)


@pytest.mark.requirement("WADO-40", "TSX-01", "TSX-05")
def test_an_object_comes_back_as_it_was(client: httpx.Client, path: Path) -> None:
    dataset = stored(client, path)

    (part,) = parts_of(client.get(path_of(dataset), headers=OBJECTS_AS_STORED))

    if dataset.file_meta.TransferSyntaxUID not in NEVER_TRAVEL:
        assert part.content == path.read_bytes()
        return
    received = read(part.content)
    assert received.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert_equal(received, dataset)


def assert_equal(received: Dataset, original: Dataset) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [element.tag for element in received] == [
            element.tag for element in original if element.tag.element != 0
        ]
        for element in original:
            if element.tag.element == 0:
                continue
            if element.keyword in PIXELS:
                assert (received.pixel_array == original.pixel_array).all()
            elif element.VR not in ("OW", "OF", "OD", "OL", "OV", "SQ"):
                assert received[element.tag].value == element.value or element.value != element.value


@pytest.mark.requirement("WADO-43", "JSON-52")
def test_metadata_name_every_attribute(client: httpx.Client, path: Path) -> None:
    dataset = stored(client, path)

    (metadata,) = client.get(path_of(dataset) + "/metadata", headers=JSON).json()

    assert_described(metadata, dataset)


def assert_described(metadata: dict[str, Any], dataset: Dataset) -> None:
    """Compare with what pydicom reads: tags at every depth, values of the simple kinds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            f"{element.tag:08X}": element
            for element in dataset
            if element.tag.element != 0 and element.keyword != "DataSetTrailingPadding"
        }
    assert set(metadata) == set(expected)
    assert list(metadata) == sorted(metadata)
    for tag, element in expected.items():
        found = metadata[tag]
        assert len({"Value", "BulkDataURI", "InlineBinary"} & set(found)) <= 1
        if element.VR == "SQ" and found["vr"] == "SQ":
            for item, nested in zip(found.get("Value", []), element.value or [], strict=True):
                assert_described(item, nested)
        elif element.VR in ("UI", "CS", "DA", "TM") and found["vr"] == element.VR:
            items = [] if element.is_empty else [element.value] if element.VM == 1 else list(element.value)
            assert [item or "" for item in found.get("Value", [])] == [str(item).rstrip() for item in items]


@pytest.mark.requirement("WADO-11", "WADO-52")
def test_frames_hold_the_pixels(client: httpx.Client, path: Path) -> None:
    dataset = stored(client, path)
    keyword = next((keyword for keyword in PIXELS if keyword in dataset), None)
    if keyword is None or not dataset.get("Rows"):
        pytest.skip("no pixel data")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = str(dataset.get("NumberOfFrames") or 1)
        count = int(text) if text.isdigit() else 1
    numbers = ",".join(str(number) for number in range(1, min(count, 20) + 1))
    syntax = dataset.file_meta.TransferSyntaxUID

    if syntax.is_encapsulated:
        accept = {"Accept": f"{OCTETS['Accept']}; transfer-syntax=*"}
        parts = parts_of(client.get(f"{path_of(dataset)}/frames/{numbers}", headers=accept))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
        assert [part.content for part in parts] == frames[: min(count, 20)]
        return
    response = client.get(f"{path_of(dataset)}/frames/{numbers}", headers=OCTETS)
    if response.status_code == 404:
        pytest.skip("the pixel data are shorter than the image they describe")
    data = b"".join(part.content for part in parts_of(response))
    value = dataset[keyword].value
    if syntax == ExplicitVRBigEndian and dataset[keyword].VR == "OW":
        size = max(2, dataset.BitsAllocated // 8)
        value = np.frombuffer(value, f">u{size}").byteswap().tobytes()
    if dataset.BitsAllocated != 1:
        assert data == value[: len(data)]
    assert data


def test_an_export_gives_the_stored_bytes(tmp_path: Path) -> None:
    names = ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "JPEG2000.dcm"]
    originals = {name: packaged_objects()[name].read_bytes() for name in names}
    data, out = tmp_path / "data", tmp_path / "out"
    with servers.running(data, settings={"STORE__DUPLICATES": "keep"}) as server, server.client() as client:
        wanted = []
        for name, original in originals.items():
            dataset = read(packaged_objects()[name])
            if store(client, original).status_code == 200:
                wanted.append((dataset.SOPInstanceUID, original))

    command = [sys.executable, "-m", "hilum", "export", "--data", str(data), "-o", str(out)]
    subprocess.run([*command, *(uid for uid, _ in wanted)], check=True, capture_output=True, timeout=120)

    exported = sorted(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert exported == sorted(original for _, original in wanted)
    assert len(wanted) >= 3
