"""Requests in the form of the standard's examples (PS3.18 annex B), under another root than the usual one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydicom.dataset import Dataset

import servers
from dicomweb import BOUNDARY, multipart_body, parts_of, path_of, values
from samples import encode, make_series

ROOT = "/radiology"


@pytest.fixture(scope="module")
def radiology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    data = Path(tmp_path_factory.mktemp("radiology")) / "data"
    with servers.running(data, settings={"HTTP__DICOMWEB_ROOT": ROOT}) as server:
        yield server


@pytest.fixture(scope="module")
def client(radiology: servers.Server) -> Iterator[httpx.Client]:
    with radiology.client() as client:
        yield client


@pytest.fixture(scope="module")
def datasets(client: httpx.Client) -> list[Dataset]:
    """Store two instances into a study."""
    made = make_series(2, PatientID="11235813", StudyDate="20130509", StudyDescription="Example")
    study = made[0].StudyInstanceUID

    response = client.post(
        f"/studies/{study}",
        content=multipart_body([encode(dataset) for dataset in made]),
        headers={
            "Accept": "application/dicom+json",
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
        },
    )

    assert response.status_code == 200
    assert values(response.json(), "00081190") == [f"{client.base_url}studies/{study}"]
    assert len(values(response.json(), "00081199")) == 2
    return made


@pytest.mark.requirement("WADO-01", "QP-02")
def test_a_study_and_an_instance_are_retrieved(client: httpx.Client, datasets: list[Dataset]) -> None:
    accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'}

    study = client.get(f"/studies/{datasets[0].StudyInstanceUID}", headers=accept)
    instance = client.get(path_of(datasets[0]), headers=accept)

    assert sorted(part.content for part in parts_of(study)) == sorted(encode(dataset) for dataset in datasets)
    assert [part.content for part in parts_of(instance)] == [encode(datasets[0])]


@pytest.mark.requirement("WADO-02", "WADO-45")
def test_metadata_are_retrieved_and_name_bulk_data_under_the_root(
    client: httpx.Client, datasets: list[Dataset]
) -> None:
    found = client.get(
        f"/studies/{datasets[0].StudyInstanceUID}/metadata", headers={"Accept": "application/dicom+json"}
    ).json()

    uris = [item["7FE00010"]["BulkDataURI"] for item in found]
    assert [uri.startswith(f"{client.base_url}studies/") for uri in uris] == [True, True]
    assert client.get(uris[0], headers={"Accept": "application/octet-stream"}).content == datasets[0].PixelData


@pytest.mark.requirement("QIDO-18")
@pytest.mark.parametrize(
    "query",
    [
        "PatientID=11235813",
        "PatientID=11235813&StudyDate=20130509-20130510",
        "StudyDate=20130509-20130510&includefield=StudyDescription,00081048",
        "00080020=20130509&limit=20&offset=0&includefield=all",
    ],
)
def test_a_study_is_found(client: httpx.Client, datasets: list[Dataset], query: str) -> None:
    response = client.get(f"/studies?{query}", headers={"Accept": "application/dicom+json"})

    (study,) = response.json()
    assert response.status_code == 200
    assert values(study, "0020000D") == [datasets[0].StudyInstanceUID]
    assert values(study, "00081190") == [f"{client.base_url}studies/{datasets[0].StudyInstanceUID}"]
    if "includefield" in query:
        assert values(study, "00081030") == ["Example"]


def test_the_usual_root_is_not_served(radiology: servers.Server, datasets: list[Dataset]) -> None:
    path = f"/dicomweb/studies/{datasets[0].StudyInstanceUID}/metadata"

    assert httpx.get(radiology.origin + path, headers={"Accept": "*/*"}, trust_env=False).status_code == 404
