"""Store of metadata and bulk data (PS3.18 10.5.1.4)."""

from __future__ import annotations

import io
from typing import Any

import httpx
import numpy as np
import orjson
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from dicomweb import BOUNDARY, JSON, OBJECTS_AS_STORED, OCTETS, parts_of, path_of, values
from hilum.dicom.xml import json_to_xml
from hilum.dicom.xml_reading import xml_to_json
from samples import PREFIX, make_dataset

DICOM_JSON, DICOM_XML = "application/dicom+json", "application/dicom+xml"
XML = {"Accept": 'multipart/related; type="application/dicom+xml"'}
ONE_XML = {"Accept": DICOM_XML}
LOCATION = "bulk/1"
RGB = np.random.default_rng(3).integers(0, 255, (24, 32, 3), dtype=np.uint8)

Part = tuple[str, str, bytes]
"""Content-Type, Content-Location ('': none), bytes."""


def picture(form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, form, **options)
    return buffer.getvalue()


def post(client: httpx.Client, form: str, parts: list[Part], *, study: str = "", accept: Any = JSON) -> httpx.Response:
    body = b""
    for media_type, location, content in parts:
        lines = [f"--{BOUNDARY}", f"Content-Type: {media_type}"] if media_type else [f"--{BOUNDARY}"]
        lines += [f"Content-Location: {location}"] if location else []
        body += "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"
    body += f"--{BOUNDARY}--\r\n".encode()
    headers = {"Content-Type": f'multipart/related; type="{form}"; boundary={BOUNDARY}', **accept}
    return client.post(f"/studies/{study}" if study else "/studies", content=body, headers=headers)


def metadata(dataset: Dataset, location: str = LOCATION) -> dict[str, Any]:
    model: dict[str, Any] = dataset.to_json_dict()
    if "7FE00010" in model:
        model["7FE00010"] = {"vr": "OW", "BulkDataURI": location}
    return model


def as_json(*models: dict[str, Any]) -> Part:
    return (DICOM_JSON, "", orjson.dumps(models))


def minimal(**attributes: Any) -> dict[str, Any]:
    """Return what a web-based image capture sends."""
    dataset = Dataset()
    dataset.StudyInstanceUID = generate_uid(PREFIX)
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "W1"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    model: dict[str, Any] = dataset.to_json_dict()
    return model


