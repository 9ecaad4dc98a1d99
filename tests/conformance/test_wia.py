"""Web-based Image Access (IHE WIA): search (RAD-129) and retrieve (RAD-107) as its two flows use them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pydicom
import pytest
from lxml import etree
from PIL import Image
from pydicom.dataset import Dataset

from dicomweb import JSON, OBJECTS, parts_of, store, values
from samples import encode, make_dataset, packaged_anew

STUDY, CT, MR = "1.2.7.5", "1.2.7.5.1", "1.2.7.5.2"
XML = {"Accept": 'multipart/related; type="application/dicom+xml"'}


def _request_item() -> Dataset:
    item = Dataset()
    item.ScheduledProcedureStepID, item.RequestedProcedureID = "SPS7", "RP7"
    return item


def _objects() -> list[Dataset]:
    shared: dict[str, Any] = {
        "StudyInstanceUID": STUDY,
        "PatientName": "Hart^Mia",
        "PatientID": "WIA7",
        "IssuerOfPatientID": "Clinic",
        "PatientBirthDate": "19800102",
        "PatientSex": "F",
        "StudyDate": "20240506",
        "StudyTime": "070809",
        "AccessionNumber": "ACC7",
        "StudyID": "SID7",
        "ReferringPhysicianName": "Ray^Ann",
        "StudyDescription": "Knee of the left leg",
    }
    series = {
        CT: {"Modality": "CT", "SeriesNumber": 1, "SeriesDescription": "Bone", "BodyPartExamined": "KNEE"},
        MR: {
            "Modality": "MR",
            "SeriesNumber": 2,
            "SeriesDescription": "T2",
            "BodyPartExamined": "LEG",
            "PerformedProcedureStepStartDate": "20240506",
            "PerformedProcedureStepStartTime": "0700",
            "RequestAttributesSequence": [_request_item()],
        },
    }
    return [
        make_dataset(
            **shared,
            **attributes,
            SeriesInstanceUID=uid,
            SOPInstanceUID=f"{uid}.{number}",
            InstanceNumber=number,
            NumberOfFrames=2,
            PixelData=bytes(range(32)),
        )
        for uid, attributes in series.items()
        for number in (1, 2)
    ]


@pytest.fixture(autouse=True)
def _stored(client: httpx.Client) -> None:
    assert store(client, *map(encode, _objects())).status_code == 200


@pytest.fixture
def consumer() -> Iterator[httpx.Client]:
    """A user agent that knows no path: it only follows what it was told."""
    with httpx.Client(timeout=60.0, trust_env=False) as one:
        yield one


def search(client: httpx.Client, path: str, **keys: str) -> list[dict[str, Any]]:
    response = client.get(path, params=keys, headers=JSON)
    found: list[dict[str, Any]] = response.json() if response.status_code == 200 else []
    return found


@pytest.mark.requirement("IHE-WIA-01", "IHE-WIA-03")
@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/studies", 1),
        ("/series", 2),
        ("/instances", 4),
        (f"/studies/{STUDY}/series", 2),
        (f"/studies/{STUDY}/instances", 4),
        (f"/studies/{STUDY}/series/{CT}/instances", 2),
    ],
)
def test_every_match_of_every_search_says_where_to_retrieve_it(
    client: httpx.Client, consumer: httpx.Client, path: str, count: int
) -> None:
    found = search(client, path, StudyInstanceUID=STUDY) if path.count("/") == 1 else search(client, path)

    assert len(found) == count
    for match in found:
        (url,) = values(match, "00081190")
        assert consumer.get(url, headers=OBJECTS).status_code == 200


@pytest.mark.requirement("IHE-WIA-02")
def test_matches_come_in_json_and_in_xml(client: httpx.Client) -> None:
    as_json = client.get("/studies", params={"StudyInstanceUID": STUDY}, headers={"Accept": "*/*"})
    as_xml = client.get("/studies", params={"StudyInstanceUID": STUDY}, headers=XML)

    assert as_json.headers["content-type"] == "application/dicom+json"
    (part,) = parts_of(as_xml)
    assert part.headers["content-type"].startswith("application/dicom+xml")
    assert STUDY in etree.tostring(etree.fromstring(part.content)).decode()


KEYS = {
    "/studies": {
        "PatientName": "hart*",
        "PatientID": "WIA7",
        "IssuerOfPatientID": "Clinic",
        "PatientBirthDate": "19800102",
        "PatientSex": "F",
        "StudyDate": "20240501-20240531",
        "StudyTime": "0700-0800",
        "AccessionNumber": "ACC7",
        "StudyID": "SID7",
        "StudyInstanceUID": STUDY,
        "ModalitiesInStudy": "MR",
        "ReferringPhysicianName": "Ray^Ann",
        "StudyDescription": "Knee*",
        "NumberOfStudyRelatedSeries": "2",
        "NumberOfStudyRelatedInstances": "4",
    },
    f"/studies/{STUDY}/series": {
        "Modality": "MR",
        "SeriesNumber": "2",
        "SeriesInstanceUID": MR,
        "SeriesDescription": "T2",
        "BodyPartExamined": "LEG",
        "PerformedProcedureStepStartDate": "20240506",
        "PerformedProcedureStepStartTime": "0700",
        "RequestAttributesSequence.ScheduledProcedureStepID": "SPS7",
        "RequestAttributesSequence.RequestedProcedureID": "RP7",
    },
    f"/studies/{STUDY}/series/{MR}/instances": {
        "InstanceNumber": "2",
        "SOPInstanceUID": f"{MR}.2",
    },
}
NEVER = {"PatientSex": "M", "StudyTime": "1200", "ModalitiesInStudy": "US"}


@pytest.mark.requirement("IHE-WIA-04")
@pytest.mark.parametrize(("path", "key"), [(path, key) for path, keys in KEYS.items() for key in keys])
def test_every_key_of_the_profile_selects(client: httpx.Client, path: str, key: str) -> None:
    scope = {"PatientID": "WIA7"} if path == "/studies" and key != "PatientID" else {}

    found = search(client, path, **scope, **{key: KEYS[path][key]})
    others = search(client, path, **scope, **{key: NEVER.get(key, "19000101" if "Date" in key else "77")})

    assert len(found) == 1
    assert others == []


@pytest.mark.requirement("IHE-WIA-04")
@pytest.mark.parametrize(
    ("key", "value"),
    [("Rows", "4"), ("Columns", "4"), ("BitsAllocated", "8"), ("NumberOfFrames", "2"), ("SOPClassUID", "{}")],
)
def test_attributes_of_images_select_within_a_series(client: httpx.Client, key: str, value: str) -> None:
    sop_class = str(_objects()[0].SOPClassUID)
    path = f"/studies/{STUDY}/series/{CT}/instances"

    assert len(search(client, path, **{key: value.format(sop_class)})) == 2
    assert search(client, path, **{key: "77"}) == []


@pytest.mark.requirement("IHE-WIA-05")
def test_fields_pages_and_fuzzy_matching_are_as_the_standard_says(client: httpx.Client) -> None:
    fields = search(client, f"/studies/{STUDY}/instances", includefield="ConversionType", limit="3", offset="1")
    fuzzy = client.get("/studies", params={"PatientName": "hart mia", "fuzzymatching": "true"}, headers=JSON)

    assert [values(one, "00080018")[0] for one in fields] == [f"{CT}.2", f"{MR}.1", f"{MR}.2"]
    assert all(values(one, "00080064") == ["WSD"] for one in fields)
    assert "fuzzymatching" in fuzzy.headers.get("warning", "") or fuzzy.status_code == 200


@pytest.mark.requirement("IHE-WIA-06", "IHE-WIA-03")
def test_a_viewer_comes_from_the_study_to_a_frame(client: httpx.Client, consumer: httpx.Client) -> None:
    (study,) = search(client, "/studies", AccessionNumber="ACC7")
    study_url = values(study, "00081190")[0]
    series_url = values(consumer.get(f"{study_url}/series", headers=JSON).json()[0], "00081190")[0]
    instance_url = values(consumer.get(f"{series_url}/instances", headers=JSON).json()[0], "00081190")[0]

    (metadata,) = consumer.get(f"{instance_url}/metadata", headers=JSON).json()
    whole = parts_of(consumer.get(instance_url, headers=OBJECTS))
    series = parts_of(consumer.get(series_url, headers=OBJECTS))
    octets = {"Accept": 'multipart/related; type="application/octet-stream"'}
    (frame,) = parts_of(consumer.get(f"{instance_url}/frames/2", headers=octets))
    bulk = parts_of(consumer.get(metadata["7FE00010"]["BulkDataURI"], headers=octets))

    assert values(metadata, "0020000D") == [STUDY]
    assert (len(whole), len(series)) == (1, 2)
    assert frame.content == bytes(range(16, 32))
    assert b"".join(part.content for part in bulk) == bytes(range(32))


@pytest.mark.requirement("IHE-WIA-07")
@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/dicom"',
        'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1',
        "*/*",
    ],
)
def test_objects_can_always_be_had_uncompressed(client: httpx.Client, accept: str) -> None:
    stored, content = packaged_anew("MR_small_RLE.dcm")
    assert store(client, content).status_code == 200

    (part,) = parts_of(client.get(f"/studies/{stored.StudyInstanceUID}", headers={"Accept": accept}))

    found = pydicom.dcmread(io.BytesIO(part.content))
    assert found.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


@pytest.mark.requirement("IHE-WIA-08")
@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/gif"])
def test_frames_are_shown_as_images(client: httpx.Client, media_type: str) -> None:
    path = f"/studies/{STUDY}/series/{CT}/instances/{CT}.1/frames/1/rendered"

    response = client.get(path, headers={"Accept": media_type})

    assert Image.open(io.BytesIO(response.content)).get_format_mimetype() == media_type


@pytest.mark.requirement("IHE-WIA-09")
def test_what_is_missing_in_part_or_whole_is_told_by_the_status(client: httpx.Client) -> None:
    mixed = make_dataset(StudyInstanceUID="1.2.7.6")
    video = make_dataset(StudyInstanceUID="1.2.7.6", SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.1.1")
    items = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\x08\0\0\0\0\0\0\x18ftyp"
    video.PixelData = items
    video["PixelData"].VR, video["PixelData"].is_undefined_length = "OB", True
    assert store(client, encode(mixed), encode(video, "1.2.840.10008.1.2.4.102")).status_code == 200
    explicit = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'}

    partial = client.get("/studies/1.2.7.6", headers=explicit)

    assert (partial.status_code, len(parts_of(partial))) == (206, 1)
    assert client.get("/studies/1.2.7.404", headers=OBJECTS).status_code == 404
    assert client.get(f"/studies/{STUDY}", headers={"Accept": "image/x-none"}).status_code == 406


@pytest.mark.requirement("IHE-WIA-11")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_browsers_may_ask_before_they_send(client: httpx.Client, method: str) -> None:
    headers = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, accept",
    }

    response = client.options("/studies", headers=headers)

    assert response.status_code in (200, 204)
    assert response.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert method in response.headers["access-control-allow-methods"]
