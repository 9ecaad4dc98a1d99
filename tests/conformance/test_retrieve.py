from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
    generate_uid,
)

from dicomweb import JSON, OBJECTS, OBJECTS_AS_STORED, OCTETS, parts_of, path_of, store, values
from samples import PREFIX, encode, make_dataset, make_series

FRAME = 'multipart/related; type="{}"'


def read(content: bytes) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(content))


@pytest.mark.requirement("WADO-01", "WADO-40", "WADO-47", "TSX-05", "TSX-10")
def test_a_study_and_a_series_come_whole(client: httpx.Client) -> None:
    datasets = make_series(3)
    objects = {dataset.SOPInstanceUID: encode(dataset) for dataset in datasets}
    store(client, *objects.values())
    study = f"/studies/{datasets[0].StudyInstanceUID}"

    for path in (study, f"{study}/series/{datasets[0].SeriesInstanceUID}"):
        response = client.get(path, headers=OBJECTS_AS_STORED)
        parts = parts_of(response)

        assert response.status_code == 200
        assert int(response.headers["content-length"]) == len(response.content)
        assert sorted(part.content for part in parts) == sorted(objects.values())
        for part in parts:
            assert part.headers["content-type"] == f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
            assert part.headers["content-location"].startswith(f"{str(client.base_url).rstrip('/')}{study}/series/")
            assert int(part.headers["content-length"]) == len(part.content)


@pytest.mark.requirement("WADO-26")
def test_an_instance_may_come_as_a_single_part_and_a_study_may_not(client: httpx.Client) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))

    instance = client.get(path_of(dataset), headers={"Accept": "application/dicom"})
    study = client.get(f"/studies/{dataset.StudyInstanceUID}", headers={"Accept": "application/dicom"})

    assert instance.content == encode(dataset)
    assert instance.headers["content-type"] == f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    assert study.status_code == 406
    assert 'multipart/related; type="application/dicom"' in study.text


@pytest.mark.requirement("TSX-01", "TSX-02")
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("accept", [OBJECTS, OBJECTS_AS_STORED])
def test_what_never_travels_comes_in_explicit_little_endian(
    client: httpx.Client, syntax: str, accept: dict[str, str]
) -> None:
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8) * 257
    dataset = make_dataset(Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, PixelData=pixels.tobytes())
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = pixels.byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    assert store(client, encode(dataset, syntax)).status_code == 200

    (part,) = parts_of(client.get(path_of(dataset), headers=accept))

    received = read(part.content)
    assert received.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert received.PatientName == dataset.PatientName
    assert (received.pixel_array == pixels).all()


@pytest.mark.requirement("TSX-02", "TSX-05")
def test_a_deflated_object_comes_as_stored_only_if_asked_for(client: httpx.Client) -> None:
    dataset = make_dataset()
    stored = encode(dataset, DeflatedExplicitVRLittleEndian)
    store(client, stored)

    (as_stored,) = parts_of(client.get(path_of(dataset), headers=OBJECTS_AS_STORED))
    (default,) = parts_of(client.get(path_of(dataset), headers=OBJECTS))
    (frame,) = parts_of(client.get(path_of(dataset) + "/frames/1", headers=OCTETS))

    assert as_stored.content == stored
    assert read(default.content).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert read(default.content).PixelData == dataset.PixelData
    assert frame.content == dataset.PixelData


@pytest.fixture
def rle(client: httpx.Client) -> Dataset:
    pixels = np.arange(2 * 64, dtype=np.uint16).reshape(2, 8, 8)
    dataset = make_dataset(
        Rows=8, Columns=8, BitsAllocated=16, BitsStored=16, HighBit=15, NumberOfFrames=2, PixelData=pixels.tobytes()
    )
    dataset["PixelData"].VR = "OW"
    encode(dataset)
    dataset.compress(RLELossless, generate_instance_uid=False)
    assert store(client, encode(dataset, RLELossless)).status_code == 200
    dataset.decoded = pixels
    return dataset


