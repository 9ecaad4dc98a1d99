"""dicomweb-client for JavaScript, on which OHIF and Slim are built, under Node against a running server."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

import servers
from samples import encode, make_series

SCRIPT = Path(__file__).parents[1] / "javascript" / "dicomweb_client.cjs"
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hilum-tests" / "javascript"

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed"),
    pytest.mark.skipif(not (FOLDER / "node_modules").is_dir(), reason=f"run npm ci for tests/javascript in {FOLDER}"),
]

PIXELS = np.arange(2 * 64, dtype=np.uint16).reshape(2, 8, 8)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def datasets() -> list[Dataset]:
    found = make_series(
        3, Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, NumberOfFrames=2, PixelData=PIXELS.tobytes()
    )
    for dataset in found:
        dataset["PixelData"].VR = "OW"
    encode(found[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found[2].compress(RLELossless, generate_instance_uid=False)
    return found


@pytest.fixture(scope="module")
def objects(datasets: list[Dataset]) -> list[bytes]:
    return [encode(dataset) for dataset in datasets[:2]] + [encode(datasets[2], RLELossless)]


@pytest.fixture(scope="module")
def results(
    server: servers.Server, datasets: list[Dataset], objects: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Run the script once, and return what each method gave."""
    folder = tmp_path_factory.mktemp("objects")
    files = [folder / f"{number}.dcm" for number in range(3)]
    for file, data in zip(files, objects, strict=True):
        file.write_bytes(data)
    paths = httpx.get(f"{server.origin}/openapi.json", trust_env=False).json()["paths"]
    asked = {
        "url": server.url,
        "study": datasets[0].StudyInstanceUID,
        "series": datasets[0].SeriesInstanceUID,
        "instance": datasets[0].SOPInstanceUID,
        "files": [str(file) for file in files],
        "rendered": any(path.endswith("/rendered") for path in paths),
    }
    command = ["node", str(SCRIPT), str(FOLDER), json.dumps(asked)]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    # The library writes notes of its own before.
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_every_method_succeeds(results: dict[str, Any]) -> None:
    assert {name: result["error"] for name, result in results.items() if "error" in result} == {}
    assert len(results) >= 22


def test_it_stores_and_searches(results: dict[str, Any], datasets: list[Dataset]) -> None:
    value = {name: result.get("value") for name, result in results.items()}

    for name in ("storeInstances", "storeInstancesOfStudy"):
        assert len(value[name]["00081199"]["Value"]) == 3
    assert [item["0020000D"]["Value"] for item in value["searchForStudies"]] == [[datasets[0].StudyInstanceUID]]
    assert value["searchForNothing"] == []
    for name in ("searchForSeries", "searchForAllSeries"):
        assert [item["0020000E"]["Value"] for item in value[name]] == [[datasets[0].SeriesInstanceUID]]
    for name, count in (
        ("searchForInstances", 3),
        ("searchForInstancesOfStudy", 3),
        ("searchForAllInstances", 1),
        ("retrieveStudyMetadata", 3),
        ("retrieveSeriesMetadata", 3),
        ("retrieveInstanceMetadata", 1),
    ):
        assert len(value[name]) == count


def test_it_retrieves_what_was_stored(results: dict[str, Any], objects: list[bytes]) -> None:
    value = {name: result.get("value") for name, result in results.items()}

    for name in ("retrieveStudy", "retrieveSeries"):
        # The compressed one comes decoded.
        assert value[name][:2] == [digest(data) for data in objects[:2]]
        assert len(value[name]) == 3
    assert value["retrieveInstance"] == digest(objects[0])
    assert value["retrieveInstanceFrames"] == [digest(frame.tobytes()) for frame in PIXELS]
    assert value["retrieveInstanceFramesOfAnySyntax"] == [digest(PIXELS[1].tobytes())]
    for name in ("retrieveBulkData", "retrieveBulkDataOfAnyType", "retrieveBulkDataAlone"):
        assert value[name] == [digest(PIXELS.tobytes())]
    assert value["retrieveBulkDataInRange"] == [digest(PIXELS.tobytes()[16:32])]
