"""Bulk data and pixel data of studies, series and instances, and bulk values by their URIs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, RLELossless, generate_uid

import servers
from dicomweb import JSON, OCTETS, parts_of, path_of, store
from samples import PREFIX, encode, make_dataset, make_series
from videos import MPEG_4, stream, video


def multi_frame(**attributes: Any) -> Dataset:
    pixels = np.arange(3 * 64, dtype=np.uint16).reshape(3, 8, 8)
    dataset = make_dataset(
        Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, NumberOfFrames=3, PixelData=pixels.tobytes()
    )
    dataset["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def compressed(dataset: Dataset) -> Dataset:
    encode(dataset)
    dataset.compress(RLELossless, generate_instance_uid=False)
    return dataset


def locations(metadata: Any) -> set[str]:
    if isinstance(metadata, list):
        return set().union(*map(locations, metadata))
    if not isinstance(metadata, dict):
        return set()
    own = {metadata["BulkDataURI"]} if "BulkDataURI" in metadata else set()
    return own.union(*map(locations, metadata.values()))


@pytest.mark.requirement("WADO-10", "WADO-12", "WADO-24", "WADO-48", "HDR-02", "PAY-02")
def test_all_bulk_data_come_under_the_uris_that_metadata_name(client: httpx.Client) -> None:
    datasets = make_series(3)
    for number, dataset in enumerate(datasets):
        dataset.private_block(0x0009, "HILUM TEST", create=True).add_new(1, "OB", stream(2000, seed=number))
        inner = Dataset()
        inner.EncapsulatedDocument = stream(1500, seed=number + 10)
        dataset.ReferencedStudySequence = [Dataset(), inner]
    store(client, *(encode(dataset) for dataset in datasets))
    study = f"/studies/{datasets[0].StudyInstanceUID}"

    for path in (study, f"{study}/series/{datasets[0].SeriesInstanceUID}", path_of(datasets[0])):
        metadata = client.get(f"{path}/metadata", headers=JSON).json()
        response = client.get(f"{path}/bulkdata", headers=OCTETS)
        parts = parts_of(response)
        assert response.status_code == 200
        assert {part.headers["content-location"] for part in parts} == locations(metadata)
        assert len(parts) == 3 * len(metadata)
        for part in parts:
            alone = client.get(part.headers["content-location"], headers={"Accept": "application/octet-stream"})
            assert alone.content == part.content
            assert alone.headers["content-location"] == part.headers["content-location"]
        pixels = parts_of(client.get(f"{path}/pixeldata", headers=OCTETS))
        assert [part.content for part in pixels] == [datasets[0].PixelData] * len(metadata)
        assert all(part.headers["content-location"].endswith("/bulkdata/7FE00010") for part in pixels)


@pytest.mark.requirement("MT-21", "MT-22", "MT-28", "WADO-25", "NEG-18")
def test_compressed_pixel_data_come_frame_by_frame_and_decoded_ones_as_one_value(client: httpx.Client) -> None:
    dataset = compressed(multi_frame())
    store(client, encode(dataset, RLELossless))
    values = np.arange(3 * 64, dtype=np.uint16).tobytes()
    frames = client.get(
        f"{path_of(dataset)}/frames/1,2,3", headers={"Accept": "multipart/related; type=image/dicom-rle"}
    )

    for end in ("pixeldata", "bulkdata", "bulkdata/7FE00010"):
        path = f"{path_of(dataset)}/{end}"
        (decoded,) = parts_of(client.get(path, headers=OCTETS))
        stored = parts_of(client.get(path, headers={"Accept": 'multipart/related; type="image/dicom-rle"'}))
        assert decoded.content == values
        assert [part.content for part in stored] == [part.content for part in parts_of(frames)]
        assert {part.headers["content-location"] for part in stored} == {decoded.headers["content-location"]}
    alone = client.get(f"{path_of(dataset)}/pixeldata", headers={"Accept": "application/octet-stream"})
    assert alone.content == values
    several = client.get(f"{path_of(dataset)}/pixeldata", headers={"Accept": "image/dicom-rle"})
    assert several.status_code == 406


@pytest.mark.requirement("NEG-18", "WADO-42", "WADO-71", "STAT-01", "WADO-70")
def test_each_part_has_a_type_of_its_own_and_what_has_none_is_left_out(client: httpx.Client) -> None:
    study, series = generate_uid(PREFIX), generate_uid(PREFIX)
    native = make_dataset(StudyInstanceUID=study, SeriesInstanceUID=series)
    rle = compressed(multi_frame(StudyInstanceUID=study, SeriesInstanceUID=series))
    movie = video([stream(3000)])
    movie.StudyInstanceUID, movie.SeriesInstanceUID = study, series
    store(client, encode(native), encode(rle, RLELossless), encode(movie, MPEG_4))
    path = f"/studies/{study}/pixeldata"

    octets = client.get(path, headers=OCTETS)
    both = client.get(path, headers={"Accept": f"{OCTETS['Accept']}, multipart/related; type=video/mp4"})
    anything = client.get(path, headers={"Accept": "*/*"})
    encoded = client.get(path, headers={"Accept": 'multipart/related; type="image/jls"'})
    nothing = client.get(path, headers={"Accept": 'multipart/related; type="image/gif"'})

    assert (octets.status_code, len(parts_of(octets))) == (206, 2)
    assert "content-range" not in octets.headers
    for response in (both, anything):
        assert response.status_code == 200
        assert sorted(part.headers["content-type"].partition(";")[0] for part in parts_of(response)) == [
            "application/octet-stream",
            "application/octet-stream",
            "video/mp4",
        ]
    assert (encoded.status_code, len(parts_of(encoded))) == (206, 4)
    assert nothing.status_code == 406
    assert "multipart/related" in nothing.text


@pytest.mark.requirement("WADO-27")
@pytest.mark.parametrize("end", ["", "/bulkdata", "/pixeldata"])
def test_single_parts_are_for_resources_of_one_item(client: httpx.Client, end: str) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))
    study = f"/studies/{dataset.StudyInstanceUID}"

    for path in (study, f"{study}/series/{dataset.SeriesInstanceUID}"):
        for accept in ("application/octet-stream", "application/dicom", "image/jpeg"):
            assert client.get(path + end, headers={"Accept": accept}).status_code == 406


@pytest.mark.requirement("WADO-20")
def test_instances_asked_for_as_octets_are_their_bulk_data(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    for path in (f"/studies/{dataset.StudyInstanceUID}", path_of(dataset)):
        (part,) = parts_of(client.get(path, headers=OCTETS))
        assert part.content == dataset.PixelData
        assert part.headers["content-location"].endswith("/bulkdata/7FE00010")


@pytest.mark.requirement("WADO-60", "WADO-73", "STAT-09")
def test_what_has_no_pixel_data_or_bulk_data_is_not_there(client: httpx.Client) -> None:
    dataset = make_dataset()
    del dataset.PixelData
    store(client, encode(dataset))
    unknown = generate_uid(PREFIX)

    for end in ("pixeldata", "frames/1", "bulkdata", "bulkdata/7FE00010"):
        assert client.get(f"{path_of(dataset)}/{end}", headers=OCTETS).status_code == 404
    for end in ("pixeldata", "bulkdata"):
        assert client.get(f"/studies/{unknown}/{end}", headers=OCTETS).status_code == 404


def document(media_type: str, content: bytes) -> Dataset:
    dataset = make_dataset(SOPClassUID=EncapsulatedPDFStorage, Modality="DOC")
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    dataset.MIMETypeOfEncapsulatedDocument = media_type
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    dataset.EncapsulatedDocumentLength = len(content)
    return dataset


@pytest.mark.requirement("WADO-49")
@pytest.mark.parametrize("media_type", ["application/pdf", "text/xml", "model/stl"])
def test_a_document_comes_in_its_own_media_type_and_without_padding(client: httpx.Client, media_type: str) -> None:
    content = b"%PDF-1.4 " + stream(2000, seed=3)
    dataset = document(media_type, content)
    store(client, encode(dataset))
    (metadata,) = client.get(f"{path_of(dataset)}/metadata", headers=JSON).json()
    uri = metadata["00420011"]["BulkDataURI"]

    by_type = client.get(uri, headers={"Accept": media_type})
    by_parameter = client.get(uri, params={"accept": media_type}, headers={"Accept": "*/*"})
    by_browser = client.get(uri, headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    octets = client.get(uri, headers={"Accept": "application/octet-stream"})
    (in_multipart,) = parts_of(client.get(uri, headers={"Accept": f'multipart/related; type="{media_type}"'}))

    for response in (by_type, by_parameter, by_browser):
        assert (response.status_code, response.content) == (200, content)
        assert response.headers["content-type"] == media_type
        assert response.headers["x-content-type-options"] == "nosniff"
        assert ("sandbox" in response.headers.get("content-security-policy", "")) == media_type.startswith("text/")
    assert octets.content == dataset.EncapsulatedDocument
    assert in_multipart.content == content
    part = client.get(uri, headers={"Accept": media_type, "Range": "bytes=0-3", "Accept-Encoding": "identity"})
    assert (part.status_code, part.content) == (206, content[:4])


@pytest.mark.requirement("WADO-49")
@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "nonsense", "application/javascript"])
def test_a_document_that_a_browser_would_run_comes_as_octets(client: httpx.Client, media_type: str) -> None:
    dataset = document(media_type, b"<script>alert(1)</script>" * 100)
    store(client, encode(dataset))

    accepted = {"Accept": "text/html,*/*;q=0.8"}
    response = client.get(f"{path_of(dataset)}/bulkdata/00420011", headers=accepted)

    assert parts_of(response)[0].headers["content-type"] == "application/octet-stream"


@pytest.mark.requirement("WADO-45")
def test_a_relative_uri_leads_to_the_value_whatever_it_is_put_behind(tmp_path: Path) -> None:
    dataset = make_dataset()
    settings = {"RETRIEVE__BULK_DATA_URIS": "relative", "STORE__RESERVE_BYTES": "0"}
    with servers.running(tmp_path / "data", settings=settings) as server, server.client() as client:
        store(client, encode(dataset))
        study, series = f"/studies/{dataset.StudyInstanceUID}", f"/series/{dataset.SeriesInstanceUID}"
        for path in (study, study + series, path_of(dataset)):
            (metadata,) = client.get(f"{path}/metadata", headers=JSON).json()
            uri = metadata["7FE00010"]["BulkDataURI"]
            assert not urlsplit(uri).netloc
            readings = [
                urljoin(f"{server.url}{path}/metadata", uri),
                f"{server.url}{uri}",
                f"{server.url}/{uri}",
                f"{server.url}{study}/{uri}",
                f"{server.url}{study}{series}{uri}",
                f"{server.url}{path_of(dataset)}/{uri}",
                urljoin(f"{server.url}{path}/", uri.removeprefix("/dicomweb/")),
                f"{server.url}/{uri.removeprefix('/dicomweb/')}",
            ]
            for url in readings:
                response = client.get(url, headers={"Accept": "application/octet-stream"})
                assert (response.status_code, response.content) == (200, dataset.PixelData), url


def test_bulk_uris_are_right_behind_a_proxy_with_a_prefix(tmp_path: Path) -> None:
    dataset = make_dataset()
    settings = {"HTTP__TRUSTED_PROXIES": "127.0.0.1", "HTTP__ALLOWED_HOSTS": "pacs.example.org"}
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "pacs.example.org",
        "X-Forwarded-Prefix": "/imaging",
        "X-Forwarded-For": "192.0.2.1",
    }
    with servers.running(tmp_path / "data", settings=settings) as server, server.client() as client:
        store(client, encode(dataset))
        (metadata,) = client.get(f"{path_of(dataset)}/metadata", headers=JSON | forwarded).json()
        (part,) = parts_of(client.get(f"{path_of(dataset)}/bulkdata", headers=OCTETS | forwarded))

    expected = f"https://pacs.example.org/imaging/dicomweb{path_of(dataset)}/bulkdata/7FE00010"
    assert metadata["7FE00010"]["BulkDataURI"] == part.headers["content-location"] == expected


@pytest.mark.requirement("WADO-07", "WADO-31")
@pytest.mark.parametrize("end", ["", "/metadata", "/frames/1", "/bulkdata", "/pixeldata", "/bulkdata/7FE00010"])
@pytest.mark.parametrize("coding", ["identity", "gzip, deflate, br, zstd"])
def test_head_is_get_without_the_body(client: httpx.Client, end: str, coding: str) -> None:
    datasets = [make_dataset(ImageComments="x" * 3000), compressed(multi_frame(ImageComments="x" * 3000))]
    store(client, encode(datasets[0]), encode(datasets[1], RLELossless))

    for dataset in datasets:
        for accept in ("*/*", "application/dicom, application/octet-stream, application/json"):
            headers = {"Accept": accept, "Accept-Encoding": coding}
            got = client.get(path_of(dataset) + end, headers=headers)
            head = client.head(path_of(dataset) + end, headers=headers)
            changing = {"date", "x-request-id"}
            assert {name: value for name, value in head.headers.items() if name not in changing} == {
                name: value for name, value in got.headers.items() if name not in changing
            }
            assert (head.status_code, head.content) == (got.status_code, b"")


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield
