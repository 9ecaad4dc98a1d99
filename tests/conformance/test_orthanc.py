"""Orthanc as a user agent: its DICOMweb plugin stores to a running server, searches it and retrieves from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydicom.dataset import Dataset

import servers
from dicomweb import OBJECTS_AS_STORED, parts_of, store
from samples import encode, make_series

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
ORTHANC = shutil.which("Orthanc", path=PATH)
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(ORTHANC is None or not PLUGIN.exists(), reason="orthanc and orthanc-dicomweb are not installed"),
]


@pytest.fixture(scope="module")
def orthanc(server: servers.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run an Orthanc in folders of its own that knows the server as `hilum`."""
    folder = tmp_path_factory.mktemp("orthanc")
    port = servers.free_port()
    configuration = {
        "Name": "interop",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "DicomWeb": {"Enable": True, "Servers": {"hilum": {"Url": server.url}}},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(ORTHANC), str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            _wait(client, process, folder / "log")
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if client.get("/system").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"Orthanc did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
def datasets() -> list[Dataset]:
    return make_series(3, Modality="CT", StudyDescription="For Orthanc")


def test_it_stores_to_this_server(orthanc: httpx.Client, client: httpx.Client, datasets: list[Dataset]) -> None:
    objects = [encode(dataset) for dataset in datasets]
    uploaded = [orthanc.post("/instances", content=data).json() for data in objects]
    study = uploaded[0]["ParentStudy"]

    answer = orthanc.post("/dicom-web/servers/hilum/stow", json={"Resources": [study], "Synchronous": True})

    assert answer.status_code == 200, answer.text
    parts = parts_of(client.get(f"/studies/{datasets[0].StudyInstanceUID}", headers=OBJECTS_AS_STORED))
    assert sorted(part.content for part in parts) == sorted(objects)


def test_it_searches_this_server(orthanc: httpx.Client, client: httpx.Client, datasets: list[Dataset]) -> None:
    store(client, *(encode(dataset) for dataset in datasets))
    study = datasets[0].StudyInstanceUID

    def search(path: str, **arguments: str) -> list[dict[str, dict[str, str]]]:
        answer = orthanc.post("/dicom-web/servers/hilum/qido", json={"Uri": path, "Arguments": arguments})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, dict[str, str]]] = answer.json()
        return found

    (found,) = search("/studies", StudyInstanceUID=study)
    assert found["0020000D"]["Value"] == study, found
    (series,) = search(f"/studies/{study}/series")
    assert series["0020000E"]["Value"] == datasets[0].SeriesInstanceUID
    assert len(search(f"/studies/{study}/instances")) == 3


def test_it_retrieves_from_this_server(orthanc: httpx.Client, client: httpx.Client, datasets: list[Dataset]) -> None:
    objects = {dataset.SOPInstanceUID: encode(dataset) for dataset in datasets}
    store(client, *objects.values())
    study = datasets[0].StudyInstanceUID

    answer = orthanc.post(
        "/dicom-web/servers/hilum/retrieve", json={"Resources": [{"Study": study}], "Synchronous": True}
    )

    assert answer.status_code == 200, answer.text
    (found,) = orthanc.post("/tools/lookup", content=study).json()
    instances = orthanc.get(f"/studies/{found['ID']}/instances").json()
    assert len(instances) == 3
    for instance in instances:
        stored = orthanc.get(f"/instances/{instance['ID']}/file").content
        assert stored == objects[instance["MainDicomTags"]["SOPInstanceUID"]]