def only_stored(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code in (200, 202), response.text
    (item,) = values(response.json(), "00081199")
    stored: dict[str, Any] = item
    return stored


def read_back(client: httpx.Client, item: dict[str, Any]) -> Dataset:
    response = client.get(values(item, "00081190")[0], headers=OBJECTS_AS_STORED)
    assert response.status_code == 200, response.text
    (part,) = parts_of(response)
    return pydicom.dcmread(io.BytesIO(part.content))


def nothing_is_stored(client: httpx.Client, study: str) -> bool:
    return client.get(f"/studies?StudyInstanceUID={study}", headers=JSON).status_code == 204


@pytest.mark.requirement("STOW-12", "STOW-13", "STOW-18", "STOW-20", "STOW-42", "PAY-06")
@pytest.mark.parametrize("form", [DICOM_JSON, DICOM_XML])
def test_metadata_and_octets_come_back_as_the_instance(client: httpx.Client, form: str) -> None:
    dataset = make_dataset(PatientName="Müller^Jörg=王^小東")
    model = metadata(dataset)
    root = as_json(model) if form == DICOM_JSON else (DICOM_XML, "", json_to_xml(model))

    response = post(client, form, [root, ("application/octet-stream", LOCATION, dataset.PixelData)])

    assert response.status_code == 200, response.text
    stored = read_back(client, only_stored(response))
    assert stored.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert stored.PixelData == dataset.PixelData
    for element in dataset:
        assert stored[element.tag].value == element.value


@pytest.mark.requirement("STOW-11")
def test_each_xml_part_is_one_instance(client: httpx.Client) -> None:
    datasets = [make_dataset() for _ in range(2)]
    documents = [(DICOM_XML, "", json_to_xml(metadata(one, f"b{index}"))) for index, one in enumerate(datasets)]
    bulk = [("application/octet-stream", f"b{index}", one.PixelData) for index, one in enumerate(datasets)]

    response = post(client, DICOM_XML, [*documents, *bulk])

    assert response.status_code == 200, response.text
    assert [values(item, "00081155")[0] for item in values(response.json(), "00081199")] == [
        dataset.SOPInstanceUID for dataset in datasets
    ]


@pytest.mark.requirement("STOW-13")
@pytest.mark.parametrize(("uri", "location"), [("bulk/1", "/dicomweb/bulk/1"), ("/dicomweb/bulk/1", "./bulk/1")])
def test_locations_are_resolved_against_the_request(client: httpx.Client, uri: str, location: str) -> None:
    dataset = make_dataset()

    response = post(
        client,
        DICOM_JSON,
        [as_json(metadata(dataset, uri)), ("application/octet-stream", location, dataset.PixelData)],
    )

    assert response.status_code == 200, response.text


@pytest.mark.requirement("STOW-16")
def test_small_values_may_be_inline(client: httpx.Client) -> None:
    dataset = make_dataset()

    response = post(client, DICOM_JSON, [as_json(dataset.to_json_dict())])

    assert read_back(client, only_stored(response)).PixelData == dataset.PixelData


@pytest.mark.requirement("STOW-17", "STOW-45", "XML-14")
@pytest.mark.parametrize("uri", ["elsewhere", "http://127.0.0.1:1/bulk", "urn:uuid:1"])
def test_a_location_without_part_fails_its_instance_alone(client: httpx.Client, uri: str) -> None:
    good, bad = make_dataset(), make_dataset()
    parts = [
        as_json(metadata(good), metadata(bad, uri)),
        ("application/octet-stream", LOCATION, good.PixelData),
    ]

    response = post(client, DICOM_JSON, parts)

    assert response.status_code == 202
    assert values(only_stored(response), "00081155") == [good.SOPInstanceUID]
    (failed,) = values(response.json(), "00081198")
    assert (values(failed, "00081155"), values(failed, "00081197")) == ([bad.SOPInstanceUID], [0xC000])
    assert nothing_is_stored(client, bad.StudyInstanceUID)


@pytest.mark.requirement("STOW-15", "STOW-23", "STOW-24", "STOW-25")
def test_a_jpeg_is_kept_as_it_is_and_described(client: httpx.Client) -> None:
    content = picture("JPEG")
    model = minimal() | {"7FE00010": {"vr": "OB", "BulkDataURI": LOCATION}}

    item = only_stored(post(client, DICOM_JSON, [as_json(model), ("image/jpeg", LOCATION, content)]))

    stored = read_back(client, item)
    assert stored.file_meta.TransferSyntaxUID == pydicom.uid.JPEGBaseline8Bit
    assert (stored.Rows, stored.Columns, stored.SamplesPerPixel, stored.BitsStored) == (24, 32, 3, 8)
    assert (stored.PhotometricInterpretation, stored.LossyImageCompression) == ("YBR_FULL_422", "01")
    assert content in stored.PixelData
    frame = client.get(f"{path_of(stored)}/frames/1", headers={"Accept": 'multipart/related; type="image/jpeg"'})
    assert parts_of(frame)[0].content.rstrip(b"\0") == content.rstrip(b"\0")


@pytest.mark.requirement("STOW-25", "STOW-26")
def test_png_and_gif_become_native_pixels(client: httpx.Client) -> None:
    other = Image.fromarray(255 - RGB)
    animated = picture("GIF", save_all=True, append_images=[other])
    alpha = io.BytesIO()
    Image.fromarray(np.dstack([RGB, RGB[..., :1]])).save(alpha, "PNG")

    png = read_back(
        client, only_stored(post(client, DICOM_JSON, [as_json(minimal()), ("image/png", "", alpha.getvalue())]))
    )
    gif = read_back(client, only_stored(post(client, DICOM_JSON, [as_json(minimal()), ("image/gif", "", animated)])))

    assert png.PixelData == RGB.tobytes()
    assert (gif.NumberOfFrames, gif.SOPClassUID) == (2, "1.2.840.10008.5.1.4.1.1.7.4")
    assert gif.pixel_array.shape == (2, 24, 32, 3)


@pytest.mark.requirement("STOW-15")
def test_several_parts_of_one_location_are_frames_in_their_order(client: httpx.Client) -> None:
    frames = [picture("JPEG", quality=quality) for quality in (40, 90)]
    model = minimal() | {"7FE00010": {"vr": "OB", "BulkDataURI": LOCATION}}

    item = only_stored(post(client, DICOM_JSON, [as_json(model), *(("image/jpeg", LOCATION, one) for one in frames)]))

    stored = read_back(client, item)
    assert stored.NumberOfFrames == 2
    assert [one.rstrip(b"\0") for one in pydicom.encaps.generate_frames(stored.PixelData, number_of_frames=2)] == [
        one.rstrip(b"\0") for one in frames
    ]


@pytest.mark.requirement("STOW-14", "WADO-49")
def test_a_pdf_becomes_an_encapsulated_document_of_the_study(client: httpx.Client) -> None:
    model = minimal(DocumentTitle="Letter") | {"00420011": {"vr": "OB", "BulkDataURI": LOCATION}}
    study = model["0020000D"]["Value"][0]
    content = b"%PDF-1.4\n%%EOF\n"

    item = only_stored(post(client, DICOM_JSON, [as_json(model), ("application/pdf", LOCATION, content)], study=study))

    stored = read_back(client, item)
    assert (stored.SOPClassUID, stored.StudyInstanceUID) == ("1.2.840.10008.5.1.4.1.1.104.1", study)
    assert (stored.MIMETypeOfEncapsulatedDocument, stored.DocumentTitle) == ("application/pdf", "Letter")
    assert stored.EncapsulatedDocument[: stored.EncapsulatedDocumentLength] == content


@pytest.mark.requirement("STOW-22", "STOW-43", "STOW-51")
def test_attributes_that_contradict_the_image_are_corrected_and_told(client: httpx.Client) -> None:
    model = minimal(Rows=9999) | {"7FE00010": {"vr": "OB", "BulkDataURI": LOCATION}}

    response = post(client, DICOM_JSON, [as_json(model), ("image/jpeg", LOCATION, picture("JPEG"))])

    item = only_stored(response)
    assert (response.status_code, values(item, "00081196")) == (202, [0xB000])
    stored = read_back(client, item)
    assert stored.Rows == 24
    (original,) = stored.OriginalAttributesSequence
    assert original.ModifiedAttributesSequence[0].Rows == 9999
    assert original.ReasonForTheAttributeModification == "CORRECT"
    assert values(values(values(item, "04000561")[0], "04000550")[0], "00280010") == ["9999"]


@pytest.mark.requirement("STOW-51", "STOW-43")
def test_a_bad_decimal_string_is_kept_with_a_warning(client: httpx.Client) -> None:
    model = make_dataset().to_json_dict() | {"00101030": {"vr": "DS", "Value": ["70,5"]}, "00101020": {"vr": "DS"}}

    response = post(client, DICOM_JSON, [as_json(model)])

    item = only_stored(response)
    assert (response.status_code, values(item, "00081196")) == (202, [0xB007])
    found = client.get(values(item, "00081190")[0] + "/metadata", headers=JSON).json()[0]
    assert (values(found, "00101030"), found["00101020"]) == (["70,5"], {"vr": "DS"})


@pytest.mark.requirement("JSON-03", "JSON-20", "JSON-31", "JSON-07")
def test_loose_json_is_understood(client: httpx.Client) -> None:
    dataset = make_dataset()
    model = dataset.to_json_dict()
    model |= {
        "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
        "0020000d": model.pop("0020000D"),
        "SeriesNumber": {"Value": "7"},
        "00101030": {"vr": "DS", "Value": 70.5},
        "00101020": {"Value": ["1.80"]},
        "00080050": {"vr": "SH", "Value": []},
        "00100010": {"vr": "PN", "Value": ["A^B"]},
    }
    del model["00200011"]

    stored = read_back(client, only_stored(post(client, DICOM_JSON, [as_json(model)])))

    assert (stored.SeriesNumber, stored.PatientWeight, stored.PatientSize.original_string) == (7, 70.5, "1.80")
    assert (stored.AccessionNumber, stored.PatientName) == ("", "A^B")


@pytest.mark.requirement("STOW-27")
def test_metadata_of_another_study_are_refused(client: httpx.Client) -> None:
    response = post(client, DICOM_JSON, [as_json(make_dataset().to_json_dict())], study="1.2.3")

    assert response.status_code == 409
    (failed,) = values(response.json(), "00081198")
    assert values(failed, "00081197") == [0xA900]


@pytest.mark.requirement("STOW-44", "STOW-29", "XML-21", "JSON-10")
@pytest.mark.parametrize(
    ("form", "root"),
    [
        (DICOM_JSON, b"[" * 10_000),
        (DICOM_JSON, b'[{"00081140":{"vr":"SQ","Value":' * 10_000),
        (DICOM_JSON, b"junk"),
        (DICOM_JSON, b"[]"),
        (DICOM_JSON, b"[1]"),
        (DICOM_JSON, b'[{"00100020":{"vr":"LO"},"00100020":{"vr":"LO"}}]'),
        (DICOM_XML, b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><NativeDicomModel>&x;</NativeDicomModel>"),
        (DICOM_XML, b"<NativeDicomModel>" + b'<DicomAttribute tag="00081140" vr="SQ"><Item number="1">' * 10_000),
        (DICOM_XML, b"junk"),
    ],
)
def test_metadata_that_cannot_be_read_are_a_bad_request(client: httpx.Client, form: str, root: bytes) -> None:
    assert post(client, form, [(form, "", root)]).status_code == 400


@pytest.mark.requirement("STOW-44", "PAY-02")
def test_a_first_part_of_another_type_is_a_bad_request(client: httpx.Client) -> None:
    assert post(client, DICOM_JSON, [("image/jpeg", "", picture("JPEG"))]).status_code == 400
    assert post(client, DICOM_JSON, [("", "", b"{}")]).status_code in (400, 409)


@pytest.mark.requirement("STOW-24", "STOW-52")
@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("image/jpeg", b"\xff\xd8\xff\xe0 no picture"),
        ("image/jpeg", picture("PNG")),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\2\0\0\0\0\0\0\0"),
        ("image/gif", b"GIF89a\xff\xff\xff\xff\0\0\0"),
        ("image/jp2", picture("JPEG")),
        ("image/jxl", b"\xff\x0a"),
        ("video/mp4", picture("JPEG")),
        ("video/mpeg", b"\0" * 100),
        ("application/pdf", b"no document"),
        ("text/xml", b"<other/>"),
        ("model/stl", b"solid"),
        ("application/octet-stream", b"too short"),
        ("application/x-unknown", b"what"),
    ],
)
def test_content_that_is_not_of_its_type_fails_and_stores_nothing(
    client: httpx.Client, media_type: str, content: bytes
) -> None:
    model = minimal(Rows=60000, Columns=60000, SamplesPerPixel=3, BitsAllocated=8)

    response = post(client, DICOM_JSON, [as_json(model), (media_type, "", content)])

    assert response.status_code == 409, response.text
    assert nothing_is_stored(client, model["0020000D"]["Value"][0])


@pytest.mark.requirement("STOW-40", "STOW-41", "XML-02")
def test_the_response_comes_in_xml_where_that_is_asked_for(client: httpx.Client) -> None:
    dataset = make_dataset()

    single = post(client, DICOM_JSON, [as_json(dataset.to_json_dict())], accept=ONE_XML)
    multipart = post(client, DICOM_JSON, [as_json(make_dataset().to_json_dict())], accept=XML)

    assert (single.status_code, single.headers["content-type"]) == (200, DICOM_XML)
    assert values(values(xml_to_json(single.content), "00081199")[0], "00081155") == [dataset.SOPInstanceUID]
    (part,) = parts_of(multipart)
    assert part.headers["content-type"] == DICOM_XML


@pytest.mark.requirement("WADO-21", "WADO-32", "QIDO-20", "XML-02", "WADO-47")
def test_metadata_and_search_results_come_in_xml(client: httpx.Client) -> None:
    dataset = make_dataset(PixelData=bytes(5000), Rows=50, Columns=100)
    post(client, DICOM_JSON, [as_json(metadata(dataset)), ("application/octet-stream", LOCATION, dataset.PixelData)])
    path = path_of(dataset)

    (part,) = parts_of(client.get(f"/studies/{dataset.StudyInstanceUID}/metadata", headers=XML))
    single = client.get(f"{path}/metadata", headers=ONE_XML)
    found = parts_of(client.get(f"/studies?StudyInstanceUID={dataset.StudyInstanceUID}", headers=XML))

    expected = client.get(f"{path}/metadata", headers=JSON).json()[0]
    read = xml_to_json(part.content)
    assert set(read) == set(expected)
    assert read["7FE00010"] == expected["7FE00010"]
    assert xml_to_json(single.content) == read
    assert [values(xml_to_json(one.content), "0020000D") for one in found] == [[dataset.StudyInstanceUID]]
    bulk = client.get(read["7FE00010"]["BulkDataURI"], headers=OCTETS)
    assert parts_of(bulk)[0].content == dataset.PixelData


@pytest.mark.requirement("STOW-46")
def test_other_forms_of_metadata_are_an_unsupported_media_type(client: httpx.Client) -> None:
    assert post(client, "application/x-other", [as_json(make_dataset().to_json_dict())]).status_code == 415


@pytest.mark.requirement("STOW-21", "JSON-24", "JSON-27", "JSON-53")
def test_instances_join_the_series_that_is_there(client: httpx.Client) -> None:
    first = make_dataset()
    second = make_dataset(StudyInstanceUID=first.StudyInstanceUID, SeriesInstanceUID=first.SeriesInstanceUID)
    for dataset in (first, second):
        assert post(client, DICOM_JSON, [as_json(dataset.to_json_dict())], study="").status_code == 200

    path = f"/studies/{first.StudyInstanceUID}/series/{first.SeriesInstanceUID}/metadata"
    found = client.get(path, headers=JSON).json()

    assert {values(one, "00080018")[0] for one in found} == {first.SOPInstanceUID, second.SOPInstanceUID}
    assert [one["00080020"] for one in found] == [{"vr": "DA", "Value": ["20240102"]}] * 2


def test_an_array_of_a_million_data_sets_is_refused_at_once(client: httpx.Client) -> None:
    """Each would be a failure to be told: minutes of work and gigabytes of answer for 3 MB."""
    response = post(client, DICOM_JSON, [(DICOM_JSON, "", b"[" + b"{}," * 1_000_000 + b"{}]")])

    assert response.status_code == 413
    assert "20000 instances" in response.text
