"""Byte ranges of single-part answers, and videos as a browser's video element asks for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomweb import OCTETS, parts_of, path_of, store
from samples import encode, make_dataset
from videos import HEVC, MPEG_2, MPEG_4, stream, video

DICOM = {"Accept": "application/dicom"}
ALONE = {"Accept": "application/octet-stream"}
# What browsers send for a video element.
CHROME = {"Accept": "*/*", "Accept-Encoding": "identity;q=1, *;q=0", "Range": "bytes=0-"}
FIREFOX = {
    "Accept": "video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5",
    "Range": "bytes=0-",
}
SAFARI = {"Accept": "*/*", "Accept-Encoding": "identity", "Range": "bytes=0-1"}


@pytest.fixture
def large(client: httpx.Client) -> Dataset:
    """An instance of which everything that is one item is long."""
    dataset = make_dataset(Rows=1500, Columns=1500, PixelData=stream(1500 * 1500, seed=1))
    dataset.private_block(0x0009, "HILUM TEST", create=True).add_new(1, "OB", stream(5000, seed=2))
    assert store(client, encode(dataset)).status_code == 200
    return dataset


def resources(dataset: Dataset) -> list[tuple[str, dict[str, str], bytes]]:
    path = path_of(dataset)
    return [
        (path, DICOM, encode(dataset)),
        (f"{path}/frames/1", ALONE, dataset.PixelData),
        (f"{path}/bulkdata/7FE00010", ALONE, dataset.PixelData),
        (f"{path}/pixeldata", ALONE, dataset.PixelData),
        (f"{path}/bulkdata/00091001", ALONE, dataset[0x0009, 0x1001].value),
    ]


@pytest.mark.requirement("WADO-50", "HDR-04", "HDR-05", "STAT-05")
def test_ranges_of_what_is_one_item_can_be_had(client: httpx.Client, large: Dataset) -> None:
    for path, accept, content in resources(large):
        size = len(content)
        whole = client.get(path, headers=accept)
        assert (whole.status_code, whole.content) == (200, content)
        assert whole.headers["accept-ranges"] == "bytes"
        assert int(whole.headers["content-length"]) == size
        for text, start, stop in [
            ("bytes=0-0", 0, 1),
            ("bytes=100-1999", 100, 2000),
            ("bytes=4000-", 4000, size),
            ("bytes=-7", size - 7, size),
            (f"bytes=10-{size * 2}", 10, size),
        ]:
            part = client.get(path, headers={**accept, "Range": text})
            assert (part.status_code, part.content) == (206, content[start:stop])
            assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
            assert int(part.headers["content-length"]) == stop - start
            assert part.headers["etag"] == whole.headers["etag"]
            assert part.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.requirement("WADO-50", "HDR-05")
def test_a_range_behind_the_end_is_416_with_the_size(client: httpx.Client, large: Dataset) -> None:
    for path, accept, content in resources(large):
        response = client.get(path, headers={**accept, "Range": f"bytes={len(content)}-"})

        assert response.status_code == 416
        assert response.headers["content-range"] == f"bytes */{len(content)}"
        assert str(len(content)) in response.text


@pytest.mark.parametrize("text", ["bytes=0-1,5-6", "bytes=5-1", "lines=1-2", "bytes=a-b", "bytes=-", "0-5"])
def test_other_ranges_get_the_whole(client: httpx.Client, large: Dataset, text: str) -> None:
    response = client.get(path_of(large), headers={**DICOM, "Range": text})

    assert (response.status_code, response.content) == (200, encode(large))


@pytest.mark.requirement("HDR-09")
def test_a_range_counts_only_for_the_representation_that_the_user_agent_has_begun(
    client: httpx.Client, large: Dataset
) -> None:
    etag = client.head(path_of(large), headers=DICOM).headers["etag"]
    wanted = {**DICOM, "Range": "bytes=0-9"}

    same = client.get(path_of(large), headers={**wanted, "If-Range": etag})
    other = client.get(path_of(large), headers={**wanted, "If-Range": '"other"'})
    dated = client.get(path_of(large), headers={**wanted, "If-Range": "Wed, 21 Oct 2015 07:28:00 GMT"})
    known = client.get(path_of(large), headers={**wanted, "If-None-Match": etag})
    head = client.head(path_of(large), headers=wanted)

    assert (same.status_code, len(same.content)) == (206, 10)
    assert (other.status_code, dated.status_code, known.status_code) == (200, 200, 304)
    # A range means nothing to HEAD.
    assert (head.status_code, int(head.headers["content-length"])) == (200, len(encode(large)))


def test_multipart_answers_have_no_ranges(client: httpx.Client, large: Dataset) -> None:
    response = client.get(f"{path_of(large)}/frames/1", headers={**OCTETS, "Range": "bytes=0-9"})

    assert response.status_code == 200
    assert "accept-ranges" not in response.headers
    assert parts_of(response)[0].content == large.PixelData


@pytest.mark.requirement("TSX-01", "WADO-50")
def test_ranges_of_a_wire_form_count_in_what_travels(client: httpx.Client) -> None:
    dataset = make_dataset(Rows=64, Columns=64, PixelData=stream(4096))
    store(client, encode(dataset, ImplicitVRLittleEndian))
    whole = client.get(path_of(dataset), headers=DICOM)
    assert whole.headers["content-type"].endswith(ExplicitVRLittleEndian)

    for start, stop in [(0, 132), (100, 4200), (len(whole.content) - 5, len(whole.content))]:
        part = client.get(path_of(dataset), headers={**DICOM, "Range": f"bytes={start}-{stop - 1}"})
        assert part.content == whole.content[start:stop]


FORMS: dict[str, tuple[Callable[[bytes], Dataset], str, str]] = {
    "one fragment": (lambda data: video([data]), MPEG_4, "video/mp4"),
    "three fragments": (lambda data: video([data[:1000], data[1000:1000], data[1000:]]), MPEG_4, "video/mp4"),
    "many fragments": (
        lambda data: video([data[start : start + 250] for start in range(0, len(data), 250)]),
        MPEG_2,
        "video/mpeg",
    ),
    "HEVC": (lambda data: video([data]), HEVC, "video/H265"),
}


@pytest.mark.requirement("MT-21", "MT-23", "WADO-10", "WADO-12", "WADO-48", "WADO-50")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("browser", [CHROME, FIREFOX, SAFARI], ids=["Chrome", "Firefox", "Safari"])
def test_a_browser_plays_a_video_wherever_it_jumps(client: httpx.Client, form: str, browser: dict[str, str]) -> None:
    make, syntax, media_type = FORMS[form]
    data = stream(200_000)
    dataset = make(data)
    assert store(client, encode(dataset, syntax)).status_code == 200

    for end in ("pixeldata", "bulkdata/7FE00010"):
        path = f"{path_of(dataset)}/{end}"
        start = client.get(path, headers=browser)
        later = client.get(path, headers={**browser, "Range": "bytes=150000-150999", "If-Range": start.headers["etag"]})
        assert start.status_code == later.status_code == 206
        assert start.headers["content-type"] == f"{media_type}; transfer-syntax={syntax}"
        assert data.startswith(start.content)
        assert start.headers["content-range"] == f"bytes 0-{len(start.content) - 1}/200000"
        assert later.content == data[150_000:151_000]


@pytest.mark.requirement("MT-23")
def test_an_extended_offset_table_tells_the_length_without_padding(client: httpx.Client) -> None:
    data = stream(9_999)
    dataset = video([data + b"\0"], exact_length=9_999)
    store(client, encode(dataset, MPEG_4))

    response = client.get(f"{path_of(dataset)}/pixeldata", headers=CHROME)

    assert response.headers["content-range"] == "bytes 0-9998/9999"
    assert response.content == data


@pytest.mark.requirement("WADO-55", "MT-23", "NEG-20")
def test_the_frames_of_a_video_do_not_come_one_by_one_nor_decoded(client: httpx.Client) -> None:
    dataset = video([stream(1000)])
    store(client, encode(dataset, MPEG_4))

    frame = client.get(f"{path_of(dataset)}/frames/1", headers={"Accept": 'multipart/related; type="video/mp4"'})
    decoded = client.get(f"{path_of(dataset)}/pixeldata", headers=OCTETS)
    in_multipart = client.get(f"{path_of(dataset)}/pixeldata", headers={"Accept": 'multipart/related; type="video/*"'})

    assert (frame.status_code, decoded.status_code) == (406, 406)
    assert "video/mp4" in frame.text
    assert "video/mp4" in decoded.text
    (part,) = parts_of(in_multipart)
    assert part.content == stream(1000)
    assert part.headers["content-type"] == f"video/mp4; transfer-syntax={MPEG_4}"


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield
