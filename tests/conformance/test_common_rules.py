"""Rules of PS3.18 chapter 8 that no single transaction owns: media types, headers, status codes, payloads."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless, generate_uid

import servers
from dicomweb import BOUNDARY, JSON, OBJECTS, OBJECTS_AS_STORED, OCTETS, multipart_body, parts_of, path_of, store
from samples import PREFIX, encode, make_dataset, make_series
from videos import MPEG_4, stream, video


def read(content: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def compressed(syntax: str) -> Dataset:
    pixels = np.arange(2 * 64, dtype=np.uint16).reshape(2, 8, 8)
    dataset = make_dataset(
        Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, NumberOfFrames=2, PixelData=pixels.tobytes()
    )
    dataset["PixelData"].VR = "OW"
    encode(dataset)
    dataset.compress(syntax, generate_instance_uid=False)
    return dataset


def report() -> Dataset:
    dataset = make_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    del dataset.PixelData
    return dataset


@pytest.mark.requirement("MT-01", "MT-02", "MT-10", "MT-12", "TSX-02", "TSX-11")
def test_objects_of_every_category_come_in_their_default_syntax(client: httpx.Client) -> None:
    multi_frame, movie = compressed(RLELossless), video([stream(2000)])
    stored = {
        "single frame": (make_dataset(), ExplicitVRLittleEndian, ExplicitVRLittleEndian),
        "multi-frame": (multi_frame, RLELossless, ExplicitVRLittleEndian),
        # TSX-03: lossy data need not be turned into anything else.
        "video": (movie, MPEG_4, MPEG_4),
        "text": (report(), ExplicitVRLittleEndian, ExplicitVRLittleEndian),
        "other": (report(), ImplicitVRLittleEndian, ExplicitVRLittleEndian),
    }
    for dataset, syntax, expected in stored.values():
        assert store(client, encode(dataset, syntax)).status_code == 200

        (part,) = parts_of(client.get(path_of(dataset), headers=OBJECTS))

        assert part.headers["content-type"] == f"application/dicom; transfer-syntax={expected}"
        assert read(part.content).file_meta.TransferSyntaxUID == expected


@pytest.mark.requirement("TSX-06", "NEG-16")
def test_syntaxes_are_offered_by_repeating_the_media_type_with_weights(client: httpx.Client) -> None:
    dataset = compressed(RLELossless)
    store(client, encode(dataset, RLELossless))
    form = 'multipart/related; type="application/dicom"; transfer-syntax={}; q={}'

    for first, second in ((RLELossless, ExplicitVRLittleEndian), (ExplicitVRLittleEndian, RLELossless)):
        accept = f"{form.format(second, 0.5)}, {form.format(first, 0.9)}"
        (part,) = parts_of(client.get(path_of(dataset), headers={"Accept": accept}))
        assert part.headers["content-type"].endswith(first)


@pytest.mark.requirement("MT-24", "MT-27", "MT-21")
def test_jpeg_2000_frames_are_bare_codestreams(client: httpx.Client) -> None:
    frames = [np.full((8, 8), number, dtype=np.uint16) for number in (1, 2)]
    codestreams = [bytes(imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k")) for frame in frames]
    dataset = make_dataset(Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, NumberOfFrames=2)
    dataset.PixelData = encapsulate(codestreams)
    dataset["PixelData"].is_undefined_length = True
    store(client, encode(dataset, JPEG2000Lossless))

    parts = parts_of(
        client.get(f"{path_of(dataset)}/frames/1,2", headers={"Accept": 'multipart/related; type="image/jp2"'})
    )

    assert all(part.content.startswith(b"\xff\x4f\xff\x51") for part in parts)


@pytest.mark.requirement("MT-11", "PAY-08", "WADO-46")
def test_metadata_hold_no_file_meta_information(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    (metadata,) = client.get(f"{path_of(dataset)}/metadata", headers=JSON).json()

    assert not [tag for tag in metadata if tag.startswith("0002") or tag.endswith("0000")]


@pytest.mark.requirement("PAY-07", "TSX-01")
def test_whatever_was_stored_travels_with_explicit_vrs(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset, ImplicitVRLittleEndian))

    for accept in (OBJECTS, OBJECTS_AS_STORED, {"Accept": "*/*"}):
        (part,) = parts_of(client.get(path_of(dataset), headers=accept))
        assert not read(part.content).file_meta.TransferSyntaxUID.is_implicit_VR
    (metadata,) = client.get(f"{path_of(dataset)}/metadata", headers=JSON).json()
    assert all(len(element["vr"]) == 2 for element in metadata.values())


@pytest.mark.requirement("MT-40", "MT-43", "PAY-05")
@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/related; type="application/dicom"; boundary={}',
        'multipart/related;boundary="{}";type=application/dicom',
        "Multipart/Related; BOUNDARY={} ; Type=application/dicom; start=<a@b>; start-info=x",
        'multipart/related; charset=utf-8; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1; boundary={}',
    ],
)
def test_parameters_follow_in_any_order_and_spacing(client: httpx.Client, content_type: str) -> None:
    body = multipart_body([encode(make_dataset())])

    response = client.post("/studies", content=body, headers={**JSON, "Content-Type": content_type.format(BOUNDARY)})

    assert response.status_code == 200


@pytest.mark.requirement("HDR-08")
def test_warnings_carry_the_base_url_of_the_service(client: httpx.Client) -> None:
    datasets = make_series(3)
    store(client, *(encode(dataset) for dataset in datasets))

    response = client.get(f"/studies/{datasets[0].StudyInstanceUID}/instances?limit=1", headers=JSON)

    service = str(client.base_url).rstrip("/")
    expected = f"299 {service}: There are 2 additional results that can be requested"
    assert response.headers["warning"] == expected


@pytest.mark.requirement("QP-03", "QP-04")
@pytest.mark.parametrize(
    "query", ["limit=5&PatientID=nobody", "PatientID", "PatientID=", "includefield=00100010,PatientID"]
)
def test_parameters_take_every_form_of_the_grammar(client: httpx.Client, query: str) -> None:
    assert client.get(f"/studies?{query}", headers=JSON).status_code in (200, 204)


@pytest.mark.requirement("STAT-14", "NEG-20")
def test_an_unknown_payload_is_415_with_what_there_is(client: httpx.Client) -> None:
    response = client.post("/studies", content=b"x", headers={**JSON, "Content-Type": "text/csv"})

    assert response.status_code == 415
    assert "application/dicom" in response.text


@pytest.mark.requirement("STAT-10", "HDR-06")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_method_is_405_with_those_that_there_are(client: httpx.Client, method: str) -> None:
    path = f"/studies/{generate_uid(PREFIX)}/metadata"

    response = client.request(method, path)

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.requirement("STAT-08", "STAT-09", "HDR-06")
def test_who_shows_no_token_learns_nothing(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("right\n")
    dataset = make_dataset()
    with servers.running(tmp_path / "data", options=["--token-file", str(tokens)]) as server:
        with server.client(Authorization="Bearer right") as user_agent:
            assert store(user_agent, encode(dataset)).status_code == 200
        with server.client() as stranger:
            known = stranger.get(path_of(dataset), headers={"Accept": "*/*"})
            unknown = stranger.get(f"/studies/{generate_uid(PREFIX)}", headers={"Accept": "*/*"})
            foreign = stranger.get("/studies", headers={**JSON, "Host": "evil.example.org"})

    assert known.status_code == unknown.status_code == 401
    assert known.headers["www-authenticate"].startswith("Bearer")
    assert foreign.status_code == 403


@pytest.mark.requirement("STAT-15", "STAT-17", "WADO-61")
def test_what_cannot_be_read_is_temporarily_unavailable_and_never_empty(tmp_path: Path) -> None:
    dataset = make_dataset()
    with servers.running(tmp_path / "data") as server, server.client() as client:
        store(client, encode(dataset))
        (blob,) = (server.data / "blobs").glob("*/*.dcm")
        blob.unlink()

        for end, accept in (("", {"Accept": "*/*"}), ("/frames/1", OCTETS), ("/bulkdata", OCTETS)):
            response = client.get(path_of(dataset) + end, headers=accept)
            assert response.status_code == 503
            assert response.headers["retry-after"]
            assert "temporary" in response.text
            assert str(server.data) not in response.text


@pytest.mark.requirement("STAT-06", "HDR-09")
def test_what_has_not_changed_is_304(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))
    for end in ("/bulkdata", "/pixeldata", "/bulkdata/7FE00010"):
        first = client.get(path_of(dataset) + end, headers={"Accept": "*/*"})
        again = client.get(path_of(dataset) + end, headers={"Accept": "*/*", "If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield
