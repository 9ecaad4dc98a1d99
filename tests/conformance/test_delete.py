"""DELETE on studies, series and instances: a setting, and the way to the trash."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydicom.uid import generate_uid

import servers
from dicomweb import JSON, OBJECTS, path_of, store
from samples import PREFIX, encode, make_dataset, make_series


@pytest.fixture(scope="module")
def deleting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    settings = {"TRASH__HTTP_DELETE": "true", "STORE__RESERVE_BYTES": "0"}
    with servers.running(Path(tmp_path_factory.mktemp("deleting")) / "data", settings=settings) as server:
        yield server


@pytest.fixture
def user_agent(deleting: servers.Server) -> Iterator[httpx.Client]:
    with deleting.client() as client:
        yield client


def events(server: servers.Server) -> list[tuple[str, str]]:
    with sqlite3.connect(server.data / "index.db") as database:
        return database.execute("SELECT kind, sop_instance_uid FROM event ORDER BY id").fetchall()


@pytest.mark.requirement("STAT-10", "HDR-06")
def test_without_the_setting_there_is_no_such_method(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))
    study = f"/studies/{dataset.StudyInstanceUID}"

    for path in (study, f"{study}/series/{dataset.SeriesInstanceUID}", path_of(dataset)):
        response = client.delete(path)
        assert response.status_code == 405
        assert "DELETE" not in response.headers["allow"]
        assert "DELETE" not in client.options(path).headers["allow"]
    assert client.get(path_of(dataset), headers=OBJECTS).status_code == 200


@pytest.mark.requirement("STAT-04", "STAT-09", "WADO-51", "WADO-75")
@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_what_was_deleted_is_gone_and_the_event_log_tells(
    deleting: servers.Server, user_agent: httpx.Client, level: str
) -> None:
    datasets = make_series(2)
    store(user_agent, *(encode(dataset) for dataset in datasets))
    study = f"/studies/{datasets[0].StudyInstanceUID}"
    series = f"{study}/series/{datasets[0].SeriesInstanceUID}"
    path = {"study": study, "series": series, "instance": path_of(datasets[0])}[level]

    deleted = user_agent.delete(path)

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "content-length" not in deleted.headers
    for end in ("", "/metadata", "/bulkdata", "/pixeldata"):
        assert user_agent.get(path + end, headers={"Accept": "*/*"}).status_code == 410
    assert user_agent.get(f"{path_of(datasets[0])}/frames/1", headers={"Accept": "*/*"}).status_code == 410
    assert user_agent.get(path, headers={"Accept": "application/zip"}).status_code == 410
    assert user_agent.delete(path).status_code == 410
    gone = datasets if level != "instance" else datasets[:1]
    assert {("trashed", item.SOPInstanceUID) for item in gone} <= set(events(deleting))
    found = user_agent.get("/instances", params={"StudyInstanceUID": datasets[0].StudyInstanceUID}, headers=JSON)
    assert found.status_code == (204 if level != "instance" else 200)
    # Stored again, it is there again.
    store(user_agent, encode(datasets[0]))
    assert user_agent.get(path, headers=OBJECTS).status_code == 200


def test_a_study_that_is_sent_again_corrected_is_found_as_corrected(user_agent: httpx.Client) -> None:
    """The wrong patient's name of the deleted objects must not stand over the right ones."""
    wrong = make_dataset(PatientName="Wrong^Patient", PatientID="W1")
    store(user_agent, encode(wrong))
    study = f"/studies/{wrong.StudyInstanceUID}"
    assert user_agent.delete(study).status_code == 204
    wrong.PatientName, wrong.PatientID = "Right^Patient", "R1"

    store(user_agent, encode(wrong))

    query = {"StudyInstanceUID": wrong.StudyInstanceUID}
    for path in ("/studies", "/series", "/instances"):
        (found,) = user_agent.get(path, params={**query, "includefield": "all"}, headers=JSON).json()
        assert found["00100010"]["Value"] == [{"Alphabetic": "Right^Patient"}]
        assert found["00100020"]["Value"] == ["R1"]
    assert user_agent.get("/studies", params={**query, "PatientID": "W1"}, headers=JSON).status_code == 204


def test_the_command_line_brings_back_what_was_deleted(deleting: servers.Server, user_agent: httpx.Client) -> None:
    dataset = make_dataset()
    store(user_agent, encode(dataset))
    user_agent.delete(path_of(dataset))
    command = [sys.executable, "-m", "hilum", "restore", dataset.StudyInstanceUID, "--data", str(deleting.data)]

    subprocess.run(command, check=True, capture_output=True)

    assert user_agent.get(path_of(dataset), headers={"Accept": "application/dicom"}).content == encode(dataset)


@pytest.mark.requirement("WADO-06", "WADO-73")
def test_what_is_not_there_cannot_be_deleted(user_agent: httpx.Client) -> None:
    dataset, unknown = make_dataset(), generate_uid(PREFIX)
    store(user_agent, encode(dataset))

    for path in (
        f"/studies/{unknown}",
        f"/studies/{dataset.StudyInstanceUID}/series/{unknown}",
        f"/studies/{unknown}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}",
    ):
        assert user_agent.delete(path).status_code == 404
    assert user_agent.delete("/studies/1..2").status_code == 400
    assert user_agent.get(path_of(dataset), headers=OBJECTS).status_code == 200


@pytest.mark.requirement("STAT-12")
def test_nothing_goes_of_what_holds_a_committed_instance(deleting: servers.Server, user_agent: httpx.Client) -> None:
    datasets = make_series(2)
    store(user_agent, *(encode(dataset) for dataset in datasets))
    with sqlite3.connect(deleting.data / "index.db", timeout=20) as database:
        database.execute(
            "UPDATE instance SET committed_until = 9e9 WHERE sop_instance_uid = ?", [datasets[1].SOPInstanceUID]
        )
        database.commit()

    study = user_agent.delete(f"/studies/{datasets[0].StudyInstanceUID}")
    committed = user_agent.delete(path_of(datasets[1]))
    other = user_agent.delete(path_of(datasets[0]))

    assert (study.status_code, committed.status_code, other.status_code) == (409, 409, 204)
    assert "committed" in study.text
    assert not list(deleting.data.glob(f"blobs/*/{_blob_id(deleting, datasets[1].SOPInstanceUID)}.trashed"))
    assert user_agent.get(path_of(datasets[1]), headers=OBJECTS).status_code == 200


def _blob_id(server: servers.Server, sop_instance_uid: str) -> str:
    with sqlite3.connect(server.data / "index.db") as database:
        (row,) = database.execute(
            "SELECT blob_id FROM instance WHERE sop_instance_uid = ? AND state = 0", [sop_instance_uid]
        )
    return str(row[0])


def test_a_page_of_another_origin_deletes_nothing(user_agent: httpx.Client) -> None:
    dataset = make_dataset()
    store(user_agent, encode(dataset))

    response = user_agent.delete(path_of(dataset), headers={"Origin": "https://evil.example.org"})

    assert response.status_code == 403
    assert user_agent.get(path_of(dataset), headers=OBJECTS).status_code == 200
