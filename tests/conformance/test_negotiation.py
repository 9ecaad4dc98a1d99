"""Content negotiation, character sets and content codings, as every resource does them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import httpx
import imagecodecs
import pytest
import zstandard

from dicomweb import JSON, OCTETS, path_of, store
from samples import encode, make_dataset, make_series

DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "br": lambda body: bytes(imagecodecs.brotli_decode(body)),
}


@pytest.fixture
def instance(client: httpx.Client) -> str:
    dataset = make_dataset(ImageComments="long enough to be worth compressing, " * 100)
    store(client, encode(dataset))
    return path_of(dataset)


@pytest.mark.requirement("NEG-09", "NEG-10", "STAT-07", "WADO-72")
@pytest.mark.parametrize(
    ("end", "accept", "status"),
    [
        ("", "application/dicom, image/jpeg", 400),
        ("", 'multipart/related; type="application/dicom", image/png', 400),
        ("/metadata", "application/dicom+json, text/html", 400),
        ("/metadata", "application/dicom+json, image/*", 200),
        ("/metadata", "application/dicom+json, */*", 200),
        ("/metadata", "application/json, text/plain, */*", 200),
        ("/metadata", "application/dicom+json, text/html;q=0", 200),
        ("", 'multipart/related; type="application/dicom", multipart/related; type="image/jpeg"', 200),
        ("/frames/1", "application/octet-stream, image/jpeg", 200),
        ("/bulkdata/7FE00010", "application/octet-stream, image/jpeg", 200),
        ("/pixeldata", "application/octet-stream, video/mp4", 200),
    ],
)
def test_dicom_and_rendered_types_do_not_mix(
    client: httpx.Client, instance: str, end: str, accept: str, status: int
) -> None:
    assert client.get(instance + end, headers={"Accept": accept}).status_code == status


def test_they_do_not_mix_between_parameter_and_header_either(client: httpx.Client, instance: str) -> None:
    headers = {"Accept": "application/dicom, image/*"}

    assert client.get(instance, params={"accept": "image/jpeg"}, headers=headers).status_code == 400


@pytest.mark.requirement("NEG-01", "NEG-07", "NEG-08", "NEG-14")
@pytest.mark.parametrize(
    ("parameter", "accept", "status"),
    [
        ("application/dicom+json", "*/*", 200),
        ("application/dicom%2Bjson", "application/*", 200),
        ("application/dicom+json", "application/dicom+json", 200),
        ("application/dicom+json", "application/json", 200),
        ("application/dicom+json;q=0.2", "*/*", 200),
        ("text/html", "*/*", 200),
        ("*/*", "*/*", 400),
        ("application/*", "*/*", 400),
        ("application/dicom+json", "application/dicom+xml", 400),
        ("application/dicom+json", "*/*;q=0", 400),
        ("nonsense", "*/*", 400),
        ("", "*/*", 400),
    ],
)
def test_the_accept_parameter_is_covered_by_the_header(
    client: httpx.Client, instance: str, parameter: str, accept: str, status: int
) -> None:
    response = client.get(f"{instance}/metadata?accept={parameter}", headers={"Accept": accept})

    assert response.status_code == status


@pytest.mark.requirement("NEG-15", "NEG-20", "NEG-23", "STAT-11", "WADO-21")
@pytest.mark.parametrize("accept", ["text/html", "application/pdf", "application/dicom+json;q=0", "*/*;q=0", "x"])
def test_nothing_acceptable_is_406_with_what_there_is(client: httpx.Client, instance: str, accept: str) -> None:
    response = client.get(f"{instance}/metadata", headers={"Accept": accept})

    assert response.status_code == 406
    assert "application/dicom+json" in response.text


@pytest.mark.requirement("WADO-31", "WADO-29", "HDR-01", "TSX-12")
@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "APPLICATION/DICOM+JSON",
        "application/dicom+json ; charset=UTF-8",
        'application/dicom+json; transfer-syntax="*"',
        "application/dicom+json; unknown=1",
        "*/*",
        "application/*",
    ],
)
def test_metadata_come_as_json(client: httpx.Client, instance: str, accept: str) -> None:
    response = client.get(f"{instance}/metadata", headers={"Accept": accept})

    assert (response.status_code, response.headers["content-type"]) == (200, "application/dicom+json")


@pytest.mark.requirement("CHR-02", "CHR-04", "CHR-05", "CHR-06", "CHR-09", "WADO-30")
@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {"Accept": "application/dicom+json; charset=utf-8"}, 200),
        ("", {"Accept": "application/dicom+json; charset=ISO-8859-1"}, 406),
        ("", {"Accept": "application/dicom+json; charset=ISO-8859-1, */*;q=0.1"}, 200),
        ("?charset=UTF-8", JSON, 200),
        ("?charset=koi8-r,utf-8;q=0.1", JSON, 200),
        ("?charset=ISO-8859-1", JSON, 400),
        ("?charset=*", JSON, 400),
        ("?charset=", JSON, 400),
        ("?charset=utf-8;q=0", JSON, 400),
        ("", {**JSON, "Accept-Charset": "ISO-8859-1"}, 200),
        ("", {**JSON, "Accept-Charset": "nonsense;;, utf-8"}, 200),
    ],
)
def test_json_is_utf_8_whatever_is_asked(
    client: httpx.Client, instance: str, query: str, headers: dict[str, str], status: int
) -> None:
    response = client.get(f"{instance}/metadata{query}", headers=headers)

    assert response.status_code == status
    if status == 200:
        response.content.decode("utf-8")


@pytest.mark.requirement("NEG-21", "HDR-03", "HDR-04", "HDR-09")
@pytest.mark.parametrize("coding", DECODERS)
def test_metadata_come_in_the_coding_that_is_liked_best(client: httpx.Client, instance: str, coding: str) -> None:
    path = f"{instance}/metadata"
    plain = client.get(path, headers={**JSON, "Accept-Encoding": "identity"})
    wanted = {**JSON, "Accept-Encoding": f"{coding}, identity;q=0.1, *;q=0.05"}

    answers = []
    for _ in range(2):
        with client.stream("GET", path, headers=wanted) as response:
            answers.append((response, b"".join(response.iter_raw())))
    known = client.get(path, headers={**wanted, "If-None-Match": answers[0][0].headers["etag"]})

    for response, body in answers:
        assert response.headers["content-encoding"] == coding
        assert int(response.headers["content-length"]) == len(body) < len(plain.content)
        assert DECODERS[coding](body) == plain.content
        assert {"Accept", "Accept-Encoding"} <= {item.strip() for item in response.headers["vary"].split(",")}
        assert response.headers["cache-control"] == "private, no-cache"
        assert response.headers["etag"] != plain.headers["etag"]
    # The second one was kept, and is the same.
    assert answers[0][1] == answers[1][1]
    assert (known.status_code, known.headers["etag"]) == (304, answers[0][0].headers["etag"])


def test_a_change_of_the_series_changes_what_is_kept(client: httpx.Client) -> None:
    datasets = make_series(3, ImageComments="x" * 2000)
    store(client, *(encode(dataset) for dataset in datasets[:2]))
    path = f"/studies/{datasets[0].StudyInstanceUID}/metadata"
    headers = {**JSON, "Accept-Encoding": "gzip"}
    before = [client.get(path, headers=headers) for _ in range(2)]

    store(client, encode(datasets[2]))
    after = client.get(path, headers=headers)

    assert [len(response.json()) for response in (*before, after)] == [2, 2, 3]
    assert after.headers["etag"] != before[0].headers["etag"]


@pytest.mark.requirement("NEG-21")
def test_pixels_are_never_compressed_on_the_way(client: httpx.Client, instance: str) -> None:
    for end in ("", "/frames/1", "/bulkdata/7FE00010"):
        response = client.get(instance + end, headers={"Accept": "*/*", "Accept-Encoding": "gzip, br, zstd"})
        assert "content-encoding" not in response.headers


@pytest.mark.requirement("HDR-01", "HDR-02", "MT-41", "MT-42", "PAY-01", "PAY-02", "PAY-03")
def test_answers_say_what_they_are_and_of_what(client: httpx.Client, instance: str) -> None:
    url = str(client.base_url).rstrip("/") + instance

    single = client.get(instance, headers={"Accept": "application/dicom"})
    multipart = client.get(f"{instance}/frames/1", headers=OCTETS)

    assert single.headers["content-location"] == url
    assert multipart.headers["content-type"].startswith('multipart/related; type="application/octet-stream"; boundary=')
    assert "content-location" not in multipart.headers
    assert f"Content-Location: {url}/frames/1\r\n".encode() in multipart.content


@pytest.mark.requirement("QP-04", "QP-09", "QP-10", "NEG-07")
@pytest.mark.parametrize("query", ["?Accept=text/html", "?ACCEPT=*/*", "?unknown=1", "?=", "?&&", "?", "?accept"])
def test_other_parameters_are_passed_over(client: httpx.Client, instance: str, query: str) -> None:
    assert client.get(f"{instance}/metadata{query}", headers=JSON).status_code == 200


@pytest.mark.requirement("QP-01", "STAT-07")
@pytest.mark.parametrize("length", [2_000, 15_000, 60_000])
@pytest.mark.parametrize(
    "piece", ["a/b,", "*/*;q=0.", '"', "multipart/related;type=", ";", ",", "application/dicom+json;a=1,"]
)
def test_long_headers_get_an_answer_in_time(client: httpx.Client, instance: str, length: int, piece: str) -> None:
    response: Any = client.get(f"{instance}/metadata", headers={"Accept": (piece * length)[:length]}, timeout=5)

    assert response.status_code in (200, 400, 406, 431)
