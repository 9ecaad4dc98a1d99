"""WADO Retrieve (IHE RAD-55): the URI Service as the profile's consumers use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pydicom
import pytest

from dicomweb import store
from samples import encode, make_dataset, packaged_objects
from servers import Server, running

STUDY, SERIES = "1.2.7.10", "1.2.7.10.1"
IMAGE, LOOP = f"{SERIES}.1", f"{SERIES}.2"


def query(uid: str = IMAGE, **further: str) -> dict[str, str]:
    return {"requestType": "WADO", "studyUID": STUDY, "seriesUID": SERIES, "objectUID": uid, **further}


def _objects() -> list[bytes]:
    place = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES}
    return [
        encode(make_dataset(**place, SOPInstanceUID=IMAGE)),
        encode(make_dataset(**place, SOPInstanceUID=LOOP, NumberOfFrames=2, PixelData=bytes(range(32)))),
    ]


@pytest.fixture
def wado(server: Server, client: httpx.Client) -> Iterator[httpx.Client]:
    assert store(client, *_objects()).status_code == 200
    with httpx.Client(base_url=server.origin, timeout=60.0, trust_env=False) as one:
        yield one


@pytest.fixture
def report(client: httpx.Client) -> dict[str, str]:
    content = packaged_objects()["test-SR.dcm"].read_bytes()
    found = pydicom.dcmread(packaged_objects()["test-SR.dcm"])
    assert store(client, content).status_code == 200
    return query(str(found.SOPInstanceUID)) | {
        "studyUID": str(found.StudyInstanceUID),
        "seriesUID": str(found.SeriesInstanceUID),
    }


@pytest.mark.requirement("IHE-R55-01")
@pytest.mark.parametrize("name", ["requestType", "studyUID", "seriesUID", "objectUID"])
def test_a_request_names_one_instance_in_full(wado: httpx.Client, name: str) -> None:
    parameters = query()
    del parameters[name]

    assert wado.get("/wado", params=query()).status_code == 200
    assert wado.get("/wado", params=parameters).status_code == 400


@pytest.mark.requirement("IHE-R55-02")
def test_content_type_and_accept_must_agree(wado: httpx.Client) -> None:
    agreed = wado.get("/wado", params=query(contentType="image/png"), headers={"Accept": "image/png, image/jpeg"})
    other = wado.get("/wado", params=query(contentType="image/png"), headers={"Accept": "image/jpeg"})
    never = wado.get("/wado", params=query(), headers={"Accept": "video/mpeg"})

    assert agreed.headers["content-type"] == "image/png"
    # URI-13 makes the first a malformed request, where the profile says 406.
    assert other.status_code == 400
    assert never.status_code == 406


@pytest.mark.requirement("IHE-R55-03")
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/dicom", "application/dicom"),
        ("application/text", "text/plain"),
        ("application/html", "text/html"),
        ("Application/HTML;q=0.9, image/jpeg;q=0.5", "text/html"),
    ],
)
def test_media_types_are_understood_as_the_profile_spells_them(
    wado: httpx.Client, report: dict[str, str], accept: str, media_type: str
) -> None:
    response = wado.get("/wado", params=report, headers={"Accept": accept})

    assert (response.status_code, response.headers["content-type"].partition(";")[0]) == (200, media_type)


@pytest.mark.requirement("IHE-R55-03")
def test_the_odd_spellings_may_be_asked_for_too(wado: httpx.Client, report: dict[str, str]) -> None:
    response = wado.get("/wado", params={**report, "contentType": "application/html"})

    assert response.headers["content-type"].startswith("text/html")


@pytest.mark.requirement("IHE-R55-04")
def test_each_object_comes_as_dicom_and_as_what_shows_it(wado: httpx.Client, report: dict[str, str]) -> None:
    for parameters in (query(), query(LOOP), report):
        response = wado.get("/wado", params={**parameters, "contentType": "application/dicom"})
        assert response.content[128:132] == b"DICM"

    single = wado.get("/wado", params=query(contentType="image/jpeg"))
    frame = wado.get("/wado", params=query(LOOP, contentType="image/jpeg", frameNumber="2"))
    text = wado.get("/wado", params={**report, "contentType": "text/html"})

    assert single.content[:2] == frame.content[:2] == b"\xff\xd8"
    assert text.headers["content-type"].startswith("text/html")


GIVEN = [
    {"charset": "utf-8"},
    {"anonymize": "yes", "contentType": "application/dicom"},
    {"annotation": "technique"},
    {"rows": "8", "columns": "8"},
    {"region": "0,0,0.5,0.5"},
    {"windowCenter": "8", "windowWidth": "16"},
    {"imageQuality": "50"},
    {"transferSyntax": "1.2.840.10008.1.2.1", "contentType": "application/dicom"},
]
WRONG = [
    {"anonymize": "perhaps"},
    {"rows": "0"},
    {"columns": "x"},
    {"region": "0,0,2,2"},
    {"windowCenter": "8"},
    {"frameNumber": "0"},
    {"imageQuality": "200"},
    {"presentationUID": "1.2"},
    {"transferSyntax": "x", "contentType": "application/dicom"},
]


@pytest.mark.requirement("IHE-R55-05")
@pytest.mark.parametrize("given", GIVEN, ids=str)
def test_every_parameter_is_recognised(wado: httpx.Client, given: dict[str, str]) -> None:
    # Parameters that nobody knows are passed over: what is refused when it is wrong is known.
    uid = IMAGE
    assert wado.get("/wado", params=query(uid, **given)).status_code in (200, 406 if "anonymize" in given else 200)


@pytest.mark.requirement("IHE-R55-05")
@pytest.mark.parametrize("given", WRONG, ids=str)
def test_every_parameter_is_checked(wado: httpx.Client, given: dict[str, str]) -> None:
    assert wado.get("/wado", params=query(**given)).status_code == 400


@pytest.mark.requirement("IHE-R55-06")
def test_a_transfer_syntax_goes_with_dicom_and_explicit_vr_is_the_default(wado: httpx.Client) -> None:
    found = wado.get("/wado", params=query(contentType="application/dicom"))
    rendered = wado.get("/wado", params=query(contentType="image/jpeg", transferSyntax="1.2.840.10008.1.2.1"))

    assert b"1.2.840.10008.1.2.1\0" in found.content[:400]
    assert rendered.status_code in (200, 400)


@pytest.mark.requirement("IHE-R55-07")
def test_what_is_not_there_or_no_longer_is_told_apart(tmp_path: Path) -> None:
    with running(tmp_path / "data", settings={"TRASH__HTTP_DELETE": "true"}) as server:
        with server.client() as client:
            assert store(client, *_objects()).status_code == 200
            assert client.delete(f"/studies/{STUDY}").status_code == 204
        gone = httpx.get(f"{server.origin}/wado", params=query(), trust_env=False)
        unknown = httpx.get(f"{server.origin}/wado", params=query("1.2.404"), trust_env=False)

    assert (gone.status_code, unknown.status_code) == (410, 404)