@pytest.mark.requirement("TSX-03", "WADO-41")
def test_a_losslessly_compressed_object_comes_decoded_unless_asked_otherwise(
    client: httpx.Client, rle: Dataset
) -> None:
    (default,) = parts_of(client.get(path_of(rle), headers=OBJECTS))
    (as_stored,) = parts_of(client.get(path_of(rle), headers=OBJECTS_AS_STORED))

    received = read(default.content)
    assert received.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert (received.pixel_array == rle.decoded).all()
    assert read(as_stored.content).file_meta.TransferSyntaxUID == RLELossless


@pytest.mark.requirement("WADO-11", "WADO-52", "WADO-54", "MT-21", "MT-22", "TSX-05")
def test_frames_come_decoded_or_as_stored(client: httpx.Client, rle: Dataset) -> None:
    path = path_of(rle) + "/frames/"

    decoded = parts_of(client.get(path + "1,2", headers=OCTETS))
    stored = parts_of(client.get(path + "2", headers={"Accept": FRAME.format("image/dicom-rle")}))
    any_syntax = parts_of(client.get(path + "2", headers={"Accept": f"{OCTETS['Accept']}; transfer-syntax=*"}))
    single = client.get(path + "1", headers={"Accept": "application/octet-stream"})

    assert [part.content for part in decoded] == [frame.tobytes() for frame in rle.decoded]
    assert decoded[1].headers["content-location"] == f"{str(client.base_url).rstrip('/')}{path}2"
    assert stored[0].headers["content-type"] == f"image/dicom-rle; transfer-syntax={RLELossless}"
    assert any_syntax[0].content == stored[0].content
    assert any_syntax[0].headers["content-type"] == f"application/octet-stream; transfer-syntax={RLELossless}"
    assert single.content == rle.decoded[0].tobytes()


@pytest.mark.requirement("WADO-05")
@pytest.mark.parametrize(
    ("frames", "status"),
    [
        ("0", 400),
        ("-1", 400),
        ("a", 400),
        ("2,1", 400),
        ("1,1", 400),
        ("1,", 400),
        ("99999999999999999999", 400),
        ("", 404),
        ("3", 404),
        ("1,3", 404),
        ("1%2C2", 200),
    ],
)
def test_frame_lists_are_checked(client: httpx.Client, rle: Dataset, frames: str, status: int) -> None:
    assert client.get(f"{path_of(rle)}/frames/{frames}", headers=OCTETS).status_code == status


@pytest.mark.requirement("NEG-15", "NEG-20", "TSX-08", "WADO-25", "WADO-74")
@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/dicom",
        'multipart/related; type="application/dicom"',
        'multipart/related; type="image/jpx"',
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.4.92',
        "text/html",
    ],
)
def test_frames_that_cannot_be_had_so_answer_406(client: httpx.Client, rle: Dataset, accept: str) -> None:
    response = client.get(f"{path_of(rle)}/frames/1", headers={"Accept": accept})

    assert response.status_code == 406
    assert "image/dicom-rle" in response.text


@pytest.mark.requirement("WADO-53")
def test_one_bit_frames_start_at_bit_0(client: httpx.Client) -> None:
    bits = np.random.default_rng(1).integers(0, 2, (3, 5, 5), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset = make_dataset(
        Rows=5,
        Columns=5,
        BitsAllocated=1,
        BitsStored=1,
        HighBit=0,
        NumberOfFrames=3,
        PixelData=packed + b"\0" * (len(packed) % 2),
    )
    store(client, encode(dataset))

    parts = parts_of(client.get(path_of(dataset) + "/frames/1,2,3", headers=OCTETS))

    assert [part.content for part in parts] == [
        np.packbits(frame.ravel(), bitorder="little").tobytes() for frame in bits
    ]


@pytest.mark.requirement("WADO-02", "WADO-29", "WADO-43", "WADO-44", "WADO-46", "WADO-47", "JSON-02")
def test_metadata_hold_every_attribute_and_their_bulk_data_can_be_had(client: httpx.Client) -> None:
    datasets = make_series(3)
    for dataset in datasets:
        block = dataset.private_block(0x0009, "HILUM TEST", create=True)
        block.add_new(1, "OB", b"\1\2\3\4")
        block.add_new(2, "OB", bytes(2000))
    store(client, *(encode(dataset) for dataset in datasets))
    study = f"/studies/{datasets[0].StudyInstanceUID}"

    for path in (study, f"{study}/series/{datasets[0].SeriesInstanceUID}", path_of(datasets[0])):
        response = client.get(path + "/metadata", headers=JSON)
        assert response.headers["content-type"] == "application/dicom+json"
        found: list[dict[str, Any]] = response.json()
        assert len(found) == (1 if "instances" in path else 3)
        for item in found:
            assert set(item) == {f"{element.tag:08X}" for element in datasets[0]}
            assert item["00091001"] == {"vr": "OB", "InlineBinary": "AQIDBA=="}
            instance_url = f"{str(client.base_url).rstrip('/')}{study}/series/{values(item, '0020000E')[0]}"
            assert item["7FE00010"]["BulkDataURI"].startswith(instance_url)
            (part,) = parts_of(client.get(item["7FE00010"]["BulkDataURI"], headers=OCTETS))
            assert part.content == datasets[0].PixelData
            single = client.get(item["00091002"]["BulkDataURI"], headers={"Accept": "application/octet-stream"})
            assert single.content == bytes(2000)


@pytest.mark.requirement("WADO-45", "JSON-38")
def test_bulk_data_inside_sequences_have_uris_of_their_own(client: httpx.Client) -> None:
    item, inner = Dataset(), Dataset()
    inner.EncapsulatedDocument = bytes(range(256)) * 8
    item.ReferencedImageSequence = [Dataset(), inner]
    dataset = make_dataset(ReferencedStudySequence=[item])
    store(client, encode(dataset))

    (metadata,) = client.get(path_of(dataset) + "/metadata", headers=JSON).json()

    nested = values(values(metadata, "00081110")[0], "00081140")
    assert nested[0] == {}
    assert nested[1]["00420011"]["BulkDataURI"].endswith("/bulkdata/00081110/1/00081140/2/00420011")
    (part,) = parts_of(client.get(nested[1]["00420011"]["BulkDataURI"], headers=OCTETS))
    assert part.content == inner.EncapsulatedDocument


@pytest.mark.requirement("JSON-39")
def test_long_texts_are_served_as_utf_8(client: httpx.Client) -> None:
    text = "Grüße aus Köln. " * 8192
    dataset = make_dataset(SpecificCharacterSet="ISO_IR 100", TextValue=text.strip())
    dataset.PatientName = "Test^Person"
    store(client, encode(dataset))

    (metadata,) = client.get(path_of(dataset) + "/metadata", headers=JSON).json()

    assert metadata["0040A160"]["vr"] == "UT"
    (part,) = parts_of(client.get(metadata["0040A160"]["BulkDataURI"], headers=OCTETS))
    assert part.content.decode().rstrip() == text.strip()


@pytest.mark.requirement("WADO-06", "WADO-73")
@pytest.mark.parametrize("end", ["", "/metadata", "/frames/1", "/bulkdata/7FE00010"])
def test_what_is_not_there_or_not_under_this_parent_is_404(client: httpx.Client, end: str) -> None:
    dataset, other = make_dataset(), make_dataset()
    store(client, encode(dataset), encode(other))
    unknown = generate_uid(PREFIX)
    accept = {"Accept": "*/*"}

    for path in (
        f"/studies/{unknown}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}",
        f"/studies/{other.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}",
        f"/studies/{dataset.StudyInstanceUID}/series/{other.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}",
        f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{unknown}",
    ):
        assert client.get(path + end, headers=accept).status_code == 404


@pytest.mark.requirement("WADO-06")
@pytest.mark.parametrize("uid", ["1.2.x", "1..2", "1.2.", "a" * 70, "1.2%00", "%2e%2e", "..%2f..%2fetc", "1.2\u0661"])
def test_a_malformed_uid_in_the_path_is_refused(client: httpx.Client, uid: str) -> None:
    for path in (f"/studies/{uid}", f"/studies/{uid}/metadata", f"/studies/1.2/series/{uid}/metadata"):
        assert client.get(path, headers=JSON | {"Accept": "*/*"}).status_code in (400, 404)


@pytest.mark.requirement("HDR-09")
@pytest.mark.parametrize("end", ["", "/metadata", "/frames/1"])
def test_an_unchanged_representation_is_not_sent_again(client: httpx.Client, end: str) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))
    first = client.get(path_of(dataset) + end, headers={"Accept": "*/*"})
    etag = first.headers["etag"]

    again = client.get(path_of(dataset) + end, headers={"Accept": "*/*", "If-None-Match": f'"x", {etag}'})
    other = client.get(path_of(dataset) + end, headers={"Accept": "*/*", "If-None-Match": '"x"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (other.status_code, other.content) == (200, first.content)
    assert first.headers["cache-control"] == "private, no-cache"
    assert {"Accept", "Accept-Encoding"} <= {item.strip() for item in first.headers["vary"].split(",")}


@pytest.mark.requirement("WADO-07")
@pytest.mark.parametrize("end", ["", "/metadata", "/frames/1"])
def test_head_answers_as_get_does_without_a_body(client: httpx.Client, end: str) -> None:
    dataset = make_dataset()
    store(client, encode(dataset))
    headers = {"Accept": "*/*", "Accept-Encoding": "identity"}

    got, head = (
        client.get(path_of(dataset) + end, headers=headers),
        client.head(path_of(dataset) + end, headers=headers),
    )

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["etag"] == got.headers["etag"]


@pytest.mark.requirement("NEG-21", "HDR-03")
def test_metadata_and_search_results_come_compressed_if_accepted(client: httpx.Client) -> None:
    datasets = make_series(5)
    store(client, *(encode(dataset) for dataset in datasets))
    path = f"/studies/{datasets[0].StudyInstanceUID}"

    for resource in (f"{path}/metadata", f"{path}/instances"):
        plain = client.get(resource, headers={**JSON, "Accept-Encoding": "identity"})
        packed = client.get(resource, headers={**JSON, "Accept-Encoding": "gzip"})

        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.json() == plain.json()
        assert packed.headers.get("etag", "1") != plain.headers.get("etag", "2")


@pytest.mark.requirement("TSX-03", "MT-25")
def test_lossy_frames_come_as_stored_or_decoded(client: httpx.Client) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16), 100, np.uint8)).save(buffer, "JPEG")
    dataset = make_dataset(Rows=16, Columns=16, NumberOfFrames=1)
    dataset.PixelData = encapsulate([buffer.getvalue()])
    dataset["PixelData"].VR = "OB"
    store(client, encode(dataset, JPEGBaseline8Bit))
    path = path_of(dataset) + "/frames/1"

    (jpeg,) = parts_of(client.get(path, headers={"Accept": FRAME.format("image/jpeg")}))
    (octets,) = parts_of(client.get(path, headers=OCTETS))
    (whole,) = parts_of(client.get(path_of(dataset), headers=OBJECTS))

    assert jpeg.headers["content-type"] == f"image/jpeg; transfer-syntax={JPEGBaseline8Bit}"
    assert jpeg.content.startswith(b"\xff\xd8")
    assert len(octets.content) == 256
    assert read(whole.content).file_meta.TransferSyntaxUID == JPEGBaseline8Bit


def test_two_forms_of_an_instance_have_two_validators(client: httpx.Client, rle: Dataset) -> None:
    etags = {client.get(path_of(rle), headers=accept).headers["etag"] for accept in (OBJECTS, OBJECTS_AS_STORED)}

    assert len(etags) == 2


@pytest.fixture(autouse=True)
def _quiet_pydicom() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield
