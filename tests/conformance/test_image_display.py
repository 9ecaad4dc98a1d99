"""Invoke Image Display: links of other systems lead to the viewer (IHE RAD-106)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

import servers
from dicomweb import store
from samples import PREFIX, encode, make_dataset

ROOT = "/viewer/viewer?StudyInstanceUIDs="


@pytest.fixture
def display(server: servers.Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.origin}/iid", trust_env=False, timeout=60.0) as client:
        yield client


@pytest.fixture
def studies(client: httpx.Client) -> list[Dataset]:
    """Three studies of one patient, the oldest first."""
    patient = generate_uid(PREFIX)[-20:]
    made = [
        make_dataset(
            PatientID=patient,
            PatientName="Müller^Änne",
            StudyDate=f"2024010{number}",
            StudyTime="120000",
            AccessionNumber=f"A{patient[-8:]}{number}",
            Modality=modality,
        )
        for number, modality in enumerate(("CT", "MR", "CT"), 1)
    ]
    made[0].IssuerOfPatientID = "CLINIC"
    store(client, *(encode(dataset) for dataset in made))
    return made


def opened(response: httpx.Response, server: servers.Server) -> list[str]:
    """Return the UIDs of the studies to which a redirection leads."""
    assert response.status_code == 302, response.text
    prefix = server.origin + ROOT
    location = response.headers["location"]
    assert location.startswith(prefix)
    assert response.headers["cache-control"] == "no-store"
    return str(location.removeprefix(prefix)).split(",")


@pytest.mark.requirement("IHE-IID-02")
def test_named_studies_are_opened_in_the_order_of_the_request(
    display: httpx.Client, server: servers.Server, studies: list[Dataset]
) -> None:
    uids = [str(study.StudyInstanceUID) for study in reversed(studies)]
    numbers = ",".join(study.AccessionNumber for study in studies)

    by_uid = display.get("/ihe-iid", params={"requestType": "STUDY", "studyUID": ",".join([*uids, "1.2.3"])})
    by_number = display.get("/ihe-iid", params={"requestType": "STUDY", "accessionNumber": numbers})

    assert opened(by_uid, server) == uids
    assert opened(by_number, server) == uids[::-1]


@pytest.mark.requirement("IHE-IID-02")
@pytest.mark.parametrize(
    ("parameters", "numbers"),
    [
        ({}, [3, 2, 1]),
        ({"mostRecentResults": "2"}, [3, 2]),
        ({"modalitiesInStudy": "CT"}, [3, 1]),
        ({"modalitiesInStudy": "MR,US"}, [2]),
        ({"lowerDateTime": "2024-01-02"}, [3, 2]),
        ({"upperDateTime": "2024-01-02T11:59:59"}, [1]),
        ({"lowerDateTime": "2024-01-02T12:00:00", "upperDateTime": "2024-01-02"}, [2]),
        ({"patientBirthDate": "19700101", "patientName": "MÜLLER"}, [3, 2, 1]),
        ({"viewerType": "x", "diagnosticQuality": "true", "keyImagesOnly": "false"}, [3, 2, 1]),
    ],
)
def test_a_patients_studies_are_opened_the_newest_first(
    display: httpx.Client,
    server: servers.Server,
    studies: list[Dataset],
    parameters: dict[str, str],
    numbers: list[int],
) -> None:
    query = {"requestType": "PATIENT", "patientID": studies[0].PatientID, **parameters}

    response = display.get("/ihe-iid", params=query)

    assert opened(response, server) == [studies[number - 1].StudyInstanceUID for number in numbers]


@pytest.mark.requirement("IHE-IID-02")
def test_the_id_of_another_authority_is_another_patients(
    display: httpx.Client, server: servers.Server, studies: list[Dataset]
) -> None:
    patient = studies[0].PatientID
    query = {"requestType": "PATIENT", "patientID": f"{patient}^^^CLINIC"}

    assert len(opened(display.get("/ihe-iid", params=query), server)) == 3
    # The first study alone says whose ID it has.
    query["patientID"] = f"{patient}^^^OTHER"
    assert len(opened(display.get("/ihe-iid", params=query), server)) == 2


@pytest.mark.requirement("IHE-IID-02")
@pytest.mark.parametrize(
    "parameters",
    [
        {"requestType": "STUDY", "studyUID": "1.2.3.4"},
        {"requestType": "STUDY", "accessionNumber": "*"},
        {"requestType": "PATIENT", "patientID": "nobody"},
        {"requestType": "PATIENT", "patientID": "*"},
        {"requestType": "PATIENT", "patientID": "{}", "patientBirthDate": "20000101"},
        {"requestType": "PATIENT", "patientID": "{}", "patientName": "Somebody^Else"},
    ],
)
def test_nothing_to_display_is_a_404(display: httpx.Client, studies: list[Dataset], parameters: dict[str, str]) -> None:
    query = {name: value.replace("{}", studies[0].PatientID) for name, value in parameters.items()}

    response = display.get("/ihe-iid", params=query)

    assert response.status_code == 404
    assert response.text == "The origin server has no such study.\n"


@pytest.mark.requirement("IHE-IID-01")
@pytest.mark.parametrize(
    "query",
    ["", "requestType=SERIES", "requestType=STUDY", "requestType=PATIENT&mostRecentResults=1", "a=" + "b" * 60_000],
)
def test_a_request_that_lacks_what_it_needs_is_a_400(display: httpx.Client, query: str) -> None:
    assert display.get(f"/ihe-iid?{query}").status_code == 400


@pytest.mark.requirement("IHE-IID-03")
def test_nothing_of_a_request_comes_back_as_markup(
    display: httpx.Client, server: servers.Server, studies: list[Dataset]
) -> None:
    script = "<script>alert(1)</script>"
    bad = display.get("/ihe-iid", params={"requestType": script, script: script})
    known = {"requestType": "STUDY", "studyUID": str(studies[0].StudyInstanceUID)}
    good = display.get("/ihe-iid", params={**known, "unknown": script, "viewerType": script})

    assert bad.status_code == 400
    assert bad.headers["content-type"].startswith("text/plain")
    assert "alert" not in bad.text
    assert opened(good, server) == [studies[0].StudyInstanceUID]
    assert "alert" not in good.headers["location"] + good.text


@pytest.mark.requirement("IHE-IID-02")
def test_a_setting_names_another_viewer(tmp_path: Path) -> None:
    url = (
        "https://viewer.example.org/?s={studyUIDs}&p={patientID}&t={viewerType}&d={diagnosticQuality}&k={keyImagesOnly}"
    )
    settings = {"VIEWER__IMAGE_DISPLAY_URL": url, "VIEWER__MAX_DISPLAYED_STUDIES": "1"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client() as client:
        older, newer = (make_dataset(PatientID="A&B", StudyDate=date) for date in ("20240101", "20240102"))
        store(client, encode(older), encode(newer))
        query = {"requestType": "PATIENT", "patientID": "A&B", "viewerType": "a b", "keyImagesOnly": "true"}

        response = httpx.get(f"{server.origin}/iid/ihe-iid", params=query, trust_env=False)

    assert response.status_code == 302
    expected = f"https://viewer.example.org/?s={newer.StudyInstanceUID}&p=A%26B&t=a%20b&d=&k=true"
    assert response.headers["location"] == expected
